#include "base/doc.h"

#include <string.h>

#include "base/doc_reader.h"

const struct doc *doc_get(const struct doc *doc, const char *key)
{
    if (!doc || doc->kind != DOC_MAP)
        return NULL;
    struct str wanted = str_of(key);
    DOC_EACH (member, doc)
        if (str_eq(member->key, wanted))
            return member;
    return NULL;
}

const struct doc *doc_at(const struct doc *doc, const char *path)
{
    struct str rest = str_of(path);
    while (doc && rest.len) {
        struct str step = str_cut(&rest, '.');
        const struct doc *member = doc->kind == DOC_MAP ? doc->first : NULL;
        while (member && !str_eq(member->key, step))
            member = member->next;
        doc = member;
    }
    return doc;
}

/* Bytes of the UTF-8 sequence at `at` (RFC 3629: shortest form, no surrogates, up to U+10FFFF); 0 if it is none. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char from, to, second_from, second_to;
        unsigned char len;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (at[0] < forms[i].from || at[0] > forms[i].to)
            continue;
        if (left < forms[i].len)
            return 0;
        if (forms[i].len > 1 && (at[1] < forms[i].second_from || at[1] > forms[i].second_to))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static int check_utf8(struct str text, struct err *err)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    for (size_t i = 0; i < text.len;) {
        /* Nearly all text is ASCII: eight bytes at once. */
        uint64_t word;
        if (text.len - i >= sizeof(word)) {
            memcpy(&word, at + i, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080))) {
                i += sizeof(word);
                continue;
            }
        }
        size_t len = utf8_sequence(at + i, text.len - i);
        if (!len) {
            int line = 1;
            for (size_t k = 0; k < i; k++)
                line += at[k] == '\n';
            return err_set(err, ERR_INVALID, "line %d: byte 0x%02x is not UTF-8 text", line, at[i]);
        }
        i += len;
    }
    return 0;
}

/* Does the text begin as JSON does? */
static bool looks_like_json(struct str text)
{
    text = str_trim(text);
    return text.len && (text.ptr[0] == '{' || text.ptr[0] == '[');
}

/* YAML that begins like JSON ({a: 1}, or JSON values with --- between them) fails as JSON and is read again as YAML. */
static int read_json_or_yaml(struct doc_reader *reader, struct str bytes, const char *name, struct err *err)
{
    struct err json_err = {0}, yaml_err = {0};
    int code = doc_json_read(reader, bytes, &json_err);
    bool again = code == ERR_INVALID && !reader->stopped;
    if (again) {
        reader->skip = reader->handed_out;
        reader->handed_out = 0;
        doc_reader_rewind(reader, (struct arena_mark){0}, 0);
        code = doc_yaml_read(reader, bytes, &yaml_err);
    }
    bool neither = again && code == ERR_INVALID && !reader->stopped;
    bool yaml_named = str_ends(str_of(name), ".yaml") || str_ends(str_of(name), ".yml");
    if (code && err)
        *err = !again || (neither && !yaml_named) ? json_err : yaml_err;
    return code;
}

int doc_read(struct str bytes, const char *name, doc_object_fn on_object, void *context, struct err *err)
{
    if (bytes.len > DOC_MAX_INPUT_BYTES)
        return err_set(err, ERR_INVALID, "line 1: input of %zu bytes is too large, allowed are %zu", bytes.len,
                       DOC_MAX_INPUT_BYTES);
    if (!bytes.len)
        return 0;
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (str_starts(bytes, byte_order_mark))
        bytes = (struct str){bytes.ptr + 3, bytes.len - 3};
    int code = check_utf8(bytes, err);
    if (code)
        return code;
    struct doc_reader reader = {.on_object = on_object, .context = context};
    if (str_ends(str_of(name), ".json"))
        code = doc_json_read(&reader, bytes, err);
    else if (looks_like_json(bytes))
        code = read_json_or_yaml(&reader, bytes, name, err);
    else
        code = doc_yaml_read(&reader, bytes, err);
    arena_release(&reader.arena);
    return code;
}

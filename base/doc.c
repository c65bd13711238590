#include "base/doc.h"

#include "base/doc_reader.h"
#include "base/utf8.h"

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

static int check_utf8(struct str text, struct err *err)
{
    size_t bad = utf8_check(text);
    if (bad == text.len)
        return 0;
    int line = 1;
    for (size_t i = 0; i < bad; i++)
        line += text.ptr[i] == '\n';
    return err_set(err, ERR_INVALID, "line %d: byte 0x%02x is not UTF-8 text", line, (unsigned char)text.ptr[bad]);
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

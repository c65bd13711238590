/*
 * JSON (RFC 8259) by cJSON, one object at a time; of a list, one item at a time.
 *
 * cJSON is lenient, keeps no lines, turns numbers into doubles and answers bad input and lack of memory alike. So the
 * scanner passes each value first: what is wrong is refused with its line, and cJSON gets only text that is known to
 * be valid. NULL from it then means that memory ran out. Its tree is copied with the scanner walking along, which
 * knows each value's line and the digits of each number, and is gone before anyone else runs.
 *
 * cJSON notes the place of its last error in a variable of its own: one thread at a time.
 */
#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

#include "base/doc_reader.h"
#include "base/json_scan.h"

_Static_assert(CJSON_NESTING_LIMIT > DOC_MAX_DEPTH, "what the scanner lets through, cJSON takes");

struct json_reader {
    struct doc_reader *out;
    struct json_scan scan;
};

/* The next token that begins a key or a value. */
static struct str next_value(struct json_scan *scan)
{
    struct str token;
    do
        token = json_token(scan);
    while (token.len == 1 && memchr(",:]}", token.ptr[0], 4));
    return token;
}

static enum doc_kind kind_of(const cJSON *item)
{
    return cJSON_IsObject(item)   ? DOC_MAP
           : cJSON_IsArray(item)  ? DOC_LIST
           : cJSON_IsString(item) ? DOC_STRING
           : cJSON_IsNumber(item) ? DOC_NUMBER
           : cJSON_IsBool(item)   ? DOC_BOOL
                                  : DOC_NULL;
}

static int copy_text(struct doc_reader *out, const char *text, struct str *ret, struct err *err)
{
    struct str copy = str_dup(&out->arena, str_of(text));
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

static int copy_value(struct doc_reader *out, const cJSON *item, struct json_scan *scan, struct doc **ret,
                      struct err *err);

static int copy_members(struct doc_reader *out, const cJSON *item, struct json_scan *scan, struct doc *parent,
                        struct err *err)
{
    struct doc **tail = &parent->first;
    for (const cJSON *child = item->child; child; child = child->next) {
        int code = copy_value(out, child, scan, tail, err);
        if (code)
            return code;
        tail = &(*tail)->next;
        parent->count++;
    }
    return parent->kind == DOC_MAP ? doc_reader_check_keys(parent, err) : 0;
}

/* `scan` is a copy that walks over the text of `item`, its key included: both are in the same order. */
static int copy_value(struct doc_reader *out, const cJSON *item, struct json_scan *scan, struct doc **ret,
                      struct err *err)
{
    if (item->string)
        next_value(scan);
    struct str token = next_value(scan);
    struct doc *node;
    int code = doc_reader_node(out, kind_of(item), scan->line, &node, err);
    if (code == 0 && item->string)
        code = copy_text(out, item->string, &node->key, err);
    if (code)
        return code;
    switch (node->kind) {
    case DOC_MAP:
    case DOC_LIST: code = copy_members(out, item, scan, node, err); break;
    case DOC_STRING: code = copy_text(out, item->valuestring, &node->text, err); break;
    case DOC_NUMBER:
    case DOC_BOOL:
    case DOC_NULL: node->text = token; break;
    }
    if (code == 0)
        *ret = node;
    return code;
}

/* Reads one value; `depth` as in json_check. The tree is in the reader's arena, or borrowed from the input. */
static int read_value(struct json_reader *reader, int depth, struct doc **ret, struct err *err)
{
    struct json_scan text = reader->scan;
    reader->scan.values = reader->out->nodes;
    int code = json_check(&reader->scan, depth, err);
    if (code)
        return code;
    text.end = reader->scan.at;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.at, (size_t)(text.end - text.at), NULL, false);
    if (!tree)
        return err_nomem(err);
    code = copy_value(reader->out, tree, &text, ret, err);
    assert(code || next_value(&text).len == 0);
    cJSON_Delete(tree);
    return code;
}

/* What a list of objects says of itself beside its items, which may come first. */
struct list_head {
    struct str kind, api_version;
    bool has_items;
};

/* The text of a string token that needs no parser: without escapes and control characters. "" for all others. */
static struct str plain_text(struct str token)
{
    if (token.len < 2 || token.ptr[0] != '"' || token.ptr[token.len - 1] != '"')
        return STR("");
    struct str text = {token.ptr + 1, token.len - 2};
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == '\\')
            return STR("");
    return text;
}

/* The cursor is on the colon behind a key of the object itself. */
static void note_member(struct json_scan *scan, struct str key, struct list_head *head)
{
    scan->at++;
    char c = json_peek(scan);
    if (c == '"' && str_is(key, "kind"))
        head->kind = plain_text(json_token(scan));
    else if (c == '"' && str_is(key, "apiVersion"))
        head->api_version = plain_text(json_token(scan));
    else if (c == '[' && str_is(key, "items"))
        head->has_items = true;
}

/*
 * Looks ahead over one object for its kind, apiVersion and items. Judges nothing: in broken text it finds what it
 * finds, and the reading that follows says what is wrong. `scan` is a copy that is thrown away.
 */
static struct list_head look_ahead(struct json_scan scan)
{
    struct list_head head = {STR(""), STR(""), false};
    int depth = 0;
    do {
        struct str token = json_token(&scan);
        char c = token.len ? token.ptr[0] : '\0';
        if (c == '"' && depth == 1 && json_peek(&scan) == ':')
            note_member(&scan, plain_text(token), &head);
        if (head.kind.len && !doc_reader_is_list(head.kind))
            break;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    } while (depth > 0 && scan.at < scan.end);
    return head;
}

/* The items of a list, each handed out and forgotten. The cursor is on the opening bracket. */
static int stream_items(struct json_reader *reader, const struct list_head *head, struct err *err)
{
    struct doc_reader *out = reader->out;
    struct arena_mark mark = arena_mark(&out->arena);
    size_t nodes = out->nodes;
    bool more = json_open(&reader->scan, ']');
    while (more) {
        struct doc *item;
        int code = read_value(reader, 3, &item, err);
        if (code == 0)
            code = json_take_separator(&reader->scan, ']', &more, err);
        if (code == 0)
            code = doc_reader_hand_out_item(out, head->kind, head->api_version, item, err);
        if (code)
            return code;
        doc_reader_rewind(out, mark, nodes);
    }
    return 0;
}

/* One member of a list of objects. All but the items is read for its errors only. */
static int stream_member(struct json_reader *reader, const struct list_head *head, struct doc **ret, struct err *err)
{
    struct doc *key, *value;
    int code = json_check_quote(&reader->scan, err);
    if (code == 0)
        code = read_value(reader, 2, &key, err);
    if (code == 0)
        code = json_take_colon(&reader->scan, err);
    if (code)
        return code;
    if (str_is(key->text, "items") && json_peek(&reader->scan) == '[') {
        code = doc_reader_node(reader->out, DOC_LIST, reader->scan.line, &value, err);
        if (code == 0)
            code = stream_items(reader, head, err);
    } else {
        code = read_value(reader, 2, &value, err);
    }
    if (code)
        return code;
    value->key = key->text;
    *ret = value;
    return 0;
}

static int stream_list(struct json_reader *reader, const struct list_head *head, struct err *err)
{
    struct doc list = {.kind = DOC_MAP, .line = reader->scan.line};
    struct doc **tail = &list.first;
    bool more = json_open(&reader->scan, '}');
    while (more) {
        int code = stream_member(reader, head, tail, err);
        if (code == 0)
            code = json_take_separator(&reader->scan, '}', &more, err);
        if (code)
            return code;
        tail = &(*tail)->next;
        list.count++;
    }
    return doc_reader_check_keys(&list, err);
}

/* The cursor is on the first character that is not white space. */
static int read_object(struct json_reader *reader, struct err *err)
{
    char c = json_peek(&reader->scan);
    if (c == '{') {
        struct list_head head = look_ahead(reader->scan);
        if (doc_reader_is_list(head.kind) && head.has_items)
            return stream_list(reader, &head, err);
    } else if (c != '[') {
        return json_unexpected(&reader->scan, "'{', '[' or the end of the text", err);
    }
    struct doc *object;
    int code = read_value(reader, 1, &object, err);
    return code ? code : doc_reader_hand_out(reader->out, object, err);
}

int doc_json_read(struct doc_reader *out, struct str bytes, struct err *err)
{
    struct json_reader reader = {out, {.at = bytes.ptr, .end = bytes.ptr + bytes.len, .line = 1}};
    struct arena_mark empty = arena_mark(&out->arena);
    while (json_peek(&reader.scan), reader.scan.at < reader.scan.end) {
        int code = read_object(&reader, err);
        if (code)
            return code;
        doc_reader_rewind(out, empty, 0);
    }
    return 0;
}

/*
 * JSON (RFC 8259) straight into the tree, one object at a time. A library's tree would not do here: cJSON keeps no
 * lines, turns 64-bit amounts into doubles, cuts strings at \u0000 and cannot tell bad input from memory running out.
 */
#include <string.h>

#include "base/doc_reader.h"
#include "base/utf8.h"

struct cursor {
    struct doc_reader *reader;
    const char *at, *end;
    int line;
};

static int parse_value(struct cursor *cursor, int depth, struct doc **ret, struct err *err);

static void skip_space(struct cursor *cursor)
{
    for (; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == '\n')
            cursor->line++;
        else if (*cursor->at != ' ' && *cursor->at != '\t' && *cursor->at != '\r')
            return;
    }
}

/* The next character that is not white space; '\0' at the end (a raw NUL is never valid JSON, so nothing is lost). */
static char peek(struct cursor *cursor)
{
    skip_space(cursor);
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

static int unexpected(const struct cursor *cursor, const char *wanted, struct err *err)
{
    if (cursor->at >= cursor->end)
        return err_set(err, ERR_INVALID, "line %d: the text ends where %s is expected", cursor->line, wanted);
    unsigned char c = (unsigned char)*cursor->at;
    if (c > ' ' && c < 0x7f)
        return err_set(err, ERR_INVALID, "line %d: unexpected '%c', expected is %s", cursor->line, c, wanted);
    return err_set(err, ERR_INVALID, "line %d: unexpected byte 0x%02x, expected is %s", cursor->line, c, wanted);
}

static int unescape(const struct cursor *cursor, struct str raw, struct str *ret, struct err *err)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    /* No escape is shorter than what it stands for. */
    char *text = arena_alloc(&cursor->reader->arena, raw.len + 1);
    if (!text)
        return err_nomem(err);
    char *out = text;
    for (const char *at = raw.ptr, *end = raw.ptr + raw.len; at < end;) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        const char *name = memchr(names, at[1], sizeof(names) - 1);
        const char *rest = at + 2;
        if (name)
            *out++ = values[name - names];
        else
            out = at[1] == 'u' ? utf8_unescape(&rest, end, out) : NULL;
        if (!out)
            return err_set(
                err, ERR_INVALID,
                "line %d: bad escape in a string, allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX of a "
                "character other than NUL",
                cursor->line);
        at = rest;
    }
    *ret = (struct str){text, (size_t)(out - text)};
    return 0;
}

/* The cursor is on the opening quote. Text without escapes is borrowed from the input. */
static int parse_string(struct cursor *cursor, struct str *ret, struct err *err)
{
    const char *start = ++cursor->at;
    bool escapes = false;
    for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        if ((unsigned char)*cursor->at < ' ')
            return unexpected(cursor, "a character of a string (control characters are written \\uXXXX)", err);
        if (*cursor->at == '\\') {
            escapes = true;
            if (++cursor->at == cursor->end)
                break;
        }
    }
    if (cursor->at == cursor->end)
        return unexpected(cursor, "the end of a string", err);
    struct str raw = {start, (size_t)(cursor->at - start)};
    cursor->at++;
    if (raw.len > DOC_MAX_TEXT_BYTES)
        return err_set(err, ERR_INVALID, "line %d: string of %zu bytes, allowed are %d", cursor->line, raw.len,
                       DOC_MAX_TEXT_BYTES);
    if (escapes)
        return unescape(cursor, raw, ret, err);
    *ret = raw;
    return 0;
}

static bool take_digits(struct cursor *cursor)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        cursor->at++;
    return cursor->at > start;
}

static bool take_char(struct cursor *cursor, const char *any_of)
{
    if (cursor->at == cursor->end || !*cursor->at || !strchr(any_of, *cursor->at))
        return false;
    cursor->at++;
    return true;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static int parse_number(struct cursor *cursor, struct str *ret, struct err *err)
{
    const char *start = cursor->at;
    take_char(cursor, "-");
    bool good = take_char(cursor, "0") || take_digits(cursor);
    if (good && take_char(cursor, "."))
        good = take_digits(cursor);
    if (good && take_char(cursor, "eE")) {
        take_char(cursor, "+-");
        good = take_digits(cursor);
    }
    if (!good)
        return unexpected(cursor, "a digit", err);
    *ret = (struct str){start, (size_t)(cursor->at - start)};
    if (ret->len > DOC_MAX_TEXT_BYTES)
        return err_set(err, ERR_INVALID, "line %d: number of %zu digits, allowed are %d", cursor->line, ret->len,
                       DOC_MAX_TEXT_BYTES);
    return 0;
}

static int parse_word(struct cursor *cursor, const char *word, struct str *ret, struct err *err)
{
    struct str rest = {cursor->at, (size_t)(cursor->end - cursor->at)};
    if (!str_starts(rest, word))
        return unexpected(cursor, "a value", err);
    *ret = (struct str){cursor->at, strlen(word)};
    cursor->at += ret->len;
    return 0;
}

/* After a member: a comma (and more), or the closing bracket. */
static int parse_separator(struct cursor *cursor, char close, bool *ret_more, struct err *err)
{
    char c = peek(cursor);
    if (c != ',' && c != close)
        return unexpected(cursor, close == '}' ? "',' or '}'" : "',' or ']'", err);
    cursor->at++;
    *ret_more = c == ',';
    return 0;
}

static int parse_key(struct cursor *cursor, struct str *ret, struct err *err)
{
    if (peek(cursor) != '"')
        return unexpected(cursor, "a key in double quotes", err);
    int code = parse_string(cursor, ret, err);
    if (code)
        return code;
    if (peek(cursor) != ':')
        return unexpected(cursor, "':'", err);
    cursor->at++;
    return 0;
}

/* Takes the opening bracket; *ret_more tells whether a member follows. */
static void open_bracket(struct cursor *cursor, char close, bool *ret_more)
{
    cursor->at++;
    *ret_more = peek(cursor) != close;
    if (!*ret_more)
        cursor->at++;
}

static int parse_list(struct cursor *cursor, int depth, struct doc *list, struct err *err)
{
    struct doc **tail = &list->first;
    bool more;
    open_bracket(cursor, ']', &more);
    while (more) {
        int code = parse_value(cursor, depth, tail, err);
        if (code == 0)
            code = parse_separator(cursor, ']', &more, err);
        if (code)
            return code;
        tail = &(*tail)->next;
        list->count++;
    }
    return 0;
}

static int parse_map(struct cursor *cursor, int depth, struct doc *map, struct err *err)
{
    struct doc **tail = &map->first;
    bool more;
    open_bracket(cursor, '}', &more);
    while (more) {
        struct str key;
        int code = parse_key(cursor, &key, err);
        if (code == 0)
            code = parse_value(cursor, depth, tail, err);
        if (code == 0)
            code = parse_separator(cursor, '}', &more, err);
        if (code)
            return code;
        (*tail)->key = key;
        tail = &(*tail)->next;
        map->count++;
    }
    return doc_reader_check_keys(map, err);
}

/* `depth` of the value: 1 for a whole object. */
static int parse_value(struct cursor *cursor, int depth, struct doc **ret, struct err *err)
{
    char c = peek(cursor);
    enum doc_kind kind = c == '{'               ? DOC_MAP
                         : c == '['             ? DOC_LIST
                         : c == '"'             ? DOC_STRING
                         : c == 't' || c == 'f' ? DOC_BOOL
                         : c == 'n'             ? DOC_NULL
                                                : DOC_NUMBER;
    if (kind == DOC_NUMBER && c != '-' && (c < '0' || c > '9'))
        return unexpected(cursor, "a value", err);
    if (depth > DOC_MAX_DEPTH)
        return err_set(err, ERR_INVALID, "line %d: nested too deeply, allowed are %d levels", cursor->line,
                       DOC_MAX_DEPTH);
    struct doc *node;
    int code = doc_reader_node(cursor->reader, kind, cursor->line, &node, err);
    if (code)
        return code;
    switch (kind) {
    case DOC_MAP: code = parse_map(cursor, depth + 1, node, err); break;
    case DOC_LIST: code = parse_list(cursor, depth + 1, node, err); break;
    case DOC_STRING: code = parse_string(cursor, &node->text, err); break;
    case DOC_BOOL: code = parse_word(cursor, c == 't' ? "true" : "false", &node->text, err); break;
    case DOC_NULL: code = parse_word(cursor, "null", &node->text, err); break;
    case DOC_NUMBER: code = parse_number(cursor, &node->text, err); break;
    }
    if (code == 0)
        *ret = node;
    return code;
}

/* What a list of objects says of itself beside its items, which may come first. */
struct list_head {
    struct str kind, api_version;
    bool has_items;
};

/* The text between two quotes, escapes left as they are; leaves the cursor behind the closing one. */
static struct str skip_string(struct cursor *cursor)
{
    const char *start = ++cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '"')
        cursor->at += *cursor->at == '\\' && cursor->end - cursor->at > 1 ? 2 : 1;
    struct str text = {start, (size_t)(cursor->at - start)};
    if (cursor->at < cursor->end)
        cursor->at++;
    return text;
}

/* Text that needs no parser: without escapes and control characters. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == '\\')
            return false;
    return true;
}

static struct str skip_plain_string(struct cursor *cursor)
{
    struct str text = skip_string(cursor);
    return is_plain(text) ? text : STR("");
}

/* The cursor is on the colon behind a key of the object itself. */
static void note_member(struct cursor *cursor, struct str key, struct list_head *head)
{
    cursor->at++;
    char c = peek(cursor);
    if (c == '"' && str_is(key, "kind"))
        head->kind = skip_plain_string(cursor);
    else if (c == '"' && str_is(key, "apiVersion"))
        head->api_version = skip_plain_string(cursor);
    else if (c == '[' && str_is(key, "items"))
        head->has_items = true;
}

/*
 * Looks ahead over one object for its kind, apiVersion and items. Judges nothing: in broken text it finds what it
 * finds, and the parser that follows says what is wrong. `cursor` is a copy that is thrown away.
 */
static struct list_head look_ahead(struct cursor cursor)
{
    struct list_head head = {STR(""), STR(""), false};
    int depth = 0;
    do {
        char c = peek(&cursor);
        if (c == '"') {
            struct str key = skip_string(&cursor);
            if (depth == 1 && peek(&cursor) == ':')
                note_member(&cursor, key, &head);
            if (head.kind.len && !doc_reader_is_list(head.kind))
                return head;
            continue;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        cursor.at++;
    } while (depth > 0 && cursor.at < cursor.end);
    return head;
}

/* The items of a list, each handed out and forgotten. The cursor is on the opening bracket. */
static int stream_items(struct cursor *cursor, const struct list_head *head, struct err *err)
{
    struct doc_reader *reader = cursor->reader;
    struct arena_mark mark = arena_mark(&reader->arena);
    size_t nodes = reader->nodes;
    bool more;
    open_bracket(cursor, ']', &more);
    while (more) {
        struct doc *item;
        int code = parse_value(cursor, 3, &item, err);
        if (code == 0)
            code = parse_separator(cursor, ']', &more, err);
        if (code == 0)
            code = doc_reader_hand_out_item(reader, head->kind, head->api_version, item, err);
        if (code)
            return code;
        doc_reader_rewind(reader, mark, nodes);
    }
    return 0;
}

/* The members of a list of objects beside its items are read, for their errors, and dropped. */
static int stream_list(struct cursor *cursor, const struct list_head *head, struct err *err)
{
    struct doc list = {.kind = DOC_MAP, .line = cursor->line};
    struct doc **tail = &list.first;
    bool more;
    open_bracket(cursor, '}', &more);
    while (more) {
        struct str key;
        int code = parse_key(cursor, &key, err);
        if (code)
            return code;
        bool items = str_is(key, "items") && peek(cursor) == '[';
        if (items) {
            code = doc_reader_node(cursor->reader, DOC_LIST, cursor->line, tail, err);
            if (code == 0)
                code = stream_items(cursor, head, err);
        } else {
            code = parse_value(cursor, 2, tail, err);
        }
        if (code == 0)
            code = parse_separator(cursor, '}', &more, err);
        if (code)
            return code;
        (*tail)->key = key;
        tail = &(*tail)->next;
        list.count++;
    }
    return doc_reader_check_keys(&list, err);
}

static int read_object(struct cursor *cursor, struct err *err)
{
    if (peek(cursor) == '{') {
        struct list_head head = look_ahead(*cursor);
        if (doc_reader_is_list(head.kind) && head.has_items)
            return stream_list(cursor, &head, err);
    } else if (peek(cursor) != '[') {
        return unexpected(cursor, "'{', '[' or the end of the text", err);
    }
    struct doc *object;
    int code = parse_value(cursor, 1, &object, err);
    return code ? code : doc_reader_hand_out(cursor->reader, object, err);
}

int doc_json_read(struct doc_reader *reader, struct str bytes, struct err *err)
{
    struct cursor cursor = {reader, bytes.ptr, bytes.ptr + bytes.len, 1};
    struct arena_mark empty = arena_mark(&reader->arena);
    while (skip_space(&cursor), cursor.at < cursor.end) {
        int code = read_object(&cursor, err);
        if (code)
            return code;
        doc_reader_rewind(reader, empty, 0);
    }
    return 0;
}

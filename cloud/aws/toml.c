#include "cloud/aws/toml.h"

#include <string.h>

#include "base/json_out.h"

struct reader {
    const char *at, *end;
    int line;
    struct arena *arena;
};

static int bad(const struct reader *reader, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "line %d: %s", reader->line, what);
}

static bool bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void toml_put_string(struct buf *buf, struct str text)
{
    struct json_out json = JSON_OUT(buf); /* JSON's escapes are TOML's too */
    json_str(&json, NULL, text);
}

void toml_put_key(struct buf *buf, struct str key)
{
    bool plain = key.len > 0;
    for (size_t i = 0; i < key.len; i++)
        plain = plain && bare(key.ptr[i]);
    if (plain)
        buf_add(buf, key);
    else
        toml_put_string(buf, key);
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

static void skip_comment(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at != '\n')
        reader->at++;
}

static bool at_line_end(const struct reader *reader)
{
    return reader->at == reader->end || *reader->at == '\n' || *reader->at == '#' || *reader->at == '\r';
}

/* A quoted key of one line. Escapes are not resolved: a key that has them stays as it is written. */
static int read_quoted_key(struct reader *reader, struct buf *path, struct err *err)
{
    char quote = *reader->at++;
    const char *start = reader->at;
    bool escapes = false;
    while (reader->at < reader->end && *reader->at != quote && *reader->at != '\n') {
        bool escape = quote == '"' && *reader->at == '\\' && reader->at + 1 < reader->end;
        escapes = escapes || escape;
        reader->at += escape ? 2 : 1;
    }
    if (reader->at >= reader->end || *reader->at != quote)
        return bad(reader, "a key's quotes do not end", err);
    struct str key = {start, (size_t)(reader->at - start)};
    if (escapes) {
        buf_byte(path, '"');
        buf_add(path, key);
        buf_byte(path, '"');
    } else {
        toml_put_key(path, key);
    }
    reader->at++;
    return 0;
}

static int read_key(struct reader *reader, struct buf *path, struct err *err)
{
    if (reader->at < reader->end && (*reader->at == '"' || *reader->at == '\''))
        return read_quoted_key(reader, path, err);
    const char *start = reader->at;
    while (reader->at < reader->end && bare(*reader->at))
        reader->at++;
    if (reader->at == start)
        return bad(reader, "expected is a key", err);
    toml_put_key(path, (struct str){start, (size_t)(reader->at - start)});
    return 0;
}

/* "a . "b.c"" to `a."b.c"`, behind what `path` has already. */
static int read_path(struct reader *reader, struct buf *path, struct err *err)
{
    bool more = true;
    while (more) {
        skip_blanks(reader);
        if (path->len)
            buf_byte(path, '.');
        int rc = read_key(reader, path, err);
        if (rc)
            return rc;
        skip_blanks(reader);
        more = reader->at < reader->end && *reader->at == '.';
        reader->at += more;
    }
    return 0;
}

static bool ahead(const struct reader *reader, const char *text, size_t len)
{
    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, text, len) == 0;
}

/* From the opening quote behind the closing one. */
static int skip_string(struct reader *reader, struct err *err)
{
    char quote = *reader->at;
    const char triple[] = {quote, quote, quote};
    size_t width = ahead(reader, triple, 3) ? 3 : 1;
    reader->at += width;
    while (reader->at < reader->end) {
        if (ahead(reader, triple, width)) {
            reader->at += width;
            while (width == 3 && reader->at < reader->end && *reader->at == quote)
                reader->at++; /* up to two more belong to the text */
            return 0;
        }
        if (*reader->at == '\n' && width == 1)
            break;
        reader->line += *reader->at == '\n';
        bool escape = quote == '"' && *reader->at == '\\' && reader->at + 1 < reader->end;
        reader->line += escape && reader->at[1] == '\n';
        reader->at += escape ? 2 : 1;
    }
    return bad(reader, "a string does not end", err);
}

/* TOML has none outside strings but tabs and the ends of lines. */
static bool control_character(char c)
{
    return ((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

/* A value ends with its line, unless a bracket or a string is open. */
static int read_value(struct reader *reader, struct str *ret, struct err *err)
{
    skip_blanks(reader);
    const char *start = reader->at;
    int depth = 0;
    if (at_line_end(reader))
        return bad(reader, "expected is a value", err);
    while (reader->at < reader->end && (*reader->at != '\n' || depth > 0)) {
        char c = *reader->at;
        if (c == '"' || c == '\'') {
            int rc = skip_string(reader, err);
            if (rc)
                return rc;
            continue;
        }
        if (c == '#') {
            skip_comment(reader);
            continue;
        }
        if (control_character(c))
            return bad(reader, "a value has a control character", err);
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        if (depth < 0)
            return bad(reader, "a bracket was not opened", err);
        reader->line += c == '\n';
        reader->at++;
    }
    if (depth > 0)
        return bad(reader, "a bracket does not end", err);
    struct str value = str_trim((struct str){start, (size_t)(reader->at - start)});
    if (value.len == 0)
        return bad(reader, "expected is a value", err);
    *ret = value;
    return 0;
}

static int read_header(struct reader *reader, struct str *ret_table, struct err *err)
{
    if (ahead(reader, "[[", 2))
        return bad(reader, "an array of tables cannot be merged", err);
    struct buf path = BUF_INIT(reader->arena);
    reader->at++;
    int rc = read_path(reader, &path, err);
    if (rc)
        return rc;
    if (reader->at == reader->end || *reader->at != ']')
        return bad(reader, "expected is ]", err);
    reader->at++;
    skip_blanks(reader);
    if (!at_line_end(reader))
        return bad(reader, "unexpected text behind ]", err);
    skip_comment(reader);
    return buf_str(&path, ret_table, err);
}

static int read_statement(struct reader *reader, struct str table, toml_fn each, void *context, struct err *err)
{
    struct toml_statement statement;
    struct buf path = BUF_INIT(reader->arena);
    buf_add(&path, table);
    int rc = read_path(reader, &path, err);
    if (rc)
        return rc;
    if (reader->at == reader->end || *reader->at != '=')
        return bad(reader, "expected is =", err);
    reader->at++;
    rc = read_value(reader, &statement.value, err);
    if (!rc)
        rc = buf_str(&path, &statement.path, err);
    return rc ? rc : each(context, &statement, err);
}

int toml_read(struct str text, struct arena *arena, toml_fn each, void *context, struct err *err)
{
    struct reader reader = {.at = text.ptr, .end = text.ptr + text.len, .line = 1, .arena = arena};
    struct str table = STR("");
    int rc = 0;
    while (rc == 0 && reader.at < reader.end) {
        char c = *reader.at;
        reader.line += c == '\n';
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            reader.at++;
        else if (c == '#')
            skip_comment(&reader);
        else if (c == '[')
            rc = read_header(&reader, &table, err);
        else
            rc = read_statement(&reader, table, each, context, err);
    }
    return rc;
}

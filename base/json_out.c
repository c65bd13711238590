#include "base/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"

/* Looked at in one go: a bound on the work that one broken byte costs. */
enum { RUN_BYTES = 256 };

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static struct str escape_of(char c, char room[JSON_ESCAPE_BYTES])
{
    switch (c) {
    case '"': return STR("\\\"");
    case '\\': return STR("\\\\");
    case '\n': return STR("\\n");
    case '\r': return STR("\\r");
    case '\t': return STR("\\t");
    case '\0': return STR("\xef\xbf\xbd");
    default: break;
    }
    int len = snprintf(room, JSON_ESCAPE_BYTES, "\\u%04x", (unsigned)(unsigned char)c);
    return (struct str){room, (size_t)len};
}

struct str json_escaped(struct str *rest, char room[JSON_ESCAPE_BYTES])
{
    if (rest->len == 0)
        return STR("");
    size_t run = 0;
    while (run < rest->len && run < RUN_BYTES && is_plain(rest->ptr[run]))
        run++;
    struct str ret;
    size_t taken = 1;
    if (run == 0) {
        ret = escape_of(rest->ptr[0], room);
    } else {
        /* A character that the run's end cuts through is left for the next call. */
        taken = utf8_check((struct str){rest->ptr, run});
        ret = (struct str){rest->ptr, taken};
        if (taken == 0) {
            taken = 1;
            ret = STR("\xef\xbf\xbd");
        }
    }
    *rest = (struct str){rest->ptr + taken, rest->len - taken};
    return ret;
}

static void add_quoted(struct buf *buf, struct str text)
{
    char room[JSON_ESCAPE_BYTES];
    buf_byte(buf, '"');
    while (text.len)
        buf_add(buf, json_escaped(&text, room));
    buf_byte(buf, '"');
}

static void before_value(struct json_out *json)
{
    uint32_t bit = UINT32_C(1) << json->depth;
    if (json->comma & bit)
        buf_byte(json->buf, ',');
    json->comma |= bit;
}

static void begin(struct json_out *json, const char *key)
{
    before_value(json);
    if (key) {
        add_quoted(json->buf, str_of(key));
        buf_byte(json->buf, ':');
    }
}

static void open_with(struct json_out *json, const char *key, char bracket)
{
    begin(json, key);
    buf_byte(json->buf, bracket);
    json->depth++;
    assert(json->depth < JSON_OUT_MAX_DEPTH);
    json->comma &= ~(UINT32_C(1) << json->depth);
}

static void close_with(struct json_out *json, char bracket)
{
    assert(json->depth > 0);
    json->depth--;
    buf_byte(json->buf, bracket);
}

void json_open_map(struct json_out *json, const char *key)
{
    open_with(json, key, '{');
}

void json_close_map(struct json_out *json)
{
    close_with(json, '}');
}

void json_open_list(struct json_out *json, const char *key)
{
    open_with(json, key, '[');
}

void json_close_list(struct json_out *json)
{
    close_with(json, ']');
}

void json_str(struct json_out *json, const char *key, struct str value)
{
    begin(json, key);
    add_quoted(json->buf, value);
}

void json_int(struct json_out *json, const char *key, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
    json_raw(json, key, (struct str){digits, (size_t)len});
}

void json_bool(struct json_out *json, const char *key, bool value)
{
    json_raw(json, key, value ? STR("true") : STR("false"));
}

void json_null(struct json_out *json, const char *key)
{
    json_raw(json, key, STR("null"));
}

void json_str_by(struct json_out *json, struct str key, struct str value)
{
    before_value(json);
    add_quoted(json->buf, key);
    buf_byte(json->buf, ':');
    add_quoted(json->buf, value);
}

void json_raw(struct json_out *json, const char *key, struct str value)
{
    begin(json, key);
    buf_add(json->buf, value);
}

/*
 * Java properties, as java.util.Properties.load reads them: comments from # or !, lines continued by a backslash,
 * key and value parted by =, : or white space, escapes \t \n \r \f \uXXXX, and a backslash before anything else
 * means that character. Text is UTF-8, as Spark reads it. Unlike Java, lone surrogates and NUL are refused.
 */
#include <string.h>

#include "base/utf8.h"
#include "provisioner/spark/conf.h"

/* A file of more is taken for a mistake. */
#define MAX_BYTES ((size_t)16 << 20)

struct lines {
    const char *at, *end;
    int line; /* of `at` */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static void skip_blanks(struct lines *lines)
{
    while (lines->at < lines->end && is_blank(*lines->at))
        lines->at++;
}

/* A natural line, without its end: \n, \r or both. */
static struct str next_line(struct lines *lines)
{
    const char *start = lines->at;
    while (lines->at < lines->end && *lines->at != '\n' && *lines->at != '\r')
        lines->at++;
    struct str line = {start, (size_t)(lines->at - start)};
    if (lines->end - lines->at > 1 && lines->at[0] == '\r' && lines->at[1] == '\n')
        lines->at++;
    if (lines->at < lines->end)
        lines->at++;
    lines->line++;
    return line;
}

/* Does it end in an odd number of backslashes? */
static bool is_continued(struct str line)
{
    size_t backslashes = 0;
    while (backslashes < line.len && line.ptr[line.len - 1 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2;
}

/* A logical line, continued ones joined in `buffer` (as large as the whole text). */
static struct str next_logical_line(struct lines *lines, char *buffer, int *ret_line)
{
    skip_blanks(lines);
    *ret_line = lines->line;
    struct str line = next_line(lines);
    if (line.len && (line.ptr[0] == '#' || line.ptr[0] == '!'))
        return STR("");
    if (!is_continued(line))
        return line;
    size_t len = 0;
    for (;;) {
        bool more = is_continued(line);
        size_t keep = line.len - more;
        memcpy(buffer + len, line.ptr, keep);
        len += keep;
        if (!more || lines->at == lines->end)
            return (struct str){buffer, len};
        skip_blanks(lines);
        line = next_line(lines);
    }
}

/* Cuts a logical line behind its key. */
static struct str cut_key(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len]) && rest->ptr[len] != '=' && rest->ptr[len] != ':')
        len += rest->ptr[len] == '\\' && len + 1 < rest->len ? 2 : 1;
    struct str key = {rest->ptr, len};
    bool separated = false;
    for (; len < rest->len; len++) {
        bool separator = rest->ptr[len] == '=' || rest->ptr[len] == ':';
        if (!is_blank(rest->ptr[len]) && (!separator || separated))
            break;
        separated = separated || separator;
    }
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return key;
}

/* ret->ptr is NULL if an escape is broken. */
static int unescape(struct arena *arena, struct str raw, struct str *ret, struct err *err)
{
    static const char names[] = "tnrf", values[] = "\t\n\r\f";
    char *text = arena_alloc(arena, raw.len + 1), *out = text;
    if (!text)
        return err_nomem(err);
    for (const char *at = raw.ptr, *end = raw.ptr + raw.len; at < end;) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        if (++at == end)
            break;
        char c = *at++;
        const char *name = memchr(names, c, sizeof(names) - 1);
        if (c == 'u')
            out = utf8_unescape(&at, end, out);
        else
            *out++ = name ? values[name - names] : c;
        if (!out)
            break;
    }
    *ret = out ? (struct str){text, (size_t)(out - text)} : (struct str){NULL, 0};
    return 0;
}

static int read_entry(struct conf *conf, struct str line, int number, struct err *err)
{
    struct str raw_value = line, raw_key = cut_key(&raw_value), key, value;
    int code = unescape(conf->arena, raw_key, &key, err);
    if (code == 0)
        code = unescape(conf->arena, raw_value, &value, err);
    if (code)
        return code;
    if (key.ptr && value.ptr)
        return conf_set(conf, key, value, number, NULL, err);
    /* The value may be a secret: it is not shown. */
    char shown[80] = "";
    memcpy(shown, key.ptr ? key.ptr : "", key.len < sizeof(shown) ? key.len : sizeof(shown) - 1);
    diag_add(conf->diag, conf->file, number, shown, "broken escape, allowed is \\uXXXX with four hex digits, not NUL");
    return 0;
}

static int read_lines(struct conf *conf, struct str bytes, char *buffer, struct err *err)
{
    struct lines lines = {bytes.ptr, bytes.ptr + bytes.len, 1};
    while (lines.at < lines.end && !conf->full) {
        int number;
        struct str line = next_logical_line(&lines, buffer, &number);
        int code = line.len ? read_entry(conf, line, number, err) : 0;
        if (code)
            return code;
    }
    return 0;
}

int conf_read_properties(struct conf *conf, struct str bytes, struct err *err)
{
    if (!bytes.len)
        return 0;
    if (bytes.len > MAX_BYTES) {
        diag_add(conf->diag, conf->file, 0, "", "%zu bytes of properties, allowed are %zu", bytes.len, MAX_BYTES);
        return 0;
    }
    size_t bad = utf8_check(bytes);
    const char *nul = bytes.len ? memchr(bytes.ptr, '\0', bytes.len) : NULL;
    if (nul && (size_t)(nul - bytes.ptr) < bad)
        bad = (size_t)(nul - bytes.ptr);
    if (bad < bytes.len) {
        int line = 1;
        for (size_t i = 0; i < bad; i++)
            line += bytes.ptr[i] == '\n';
        diag_add(conf->diag, conf->file, line, "", "byte 0x%02x is not UTF-8 text", (unsigned char)bytes.ptr[bad]);
        return 0;
    }
    if (str_starts(bytes, "\xef\xbb\xbf"))
        bytes = (struct str){bytes.ptr + 3, bytes.len - 3};
    char *buffer = arena_alloc(conf->arena, bytes.len + 1);
    return buffer ? read_lines(conf, bytes, buffer, err) : err_nomem(err);
}

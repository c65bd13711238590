#include "base/json_scan.h"

#include <string.h>

#include "base/doc.h"
#include "base/utf8.h"

char json_peek(struct json_scan *scan)
{
    for (; scan->at < scan->end; scan->at++) {
        if (*scan->at == '\n')
            scan->line++;
        else if (*scan->at != ' ' && *scan->at != '\t' && *scan->at != '\r')
            return *scan->at;
    }
    return '\0';
}

int json_unexpected(const struct json_scan *scan, const char *wanted, struct err *err)
{
    if (scan->at >= scan->end)
        return err_set(err, ERR_INVALID, "line %d: the text ends where %s is expected", scan->line, wanted);
    unsigned char c = (unsigned char)*scan->at;
    if (c > ' ' && c < 0x7f)
        return err_set(err, ERR_INVALID, "line %d: unexpected '%c', expected is %s", scan->line, c, wanted);
    return err_set(err, ERR_INVALID, "line %d: unexpected byte 0x%02x, expected is %s", scan->line, c, wanted);
}

static int check_length(const struct json_scan *scan, const char *what, size_t len, size_t most, struct err *err)
{
    if (len <= most)
        return 0;
    return err_set(err, ERR_INVALID, "line %d: %s of %zu bytes, allowed are %zu", scan->line, what, len, most);
}

/* The cursor is on a backslash that is not the last byte. */
static int check_escape(struct json_scan *scan, struct err *err)
{
    char character[UTF8_MAX];
    const char *rest = scan->at + 2;
    bool good = scan->at[1] == 'u' ? utf8_unescape(&rest, scan->end, character) != NULL
                                   : memchr("\"\\/bfnrt", scan->at[1], sizeof("\"\\/bfnrt") - 1) != NULL;
    if (!good)
        return err_set(
            err, ERR_INVALID,
            "line %d: bad escape in a string, allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX of a "
            "character other than NUL",
            scan->line);
    scan->at = rest;
    return 0;
}

/* The cursor is on the opening quote. */
static int check_string(struct json_scan *scan, struct err *err)
{
    const char *start = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        if ((unsigned char)*scan->at < ' ')
            return json_unexpected(scan, "a character of a string (control characters are written \\uXXXX)", err);
        if (*scan->at != '\\' || scan->end - scan->at == 1) {
            scan->at++;
            continue;
        }
        int code = check_escape(scan, err);
        if (code)
            return code;
    }
    if (scan->at == scan->end)
        return json_unexpected(scan, "the end of a string", err);
    size_t len = (size_t)(scan->at - start);
    scan->at++;
    return check_length(scan, "string", len, DOC_MAX_TEXT_BYTES, err);
}

static bool take_digits(struct json_scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

static bool take_char(struct json_scan *scan, const char *any_of)
{
    if (scan->at == scan->end || !*scan->at || !strchr(any_of, *scan->at))
        return false;
    scan->at++;
    return true;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static int check_number(struct json_scan *scan, struct err *err)
{
    const char *start = scan->at;
    take_char(scan, "-");
    bool good = take_char(scan, "0") || take_digits(scan);
    if (good && take_char(scan, "."))
        good = take_digits(scan);
    if (good && take_char(scan, "eE")) {
        take_char(scan, "+-");
        good = take_digits(scan);
    }
    if (!good)
        return json_unexpected(scan, "a digit", err);
    return check_length(scan, "number", (size_t)(scan->at - start), JSON_MAX_NUMBER_BYTES, err);
}

static int check_word(struct json_scan *scan, const char *word, struct err *err)
{
    struct str rest = {scan->at, (size_t)(scan->end - scan->at)};
    if (!str_starts(rest, word))
        return json_unexpected(scan, "a value", err);
    scan->at += strlen(word);
    return 0;
}

int json_check_quote(struct json_scan *scan, struct err *err)
{
    return json_peek(scan) == '"' ? 0 : json_unexpected(scan, "a key in double quotes", err);
}

int json_take_colon(struct json_scan *scan, struct err *err)
{
    if (json_peek(scan) != ':')
        return json_unexpected(scan, "':'", err);
    scan->at++;
    return 0;
}

bool json_open(struct json_scan *scan, char close)
{
    scan->at++;
    bool more = json_peek(scan) != close;
    if (!more)
        scan->at++;
    return more;
}

int json_take_separator(struct json_scan *scan, char close, bool *ret_more, struct err *err)
{
    char c = json_peek(scan);
    if (c != ',' && c != close)
        return json_unexpected(scan, close == '}' ? "',' or '}'" : "',' or ']'", err);
    scan->at++;
    *ret_more = c == ',';
    return 0;
}

static int check_key(struct json_scan *scan, struct err *err)
{
    int code = json_check_quote(scan, err);
    if (code == 0)
        code = check_string(scan, err);
    return code ? code : json_take_colon(scan, err);
}

/* The cursor is on the opening bracket; `depth` is that of the members. */
static int check_members(struct json_scan *scan, char close, int depth, struct err *err)
{
    bool more = json_open(scan, close);
    while (more) {
        int code = close == '}' ? check_key(scan, err) : 0;
        if (code == 0)
            code = json_check(scan, depth, err);
        if (code == 0)
            code = json_take_separator(scan, close, &more, err);
        if (code)
            return code;
    }
    return 0;
}

int json_check(struct json_scan *scan, int depth, struct err *err)
{
    char c = json_peek(scan);
    if (!c || (!strchr("{[\"tfn-", c) && (c < '0' || c > '9')))
        return json_unexpected(scan, "a value", err);
    if (depth > DOC_MAX_DEPTH)
        return err_set(err, ERR_INVALID, "line %d: nested too deeply, allowed are %d levels", scan->line,
                       DOC_MAX_DEPTH);
    if (scan->values >= DOC_MAX_OBJECT_NODES)
        return err_set(err, ERR_INVALID, "line %d: object is too large, allowed are %d values", scan->line,
                       DOC_MAX_OBJECT_NODES);
    scan->values++;
    switch (c) {
    case '{': return check_members(scan, '}', depth + 1, err);
    case '[': return check_members(scan, ']', depth + 1, err);
    case '"': return check_string(scan, err);
    case 't': return check_word(scan, "true", err);
    case 'f': return check_word(scan, "false", err);
    case 'n': return check_word(scan, "null", err);
    default: return check_number(scan, err);
    }
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
           c == '.';
}

/* The cursor is on the opening quote. */
static void pass_string(struct json_scan *scan)
{
    scan->at++;
    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
    if (scan->at < scan->end)
        scan->at++;
}

struct str json_token(struct json_scan *scan)
{
    char c = json_peek(scan);
    const char *start = scan->at;
    if (c == '"') {
        pass_string(scan);
    } else if (is_bare(c)) {
        while (scan->at < scan->end && is_bare(*scan->at))
            scan->at++;
    } else if (scan->at < scan->end) {
        scan->at++;
    }
    return (struct str){start, (size_t)(scan->at - start)};
}

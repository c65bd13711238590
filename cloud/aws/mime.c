#include "cloud/aws/mime.h"

#include <string.h>
#include <strings.h>

/* The next line without its end; *rest is left behind it. */
static struct str take_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* A header's value if the line is that header; names do not mind case. */
static bool header_is(struct str line, const char *name, struct str *ret_value)
{
    struct str value = line, key = str_cut(&value, ':');
    if (key.len == line.len || key.len != strlen(name) || strncasecmp(key.ptr, name, key.len) != 0)
        return false;
    *ret_value = str_trim(value);
    return true;
}

static bool starts_with_any_case(struct str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && strncasecmp(text.ptr, prefix, len) == 0;
}

bool mime_is_archive(struct str text)
{
    struct str rest = str_trim(text), value, line = take_line(&rest);
    if (header_is(line, "MIME-Version", &value))
        return true;
    return header_is(line, "Content-Type", &value) && starts_with_any_case(value, "multipart/");
}

/* The parameter of "multipart/mixed; boundary="x""; "" if it is not there. Source: RFC 2045, 5.1. */
static struct str boundary_of(struct str value)
{
    str_cut(&value, ';');
    while (value.len) {
        struct str parameter = str_trim(value), name = str_cut(&parameter, '=');
        struct str given = str_trim(parameter);
        if (given.len && given.ptr[0] == '"') {
            given = (struct str){given.ptr + 1, given.len - 1};
            value = given;
            given = str_cut(&value, '"');
            str_cut(&value, ';');
        } else {
            str_cut(&value, ';');
            given = str_trim(str_cut(&given, ';'));
        }
        name = str_trim(name);
        if (name.len == 8 && strncasecmp(name.ptr, "boundary", 8) == 0)
            return given;
    }
    return STR("");
}

/* Reads the archive's own header, folded lines joined in place: a fold keeps the parameter's text in one piece. */
static struct str read_boundary(struct str *rest)
{
    struct str boundary = STR("");
    struct str type = STR("");
    while (rest->len) {
        struct str line = take_line(rest), value;
        if (line.len == 0)
            break;
        bool folded = line.ptr[0] == ' ' || line.ptr[0] == '\t';
        if (folded && type.len)
            type.len = (size_t)(line.ptr + line.len - type.ptr);
        else if (!folded && header_is(line, "Content-Type", &value))
            type = value;
        else
            continue;
        boundary = boundary_of(type);
    }
    return boundary;
}

enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_END };

static enum delimiter delimiter_of(struct str line, struct str boundary)
{
    if (line.len < boundary.len + 2 || memcmp(line.ptr, "--", 2) != 0 ||
        memcmp(line.ptr + 2, boundary.ptr, boundary.len) != 0)
        return DELIMITER_NONE;
    struct str behind = str_trim((struct str){line.ptr + 2 + boundary.len, line.len - 2 - boundary.len});
    if (behind.len == 0)
        return DELIMITER_PART;
    return str_is(behind, "--") ? DELIMITER_END : DELIMITER_NONE;
}

/* From `start` to the line end before `end`. */
static struct str between(const char *start, const char *end)
{
    if (end > start && end[-1] == '\n')
        end--;
    if (end > start && end[-1] == '\r')
        end--;
    return (struct str){start, (size_t)(end - start)};
}

int mime_split(struct str text, struct mime_part ret_parts[MIME_MAX_PARTS], size_t *ret_count, struct err *err)
{
    struct str rest = str_trim(text);
    const char *end = rest.ptr + rest.len;
    struct str boundary = read_boundary(&rest);
    if (boundary.len == 0)
        return err_set(err, ERR_INVALID, "userData is a MIME archive that names no boundary");
    const char *start = NULL; /* of the part that is open */
    size_t n = 0;
    bool ended = false;
    while (rest.len && !ended) {
        const char *here = rest.ptr;
        enum delimiter delimiter = delimiter_of(take_line(&rest), boundary);
        if (delimiter == DELIMITER_NONE)
            continue;
        if (start && n == MIME_MAX_PARTS)
            return err_set(err, ERR_INVALID, "userData has more than %d MIME parts", MIME_MAX_PARTS);
        if (start)
            ret_parts[n++].text = between(start, here);
        start = rest.len ? rest.ptr : end;
        ended = delimiter == DELIMITER_END;
    }
    if (!ended && start && start < end && n < MIME_MAX_PARTS)
        ret_parts[n++].text = between(start, end);
    if (n == 0)
        return err_set(err, ERR_INVALID, "userData is a MIME archive without a part between its boundaries");
    *ret_count = n;
    return 0;
}

static bool contains_line(struct str text, struct str boundary)
{
    while (text.len) {
        struct str line = take_line(&text);
        if (line.len >= boundary.len + 2 && memcmp(line.ptr, "--", 2) == 0 &&
            memcmp(line.ptr + 2, boundary.ptr, boundary.len) == 0)
            return true;
    }
    return false;
}

static bool contained(const struct mime_part *parts, size_t n, struct str boundary)
{
    for (size_t i = 0; i < n; i++)
        if (contains_line(parts[i].text, boundary))
            return true;
    return false;
}

static void put_delimiter(struct buf *buf, struct str boundary, const char *end)
{
    buf_add(buf, STR("--"));
    buf_add(buf, boundary);
    buf_add(buf, str_of(end));
}

int mime_join(const struct mime_part *parts, size_t n, struct buf *buf, struct err *err)
{
    /* The same parts give the same text: the launch template's name is made of it. */
    char name[32];
    struct str boundary = STR("");
    for (unsigned try = 0; boundary.len == 0 || contained(parts, n, boundary); try++) {
        if (try == 1000)
            return err_set(err, ERR_INVALID, "userData contains every boundary we know");
        snprintf(name, sizeof(name), "==stoker-%03u", try);
        boundary = str_of(name);
    }
    buf_add(buf, STR("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\""));
    buf_add(buf, boundary);
    buf_add(buf, STR("\"\n\n"));
    for (size_t i = 0; i < n; i++) {
        put_delimiter(buf, boundary, "\n");
        buf_add(buf, parts[i].text);
        buf_byte(buf, '\n');
    }
    put_delimiter(buf, boundary, "--\n");
    return 0;
}

#include "cloud/aws/sigv4_canonical.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/aws/uri.h"

/* What proxies and HTTP clients add or change on the way. */
static const char *const UNSIGNED_HEADERS[] = {"connection",        "expect",     "te",      "trailer",
                                               "transfer-encoding", "user-agent", "upgrade", "x-amzn-trace-id"};

/* As AWS's SDKs do it: a slash at the end stays if there was one, and nothing is above the root. */
static int normalize(struct str path, struct arena *arena, struct str *ret, struct err *err)
{
    char *out = arena_alloc(arena, path.len + 2);
    if (!out)
        return err_nomem(err);
    size_t len = 0;
    struct str rest = path;
    while (rest.len) {
        struct str segment = str_cut(&rest, '/');
        if (segment.len == 0 || str_is(segment, "."))
            continue;
        if (str_is(segment, "..")) {
            while (len && out[--len] != '/')
                ;
            continue;
        }
        out[len++] = '/';
        memcpy(out + len, segment.ptr, segment.len);
        len += segment.len;
    }
    if (len == 0 || str_ends(path, "/"))
        out[len++] = '/';
    *ret = (struct str){out, len};
    return 0;
}

int aws_sigv4_path(struct str path, bool keep, bool encode_once, struct arena *arena, struct buf *buf, struct err *err)
{
    struct str clean = path.len ? path : STR("/");
    int rc = keep ? 0 : normalize(path, arena, &clean, err);
    if (rc)
        return rc;
    if (encode_once)
        aws_uri_mend_path(buf, clean);
    else
        aws_uri_encode_path(buf, clean);
    return 0;
}

static int encoded(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    aws_uri_encode(&buf, text);
    return buf_str(&buf, ret, err);
}

int aws_sigv4_parameters_add(struct aws_sigv4_parameters *parameters, struct str name, struct str value,
                             struct arena *arena, struct err *err)
{
    if (parameters->len == AWS_SIGV4_MAX_PARAMETERS)
        return err_set(err, ERR_INVALID, "more than %d parameters in a query", AWS_SIGV4_MAX_PARAMETERS);
    struct aws_sigv4_parameter item;
    int rc = encoded(name, arena, &item.name, err);
    rc = rc ? rc : encoded(value, arena, &item.value, err);
    if (!rc)
        parameters->items[parameters->len++] = item;
    return rc;
}

static int decoded(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    aws_uri_decode(&buf, text);
    return buf_str(&buf, ret, err);
}

int aws_sigv4_parameters_read(struct str query, struct arena *arena, struct aws_sigv4_parameters *parameters,
                              struct err *err)
{
    int rc = 0;
    while (query.len && !rc) {
        struct str value = str_cut(&query, '&');
        if (value.len == 0)
            continue;
        struct str name = str_cut(&value, '=');
        rc = decoded(name, arena, &name, err);
        rc = rc ? rc : decoded(value, arena, &value, err);
        rc = rc ? rc : aws_sigv4_parameters_add(parameters, name, value, arena, err);
    }
    return rc;
}

static int parameter_order(const void *left, const void *right)
{
    const struct aws_sigv4_parameter *a = left, *b = right;
    int order = str_cmp(a->name, b->name);
    return order ? order : str_cmp(a->value, b->value);
}

void aws_sigv4_parameters_write(struct aws_sigv4_parameters *parameters, struct buf *buf)
{
    qsort(parameters->items, parameters->len, sizeof(parameters->items[0]), parameter_order);
    for (size_t i = 0; i < parameters->len; i++) {
        if (i)
            buf_byte(buf, '&');
        buf_add(buf, parameters->items[i].name);
        buf_byte(buf, '=');
        buf_add(buf, parameters->items[i].value);
    }
}

/* RFC 9110's "token". */
static bool is_header_name(struct str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return name.len > 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line break that is not folding would begin another header on the wire. */
static bool is_header_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i], next = i + 1 < value.len ? value.ptr[i + 1] : '\0';
        if (c == '\n' && next != ' ' && next != '\t')
            return false;
        if (c == '\r' && next != '\n')
            return false;
        if (((unsigned char)c < ' ' && !is_space(c)) || c == 0x7f)
            return false;
    }
    return true;
}

/* A header on its way to being sorted. */
struct line {
    struct str name, value; /* the name in lower case */
    size_t place;           /* among all: values of one name keep their order */
};

static int line_order(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    int order = str_cmp(a->name, b->name);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool is_signed(struct str lower_name)
{
    for (size_t i = 0; i < CC_COUNT(UNSIGNED_HEADERS); i++) {
        if (str_is(lower_name, UNSIGNED_HEADERS[i]))
            return false;
    }
    return true;
}

static int make_line(const struct aws_header *header, struct arena *arena, struct line *ret, struct err *err)
{
    if (!is_header_name(header->name))
        return err_set(err, ERR_INVALID, "'%.*s' is no name of a header", STR_ARG(header->name));
    if (!is_header_value(header->value))
        return err_set(err, ERR_INVALID, "header %.*s: a line break or control character in its value",
                       STR_ARG(header->name));
    char *lower = arena_copy(arena, header->name.ptr, header->name.len);
    if (!lower)
        return err_nomem(err);
    for (size_t i = 0; i < header->name.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    }
    ret->name = (struct str){lower, header->name.len};
    ret->value = header->value;
    return 0;
}

static void add_value(struct buf *buf, struct str value)
{
    struct str text = str_trim(value);
    for (size_t i = 0; i < text.len; i++) {
        if (!is_space(text.ptr[i]))
            buf_byte(buf, text.ptr[i]);
        else if (!is_space(text.ptr[i - 1])) /* trimmed: there is one before */
            buf_byte(buf, ' ');
    }
}

static void write_lines(const struct line *sorted, size_t count, struct buf *lines, struct buf *names)
{
    for (size_t i = 0; i < count; i++) {
        bool again = i && str_eq(sorted[i - 1].name, sorted[i].name);
        if (!again) {
            buf_add(lines, sorted[i].name);
            buf_byte(lines, ':');
            if (i)
                buf_byte(names, ';');
            buf_add(names, sorted[i].name);
        } else {
            buf_byte(lines, ',');
        }
        add_value(lines, sorted[i].value);
        if (i + 1 == count || !str_eq(sorted[i + 1].name, sorted[i].name))
            buf_byte(lines, '\n');
    }
}

int aws_sigv4_headers(const struct aws_header *headers, size_t count, struct arena *arena, struct buf *lines,
                      struct buf *names, struct err *err)
{
    struct line sorted[AWS_SIGV4_MAX_HEADERS + AWS_SIGV4_MAX_ADDED];
    size_t n_sorted = 0;
    bool has_host = false;
    for (size_t i = 0; i < count; i++) {
        struct line line = {.place = i};
        int rc = make_line(&headers[i], arena, &line, err);
        if (rc)
            return rc;
        if (is_signed(line.name))
            sorted[n_sorted++] = line;
        has_host |= str_is(line.name, "host");
    }
    if (!has_host)
        return err_set(err, ERR_INVALID, "a request without Host cannot be signed");
    qsort(sorted, n_sorted, sizeof(sorted[0]), line_order);
    write_lines(sorted, n_sorted, lines, names);
    return 0;
}

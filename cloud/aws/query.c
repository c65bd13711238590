#include "cloud/aws/query.h"

#include <assert.h>
#include <stdarg.h>

#include "cloud/aws/uri.h"

static void deeper(struct aws_query *query, const char *fmt, ...) CC_PRINTF(2, 3);

static void deeper(struct aws_query *query, const char *fmt, ...)
{
    assert(query->depth < AWS_QUERY_MAX_DEPTH);
    size_t end = query->ends[query->depth];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(query->prefix + end, sizeof(query->prefix) - end, fmt, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof(query->prefix) - end);
    query->ends[++query->depth] = end + (size_t)len;
}

void aws_query_open(struct aws_query *query, const char *name)
{
    deeper(query, "%s.", name);
}

void aws_query_item(struct aws_query *query, const char *list, size_t n)
{
    assert(n > 0);
    deeper(query, "%s.%zu.", list, n);
}

void aws_query_close(struct aws_query *query)
{
    assert(query->depth > 0);
    query->depth--;
}

static void add_name(struct aws_query *query, const char *name)
{
    if (query->buf->len)
        buf_byte(query->buf, '&');
    buf_add(query->buf, (struct str){query->prefix, query->ends[query->depth]});
    buf_add(query->buf, str_of(name));
}

void aws_query_str(struct aws_query *query, const char *name, struct str value)
{
    add_name(query, name);
    buf_byte(query->buf, '=');
    aws_uri_encode(query->buf, value);
}

void aws_query_int(struct aws_query *query, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    aws_query_str(query, name, str_of(digits));
}

void aws_query_bool(struct aws_query *query, const char *name, bool value)
{
    aws_query_str(query, name, value ? STR("true") : STR("false"));
}

void aws_query_list(struct aws_query *query, const char *name, const struct str *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char number[24];
        snprintf(number, sizeof(number), ".%zu", i + 1);
        add_name(query, name);
        buf_add(query->buf, str_of(number));
        buf_byte(query->buf, '=');
        aws_uri_encode(query->buf, values[i]);
    }
}

#include "cloud/aws/uri.h"

#include <string.h>

static const char DIGITS[] = "0123456789ABCDEF";

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static void add_encoded(struct buf *buf, char c)
{
    unsigned byte = (unsigned char)c;
    buf_add(buf, (struct str){(const char[]){'%', DIGITS[byte >> 4], DIGITS[byte & 15]}, 3});
}

static void add_literal(struct buf *buf, char c, char also)
{
    if (is_unreserved(c) || (also && c == also))
        buf_byte(buf, c);
    else
        add_encoded(buf, c);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the %XX at `i` stands for; -1 if there is none. */
static int escaped_byte(struct str text, size_t i)
{
    if (text.ptr[i] != '%' || text.len - i < 3)
        return -1;
    int high = digit_value(text.ptr[i + 1]), low = digit_value(text.ptr[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void aws_uri_encode(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        add_literal(buf, text.ptr[i], '\0');
}

void aws_uri_encode_path(struct buf *buf, struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        add_literal(buf, path.ptr[i], '/');
}

void aws_uri_mend_path(struct buf *buf, struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        int byte = escaped_byte(path, i);
        if (byte < 0) {
            add_literal(buf, path.ptr[i], '/');
            continue;
        }
        add_encoded(buf, (char)byte);
        i += 2;
    }
}

void aws_uri_decode(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int byte = escaped_byte(text, i);
        buf_byte(buf, byte < 0 ? text.ptr[i] : (char)byte);
        i += byte < 0 ? 0 : 2;
    }
}

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at `at` (RFC 3629: shortest form, no surrogates, up to U+10FFFF); 0 if it is none. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char from, to, second_from, second_to;
        unsigned char len;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (at[0] < forms[i].from || at[0] > forms[i].to)
            continue;
        if (left < forms[i].len)
            return 0;
        if (forms[i].len > 1 && (at[1] < forms[i].second_from || at[1] > forms[i].second_to))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        return forms[i].len;
    }
    return 0;
}

size_t utf8_check(struct str text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    for (size_t i = 0; i < text.len;) {
        /* Nearly all text is ASCII: eight bytes at once. */
        uint64_t word;
        if (text.len - i >= sizeof(word)) {
            memcpy(&word, at + i, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080))) {
                i += sizeof(word);
                continue;
            }
        }
        size_t len = utf8_sequence(at + i, text.len - i);
        if (!len)
            return i;
        i += len;
    }
    return text.len;
}

char *utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hex digits; -1 if they are not there. */
static int32_t hex4(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = hex_digit(c);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

char *utf8_unescape(const char **at, const char *end, char *out)
{
    const char *rest = *at;
    int32_t code = hex4(rest, end);
    if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff))
        return NULL;
    rest += 4;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (end - rest < 6 || rest[0] != '\\' || rest[1] != 'u')
            return NULL;
        int32_t low = hex4(rest + 2, end);
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        rest += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *at = rest;
    return utf8_put(out, (uint32_t)code);
}

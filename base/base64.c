#include "base/base64.h"

enum { BAD = 64 };

static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : BAD;
}

int base64_decode(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    char *bytes = arena_alloc(arena, text.len / 4 * 3 + 4);
    if (!bytes)
        return err_nomem(err);
    size_t len = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n' || c == '\r')
            continue;
        unsigned value = value_of(c);
        if (c == '=' && ++padding > 2)
            return err_set(err, ERR_INVALID, "not base64, at byte %zu", i);
        if (c != '=' && (value == BAD || padding))
            return err_set(err, ERR_INVALID, "not base64, at byte %zu", i);
        bits = bits << 6 | (c == '=' ? 0 : value);
        if (++digits % 4)
            continue;
        for (size_t k = 0; k < 3 - padding; k++)
            bytes[len++] = (char)(unsigned char)(bits >> (16 - 8 * k) & 0xff);
        bits = 0;
    }
    if (digits % 4)
        return err_set(err, ERR_INVALID, "not base64: its end is missing");
    bytes[len] = '\0';
    *ret = (struct str){bytes, len};
    return 0;
}

int base64_encode(struct str bytes, struct arena *arena, struct str *ret, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t len = (bytes.len + 2) / 3 * 4;
    char *text = arena_alloc(arena, len + 1);
    if (!text)
        return err_nomem(err);
    char *out = text;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)bytes.ptr[i + k] : 0U);
        for (size_t k = 0; k < 4; k++)
            *out++ = (char)(k <= n ? letters[bits >> (18 - 6 * k) & 63] : '=');
    }
    *ret = (struct str){text, len};
    return 0;
}

#include "base/quantity.h"

#include <stdbool.h>
#include <stdio.h>

/* Longer text is cut in messages. */
enum { SHOWN_MAX = 60 };

#define ALLOWED \
    "allowed is a number >= 0 with one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent (e3) behind it"

/* The parts of "12.5Gi": digits 12 and 5, exponent 0, shift 30. */
struct parts {
    bool negative;
    struct str whole, fraction; /* digits only */
    int64_t exponent;           /* of ten */
    unsigned shift;             /* of two */
};

struct suffix {
    const char *text;
    int exponent;
    unsigned shift;
};

static const struct suffix suffixes[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

static struct str take_digits(struct str *rest)
{
    struct str digits = {rest->ptr, 0};
    while (digits.len < rest->len && rest->ptr[digits.len] >= '0' && rest->ptr[digits.len] <= '9')
        digits.len++;
    *rest = (struct str){rest->ptr + digits.len, rest->len - digits.len};
    return digits;
}

static bool parse_suffix(struct str text, struct parts *parts)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (str_is(text, suffixes[i].text)) {
            parts->exponent = suffixes[i].exponent;
            parts->shift = suffixes[i].shift;
            return true;
        }
    }
    if (text.ptr[0] != 'e' && text.ptr[0] != 'E')
        return false;
    /* Ten to the power of a billion is beyond every limit, and sums of exponents below stay within int64. */
    int64_t exponent;
    if (!str_to_int64((struct str){text.ptr + 1, text.len - 1}, &exponent) || exponent > 1000000000 ||
        exponent < -1000000000)
        return false;
    parts->exponent = exponent;
    return true;
}

static bool parse_parts(struct str text, struct parts *ret)
{
    struct parts parts = {0};
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        parts.negative = text.ptr[0] == '-';
        text = (struct str){text.ptr + 1, text.len - 1};
    }
    parts.whole = take_digits(&text);
    parts.fraction = (struct str){text.ptr, 0};
    if (text.len && text.ptr[0] == '.') {
        text = (struct str){text.ptr + 1, text.len - 1};
        parts.fraction = take_digits(&text);
    }
    if (parts.whole.len + parts.fraction.len == 0 || !parse_suffix(text, &parts))
        return false;
    *ret = parts;
    return true;
}

static unsigned digit_at(const struct parts *parts, int64_t at)
{
    size_t i = (size_t)at;
    if (at < 0 || i >= parts->whole.len + parts->fraction.len)
        return 0;
    char c = i < parts->whole.len ? parts->whole.ptr[i] : parts->fraction.ptr[i - parts->whole.len];
    return (unsigned)(c - '0');
}

static bool is_zero(const struct parts *parts)
{
    for (size_t i = 0; i < parts->whole.len + parts->fraction.len; i++)
        if (digit_at(parts, (int64_t)i))
            return false;
    return true;
}

/* The digits before position `point`, as a number; false if it is beyond int64. Not called for zero. */
static bool whole_part(const struct parts *parts, int64_t point, int64_t *ret)
{
    int64_t value = 0;
    for (int64_t i = 0; i < point; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (int64_t)digit_at(parts, i), &value))
            return false;
    *ret = value;
    return true;
}

/*
 * The digits from position `point` on, as a fraction, times 2^shift, rounded up. From the last digit to the first:
 * floor((d + floor(x)) / 10) = floor((d + x) / 10) for whole d, and something was lost at the end exactly if something
 * was lost at one of the steps. 9 * 2^60 + 2^60 fits 64 bits.
 */
static int64_t fraction_part(const struct parts *parts, int64_t point)
{
    uint64_t sum = 0;
    bool lost = false;
    for (int64_t i = (int64_t)(parts->whole.len + parts->fraction.len) - 1; i >= point; i--) {
        if (i < 0 && sum == 0)
            break;
        sum += (uint64_t)digit_at(parts, i) << parts->shift;
        lost = lost || sum % 10;
        sum /= 10;
    }
    return (int64_t)(sum + lost);
}

/* `exponent` more powers of ten. */
static int parse(struct str text, int64_t exponent, int64_t *ret, struct err *err)
{
    int shown = text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
    struct parts parts;
    if (!parse_parts(text, &parts))
        return err_set(err, ERR_INVALID, "\"%.*s\" is not a quantity, " ALLOWED, shown, text.ptr ? text.ptr : "");
    if (is_zero(&parts)) {
        *ret = 0;
        return 0;
    }
    if (parts.negative)
        return err_set(err, ERR_INVALID, "\"%.*s\" is negative, " ALLOWED, shown, text.ptr);
    int64_t point = (int64_t)parts.whole.len + parts.exponent + exponent;
    int64_t value;
    if (!whole_part(&parts, point, &value) || __builtin_mul_overflow(value, INT64_C(1) << parts.shift, &value) ||
        __builtin_add_overflow(value, fraction_part(&parts, point), &value))
        return err_set(err, ERR_INVALID, "\"%.*s\" is too large, allowed is less than 2^63 %s", shown, text.ptr,
                       exponent ? "thousandths" : "units");
    *ret = value;
    return 0;
}

int quantity_milli(struct str text, int64_t *ret, struct err *err)
{
    return parse(text, 3, ret, err);
}

int quantity_units(struct str text, int64_t *ret, struct err *err)
{
    return parse(text, 0, ret, err);
}

const char *quantity_milli_text(int64_t milli, char text[QUANTITY_TEXT_MAX])
{
    if (milli % 1000)
        snprintf(text, QUANTITY_TEXT_MAX, "%lldm", (long long)milli);
    else
        snprintf(text, QUANTITY_TEXT_MAX, "%lld", (long long)(milli / 1000));
    return text;
}

const char *quantity_bytes_text(int64_t bytes, char text[QUANTITY_TEXT_MAX])
{
    static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    uint64_t amount = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    unsigned step = 0;
    while (step < 6 && amount >> (10 * (step + 1)))
        step++;
    uint64_t whole = amount >> (10 * step);
    /* The ten bits behind the point are enough for one decimal, rounded down. */
    uint64_t tenths = step ? ((amount >> (10 * (step - 1))) & 1023) * 10 / 1024 : 0;
    const char *sign = bytes < 0 ? "-" : "";
    if (tenths)
        snprintf(text, QUANTITY_TEXT_MAX, "%s%llu.%llu%s", sign, (unsigned long long)whole, (unsigned long long)tenths,
                 names[step]);
    else
        snprintf(text, QUANTITY_TEXT_MAX, "%s%llu%s", sign, (unsigned long long)whole, names[step]);
    return text;
}

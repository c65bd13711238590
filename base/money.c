#include "base/money.h"

#include <stdbool.h>
#include <stdio.h>

enum { DECIMALS = 6, SHOWN_MAX = 60 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* digits[.digits], nothing else. */
static bool well_formed(struct str text)
{
    struct str rest = text;
    struct str whole = str_cut(&rest, '.');
    bool point = whole.len < text.len;
    if (whole.len == 0 || (point && rest.len == 0))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (i != whole.len && !is_digit(text.ptr[i]))
            return false;
    return true;
}

/* Micro-dollars, rounded up; stops counting where it is beyond the maximum anyway. */
static int64_t value_of(struct str whole, struct str fraction)
{
    int64_t value = 0;
    for (size_t i = 0; i < whole.len && value <= MONEY_MAX_MICROUSD; i++)
        value = value * 10 + (whole.ptr[i] - '0');
    if (value > MONEY_MAX_MICROUSD)
        return value;
    bool more = false;
    for (size_t i = 0; i < DECIMALS; i++)
        value = value * 10 + (i < fraction.len ? fraction.ptr[i] - '0' : 0);
    for (size_t i = DECIMALS; i < fraction.len; i++)
        more = more || fraction.ptr[i] != '0';
    return value + more;
}

int money_parse(struct str text, int64_t *ret_microusd, struct err *err)
{
    static const char allowed[] = "allowed is a decimal number >= 0 such as 0.0416";
    int shown = text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
    text = text.ptr ? text : STR("");
    const char *start = text.ptr;
    if (text.len && start[0] == '-')
        return err_set(err, ERR_INVALID, "price \"%.*s\" is negative, %s", shown, start, allowed);
    if (!well_formed(text))
        return err_set(err, ERR_INVALID, "price \"%.*s\" is not a number, %s", shown, start, allowed);
    struct str fraction = text;
    struct str whole = str_cut(&fraction, '.');
    int64_t value = value_of(whole, fraction);
    if (value > MONEY_MAX_MICROUSD)
        return err_set(err, ERR_INVALID, "price \"%.*s\" is too large, allowed is at most %lld USD per hour", shown,
                       start, (long long)(MONEY_MAX_MICROUSD / 1000000));
    *ret_microusd = value;
    return 0;
}

const char *money_text(int64_t microusd, char text[MONEY_TEXT_MAX])
{
    uint64_t amount = microusd < 0 ? -(uint64_t)microusd : (uint64_t)microusd;
    int decimals = DECIMALS;
    uint64_t fraction = amount % 1000000;
    for (; decimals > 4 && fraction % 10 == 0; decimals--)
        fraction /= 10;
    snprintf(text, MONEY_TEXT_MAX, "%s%llu.%0*llu", microusd < 0 ? "-" : "", (unsigned long long)(amount / 1000000),
             decimals, (unsigned long long)fraction);
    return text;
}

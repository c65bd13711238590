#include "base/time_text.h"

#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)

enum { DAY_S = 86400, YEAR_MIN = 1678, YEAR_MAX = 2261, NS_DIGITS = 9 };

struct civil {
    int64_t year, month, day;
};

/* Days since 1970-01-01. Source: H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
static int64_t days_of(struct civil date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year; /* years begin in March */
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The inverse; same source, civil_from_days. */
static struct civil date_of(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, day = days - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct civil date = {.day = of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9};
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

const char *time_text(struct clock_wall time, char text[TIME_TEXT_MAX])
{
    int64_t s = time.ns / NS_PER_S, ns = time.ns % NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    int64_t days = s / DAY_S, in_day = s % DAY_S;
    if (in_day < 0) {
        in_day += DAY_S;
        days--;
    }
    struct civil date = date_of(days);
    char fraction[16] = "";
    int digits = NS_DIGITS;
    for (; ns > 0 && ns % 10 == 0; ns /= 10)
        digits--;
    if (ns > 0)
        snprintf(fraction, sizeof(fraction), ".%0*d", digits, (int)ns);
    snprintf(text, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)date.year, (int)date.month, (int)date.day,
             (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60), fraction);
    return text;
}

/* Exactly `n` digits, cut off *rest. */
static bool cut_digits(struct str *rest, size_t n, int64_t *ret)
{
    int64_t value = 0;
    if (rest->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9')
            return false;
        value = value * 10 + (rest->ptr[i] - '0');
    }
    *rest = (struct str){rest->ptr + n, rest->len - n};
    *ret = value;
    return true;
}

/* One byte out of `allowed`, cut off *rest. */
static bool cut_byte(struct str *rest, const char *allowed, char *ret)
{
    for (const char *c = allowed; rest->len && *c; c++) {
        if (rest->ptr[0] != *c)
            continue;
        *ret = *c;
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
        return true;
    }
    return false;
}

static bool cut_date(struct str *rest, int64_t *ret_days)
{
    struct civil date;
    char byte;
    if (!cut_digits(rest, 4, &date.year) || !cut_byte(rest, "-", &byte) || !cut_digits(rest, 2, &date.month) ||
        !cut_byte(rest, "-", &byte) || !cut_digits(rest, 2, &date.day))
        return false;
    if (date.year < YEAR_MIN || date.year > YEAR_MAX || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    *ret_days = days_of(date);
    struct civil back = date_of(*ret_days); /* another date: there is no such day in that month */
    return back.month == date.month && back.day == date.day;
}

static bool cut_fraction(struct str *rest, int64_t *ret_ns)
{
    char byte;
    int64_t ns = 0, digit;
    size_t n = 0;
    *ret_ns = 0;
    if (!cut_byte(rest, ".", &byte))
        return true;
    for (; cut_digits(rest, 1, &digit); n++)
        if (n < NS_DIGITS)
            ns = ns * 10 + digit;
    for (size_t i = n; i < NS_DIGITS; i++)
        ns *= 10;
    *ret_ns = ns;
    return n > 0;
}

/* "Z" or "+05:30", in seconds. */
static bool cut_offset(struct str *rest, int64_t *ret_s)
{
    char sign, byte;
    int64_t hours, minutes;
    if (!cut_byte(rest, "Zz+-", &sign))
        return false;
    *ret_s = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (!cut_digits(rest, 2, &hours) || !cut_byte(rest, ":", &byte) || !cut_digits(rest, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool time_parse(struct str text, struct clock_wall *ret)
{
    int64_t days, hour, minute, second, ns, offset_s;
    char byte;
    if (!cut_date(&text, &days) || !cut_byte(&text, "Tt ", &byte) || !cut_digits(&text, 2, &hour) ||
        !cut_byte(&text, ":", &byte) || !cut_digits(&text, 2, &minute) || !cut_byte(&text, ":", &byte) ||
        !cut_digits(&text, 2, &second) || !cut_fraction(&text, &ns) || !cut_offset(&text, &offset_s) || text.len)
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    ret->ns = (days * DAY_S + hour * 3600 + minute * 60 + second - offset_s) * NS_PER_S + ns;
    return true;
}

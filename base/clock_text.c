#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static void write_text(struct clock_wall wall, bool micro, char ret[CLOCK_TEXT_BYTES])
{
    int64_t ns = wall.ns % NS_PER_S;
    int64_t s = wall.ns / NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    time_t seconds = (time_t)s;
    struct tm utc = {0};
    gmtime_r(&seconds, &utc); /* fits for every wall.ns: years 1677 to 2262 */
    size_t len = strftime(ret, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    if (micro)
        snprintf(ret + len, CLOCK_TEXT_BYTES - len, ".%06dZ", (int)(ns / 1000));
    else
        snprintf(ret + len, CLOCK_TEXT_BYTES - len, "Z");
}

void clock_text_micro(struct clock_wall wall, char ret[CLOCK_TEXT_BYTES])
{
    write_text(wall, true, ret);
}

void clock_text_seconds(struct clock_wall wall, char ret[CLOCK_TEXT_BYTES])
{
    write_text(wall, false, ret);
}

/* Takes exactly `digits` digits and, unless it is '\0', the byte behind them. */
static bool take(struct str *text, size_t digits, char behind, int from, int to, int *ret)
{
    if (text->len < digits + (behind != '\0'))
        return false;
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        value = 10 * value + (text->ptr[i] - '0');
    }
    if (value < from || value > to || (behind && text->ptr[digits] != behind))
        return false;
    size_t taken = digits + (behind != '\0');
    *text = (struct str){text->ptr + taken, text->len - taken};
    *ret = value;
    return true;
}

/* ".123": at least one digit; what is beyond nanoseconds is cut. */
static bool take_fraction(struct str *text, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (text->len == 0 || text->ptr[0] != '.')
        return true;
    size_t i = 1;
    int64_t unit = NS_PER_S / 10;
    for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++, unit /= 10)
        *ret_ns += unit * (text->ptr[i] - '0');
    *text = (struct str){text->ptr + i, text->len - i};
    return i > 1;
}

/* "Z", "+01:00", and nothing behind it. */
static bool take_offset(struct str *text, int64_t *ret_s)
{
    *ret_s = 0;
    if (text->len == 1 && (text->ptr[0] == 'Z' || text->ptr[0] == 'z'))
        return true;
    if (text->len != sizeof("+hh:mm") - 1 || (text->ptr[0] != '+' && text->ptr[0] != '-'))
        return false;
    int sign = text->ptr[0] == '+' ? 1 : -1;
    struct str rest = {text->ptr + 1, text->len - 1};
    int hours, minutes;
    if (!take(&rest, 2, ':', 0, 23, &hours) || !take(&rest, 2, '\0', 0, 59, &minutes))
        return false;
    *ret_s = sign * (INT64_C(3600) * hours + INT64_C(60) * minutes);
    return true;
}

/* Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, year_of_era = y % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int days_in(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool clock_parse(struct str text, struct clock_wall *ret)
{
    int year, month, day, hour, minute, second;
    int64_t fraction_ns, offset_s;
    if (!take(&text, 4, '-', 1970, 2261, &year) || !take(&text, 2, '-', 1, 12, &month) ||
        !take(&text, 2, '\0', 1, days_in(year, month), &day))
        return false;
    if (text.len == 0 || (text.ptr[0] != 'T' && text.ptr[0] != 't'))
        return false;
    text = (struct str){text.ptr + 1, text.len - 1};
    if (!take(&text, 2, ':', 0, 23, &hour) || !take(&text, 2, ':', 0, 59, &minute) ||
        !take(&text, 2, '\0', 0, 60, &second) || !take_fraction(&text, &fraction_ns) || !take_offset(&text, &offset_s))
        return false;
    if (second == 60)
        second = 59;
    int64_t s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s;
    *ret = (struct clock_wall){s * NS_PER_S + fraction_ns};
    return true;
}

/* test_time_text.c - times as text and back: calendar, fractions, offsets, and what is no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cc.h"
#include "base/time_text.h"

#define S INT64_C(1000000000)

static void times_are_written_and_read(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {951782400 * S, "2000-02-29T00:00:00Z"},
        {1709251199 * S, "2024-02-29T23:59:59Z"},
        {4107542400 * S, "2100-03-01T00:00:00Z"},
        {1795241922 * S + 500000000, "2026-11-21T06:18:42.5Z"},
        {1795241922 * S + 120000, "2026-11-21T06:18:42.00012Z"},
        {-8520336000 * S, "1700-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        char text[TIME_TEXT_MAX];
        struct clock_wall time = {7};
        assert_string_equal(time_text((struct clock_wall){cases[i].ns}, text), cases[i].text);
        assert_true(time_parse(str_of(cases[i].text), &time));
        assert_int_equal(time.ns, cases[i].ns);
    }
}

static void other_spellings_are_read(void **state)
{
    (void)state;
    static const char *const same[] = {"2026-11-21T06:18:42+00:00",  "2026-11-21t06:18:42z",
                                       "2026-11-21T07:48:42+01:30",  "2026-11-20T22:18:42-08:00",
                                       "2026-11-21T06:18:42.000Z",   "2026-11-21 06:18:42.0000000009Z",
                                       "2026-11-21T06:18:42.000000Z"};
    for (size_t i = 0; i < CC_COUNT(same); i++) {
        struct clock_wall time = {7};
        assert_true(time_parse(str_of(same[i]), &time));
        assert_int_equal(time.ns, 1795241922 * S);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "now",
                                        "2026-11-21",
                                        "2026-11-21T06:18:42",
                                        "2026-11-21T06:18Z",
                                        "2026-02-29T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-01-00T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:61Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T00:00:00+1:00",
                                        "2026-01-01T00:00:00+24:00",
                                        "1600-01-01T00:00:00Z",
                                        "9999-01-01T00:00:00Z",
                                        "-026-01-01T00:00:00Z"};
    for (size_t i = 0; i < CC_COUNT(wrong); i++) {
        struct clock_wall time = {7};
        assert_false(time_parse(str_of(wrong[i]), &time));
        assert_int_equal(time.ns, 7);
    }
}

static void every_day_is_its_own_inverse(void **state)
{
    (void)state;
    for (int64_t day = -106000; day < 106000; day++) {
        char text[TIME_TEXT_MAX];
        struct clock_wall time = {day * 86400 * S + 3 * S}, back = {0};
        if (!time_parse(str_of(time_text(time, text)), &back))
            fail_msg("%s is not read", text);
        assert_int_equal(back.ns, time.ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(other_spellings_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(every_day_is_its_own_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

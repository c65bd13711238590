/* Prices as micro-dollars: exact in, exact out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "base/money.h"

static void parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } samples[] = {
        {"0", 0},
        {"0.6121", 612100},
        {"1", 1000000},
        {"0.000001", 1},
        {"0.0000001", 1},
        {"0.0000000", 0},
        {"12.3456781", 12345679},
        {"12.3456780000", 12345678},
        {"007.5", 7500000},
        {"1000000", MONEY_MAX_MICROUSD},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        int64_t got = -1;
        struct err err = {0};
        if (money_parse(str_of(samples[i].text), &got, &err) || got != samples[i].want)
            fail_msg("%s: %lld (%s)", samples[i].text, (long long)got, err.message);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        ".",
                                        "1.",
                                        ".5",
                                        "-1",
                                        "-0",
                                        "+1",
                                        "1e3",
                                        "1,5",
                                        "0x1",
                                        "1 ",
                                        "1.2.3",
                                        "1000000.0000001",
                                        "99999999999999999999999999",
                                        "$1"};
    for (size_t i = 0; i < CC_COUNT(texts); i++) {
        int64_t got = 77;
        struct err err = {0};
        if (money_parse(str_of(texts[i]), &got, &err) != ERR_INVALID)
            fail_msg("\"%s\" was accepted", texts[i]);
        assert_int_equal(got, 77);
        assert_non_null(strstr(err.message, "allowed is"));
    }
    assert_int_equal(money_parse((struct str){NULL, 0}, &(int64_t){0}, NULL), ERR_INVALID);
}

static void written(void **state)
{
    (void)state;
    char text[MONEY_TEXT_MAX];
    assert_string_equal(money_text(612100, text), "0.6121");
    assert_string_equal(money_text(612120, text), "0.61212");
    assert_string_equal(money_text(612123, text), "0.612123");
    assert_string_equal(money_text(20360000, text), "20.3600");
    assert_string_equal(money_text(0, text), "0.0000");
    assert_string_equal(money_text(1, text), "0.000001");
    assert_string_equal(money_text(-1500000, text), "-1.5000");
    assert_string_equal(money_text(INT64_MIN, text), "-9223372036854.775808");
}

static void there_and_back(void **state)
{
    (void)state;
    for (int64_t value = 0; value < MONEY_MAX_MICROUSD; value = value * 3 + 7) {
        char text[MONEY_TEXT_MAX];
        int64_t got;
        assert_int_equal(money_parse(str_of(money_text(value, text)), &got, NULL), 0);
        assert_int_equal(got, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsed),
        cmocka_unit_test(refused),
        cmocka_unit_test(written),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

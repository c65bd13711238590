/* Quantities against the values that k8s.io/apimachinery gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "base/quantity.h"

struct sample {
    const char *text;
    int64_t want;
};

static void milli_values(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"0", 0},
        {"1", 1000},
        {"0.5", 500},
        {".5", 500},
        {"5.", 5000},
        {"100m", 100},
        {"1.5", 1500},
        {"+2", 2000},
        {"-0", 0},
        {"-0.000", 0},
        {"0.0001", 1},
        {"1u", 1},
        {"1n", 1},
        {"1000001n", 2},
        {"2e3", 2000000},
        {"2E3", 2000000},
        {"2e+1", 20000},
        {"5e-1", 500},
        {"1e-40", 1},
        {"1Ki", 1024000},
        {"0.3Ki", 307200},
        {"0.0001Ki", 103},
        {"3.9199999999999999999999999999", 3920},
        {"0e999999999", 0},
        {"0e-999999999", 0},
        {"1e-999999999", 1},
        {"9223372036854775807m", INT64_MAX},
        {"9223372036854775806.0001m", INT64_MAX},
        {"0000000000000000000000000000001", 1000},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        int64_t got = -1;
        struct err err = {0};
        if (quantity_milli(str_of(samples[i].text), &got, &err) || got != samples[i].want)
            fail_msg("%s: %lld (%s)", samples[i].text, (long long)got, err.message);
    }
}

static void unit_values(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"1Ki", 1024},
        {"1Mi", 1 << 20},
        {"1.5Gi", 1610612736},
        {"14.5Gi", 15569256448},
        {"1Ti", INT64_C(1) << 40},
        {"1Pi", INT64_C(1) << 50},
        {"7Ei", INT64_C(7) << 60},
        {"7.999Ei", 9222219115350168962},
        {"1k", 1000},
        {"1M", 1000000},
        {"1G", 1000000000},
        {"1T", 1000000000000},
        {"1P", INT64_C(1000000000000000)},
        {"9E", INT64_C(9000000000000000000)},
        {"1500m", 2},
        {"1408Mi", 1476395008},
        {"0.1", 1},
        {"128974848", 128974848},
        {"129e6", 129000000},
        {"128974848000m", 128974848},
        {"123Mi", 128974848},
        {"0.00000000000000000001Ei", 1},
        {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        int64_t got = -1;
        struct err err = {0};
        if (quantity_units(str_of(samples[i].text), &got, &err) || got != samples[i].want)
            fail_msg("%s: %lld (%s)", samples[i].text, (long long)got, err.message);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ".",
        "-",
        "+",
        "e3",
        "1e",
        "1e3.5",
        "1i",
        "0.1mi",
        "0.1am",
        "aoeu",
        ".5i",
        "-3.01i",
        "-3.01e-",
        "1.1.M",
        "1+1.0M",
        "1 Gi",
        " 1",
        "1 ",
        "1K",
        "1KI",
        "1gi",
        "0x10",
        "-1",
        "-0.0001",
        "-1Gi",
        "--1",
        "1e99999999999999999999",
        "1e1000000001",
        "9223372036854775808",
        "8Ei",
        "10E",
        "1e19",
        "99999999999999999999999",
        "NaN",
        "Inf",
        "1,5",
        "\xff",
        "1G\xc3\xa9",
    };
    for (size_t i = 0; i < CC_COUNT(texts); i++) {
        int64_t got = 77;
        struct err err = {0};
        if (quantity_units(str_of(texts[i]), &got, &err) != ERR_INVALID)
            fail_msg("\"%s\" was accepted", texts[i]);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(got, 77);
        assert_non_null(strstr(err.message, "allowed is"));
    }
    int64_t got;
    assert_int_equal(quantity_milli(STR("9223372036854775.808"), &got, NULL), ERR_INVALID);
    assert_int_equal(quantity_milli((struct str){NULL, 0}, &got, NULL), ERR_INVALID);
    assert_int_equal(quantity_units((struct str){"1\0", 2}, &got, NULL), ERR_INVALID);
}

static void texts(void **state)
{
    (void)state;
    char text[QUANTITY_TEXT_MAX];
    assert_string_equal(quantity_milli_text(3920, text), "3920m");
    assert_string_equal(quantity_milli_text(4000, text), "4");
    assert_string_equal(quantity_milli_text(0, text), "0");
    assert_string_equal(quantity_milli_text(INT64_MAX, text), "9223372036854775807m");
    assert_string_equal(quantity_bytes_text(15569256448, text), "14.5Gi");
    assert_string_equal(quantity_bytes_text(512 << 20, text), "512Mi");
    assert_string_equal(quantity_bytes_text(7, text), "7");
    assert_string_equal(quantity_bytes_text(0, text), "0");
    assert_string_equal(quantity_bytes_text(1023, text), "1023");
    assert_string_equal(quantity_bytes_text(2047, text), "1.9Ki");
    assert_string_equal(quantity_bytes_text((INT64_C(1) << 40) - 1, text), "1023.9Gi");
    assert_string_equal(quantity_bytes_text(INT64_MAX, text), "7.9Ei");
    assert_string_equal(quantity_bytes_text(-1536, text), "-1.5Ki");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(milli_values),
        cmocka_unit_test(unit_values),
        cmocka_unit_test(refused),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* UTF-8: what is refused, and escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "base/utf8.h"

static void checked(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "0123456789",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "0123456\xc3\xa9"};
    for (size_t i = 0; i < CC_COUNT(good); i++)
        assert_int_equal(utf8_check(str_of(good[i])), strlen(good[i]));
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe2(\xa1"};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        char text[32];
        memcpy(text, "012345678", 9);
        memcpy(text + 9, bad[i], strlen(bad[i]) + 1);
        assert_int_equal(utf8_check(str_of(text)), 9);
        assert_int_equal(utf8_check(str_of(bad[i])), 0);
    }
}

static void unescaped(void **state)
{
    (void)state;
    static const struct {
        const char *from, *want;
        size_t used;
    } samples[] = {
        {"0041x", "A", 4},
        {"00e9", "\xc3\xa9", 4},
        {"20AC", "\xe2\x82\xac", 4},
        {"d83d\\uDE00z", "\xf0\x9f\x98\x80", 10},
        {"dbff\\udfff", "\xf4\x8f\xbf\xbf", 10},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        char out[UTF8_MAX + 1] = "";
        const char *at = samples[i].from;
        char *end = utf8_unescape(&at, at + strlen(at), out);
        assert_non_null(end);
        assert_string_equal(out, samples[i].want);
        assert_ptr_equal(end, out + strlen(out));
        assert_int_equal(at - samples[i].from, samples[i].used);
    }
    static const char *const bad[] = {"",           "12",          "12g4", "0000",       "d83d",
                                      "d83dxxxxxx", "d83d\\u0041", "de00", "d83d\\ud83d"};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        char out[UTF8_MAX];
        const char *at = bad[i];
        assert_null(utf8_unescape(&at, at + strlen(at), out));
        assert_ptr_equal(at, bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checked),
        cmocka_unit_test(unescaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

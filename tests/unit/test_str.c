/* Borrowed text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cc.h"
#include "base/str.h"

static void comparing(void **state)
{
    (void)state;
    struct str none = {NULL, 0};
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq(str_of(NULL), none));
    assert_true(str_eq(STR("ab"), (struct str){"abc", 2}));
    assert_false(str_eq(STR("ab"), STR("ac")));
    assert_false(str_is(STR("ab"), "abc"));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(none, STR("a")) < 0);
    assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
}

static void ends_and_trimming(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), "ab"));
    assert_true(str_starts(STR("abc"), ""));
    assert_false(str_starts(STR("a"), "ab"));
    assert_true(str_ends(STR("abc"), "bc"));
    assert_false(str_ends(STR("c"), "bc"));
    assert_true(str_is(str_trim(STR(" \t\r\n a b \v\f")), "a b"));
    assert_int_equal(str_trim(STR("  ")).len, 0);
}

static void cutting(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    assert_true(str_is(str_cut(&rest, ','), "a"));
    assert_true(str_is(str_cut(&rest, ','), ""));
    assert_true(str_is(rest, "b"));
    assert_true(str_is(str_cut(&rest, ','), "b"));
    assert_int_equal(rest.len, 0);
    assert_true(str_is(str_cut(&rest, ','), ""));
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"-12", -12},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < CC_COUNT(good); i++) {
        int64_t value = 1;
        assert_true(str_to_int64(str_of(good[i].text), &value));
        assert_int_equal(value, good[i].want);
    }
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1 ",
                                      " 1",
                                      "1.0",
                                      "0x1",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        int64_t value = 77;
        assert_false(str_to_int64(str_of(bad[i]), &value));
        assert_int_equal(value, 77);
    }
}

static void copies_end_in_nul(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct str copy = str_dup(&arena, (struct str){"abc", 2});
    assert_string_equal(copy.ptr, "ab");
    assert_int_equal(copy.len, 2);
    assert_non_null(str_dup(&arena, (struct str){NULL, 0}).ptr);
    arena_release(&arena);
}

static void hashes_are_fnv_1a(void **state)
{
    (void)state;
    assert_true(str_hash(STR("")) == UINT64_C(0xcbf29ce484222325));
    assert_true(str_hash(STR("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(str_hash(STR("foobar")) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing), cmocka_unit_test(ends_and_trimming), cmocka_unit_test(cutting),
        cmocka_unit_test(numbers),   cmocka_unit_test(copies_end_in_nul), cmocka_unit_test(hashes_are_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

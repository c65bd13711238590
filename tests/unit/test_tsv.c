/* Tests of cloud/aws/tsv.h: columns by name, rows, findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/tsv.h"

static const struct tsv_column columns[] = {{"name", true}, {"count", false}};

static struct diag diag;

static int clear(void **state)
{
    (void)state;
    diag_release(&diag);
    return 0;
}

static bool open_text(struct tsv *tsv, const char *text)
{
    return tsv_open(tsv, str_of(text), "t.tsv", columns, 2, &diag);
}

static void columns_stand_in_any_order(void **state)
{
    (void)state;
    struct tsv tsv;
    struct str cells[2];
    assert_true(open_text(&tsv, "# made by hand\n\ncount\tother\tname\r\n3\tx\ta\r\n#4\tx\tb\n\ty\tc"));
    assert_true(tsv_next(&tsv, cells));
    assert_true(str_is(cells[0], "a"));
    assert_true(str_is(cells[1], "3"));
    assert_int_equal(tsv.line, 4);
    assert_true(tsv_next(&tsv, cells));
    assert_true(str_is(cells[0], "c"));
    assert_int_equal(cells[1].len, 0);
    assert_int_equal(tsv.line, 6);
    assert_false(tsv_next(&tsv, cells));
    assert_int_equal(diag_count(&diag), 0);
}

static void a_missing_optional_column_is_empty(void **state)
{
    (void)state;
    struct tsv tsv;
    struct str cells[2];
    assert_true(open_text(&tsv, "name\na\n"));
    assert_true(tsv_next(&tsv, cells));
    assert_int_equal(cells[1].len, 0);
}

static void a_byte_order_mark_is_passed_by(void **state)
{
    (void)state;
    struct tsv tsv;
    struct str cells[2];
    assert_true(open_text(&tsv, "\xef\xbb\xbfname\na\n"));
    assert_true(tsv_next(&tsv, cells));
    assert_true(str_is(cells[0], "a"));
}

static void control_characters_stay_out_of_findings(void **state)
{
    (void)state;
    struct tsv tsv;
    assert_true(open_text(&tsv, "name\n"));
    assert_false(tsv_name(&tsv, "name", STR("\033[2J")));
    assert_null(strchr(diag.findings[0].text, '\033'));
    assert_non_null(strstr(diag.findings[0].text, "\"?[2J\""));
}

static void wrong_headers_are_findings(void **state)
{
    (void)state;
    struct tsv tsv;
    assert_false(open_text(&tsv, "# nothing\n"));
    assert_int_equal(diag.findings[0].line, 0);
    assert_false(open_text(&tsv, "count\tx\n"));
    assert_string_equal(diag.findings[1].text, "name: the header does not name this column, which is required");
    assert_int_equal(diag.findings[1].line, 1);
    assert_false(open_text(&tsv, "name\tname\n"));
    assert_string_equal(diag.findings[2].text, "name: the header names this column twice");
    assert_string_equal(diag.findings[2].file, "t.tsv");
    char wide[2 * TSV_MAX_COLUMNS + 8] = "name";
    for (size_t i = 4; i < 4 + TSV_MAX_COLUMNS; i++)
        wide[i] = '\t';
    assert_false(open_text(&tsv, wide));
    assert_string_equal(diag.findings[3].text, "65 columns, at most 64 are allowed");
}

static void rows_of_a_wrong_width_are_left_out(void **state)
{
    (void)state;
    struct tsv tsv;
    struct str cells[2];
    assert_true(open_text(&tsv, "name\tcount\na\nb\t1\t2\nc\t3\n"));
    assert_true(tsv_next(&tsv, cells));
    assert_true(str_is(cells[0], "c"));
    assert_int_equal(diag_count(&diag), 2);
    assert_int_equal(diag.findings[0].line, 2);
    assert_string_equal(diag.findings[1].text, "the row has 3 columns, the header has 2");
}

static void numbers_have_a_range(void **state)
{
    (void)state;
    struct tsv tsv;
    int64_t number = -7;
    assert_true(open_text(&tsv, "name\n"));
    assert_true(tsv_number(&tsv, "count", STR("12"), 0, 12, &number));
    assert_int_equal(number, 12);
    assert_true(tsv_number(&tsv, "count", STR(""), 0, 12, &number));
    assert_int_equal(number, 0);
    static const char *const wrong[] = {"13", "-1", "1.5", "x", "99999999999999999999", " 1"};
    number = 5;
    for (size_t i = 0; i < CC_COUNT(wrong); i++)
        assert_false(tsv_number(&tsv, "count", str_of(wrong[i]), 0, 12, &number));
    assert_false(tsv_number(&tsv, "count", STR(""), 1, 12, &number));
    assert_int_equal(number, 5);
    assert_int_equal(diag_count(&diag), CC_COUNT(wrong) + 1);
    assert_string_equal(diag.findings[1].text, "count: \"-1\" is not allowed, allowed is a whole number from 0 to 12");
}

static void names_are_label_values(void **state)
{
    (void)state;
    struct tsv tsv;
    assert_true(open_text(&tsv, "name\n"));
    assert_true(tsv_name(&tsv, "name", STR("u-6tb1.56xlarge")));
    assert_false(tsv_name(&tsv, "name", STR("")));
    assert_false(tsv_name(&tsv, "name", STR("a b")));
    assert_false(tsv_name(&tsv, "name", STR("a\xff")));
    assert_false(tsv_name(&tsv, "name", STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    assert_int_equal(diag_count(&diag), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(columns_stand_in_any_order, clear),
        cmocka_unit_test_teardown(a_missing_optional_column_is_empty, clear),
        cmocka_unit_test_teardown(a_byte_order_mark_is_passed_by, clear),
        cmocka_unit_test_teardown(control_characters_stay_out_of_findings, clear),
        cmocka_unit_test_teardown(wrong_headers_are_findings, clear),
        cmocka_unit_test_teardown(rows_of_a_wrong_width_are_left_out, clear),
        cmocka_unit_test_teardown(numbers_have_a_range, clear),
        cmocka_unit_test_teardown(names_are_label_values, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

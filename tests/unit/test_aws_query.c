/* test_aws_query.c - forms of the Query protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/query.h"

static void nested_structures_and_lists(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    const struct str zones[] = {STR("us-west-2a"), STR("us-west-2b")};
    aws_query_bool(&query, "DryRun", true);
    aws_query_item(&query, "Filter", 1);
    aws_query_str(&query, "Name", STR("tag:a b/ü&="));
    aws_query_list(&query, "Value", zones, 2);
    aws_query_close(&query);
    aws_query_open(&query, "SpotOptions");
    aws_query_open(&query, "MaintenanceStrategies");
    aws_query_int(&query, "Count", -3);
    aws_query_close(&query);
    aws_query_bool(&query, "SingleInstanceType", false);
    aws_query_close(&query);
    aws_query_int(&query, "Last", INT64_MIN);
    struct str text;
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_string_equal(text.ptr, "DryRun=true&Filter.1.Name=tag%3Aa%20b%2F%C3%BC%26%3D"
                                  "&Filter.1.Value.1=us-west-2a&Filter.1.Value.2=us-west-2b"
                                  "&SpotOptions.MaintenanceStrategies.Count=-3&SpotOptions.SingleInstanceType=false"
                                  "&Last=-9223372036854775808");
    arena_release(&arena);
}

static void nothing_is_empty(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    aws_query_list(&query, "InstanceId", NULL, 0);
    assert_int_equal(buf.len, 0);
    aws_query_str(&query, "Empty", STR(""));
    struct str text;
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_string_equal(text.ptr, "Empty=");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_structures_and_lists),
        cmocka_unit_test(nothing_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

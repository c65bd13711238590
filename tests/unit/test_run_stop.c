/* test_run_stop.c - which calls change something, and stopping at the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cc.h"
#include "provisioner/cmd/run_stop.h"

static struct http_request request_of(const char *method, const char *body)
{
    return (struct http_request){.method = str_of(method), .url = "http://h/", .body = str_of(body)};
}

static void reads_are_told_from_effects(void **state)
{
    (void)state;
    static const struct {
        const char *method, *body;
        bool effect;
    } cases[] = {
        {"GET", "", false},
        {"HEAD", "", false},
        {"PATCH", "{}", true},
        {"DELETE", "", true},
        {"POST", "{\"Action=Describe\":1}", true},
        {"POST", "Action=DescribeInstances&Version=2016-11-15", false},
        {"POST", "Action=CreateFleet&Version=2016-11-15", true},
        {"POST", "Action=TerminateInstances", true},
        {"POST", "Action=", true},
        {"PUT", "", true},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct http_request request = request_of(cases[i].method, cases[i].body);
        assert_int_equal(run_stop_is_effect(&request), cases[i].effect);
    }
}

static void json_calls_are_named_by_a_header(void **state)
{
    (void)state;
    static const struct {
        struct str target;
        bool effect;
    } cases[] = {
        {STR_INIT("AmazonSQS.ReceiveMessage"), false},
        {STR_INIT("AmazonSQS.DeleteMessageBatch"), true},
        {STR_INIT("AmazonSSM.GetParameter"), false},
        {STR_INIT("AWSPriceListService.GetProducts"), false},
        {STR_INIT("nonsense"), true},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        const struct http_header headers[] = {{STR("Host"), STR("h")}, {STR("X-Amz-Target"), cases[i].target}};
        struct http_request request = request_of("POST", "{}");
        request.headers = headers;
        request.n_headers = CC_COUNT(headers);
        assert_int_equal(run_stop_is_effect(&request), cases[i].effect);
    }
}

static void stops_before_or_after_the_nth_call(void **state)
{
    (void)state;
    struct http_request read = request_of("GET", "");
    struct run_stop never = {0}, before = {.at = 2}, after = {.at = -2};
    for (uint64_t call = 1; call <= 3; call++) {
        assert_false(run_stop_now(&never, call, false, &read));
        assert_int_equal(run_stop_now(&before, call, false, &read), call == 2);
        assert_false(run_stop_now(&after, call, false, &read));
    }
    assert_false(run_stop_now(&after, 3, true, &read));
    assert_false(run_stop_now(&never, 2, true, &read));
    assert_true(run_stop_now(&after, 2, true, &read));
}

static void where_only_effects_count_reads_do_not(void **state)
{
    (void)state;
    struct http_request read = request_of("GET", ""), write = request_of("PATCH", "{}");
    struct run_stop before = {.at = 2, .effects_only = true}, after = {.at = -1, .effects_only = true};
    assert_false(run_stop_now(&before, 1, false, &write));
    assert_false(run_stop_now(&before, 2, false, &read));
    assert_true(run_stop_now(&before, 3, false, &write));
    assert_false(run_stop_now(&after, 1, false, &read));
    assert_false(run_stop_now(&after, 2, false, &write));
    assert_false(run_stop_now(&after, 1, true, &read));
    assert_true(run_stop_now(&after, 2, true, &write));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_told_from_effects),
        cmocka_unit_test(json_calls_are_named_by_a_header),
        cmocka_unit_test(stops_before_or_after_the_nth_call),
        cmocka_unit_test(where_only_effects_count_reads_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

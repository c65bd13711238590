/* test_metrics.c - what /metrics prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/serve/metrics.h"

static char *written(const struct metrics *metrics, struct arena *arena)
{
    struct buf buf = BUF_INIT(arena);
    struct str text;
    metrics_write(metrics, &buf);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    return arena_copy(arena, text.ptr, text.len);
}

static void counters_and_gauges_are_printed_with_their_labels(void **state)
{
    (void)state;
    struct metrics *metrics;
    struct arena arena = ARENA_INIT;
    assert_int_equal(metrics_open(&metrics, NULL), 0);
    const struct str spot[] = {STR("m5.large"), STR("a\"b\\c"), STR("spot"), STR("x\ny")};
    metrics_add(metrics, METRIC_LAUNCHES, spot, 2);
    metrics_add(metrics, METRIC_LAUNCHES, spot, 1);
    metrics_set(metrics, METRIC_PLAN_GAP, NULL, 0.25);
    const char *text = written(metrics, &arena);
    assert_non_null(strstr(text, "# TYPE stoker_instances_launched_total counter\n"
                                 "stoker_instances_launched_total{instance_type=\"m5.large\",zone=\"a\\\"b\\\\c\","
                                 "capacity_type=\"spot\",provisioner=\"x?y\"} 3\n"));
    assert_non_null(strstr(text, "# TYPE stoker_plan_gap_ratio gauge\nstoker_plan_gap_ratio 0.25\n"));
    assert_null(strstr(text, "\nstoker_leader "));
    metrics_clear(metrics, METRIC_LAUNCHES);
    assert_null(strstr(written(metrics, &arena), "m5.large"));
    arena_release(&arena);
    metrics_close(metrics);
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    struct metrics *metrics;
    struct arena arena = ARENA_INIT;
    assert_int_equal(metrics_open(&metrics, NULL), 0);
    metrics_observe(metrics, METRIC_PASS_SECONDS, NULL, 0.004);
    metrics_observe(metrics, METRIC_PASS_SECONDS, NULL, 0.005);
    metrics_observe(metrics, METRIC_PASS_SECONDS, NULL, 1000);
    const char *text = written(metrics, &arena);
    assert_non_null(strstr(text, "stoker_pass_duration_seconds_bucket{le=\"0.0025\"} 0\n"));
    assert_non_null(strstr(text, "stoker_pass_duration_seconds_bucket{le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "stoker_pass_duration_seconds_bucket{le=\"600\"} 2\n"
                                 "stoker_pass_duration_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "stoker_pass_duration_seconds_sum 1000.009\n"
                                 "stoker_pass_duration_seconds_count 3\n"));
    arena_release(&arena);
    metrics_close(metrics);
}

static void series_beyond_the_limit_are_counted_only(void **state)
{
    (void)state;
    struct metrics *metrics;
    struct arena arena = ARENA_INIT;
    assert_int_equal(metrics_open(&metrics, NULL), 0);
    for (int i = 0; i < METRICS_MAX_SERIES + 3; i++) {
        char reason[16];
        snprintf(reason, sizeof(reason), "r%d", i);
        metrics_set(metrics, METRIC_PODS_PENDING, (const struct str[]){str_of(reason)}, i);
    }
    const char *text = written(metrics, &arena);
    assert_non_null(strstr(text, "{reason=\"r4999\"} 4999\n"));
    assert_null(strstr(text, "{reason=\"r5000\"}"));
    assert_non_null(strstr(text, "stoker_metric_series_dropped_total 3\n"));
    arena_release(&arena);
    metrics_close(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_are_printed_with_their_labels),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(series_beyond_the_limit_are_counted_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

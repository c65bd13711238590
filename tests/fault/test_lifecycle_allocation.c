/*
 * test_lifecycle_allocation.c - memory runs out once, at the first allocation that passes make, at the second, …: the
 * pass is tried again, and the end is the same: every pod has its slot, every machine its claim, nothing leaks.
 *
 * Only what happens within passes fails (solves too, which the inline worker runs there): the cluster and the cloud of
 * the test are not ours to break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fault/nth.h"
#include "tests/support/stage.h"

/* A pass begins by asking whether it may act, and the next wait is after it. */
static void arm(void)
{
    nth_pause(false);
}

static int wait_unarmed(void *context, int64_t timeout_ns, struct err *err)
{
    struct loop_waiter waiter = virtual_time_waiter(context);
    nth_pause(true);
    return waiter.wait(waiter.context, timeout_ns, err);
}

static enum fake_fate on_cluster_call(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)request;
    (void)number;
    nth_pause(true); /* the test's own parts are not ours to break */
    return FAKE_SERVED;
}

static enum fake_fate on_cloud_call(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)api;
    (void)number;
    nth_pause(true);
    return FAKE_SERVED;
}

/* Returns whether memory ran out; false: the scenario needs no more allocations than n. */
static bool survive(int64_t n)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage_open(stage);
    stage->boot_ms = 5000;
    stage->loop.waiter = (struct loop_waiter){wait_unarmed, &stage->time};
    stage->on_act = arm;
    stage->cluster->on_call = on_cluster_call;
    stage->cloud->on_call = on_cloud_call;
    stage_provisioner(stage, "");
    fake_cloud_capacity(stage->cloud, "c4.2xlarge", NULL, CLOUD_SPOT, 0);
    fake_cloud_capacity(stage->cloud, "m4.2xlarge", NULL, CLOUD_SPOT, 1);
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 8);
    nth_begin(n);
    nth_pause(true);
    stage_start(stage);
    stage_run(stage, 120000);
    bool failed = nth_end();
    for (int i = 1; i <= 8; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a-exec-%d", i);
        assert_true(fake_cluster_text(stage->cluster, CLUSTER_POD, "spark", name, "spec.nodeName").len > 0);
    }
    stage_check_owners(stage);
    stage_close(stage);
    free(stage);
    return failed;
}

static void test_memory_runs_out_once(void **state)
{
    int64_t n = 0;
    (void)state;
    while (survive(n))
        n++;
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_runs_out_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

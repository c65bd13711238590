/*
 * pass.c - how long one pass takes over a large cluster that does not change, and over one in which a single pod
 * changed. usage: pass [PODS]; six executors a node
 * of 8 vCPU. The cluster and the cloud are in memory; state, view and controllers
 * are the real ones, the time is the machine's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/stage.h"

enum { PODS = 10000, TIMES = 201, CHUNK = 500 };

static int wanted = PODS;

static void make_pods(struct stage *stage)
{
    for (int i = 0; i < wanted; i++)
        fake_cluster_applyf(
            stage->cluster,
            "{apiVersion: v1, kind: Pod, metadata: {name: app-exec-%d, namespace: spark, uid: u-%d, "
            "labels: {spark-role: executor, spark-app-selector: app-%d}}, spec: {containers: [{name: c, "
            "image: i, resources: {requests: {cpu: 1250m, memory: 2Gi}}}]}, status: {phase: Pending}}",
            i, i, i / CHUNK);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The turn of the loop that has the next pass in it, in milliseconds of the machine's time. */
static double one_pass(struct stage *stage)
{
    uint64_t before = control_status(stage->control).passes;
    double ms = 0;
    while (control_status(stage->control).passes == before) {
        struct clock_mono begun = clock_now(&clock_system);
        assert_int_equal(loop_turn(&stage->loop, NULL), 0);
        ms = clock_ms_between(begun, clock_now(&clock_system));
    }
    return ms;
}

static void measure(struct stage *stage, const char *what, bool change)
{
    static double ms[TIMES];
    for (int i = 0; i < TIMES; i++) {
        virtual_time_run(&stage->loop, 1000);
        if (change)
            fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", "app-exec-0", "{metadata: {labels: {n: '%d'}}}",
                               i);
        else
            control_wake(stage->control, CLUSTER_POD);
        ms[i] = one_pass(stage);
    }
    qsort(ms, TIMES, sizeof(ms[0]), by_value);
    printf("%-28s median %7.3f ms  p95 %7.3f ms  max %7.3f ms\n", what, ms[TIMES / 2], ms[TIMES * 95 / 100],
           ms[TIMES - 1]);
}

static void run(void **state)
{
    (void)state;
    static struct stage stage;
    stage_open(&stage);
    stage.boot_ms = 1000;
    stage.settings.launches_per_minute = 10000;
    stage_provisioner(&stage, "");
    make_pods(&stage);
    stage_start(&stage);
    for (int i = 0; i < 600 && !(stage_claims(&stage, "Initialized") && control_status(stage.control).idle); i++)
        stage_run(&stage, 1000);
    printf("%zu pods on %zu nodes (%zu initialised)\n", fake_cluster_count(stage.cluster, CLUSTER_POD),
           fake_cluster_count(stage.cluster, CLUSTER_NODE), stage_claims(&stage, "Initialized"));
    stage_run(&stage, 10000);
    measure(&stage, "nothing changed", false);
    measure(&stage, "one pod changed", true);
    stage_close(&stage);
}

int main(int argc, char **argv)
{
    int64_t pods;
    if (argc > 1 && str_to_int64(str_of(argv[1]), &pods) && pods > 0 && pods <= 100000)
        wanted = (int)pods;
    const struct CMUnitTest tests[] = {cmocka_unit_test(run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

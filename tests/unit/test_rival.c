/* test_rival.c - when another autoscaler counts as alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cc.h"
#include "provisioner/kube/rival.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/virtual_time.h"

static const struct str places[] = {STR_INIT("kube-system"), STR_INIT("karpenter")};

struct bench {
    struct virtual_time time;
    struct loop loop;
    struct fake_cluster *cluster;
    struct rival *rival;
    int changes;
    char where[320];
};

static void count(void *context, enum rival_state state, const char *where)
{
    struct bench *bench = context;
    (void)state;
    snprintf(bench->where, sizeof(bench->where), "%s", where);
    bench->changes++;
}

static void bench_open(struct bench *bench)
{
    *bench = (struct bench){0};
    virtual_time_init(&bench->time);
    loop_init(&bench->loop, &bench->time.clock, virtual_time_waiter(&bench->time));
    bench->cluster = fake_cluster_open(&bench->loop);
    const struct rival_options options = {.loop = &bench->loop,
                                          .cluster = fake_cluster_cluster(bench->cluster),
                                          .namespaces = places,
                                          .n_namespaces = CC_COUNT(places),
                                          .lease = STR("karpenter-leader-election"),
                                          .changed = count,
                                          .context = bench};
    assert_int_equal(rival_open(&options, &bench->rival, NULL), 0);
}

static void bench_close(struct bench *bench)
{
    fake_cluster_cut(bench->cluster);
    rival_close(bench->rival);
    fake_cluster_close(bench->cluster);
    loop_release(&bench->loop);
}

static void renew(struct bench *bench, const char *holder, int second)
{
    fake_cluster_applyf(bench->cluster,
                        "apiVersion: coordination.k8s.io/v1\nkind: Lease\n"
                        "metadata: {name: karpenter-leader-election, namespace: karpenter}\n"
                        "spec: {holderIdentity: \"%s\", leaseDurationSeconds: 15, "
                        "renewTime: \"2001-01-01T00:00:%02d.000000Z\"}\n",
                        holder, second);
}

static void without_a_lease_it_is_gone(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(rival_state(bench.rival), RIVAL_UNKNOWN);
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 1000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    assert_int_equal(bench.changes, 1);
    bench_close(&bench);
}

static void a_lease_that_is_renewed_is_alive_until_it_runs_out(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    renew(&bench, "karpenter-1", 0);
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 5000);
    assert_int_equal(rival_state(bench.rival), RIVAL_UNKNOWN); /* an old record or a new one? */
    for (int i = 1; i <= 6; i++) {
        renew(&bench, "karpenter-1", i); /* its clock is years behind: that does not matter */
        virtual_time_run(&bench.loop, 10000);
        assert_int_equal(rival_state(bench.rival), RIVAL_ALIVE);
    }
    assert_string_equal(bench.where, "lease karpenter/karpenter-leader-election is held by karpenter-1");
    virtual_time_run(&bench.loop, 30000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    assert_string_equal(bench.where, "no lease karpenter-leader-election is renewed");
    renew(&bench, "karpenter-2", 30);
    virtual_time_run(&bench.loop, 11000);
    assert_int_equal(rival_state(bench.rival), RIVAL_ALIVE);
    renew(&bench, "", 31); /* handed over to nobody */
    virtual_time_run(&bench.loop, 11000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    bench_close(&bench);
}

static void a_lease_left_behind_is_gone_after_its_duration(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    renew(&bench, "karpenter-1", 0);
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 14000);
    assert_int_equal(rival_state(bench.rival), RIVAL_UNKNOWN);
    virtual_time_run(&bench.loop, 12000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    bench_close(&bench);
}

static enum fake_fate forbid(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)request;
    (void)number;
    return FAKE_FORBIDDEN;
}

/* Known not to be there before: then it is not an old record. */
static void a_lease_that_appears_is_alive_at_once(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 1000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    renew(&bench, "karpenter-1", 0);
    virtual_time_run(&bench.loop, 10000);
    assert_int_equal(rival_state(bench.rival), RIVAL_ALIVE);
    bench_close(&bench);
}

/* Who cannot renew because the API server is away is not gone when it is back. */
static void an_outage_is_not_its_end(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    renew(&bench, "karpenter-1", 0);
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 5000);
    renew(&bench, "karpenter-1", 1);
    virtual_time_run(&bench.loop, 10000);
    assert_int_equal(rival_state(bench.rival), RIVAL_ALIVE);
    bench.cluster->on_call = forbid;
    virtual_time_run(&bench.loop, 60000);
    bench.cluster->on_call = NULL;
    virtual_time_run(&bench.loop, 12000);
    assert_int_equal(rival_state(bench.rival), RIVAL_ALIVE);
    virtual_time_run(&bench.loop, 20000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    bench_close(&bench);
}

static void what_may_not_be_read_is_not_taken_for_gone(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    bench.cluster->on_call = forbid;
    assert_int_equal(rival_start(bench.rival, NULL), 0);
    virtual_time_run(&bench.loop, 60000);
    assert_int_equal(rival_state(bench.rival), RIVAL_UNKNOWN);
    assert_int_equal(bench.changes, 1); /* that is said, and once */
    assert_true(bench.where[0]);
    bench.cluster->on_call = NULL;
    virtual_time_run(&bench.loop, 11000);
    assert_int_equal(rival_state(bench.rival), RIVAL_GONE);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_lease_it_is_gone),
        cmocka_unit_test(a_lease_that_is_renewed_is_alive_until_it_runs_out),
        cmocka_unit_test(a_lease_left_behind_is_gone_after_its_duration),
        cmocka_unit_test(a_lease_that_appears_is_alive_at_once),
        cmocka_unit_test(an_outage_is_not_its_end),
        cmocka_unit_test(what_may_not_be_read_is_not_taken_for_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_pass_allocation.c - memory runs out at the first allocation, at the second, … of each part of a pass that places
 * pods and gives nodes back: each run ends with ERR_NOMEM or well, none crashes or leaks.
 *
 * Linked with --wrap=malloc,calloc,realloc as test_allocation.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/lifecycle/controllers.h"
#include "tests/fault/nth.h"
#include "tests/support/planned.h"
#include "tests/support/state_yaml.h"
#include "tests/support/virtual_time.h"

enum { PENDING_MAX = 64 };

/* What was asked, to be answered by hand: nothing here allocates. */
struct world {
    struct virtual_time time;
    struct loop loop;
    struct planned market;
    uint64_t seed;
    struct chance chance;
    struct log log;
    struct metrics *metrics;
    struct state *state;
    struct control *control;
    struct arena arena;
    struct {
        cluster_done_fn done;
        void *context;
        enum cluster_verb verb;
    } asked[PENDING_MAX];
    size_t n_asked;
    struct {
        cloud_terminated_fn terminated;
        cloud_done_fn acknowledged;
        void *context;
    } called[PENDING_MAX];
    size_t n_called;
};

static bool may_act(void *context)
{
    (void)context;
    return true;
}

static int on_request(void *context, const struct cluster_request *request, cluster_done_fn done, void *done_context,
                      struct err *err)
{
    struct world *world = context;
    (void)err;
    assert_true(world->n_asked < PENDING_MAX);
    world->asked[world->n_asked].done = done;
    world->asked[world->n_asked].context = done_context;
    world->asked[world->n_asked++].verb = request->verb;
    return 0;
}

static const struct cloud_catalogue *catalogue(void *context)
{
    return &((struct world *)context)->market.catalogue;
}

static int on_terminate(void *context, const struct str *ids, size_t n, cloud_terminated_fn done, void *done_context,
                        struct err *err)
{
    struct world *world = context;
    (void)ids;
    (void)err;
    assert_true(n > 0 && world->n_called < PENDING_MAX);
    world->called[world->n_called].terminated = done;
    world->called[world->n_called++].context = done_context;
    return 0;
}

static int on_acknowledge(void *context, struct str handle, bool ours, cloud_done_fn done, void *done_context,
                          struct err *err)
{
    struct world *world = context;
    (void)handle;
    (void)ours;
    (void)err;
    assert_true(world->n_called < PENDING_MAX);
    world->called[world->n_called].acknowledged = done;
    world->called[world->n_called++].context = done_context;
    return 0;
}

/* Everything is refused, so that the next run finds the same world. */
static void answer_all(struct world *world)
{
    struct err conflict = {.code = ERR_CONFLICT, .message = "changed"}, retry = {.code = ERR_RETRY, .message = "no"};
    const struct cluster_answer answer = {.err = &conflict};
    const struct cloud_terminated terminated = {.err = &retry};
    for (size_t i = 0; i < world->n_asked; i++)
        world->asked[i].done(world->asked[i].context, &answer);
    for (size_t i = 0; i < world->n_called; i++) {
        if (world->called[i].terminated)
            world->called[i].terminated(world->called[i].context, &terminated);
        else
            world->called[i].acknowledged(world->called[i].context, &retry);
    }
    world->n_asked = world->n_called = 0;
}

static void on_changed(void *context, enum cluster_kind kind)
{
    (void)context;
    (void)kind;
}

static void put_claim(struct world *world, const char *name, const char *status, const char *slots)
{
    state_put_fmt(world->state,
                  "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: %s, uid: u-%s, resourceVersion: "
                  "'1', finalizers: [stoker.sh/instance], creationTimestamp: '2026-01-01T00:00:00Z'}, spec: "
                  "{provisioner: default, capacityType: spot, pools: [{instanceType: c4.2xlarge, zone: us-west-2a, "
                  "price: '0.16'}], slots: [%s], labels: {team: a}, resources: {allocatable: {cpu: '8', memory: 16Gi, "
                  "pods: '50'}, capacity: {cpu: '8', memory: 16Gi}}, launch: {id: l-%s, count: 1, request: '{}'}}, "
                  "status: {instanceID: i-%s, providerID: 'aws:///us-west-2a/i-%s', instanceType: c4.2xlarge, zone: "
                  "us-west-2a, launchedAt: '2026-01-01T00:00:00Z', %s}}",
                  name, name, slots, name, name, name, status);
}

static void put_node(struct world *world, const char *claim, const char *spec)
{
    state_put_fmt(world->state,
                  "{apiVersion: v1, kind: Node, metadata: {name: n-%s, uid: un-%s, resourceVersion: '1', "
                  "creationTimestamp: '2026-01-01T00:00:00Z'}, spec: {providerID: 'aws:///us-west-2a/i-%s'%s}, status: "
                  "{allocatable: {cpu: '8', memory: 16Gi, pods: '50'}, conditions: [{type: Ready, status: 'True'}]}}",
                  claim, claim, claim, spec);
}

static void put_pod(struct world *world, const char *name, const char *node, const char *more)
{
    state_put_fmt(world->state,
                  "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark, uid: up-%s, resourceVersion: "
                  "'1', labels: {spark-role: executor, app: x}, creationTimestamp: '2026-01-01T00:00:00Z'}, spec: "
                  "{nodeName: '%s', containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}], resources: "
                  "{requests: {cpu: 1900m, memory: 1Gi}}}], affinity: {podAntiAffinity: "
                  "{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, "
                  "labelSelector: {matchLabels: {app: x}}}]}}}, status: {phase: %s}}",
                  name, name, node, more);
}

/* A claim in every phase that these parts act on, with the pods that make them. */
static void fill(struct world *world)
{
    state_put_yaml(world->state,
                   "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: default, uid: p, "
                   "resourceVersion: '1'}, spec: {ttlSecondsAfterEmpty: 30, ttlSecondsUntilExpired: 60, annotations: "
                   "{a: b}, requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]}}");
    put_claim(world, "joins", "phase: Launched", "");
    put_node(world, "joins", ", taints: [{key: stoker.sh/placing, effect: NoSchedule}]");
    put_claim(world, "fills", "phase: Registered, nodeName: n-fills, registeredAt: '2026-01-01T00:00:30Z'",
              "{namespace: spark, name: w0, uid: up-w0, app: '', shape: ''}, {namespace: spark, name: w1, uid: up-w1, "
              "app: '', shape: ''}, {namespace: spark, name: gone, uid: up-gone, app: '', shape: ''}");
    put_node(world, "fills", ", unschedulable: true");
    put_pod(world, "w0", "", "Pending");
    put_pod(world, "w1", "", "Pending");
    put_claim(world, "empty",
              "phase: Initialized, nodeName: n-empty, initializedAt: '2026-01-01T00:00:30Z', emptySince: "
              "'2026-01-01T00:00:30Z'",
              "");
    put_node(world, "empty", ", unschedulable: true");
    put_claim(world, "old", "phase: Initialized, nodeName: n-old, initializedAt: '2026-01-01T00:00:30Z'", "");
    put_node(world, "old", "");
    put_pod(world, "runs", "n-old", "Running");
    put_pod(world, "ended", "n-old", "Succeeded");
    put_claim(world, "leaves",
              "phase: Draining, nodeName: n-leaves, drainReason: SpotInterruption, drainDeadline: "
              "'2026-01-01T00:17:00Z'",
              "");
    put_node(world, "leaves", ", unschedulable: true");
    put_pod(world, "evicted", "n-leaves", "Running");
    put_claim(world, "left", "phase: Draining, nodeName: n-left, drainReason: Empty", "");
    put_node(world, "left", ", unschedulable: true");
    state_list_all(world->state);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    *world = (struct world){.seed = 3};
    virtual_time_init(&world->time);
    world->time.wall_ns += INT64_C(900) * 1000000000;
    loop_init(&world->loop, &world->time.clock, virtual_time_waiter(&world->time));
    assert_int_equal(planned_open(&world->market, NULL), 0);
    assert_int_equal(metrics_open(&world->metrics, &err), 0);
    world->chance = chance_seeded(&world->seed);
    world->log = (struct log){.clock = &world->time.clock};
    const struct state_options options = {.clock = &world->time.clock, .changed = on_changed, .context = world};
    assert_int_equal(state_open(&options, &world->state, &err), 0);
    const struct control_settings settings = CONTROL_SETTINGS_INIT;
    const struct control_effects effects = {
        .loop = &world->loop,
        .chance = &world->chance,
        .log = &world->log,
        .cluster = {.request = on_request, .context = world},
        .cloud = {.catalogue = catalogue, .terminate = on_terminate, .acknowledge = on_acknowledge, .context = world},
        .metrics = world->metrics,
        .may_act = may_act,
        .may_act_context = world};
    assert_int_equal(control_open(&effects, &settings, world->state, &world->control, &err), 0);
    fill(world);
    const struct cloud_sink sink = control_cloud_sink(world->control);
    const struct cloud_notice foreign = {
        .kind = CLOUD_NOTICE_REBALANCE, .instance_id = STR("i-other"), .handle = STR("h-1")};
    const struct cloud_notice spot = {
        .kind = CLOUD_NOTICE_SPOT_INTERRUPTION, .instance_id = STR("i-old"), .handle = STR("h-2")};
    sink.notice(sink.context, &foreign);
    sink.notice(sink.context, &spot);
}

static void close_world(struct world *world)
{
    answer_all(world);
    control_close(world->control);
    state_close(world->state);
    metrics_close(world->metrics);
    planned_close(&world->market);
    arena_release(&world->arena);
    loop_release(&world->loop);
}

/* One run with the n-th allocation failing; returns its code. *ret_asked: what went out, whatever the code. */
static int run(pass_fn *part, int64_t nth, size_t *ret_asked)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    open_world(world);
    struct err err = {0};
    struct pass pass = {.control = world->control,
                        .state = world->state,
                        .arena = &world->arena,
                        .now = loop_now(&world->loop),
                        .wall = {world->time.wall_ns}};
    assert_int_equal(state_view(world->state, &world->arena, &pass.view, &err), 0);
    nth_begin(nth);
    int code = part(&pass, &err);
    bool failed = nth_end();
    /* Not every loss is the pass's: an event or a sample may be lost without a word. */
    assert_true(code == 0 || (failed && code == ERR_NOMEM && err.code == ERR_NOMEM));
    *ret_asked = world->n_asked + world->n_called;
    state_view_release(world->state, &pass.view);
    close_world(world);
    free(world);
    return failed ? 1 : 0;
}

static void every_allocation_may_fail(pass_fn *part, size_t least_asked)
{
    size_t asked;
    assert_int_equal(run(part, -1, &asked), 0);
    assert_true(asked >= least_asked);
    int64_t nth = 0;
    while (run(part, nth, &asked))
        nth++;
    assert_true(nth > 0);
}

static void placing(void **state)
{
    (void)state;
    every_allocation_may_fail(place_pass, 2); /* a node closed, a pod bound; the other's slot waits for that */
}

static void disrupting(void **state)
{
    (void)state;
    every_allocation_may_fail(disrupt_pass, 2);
}

static void draining(void **state)
{
    (void)state;
    every_allocation_may_fail(drain_pass, 2);
}

static void interrupting(void **state)
{
    (void)state;
    every_allocation_may_fail(interrupt_pass, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placing),
        cmocka_unit_test(disrupting),
        cmocka_unit_test(draining),
        cmocka_unit_test(interrupting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

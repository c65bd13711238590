/* Tests of provisioner/lifecycle from pods to machines: on a virtual clock, a cluster and a cloud in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

static uint64_t plans(const struct stage *stage)
{
    return control_status(stage->control).plans;
}

static uint64_t creates(const struct stage *stage)
{
    return stage->cluster->calls[CLUSTER_CREATE][CLUSTER_NODE_CLAIM];
}

/* Every pod of the application has one slot. */
static void check_slots(struct stage *stage, const char *app, int n)
{
    for (int i = 1; i <= n; i++) {
        char pod[64];
        snprintf(pod, sizeof(pod), "spark/%s-exec-%d", app, i);
        assert_int_equal(stage_slots(stage, pod), 1);
    }
}

static void test_pods_become_machines(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 8);
    stage_start(stage);
    stage_run(stage, 3000);
    assert_int_equal(plans(stage), 1);
    assert_true(stage_claims(stage, NULL) > 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "Planned"), 9);
    assert_int_equal(stage_claims(stage, "Launched"), stage_claims(stage, NULL));
    assert_int_equal(fake_cloud_running(stage->cloud), stage_claims(stage, NULL));
    check_slots(stage, "a", 8);
    assert_int_equal(stage_slots(stage, "spark/a-driver-1"), 1);
    stage_check_owners(stage);
    /* A cluster in which nothing changes is left alone. */
    stage_run(stage, 10000);
    uint64_t calls = stage->cluster->n_calls;
    stage_run(stage, 600000);
    assert_int_equal(stage->cluster->n_calls, calls);
    assert_int_equal(plans(stage), 1);
    assert_true(control_status(stage->control).idle);
}

/* In the middle of a launch a leader that steps back begins nothing new, and is settled once all is answered. */
static void test_settled_once_all_is_answered(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 8);
    stage_start(stage);
    for (int ms = 0; ms < 5000 && control_status(stage->control).settled; ms++)
        stage_run(stage, 1);
    assert_false(control_status(stage->control).settled);
    stage->leads = false;
    stage_run(stage, 1500);
    assert_true(control_status(stage->control).settled);
    uint64_t calls = stage->cluster->n_calls;
    stage_run(stage, 5000);
    assert_int_equal(stage->cluster->n_calls, calls);
    assert_true(control_status(stage->control).settled);
}

static void small_pod(struct stage *stage, const char *name, const char *cpu)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark, uid: %s}, spec: "
                        "{containers: [{name: c, image: i, resources: {requests: {cpu: %s, memory: 256Mi}}}]}, status: "
                        "{phase: Pending}}",
                        name, name, cpu);
}

/* Does /metrics say so of pods that wait? */
static bool says(struct stage *stage, const char *line)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text;
    metrics_write(stage->metrics, &buf);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    bool found = strstr(text.ptr, line) != NULL;
    arena_release(&arena);
    return found;
}

static void test_gauges_of_pods_that_wait(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 3);
    stage_start(stage);
    stage_run(stage, 500);
    assert_true(says(stage, "stoker_pods_pending{reason=\"new\"} 3\n"));
    stage_run(stage, 3000);
    assert_true(says(stage, "stoker_pods_pending{reason=\"planned\"} 3\n"));
    small_pod(stage, "giant", "100");
    stage_run(stage, 3000);
    assert_true(says(stage, "stoker_pods_pending{reason=\"too-large\"} 1\n"));
    assert_true(says(stage, "stoker_pods_pending{reason=\"planned\"} 3\n"));
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "giant");
    for (int i = 1; i <= 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a-exec-%d", i);
        fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", name);
    }
    stage_run(stage, 3000);
    assert_true(says(stage, "stoker_pods_pending{reason=\"planned\"} 0\n"));
    assert_false(says(stage, "too-large"));
}

static void test_drivers_on_demand_executors_on_spot(void **state)
{
    struct stage *stage = *state;
    size_t n, spot = 0, on_demand = 0;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 3000);
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    for (size_t i = 0; i < n; i++) {
        spot += machines[i].instance.capacity_type == CLOUD_SPOT;
        on_demand += machines[i].instance.capacity_type == CLOUD_ON_DEMAND;
    }
    assert_int_equal(on_demand, 1);
    assert_true(spot >= 1);
}

/* One executor every half second for 4 s: the window stays open for a second after the last, and then all are one plan.
 */
static void test_batch_window(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_start(stage);
    for (int i = 1; i <= 8; i++) {
        stage_pods(stage, "a", "executor", i, 1);
        stage_run(stage, 500);
        assert_int_equal(plans(stage), 0);
    }
    stage_run(stage, 700);
    assert_int_equal(plans(stage), 1);
    stage_run(stage, 2000);
    assert_int_equal(plans(stage), 1);
    check_slots(stage, "a", 8);
}

/* Without an end to new pods it closes 10 s after the first. */
static void test_batch_window_has_an_end(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_start(stage);
    int i = 1;
    for (; i <= 19; i++) {
        stage_pods(stage, "a", "executor", i, 1);
        stage_run(stage, 500);
        assert_int_equal(plans(stage), 0);
    }
    for (; i <= 22; i++) {
        stage_pods(stage, "a", "executor", i, 1);
        stage_run(stage, 500);
    }
    assert_int_equal(plans(stage), 1);
}

/* What comes while a node is on its way takes the room that is left there (c4.large: 1930m) before any is bought. */
static void test_plan_is_extended(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    small_pod(stage, "first", "1");
    stage_start(stage);
    stage_run(stage, 3000);
    assert_int_equal(stage_claims(stage, NULL), 1);
    small_pod(stage, "second", "600m");
    stage_run(stage, 3000);
    assert_int_equal(stage_claims(stage, NULL), 1);
    small_pod(stage, "third", "600m");
    stage_run(stage, 3000);
    assert_int_equal(stage_claims(stage, NULL), 2);
    assert_int_equal(stage_slots(stage, "spark/first"), 1);
    assert_int_equal(stage_slots(stage, "spark/second"), 1);
    assert_int_equal(stage_slots(stage, "spark/third"), 1);
    assert_int_equal(plans(stage), 3);
    stage_check_owners(stage);
}

/* No capacity in the cheapest type: planned around at once, and none of it is tried again for 3 minutes. */
static void test_no_capacity_is_planned_around(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage_provisioner(stage, "");
    fake_cloud_capacity(stage->cloud, "c4.xlarge", NULL, CLOUD_SPOT, 0);
    fake_cloud_capacity(stage->cloud, "c4.2xlarge", NULL, CLOUD_SPOT, 0);
    fake_cloud_capacity(stage->cloud, "c4.large", NULL, CLOUD_SPOT, 0);
    stage_pods(stage, "a", "executor", 1, 4);
    stage_start(stage);
    stage_run(stage, 10000);
    check_slots(stage, "a", 4);
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        assert_true(str_starts(machines[i].instance.instance_type, "m4."));
    assert_true(stage->cloud->n_launches <= 4);
    stage_check_owners(stage);
}

static enum fake_fate answer_in_turn(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)request;
    ((struct stage *)context)->cluster->answer_ms = 1 + (int64_t)(number % 4) * 30;
    return FAKE_SERVED;
}

/* Four nodes are not to be had: their pods are planned again together, once. */
static void test_what_failed_together_is_planned_together(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cloud_capacity(stage->cloud, "c4.2xlarge", NULL, CLOUD_SPOT, 0);
    fake_cloud_capacity(stage->cloud, "m4.2xlarge", NULL, CLOUD_SPOT, 0);
    stage_pods(stage, "a", "executor", 1, 16);
    stage->cluster->on_call = answer_in_turn; /* so that the claims drain one after the other */
    stage->cluster->on_call_context = stage;
    stage->cluster->watch_ms = 500;
    stage_start(stage);
    stage_run(stage, 10000);
    assert_int_equal(plans(stage), 2);
    check_slots(stage, "a", 16);
    stage_check_owners(stage);
}

static int64_t cpus_of(const struct stage *stage)
{
    size_t n;
    int64_t cpus = 0;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    for (size_t i = 0; i < n; i++) {
        struct str type = machines[i].instance.instance_type;
        cpus += str_ends(type, ".2xlarge") ? 8 : str_ends(type, ".xlarge") ? 4 : 2;
    }
    return cpus;
}

static void test_limits_hold(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "limits: {resources: {cpu: 12}}, spark: {gangMinShare: 0}");
    stage_pods(stage, "a", "executor", 1, 30);
    stage_start(stage);
    stage_run(stage, 60000);
    assert_true(cpus_of(stage) > 0 && cpus_of(stage) <= 12);
    stage_pods(stage, "b", "executor", 1, 10);
    stage_run(stage, 60000);
    assert_true(cpus_of(stage) <= 12);
    assert_true(fake_cluster_events(stage->cluster, "b-exec-1", "NoNodePlanned") == 1);
}

static enum fake_fate lose_first_launch(void *context, enum fake_cloud_api api, uint64_t number)
{
    int *left = context;
    (void)number;
    if (api == FAKE_LAUNCH && *left > 0) {
        (*left)--;
        return FAKE_LOST;
    }
    return FAKE_SERVED;
}

static void test_lost_answer_launches_once(void **state)
{
    struct stage *stage = *state;
    int left = 3;
    stage_provisioner(stage, "");
    stage->cloud->on_call = lose_first_launch;
    stage->cloud->on_call_context = &left;
    stage_pods(stage, "a", "executor", 1, 4);
    stage_start(stage);
    stage_run(stage, 60000);
    assert_int_equal(left, 0);
    assert_int_equal(stage->cloud->calls[FAKE_LAUNCH], stage->cloud->n_launches + 3);
    assert_int_equal(fake_cloud_running(stage->cloud), stage_claims(stage, "Launched"));
    check_slots(stage, "a", 4);
    stage_check_owners(stage);
}

static enum fake_fate never_launched(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_REFUSED : FAKE_SERVED;
}

/* Five minutes without an answer: the claim goes, its pods are planned again. */
static void test_not_launched_in_time(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->on_call = never_launched;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 290000);
    assert_int_equal(creates(stage), 1);
    assert_int_equal(stage_claims(stage, "Launching"), 1);
    stage->cloud->on_call = NULL;
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Launching"), 0);
    check_slots(stage, "a", 2);
    stage_check_owners(stage);
}

/* The cloud refuses for good: the Provisioner is held, not tried in a loop, and told why. */
static enum fake_fate forbid_launch(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_FORBIDDEN : FAKE_SERVED;
}

static void test_refused_launches_are_not_repeated_in_a_loop(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->on_call = forbid_launch;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 600000);
    assert_in_range(stage->cloud->calls[FAKE_LAUNCH], 3, 12);
    assert_true(fake_cluster_events(stage->cluster, "default", "LaunchFailed") >= 1);
    stage->cloud->on_call = NULL;
    stage_run(stage, 600000);
    check_slots(stage, "a", 2);
    stage_check_owners(stage);
}

static void test_prepare_that_fails_is_told(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->prepare_fails = true;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 300000);
    assert_int_equal(creates(stage), 0);
    assert_in_range(stage->cloud->calls[FAKE_PREPARE], 2, 10);
    assert_true(fake_cluster_events(stage->cluster, "default", "LaunchNotPrepared") >= 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "ImageReplaced"), 0);
    stage->cloud->prepare_fails = false;
    stage->cloud->prepare_note = "template default: there is no AL2 image for Kubernetes 1.34: AL2023 is taken";
    stage_run(stage, 300000);
    check_slots(stage, "a", 2);
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "ImageReplaced"), 1);
}

/* What nothing can host is asked about once, and again only when something that matters has changed. */
static void test_no_question_is_asked_twice(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    small_pod(stage, "giant", "100");
    stage_start(stage);
    stage_run(stage, 600000);
    assert_int_equal(plans(stage), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "giant", "NoNodePlanned"), 1);
    struct fake_node node = {
        .name = "large", .provider_id = "x", .instance_type = "x", .zone = "us-west-2a", .cpu = "128"};
    fake_cluster_join(stage->cluster, &node);
    fake_cluster_ready(stage->cluster, "large", true);
    stage_run(stage, 10000);
    assert_int_equal(plans(stage), 2);
    assert_int_equal(creates(stage), 0);
}

/* A pod that fits an open node is kube-scheduler's, for 30 s after it has said that it cannot. */
static void test_a_node_that_was_tried_in_vain(void **state)
{
    struct stage *stage = *state;
    struct fake_node node = {.name = "open", .provider_id = "x", .instance_type = "x", .zone = "us-west-2a"};
    stage_provisioner(stage, "");
    fake_cluster_join(stage->cluster, &node);
    fake_cluster_ready(stage->cluster, "open", true);
    small_pod(stage, "first", "1");
    stage_start(stage);
    stage_run(stage, 100000);
    assert_int_equal(plans(stage), 1);
    assert_int_equal(creates(stage), 0);
    fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", "first",
                       "{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
                       "\"Unschedulable\"}]}}");
    stage_run(stage, 5000);
    assert_int_equal(stage_slots(stage, "spark/first"), 1);
    stage_check_owners(stage);
}

static enum fake_fate delete_pods_meanwhile(void *context, enum fake_cloud_api api, uint64_t number)
{
    struct stage *stage = context;
    (void)number;
    if (api == FAKE_PREPARE && stage->cloud->calls[FAKE_PREPARE] == 1)
        for (int i = 1; i <= 4; i++) {
            char name[32];
            snprintf(name, sizeof(name), "a-exec-%d", i);
            fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", name);
        }
    return FAKE_SERVED;
}

/* Four of eight executors go while the plan is made: nothing is bought for them. */
static void test_pods_that_go_meanwhile(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->on_call = delete_pods_meanwhile;
    stage->cloud->on_call_context = stage;
    stage_pods(stage, "a", "executor", 1, 8);
    stage_start(stage);
    stage_run(stage, 10000);
    for (int i = 1; i <= 8; i++) {
        char pod[32];
        snprintf(pod, sizeof(pod), "spark/a-exec-%d", i);
        assert_int_equal(stage_slots(stage, pod), i > 4);
    }
    assert_int_equal(cpus_of(stage), 8);
    stage_check_owners(stage);
}

static void test_launches_per_minute(void **state)
{
    struct stage *stage = *state;
    stage->settings.launches_per_minute = 4;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 16); /* four to a c4.2xlarge */
    stage_start(stage);
    stage_run(stage, 3000);
    assert_int_equal(fake_cloud_running(stage->cloud), 4);
    stage_pods(stage, "b", "executor", 1, 16);
    stage_run(stage, 50000);
    assert_int_equal(fake_cloud_running(stage->cloud), 4);
    stage_run(stage, 20000);
    assert_int_equal(fake_cloud_running(stage->cloud), 8);
    stage_check_owners(stage);
}

static enum fake_fate lose_writes(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)request;
    return number % 3 == 0 ? FAKE_LOST : number % 3 == 1 ? FAKE_SERVED : number % 2 ? FAKE_REFUSED : FAKE_THROTTLED;
}

static enum fake_fate lose_calls(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)api;
    return number % 2 ? FAKE_LOST : FAKE_SERVED;
}

/* Of three requests one is served, one lost after it was done, one not done; of two calls of the cloud one is lost. */
static void test_lost_answers_everywhere(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cluster->on_call = lose_writes;
    stage->cloud->on_call = lose_calls;
    stage_pods(stage, "a", "executor", 1, 8);
    stage_start(stage);
    stage_run(stage, 600000);
    assert_true(fake_cloud_running(stage->cloud) > 0);
    stage->cluster->on_call = NULL;
    stage->cloud->on_call = NULL;
    stage_run(stage, 600000);
    check_slots(stage, "a", 8);
    stage_check_owners(stage);
}

/* One bad Provisioner keeps nobody else from nodes, and is told what is wrong. */
static void test_a_provisioner_without_its_template(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cluster_apply(stage->cluster, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: broken}, "
                                       "spec: {weight: 50, providerRef: {name: nowhere}}}");
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 10000);
    check_slots(stage, "a", 2);
    assert_int_equal(fake_cluster_events(stage->cluster, "broken", "TemplateNotFound"), 1);
    char cpus[16];
    snprintf(cpus, sizeof(cpus), "%d", (int)cpus_of(stage));
    struct str told = fake_cluster_text(stage->cluster, CLUSTER_PROVISIONER, "", "default", "status.resources.cpu");
    assert_true(str_is(told, cpus));
}

/* Two lists and the consistency time, then it goes; not before. */
static void test_orphans_are_collected(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a");
    stage_start(stage);
    stage_run(stage, 100000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 600000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
}

static void test_lost_instances_drain_their_claims(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    fake_cloud_lose(stage->cloud, fake_cloud_machines(stage->cloud, &n)[0].instance.id);
    stage_run(stage, 900000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1); /* another one, for the same pods */
    check_slots(stage, "a", 2);
}

static void test_follower_does_nothing(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 2);
    fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a");
    stage->leads = false;
    stage_start(stage);
    stage_run(stage, 900000);
    assert_int_equal(stage->cluster->n_calls, 0);
    assert_int_equal(stage->cloud->n_calls, 0);
    stage->leads = true;
    stage_run(stage, 5000);
    check_slots(stage, "a", 2);
}

/* The switch of the kill test: stops the world at the n-th call, before or after it is done. */
struct kill {
    uint64_t at, n;
    bool after, hit;
};

static enum fake_fate next_fate(struct kill *kill)
{
    if (++kill->n != kill->at)
        return kill->hit ? FAKE_UNSENT : FAKE_SERVED;
    kill->hit = true;
    return kill->after ? FAKE_UNANSWERED : FAKE_UNSENT;
}

static enum fake_fate on_cluster_call(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)request;
    (void)number;
    return next_fate(context);
}

static enum fake_fate on_cloud_call(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)api;
    (void)number;
    return next_fate(context);
}

static bool is_hit(void *context)
{
    return ((struct kill *)context)->hit;
}

static void run_until_killed(struct stage *stage, struct kill *kill)
{
    stage->cluster->on_call = on_cluster_call;
    stage->cloud->on_call = on_cloud_call;
    stage->cluster->on_call_context = stage->cloud->on_call_context = kill;
    stage_start(stage);
    virtual_time_until(&stage->loop, 120000, is_hit, kill);
    stage->cluster->on_call = NULL;
    stage->cloud->on_call = NULL;
}

/*
 * Pools that end in the middle, a stop at the n-th call, a fresh start, and with `again` a stop at that call of its
 * own. False: the scenario passed without the first stop.
 */
static bool one_kill(uint64_t at, bool after, uint64_t again)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct kill kill = {.at = at, .after = after}, second = {.at = again, .after = !after};
    assert_non_null(stage);
    stage_open(stage);
    stage->settings.register_timeout_ms = 24 * 3600 * INT64_C(1000);
    stage_provisioner(stage, "");
    fake_cloud_capacity(stage->cloud, "c4.2xlarge", NULL, CLOUD_SPOT, 0);
    fake_cloud_capacity(stage->cloud, "m4.2xlarge", NULL, CLOUD_SPOT, 1);
    fake_cloud_capacity(stage->cloud, "c4.xlarge", NULL, CLOUD_SPOT, 1);
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 8);
    run_until_killed(stage, &kill);
    if (kill.hit && again) {
        stage_kill(stage);
        run_until_killed(stage, &second);
    }
    if (again ? second.hit : kill.hit) {
        stage_kill(stage);
        stage_start(stage);
    }
    stage_run(stage, 1800000);
    check_slots(stage, "a", 8);
    assert_int_equal(stage_slots(stage, "spark/a-driver-1"), 1);
    stage_check_owners(stage);
    assert_int_equal(stage_claims(stage, "Launching"), 0);
    stage_close(stage);
    free(stage);
    return kill.hit;
}

static void test_killed_at_every_call(void **state)
{
    (void)state;
    uint64_t n = 0;
    bool hit = true;
    while (hit) {
        n++;
        hit = one_kill(n, false, 0);
        hit = one_kill(n, true, 0) || hit;
    }
    assert_true(n > 20);
}

static void test_killed_twice(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 25; n++)
        for (uint64_t again = 1; again <= 12; again++)
            one_kill(n, again % 2, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_UNJOINED(test_pods_become_machines),
        STAGE_TEST_UNJOINED(test_settled_once_all_is_answered),
        STAGE_TEST_UNJOINED(test_gauges_of_pods_that_wait),
        STAGE_TEST_UNJOINED(test_drivers_on_demand_executors_on_spot),
        STAGE_TEST_UNJOINED(test_batch_window),
        STAGE_TEST_UNJOINED(test_batch_window_has_an_end),
        STAGE_TEST_UNJOINED(test_plan_is_extended),
        STAGE_TEST_UNJOINED(test_no_capacity_is_planned_around),
        STAGE_TEST_UNJOINED(test_what_failed_together_is_planned_together),
        STAGE_TEST_UNJOINED(test_limits_hold),
        STAGE_TEST_UNJOINED(test_lost_answer_launches_once),
        STAGE_TEST_UNJOINED(test_not_launched_in_time),
        STAGE_TEST_UNJOINED(test_refused_launches_are_not_repeated_in_a_loop),
        STAGE_TEST_UNJOINED(test_prepare_that_fails_is_told),
        STAGE_TEST_UNJOINED(test_no_question_is_asked_twice),
        STAGE_TEST_UNJOINED(test_a_node_that_was_tried_in_vain),
        STAGE_TEST_UNJOINED(test_pods_that_go_meanwhile),
        STAGE_TEST_UNJOINED(test_launches_per_minute),
        STAGE_TEST_UNJOINED(test_lost_answers_everywhere),
        STAGE_TEST_UNJOINED(test_a_provisioner_without_its_template),
        STAGE_TEST_UNJOINED(test_orphans_are_collected),
        STAGE_TEST_UNJOINED(test_lost_instances_drain_their_claims),
        STAGE_TEST_UNJOINED(test_follower_does_nothing),
        cmocka_unit_test(test_killed_at_every_call),
        cmocka_unit_test(test_killed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

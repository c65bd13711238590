/* Tests of how a plan becomes claims: what is asked of the cloud, and claims that cannot be written at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

/* Executors, four to a c4.2xlarge: `nodes` claims of one launch. */
static void begin(struct stage *stage, int nodes)
{
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 4 * nodes);
    stage_start(stage);
}

static uint64_t plans(const struct stage *stage)
{
    return control_status(stage->control).plans;
}

static uint64_t creates(const struct stage *stage)
{
    return stage->cluster->calls[CLUSTER_CREATE][CLUSTER_NODE_CLAIM];
}

/* What is asked. */

struct asked {
    char spot[2000], on_demand[2000]; /* "key=value:effect ..." of both, and the strategy */
};

static void note_plan(void *context, const struct cloud_launch_plan *plan)
{
    struct asked *asked = context;
    char *text = plan->capacity_type == CLOUD_SPOT ? asked->spot : asked->on_demand;
    int at = snprintf(text, sizeof(asked->spot), "[%.*s] ", STR_ARG(plan->strategy));
    for (size_t i = 0; i < plan->bootstrap->n_taints; i++) {
        const struct cloud_taint *taint = &plan->bootstrap->taints[i];
        at += snprintf(text + at, sizeof(asked->spot) - (size_t)at, "%.*s=%.*s:%.*s ", STR_ARG(taint->key),
                       STR_ARG(taint->value), STR_ARG(taint->effect));
    }
    for (size_t i = 0; i < plan->bootstrap->n_labels; i++) {
        const struct cloud_label *label = &plan->bootstrap->labels[i];
        at += snprintf(text + at, sizeof(asked->spot) - (size_t)at, "%.*s=%.*s ", STR_ARG(label->key),
                       STR_ARG(label->value));
    }
}

static void a_machine_is_told_its_labels_and_taints(void **state)
{
    struct stage *stage = *state;
    struct asked asked = {0};
    stage->cloud->on_prepare = note_plan;
    stage->cloud->on_prepare_context = &asked;
    stage_provisioner(stage, "spot: {allocationStrategy: lowest-price}, labels: {kops.k8s.io/group: g, team: data}, "
                             "taints: [{key: soft, effect: PreferNoSchedule}], startupTaints: [{key: net, value: late, "
                             "effect: NoExecute}]");
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 1);
    stage_start(stage);
    stage_run(stage, 3000);
    assert_string_equal(asked.spot,
                        "[lowest-price] soft=:PreferNoSchedule net=late:NoExecute stoker.sh/placing=:NoSchedule "
                        "karpenter.sh/provisioner-name=default karpenter.sh/capacity-type=spot "
                        "eks.amazonaws.com/capacityType=SPOT team=data "); /* a kubelet may not say the other */
    assert_string_equal(asked.on_demand, "[] soft=:PreferNoSchedule net=late:NoExecute stoker.sh/placing=:NoSchedule "
                                         "karpenter.sh/provisioner-name=default karpenter.sh/capacity-type=on-demand "
                                         "eks.amazonaws.com/capacityType=ON_DEMAND team=data ");
}

static void count_requests(void *context, const struct doc *claim)
{
    const struct doc *request = doc_at(claim, "spec.launch.request");
    *(size_t *)context += request && request->text.len;
}

static void one_claim_of_a_launch_carries_the_request(void **state)
{
    struct stage *stage = *state;
    size_t n = 0;
    begin(stage, 4);
    stage_run(stage, 3000);
    assert_int_equal(stage_claims(stage, "Launched"), 4);
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, count_requests, &n);
    assert_int_equal(n, 1);
}

/* A zone whose subnets are full is gone round in the next plan, and nobody is held for it. */
static void a_full_zone_is_planned_around(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage->cloud->full_zone = "us-west-2a";
    begin(stage, 1);
    stage_run(stage, 9000);
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_int_equal(n, 1);
    assert_true(str_is(machines[0].instance.zone, "us-west-2b"));
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "LaunchNotPrepared"), 1);
}

/* Pods that go. */

static void a_pod_that_goes_during_the_preparation_gets_no_slot(void **state)
{
    struct stage *stage = *state;
    stage->cloud->answer_ms = 3000;
    begin(stage, 1);
    stage_run(stage, 2000);
    assert_int_equal(stage->cloud->calls[FAKE_PREPARE], 1);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "a-exec-3");
    stage_run(stage, 5000);
    assert_int_equal(stage_claims(stage, NULL), 1);
    assert_int_equal(stage_slots(stage, "spark/a-exec-2"), 1);
    assert_int_equal(stage_slots(stage, "spark/a-exec-3"), 0);
}

static struct stage *on_stage; /* for on_act, which is told nothing */
static int64_t remove_at_ns;

static void remove_four(void)
{
    if (loop_now(&on_stage->loop).ns < remove_at_ns)
        return;
    remove_at_ns = INT64_MAX;
    for (int i = 1; i <= 16; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a-exec-%d", i);
        if (i != 7)
            fake_cluster_remove(on_stage->cluster, CLUSTER_POD, "spark", name);
    }
}

/* While the solver is at work: of four nodes the one is bought whose pod is still there, without another plan. */
static void nodes_without_pods_are_not_bought(void **state)
{
    struct stage *stage = *state;
    on_stage = stage;
    remove_at_ns = loop_now(&stage->loop).ns + 1001 * INT64_C(1000000);
    stage->on_act = remove_four;
    begin(stage, 4);
    stage_run(stage, 10000);
    assert_int_equal(remove_at_ns, INT64_MAX);
    assert_int_equal(plans(stage), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    assert_int_equal(stage_slots(stage, "spark/a-exec-7"), 1);
}

/* Claims that cannot be written. */

struct fates {
    enum fake_fate fate;
    int left; /* creations of claims that it is for */
};

static enum fake_fate next_fate(void *context, const struct cluster_request *request, uint64_t number)
{
    struct fates *fates = context;
    (void)number;
    if (request->verb != CLUSTER_CREATE || request->kind != CLUSTER_NODE_CLAIM || fates->left <= 0)
        return FAKE_SERVED;
    fates->left--;
    return fates->fate;
}

static void a_claim_that_is_not_taken_at_once_is_written_again(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_REFUSED, 3};
    stage->cluster->on_call = next_fate;
    stage->cluster->on_call_context = &fates;
    begin(stage, 2);
    stage_run(stage, 8000);
    assert_int_equal(fates.left, 0);
    assert_int_equal(stage_claims(stage, "Launched"), 2);
    assert_int_equal(plans(stage), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "ClaimRefused"), 0);
}

/* What was planned half a minute ago is not what should be done now. */
static void claims_that_cannot_be_written_for_long_are_planned_again(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_REFUSED, 1000};
    stage->cluster->on_call = next_fate;
    stage->cluster->on_call_context = &fates;
    begin(stage, 1);
    stage_run(stage, 20000);
    assert_int_equal(plans(stage), 1);
    stage_run(stage, 25000);
    assert_int_equal(plans(stage), 2);
    fates.left = 0;
    stage_run(stage, 70000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_check_owners(stage);
}

/* Of four one is refused for good: nothing more is written of that launch, and nothing is launched for it. */
static void a_launch_of_which_a_claim_is_refused_is_not_called(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_FORBIDDEN, 1};
    stage->cluster->on_call = next_fate;
    stage->cluster->on_call_context = &fates;
    begin(stage, 4);
    stage_run(stage, 5000);
    assert_int_equal(creates(stage), 4);
    assert_int_equal(stage_claims(stage, NULL), 3);
    assert_int_equal(stage->cloud->calls[FAKE_LAUNCH], 0);
    stage_run(stage, 120000);
    assert_int_equal(fake_cloud_running(stage->cloud), 4);
    for (int i = 1; i <= 16; i++) {
        char pod[64];
        snprintf(pod, sizeof(pod), "spark/a-exec-%d", i);
        assert_int_equal(stage_slots(stage, pod), 1);
    }
    stage_check_owners(stage);
}

/* Somebody else's claim has that name. */
static enum fake_fate take_the_name(void *context, const struct cluster_request *request, uint64_t number)
{
    struct stage *stage = context;
    (void)number;
    if (request->verb == CLUSTER_CREATE && request->kind == CLUSTER_NODE_CLAIM && stage->boot_ms < 0) {
        stage->boot_ms = INT64_C(3600) * 1000; /* once */
        fake_cluster_applyf(stage->cluster, "%.*s", STR_ARG(request->body));
    }
    return FAKE_SERVED;
}

static void a_name_that_is_taken_is_not_ours(void **state)
{
    struct stage *stage = *state;
    stage->cluster->on_call = take_the_name;
    stage->cluster->on_call_context = stage;
    begin(stage, 1);
    stage_run(stage, 1500);
    assert_int_equal(creates(stage), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "ClaimRefused"), 1);
}

static enum fake_fate stop_before_launch(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_UNSENT : FAKE_SERVED;
}

/* It stands there without a launch: nobody will ever launch it. */
static void a_claim_without_a_launch_goes(void **state)
{
    struct stage *stage = *state;
    stage->cloud->on_call = stop_before_launch;
    begin(stage, 1);
    stage_run(stage, 1500);
    stage_kill(stage);
    stage->cloud->on_call = NULL;
    assert_int_equal(stage_claims(stage, NULL), 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text,
                       "{\"spec\": {\"launch\": null}}");
    stage_start(stage);
    stage_run(stage, 10000);
    assert_int_equal(stage_claims(stage, "Launched"), 1);
    assert_int_equal(stage_claims(stage, NULL), 1);
    assert_int_equal(stage->cloud->n_launches, 1);
}

/* Who is demand. */

static void pods_that_want_no_node_are_not_planned_for(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: v1, kind: Pod, metadata: {name: gated, namespace: spark, uid: g}, spec: "
                       "{schedulingGates: [{name: wait}], containers: [{name: c, image: i}]}, status: {phase: "
                       "Pending}}\n---\n"
                       "{apiVersion: v1, kind: Pod, metadata: {name: going, namespace: spark, uid: h, finalizers: "
                       "[a/b], deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {containers: [{name: c, image: i}]}, "
                       "status: {phase: Pending}}");
    stage_start(stage);
    stage_run(stage, 60000);
    assert_int_equal(plans(stage), 0);
}

/* The planner refuses a Provisioner: it says so, and the others go on. */
static void a_provisioner_that_is_refused_is_left_out(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cluster_apply(stage->cluster, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: wide}, "
                                       "spec: {requirements: [{key: k, operator: Exists}]}}");
    for (int i = 0; i < 70; i++)
        fake_cluster_applyf(stage->cluster,
                            "{apiVersion: v1, kind: Pod, metadata: {name: p-%d, namespace: spark, uid: p-%d}, spec: "
                            "{nodeSelector: {k: v%d}, containers: [{name: c, image: i}]}, status: {phase: Pending}}",
                            i, i, i);
    stage_pods(stage, "a", "executor", 1, 1);
    stage_start(stage);
    stage_run(stage, 9000);
    assert_int_equal(fake_cluster_events(stage->cluster, "wide", "NotPlanned"), 1);
    assert_int_equal(stage_slots(stage, "spark/a-exec-1"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_UNJOINED(a_machine_is_told_its_labels_and_taints),
        STAGE_TEST_UNJOINED(one_claim_of_a_launch_carries_the_request),
        STAGE_TEST_UNJOINED(a_full_zone_is_planned_around),
        STAGE_TEST_UNJOINED(a_pod_that_goes_during_the_preparation_gets_no_slot),
        STAGE_TEST_UNJOINED(nodes_without_pods_are_not_bought),
        STAGE_TEST_UNJOINED(a_claim_that_is_not_taken_at_once_is_written_again),
        STAGE_TEST_UNJOINED(claims_that_cannot_be_written_for_long_are_planned_again),
        STAGE_TEST_UNJOINED(a_launch_of_which_a_claim_is_refused_is_not_called),
        STAGE_TEST_UNJOINED(a_name_that_is_taken_is_not_ours),
        STAGE_TEST_UNJOINED(a_claim_without_a_launch_goes),
        STAGE_TEST_UNJOINED(pods_that_want_no_node_are_not_planned_for),
        STAGE_TEST_UNJOINED(a_provisioner_that_is_refused_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

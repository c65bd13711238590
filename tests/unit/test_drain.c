/* How nodes leave when something is in the way: budgets, pods that do not end, no room for what is to replace them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

#define CLOSED_REPLACE "spark: {gangMinShare: 0}, ttlSecondsUntilExpired: 600"

static const char *node_name(struct stage *stage, size_t i)
{
    return stage_machine(stage, i)->instance.id.ptr;
}

static bool says(struct str text, const char *part)
{
    struct stage_text cut = stage_cut(text);
    return strstr(cut.text, part) != NULL;
}

static void apply_budget(struct stage *stage, const char *spec)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: spark}, "
                        "spec: {selector: {matchLabels: {spark-role: executor}}%s}, status: {disruptionsAllowed: 0}}",
                        spec);
}

static void patch_pod(struct stage *stage, const char *patch)
{
    fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", "app-exec-0", "%s", patch);
}

/* One of a controller's that runs on the node of the first machine. */
static void apply_resident(struct stage *stage, const char *name)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark, uid: %s, ownerReferences: "
                        "[{kind: ReplicaSet, name: r, controller: true}]}, spec: {nodeName: %s, containers: [{name: "
                        "c}]}, status: {phase: Running}}",
                        name, name, node_name(stage, 0));
}

static void drain_for_age(struct stage *stage)
{
    while (stage_claims(stage, "Draining") == 0)
        stage_run(stage, 1000);
}

/* What is in the way. */

static void a_node_that_is_not_ready_for_a_moment_keeps_its_pods(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    drain_for_age(stage);
    apply_budget(stage, "");
    stage_run(stage, 600000);
    assert_false(stage_is_terminated(stage, 0));
    fake_cluster_ready(stage->cluster, node_name(stage, 0), false);
    stage_run(stage, 5000);
    assert_false(stage_is_terminated(stage, 0));
    /* Nor are they given up later: nobody has told them to go. */
    stage_run(stage, 600000);
    assert_false(stage_is_terminated(stage, 0));
    fake_cluster_delete(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 5000);
    assert_true(stage_is_terminated(stage, 0));
}

static void pods_of_a_dead_node_are_given_up_after_five_minutes(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cluster->stop_ms = -1;
    patch_pod(stage, "{metadata: {finalizers: [x/y]}}"); /* nobody is left who would take it off */
    stage_run(stage, 1000);
    fake_cluster_ready(stage->cluster, node_name(stage, 0), false);
    apply_budget(stage, "");
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text);
    stage_run(stage, 290000);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 15000);
    assert_true(stage_is_terminated(stage, 0));
}

static enum fake_fate refuse_evictions(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->verb == CLUSTER_EVICT ? FAKE_REFUSED : FAKE_SERVED;
}

/* Two budgets for one pod are an error for the API server, which is asked ever less often. */
static void what_cannot_be_evicted_is_deleted_in_time(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cluster->on_call = refuse_evictions;
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 104000);
    assert_true(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD] > 5);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
    stage_run(stage, 2000);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 1);
    stage_run(stage, 2000);
    assert_true(stage_is_terminated(stage, 0));
}

/* Finalizers of others, on the pod and on the node, that nobody takes off. */
static void what_does_not_go_is_not_deleted_again_and_again(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    patch_pod(stage, "{metadata: {finalizers: [x/y]}}");
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{metadata: {finalizers: [x/y]}}");
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    notice.deadline = clock_wall_after(notice.sent, 1000);
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 60000);
    assert_true(stage_is_terminated(stage, 0));
    assert_in_range(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 1, 2);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_NODE], 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{metadata: {finalizers: null}}");
    stage_run(stage, 2000);
    assert_int_equal(stage_slots(stage, "spark/app-exec-0"), 1); /* of the next claim */
    assert_int_equal(stage_claims(stage, NULL), 1);
}

static void a_pod_that_never_ends_keeps_no_node(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    patch_pod(stage, "{metadata: {finalizers: [x/y]}}");
    fake_cluster_delete(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 85000);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 7000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_drain_does_not_wait_for_a_pod_that_never_ends(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    patch_pod(stage, "{metadata: {finalizers: [x/y]}}");
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text);
    stage_run(stage, 55000);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_drain_that_takes_long_says_what_it_waits_for(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    apply_budget(stage, "");
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text);
    stage_run(stage, 50000);
    assert_text(stage_claim(stage, "status.message"), "the claim was deleted");
    stage_run(stage, 20000);
    static const char *const words = "the claim was deleted; waits for pod spark/app-exec-0: a PodDisruptionBudget "
                                     "allows no disruption now";
    assert_text(stage_claim(stage, "status.message"), words);
    uint64_t writes = stage->cluster->calls[CLUSTER_PATCH_STATUS][CLUSTER_NODE_CLAIM];
    stage_run(stage, 600000);
    assert_text(stage_claim(stage, "status.message"), words);
    assert_int_equal(stage->cluster->calls[CLUSTER_PATCH_STATUS][CLUSTER_NODE_CLAIM], writes);
    assert_false(stage_is_terminated(stage, 0));
}

static enum fake_fate forbid_claims(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->kind == CLUSTER_NODE_CLAIM ? FAKE_FORBIDDEN : FAKE_SERVED;
}

static void what_cannot_be_said_is_not_tried_in_every_pass(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    apply_budget(stage, "");
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text);
    stage_run(stage, 5000);
    stage->cluster->on_call = forbid_claims;
    uint64_t passes = control_status(stage->control).passes;
    stage_run(stage, 3600000); /* by then it is backed off from for minutes */
    assert_in_range(control_status(stage->control).passes - passes, 1, 3600);
}

static enum fake_fate refuse_terminations(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_TERMINATE ? FAKE_FORBIDDEN : FAKE_SERVED;
}

static void a_machine_that_may_not_be_terminated_is_told_of(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    stage->cloud->on_call = refuse_terminations;
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 180000);
    assert_true(says(stage_claim(stage, "status.message"), "; waits for the cloud to terminate the instance"));
}

static void pods_of_the_node_itself_are_not_sent_away(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    static const char *const owners[] = {"DaemonSet", "Node"};
    for (size_t i = 0; i < CC_COUNT(owners); i++)
        fake_cluster_applyf(stage->cluster,
                            "{apiVersion: v1, kind: Pod, metadata: {name: own-%zu, namespace: kube-system, "
                            "ownerReferences: [{kind: %s, name: o, controller: true}]}, spec: {nodeName: %s, "
                            "containers: [{name: c}]}, status: {phase: Running}}",
                            i, owners[i], node_name(stage, 0));
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
    assert_int_equal(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD], 1);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
}

/* What is to replace it. */

static void an_old_node_waits_for_the_next_one_when_the_first_is_lost(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    stage->boot_ms = 60000;
    drain_for_age(stage);
    stage_run(stage, 30000);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 1, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 50000);
    assert_true(stage_is_terminated(stage, 1));
    assert_false(stage_is_terminated(stage, 2));
    assert_text(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    stage_run(stage, 30000);
    assert_true(stage_is_terminated(stage, 0));
    assert_false(stage_is_terminated(stage, 2));
}

/* kube-scheduler does not bind a pod that still runs elsewhere: that is no reason to buy a node for it. */
static void a_pod_with_room_that_may_not_leave_gets_no_node(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "spot: {onRebalance: Replace}", 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{spec: {unschedulable: true}}");
    stage_pods(stage, "other", "executor", 0, 1);
    stage_run(stage, 20000);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    apply_budget(stage, "");
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_REBALANCE, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 900000);
    assert_false(stage_is_terminated(stage, 0));
    assert_true(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD] > 0);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

/* Each on a node of its own. */
static void old_nodes_go_one_after_the_other(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 3; i++)
        fake_cluster_applyf(stage->cluster,
                            "{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: spark, uid: p%d, "
                            "ownerReferences: [{kind: ReplicaSet, name: r, controller: true}]}, spec: {containers: "
                            "[{name: c, ports: [{containerPort: 80, hostPort: 80}]}]}, status: {phase: Pending}}",
                            i, i);
    stage_provisioner(stage, "ttlSecondsUntilExpired: 600");
    stage_start(stage);
    stage_run(stage, 20000);
    assert_int_equal(stage_claims(stage, "Initialized"), 3);
    size_t most = 0;
    for (int s = 0; s < 700; s++) {
        stage_run(stage, 1000);
        most = stage_claims(stage, "Draining") > most ? stage_claims(stage, "Draining") : most;
    }
    assert_int_equal(most, 1);
    for (size_t i = 0; i < 3; i++)
        assert_true(stage_is_terminated(stage, i));
}

static void an_old_node_goes_at_once_where_its_pods_have_room(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    stage_run(stage, 570000 - 20000);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{spec: {unschedulable: true}}");
    stage_pods(stage, "other", "executor", 0, 1); /* on a younger node, which has room for both */
    stage_run(stage, 20000);
    assert_int_equal(stage_claims(stage, "Initialized"), 2);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{spec: {unschedulable: null}}");
    drain_for_age(stage);
    stage_run(stage, 5000);
    assert_true(stage_is_terminated(stage, 0));
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

static void a_limit_that_leaves_no_room_for_the_next_node_is_told(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, CLOSED_REPLACE ", limits: {resources: {cpu: 2}}", 1);
    drain_for_age(stage);
    stage_run(stage, 130000);
    assert_text(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    assert_text(stage_claim(stage, "status.message"), "the node is as old as ttlSecondsUntilExpired says; waits for a "
                                                      "place for pod spark/app-exec-0: no node is planned for it");
    assert_int_equal(fake_cluster_events(stage->cluster, "app-exec-0", "NoNodePlanned"), 1);
    /* Not for ever: the node's own room is what the limit lacks. */
    stage_run(stage, 1080000);
    assert_true(stage_is_terminated(stage, 0));
    stage_pods(stage, "next", "executor", 0, 1);
    stage_run(stage, 20000);
    assert_text(stage_pod(stage, "next-exec-0", "status.phase"), "Running");
}

static void what_keeps_an_old_node_is_told(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "ttlSecondsUntilExpired: 600");
    stage_pods(stage, "app", "driver", 0, 1);
    stage_start(stage);
    stage_run(stage, 580000);
    assert_text(stage_claim(stage, "status.message"), "");
    stage_run(stage, 60000);
    assert_true(says(stage_claim(stage, "status.message"), "stays: a Spark driver runs on it"));
    uint64_t writes = stage->cluster->calls[CLUSTER_PATCH_STATUS][CLUSTER_NODE_CLAIM];
    stage_run(stage, 600000);
    assert_int_equal(stage->cluster->calls[CLUSTER_PATCH_STATUS][CLUSTER_NODE_CLAIM], writes);
}

static void a_budget_does_not_hold_pods_that_are_sick(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    apply_budget(stage, ", unhealthyPodEvictionPolicy: AlwaysAllow");
    patch_pod(stage, "{status: {conditions: [{type: Ready, status: 'True'}]}}");
    stage_run(stage, 900000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    patch_pod(stage, "{status: {conditions: [{type: Ready, status: 'False'}]}}");
    stage_run(stage, 62000);
    assert_int_equal(stage_claims(stage, "Draining"), 1);
}

/* Empty. */

static void a_pod_that_is_bound_while_its_node_is_closed_opens_it_again(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    while (!str_is(stage_node(stage, 0, "spec.unschedulable"), "true"))
        stage_run(stage, 10);
    stage_run(stage, 200); /* kube-scheduler had sent off the binding before it saw that */
    apply_resident(stage, "late");
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
}

static void a_node_that_was_closed_by_a_process_that_ended_is_opened_too(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    while (!str_is(stage_node(stage, 0, "spec.unschedulable"), "true"))
        stage_run(stage, 10);
    stage_kill(stage);
    apply_resident(stage, "late");
    stage_run(stage, 20000);
    stage_start(stage);
    stage_run(stage, 20000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_text(stage_claim(stage, "status.emptySince"), "");
    /* What a person closes stays closed. */
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node_name(stage, 0), "{spec: {unschedulable: true}}");
    stage_run(stage, 20000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
}

static enum fake_fate refuse_claims(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->kind == CLUSTER_NODE_CLAIM ? FAKE_REFUSED : FAKE_SERVED;
}

static void a_node_that_was_closed_to_go_and_may_stay_is_opened(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 25000);
    stage->cluster->on_call = refuse_claims;
    stage_run(stage, 10000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    stage_provisioner(stage, "weight: 1"); /* no ttlSecondsAfterEmpty any more */
    stage_run(stage, 1000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    stage->cluster->on_call = NULL;
    stage_run(stage, 120000);
    assert_false(stage_is_terminated(stage, 0));
}

/* Its volume is still to be made: kube-scheduler binds it when the node is open, after a while. */
static void a_node_waits_for_pods_that_were_left_to_the_scheduler(void **state)
{
    struct stage *stage = *state;
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3}, provisioner: "
                       "ebs.csi.aws.com, volumeBindingMode: WaitForFirstConsumer}\n---\n"
                       "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: spark}, spec: "
                       "{storageClassName: gp3}}\n---\n"
                       "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: spark, uid: db}, spec: {volumes: "
                       "[{name: d, persistentVolumeClaim: {claimName: data}}], containers: [{name: c, resources: "
                       "{requests: {cpu: 900m}}}]}, status: {phase: Pending}}\n");
    stage_provisioner(stage, "ttlSecondsAfterEmpty: 1");
    stage_start(stage);
    while (stage_claims(stage, "Initialized") == 0)
        stage_run(stage, 100);
    stage_run(stage, 50000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    stage_run(stage, 15000);
    assert_true(stage_is_terminated(stage, 0));
}

static void an_empty_node_whose_provisioner_is_gone_goes(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 3600", 1);
    /* One that cannot be read may be mended. */
    stage->bad_objects = true;
    fake_cluster_patch(stage->cluster, CLUSTER_PROVISIONER, "", "default", "{spec: {ttlSecondsAfterEmpty: never}}");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 120000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    fake_cluster_delete(stage->cluster, CLUSTER_PROVISIONER, "", "default");
    stage_run(stage, 2000);
    stage_nothing_is_left(stage);
}

static void a_node_whose_provisioner_is_gone_keeps_its_pods(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 3600", 1);
    fake_cluster_delete(stage->cluster, CLUSTER_PROVISIONER, "", "default");
    stage_run(stage, 120000);
    assert_text(stage_pod(stage, "app-exec-0", "status.phase"), "Running");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 28000);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 4000);
    stage_nothing_is_left(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_ALIVE(a_node_that_is_not_ready_for_a_moment_keeps_its_pods),
        STAGE_TEST_ALIVE(pods_of_a_dead_node_are_given_up_after_five_minutes),
        STAGE_TEST_ALIVE(what_cannot_be_evicted_is_deleted_in_time),
        STAGE_TEST_ALIVE(what_does_not_go_is_not_deleted_again_and_again),
        STAGE_TEST_ALIVE(a_pod_that_never_ends_keeps_no_node),
        STAGE_TEST_ALIVE(a_drain_does_not_wait_for_a_pod_that_never_ends),
        STAGE_TEST_ALIVE(a_drain_that_takes_long_says_what_it_waits_for),
        STAGE_TEST_ALIVE(what_cannot_be_said_is_not_tried_in_every_pass),
        STAGE_TEST_ALIVE(a_machine_that_may_not_be_terminated_is_told_of),
        STAGE_TEST_ALIVE(pods_of_the_node_itself_are_not_sent_away),
        STAGE_TEST_ALIVE(an_old_node_goes_at_once_where_its_pods_have_room),
        STAGE_TEST_ALIVE(an_old_node_waits_for_the_next_one_when_the_first_is_lost),
        STAGE_TEST_ALIVE(a_pod_with_room_that_may_not_leave_gets_no_node),
        STAGE_TEST_ALIVE(old_nodes_go_one_after_the_other),
        STAGE_TEST_ALIVE(a_limit_that_leaves_no_room_for_the_next_node_is_told),
        STAGE_TEST_ALIVE(what_keeps_an_old_node_is_told),
        STAGE_TEST_ALIVE(a_budget_does_not_hold_pods_that_are_sick),
        STAGE_TEST_ALIVE(a_pod_that_is_bound_while_its_node_is_closed_opens_it_again),
        STAGE_TEST_ALIVE(a_node_that_was_closed_by_a_process_that_ended_is_opened_too),
        STAGE_TEST_ALIVE(a_node_that_was_closed_to_go_and_may_stay_is_opened),
        STAGE_TEST_ALIVE(a_node_waits_for_pods_that_were_left_to_the_scheduler),
        STAGE_TEST_ALIVE(an_empty_node_whose_provisioner_is_gone_goes),
        STAGE_TEST_ALIVE(a_node_whose_provisioner_is_gone_keeps_its_pods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

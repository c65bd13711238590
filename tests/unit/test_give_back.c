/* Nodes that are given back: empty, old, interrupted. On a whole controller, in virtual time, to the second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/doc_edit.h"
#include "tests/support/stage.h"

/* To the next full second, as kubelets write times. */
static void run_to_second(struct stage *stage)
{
    stage_run(stage, 1000 - stage->time.wall_ns / 1000000 % 1000);
}

/* Empty. */

static void an_empty_node_goes_to_the_second(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 2);
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 40000);
    assert_false(stage_is_terminated(stage, 0));
    fake_cluster_finish(stage->cluster, "spark", "app-exec-1", "Succeeded");
    stage_run(stage, 29990);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(stage_is_terminated(stage, 0));
    stage_run(stage, 1000);
    stage_nothing_is_left(stage);
    stage_metric(stage, "stoker_instances_terminated_total{reason=\"Empty\"} 1");
}

static void the_kubelet_says_when_a_pod_ended_not_we(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_kill(stage);
    stage_run(stage, 25000);
    stage_start(stage);
    stage_run(stage, 4900);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(stage_is_terminated(stage, 0));
}

static void what_was_written_down_survives_a_restart(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    run_to_second(stage);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 10000);
    stage_kill(stage);
    stage_run(stage, 10000);
    stage_start(stage);
    stage_run(stage, 9900);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 2100);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_pod_that_comes_in_time_keeps_the_node(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 25000);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: late, namespace: spark, ownerReferences: [{kind: "
                        "ReplicaSet, name: r, controller: true}]}, spec: {nodeName: %s, containers: [{name: c}]}, "
                        "status: {phase: Running}}",
                        node);
    stage_run(stage, 60000);
    assert_false(stage_is_terminated(stage, 0));
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "late", "Failed");
    stage_run(stage, 29900);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 1100);
    assert_true(stage_is_terminated(stage, 0));
}

static void daemon_pods_keep_no_node(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: kube-system, ownerReferences: "
                        "[{kind: DaemonSet, name: agent, controller: true}]}, spec: {nodeName: %s, containers: [{name: "
                        "c}]}, status: {phase: Running}}",
                        stage_machine(stage, 0)->instance.id.ptr);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 32000);
    stage_nothing_is_left(stage);
}

static void a_node_that_never_had_a_pod_counts_from_initialized(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "ttlSecondsAfterEmpty: 30");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    /* Its slot is given up after a minute in which nobody has come for it. */
    while (stage_claims(stage, "Initialized") == 0)
        stage_run(stage, 100);
    stage_run(stage, 29500);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_node_that_is_marked_stays(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr,
                       "{\"metadata\": {\"annotations\": {\"karpenter.sh/do-not-disrupt\": \"true\"}}}");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 120000);
    assert_false(stage_is_terminated(stage, 0));
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr,
                       "{\"metadata\": {\"annotations\": {\"karpenter.sh/do-not-disrupt\": null}}}");
    stage_run(stage, 2000);
    assert_true(stage_is_terminated(stage, 0));
}

static void without_a_ttl_an_empty_node_stays(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "weight: 1", 1);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 3600000);
    assert_false(stage_is_terminated(stage, 0));
}

/* What most of Karpenter's manifests say instead of a TTL: the node that nobody is on must not stay for ever. */
static void consolidation_gives_empty_nodes_back(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "consolidation: {enabled: true}", 2);
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 60000);
    assert_false(stage_is_terminated(stage, 0));
    fake_cluster_finish(stage->cluster, "spark", "app-exec-1", "Succeeded");
    stage_run(stage, 14990);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 2000);
    assert_true(stage_is_terminated(stage, 0));
    stage_nothing_is_left(stage);
}

/* Expired. */

static void an_old_node_is_replaced_first(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600, ttlSecondsAfterEmpty: 30", 1);
    stage_run(stage, 570000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    /* Closed, and the next one is on its way, while the pod runs on. */
    stage_run(stage, 30000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    stage_run(stage, 60000);
    size_t n;
    fake_cloud_machines(stage->cloud, &n);
    assert_true(n >= 2);
    assert_true(stage_is_terminated(stage, 0));
    stage_metric(stage, "stoker_evictions_total{reason=\"Expired\"} 1");
}

static void a_driver_outlives_the_age_of_its_node(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "ttlSecondsUntilExpired: 600");
    stage_pods(stage, "app", "driver", 0, 1);
    stage_start(stage);
    stage_run(stage, 3600000);
    assert_text(stage_pod(stage, "app-driver-0", "status.phase"), "Running");
    assert_false(stage_is_terminated(stage, 0));
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

/* Interruption. */

static struct cloud_notice spot_notice(struct stage *stage, size_t i, const char *handle)
{
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, i, handle);
    notice.deadline = clock_wall_after(notice.sent, 120000);
    return notice;
}

static void a_spot_notice_closes_the_node_and_replaces_it(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 2);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage->cluster->stop_ms = 20000;
    uint64_t launches = stage->cloud->n_launches;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    stage_run(stage, 1000);
    assert_int_equal(stage->cloud->n_launches, launches + 1);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    /* Each has what is left of two minutes, less the machine's own end. */
    int64_t grace_s = 0;
    assert_true(str_to_int64(stage_pod(stage, "app-exec-0", "metadata.deletionGracePeriodSeconds"), &grace_s));
    assert_in_range(grace_s, 105, 110);
    assert_false(stage_is_terminated(stage, 0));
    stage_run(stage, 22000);
    assert_true(stage_is_terminated(stage, 0));
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node));
    stage_metric(stage, "stoker_evictions_total{reason=\"SpotInterruption\"} 2");
    stage_metric(stage, "stoker_interruptions_total{kind=\"spot-interruption\"} 1");
    /* Spark makes them anew: they go to the node that was launched for them. */
    stage_pods(stage, "app", "executor", 2, 2);
    stage_run(stage, 20000);
    assert_text(stage_pod(stage, "app-exec-2", "status.phase"), "Running");
    assert_text(stage_pod(stage, "app-exec-3", "status.phase"), "Running");
    assert_int_equal(stage->cloud->n_launches, launches + 1);
}

static void executors_go_first_and_drivers_last(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 2);
    stage_start(stage);
    stage_run(stage, 20000);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: driver, namespace: spark, labels: {spark-role: "
                        "driver}}, spec: {nodeName: %s, containers: [{name: c}]}, status: {phase: Running}}",
                        node);
    stage->cluster->stop_ms = -1; /* executors use all of their grace */
    stage_run(stage, 1000);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 2000);
    assert_true(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp").len > 0);
    assert_text(stage_pod(stage, "driver", "metadata.deletionTimestamp"), "");
    stage_run(stage, 86000);
    assert_text(stage_pod(stage, "driver", "metadata.deletionTimestamp"), "");
    stage_run(stage, 5000);
    assert_true(stage_pod(stage, "driver", "metadata.deletionTimestamp").len > 0);
    stage_run(stage, 30000);
    assert_true(stage_is_terminated(stage, 0));
}

static void apply_budget(struct stage *stage)
{
    fake_cluster_apply(stage->cluster, "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, "
                                       "namespace: spark}, spec: {selector: {matchLabels: {spark-role: executor}}}, "
                                       "status: {disruptionsAllowed: 0}}");
}

static void a_budget_holds_until_shortly_before_the_deadline(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    apply_budget(stage);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 100000);
    assert_text(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    assert_true(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD] > 10);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
    stage_run(stage, 15000);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 1);
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_POD, "spark", "app-exec-0"));
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_budget_that_allows_nothing_keeps_an_old_node(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    apply_budget(stage);
    stage_run(stage, 3600000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    fake_cluster_patch(stage->cluster, CLUSTER_DISRUPTION_BUDGET, "spark", "b",
                       "{\"status\": {\"disruptionsAllowed\": 1}}");
    stage_run(stage, 30000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_budget_holds_for_ever_against_our_own_will(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    while (stage_claims(stage, "Draining") == 0)
        stage_run(stage, 1000);
    apply_budget(stage);
    stage_run(stage, 3600000);
    assert_false(stage_is_terminated(stage, 0));
    assert_text(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
    fake_cluster_patch(stage->cluster, CLUSTER_DISRUPTION_BUDGET, "spark", "b",
                       "{\"status\": {\"disruptionsAllowed\": 1}}");
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
}

static void foreign_and_repeated_notices_do_no_harm(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    struct cloud_notice notice = spot_notice(stage, 0, "foreign");
    notice.instance_id = STR("i-0123456789abcdef0");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("foreign")));
    stage_metric(stage, "stoker_messages_dropped_total{why=\"foreign\"} 1");
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    notice = spot_notice(stage, 0, "first");
    fake_cloud_notify(stage->cloud, &notice);
    notice.handle = STR("again");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 30000);
    notice.handle = STR("late");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("again")));
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("late")));
    assert_true(stage_is_terminated(stage, 0));
}

static enum fake_fate refuse_claims(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->kind == CLUSTER_NODE_CLAIM ? FAKE_REFUSED : FAKE_SERVED;
}

static void a_notice_is_kept_until_it_is_acted_on(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cluster->on_call = refuse_claims;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 10000);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_int_equal(stage->cloud->calls[FAKE_ACKNOWLEDGE], 0);
    stage->cluster->on_call = NULL;
    stage_run(stage, 20000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_true(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD] > 0);
}

static void rebalance_is_recorded_or_acted_on(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_REBALANCE;
    notice.deadline.ns = 0;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 60000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "RebalanceRecommended"), 1);
    stage_provisioner(stage, "spot: {onRebalance: Replace}");
    stage_run(stage, 1000);
    notice.handle = STR("message-2");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 60000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-2")));
    assert_true(stage_is_terminated(stage, 0));
    stage_metric(stage, "stoker_evictions_total{reason=\"Rebalance\"} 1");
}

static void maintenance_far_away_waits_for_what_is_blocked(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "driver", 0, 1);
    stage_start(stage);
    stage_run(stage, 20000);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_MAINTENANCE;
    notice.deadline.ns = stage->time.wall_ns + 3600 * NS_PER_S;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 3000000 - 5000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_text(stage_pod(stage, "app-driver-0", "metadata.deletionTimestamp"), "");
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
}

static void a_stopped_instance_is_cleared_away(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_STATE_CHANGE;
    notice.state = CLOUD_STOPPING;
    notice.deadline.ns = 0;
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 5000);
    assert_true(stage_is_terminated(stage, 0));
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node));
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
}

static void a_scaling_group_goes_on_when_the_claim_is_gone(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cluster->stop_ms = 20000;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_LIFECYCLE_TERMINATE;
    notice.deadline.ns = 0;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 15000);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_true(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp").len > 0);
    stage_run(stage, 10000);
    assert_true(stage_is_terminated(stage, 0));
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
}

static enum fake_fate refuse_first_acknowledgements(void *context, enum fake_cloud_api api, uint64_t number)
{
    struct stage *stage = context;
    (void)number;
    return api == FAKE_ACKNOWLEDGE && stage->cloud->calls[FAKE_ACKNOWLEDGE] <= 3 ? FAKE_LOST : FAKE_SERVED;
}

static void an_acknowledgement_that_is_lost_is_repeated(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cloud->on_call = refuse_first_acknowledgements;
    stage->cloud->on_call_context = stage;
    stage->cloud->answer_ms = 300; /* in which there are passes */
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_int_equal(stage->cloud->calls[FAKE_ACKNOWLEDGE], 1);
    stage_run(stage, 29000);
    assert_int_equal(stage->cloud->calls[FAKE_ACKNOWLEDGE], 4);
    stage_metric(stage, "stoker_interruptions_total{kind=\"spot-interruption\"} 1");
}

static enum fake_fate refuse_first_terminations(void *context, enum fake_cloud_api api, uint64_t number)
{
    struct stage *stage = context;
    (void)number;
    return api == FAKE_TERMINATE && stage->cloud->calls[FAKE_TERMINATE] <= 3 ? FAKE_REFUSED : FAKE_SERVED;
}

static void a_cloud_that_refuses_is_asked_again(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    stage->cloud->on_call = refuse_first_terminations;
    stage->cloud->on_call_context = stage;
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 33000);
    assert_false(stage_is_terminated(stage, 0));
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 30000);
    stage_nothing_is_left(stage);
    assert_int_equal(stage->cloud->calls[FAKE_TERMINATE], 4);
}

/* The process stops before or after its n-th call, and another one goes on. */

struct killer {
    struct stage *stage;
    uint64_t at, n; /* calls to the cluster and the cloud together */
    enum fake_fate fate;
    bool dead;
};

static enum fake_fate strike(struct killer *killer)
{
    if (killer->dead)
        return FAKE_UNSENT; /* nothing goes out any more */
    if (++killer->n != killer->at)
        return FAKE_SERVED;
    killer->dead = true;
    return killer->fate;
}

static enum fake_fate strike_cluster(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)request;
    (void)number;
    return strike(context);
}

static enum fake_fate strike_cloud(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)api;
    (void)number;
    return strike(context);
}

/* kube-scheduler, as far as it is needed: what no slot holds goes to any open node (they are large here). */
static void find_open(void *context, const struct doc *node)
{
    const struct doc *taints = doc_at(node, "spec.taints");
    if (!str_is(doc_text_at(node, "spec.unschedulable"), "true") && !(taints && taints->count))
        *(struct str *)context = doc_text_at(node, "metadata.name");
}

static void find_waiting(void *context, const struct doc *pod)
{
    if (!doc_text_at(pod, "spec.nodeName").len)
        *(struct str *)context = doc_text_at(pod, "metadata.name");
}

static void schedule(struct stage *stage)
{
    struct str node = STR(""), pod = STR("");
    fake_cluster_each(stage->cluster, CLUSTER_NODE, find_open, &node);
    fake_cluster_each(stage->cluster, CLUSTER_POD, find_waiting, &pod);
    if (node.len && pod.len)
        fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", pod.ptr,
                           "{\"spec\": {\"nodeName\": \"%.*s\"}, \"status\": {\"phase\": \"Running\"}}", STR_ARG(node));
}

static void run_mortal(struct stage *stage, struct killer *killer, int64_t ms)
{
    for (int64_t step_ms = 100; ms > 0; ms -= step_ms) {
        stage_run(stage, step_ms);
        if (ms % 5000 == 0)
            schedule(stage);
        if (!killer->dead)
            continue;
        stage_kill(stage);
        killer->at = 0;
        killer->dead = false;
        stage_start(stage);
    }
}

/* A whole life: planned, launched, bound, interrupted, replaced, ended, given back. Returns the calls that it took. */
static uint64_t live(uint64_t at, enum fake_fate fate)
{
    struct stage *stage = malloc(sizeof(*stage));
    assert_non_null(stage);
    stage_open(stage);
    struct killer killer = {.stage = stage, .at = at, .fate = fate};
    stage->boot_ms = 10000;
    stage->cluster->start_ms = 300;
    stage->cluster->on_call = strike_cluster;
    stage->cloud->on_call = strike_cloud;
    stage->cluster->on_call_context = stage->cloud->on_call_context = &killer;
    stage_provisioner(stage, "ttlSecondsAfterEmpty: 30");
    stage_pods(stage, "app", "executor", 0, 2);
    stage_start(stage);
    run_mortal(stage, &killer, 40000);
    assert_text(stage_pod(stage, "app-exec-0", "status.phase"), "Running");
    assert_text(stage_pod(stage, "app-exec-1", "status.phase"), "Running");
    stage_check_owners(stage);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    /* A queue says it again until it is acknowledged. */
    for (int i = 0; i < 4 && !fake_cloud_acknowledged(stage->cloud, STR("message-1")); i++) {
        fake_cloud_notify(stage->cloud, &notice);
        run_mortal(stage, &killer, 10000);
    }
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    stage_pods(stage, "app", "executor", 2, 2);
    run_mortal(stage, &killer, 60000);
    assert_text(stage_pod(stage, "app-exec-2", "status.phase"), "Running");
    assert_text(stage_pod(stage, "app-exec-3", "status.phase"), "Running");
    assert_true(stage_is_terminated(stage, 0));
    fake_cluster_finish(stage->cluster, "spark", "app-exec-2", "Succeeded");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-3", "Succeeded");
    run_mortal(stage, &killer, 240000);
    stage_nothing_is_left(stage);
    stage_close(stage);
    free(stage);
    return killer.n;
}

static void a_process_that_stops_anywhere_leaks_nothing(void **state)
{
    (void)state;
    uint64_t n = live(0, FAKE_SERVED);
    assert_true(n > 20);
    for (uint64_t at = 1; at <= n; at++) {
        live(at, FAKE_UNSENT);
        live(at, FAKE_UNANSWERED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_ALIVE(an_empty_node_goes_to_the_second),
        STAGE_TEST_ALIVE(the_kubelet_says_when_a_pod_ended_not_we),
        STAGE_TEST_ALIVE(what_was_written_down_survives_a_restart),
        STAGE_TEST_ALIVE(a_pod_that_comes_in_time_keeps_the_node),
        STAGE_TEST_ALIVE(daemon_pods_keep_no_node),
        STAGE_TEST_ALIVE(a_node_that_never_had_a_pod_counts_from_initialized),
        STAGE_TEST_ALIVE(a_node_that_is_marked_stays),
        STAGE_TEST_ALIVE(without_a_ttl_an_empty_node_stays),
        STAGE_TEST_ALIVE(consolidation_gives_empty_nodes_back),
        STAGE_TEST_ALIVE(an_old_node_is_replaced_first),
        STAGE_TEST_ALIVE(a_driver_outlives_the_age_of_its_node),
        STAGE_TEST_ALIVE(a_spot_notice_closes_the_node_and_replaces_it),
        STAGE_TEST_ALIVE(executors_go_first_and_drivers_last),
        STAGE_TEST_ALIVE(a_budget_holds_until_shortly_before_the_deadline),
        STAGE_TEST_ALIVE(a_budget_that_allows_nothing_keeps_an_old_node),
        STAGE_TEST_ALIVE(a_budget_holds_for_ever_against_our_own_will),
        STAGE_TEST_ALIVE(foreign_and_repeated_notices_do_no_harm),
        STAGE_TEST_ALIVE(a_notice_is_kept_until_it_is_acted_on),
        STAGE_TEST_ALIVE(rebalance_is_recorded_or_acted_on),
        STAGE_TEST_ALIVE(maintenance_far_away_waits_for_what_is_blocked),
        STAGE_TEST_ALIVE(a_stopped_instance_is_cleared_away),
        STAGE_TEST_ALIVE(a_scaling_group_goes_on_when_the_claim_is_gone),
        STAGE_TEST_ALIVE(an_acknowledgement_that_is_lost_is_repeated),
        STAGE_TEST_ALIVE(a_cloud_that_refuses_is_asked_again),
        cmocka_unit_test(a_process_that_stops_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Nodes that are given back: empty, old, interrupted. On a whole controller, in virtual time, to the second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/doc_edit.h"
#include "tests/support/stage.h"

#define assert_text(actual, expected) assert_true(str_is((actual), (expected)))
#define NS_PER_S                      INT64_C(1000000000)

static int set_up(void **state)
{
    struct stage *stage = malloc(sizeof(*stage));
    assert_non_null(stage);
    stage_open(stage);
    stage->boot_ms = 10000;
    stage->cluster->start_ms = 300;
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    stage_close(*state);
    free(*state);
    return 0;
}

static struct str pod_text(struct stage *stage, const char *name, const char *path)
{
    return fake_cluster_text(stage->cluster, CLUSTER_POD, "spark", name, path);
}

static const struct fake_machine *machine(struct stage *stage, size_t i)
{
    size_t n;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_true(i < n);
    return &machines[i];
}

static bool is_terminated(struct stage *stage, size_t i)
{
    return machine(stage, i)->instance.state == CLOUD_TERMINATED;
}

static void assert_metric(struct stage *stage, const char *line)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text;
    struct err err = {0};
    metrics_write(stage->metrics, &buf);
    assert_int_equal(buf_str(&buf, &text, &err), 0);
    if (!strstr(text.ptr, line))
        fail_msg("no metric %s", line);
    arena_release(&arena);
}

/* Runs `n` executors on as many nodes as it takes; they are up. */
static void run_app(struct stage *stage, const char *spec, int n)
{
    stage_provisioner(stage, spec);
    stage_pods(stage, "app", "executor", 0, n);
    stage_start(stage);
    stage_run(stage, 20000);
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "app-exec-%d", i);
        assert_text(pod_text(stage, name, "status.phase"), "Running");
    }
    assert_int_equal(stage_claims(stage, "Initialized"), stage_claims(stage, NULL));
}

/* To the next full second, as kubelets write times. */
static void run_to_second(struct stage *stage)
{
    stage_run(stage, 1000 - stage->time.wall_ns / 1000000 % 1000);
}

static void nothing_is_left(struct stage *stage)
{
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    assert_int_equal(fake_cluster_count(stage->cluster, CLUSTER_NODE), 0);
    assert_int_equal(fake_cluster_count(stage->cluster, CLUSTER_NODE_CLAIM), 0);
}

/* Empty. */

static void an_empty_node_goes_to_the_second(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 2);
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 40000);
    assert_false(is_terminated(stage, 0));
    fake_cluster_finish(stage->cluster, "spark", "app-exec-1", "Succeeded");
    stage_run(stage, 29990);
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(is_terminated(stage, 0));
    stage_run(stage, 1000);
    nothing_is_left(stage);
    assert_metric(stage, "stoker_instances_terminated_total{reason=\"Empty\"} 1");
}

static void the_kubelet_says_when_a_pod_ended_not_we(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_kill(stage);
    stage_run(stage, 25000);
    stage_start(stage);
    stage_run(stage, 4900);
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(is_terminated(stage, 0));
}

static void what_was_written_down_survives_a_restart(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    run_to_second(stage);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 10000);
    stage_kill(stage);
    stage_run(stage, 10000);
    stage_start(stage);
    stage_run(stage, 9900);
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 2100);
    assert_true(is_terminated(stage, 0));
}

static void a_pod_that_comes_in_time_keeps_the_node(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    const char *node = machine(stage, 0)->instance.id.ptr;
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 25000);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: late, namespace: spark, ownerReferences: [{kind: "
                        "ReplicaSet, name: r, controller: true}]}, spec: {nodeName: %s, containers: [{name: c}]}, "
                        "status: {phase: Running}}",
                        node);
    stage_run(stage, 60000);
    assert_false(is_terminated(stage, 0));
    run_to_second(stage);
    fake_cluster_finish(stage->cluster, "spark", "late", "Failed");
    stage_run(stage, 29900);
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 1100);
    assert_true(is_terminated(stage, 0));
}

static void daemon_pods_keep_no_node(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: kube-system, ownerReferences: "
                        "[{kind: DaemonSet, name: agent, controller: true}]}, spec: {nodeName: %s, containers: [{name: "
                        "c}]}, status: {phase: Running}}",
                        machine(stage, 0)->instance.id.ptr);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 32000);
    nothing_is_left(stage);
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
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 1000);
    assert_true(is_terminated(stage, 0));
}

static void a_node_that_is_marked_stays(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", machine(stage, 0)->instance.id.ptr,
                       "{\"metadata\": {\"annotations\": {\"karpenter.sh/do-not-disrupt\": \"true\"}}}");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 120000);
    assert_false(is_terminated(stage, 0));
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", machine(stage, 0)->instance.id.ptr,
                       "{\"metadata\": {\"annotations\": {\"karpenter.sh/do-not-disrupt\": null}}}");
    stage_run(stage, 2000);
    assert_true(is_terminated(stage, 0));
}

static void without_a_ttl_an_empty_node_stays(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "weight: 1", 1);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 3600000);
    assert_false(is_terminated(stage, 0));
}

/* Expired. */

static void an_old_node_is_replaced_first(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsUntilExpired: 600, ttlSecondsAfterEmpty: 30", 1);
    const char *old = machine(stage, 0)->instance.id.ptr;
    stage_run(stage, 570000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    /* Closed, and the next one is on its way, while the pod runs on. */
    stage_run(stage, 30000);
    assert_text(fake_cluster_text(stage->cluster, CLUSTER_NODE, "", old, "spec.unschedulable"), "true");
    stage_run(stage, 60000);
    size_t n;
    fake_cloud_machines(stage->cloud, &n);
    assert_true(n >= 2);
    assert_true(is_terminated(stage, 0));
    assert_metric(stage, "stoker_evictions_total{reason=\"Expired\"} 1");
}

static void a_driver_outlives_the_age_of_its_node(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "ttlSecondsUntilExpired: 600");
    stage_pods(stage, "app", "driver", 0, 1);
    stage_start(stage);
    stage_run(stage, 3600000);
    assert_text(pod_text(stage, "app-driver-0", "status.phase"), "Running");
    assert_false(is_terminated(stage, 0));
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

/* Interruption. */

static struct cloud_notice spot_notice(struct stage *stage, size_t i, const char *handle)
{
    return (struct cloud_notice){.kind = CLOUD_NOTICE_SPOT_INTERRUPTION,
                                 .instance_id = machine(stage, i)->instance.id,
                                 .sent = {stage->time.wall_ns},
                                 .deadline = {stage->time.wall_ns + 120 * NS_PER_S},
                                 .handle = str_of(handle)};
}

static void a_spot_notice_closes_the_node_and_replaces_it(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsAfterEmpty: 30", 2);
    const char *node = machine(stage, 0)->instance.id.ptr;
    stage->cluster->stop_ms = 20000;
    uint64_t launches = stage->cloud->n_launches;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_text(fake_cluster_text(stage->cluster, CLUSTER_NODE, "", node, "spec.unschedulable"), "true");
    stage_run(stage, 1000);
    assert_int_equal(stage->cloud->n_launches, launches + 1);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    /* Each has what is left of two minutes, less the machine's own end. */
    int64_t grace_s = 0;
    assert_true(str_to_int64(pod_text(stage, "app-exec-0", "metadata.deletionGracePeriodSeconds"), &grace_s));
    assert_in_range(grace_s, 105, 110);
    assert_false(is_terminated(stage, 0));
    stage_run(stage, 22000);
    assert_true(is_terminated(stage, 0));
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node));
    assert_metric(stage, "stoker_evictions_total{reason=\"SpotInterruption\"} 2");
    assert_metric(stage, "stoker_interruptions_total{kind=\"spot-interruption\"} 1");
    /* Spark makes them anew: they go to the node that was launched for them. */
    stage_pods(stage, "app", "executor", 2, 2);
    stage_run(stage, 20000);
    assert_text(pod_text(stage, "app-exec-2", "status.phase"), "Running");
    assert_text(pod_text(stage, "app-exec-3", "status.phase"), "Running");
    assert_int_equal(stage->cloud->n_launches, launches + 1);
}

static void executors_go_first_and_drivers_last(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 2);
    stage_start(stage);
    stage_run(stage, 20000);
    const char *node = machine(stage, 0)->instance.id.ptr;
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: driver, namespace: spark, labels: {spark-role: "
                        "driver}}, spec: {nodeName: %s, containers: [{name: c}]}, status: {phase: Running}}",
                        node);
    stage->cluster->stop_ms = -1; /* executors use all of their grace */
    stage_run(stage, 1000);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 2000);
    assert_true(pod_text(stage, "app-exec-0", "metadata.deletionTimestamp").len > 0);
    assert_text(pod_text(stage, "driver", "metadata.deletionTimestamp"), "");
    stage_run(stage, 86000);
    assert_text(pod_text(stage, "driver", "metadata.deletionTimestamp"), "");
    stage_run(stage, 5000);
    assert_true(pod_text(stage, "driver", "metadata.deletionTimestamp").len > 0);
    stage_run(stage, 30000);
    assert_true(is_terminated(stage, 0));
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
    run_app(stage, "", 1);
    apply_budget(stage);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 100000);
    assert_text(pod_text(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    assert_true(stage->cluster->calls[CLUSTER_EVICT][CLUSTER_POD] > 10);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
    stage_run(stage, 15000);
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 1);
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_POD, "spark", "app-exec-0"));
    stage_run(stage, 10000);
    assert_true(is_terminated(stage, 0));
}

static void a_budget_that_allows_nothing_keeps_an_old_node(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    apply_budget(stage);
    stage_run(stage, 3600000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    fake_cluster_patch(stage->cluster, CLUSTER_DISRUPTION_BUDGET, "spark", "b",
                       "{\"status\": {\"disruptionsAllowed\": 1}}");
    stage_run(stage, 30000);
    assert_true(is_terminated(stage, 0));
}

static void a_budget_holds_for_ever_against_our_own_will(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "ttlSecondsUntilExpired: 600", 1);
    while (stage_claims(stage, "Draining") == 0)
        stage_run(stage, 1000);
    apply_budget(stage);
    stage_run(stage, 3600000);
    assert_false(is_terminated(stage, 0));
    assert_text(pod_text(stage, "app-exec-0", "metadata.deletionTimestamp"), "");
    assert_int_equal(stage->cluster->calls[CLUSTER_DELETE][CLUSTER_POD], 0);
    fake_cluster_patch(stage->cluster, CLUSTER_DISRUPTION_BUDGET, "spark", "b",
                       "{\"status\": {\"disruptionsAllowed\": 1}}");
    stage_run(stage, 10000);
    assert_true(is_terminated(stage, 0));
}

static void foreign_and_repeated_notices_do_no_harm(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "", 1);
    struct cloud_notice notice = spot_notice(stage, 0, "foreign");
    notice.instance_id = STR("i-0123456789abcdef0");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 1000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("foreign")));
    assert_metric(stage, "stoker_messages_dropped_total{why=\"foreign\"} 1");
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
    assert_true(is_terminated(stage, 0));
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
    run_app(stage, "", 1);
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
    run_app(stage, "", 1);
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
    assert_true(is_terminated(stage, 0));
    assert_metric(stage, "stoker_evictions_total{reason=\"Rebalance\"} 1");
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
    assert_text(pod_text(stage, "app-driver-0", "metadata.deletionTimestamp"), "");
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 10000);
    assert_true(is_terminated(stage, 0));
}

static void a_stopped_instance_is_cleared_away(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "", 1);
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_STATE_CHANGE;
    notice.state = CLOUD_STOPPING;
    notice.deadline.ns = 0;
    const char *node = machine(stage, 0)->instance.id.ptr;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 5000);
    assert_true(is_terminated(stage, 0));
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node));
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
}

static void a_scaling_group_goes_on_when_the_claim_is_gone(void **state)
{
    struct stage *stage = *state;
    run_app(stage, "", 1);
    stage->cluster->stop_ms = 20000;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    notice.kind = CLOUD_NOTICE_LIFECYCLE_TERMINATE;
    notice.deadline.ns = 0;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 15000);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
    assert_true(pod_text(stage, "app-exec-0", "metadata.deletionTimestamp").len > 0);
    stage_run(stage, 10000);
    assert_true(is_terminated(stage, 0));
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
    run_app(stage, "", 1);
    stage->cloud->on_call = refuse_first_acknowledgements;
    stage->cloud->on_call_context = stage;
    struct cloud_notice notice = spot_notice(stage, 0, "message-1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 30000);
    assert_int_equal(stage->cloud->calls[FAKE_ACKNOWLEDGE], 4);
    assert_metric(stage, "stoker_interruptions_total{kind=\"spot-interruption\"} 1");
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
    run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    stage->cloud->on_call = refuse_first_terminations;
    stage->cloud->on_call_context = stage;
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 33000);
    assert_false(is_terminated(stage, 0));
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 30000);
    nothing_is_left(stage);
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
    assert_text(pod_text(stage, "app-exec-0", "status.phase"), "Running");
    assert_text(pod_text(stage, "app-exec-1", "status.phase"), "Running");
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
    assert_text(pod_text(stage, "app-exec-2", "status.phase"), "Running");
    assert_text(pod_text(stage, "app-exec-3", "status.phase"), "Running");
    assert_true(is_terminated(stage, 0));
    fake_cluster_finish(stage->cluster, "spark", "app-exec-2", "Succeeded");
    fake_cluster_finish(stage->cluster, "spark", "app-exec-3", "Succeeded");
    run_mortal(stage, &killer, 240000);
    nothing_is_left(stage);
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
        cmocka_unit_test_setup_teardown(an_empty_node_goes_to_the_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_kubelet_says_when_a_pod_ended_not_we, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_written_down_survives_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pod_that_comes_in_time_keeps_the_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(daemon_pods_keep_no_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_never_had_a_pod_counts_from_initialized, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_is_marked_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_ttl_an_empty_node_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_node_is_replaced_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_driver_outlives_the_age_of_its_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_spot_notice_closes_the_node_and_replaces_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(executors_go_first_and_drivers_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_budget_holds_until_shortly_before_the_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_budget_that_allows_nothing_keeps_an_old_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_budget_holds_for_ever_against_our_own_will, set_up, tear_down),
        cmocka_unit_test_setup_teardown(foreign_and_repeated_notices_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_notice_is_kept_until_it_is_acted_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rebalance_is_recorded_or_acted_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(maintenance_far_away_waits_for_what_is_blocked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopped_instance_is_cleared_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_scaling_group_goes_on_when_the_claim_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_acknowledgement_that_is_lost_is_repeated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cloud_that_refuses_is_asked_again, set_up, tear_down),
        cmocka_unit_test(a_process_that_stops_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_state.c - what is heard of the cluster, in whatever order, and what is known of it then. */
#include "tests/unit/api_helper.h"

#include "tests/support/state_yaml.h"

struct heard {
    int lists;
    size_t changes, failures;
    enum cluster_kind kind;
    char message[ERR_MESSAGE_MAX];
};

static struct clock_wall noon(void *context)
{
    (void)context;
    return (struct clock_wall){INT64_C(1000) * 1000000000};
}

static const struct clock CLOCK = {.wall = noon};

static void on_changed(void *context, enum cluster_kind kind)
{
    struct heard *heard = context;
    heard->changes++;
    heard->kind = kind;
}

static void on_failed(void *context, enum cluster_kind kind, struct str name, const struct err *err)
{
    struct heard *heard = context;
    (void)name;
    heard->failures++;
    heard->kind = kind;
    snprintf(heard->message, sizeof(heard->message), "%s", err->message);
}

static struct state *open_state(struct heard *heard)
{
    struct state *state;
    const struct state_options options = {
        .clock = &CLOCK, .changed = on_changed, .failed = on_failed, .context = heard};
    assert_int_equal(state_open(&options, &state, NULL), 0);
    return state;
}

#define POD(name, uid, version, rest)                                                                                  \
    "{apiVersion: v1, kind: Pod, metadata: {name: " name ", namespace: jobs, uid: " uid ", resourceVersion: '" version \
    "'}, spec: {containers: [{resources: {requests: {cpu: 1}}}]" rest "}"

static const struct pod *pod_named(const struct state *state, const char *name)
{
    return state_pod(state, STR("jobs"), str_of(name));
}

static void objects_come_change_and_go(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, POD("a", "u1", "10", "}, status: {phase: Pending}"));
    assert_non_null(pod_named(state, "a"));
    assert_int_equal(pod_named(state, "a")->phase, POD_PENDING);
    assert_int_equal(heard.changes, 1);
    uint64_t generation = state_generation(state);
    state_put_yaml(state, POD("a", "u1", "11", "}, status: {phase: Running}"));
    assert_int_equal(pod_named(state, "a")->phase, POD_RUNNING);
    assert_int_not_equal(state_generation(state), generation);
    state_put_yaml(state, POD("a", "u1", "10", "}, status: {phase: Pending}")); /* late */
    assert_int_equal(pod_named(state, "a")->phase, POD_RUNNING);
    assert_int_equal(heard.changes, 2);
    state_gone(state, CLUSTER_POD, "jobs", "a", "other");
    assert_non_null(pod_named(state, "a"));
    state_gone(state, CLUSTER_POD, "jobs", "a", "u1");
    assert_null(pod_named(state, "a"));
    assert_int_equal(heard.failures, 0);
    state_close(state);
}

static void a_late_answer_brings_nothing_back(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, POD("a", "u1", "10", "}, status: {phase: Running}"));
    state_gone(state, CLUSTER_POD, "jobs", "a", "u1");
    state_answer_yaml(state, POD("a", "u1", "11", "}, status: {phase: Running}"));
    assert_null(pod_named(state, "a"));
    state_answer_yaml(state, POD("a", "u2", "12", "}, status: {phase: Running}")); /* another of that name */
    assert_non_null(pod_named(state, "a"));
    state_gone(state, CLUSTER_POD, "jobs", "a", "u1"); /* of the first, once more */
    assert_non_null(pod_named(state, "a"));
    state_close(state);
}

static void an_answer_is_newer_than_the_watch_for_a_while(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, POD("a", "u1", "10", "}, status: {phase: Pending}"));
    state_answer_yaml(state, POD("a", "u1", "15", "}, status: {phase: Running}"));
    state_put_yaml(state, POD("a", "u1", "12", "}, status: {phase: Pending}"));
    assert_int_equal(pod_named(state, "a")->phase, POD_RUNNING);
    state_put_yaml(state, POD("a", "u1", "16", "}, status: {phase: Failed}"));
    assert_int_equal(pod_named(state, "a")->phase, POD_FAILED);
    state_close(state);
}

static void what_is_not_listed_again_is_gone(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    struct cluster_sink sink = state_sink(state);
    sink.relist(sink.context, CLUSTER_POD);
    state_put_yaml(state, POD("a", "u1", "1", "}"));
    state_put_yaml(state, POD("b", "u2", "2", "}"));
    state_put_yaml(state, POD("c", "u3", "3", "}"));
    sink.listed(sink.context, CLUSTER_POD);
    sink.relist(sink.context, CLUSTER_POD);
    state_put_yaml(state, POD("c", "u3", "3", "}")); /* as it was: still there */
    state_answer_yaml(state, POD("d", "u4", "9", "}"));
    sink.listed(sink.context, CLUSTER_POD);
    assert_true(!pod_named(state, "a") && !pod_named(state, "b") && pod_named(state, "c") && pod_named(state, "d"));
    state_answer_yaml(state, POD("a", "u1", "11", "}"));
    assert_null(pod_named(state, "a"));
    state_put_yaml(state, POD("a", "u1", "12", "}")); /* a list can be old; the watch is right in the end */
    assert_non_null(pod_named(state, "a"));
    state_close(state);
}

static void note_listed(void *context, enum cluster_kind kind)
{
    struct heard *heard = context;
    heard->kind = kind;
    heard->lists++;
}

static void note_watch_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    struct heard *heard = context;
    heard->kind = kind;
    heard->failures++;
    snprintf(heard->message, sizeof(heard->message), "%s", err->message);
}

static void what_is_heard_of_a_kind_is_told(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct err err = {.code = ERR_RETRY, .message = "words"};
    struct state *state;
    const struct state_options options = {
        .clock = &CLOCK, .listed = note_listed, .watch_failed = note_watch_failed, .context = &heard};
    assert_int_equal(state_open(&options, &state, NULL), 0);
    struct cluster_sink sink = state_sink(state);
    sink.relist(sink.context, CLUSTER_POD);
    sink.failed(sink.context, CLUSTER_NODE, &err);
    assert_int_equal(heard.failures, 1);
    assert_int_equal(heard.kind, CLUSTER_NODE);
    assert_string_equal(heard.message, "words");
    sink.listed(sink.context, CLUSTER_POD);
    assert_int_equal(heard.lists, 1);
    assert_int_equal(heard.kind, CLUSTER_POD);
    state_close(state);
}

static void synced_is_when_every_kind_was_listed(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    struct cluster_sink sink = state_sink(state);
    enum cluster_kind missing;
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++) {
        if (kind == CLUSTER_KARPENTER_PROVISIONER || kind == CLUSTER_KARPENTER_TEMPLATE)
            continue;
        assert_false(state_synced(state, &missing));
        assert_int_equal(missing, kind);
        sink.relist(sink.context, (enum cluster_kind)kind);
        assert_false(state_synced(state, NULL));
        sink.listed(sink.context, (enum cluster_kind)kind);
    }
    assert_true(state_synced(state, NULL));
    sink.relist(sink.context, CLUSTER_POD);
    assert_true(state_synced(state, NULL)); /* what was known is known still */
    state_close(state);
}

static void a_binding_of_ours_holds_until_the_watch_says_it(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, POD("a", "u1", "10", "}"));
    state_assume_bound(state, STR("jobs"), STR("a"), STR("other"), STR("n1"));
    assert_text(pod_named(state, "a")->node_name, "");
    state_assume_bound(state, STR("jobs"), STR("a"), STR("u1"), STR("n1"));
    assert_text(pod_named(state, "a")->node_name, "n1");
    /* The scheduler's mark was written before our binding and is seen after it. */
    state_put_yaml(state,
                   POD("a", "u1", "11",
                       "}, status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}"));
    assert_text(pod_named(state, "a")->node_name, "n1");
    assert_true(pod_named(state, "a")->unschedulable);
    state_put_yaml(state, POD("a", "u1", "12", ", nodeName: n1}"));
    assert_text(pod_named(state, "a")->node_name, "n1");
    state_put_yaml(state, POD("a", "u9", "20", "}")); /* made anew */
    assert_text(pod_named(state, "a")->node_name, "");
    state_close(state);
}

static void a_pod_that_does_not_say_when_it_ended_ended_when_it_was_heard_of(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, POD("a", "u1", "10", "}, status: {phase: Failed}"));
    assert_int_equal(pod_named(state, "a")->finished.ns, INT64_C(1000) * 1000000000);
    state_put_yaml(state, POD("a", "u1", "11", "}, status: {phase: Failed, reason: x}"));
    assert_int_equal(pod_named(state, "a")->finished.ns, INT64_C(1000) * 1000000000);
    state_close(state);
}

static void heartbeats_wake_nobody(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    static const char node[] =
        "{apiVersion: v1, kind: Node, metadata: {name: n, uid: u, resourceVersion: '%d'}, "
        "spec: {providerID: 'aws:///z/i-1'%s}, status: {conditions: [{type: Ready, status: 'True', "
        "lastHeartbeatTime: '2026-01-01T00:00:0%dZ'}], capacity: {cpu: 4}}}";
    state_put_fmt(state, node, 5, "", 1);
    state_put_fmt(state, node, 6, "", 2);
    assert_int_equal(heard.changes, 1);
    assert_text(state_node(state, STR("n"))->resource_version, "6");
    state_put_fmt(state, node, 7, ", unschedulable: true", 3);
    assert_int_equal(heard.changes, 2);
    assert_ptr_equal(state_node_by_provider_id(state, STR("aws:///z/i-1")), state_node(state, STR("n")));
    state_gone(state, CLUSTER_NODE, "", "n", "u");
    assert_null(state_node_by_provider_id(state, STR("aws:///z/i-1")));
    state_close(state);
}

static void a_csi_node_wakes_when_its_drivers_change(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    static const char node[] = "{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: n, uid: u, "
                               "resourceVersion: '%d', annotations: {a: '%d'}}, spec: {drivers: [%s]}}";
    state_put_fmt(state, node, 5, 1, "");
    state_put_fmt(state, node, 6, 2, "");
    assert_int_equal(heard.changes, 1);
    state_put_fmt(state, node, 7, 3, "{name: ebs.csi.aws.com, allocatable: {count: 25}}");
    state_put_fmt(state, node, 8, 4, "{name: ebs.csi.aws.com, allocatable: {count: 25}}");
    assert_int_equal(heard.changes, 2);
    state_put_fmt(state, node, 9, 5, "{name: ebs.csi.aws.com, allocatable: {count: 2}}");
    assert_int_equal(heard.changes, 3);
    struct arena arena = ARENA_INIT;
    struct view view;
    assert_int_equal(state_view(state, &arena, &view, NULL), 0);
    state_gone(state, CLUSTER_CSI_NODE, "", "n", "u");
    assert_int_equal(view.objects.csi_nodes.len, 1);
    assert_int_equal(view.objects.csi_nodes.items[0].drivers[0].count, 2);
    assert_text(view.objects.csi_nodes.items[0].drivers[0].name, "ebs.csi.aws.com");
    state_view_release(state, &view);
    arena_release(&arena);
    state_close(state);
}

#define PROVISIONER(group, name, spec) \
    "{apiVersion: " group ", kind: Provisioner, metadata: {name: " name ", uid: u}, spec: {" spec "}}"

static void count_findings(void *context, enum cluster_kind kind, struct str name, struct str uid, struct str findings)
{
    size_t *counts = context;
    (void)kind;
    assert_true(name.len && uid.len);
    counts[findings.len > 0]++;
}

static void a_provisioner_that_cannot_be_read_is_left_out(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, PROVISIONER("stoker.sh/v1alpha1", "p", "weight: 5"));
    assert_int_equal(state_provisioner(state, STR("p"))->weight, 5);
    assert_text(state_findings(state, CLUSTER_PROVISIONER, STR("p")), "");
    state_put_yaml(state, PROVISIONER("stoker.sh/v1alpha1", "p", "weight: 500, wait: 1"));
    assert_null(state_provisioner(state, STR("p")));
    assert_int_equal(heard.failures, 1);
    struct str findings = state_findings(state, CLUSTER_PROVISIONER, STR("p"));
    assert_non_null(strstr(findings.ptr, "spec.weight: is 500"));
    assert_non_null(strstr(findings.ptr, "spec.wait: is not a known field"));
    state_put_yaml(state, PROVISIONER("karpenter.sh/v1alpha5", "p", "weight: 7"));
    assert_true(state_provisioner(state, STR("p"))->karpenter);
    state_put_yaml(state, PROVISIONER("stoker.sh/v1alpha1", "p", "weight: 6"));
    assert_int_equal(state_provisioner(state, STR("p"))->weight, 6);
    assert_text(state_findings(state, CLUSTER_PROVISIONER, STR("p")), "");
    assert_non_null(strstr(state_findings(state, CLUSTER_KARPENTER_PROVISIONER, STR("p")).ptr, "the same name"));
    size_t counts[2] = {0};
    state_each_finding(state, count_findings, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    state_close(state);
}

static void templates_of_both_groups_are_told_apart(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state,
                   "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: {amiFamily: AL2}}");
    state_put_yaml(state, "{apiVersion: karpenter.k8s.aws/v1alpha1, kind: AWSNodeTemplate, metadata: {name: t}, "
                          "spec: {amiFamily: Bottlerocket}}");
    assert_text(state_template(state, STR("t"), false)->launch.family, "AL2");
    assert_text(state_template(state, STR("t"), true)->launch.family, "Bottlerocket");
    assert_null(state_template(state, STR("s"), true));
    state_close(state);
}

/* A node must not be taken for empty because of one odd pod. */
static void a_running_pod_that_cannot_be_read_stands(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, "{apiVersion: v1, kind: Pod, metadata: {name: odd, namespace: jobs, uid: u}, "
                          "spec: {nodeName: n, containers: [{resources: {requests: {memory: 100Pi}}}]}}");
    assert_int_equal(heard.failures, 1);
    assert_non_null(strstr(heard.message, "absurd"));
    const struct pod *pod = pod_named(state, "odd");
    assert_non_null(pod);
    assert_true(pod->do_not_disrupt);
    assert_text(pod->node_name, "n");
    state_put_yaml(state, "{apiVersion: v1, kind: Pod, metadata: {name: odder, namespace: jobs, uid: v}, "
                          "spec: {containers: [{resources: {requests: {memory: 100Pi}}}]}}");
    assert_null(pod_named(state, "odder"));
    assert_int_equal(heard.failures, 2);
    state_close(state);
}

static void claims_are_read_and_refused(void **cmocka_state)
{
    (void)cmocka_state;
    struct heard heard = {0};
    struct state *state = open_state(&heard);
    state_put_yaml(state, "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: c, uid: u}, "
                          "spec: {provisioner: p, capacityType: spot, launch: {id: l}}}");
    assert_int_equal(state_claim(state, STR("c"))->phase, CLAIM_LAUNCHING);
    state_put_yaml(state, "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: d, uid: v}, "
                          "spec: {provisioner: p, capacityType: free}}");
    assert_null(state_claim(state, STR("d")));
    assert_int_equal(heard.kind, CLUSTER_NODE_CLAIM);
    assert_non_null(strstr(heard.message, "spec.capacityType"));
    state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_come_change_and_go),
        cmocka_unit_test(a_late_answer_brings_nothing_back),
        cmocka_unit_test(an_answer_is_newer_than_the_watch_for_a_while),
        cmocka_unit_test(what_is_not_listed_again_is_gone),
        cmocka_unit_test(synced_is_when_every_kind_was_listed),
        cmocka_unit_test(what_is_heard_of_a_kind_is_told),
        cmocka_unit_test(a_binding_of_ours_holds_until_the_watch_says_it),
        cmocka_unit_test(a_pod_that_does_not_say_when_it_ended_ended_when_it_was_heard_of),
        cmocka_unit_test(heartbeats_wake_nobody),
        cmocka_unit_test(a_csi_node_wakes_when_its_drivers_change),
        cmocka_unit_test(a_provisioner_that_cannot_be_read_is_left_out),
        cmocka_unit_test(templates_of_both_groups_are_told_apart),
        cmocka_unit_test(a_running_pod_that_cannot_be_read_stands),
        cmocka_unit_test(claims_are_read_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

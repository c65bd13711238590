/* Nodes join, are closed, filled as planned, and opened: on a whole controller, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/doc_edit.h"
#include "tests/support/stage.h"

static void check_placement(void *context, const struct doc *claim)
{
    struct stage *stage = context;
    struct str node = doc_text_at(claim, "status.nodeName");
    assert_text(doc_text_at(claim, "status.phase"), "Initialized");
    assert_true(node.len > 0);
    DOC_EACH (slot, doc_at(claim, "spec.slots")) {
        struct str name = doc_text_at(slot, "name");
        assert_true(str_eq(stage_pod(stage, name.ptr, "spec.nodeName"), node));
    }
}

static void check_open(void *context, const struct doc *node)
{
    (void)context;
    assert_text(doc_text_at(node, "spec.unschedulable"), "");
    DOC_EACH (taint, doc_at(node, "spec.taints"))
        assert_false(str_is(doc_text_at(taint, "key"), "stoker.sh/placing"));
    const struct doc *labels = doc_at(node, "metadata.labels");
    assert_text(doc_get(labels, "karpenter.sh/provisioner-name")->text, "default");
    assert_text(doc_get(labels, "karpenter.sh/capacity-type")->text, "spot");
    assert_text(doc_get(labels, "eks.amazonaws.com/capacityType")->text, "SPOT");
    assert_text(doc_get(labels, "karpenter.k8s.aws/instance-category")->text, "c");
}

static void pods_are_bound_as_planned(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 40000;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 40);
    stage_start(stage);
    stage_run(stage, 60000);
    size_t n_claims = stage_claims(stage, NULL);
    assert_true(n_claims > 1);
    assert_int_equal(stage_pods_bound(stage), 40);
    assert_int_equal(stage_claims(stage, "Initialized"), n_claims);
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, check_placement, stage);
    fake_cluster_each(stage->cluster, CLUSTER_NODE, check_open, stage);
    /* Closed and labelled in one write, opened in another; each pod bound once. */
    assert_int_equal(stage->cluster->calls[CLUSTER_PATCH][CLUSTER_NODE], 2 * n_claims);
    assert_int_equal(stage->cluster->calls[CLUSTER_BIND][CLUSTER_POD], 40);
    assert_int_equal(stage->cluster->calls[CLUSTER_PATCH_STATUS][CLUSTER_NODE_CLAIM], 3 * n_claims);
}

static void apply_lonely(struct stage *stage, int n)
{
    for (int i = 0; i < n; i++)
        fake_cluster_applyf(stage->cluster,
                            "{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: spark, ownerReferences: "
                            "[{kind: ReplicaSet, name: r, controller: true}]}, spec: {containers: [{name: c, ports: "
                            "[{containerPort: 80, hostPort: 80}], resources: {requests: {cpu: 900m, memory: 1Gi}}}]}}",
                            i);
}

static void a_hundred_nodes_are_filled_within_seconds(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 40000;
    stage_provisioner(stage, "");
    apply_lonely(stage, 100);
    stage_start(stage);
    stage_run(stage, 41000);
    assert_int_equal(stage_claims(stage, NULL), 100);
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 100);
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, check_placement, stage);
    uint64_t writes = 0;
    for (int verb = CLUSTER_CREATE; verb < CLUSTER_EVICT; verb++)
        writes += stage->cluster->calls[verb][CLUSTER_NODE] + stage->cluster->calls[verb][CLUSTER_NODE_CLAIM];
    assert_in_range(writes, 0, 800);
}

static void a_closed_node_waits_until_it_is_ready(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 5000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    assert_text(stage_claim(stage, "status.phase"), "Registered");
    assert_int_equal(doc_at(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node), "spec.taints")->count, 1);
    /* Ready, but somebody's taint says that the network is not. */
    fake_cluster_ready(stage->cluster, node, true);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node,
                       "{\"spec\": {\"taints\": [{\"key\": \"cni/not-ready\", \"effect\": \"NoSchedule\"}]}}");
    stage_run(stage, 60000);
    assert_int_equal(stage_pods_bound(stage), 0);
    assert_int_equal(stage_claims(stage, NULL), 1);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node, "{\"spec\": {\"taints\": null}}");
    stage_run(stage, 1000);
    assert_text(stage_pod(stage, "app-exec-0", "spec.nodeName"), node);
    /* kube-scheduler may not know yet who is there. */
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    stage_run(stage, 2000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
}

/* The machine has adapters that nobody asked for, and no plug-in that would report them. */
static void a_device_that_no_pod_asks_for_is_not_waited_for(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 4000);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text,
                       "{spec: {resources: {allocatable: {vpc.amazonaws.com/efa: '1'}}}}");
    stage_join(stage, 0, "2", "4Gi");
    stage_run(stage, 4000);
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
}

static void a_device_that_a_pod_asks_for_is_waited_for_and_the_wait_is_told(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 4000);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text,
                       "{spec: {resources: {allocatable: {example.com/card: '1'}}}}");
    fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", "a-exec-0",
                       "{spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1900m, memory: 1Gi, "
                       "example.com/card: '1'}, limits: {example.com/card: '1'}}}]}}");
    stage_join(stage, 0, "2", "4Gi");
    stage_run(stage, 50000);
    assert_int_equal(stage_pods_bound(stage), 0);
    assert_text(stage_claim(stage, "status.message"), "waiting for the node to be ready");
    stage_run(stage, 20000);
    assert_text(stage_claim(stage, "status.message"), "the node does not report example.com/card");
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr,
                       "{status: {allocatable: {example.com/card: '1'}, capacity: {example.com/card: '1'}}}");
    stage_run(stage, 4000);
    assert_int_equal(stage_pods_bound(stage), 1);
}

/* An open node with room left would draw the pods whose own node is still to come. */
static void a_full_node_stays_closed_while_pods_wait_for_theirs(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 4000);
    stage_pods(stage, "b", "executor", 0, 3);
    stage_run(stage, 4000);
    assert_true(stage_claims(stage, NULL) > 1);
    stage_join(stage, 0, "2", "4Gi");
    stage_run(stage, 20000);
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    stage_run(stage, 50000); /* not for ever: the others may never come */
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
}

static void a_pod_that_ends_at_once_does_not_keep_its_node_closed(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join(stage, 0, "8", "16Gi");
    stage_run(stage, 1000);
    assert_text(stage_pod(stage, "app-exec-0", "spec.nodeName"), node);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage_run(stage, 3000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
}

static void a_node_that_never_gets_ready_is_given_back(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    struct str first = stage_machine(stage, 0)->instance.id;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 14 * 60000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 2 * 60000);
    size_t n;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_true(n > 1);
    assert_true(str_eq(machines[0].instance.id, first));
    assert_int_equal(machines[0].instance.state, CLOUD_TERMINATED);
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", first.ptr));
    assert_int_equal(stage_slots(stage, "spark/app-exec-0"), 1);
}

static void what_does_not_fit_is_planned_again(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 4);
    assert_int_equal(stage_claims(stage, NULL), 1);
    /* Room for two and a half. */
    stage_join(stage, 0, "4800m", "16Gi");
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 2);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "PlacedAnew"), 2);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    stage_join(stage, 1, "8", "16Gi");
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 4);
    assert_int_equal(stage_claims(stage, "Initialized"), 2);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static void what_fits_exactly_fits(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 4);
    stage_join(stage, 0, "7600m", "16Gi");
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 4);
}

/* Two pods for it: one is bound, and then the node is lost for good. */
static void a_node_that_lost_its_network_keeps_the_pods_it_has(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 2);
    stage_join_unready(stage, 0, "8", "16Gi", true);
    fake_cluster_patch(stage->cluster, CLUSTER_POD, "spark", "app-exec-0",
                       "{\"spec\": {\"nodeName\": \"%s\"}, \"status\": {\"phase\": \"Running\"}}",
                       stage_machine(stage, 0)->instance.id.ptr);
    stage_run(stage, 16 * 60000);
    assert_int_equal(stage_machine(stage, 0)->instance.state, CLOUD_RUNNING);
    assert_int_equal(stage_slots(stage, "spark/app-exec-0"), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "app-exec-1", "PlacedAnew"), 1);
}

static void nobody_is_bound_to_a_node_that_is_not_ready(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 1000);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node, "{\"spec\": {\"taints\": null}}");
    stage_run(stage, 30000);
    assert_int_equal(stage_pods_bound(stage), 0);
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 1);
}

static void a_node_that_is_another_one_now_is_not_used(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "labels: {team: a}");
    fake_cluster_apply(
        stage->cluster,
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: spark, ownerReferences: [{kind: "
        "ReplicaSet, name: r, controller: true}]}, spec: {nodeSelector: {team: a}, containers: [{name: c, "
        "resources: {requests: {cpu: 1}}}]}}");
    stage_start(stage);
    stage_run(stage, 5000);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 1000);
    assert_text(stage_node(stage, 0, "metadata.labels.team"), "a");
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", node, "{\"metadata\": {\"labels\": {\"team\": \"b\"}}}");
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 5000);
    assert_text(stage_pod(stage, "p", "spec.nodeName"), "");
    assert_int_equal(fake_cluster_events(stage->cluster, "p", "PlacedAnew"), 1);
}

static void what_others_bound_meanwhile_counts(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 4);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: kube-system, ownerReferences: "
                        "[{kind: DaemonSet, name: agent, controller: true}]}, spec: {nodeName: %s, containers: [{name: "
                        "c, resources: {requests: {cpu: 1500m}}}]}, status: {phase: Running}}",
                        node);
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 1 + 3);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static void nodes_without_our_taint_are_left_to_the_scheduler(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 2);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", false);
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 5000);
    const struct doc *labels = doc_at(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node), "metadata.labels");
    assert_text(doc_get(labels, "stoker.sh/placement")->text, "scheduler");
    assert_text(doc_get(labels, "karpenter.sh/provisioner-name")->text, "default");
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
    assert_int_equal(stage_pods_bound(stage), 0);
    assert_int_equal(stage->cluster->calls[CLUSTER_BIND][CLUSTER_POD], 0);
    assert_int_equal(stage_claims(stage, NULL), 1);
}

static void a_slot_that_nobody_takes_is_given_up(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 2);
    stage_join(stage, 0, "8", "16Gi");
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-1");
    stage_run(stage, 50000);
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_text(stage_claim(stage, "status.phase"), "Registered");
    assert_int_equal(stage_slots(stage, "spark/app-exec-1"), 1);
    stage_run(stage, 15000);
    assert_int_equal(stage_slots(stage, "spark/app-exec-1"), 0);
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
}

static void a_slot_is_taken_over_by_the_next_of_its_kind(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 2);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-1");
    stage_run(stage, 1000);
    stage_pods(stage, "app", "executor", 2, 1);
    stage_run(stage, 5000);
    stage_join(stage, 0, "8", "16Gi");
    stage_run(stage, 5000);
    assert_text(stage_pod(stage, "app-exec-2", "spec.nodeName"), stage_machine(stage, 0)->instance.id.ptr);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
}

static void pods_that_need_a_scheduler_are_left_to_it(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3}, provisioner: "
                       "ebs.csi.aws.com, volumeBindingMode: WaitForFirstConsumer}\n---\n"
                       "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: spark}, spec: "
                       "{storageClassName: gp3}}\n---\n"
                       "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: spark}, spec: {volumes: [{name: d, "
                       "persistentVolumeClaim: {claimName: data}}], containers: [{name: c, resources: {requests: {cpu: "
                       "900m}}}]}}\n");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    size_t n = stage_claims(stage, NULL);
    for (size_t i = 0; i < n; i++) {
        stage_join(stage, i, "8", "16Gi");
    }
    stage_run(stage, 5000);
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_int_equal(stage_claims(stage, "Initialized"), n);
    assert_text(stage_pod(stage, "db", "spec.nodeName"), "");
    assert_int_equal(stage_slots(stage, "spark/db"), 1);
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
}

/* A pod of somebody else that runs on the node, without asking for much. */
static void apply_resident(struct stage *stage, const char *name, const char *node, const char *labels,
                           const char *spec)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark, labels: {%s}, "
                        "ownerReferences: [{kind: DaemonSet, name: d, controller: true}]}, spec: {nodeName: %s, "
                        "containers: [{name: c}]%s}, status: {phase: Running}}",
                        name, labels, node, spec);
}

static void host_ports_that_were_taken_meanwhile_count(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    apply_lonely(stage, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: kube-system, ownerReferences: "
                        "[{kind: DaemonSet, name: web, controller: true}]}, spec: {nodeName: %s, containers: [{name: "
                        "c, ports: [{containerPort: 80, hostPort: 80}]}]}, status: {phase: Running}}",
                        node);
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 10000);
    assert_text(stage_pod(stage, "p0", "spec.nodeName"), "");
    assert_int_equal(fake_cluster_events(stage->cluster, "p0", "PlacedAnew"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static void anti_affinity_of_those_present_counts(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    apply_resident(stage, "loner", node, "a: b",
                   ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                   "kubernetes.io/hostname, labelSelector: {matchLabels: {spark-role: executor}}}]}}");
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 10000);
    assert_text(stage_pod(stage, "app-exec-0", "spec.nodeName"), "");
    assert_int_equal(fake_cluster_events(stage->cluster, "app-exec-0", "PlacedAnew"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static void apply_urgent(struct stage *stage)
{
    fake_cluster_apply(
        stage->cluster,
        "{apiVersion: v1, kind: Pod, metadata: {name: urgent, namespace: spark, ownerReferences: [{kind: "
        "ReplicaSet, name: r, controller: true}]}, spec: {priority: 1000, containers: [{name: c, "
        "resources: {requests: {cpu: 1500m, memory: 1Gi}}}]}, status: {phase: Pending, conditions: "
        "[{type: PodScheduled, status: 'False', reason: Unschedulable}]}}");
}

static void room_goes_to_who_has_waited_in_vain_with_more_right(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "limits: {resources: {cpu: 4}}", 2);
    assert_int_equal(stage_claims(stage, NULL), 1);
    apply_urgent(stage);
    stage_run(stage, 40000);
    stage_join(stage, 0, "4", "8Gi");
    stage_run(stage, 15000);
    /* One of the two was bound; the room of the other is left to kube-scheduler, whose queue is by priority. */
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "PlacedAnew"), 1);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

static void who_has_more_right_is_given_room_once(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "limits: {resources: {cpu: 4}}");
    apply_lonely(stage, 2);
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(stage_claims(stage, NULL), 2);
    apply_urgent(stage);
    stage_run(stage, 40000);
    stage_join(stage, 0, "2", "4Gi");
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 0);
    stage_join(stage, 1, "2", "4Gi");
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 1);
}

static void an_interrupted_launch_is_planned_again(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    struct cloud_notice notice = {.kind = CLOUD_NOTICE_SPOT_INTERRUPTION,
                                  .instance_id = stage_machine(stage, 0)->instance.id,
                                  .sent = {stage->time.wall_ns},
                                  .handle = STR("message-1")};
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 5000);
    assert_int_equal(stage_machine(stage, 0)->instance.state, CLOUD_TERMINATED);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    assert_int_equal(stage_claims(stage, NULL), 1);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("message-1")));
}

static void a_node_that_somebody_deletes_is_given_back(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 10000;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 20000);
    assert_int_equal(stage_pods_bound(stage), 1);
    fake_cluster_delete(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr);
    stage_run(stage, 5000);
    assert_int_equal(stage_machine(stage, 0)->instance.state, CLOUD_TERMINATED);
    assert_int_equal(stage_claims(stage, NULL), 0);
}

static void a_claim_that_somebody_deletes_drains(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    struct stage_text claim = stage_claim_name(stage);
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", claim.text);
    stage_run(stage, 500);
    assert_true(stage_pod(stage, "app-exec-0", "metadata.deletionTimestamp").len > 0);
    stage_run(stage, 5000);
    assert_int_equal(stage_machine(stage, 0)->instance.state, CLOUD_TERMINATED);
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE_CLAIM, "", claim.text));
}

/* The watch is slow. */

static void what_was_bound_is_not_bound_again(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 2);
    stage->cluster->watch_ms = 3000;
    stage_join(stage, 0, "8", "16Gi");
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 2);
    assert_int_equal(stage->cluster->calls[CLUSTER_BIND][CLUSTER_POD], 2);
}

static void another_pod_of_the_same_name_is_not_bound(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 2000);
    stage->cluster->watch_ms = 3000;
    fake_cluster_ready(stage->cluster, stage_machine(stage, 0)->instance.id.ptr, true);
    stage_run(stage, 2000);
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: v1, kind: Pod, metadata: {name: app-exec-0, namespace: spark, uid: "
                       "another}, spec: {containers: [{name: c, resources: {requests: {cpu: 64}}}]}, "
                       "status: {phase: Pending}}");
    stage_run(stage, 2000);
    assert_true(stage->cluster->calls[CLUSTER_BIND][CLUSTER_POD] > 0);
    assert_int_equal(stage_pods_bound(stage), 0);
}

static void taints_that_others_put_on_meanwhile_stay(void **state)
{
    struct stage *stage = *state;
    stage_launch(stage, "", 1);
    stage->cluster->watch_ms = 3000;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    stage_run(stage, 1000);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr,
                       "{spec: {taints: [{key: stoker.sh/placing, effect: NoSchedule}, {key: a/b, effect: "
                       "NoSchedule}]}}");
    stage_run(stage, 10000);
    assert_text(stage_claim(stage, "status.phase"), "Registered");
    const struct doc *node =
        fake_cluster_get(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, 0)->instance.id.ptr);
    assert_int_equal(doc_at(node, "spec.taints")->count, 1);
    assert_text(doc_text_at(doc_at(node, "spec.taints")->first, "key"), "a/b");
}

static enum fake_fate forbid_bindings(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->verb == CLUSTER_BIND ? FAKE_FORBIDDEN : FAKE_SERVED;
}

/* A policy of the cluster's may let nobody bind but kube-scheduler. */
static void what_may_not_be_bound_is_left_to_the_scheduler(void **state)
{
    struct stage *stage = *state;
    stage->cluster->on_call = forbid_bindings;
    stage_launch(stage, "", 2);
    stage_join(stage, 0, "8", "16Gi");
    stage_run(stage, 280000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "true");
    assert_int_equal(stage_slots(stage, "spark/app-exec-0"), 1);
    stage_run(stage, 30000);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_text(stage_claim(stage, "status.phase"), "Initialized");
    assert_int_equal(fake_cluster_events(stage->cluster, "", "PlacedAnew"), 2);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

static enum fake_fate lose_all_but_claims(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    return request->kind != CLUSTER_NODE_CLAIM && number % 2 ? FAKE_LOST : FAKE_SERVED;
}

static void lost_answers_bind_nobody_twice(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 20000;
    stage->cluster->on_call = lose_all_but_claims;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 20);
    stage_start(stage);
    stage_run(stage, 60000);
    assert_int_equal(stage_pods_bound(stage), 20);
    assert_int_equal(stage_claims(stage, "Initialized"), stage_claims(stage, NULL));
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, check_placement, stage);
}

static void placement_goes_on_after_a_restart(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 10000;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 20);
    stage_start(stage);
    for (int i = 0; i < 15; i++) {
        stage_run(stage, 2300);
        stage_kill(stage);
        stage_start(stage);
    }
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 20);
    assert_int_equal(stage_claims(stage, "Initialized"), stage_claims(stage, NULL));
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, check_placement, stage);
    stage_check_owners(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(pods_are_bound_as_planned),
        STAGE_TEST(a_hundred_nodes_are_filled_within_seconds),
        STAGE_TEST(a_closed_node_waits_until_it_is_ready),
        STAGE_TEST(a_full_node_stays_closed_while_pods_wait_for_theirs),
        STAGE_TEST(a_device_that_no_pod_asks_for_is_not_waited_for),
        STAGE_TEST(a_device_that_a_pod_asks_for_is_waited_for_and_the_wait_is_told),
        STAGE_TEST(a_pod_that_ends_at_once_does_not_keep_its_node_closed),
        STAGE_TEST(a_node_that_never_gets_ready_is_given_back),
        STAGE_TEST(what_does_not_fit_is_planned_again),
        STAGE_TEST(what_fits_exactly_fits),
        STAGE_TEST(a_node_that_lost_its_network_keeps_the_pods_it_has),
        STAGE_TEST(nobody_is_bound_to_a_node_that_is_not_ready),
        STAGE_TEST(a_node_that_is_another_one_now_is_not_used),
        STAGE_TEST(what_others_bound_meanwhile_counts),
        STAGE_TEST(nodes_without_our_taint_are_left_to_the_scheduler),
        STAGE_TEST(a_slot_that_nobody_takes_is_given_up),
        STAGE_TEST(a_slot_is_taken_over_by_the_next_of_its_kind),
        STAGE_TEST(pods_that_need_a_scheduler_are_left_to_it),
        STAGE_TEST(host_ports_that_were_taken_meanwhile_count),
        STAGE_TEST(anti_affinity_of_those_present_counts),
        STAGE_TEST(room_goes_to_who_has_waited_in_vain_with_more_right),
        STAGE_TEST(who_has_more_right_is_given_room_once),
        STAGE_TEST(an_interrupted_launch_is_planned_again),
        STAGE_TEST(a_node_that_somebody_deletes_is_given_back),
        STAGE_TEST_ALIVE(a_claim_that_somebody_deletes_drains),
        STAGE_TEST(what_was_bound_is_not_bound_again),
        STAGE_TEST(another_pod_of_the_same_name_is_not_bound),
        STAGE_TEST(taints_that_others_put_on_meanwhile_stay),
        STAGE_TEST(what_may_not_be_bound_is_left_to_the_scheduler),
        STAGE_TEST(lost_answers_bind_nobody_twice),
        STAGE_TEST(placement_goes_on_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

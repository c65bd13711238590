/* Pods with volumes: when they are planned, and how many a node is given. On a whole controller, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/stage.h"

/* A pod with a volume that is there already: nothing is left to kube-scheduler. */
static void apply_with_volume(struct stage *stage, const char *pod, const char *volume)
{
    fake_cluster_applyf(
        stage->cluster,
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: %s, namespace: spark}, spec: "
        "{volumeName: pv-%s}}\n---\n"
        "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-%s}, spec: {csi: {driver: "
        "ebs.csi.aws.com, volumeHandle: vol-%s}}}\n---\n"
        "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark}, spec: {volumes: [{name: v, "
        "persistentVolumeClaim: {claimName: %s}}], containers: [{name: c, resources: {requests: {cpu: "
        "500m, memory: 1Gi}}}]}}",
        volume, volume, volume, volume, pod, volume);
}

static void register_driver(struct stage *stage, const char *node, int count)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: %s}, spec: {drivers: [{name: "
                        "ebs.csi.aws.com, nodeID: %s, allocatable: {count: %d}}]}}",
                        node, node, count);
}

static void a_node_gets_no_more_volumes_than_it_can_attach(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    apply_with_volume(stage, "p0", "a");
    apply_with_volume(stage, "p1", "b");
    apply_with_volume(stage, "p2", "c");
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    const char *node = stage_machine(stage, 0)->instance.id.ptr;
    stage_join_unready(stage, 0, "8", "16Gi", true);
    register_driver(stage, node, 2);
    fake_cluster_ready(stage->cluster, node, true);
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 2);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "PlacedAnew"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    stage_join_unready(stage, 1, "8", "16Gi", true);
    register_driver(stage, stage_machine(stage, 1)->instance.id.ptr, 2);
    fake_cluster_ready(stage->cluster, stage_machine(stage, 1)->instance.id.ptr, true);
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 3);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static void a_volume_that_pods_share_is_attached_once(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    apply_with_volume(stage, "p0", "a");
    apply_with_volume(stage, "p1", "a");
    apply_with_volume(stage, "p2", "a");
    stage_start(stage);
    stage_run(stage, 5000);
    stage_join_unready(stage, 0, "8", "16Gi", true);
    register_driver(stage, stage_machine(stage, 0)->instance.id.ptr, 1);
    fake_cluster_ready(stage->cluster, stage_machine(stage, 0)->instance.id.ptr, true);
    stage_run(stage, 10000);
    assert_int_equal(stage_pods_bound(stage), 3);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "PlacedAnew"), 0);
}

static void a_pod_waits_for_the_driver_of_its_volumes(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
    apply_with_volume(stage, "p0", "a");
    stage_start(stage);
    stage_run(stage, 5000);
    size_t n = fake_cloud_running(stage->cloud);
    for (size_t i = 0; i < n; i++) {
        stage_join_unready(stage, i, "8", "16Gi", true);
        fake_cluster_ready(stage->cluster, stage_machine(stage, i)->instance.id.ptr, true);
    }
    stage_run(stage, 20000);
    assert_int_equal(stage_pods_bound(stage), 1); /* the executor, which has none */
    assert_text(stage_pod(stage, "p0", "spec.nodeName"), "");
    for (size_t i = 0; i < n; i++)
        register_driver(stage, stage_machine(stage, i)->instance.id.ptr, 25);
    stage_run(stage, 1000);
    assert_int_equal(stage_pods_bound(stage), 2);
}

static void a_driver_that_never_comes_is_not_waited_for(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    apply_with_volume(stage, "p0", "a");
    stage_start(stage);
    stage_run(stage, 5000);
    stage_join_unready(stage, 0, "8", "16Gi", true);
    fake_cluster_ready(stage->cluster, stage_machine(stage, 0)->instance.id.ptr, true);
    stage_run(stage, 50000);
    assert_int_equal(stage_pods_bound(stage), 0);
    stage_run(stage, 20000);
    assert_int_equal(stage_pods_bound(stage), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

/* Claims come late: after their pods, and their volumes after them. */
static void a_pod_is_planned_when_its_claim_is_bound(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: at-once}, provisioner: "
                       "ebs.csi.aws.com}\n---\n"
                       "{apiVersion: v1, kind: Pod, metadata: {name: p0, namespace: spark}, spec: {volumes: [{name: v, "
                       "persistentVolumeClaim: {claimName: a}}], containers: [{name: c, resources: {requests: {cpu: "
                       "500m}}}]}}");
    stage_start(stage);
    stage_run(stage, 10000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    fake_cluster_apply(stage->cluster, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: "
                                       "spark}, spec: {storageClassName: at-once}, status: {phase: Pending}}");
    stage_run(stage, 10000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-a}, spec: {csi: {driver: "
                       "ebs.csi.aws.com, volumeHandle: vol-a}}}\n---\n"
                       "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: spark}, spec: "
                       "{storageClassName: at-once, volumeName: pv-a}, status: {phase: Bound}}");
    stage_run(stage, 30000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_node_gets_no_more_volumes_than_it_can_attach),
        STAGE_TEST(a_volume_that_pods_share_is_attached_once),
        STAGE_TEST(a_pod_waits_for_the_driver_of_its_volumes),
        STAGE_TEST(a_driver_that_never_comes_is_not_waited_for),
        STAGE_TEST(a_pod_is_planned_when_its_claim_is_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Volumes that CSI drivers attach: whose they are, how many a node can have, and how plans count them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "provisioner/plan/volumes.h"
#include "tests/support/planned.h"
#include "tests/support/world.h"

#define EBS STR("ebs.csi.aws.com")
#define EFS STR("efs.csi.aws.com")

static const char classes[] =
    "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3, annotations: "
    "{storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: ebs.csi.aws.com, volumeBindingMode: "
    "WaitForFirstConsumer}\n---\n"
    "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: efs}, provisioner: efs.csi.aws.com, "
    "volumeBindingMode: WaitForFirstConsumer}\n";

/* A claim with a volume of the driver; "" makes it one that nobody attaches. */
static void add_volume(struct world *world, const char *name, const char *driver)
{
    world_add(
        world,
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: %s, namespace: spark}, spec: {volumeName: "
        "pv-%s, storageClassName: gp3}}\n---\n"
        "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-%s}, spec: {%s%s%s}}\n",
        name, name, name, *driver ? "csi: {driver: " : "hostPath: {path: /", driver, "}");
}

static void add_claim(struct world *world, const char *name, const char *class)
{
    world_add(world,
              "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: %s, namespace: spark}, spec: "
              "{storageClassName: %s}}\n",
              name, class);
}

#define CLAIM(name)           "{name: v-" name ", persistentVolumeClaim: {claimName: " name "}}"
#define EPHEMERAL(name, spec) "{name: " name ", ephemeral: {volumeClaimTemplate: {spec: {" spec "}}}}"

static void add_pod(struct world *world, const char *name, const char *node, const char *volumes)
{
    world_add(world,
              "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: spark}, spec: {%s%s%scontainers: [{name: c, "
              "resources: {requests: {cpu: 100m}}}], volumes: [%s]}}\n",
              name, *node ? "nodeName: " : "", node, *node ? ", " : "", volumes);
}

static void add_node(struct world *world, const char *name, const char *drivers)
{
    world_add(world,
              "{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {kubernetes.io/hostname: %s}}, status: "
              "{allocatable: {cpu: 8, memory: 16Gi, pods: 100}}}\n",
              name, name);
    if (drivers)
        world_add(world,
                  "{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: %s}, spec: {drivers: [%s]}}\n", name,
                  drivers);
}

#define EBS_OF(count) "{name: ebs.csi.aws.com, allocatable: {count: " #count "}}"

static const struct pod *pod_of(const struct world *world, const char *name)
{
    for (size_t i = 0; i < world->objects.pods.len; i++)
        if (str_is(world->objects.pods.items[i].name, name))
            return &world->objects.pods.items[i];
    fail_msg("no pod %s", name);
    return NULL;
}

/* How many of each driver the pods attach, all together. */
static void assert_attached(const struct world *world, const char *const *pods, size_t ebs, size_t efs)
{
    struct volumes volumes;
    struct attachments attached = {.list = {.len = 0}};
    assert_int_equal(volumes_open(&world->objects, &volumes, NULL), 0);
    for (size_t i = 0; pods[i]; i++)
        assert_int_equal(volumes_attach(&volumes, pod_of(world, pods[i]), &attached, NULL), 0);
    assert_int_equal(attachments_count(&attached, EBS), ebs);
    assert_int_equal(attachments_count(&attached, EFS), efs);
    assert_int_equal(attached.list.len, ebs + efs);
    attachments_release(&attached);
    volumes_close(&volumes);
}

#define PODS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void the_driver_is_the_volume_s_or_the_class_s(void **state)
{
    struct world *world = *state;
    world_read(world, classes);
    add_volume(world, "disk", "ebs.csi.aws.com");
    add_volume(world, "share", "efs.csi.aws.com");
    add_volume(world, "path", "");
    add_claim(world, "coming", "gp3");
    add_claim(world, "none", "unheard-of");
    add_pod(world, "bound", "", CLAIM("disk"));
    add_pod(world, "shared", "", CLAIM("share"));
    add_pod(world, "local", "", CLAIM("path"));
    add_pod(world, "unbound", "", CLAIM("coming"));
    add_pod(world, "lost", "", CLAIM("none") ", " CLAIM("missing"));
    add_pod(world, "both", "", CLAIM("disk") ", " CLAIM("share") ", " CLAIM("coming"));
    assert_attached(world, PODS("bound"), 1, 0);
    assert_attached(world, PODS("shared"), 0, 1);
    assert_attached(world, PODS("local"), 0, 0);
    assert_attached(world, PODS("unbound"), 1, 0);
    assert_attached(world, PODS("lost"), 0, 0);
    assert_attached(world, PODS("both"), 2, 1);
    assert_attached(world, PODS("bound", "both", "unbound", "shared"), 2, 1); /* pods that share a volume */
}

/* The claims of ephemeral volumes are made from the pod: they count before they are there, and once. */
static void ephemeral_volumes_count_once(void **state)
{
    struct world *world = *state;
    world_read(world, classes);
    add_pod(world, "a", "", EPHEMERAL("x", "storageClassName: gp3") ", " EPHEMERAL("y", ""));
    add_pod(world, "b", "", EPHEMERAL("x", "storageClassName: efs"));
    assert_attached(world, PODS("a"), 2, 0);
    assert_attached(world, PODS("b"), 0, 1);
    assert_attached(world, PODS("a", "b"), 2, 1);
    add_volume(world, "a-x", "ebs.csi.aws.com");
    assert_attached(world, PODS("a"), 2, 0);
    add_claim(world, "a-y", "gp3");
    assert_attached(world, PODS("a"), 2, 0);
}

/* Read from what Spark will ask for: it has no claims yet, and none of its own by name. */
static void a_planned_pod_counts_what_will_be_made_for_it(void **state)
{
    struct world *world = *state;
    world_read(world, classes);
    add_pod(world, "p", "", EPHEMERAL("x", "storageClassName: gp3") ", " EPHEMERAL("y", "storageClassName: efs"));
    world->objects.pods.items[0].planned = true;
    world->objects.pods.items[0].n_claims = 0;
    assert_attached(world, PODS("p"), 1, 1);
}

static void a_registered_driver_says_its_limit_alone(void **state)
{
    struct world *world = *state;
    const struct cloud_resource planned[] = {{STR("attachable-volumes-csi-ebs.csi.aws.com"), 24}};
    const struct resources allocatable = {planned, 1}, nothing = {NULL, 0};
    struct volumes volumes;
    add_node(world, "n1", EBS_OF(25) ", {name: efs.csi.aws.com}");
    add_node(world, "n2", "");
    add_node(world, "n3", NULL);
    add_claim(world, "c", "gp3");
    add_pod(world, "p", "", CLAIM("c"));
    assert_int_equal(volumes_open(&world->objects, &volumes, NULL), 0);
    assert_int_equal(volumes_limit(&volumes, STR("n1"), &allocatable, EBS), 25);
    assert_true(volumes_limit(&volumes, STR("n1"), &nothing, EFS) == INT64_MAX);
    assert_int_equal(volumes_limit(&volumes, STR("n2"), &allocatable, EBS), 24);
    assert_true(volumes_limit(&volumes, STR("n3"), &nothing, EBS) == INT64_MAX);
    assert_true(volumes_limit(&volumes, STR("n3"), &allocatable, EFS) == INT64_MAX);
    assert_true(volumes_registered(&volumes, STR("n1"), EFS) && !volumes_registered(&volumes, STR("n2"), EBS));
    assert_true(volumes_limited(&volumes, EBS) && !volumes_limited(&volumes, EFS));
    volumes_close(&volumes);
}

static const struct demand_node *demand_node(const struct world *world, const char *name)
{
    for (size_t n = 0; n < world->demand.n_nodes; n++)
        if (str_is(world->demand.nodes[n].node->name, name))
            return &world->demand.nodes[n];
    fail_msg("no node %s", name);
    return NULL;
}

static bool admitted(const struct world *world, const char *pod, const char *node)
{
    return bitset_has(world_shape(world, pod)->admits_nodes, (size_t)(demand_node(world, node) - world->demand.nodes));
}

static void nodes_have_the_room_that_their_csi_node_leaves(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_read(world, classes);
    add_node(world, "two", EBS_OF(2));
    add_node(world, "three", EBS_OF(3));
    add_node(world, "any", "{name: ebs.csi.aws.com}");
    add_node(world, "silent", NULL);
    add_volume(world, "a", "ebs.csi.aws.com");
    add_volume(world, "b", "ebs.csi.aws.com");
    add_volume(world, "c", "ebs.csi.aws.com");
    add_volume(world, "d", "ebs.csi.aws.com");
    static const char *const nodes[] = {"two", "three"};
    for (size_t i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%s-1", nodes[i]);
        add_pod(world, name, nodes[i], CLAIM("a") ", " CLAIM("b"));
        snprintf(name, sizeof(name), "%s-2", nodes[i]);
        add_pod(world, name, nodes[i], CLAIM("b"));
    }
    add_pod(world, "one", "", CLAIM("c"));
    add_pod(world, "pair", "", CLAIM("c") ", " CLAIM("d"));
    add_pod(world, "plain", "", "");
    world_demand(world, NULL);
    assert_int_equal(world->dims.n, DIM_FIRST_OTHER + 1);
    assert_int_equal(demand_node(world, "two")->free[DIM_FIRST_OTHER], 0);
    assert_int_equal(demand_node(world, "three")->free[DIM_FIRST_OTHER], 1);
    assert_false(admitted(world, "spark/one", "two"));
    assert_true(admitted(world, "spark/one", "three"));
    assert_false(admitted(world, "spark/pair", "three"));
    assert_true(admitted(world, "spark/pair", "any"));
    assert_true(admitted(world, "spark/pair", "silent"));
    assert_true(admitted(world, "spark/plain", "two"));
}

static void drivers_that_nobody_limits_are_no_dimension(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_read(world, classes);
    add_node(world, "n1", "{name: efs.csi.aws.com}, {name: fsx.csi.aws.com, allocatable: {count: 1}}");
    add_volume(world, "share", "efs.csi.aws.com");
    add_volume(world, "disk", "ebs.csi.aws.com");
    add_pod(world, "runs", "n1", CLAIM("disk"));
    add_pod(world, "p", "", CLAIM("share"));
    world_demand(world, NULL);
    assert_int_equal(world->dims.n, DIM_FIRST_OTHER);
    add_volume(world, "lustre", "fsx.csi.aws.com");
    add_pod(world, "q", "", CLAIM("lustre"));
    world_demand(world, NULL);
    assert_int_equal(world->dims.n, DIM_FIRST_OTHER + 1);
    assert_true(str_is(world->dims.names[DIM_FIRST_OTHER], "attachable-volumes-csi-fsx.csi.aws.com"));
    assert_int_equal(demand_node(world, "n1")->free[DIM_FIRST_OTHER], 1);
    assert_int_equal(world->supply.offerings[0].alloc[DIM_FIRST_OTHER], DIMS_ANY_VOLUMES); /* EC2 knows nothing of it */
}

static void too_many_volumes_are_a_reason(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_read(world, classes);
    char volumes[4096] = "";
    for (int i = 0; i < 30; i++)
        snprintf(volumes + strlen(volumes), sizeof(volumes) - strlen(volumes), "%s" EPHEMERAL("v%d", ""), i ? ", " : "",
                 i);
    add_pod(world, "greedy", "", volumes);
    world_demand(world, NULL);
    const char *reason = world_shape(world, "spark/greedy")->reason;
    assert_non_null(reason);
    assert_non_null(strstr(reason, "needs attachable-volumes-csi-ebs.csi.aws.com 30, the largest admitted has 23"));
}

/* 60 small executors with a volume each would fit on one large machine, but it has no slots for their volumes. */
static void plans_keep_to_what_a_type_can_attach(void **state)
{
    (void)state;
    struct planned p;
    assert_int_equal(planned_open(&p, NULL), 0);
    assert_int_equal(planned_read(&p, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: p}, spec: "
                                      "{requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: "
                                      "[c4.2xlarge]}]}}"),
                     0);
    assert_int_equal(planned_read(&p, classes), 0);
    assert_int_equal(planned_pods(&p, "a", "executor", 60, "50m", "64Mi",
                                  "volumes: [{name: d, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: "
                                  "gp3}}}}]"),
                     0);
    assert_int_equal(planned_run(&p), 0);
    assert_int_equal(planned_verify(&p), 0);
    const struct answer *answer = &p.result.answer;
    int64_t most = 0;
    for (size_t i = 0; i < answer->nodes[0].machine->n_allocatable; i++)
        if (str_is(answer->nodes[0].machine->allocatable[i].name, "attachable-volumes-csi-ebs.csi.aws.com"))
            most = answer->nodes[0].machine->allocatable[i].amount;
    assert_in_range(most, 20, 38);
    assert_int_equal(answer->n_scheduled, 60);
    assert_int_equal(answer->n_nodes, (60 + most - 1) / most);
    for (size_t i = 0; i < answer->n_nodes; i++)
        assert_true((int64_t)answer->nodes[i].n_pods <= most);
    planned_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_driver_is_the_volume_s_or_the_class_s, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(ephemeral_volumes_count_once, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(a_planned_pod_counts_what_will_be_made_for_it, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(a_registered_driver_says_its_limit_alone, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(nodes_have_the_room_that_their_csi_node_leaves, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(drivers_that_nobody_limits_are_no_dimension, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(too_many_volumes_are_a_reason, world_set_up, world_tear_down),
        cmocka_unit_test(plans_keep_to_what_a_type_can_attach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

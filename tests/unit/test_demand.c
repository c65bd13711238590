/* Tests of provisioner/plan/demand.h: which pods are demand, what makes a shape, where it is admitted and why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "tests/support/world.h"

#define OD   CLOUD_ON_DEMAND
#define SPOT CLOUD_SPOT
enum { ANY = -1 };

/* A pod of 1 cpu and 1 GiB; `meta` and `spec` are flow-style members, each with its leading comma. */
static void add_pod(struct world *world, const char *name, const char *meta, const char *spec)
{
    world_add(world,
              "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: spark%s}\n"
              "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1, memory: 1Gi}}}]%s}\n",
              name, meta, spec);
}

static const struct demand_shape *shape_of(const struct world *world, const char *pod)
{
    const struct demand_shape *shape = world_shape(world, pod);
    assert_non_null(shape);
    return shape;
}

static void assert_reason(const struct world *world, const char *pod, const char *part)
{
    const struct demand_shape *shape = shape_of(world, pod);
    assert_non_null(shape->reason);
    if (!strstr(shape->reason, part))
        fail_msg("\"%s\" is not in \"%s\"", part, shape->reason);
    assert_true(bitset_empty(shape->admits, world->supply.n));
}

/* Reads one pod with this spec and checks where it may go; 16 offerings are on sale. */
static void assert_admits(void **state, const char *spec, const char *zone, int capacity_type, size_t n)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "p", "", spec);
    world_demand(world, NULL);
    const struct demand_shape *shape = shape_of(world, "spark/p");
    assert_null(shape->reason);
    assert_int_equal(world_count(world, shape->admits, zone, capacity_type), n);
    assert_int_equal(world_count(world, shape->admits, NULL, ANY), n);
}

static void pods_that_are_not_demand_are_counted(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "plain", "", "");
    add_pod(world, "other-scheduler", "", ", schedulerName: volcano");
    add_pod(world, "gated", "", ", schedulingGates: [{name: g}]");
    add_pod(world, "daemon", ", ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: d, uid: u}]", "");
    add_pod(world, "static", ", ownerReferences: [{apiVersion: v1, kind: Node, name: n, uid: u}]", "");
    add_pod(world, "going", ", deletionTimestamp: '2024-01-01T00:00:00Z'", "");
    add_pod(world, "bound", "", ", nodeName: n");
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: ended, namespace: spark}\n"
                     "spec: {containers: [{name: c, image: i}]}\nstatus: {phase: Succeeded}\n");
    world_demand(world, NULL);
    assert_non_null(world_shape(world, "spark/plain"));
    assert_non_null(world_shape(world, "spark/other-scheduler"));
    assert_int_equal(world->demand.n_shapes, 2); /* a spec names its scheduler */
    assert_int_equal(world->demand.n_ignored, 5);
}

static void skipped_pods_are_left_out(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "a", "", "");
    add_pod(world, "b", "", "");
    const uint64_t skip = 1;
    world_demand(world, &(struct demand_options){.skip = &skip});
    assert_null(world_shape(world, "spark/a"));
    assert_int_equal(shape_of(world, "spark/b")->n_pods, 1);
}

static void pods_that_differ_in_identity_are_one_shape(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    for (int i = 0; i < 4; i++) {
        char name[16], meta[128];
        snprintf(name, sizeof(name), "e%d", i);
        snprintf(meta, sizeof(meta), ", labels: {spark-role: executor, spark-app-selector: app%d, spark-exec-id: '%d'}",
                 i / 2, i);
        add_pod(world, name, meta, "");
    }
    world_demand(world, NULL);
    assert_int_equal(world->demand.n_shapes, 1);
    assert_int_equal(world->demand.shapes[0].n_pods, 4);
    assert_int_equal(world->demand.n_apps, 2);
    world_demand(world, &(struct demand_options){.by_app = true});
    assert_int_equal(world->demand.n_shapes, 2);
    assert_int_equal(world->demand.shapes[1].app, 1);
    assert_int_equal(world->demand.shapes[1].pods[0], 2);
}

/* The label decides only because another pod's anti-affinity asks for it. */
static void selectors_tell_shapes_apart(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "a", ", labels: {team: x}", "");
    add_pod(world, "b", ", labels: {team: y}", "");
    world_demand(world, NULL);
    assert_int_equal(world->demand.n_shapes, 1);
    add_pod(world, "c", "",
            ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
            "kubernetes.io/hostname, labelSelector: {matchLabels: {team: x}}}]}}");
    world_demand(world, NULL);
    assert_int_equal(world->demand.n_shapes, 3);
    assert_int_equal(world->demand.n_selectors, 1);
    assert_true(bitset_has(shape_of(world, "spark/a")->matches, 0));
    assert_false(bitset_has(shape_of(world, "spark/b")->matches, 0));
    const struct demand_shape *c = shape_of(world, "spark/c");
    assert_int_equal(demand_anti_affinity_selector(&world->demand, c->spec, c->namespace_, 0), 0);
    assert_true(demand_selector_counts(&world->demand.selectors[0], &world->objects.pods.items[0]));
    assert_false(demand_selector_counts(&world->demand.selectors[0], &world->objects.pods.items[1]));
}

static void selectors_look_into_their_namespaces(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    static const char term[] = ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                               "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {team: x}}%s}]}}";
    char own[512], all[512], named[512];
    snprintf(own, sizeof(own), term, "");
    snprintf(all, sizeof(all), term, ", namespaceSelector: {}");
    snprintf(named, sizeof(named), term, ", namespaces: [other]");
    add_pod(world, "own", ", labels: {team: x}", own);
    add_pod(world, "all", "", all);
    add_pod(world, "named", "", named);
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: far, namespace: other, labels: {team: x}}\n"
                     "spec: {containers: [{name: c, image: i}]}\n");
    world_demand(world, NULL);
    assert_int_equal(world->demand.n_selectors, 3);
    assert_int_equal(bitset_count(shape_of(world, "spark/own")->matches, 3), 2);
    assert_int_equal(bitset_count(shape_of(world, "other/far")->matches, 3), 2);
    const struct demand_shape *shape = shape_of(world, "spark/own");
    uint32_t id = demand_anti_affinity_selector(&world->demand, shape->spec, shape->namespace_, 0);
    assert_true(bitset_has(shape->matches, id));
    assert_false(bitset_has(shape_of(world, "other/far")->matches, id));
}

static void a_plain_pod_may_go_anywhere(void **state)
{
    assert_admits(state, "", NULL, ANY, 16);
}

static void node_selector_narrows(void **state)
{
    assert_admits(state, ", nodeSelector: {topology.kubernetes.io/zone: us-west-2c, karpenter.sh/capacity-type: spot}",
                  "us-west-2c", SPOT, 2);
}

#define TERMS(list) \
    ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" list "]}}}"
#define ZONE_TERM(zone) "{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [" zone "]}]}"

static void the_first_term_that_admits_is_taken(void **state)
{
    assert_admits(state, TERMS(ZONE_TERM("nowhere") ", " ZONE_TERM("us-west-2b") ", " ZONE_TERM("us-west-2a")),
                  "us-west-2b", ANY, 6);
}

static void a_term_whose_offerings_are_too_small_is_passed_over(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: spark}\n"
                     "spec: {containers: [{name: c, image: i, resources: {requests: {memory: 100Gi}}}]" TERMS(
                         ZONE_TERM("us-west-2c") ", " ZONE_TERM("us-west-2b")) "}\n");
    world_demand(world, NULL);
    assert_int_equal(world_count(world, shape_of(world, "spark/p")->admits, "us-west-2b", ANY), 2);
    assert_int_equal(world_count(world, shape_of(world, "spark/p")->admits, NULL, ANY), 2);
}

static void the_lightest_preference_is_dropped_first(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "p", "",
            ", affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: ["
            "{weight: 1, preference: " ZONE_TERM("us-west-2a") "}, {weight: 50, preference: " ZONE_TERM(
                "us-west-2b") "}, {weight: 100, preference: {matchExpressions: [{key: karpenter.sh/capacity-type, "
                              "operator: In, values: [spot]}]}}]}}");
    world_demand(world, NULL);
    const struct demand_shape *shape = shape_of(world, "spark/p");
    assert_int_equal(shape->dropped_preferences, 1);
    assert_int_equal(world_count(world, shape->admits, "us-west-2b", SPOT), 3);
    assert_int_equal(world_count(world, shape->admits, NULL, ANY), 3);
}

static void sparks_roles_choose_the_capacity_type(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "driver", ", labels: {spark-role: driver, spark-app-selector: a}", "");
    add_pod(world, "exec", ", labels: {spark-role: executor, spark-app-selector: a}", "");
    add_pod(world, "told", ", labels: {spark-role: driver, spark-app-selector: a}",
            ", nodeSelector: {karpenter.sh/capacity-type: spot}");
    world_demand(world, NULL);
    assert_int_equal(world_count(world, shape_of(world, "spark/driver")->admits, NULL, OD), 8);
    assert_int_equal(world_count(world, shape_of(world, "spark/driver")->admits, NULL, SPOT), 0);
    assert_int_equal(world_count(world, shape_of(world, "spark/exec")->admits, NULL, SPOT), 8);
    assert_int_equal(world_count(world, shape_of(world, "spark/exec")->admits, NULL, OD), 0);
    assert_int_equal(world_count(world, shape_of(world, "spark/told")->admits, NULL, SPOT), 8);
}

static void provisioners_change_the_roles_capacity_type(void **state)
{
    struct world *world = *state;
    world_add(world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\nmetadata: {name: p}\nspec:\n"
                     "  requirements:\n  - {key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}\n"
                     "  spark: {driverCapacityType: any, executorCapacityType: on-demand}\n");
    add_pod(world, "driver", ", labels: {spark-role: driver, spark-app-selector: a}", "");
    add_pod(world, "exec", ", labels: {spark-role: executor, spark-app-selector: a}", "");
    world_demand(world, NULL);
    const struct demand_shape *driver = shape_of(world, "spark/driver");
    assert_true(world_count(world, driver->admits, NULL, OD) > 0);
    assert_true(world_count(world, driver->admits, NULL, SPOT) > 0);
    assert_int_equal(world_count(world, shape_of(world, "spark/exec")->admits, NULL, SPOT), 0);
}

static void what_nothing_admits_has_a_reason(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pod(world, "label", "", ", nodeSelector: {workload: x}");
    add_pod(world, "value", "", ", nodeSelector: {node.kubernetes.io/instance-type: z9.huge}");
    add_pod(world, "both", "",
            ", nodeSelector: {node.kubernetes.io/instance-type: r5.4xlarge, topology.kubernetes.io/zone: us-west-2c}");
    add_pod(world, "claims", "", ", resourceClaims: [{name: g, resourceClaimName: g}]");
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: large, namespace: spark}\n"
                     "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 400}}}]}\n");
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: gpu, namespace: spark}\n"
                     "spec: {containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}]}\n");
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: wide, namespace: spark}\n"
                     "spec: {nodeSelector: {karpenter.k8s.aws/instance-family: c5}, "
                     "containers: [{name: c, image: i, resources: {requests: {memory: 10Gi}}}]}\n");
    world_demand(world, NULL);
    assert_reason(world, "spark/label", "no Provisioner defines the label workload");
    assert_reason(world, "spark/value", "node selector node.kubernetes.io/instance-type In [z9.huge]");
    assert_reason(world, "spark/both", "no offering that meets the pod's other constraints has it");
    assert_reason(world, "spark/claims", "resource claims");
    assert_reason(world, "spark/large", "needs cpu 400, the largest admitted has 15.89");
    assert_reason(world, "spark/gpu", "no admitted instance type has nvidia.com/gpu: needs 1");
    assert_reason(world, "spark/wide", "needs memory 10Gi, the largest admitted has 6.");
}

static void taints_need_tolerations(void **state)
{
    struct world *world = *state;
    world_add(world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\nmetadata: {name: p}\nspec:\n"
                     "  taints: [{key: team, value: etl, effect: NoSchedule}]\n");
    add_pod(world, "no", "", "");
    add_pod(world, "yes", "", ", tolerations: [{key: team, operator: Equal, value: etl}]");
    world_demand(world, NULL);
    assert_reason(world, "spark/no", "Provisioner p has team=etl");
    assert_null(shape_of(world, "spark/yes")->reason);
}

static void without_a_provisioner_there_is_a_reason(void **state)
{
    struct world *world = *state;
    add_pod(world, "p", "", "");
    world_demand(world, NULL);
    assert_reason(world, "spark/p", "there is no Provisioner");
}

static const char volumes[] =
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: bound, namespace: spark}\n"
    "spec: {volumeName: pv}\n---\n"
    "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {nodeAffinity: {required: "
    "{nodeSelectorTerms: [" ZONE_TERM(
        "us-west-2b") "]}}}\n---\n"
                      "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: waits}\nprovisioner: "
                      "ebs.csi.aws.com\n"
                      "volumeBindingMode: WaitForFirstConsumer\nallowedTopologies: [{matchLabelExpressions: "
                      "[{key: topology.ebs.csi.aws.com/zone, values: [us-west-2a, us-west-2c]}]}]\n---\n"
                      "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: at-once}\nprovisioner: "
                      "ebs.csi.aws.com\n---\n"
                      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: waiting, namespace: spark}\n"
                      "spec: {storageClassName: waits}\n---\n"
                      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: chosen, namespace: spark, "
                      "annotations: "
                      "{volume.kubernetes.io/selected-node: n1}}\nspec: {storageClassName: waits}\n---\n"
                      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: unbound, namespace: spark}\n"
                      "spec: {storageClassName: at-once}\n---\n"
                      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: lost, namespace: spark}\n"
                      "spec: {volumeName: gone}\n---\n"
                      "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {topology.kubernetes.io/zone: "
                      "us-west-2c}}\n"
                      "status: {allocatable: {cpu: 1, memory: 100Mi}}\n";

#define CLAIM(name) ", volumes: [{name: v, persistentVolumeClaim: {claimName: " name "}}]"

static void volumes_pin_zones(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_read(world, volumes);
    add_pod(world, "bound", "", CLAIM("bound"));
    add_pod(world, "waiting", "", CLAIM("waiting"));
    add_pod(world, "chosen", "", CLAIM("chosen"));
    add_pod(world, "unbound", "", CLAIM("unbound"));
    add_pod(world, "lost", "", CLAIM("lost"));
    add_pod(world, "missing", "", CLAIM("missing"));
    world_read(world,
               "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: pending, namespace: spark}, spec: "
               "{volumeName: pv}, status: {phase: Pending}}\n---\n"
               "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: going, namespace: spark, "
               "deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {volumeName: pv}, status: {phase: Bound}}");
    add_pod(world, "pending", "", CLAIM("pending"));
    add_pod(world, "going", "", CLAIM("going"));
    world_demand(world, NULL);
    const struct demand_shape *bound = shape_of(world, "spark/bound");
    assert_int_equal(world_count(world, bound->admits, "us-west-2b", ANY), 6);
    assert_int_equal(world_count(world, bound->admits, NULL, ANY), 6);
    const struct demand_shape *waiting = shape_of(world, "spark/waiting");
    assert_int_equal(world_count(world, waiting->admits, "us-west-2a", ANY), 6);
    assert_int_equal(world_count(world, waiting->admits, "us-west-2b", ANY), 0);
    assert_int_equal(world_count(world, waiting->admits, "us-west-2c", ANY), 4);
    assert_int_equal(world_count(world, shape_of(world, "spark/chosen")->admits, NULL, ANY), 4);
    assert_reason(world, "spark/unbound", "StorageClass at-once binds at once");
    assert_reason(world, "spark/lost", "PersistentVolume gone of PersistentVolumeClaim lost not found");
    assert_reason(world, "spark/missing", "PersistentVolumeClaim missing not found");
    assert_reason(world, "spark/pending", "PersistentVolumeClaim pending is not bound to its PersistentVolume pv");
    assert_reason(world, "spark/going", "PersistentVolumeClaim going is being deleted");
}

static void add_node(struct world *world, const char *name, const char *labels, const char *spec)
{
    world_add(world,
              "apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {kubernetes.io/hostname: %s%s}}\nspec: {%s}\n"
              "status: {allocatable: {cpu: 4, memory: 8Gi, pods: 10}}\n",
              name, name, labels, spec);
}

static void existing_nodes_have_the_room_that_is_left(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", ", topology.kubernetes.io/zone: us-west-2b, karpenter.sh/provisioner-name: default", "");
    add_node(world, "n2", ", pool: small", "");
    add_node(world, "shut", "", "unschedulable: true");
    add_pod(world, "bound", "", ", nodeName: n1");
    add_pod(world, "on-shut", "", ", nodeName: shut");
    world_read(world,
               "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: kube-system}\n"
               "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: "
               "[{name: c, image: i, resources: {requests: {cpu: 500m}}}]}}}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: agent-1, namespace: kube-system, ownerReferences: "
               "[{apiVersion: apps/v1, kind: DaemonSet, name: agent, uid: u, controller: true}]}\n"
               "spec: {nodeName: n1, containers: [{name: c, image: i, resources: {requests: {cpu: 250m}}}]}\n");
    world_demand(world, NULL);
    const struct demand *demand = &world->demand;
    assert_int_equal(demand->n_nodes, 2);
    assert_int_equal(demand->nodes[0].free[DIM_CPU], 4000 - 1000 - 250); /* its daemon pod runs already */
    assert_int_equal(demand->nodes[0].free[DIM_PODS], 10 - 2);
    assert_int_equal(demand->nodes[0].zone, 1);
    assert_int_equal(demand->nodes[0].provisioner, 0);
    assert_int_equal(demand->nodes[0].n_pods, 2);
    assert_int_equal(demand->nodes[1].free[DIM_CPU], 4000 - 500); /* still to come */
    assert_int_equal(demand->nodes[1].free[DIM_PODS], 10 - 1);
    assert_int_equal(demand->nodes[1].provisioner, SOLVER_NONE);
    assert_int_equal(demand->pod_node[1], 2);
    assert_int_equal(demand->usable[2], SOLVER_NONE);
}

static void existing_nodes_are_held_to_the_same_constraints(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "spot", ", karpenter.sh/capacity-type: spot, pool: a", "");
    add_node(world, "tainted", ", pool: a", "taints: [{key: t, value: v, effect: NoSchedule}]");
    add_node(world, "plain", ", pool: b", "");
    add_pod(world, "driver", ", labels: {spark-role: driver, spark-app-selector: a}", "");
    add_pod(world, "pool", "", ", nodeSelector: {pool: a}");
    add_pod(world, "tolerant", "", ", nodeSelector: {pool: a}, tolerations: [{operator: Exists}]");
    add_pod(world, "named", "", TERMS("{matchFields: [{key: metadata.name, operator: In, values: [plain]}]}"));
    world_add(world, "apiVersion: v1\nkind: Pod\nmetadata: {name: large, namespace: spark}\n"
                     "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 5}}}]}\n");
    world_demand(world, NULL);
    assert_int_equal(shape_of(world, "spark/driver")->admits_nodes[0], 4);
    assert_int_equal(shape_of(world, "spark/pool")->admits_nodes[0], 1);
    assert_null(shape_of(world, "spark/pool")->reason); /* nothing to buy, but a node that is there */
    assert_true(bitset_empty(shape_of(world, "spark/pool")->admits, world->supply.n));
    assert_int_equal(shape_of(world, "spark/tolerant")->admits_nodes[0], 3);
    assert_int_equal(shape_of(world, "spark/named")->admits_nodes[0], 4);
    assert_int_equal(shape_of(world, "spark/large")->admits_nodes[0], 0);
}

static void startup_taints_are_about_to_go(void **state)
{
    struct world *world = *state;
    world_read(world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\nmetadata: {name: p}\nspec:\n"
                      "  startupTaints: [{key: wait, effect: NoSchedule}]\n");
    add_node(world, "ours", ", karpenter.sh/provisioner-name: p", "taints: [{key: wait, effect: NoSchedule}]");
    add_node(world, "other", "", "taints: [{key: wait, effect: NoSchedule}]");
    add_node(world, "kept", ", karpenter.sh/provisioner-name: p",
             "taints: [{key: wait, effect: NoSchedule}, {key: stay, effect: NoSchedule}]");
    add_pod(world, "p", "", "");
    world_demand(world, NULL);
    assert_int_equal(shape_of(world, "spark/p")->admits_nodes[0], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pods_that_are_not_demand_are_counted),
        TEST(skipped_pods_are_left_out),
        TEST(pods_that_differ_in_identity_are_one_shape),
        TEST(selectors_tell_shapes_apart),
        TEST(selectors_look_into_their_namespaces),
        TEST(a_plain_pod_may_go_anywhere),
        TEST(node_selector_narrows),
        TEST(the_first_term_that_admits_is_taken),
        TEST(a_term_whose_offerings_are_too_small_is_passed_over),
        TEST(the_lightest_preference_is_dropped_first),
        TEST(sparks_roles_choose_the_capacity_type),
        TEST(provisioners_change_the_roles_capacity_type),
        TEST(what_nothing_admits_has_a_reason),
        TEST(taints_need_tolerations),
        TEST(without_a_provisioner_there_is_a_reason),
        TEST(volumes_pin_zones),
        TEST(existing_nodes_have_the_room_that_is_left),
        TEST(existing_nodes_are_held_to_the_same_constraints),
        TEST(startup_taints_are_about_to_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

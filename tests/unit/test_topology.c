/* Tests of provisioner/plan/topology.h: which zones pods are given, what nodes are held to, what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "tests/support/world.h"

enum { ANY = -1 };

#define ZONE "topology.kubernetes.io/zone"
#define HOST "kubernetes.io/hostname"

/* `n` pods "<name>-<i>" with label app; `spec` is flow-style members with their leading comma. */
static void add_pods(struct world *world, int n, const char *name, const char *app, const char *cpu, const char *spec)
{
    for (int i = 0; i < n; i++)
        world_add(world,
                  "apiVersion: v1\nkind: Pod\nmetadata: {name: %s-%d, namespace: spark, labels: {app: %s}}\n"
                  "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: %s, memory: 1Gi}}}]%s}\n",
                  name, i, app, cpu, spec);
}

static void add_node(struct world *world, const char *name, const char *zone)
{
    world_add(world,
              "apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {" HOST ": %s, " ZONE ": %s}}\n"
              "status: {allocatable: {cpu: 8, memory: 64Gi, pods: 20}}\n",
              name, name, zone);
}

#define SPREAD(key, skew, when, app, more)                                                             \
    ", topologySpreadConstraints: [{maxSkew: " skew ", topologyKey: " key ", whenUnsatisfiable: " when \
    ", labelSelector: {matchLabels: {app: " app "}}" more "}]"
#define TERM(key, app)       "{topologyKey: " key ", labelSelector: {matchLabels: {app: " app "}}}"
#define REQUIRED(what, term) ", affinity: {" what ": {requiredDuringSchedulingIgnoredDuringExecution: [" term "]}}"
#define PREFERRED(what, term)                                                                                       \
    ", affinity: {" what ": {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 10, podAffinityTerm: " term \
    "}]}}"

/* Pods of the parts whose name starts with `name`, in a zone; parts that span zones count for none. */
static uint32_t pods_in(const struct world *world, const char *name, const char *zone)
{
    uint32_t n = 0;
    for (size_t i = 0; i < world->topology.n_parts; i++) {
        const struct topology_part *part = &world->topology.parts[i];
        const struct demand_shape *shape = &world->demand.shapes[part->shape];
        size_t here = world_count(world, part->admits, zone, ANY);
        if (str_starts(world->objects.pods.items[shape->pods[0]].name, name) && here &&
            here == world_count(world, part->admits, NULL, ANY))
            n += part->n_pods;
    }
    return n;
}

static uint32_t refused(const struct world *world, const char *part)
{
    uint32_t n = 0;
    for (size_t i = 0; i < world->topology.n_refusals; i++) {
        if (!strstr(world->topology.refusals[i].reason, part))
            fail_msg("\"%s\" is not in \"%s\"", part, world->topology.refusals[i].reason);
        n += world->topology.refusals[i].n_pods;
    }
    return n;
}

static void pods_without_constraints_are_parts_as_they_are(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 5, "p", "x", "1", "");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_parts, 1);
    assert_int_equal(world->topology.parts[0].n_pods, 5);
    assert_ptr_equal(world->topology.parts[0].admits, world->demand.shapes[0].admits);
    assert_false(world->topology.narrowed);
    assert_int_equal(world->topology.n_groups + world->topology.n_conflicts + world->topology.n_refusals, 0);
}

/* The group is balanced as a whole: 7 pods of three sizes over three zones. */
static void a_zone_spread_balances_all_shapes_of_its_group(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 1, "p-a", "x", "1", SPREAD(ZONE, "1", "DoNotSchedule", "x", ""));
    add_pods(world, 3, "p-b", "x", "2", SPREAD(ZONE, "1", "DoNotSchedule", "x", ""));
    add_pods(world, 3, "p-c", "x", "3", SPREAD(ZONE, "1", "DoNotSchedule", "x", ""));
    world_topology(world, NULL);
    assert_true(world->topology.narrowed);
    assert_int_equal(pods_in(world, "p", "us-west-2a"), 3); /* the odd one goes to the cheapest zone */
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 2);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 2);
}

static void what_max_skew_leaves_open_goes_to_the_cheaper_zones(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 12, "p", "x", "1", SPREAD(ZONE, "3", "DoNotSchedule", "x", ""));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2a"), 5);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 5);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 2);
}

static void bound_pods_count_for_spread(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_pods(world, 2, "bound", "x", "1", ", nodeName: n1");
    add_pods(world, 4, "p", "x", "1", SPREAD(ZONE, "1", "DoNotSchedule", "x", ""));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2a"), 0);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 2);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 2);
}

/* A cordoned node takes no pods, but its pods and its zone are there. */
static void pods_on_cordoned_nodes_count(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    world_read(world, "apiVersion: v1\nkind: Node\nmetadata: {name: shut, labels: {" HOST ": shut, " ZONE
                      ": us-west-2a}}\nspec: {unschedulable: true}\nstatus: {allocatable: {cpu: 8}}\n");
    add_pods(world, 1, "bound", "x", "1", ", nodeName: shut");
    add_pods(world, 1, "p", "y", "1", REQUIRED("podAntiAffinity", TERM(ZONE, "x")));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 1);
}

static void min_domains_caps_each_domain(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 7, "p", "x", "1", SPREAD(ZONE, "2", "DoNotSchedule", "x", ", minDomains: 5"));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 2);
    assert_int_equal(refused(world, "minDomains is 5 and there are 3"), 1);
}

static void a_pod_bound_to_one_zone_goes_before_those_that_can_choose(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 4, "any", "x", "1", SPREAD(ZONE, "1", "DoNotSchedule", "x", ""));
    add_pods(world, 2, "fixed", "x", "1",
             SPREAD(ZONE, "1", "DoNotSchedule", "x", ", nodeAffinityPolicy: Ignore") ", nodeSelector: {" ZONE
                                                                                     ": us-west-2a}");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_refusals, 0);
    assert_int_equal(pods_in(world, "fixed", "us-west-2a"), 2);
    assert_int_equal(pods_in(world, "any", "us-west-2a"), 0);
    assert_int_equal(pods_in(world, "any", "us-west-2b"), 2);
}

static void a_spread_that_cannot_hold_refuses_with_numbers(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 3, "p", "x", "1",
             SPREAD(ZONE, "1", "DoNotSchedule", "x", ", nodeAffinityPolicy: Ignore") ", nodeSelector: {" ZONE
                                                                                     ": us-west-2a}");
    add_node(world, "n1", "us-west-2b");
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2a"), 1);
    assert_int_equal(refused(world, "it can go to us-west-2a only, and us-west-2b holds no more than 0"), 2);
}

static void capacity_types_are_spread_like_zones(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 5, "p", "x", "1", SPREAD("karpenter.sh/capacity-type", "1", "DoNotSchedule", "x", ""));
    world_topology(world, NULL);
    uint32_t spot = 0, on_demand = 0;
    for (size_t i = 0; i < world->topology.n_parts; i++) {
        const struct topology_part *part = &world->topology.parts[i];
        if (world_count(world, part->admits, NULL, CLOUD_SPOT))
            spot += part->n_pods;
        if (world_count(world, part->admits, NULL, CLOUD_ON_DEMAND))
            on_demand += part->n_pods;
    }
    assert_int_equal(spot, 3);
    assert_int_equal(on_demand, 2);
}

static void a_soft_spread_is_kept_where_it_can_be(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 6, "p", "x", "1", SPREAD(ZONE, "1", "ScheduleAnyway", "x", ""));
    add_pods(world, 4, "fixed", "y", "1",
             SPREAD(ZONE, "1", "ScheduleAnyway", "y", ", nodeAffinityPolicy: Ignore") ", nodeSelector: {" ZONE
                                                                                      ": us-west-2a}");
    add_node(world, "n1", "us-west-2b");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_refusals, 0);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 2);
    assert_int_equal(pods_in(world, "fixed", "us-west-2a"), 4);
    world_topology(world, &(struct demand_options){.drop_soft = 1});
    assert_int_equal(world->topology.n_parts, 2);
}

/* us-west-2a is cheapest, but has nothing for the group's pod that names us-west-2b. */
static void a_self_affine_group_shares_the_cheapest_zone_that_admits_all(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 4, "free", "y", "1", REQUIRED("podAffinity", TERM(ZONE, "y")));
    add_pods(world, 4, "p", "x", "1", REQUIRED("podAffinity", TERM(ZONE, "x")));
    add_pods(world, 1, "p-fixed", "x", "1",
             REQUIRED("podAffinity", TERM(ZONE, "x")) ", nodeSelector: {" ZONE ": us-west-2b}");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_refusals, 0);
    assert_int_equal(pods_in(world, "free", "us-west-2a"), 4);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 5);
}

/* The node in us-west-2c has room for all of the group. */
static void room_that_is_there_draws_a_group(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2c");
    add_pods(world, 4, "p", "x", "1", REQUIRED("podAffinity", TERM(ZONE, "x")));
    add_pods(world, 9, "q", "y", "1", REQUIRED("podAffinity", TERM(ZONE, "y")));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 4);
    assert_int_equal(pods_in(world, "q", "us-west-2c"), 9);
}

static void affinity_follows_bound_pods(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2c");
    add_pods(world, 1, "bound", "x", "1", ", nodeName: n1");
    add_pods(world, 3, "p", "y", "1", REQUIRED("podAffinity", TERM(ZONE, "x")));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 3);
    assert_int_equal(bitset_count(world->topology.parts[0].admits_nodes, 1), 1);
}

/* One of the targets is told its zone; the others stay free. */
static void affinity_to_planned_pods_pins_one_of_them(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 3, "follower", "y", "1", REQUIRED("podAffinity", TERM(ZONE, "x")));
    add_pods(world, 5, "target", "x", "1", "");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_refusals, 0);
    assert_int_equal(pods_in(world, "follower", "us-west-2a"), 3);
    assert_int_equal(pods_in(world, "target", "us-west-2a"), 1);
    assert_int_equal(world->topology.n_parts, 3);
}

static void affinity_to_nobody_is_refused(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 3, "p", "y", "1", REQUIRED("podAffinity", TERM(ZONE, "x")));
    world_topology(world, NULL);
    assert_int_equal(refused(world, "none of the pods that it must be near is bound or can be planned"), 3);
}

static void zone_anti_affinity_refuses_all_beyond_the_zones(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 5, "p", "x", "1", REQUIRED("podAntiAffinity", TERM(ZONE, "x")));
    world_topology(world, NULL);
    assert_int_equal(pods_in(world, "p", "us-west-2a"), 1);
    assert_int_equal(pods_in(world, "p", "us-west-2b"), 1);
    assert_int_equal(pods_in(world, "p", "us-west-2c"), 1);
    assert_int_equal(refused(world, "each of the 3 domains that it can go to (us-west-2a, us-west-2b, us-west-2c)"), 2);
}

/* The bound pod's own term keeps others out of its zone, though they say nothing themselves. */
static void anti_affinity_of_bound_pods_keeps_newcomers_away(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_pods(world, 1, "bound", "y", "1", ", nodeName: n1" REQUIRED("podAntiAffinity", TERM(ZONE, "x")));
    add_pods(world, 6, "p", "x", "1", "");
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_parts, 1);
    const struct topology_part *part = &world->topology.parts[0];
    assert_int_equal(part->n_pods, 6);
    assert_int_equal(world_count(world, part->admits, "us-west-2a", ANY), 0);
    assert_int_equal(world_count(world, part->admits, NULL, ANY), 10);
    assert_true(bitset_empty(part->admits_nodes, 1));
}

static void an_unknown_topology_key_is_refused(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 2, "p", "x", "1", SPREAD("rack", "1", "DoNotSchedule", "x", ""));
    add_pods(world, 2, "soft", "y", "1", SPREAD("rack", "1", "ScheduleAnyway", "y", ""));
    world_topology(world, NULL);
    assert_int_equal(refused(world, "topologyKey rack: nothing that admits it has this label"), 2);
    assert_int_equal(world->topology.n_parts, 1);
    assert_int_equal(world->topology.parts[0].n_pods, 2);
}

static void hostname_spread_is_a_cap_per_node(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_pods(world, 1, "bound", "x", "1", ", nodeName: n1");
    add_pods(world, 9, "p", "x", "1", SPREAD(HOST, "2", "DoNotSchedule", "x", ""));
    world_topology(world, NULL);
    const struct topology *topology = &world->topology;
    assert_int_equal(topology->n_groups, 1);
    assert_int_equal(topology->groups[0].cap, 2);
    assert_int_equal(topology->groups[0].n_shapes, 1);
    assert_int_equal(topology->group_room[0], 1);
    assert_false(topology->narrowed);
}

static void hostname_anti_affinity_is_a_cap_and_a_conflict(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_node(world, "n2", "us-west-2a");
    add_pods(world, 1, "bound", "x", "1", ", nodeName: n1");
    add_pods(world, 2, "self", "x", "1", REQUIRED("podAntiAffinity", TERM(HOST, "x")));
    add_pods(world, 2, "plain", "x", "1", "");
    world_topology(world, NULL);
    const struct topology *topology = &world->topology;
    uint32_t self = (uint32_t)(world_shape(world, "spark/self-0") - world->demand.shapes);
    uint32_t plain = (uint32_t)(world_shape(world, "spark/plain-0") - world->demand.shapes);
    assert_int_equal(topology->n_groups, 1);
    assert_int_equal(topology->groups[0].cap, 1);
    assert_int_equal(topology->groups[0].shapes[0], self);
    assert_int_equal(topology->n_conflicts, 1);
    assert_true(bitset_has(topology->conflicts[0].a, self));
    assert_true(bitset_has(topology->conflicts[0].b, plain));
    for (size_t i = 0; i < topology->n_parts; i++)
        assert_int_equal(topology->parts[i].admits_nodes[0], topology->parts[i].shape == self ? 2 : 3);
}

#define PORT(n)                                                                                                   \
    ", hostNetwork: true, initContainers: [{name: h, image: i, restartPolicy: Always, ports: [{containerPort: " n \
    ", hostPort: " n "}]}]"

static void host_ports_are_caps(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_pods(world, 1, "bound", "z", "1", ", nodeName: n1" PORT("4040"));
    add_pods(world, 2, "p", "x", "1", PORT("4040"));
    add_pods(world, 2, "q", "x", "2", PORT("4040"));
    add_pods(world, 2, "r", "x", "1", PORT("5050"));
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_groups, 2);
    assert_int_equal(world->topology.groups[0].n_shapes, 2);
    assert_int_equal(world->topology.groups[1].n_shapes, 1);
    uint32_t r = (uint32_t)(world_shape(world, "spark/r-0") - world->demand.shapes);
    for (size_t i = 0; i < world->topology.n_parts; i++)
        assert_int_equal(world->topology.parts[i].admits_nodes[0], world->topology.parts[i].shape == r);
}

static void hostname_affinity_goes_to_the_nodes_of_bound_pods(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_node(world, "n1", "us-west-2a");
    add_node(world, "n2", "us-west-2a");
    add_pods(world, 1, "bound", "x", "1", ", nodeName: n2");
    add_pods(world, 2, "p", "y", "1", REQUIRED("podAffinity", TERM(HOST, "x")));
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_parts, 1);
    assert_int_equal(world->topology.parts[0].admits_nodes[0], 2);
    assert_true(bitset_empty(world->topology.parts[0].admits, world->supply.n));
}

static void applications_are_kept_in_their_zone(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    for (int i = 0; i < 4; i++)
        world_add(world,
                  "apiVersion: v1\nkind: Pod\nmetadata: {name: e%d, namespace: spark, labels: {spark-role: executor, "
                  "spark-app-selector: app%d}}\nspec: {containers: [{name: c, image: i}]%s}\n",
                  i, i / 2, i == 3 ? ", nodeSelector: {" ZONE ": us-west-2a}" : "");
    world_demand(world, &(struct demand_options){.by_app = true});
    const uint32_t zone_of_app[] = {SOLVER_NONE, 2};
    assert_int_equal(topology_build(&world->demand, zone_of_app, &world->arena, &world->topology, &world->err), 0);
    assert_int_equal(world->topology.n_parts, 2);
    assert_int_equal(world_count(world, world->topology.parts[0].admits, NULL, ANY), 8);
    assert_int_equal(world_count(world, world->topology.parts[1].admits, "us-west-2c", ANY), 2);
    assert_int_equal(world_count(world, world->topology.parts[1].admits, NULL, ANY), 2);
    assert_int_equal(refused(world, "its application app1 is kept in zone us-west-2c, where nothing admits it"), 1);
}

static void preferred_affinity_is_dropped_rather_than_refuse(void **state)
{
    struct world *world = *state;
    world_add_provisioner(world);
    add_pods(world, 5, "p", "x", "1", PREFERRED("podAntiAffinity", TERM(ZONE, "x")));
    world_topology(world, NULL);
    assert_int_equal(world->topology.n_refusals, 0);
    assert_true(pods_in(world, "p", "us-west-2c") >= 1);
    assert_true(pods_in(world, "p", "us-west-2b") >= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pods_without_constraints_are_parts_as_they_are),
        TEST(a_zone_spread_balances_all_shapes_of_its_group),
        TEST(what_max_skew_leaves_open_goes_to_the_cheaper_zones),
        TEST(bound_pods_count_for_spread),
        TEST(pods_on_cordoned_nodes_count),
        TEST(min_domains_caps_each_domain),
        TEST(a_pod_bound_to_one_zone_goes_before_those_that_can_choose),
        TEST(a_spread_that_cannot_hold_refuses_with_numbers),
        TEST(capacity_types_are_spread_like_zones),
        TEST(a_soft_spread_is_kept_where_it_can_be),
        TEST(a_self_affine_group_shares_the_cheapest_zone_that_admits_all),
        TEST(room_that_is_there_draws_a_group),
        TEST(affinity_follows_bound_pods),
        TEST(affinity_to_planned_pods_pins_one_of_them),
        TEST(affinity_to_nobody_is_refused),
        TEST(zone_anti_affinity_refuses_all_beyond_the_zones),
        TEST(anti_affinity_of_bound_pods_keeps_newcomers_away),
        TEST(an_unknown_topology_key_is_refused),
        TEST(hostname_spread_is_a_cap_per_node),
        TEST(hostname_anti_affinity_is_a_cap_and_a_conflict),
        TEST(host_ports_are_caps),
        TEST(hostname_affinity_goes_to_the_nodes_of_bound_pods),
        TEST(applications_are_kept_in_their_zone),
        TEST(preferred_affinity_is_dropped_rather_than_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

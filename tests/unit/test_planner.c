/* Tests of provisioner/plan/planner.h: small inputs whose cheapest plans can be worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/planned.h"

static int set_up(void **state)
{
    struct planned *p = malloc(sizeof(*p));
    assert_non_null(p);
    *state = p;
    return planned_open(p, NULL);
}

static int tear_down(void **state)
{
    planned_close(*state);
    free(*state);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void read_text(struct planned *p, const char *yaml)
{
    assert_int_equal(planned_read(p, yaml), 0);
}

/* As planned_pods. */
static void pods(struct planned *p, const char *app, const char *role, int n, const char *cpu, const char *memory,
                 const char *spec)
{
    assert_int_equal(planned_pods(p, app, role, n, cpu, memory, spec), 0);
}

/* Both capacity types; `spec` is appended to a stoker.sh Provisioner's spec. */
static void provisioner(struct planned *p, const char *name, const char *spec)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: %s}, spec: {requirements: "
             "[{key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}, "
             "{key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m]}]%s%s}}",
             name, *spec ? ", " : "", spec);
    read_text(p, yaml);
}

static const struct answer *plan(struct planned *p)
{
    assert_int_equal(planned_run(p), 0);
    assert_int_equal(planned_verify(p), 0);
    return &p->result.answer;
}

/* Four executors of 1900m fit two by two on c4.xlarge (3920m), four on c4.2xlarge: $0.16 either way on spot. */
static void test_executors_on_spot_driver_on_demand(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    pods(p, "a", "executor", 4, "1900m", "1Gi", "");
    pods(p, "a", "driver", 1, "1", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 5);
    assert_int_equal(a->cost_microusd, 160000 + 100000);
    assert_int_equal(a->nodes[0].capacity_type, CLOUD_ON_DEMAND);
    assert_string_equal(p->objects.pods.items[a->nodes[0].pods[0]].name.ptr, "a-driver-1");
    for (size_t i = 1; i < a->n_nodes; i++) {
        assert_int_equal(a->nodes[i].capacity_type, CLOUD_SPOT);
        assert_true(str_is(a->nodes[i].zone, "us-west-2a"));
    }
    /* All On-Demand: five pods on a c4.2xlarge and nothing beside it, or the like: 0.1 per two executors. */
    assert_true(a->on_demand_microusd >= 400000 && a->on_demand_microusd <= 500000);
}

/* The c4.xlarge in the dearer zone costs 1.1, the m4.xlarge 1.2 and 1.32 times the cheapest: 1.25 lets two in. */
static void test_alternatives_within_the_ratio(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    pods(p, "a", "executor", 1, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_nodes, 1);
    assert_true(str_is(a->nodes[0].instance_type, "c4.xlarge"));
    assert_int_equal(a->nodes[0].n_alternatives, 2);
    assert_true(str_is(a->nodes[0].alternatives[0].zone, "us-west-2b"));
    assert_true(str_is(a->nodes[0].alternatives[1].instance_type, "m4.xlarge"));
    assert_int_equal(a->worst_microusd, 96000);
}

static int64_t amount_of(const struct cloud_resource *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(items[i].name, name))
            return items[i].amount;
    return -1;
}

/* Does it have the label with this value; NULL: not at all? */
static bool has_label(const struct answer_machine *machine, const char *key, const char *value)
{
    for (size_t i = 0; i < machine->n_labels; i++)
        if (str_is(machine->labels[i].key, key))
            return value && str_is(machine->labels[i].value, value);
    return !value;
}

/* A c4.xlarge or an m4.xlarge: the least allocatable is the former's, the most memory of capacity the latter's. */
static void test_what_a_node_will_be(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "labels: {team: etl}");
    pods(p, "a", "executor", 1, "3", "5Gi", "");
    const struct answer_machine *machine = plan(p)->nodes[0].machine;
    assert_int_equal(machine->worst_microusd, 96000);
    assert_int_equal(amount_of(machine->capacity, machine->n_capacity, "cpu"), 4000);
    int64_t most = amount_of(machine->capacity, machine->n_capacity, "memory");
    int64_t least = amount_of(machine->allocatable, machine->n_allocatable, "memory");
    assert_true(most > ((int64_t)14 << 30) && most < ((int64_t)16 << 30));
    assert_true(least > ((int64_t)5 << 30) && least < ((int64_t)8 << 30));
    for (size_t i = 1; i < machine->n_allocatable; i++)
        assert_true(str_cmp(machine->allocatable[i - 1].name, machine->allocatable[i].name) < 0);
    for (size_t i = 1; i < machine->n_labels; i++)
        assert_true(str_cmp(machine->labels[i - 1].key, machine->labels[i].key) < 0);
    assert_true(has_label(machine, "team", "etl"));
    assert_true(has_label(machine, "karpenter.sh/provisioner-name", "default"));
    assert_true(has_label(machine, "karpenter.sh/capacity-type", "spot"));
    assert_true(has_label(machine, "kubernetes.io/arch", "amd64"));
    assert_true(has_label(machine, "karpenter.k8s.aws/instance-family", NULL)); /* c4 or m4 */
    assert_true(has_label(machine, "node.kubernetes.io/instance-type", NULL));
    assert_true(has_label(machine, "topology.kubernetes.io/zone", NULL));
    assert_int_equal(machine->n_given, 1);
}

static void test_alternatives_respect_a_pod_s_zone(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "spot: {maxPriceRatio: 2}");
    pods(p, "a", "executor", 1, "3", "5Gi", "nodeSelector: {topology.kubernetes.io/zone: us-west-2b}");
    const struct answer *a = plan(p);
    assert_int_equal(a->cost_microusd, 88000);
    assert_int_equal(a->nodes[0].n_alternatives, 2); /* m4.xlarge and c4.2xlarge, twice the price, of the same zone */
    for (size_t i = 0; i < a->nodes[0].n_alternatives; i++)
        assert_true(str_is(a->nodes[0].alternatives[i].zone, "us-west-2b"));
}

/* The heavier Provisioner takes everything although the lighter one is cheaper, until its limit is reached. */
static void test_weight_then_limit(void **state)
{
    struct planned *p = *state;
    read_text(p, "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: first}, "
                 "spec: {weight: 10, limits: {resources: {cpu: 4}}, requirements: [{key: "
                 "node.kubernetes.io/instance-type, operator: In, values: [m4.xlarge]}, {key: "
                 "karpenter.sh/capacity-type, operator: In, values: [spot]}]}}");
    read_text(p, "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: then}, "
                 "spec: {requirements: [{key: "
                 "node.kubernetes.io/instance-type, operator: In, values: [c4.xlarge]}, {key: "
                 "karpenter.sh/capacity-type, operator: In, values: [spot]}]}}");
    pods(p, "a", "executor", 3, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 3);
    assert_int_equal(a->cost_microusd, 96000 + 2 * 80000);
    assert_int_equal(a->n_limits, 1);
    assert_int_equal(a->limits[0].used, 4000);
    assert_int_equal(a->limits[0].limit, 4000);
    assert_true(str_is(a->nodes[0].provisioner, "first"));
}

static void test_weight_without_limit_is_strict(void **state)
{
    struct planned *p = *state;
    read_text(p, "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: first}, "
                 "spec: {weight: 10, requirements: [{key: "
                 "node.kubernetes.io/instance-type, operator: In, values: [m4.xlarge]}]}}");
    read_text(p, "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: then}, "
                 "spec: {requirements: [{key: "
                 "node.kubernetes.io/instance-type, operator: In, values: [c4.xlarge]}]}}");
    pods(p, "a", "executor", 2, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->cost_microusd, 2 * 240000);
}

/* A limit of 8 cpu with 4 in use by a node that is there leaves one c4.xlarge; nothing larger may be offered for it. */
static void test_limits_count_nodes_and_alternatives(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 8}}, spot: {maxPriceRatio: 4}, spark: {gangMinShare: 0}");
    read_text(p, "{apiVersion: v1, kind: Node, metadata: {name: n, labels: "
                 "{karpenter.sh/provisioner-name: default}}, spec: {unschedulable: true}, "
                 "status: {capacity: {cpu: 4, memory: 8Gi, pods: 10}, "
                 "allocatable: {cpu: 4, memory: 8Gi, pods: 10}}}");
    pods(p, "a", "executor", 3, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 2);
    assert_int_equal(a->n_unschedulable, 1);
    assert_int_equal(a->limits[0].used, 8000);
    for (size_t i = 0; i < a->nodes[0].n_alternatives; i++)
        assert_false(str_ends(a->nodes[0].alternatives[i].instance_type, "2xlarge"));
    assert_non_null(strstr(a->unschedulable[0].reason, "limit of Provisioner default (cpu 8 of 8 used)"));
    assert_string_equal(p->objects.pods.items[a->unschedulable[0].pod].name.ptr, "a-exec-3");
}

/* 16 cpu carry eight executors. The first application asks for six and gets them; the second would get two of five. */
static void test_gang_waits(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 16}}");
    pods(p, "first", "executor", 6, "1900m", "1Gi", "");
    pods(p, "second", "executor", 5, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 6);
    assert_int_equal(a->cost_microusd, 240000);
    assert_null(planned_reason(p, "spark/first-exec-6"));
    for (int i = 1; i <= 5; i++) {
        char pod[32];
        snprintf(pod, sizeof(pod), "spark/second-exec-%d", i);
        assert_non_null(planned_reason(p, pod));
        assert_non_null(strstr(planned_reason(p, pod), "application second would get only 2 of 5 executors"));
    }
}

/* The same with a small third application: it gets the room that the second one gives up. */
static void test_gang_leaves_room_to_others(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 16}}");
    pods(p, "first", "executor", 6, "1900m", "1Gi", "");
    pods(p, "second", "executor", 5, "1900m", "1Gi", "");
    pods(p, "third", "executor", 2, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 8);
    assert_null(planned_reason(p, "spark/third-exec-2"));
    assert_non_null(planned_reason(p, "spark/second-exec-1"));
}

static void test_priority_first_when_limits_bind(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 4}}");
    pods(p, "low", "executor", 2, "1900m", "1Gi", "priority: 1");
    pods(p, "high", "executor", 2, "1900m", "1Gi", "priority: 9");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 2);
    assert_null(planned_reason(p, "spark/high-exec-1"));
    assert_null(planned_reason(p, "spark/high-exec-2"));
}

/*
 * 15 GiB let the important pod in and not the large one. That the limit binds is no reason to pay $0.04 for the
 * smallest type where a larger one costs less and still stays within it.
 */
static void test_cheapest_pool_within_a_limit_that_binds(void **state)
{
    struct planned p;
    (void)state;
    assert_int_equal(planned_open(&p, "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n"
                                      "c4.large\tus-west-2a\t0.1\t0.04\n"
                                      "c4.xlarge\tus-west-2a\t0.2\t0.03\n"
                                      "c4.2xlarge\tus-west-2a\t0.4\t0.16\n"
                                      "m4.2xlarge\tus-west-2a\t0.48\t0.02\n"),
                     0);
    provisioner(&p, "default", "limits: {resources: {memory: 15Gi}}");
    pods(&p, "low", "executor", 1, "7", "1Gi", "priority: 1");
    pods(&p, "high", "executor", 1, "1", "1Gi", "priority: 9");
    const struct answer *a = plan(&p);
    assert_int_equal(a->n_scheduled, 1);
    assert_null(planned_reason(&p, "spark/high-exec-1"));
    assert_int_equal(a->cost_microusd, 30000);
    planned_close(&p);
}

/* Ten executors, at most three in a pool: whatever EC2 picks. */
static void test_pool_share(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "spot: {maxPoolShare: 0.3, maxPriceRatio: 1.5}");
    pods(p, "a", "executor", 10, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 10);
    assert_in_range(planned_most_in_a_pool(p, "a"), 1, 3);
    assert_int_equal(a->n_modes, 1);
    assert_string_equal(a->modes[0].name, "spec.spot.maxPoolShare=0.3");
    assert_int_equal(a->modes[0].with_microusd, a->cost_microusd);
    assert_true(a->modes[0].without_microusd <= a->cost_microusd);
}

/* Two pools and a share of 0.1: the cap is one executor a pool, and what goes beyond says why. */
static void test_pool_share_that_cannot_be_kept(void **state)
{
    struct planned p;
    (void)state;
    assert_int_equal(planned_open(&p, "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n"
                                      "c4.xlarge\tus-west-2a\t0.2\t0.08\nc4.xlarge\tus-west-2b\t0.2\t0.09\n"),
                     0);
    provisioner(&p, "default", "spot: {maxPoolShare: 0.1}");
    pods(&p, "a", "executor", 5, "1900m", "1Gi", "");
    const struct answer *a = plan(&p);
    assert_int_equal(a->n_scheduled, 2);
    assert_int_equal(planned_most_in_a_pool(&p, "a"), 1);
    assert_non_null(strstr(a->unschedulable[0].reason, "maxPoolShare"));
    planned_close(&p);
}

static void assert_one_zone(const struct planned *p, const char *app, struct str *ret_zone)
{
    const struct answer *a = &p->result.answer;
    struct str zone = {0};
    for (size_t i = 0; i < a->n_nodes; i++)
        for (uint32_t k = 0; k < a->nodes[i].n_pods; k++)
            if (str_is(p->objects.pods.items[a->nodes[i].pods[k]].app, app)) {
                assert_true(!zone.len || str_eq(zone, a->nodes[i].zone));
                zone = a->nodes[i].zone;
            }
    assert_true(zone.len > 0);
    for (size_t i = 0; i < a->n_nodes; i++)
        for (uint32_t k = 0; k < a->nodes[i].n_pods; k++)
            if (str_is(p->objects.pods.items[a->nodes[i].pods[k]].app, app))
                for (size_t j = 0; j < a->nodes[i].n_alternatives; j++)
                    assert_true(str_eq(a->nodes[i].alternatives[j].zone, zone));
    *ret_zone = zone;
}

/* Zone b is one tenth dearer: with a premium of 20 % two applications are balanced over the zones. */
static void test_zone_single_is_balanced(void **state)
{
    struct planned *p = *state;
    struct str one, two;
    provisioner(p, "default", "spark: {zone: single, zonePremium: 0.2}");
    pods(p, "one", "executor", 4, "3", "5Gi", "");
    pods(p, "two", "executor", 4, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 8);
    assert_one_zone(p, "one", &one);
    assert_one_zone(p, "two", &two);
    assert_string_equal(a->modes[0].name, "spec.spark.zone=single");
    assert_int_equal(a->modes[0].without_microusd, 8 * 80000);
    assert_int_equal(a->modes[0].with_microusd, a->cost_microusd);
}

/* Its executors are pinned to two zones: one application cannot be single, the other is planned. */
static void test_zone_single_that_cannot_be(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "spark: {zone: single}");
    pods(p, "torn", "executor", 1, "3", "5Gi", "nodeSelector: {topology.kubernetes.io/zone: us-west-2a}");
    pods(p, "torn", "driver", 1, "3", "5Gi", "nodeSelector: {topology.kubernetes.io/zone: us-west-2b}");
    pods(p, "whole", "executor", 2, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 2);
    assert_non_null(strstr(planned_reason(p, "spark/torn-exec-1"), "no one zone admits all pods of application torn"));
}

/* The only common zone is a tenth dearer than the plan without: prefer gives way at 2 %, not at 20 %. */
static void test_zone_prefer_gives_way(void **state)
{
    const char *premium[] = {"0.02", "0.2"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct planned p;
        struct str zone;
        char spec[64];
        assert_int_equal(planned_open(&p, NULL), 0);
        snprintf(spec, sizeof(spec), "spark: {zone: prefer, zonePremium: %s}", premium[i]);
        provisioner(&p, "default", spec);
        pods(&p, "a", "executor", 9, "3", "5Gi", "");
        pods(&p, "a", "driver", 1, "3", "5Gi", "nodeSelector: {topology.kubernetes.io/zone: us-west-2b}");
        const struct answer *a = plan(&p);
        assert_int_equal(a->n_scheduled, 10);
        if (i == 0)
            assert_int_equal(a->cost_microusd, 9 * 80000 + 200000);
        else
            assert_one_zone(&p, "a", &zone);
        planned_close(&p);
    }
}

/* A node with room for two executors is used first. */
static void test_existing_room_first(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    read_text(p, "{apiVersion: v1, kind: Node, metadata: {name: ip-10-0-1-7, labels: "
                 "{topology.kubernetes.io/zone: us-west-2a}}, status: {capacity: {cpu: 4, memory: "
                 "8Gi, pods: 10}, allocatable: {cpu: 4, memory: 8Gi, pods: 10}}}");
    pods(p, "a", "executor", 4, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 4);
    assert_int_equal(a->n_existing, 1);
    assert_int_equal(a->existing[0].n_pods, 2);
    assert_true(str_is(a->existing[0].node, "ip-10-0-1-7"));
    assert_int_equal(a->cost_microusd, 80000);
}

static void test_unschedulable_says_why(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    pods(p, "big", "executor", 1, "100", "1Gi", "");
    pods(p, "a", "executor", 1, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 1);
    assert_non_null(strstr(planned_reason(p, "spark/big-exec-1"), "100"));
}

static void test_nothing_to_place(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_pods, 0);
    assert_int_equal(a->cost_microusd, 0);
    assert_int_equal(a->on_demand_microusd, 0);
}

static void test_unknown_zone(void **state)
{
    struct planned *p = *state;
    const char *zones[] = {"us-west-2x"};
    provisioner(p, "default", "");
    p->options.zones = zones;
    p->options.n_zones = 1;
    assert_int_equal(planner_plan(&p->objects, &p->catalogue, &p->options, &p->arena, &p->result, &p->err),
                     ERR_INVALID);
    assert_non_null(strstr(p->err.message, "us-west-2x"));
}

static const struct explain_step *step(const struct explanation *e, const char *what)
{
    for (size_t i = 0; i < e->n_steps; i++)
        if (strstr(e->steps[i].what, what))
            return &e->steps[i];
    return NULL;
}

/* 20 offerings; spot In leaves 10; the zone 5; of those four are large enough for 3 cpu. */
static void test_explain(void **state)
{
    struct planned *p = *state;
    struct explanation e;
    provisioner(p, "default", "");
    pods(p, "a", "executor", 1, "3", "5Gi",
         "nodeSelector: {karpenter.sh/capacity-type: spot, topology.kubernetes.io/zone: "
         "us-west-2b}");
    plan(p);
    assert_int_equal(planner_explain(&p->result, "spark/a-exec-1", &p->arena, &e, &p->err), 0);
    assert_int_equal(e.steps[0].left, 20);
    assert_non_null(step(&e, "Provisioner default: karpenter.sh/capacity-type"));
    assert_int_equal(step(&e, "Provisioner default: karpenter.sh/capacity-type")->removed, 0);
    assert_int_equal(step(&e, "node selector: karpenter.sh/capacity-type")->removed, 10);
    assert_int_equal(step(&e, "node selector: topology.kubernetes.io/zone")->left, 5);
    assert_int_equal(step(&e, "size: needs cpu 3 memory 5Gi")->removed, 1);
    assert_non_null(strstr(e.outcome, "c4.xlarge in us-west-2b (spot, Provisioner default) at $0.0880 an hour"));
    assert_non_null(strstr(e.next_best, "m4.xlarge in us-west-2b"));
    assert_int_equal(planner_explain(&p->result, "spark/nobody", &p->arena, &e, &p->err), ERR_NOT_FOUND);
}

/* Eight cpu: four executors would fit, but then the driver's On-Demand node would not. Nothing is held for them. */
static void test_gang_without_its_driver_waits(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 8}}");
    pods(p, "first", "executor", 4, "1900m", "1Gi", "priority: 1");
    pods(p, "first", "driver", 1, "1900m", "1Gi", "");
    pods(p, "second", "executor", 2, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 2);
    assert_non_null(strstr(planned_reason(p, "spark/first-exec-1"), "application first"));
    assert_null(planned_reason(p, "spark/second-exec-2"));
}

/*
 * Twenty cpu: five executors of 3 cpu and their driver need five c4.xlarge and one node more, 22. The small application
 * first yields to the large one, and has its place when that cannot be whole.
 */
static void test_gang_that_yielded_in_vain(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 20}}, spark: {gangMinShare: 1}");
    pods(p, "large", "driver", 1, "900m", "1Gi", "");
    pods(p, "large", "executor", 5, "3", "1Gi", "");
    pods(p, "small", "driver", 1, "900m", "1Gi", "");
    pods(p, "small", "executor", 4, "3", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 5);
    assert_null(planned_reason(p, "spark/small-exec-4"));
    assert_non_null(strstr(planned_reason(p, "spark/large-exec-1"), "application"));
}

/* Any number of applications that are larger than the limit keep none out that is not. */
static void test_gangs_larger_than_the_limit(void **state)
{
    struct planned *p = *state;
    char name[16];
    provisioner(p, "default", "limits: {resources: {cpu: 10}}");
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "large%d", i);
        pods(p, name, "driver", 1, "900m", "1Gi", "");
        pods(p, name, "executor", 5, "3", "1Gi", "");
    }
    pods(p, "small", "driver", 1, "900m", "1Gi", "");
    pods(p, "small", "executor", 2, "3", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 3);
    assert_null(planned_reason(p, "spark/small-exec-2"));
}

/* With gangMinShare 0.5 two of four executors are enough to start with. */
static void test_gang_share_is_the_provisioner_s(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 4}}, spark: {gangMinShare: 0.5}");
    pods(p, "a", "executor", 4, "1900m", "1Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 2);
    assert_null(planned_reason(p, "spark/a-exec-2"));
    assert_non_null(strstr(planned_reason(p, "spark/a-exec-3"), "no room within the limit of Provisioner default"));
}

/* An executor runs in the dearer zone: the application stays there. */
static void test_zone_stays_where_executors_run(void **state)
{
    struct planned *p = *state;
    struct str zone;
    provisioner(p, "default", "spark: {zone: single}");
    read_text(p, "{apiVersion: v1, kind: Node, metadata: {name: n, labels: "
                 "{topology.kubernetes.io/zone: us-west-2b}}, status: {capacity: {cpu: 4, memory: "
                 "8Gi, pods: 10}, allocatable: {cpu: 4, memory: 8Gi, pods: 10}}}");
    pods(p, "a", "executor", 1, "3900m", "1Gi", "nodeName: n");
    read_text(p, "{apiVersion: v1, kind: Pod, metadata: {name: more, namespace: spark, labels: "
                 "{spark-role: executor, spark-app-selector: a}}, spec: {containers: [{name: c, "
                 "image: i, resources: {requests: {cpu: 3, memory: 5Gi}}}]}}");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 1);
    assert_int_equal(a->n_bound, 1);
    assert_one_zone(p, "a", &zone);
    assert_true(str_is(zone, "us-west-2b"));
}

/* The same two nodes at the On-Demand price. */
static void test_on_demand_comparison(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "");
    pods(p, "a", "executor", 2, "3", "5Gi", "");
    const struct answer *a = plan(p);
    assert_int_equal(a->cost_microusd, 160000);
    assert_int_equal(a->on_demand_microusd, 400000);
    p->options.skip_on_demand = true;
    a = plan(p);
    assert_int_equal(a->on_demand_microusd, -1);
}

/* Two Provisioners, the pod tolerates one: the taint's step removes the other's offerings; and why nothing is left. */
static void test_explain_says_what_excludes(void **state)
{
    struct planned *p = *state;
    struct explanation e;
    provisioner(p, "tainted", "taints: [{key: only, value: batch, effect: NoSchedule}]");
    provisioner(p, "open", "");
    pods(p, "a", "executor", 1, "100", "5Gi", "");
    plan(p);
    assert_int_equal(planner_explain(&p->result, "spark/a-exec-1", &p->arena, &e, &p->err), 0);
    assert_int_equal(step(&e, "taints of Provisioners")->removed, 20);
    assert_int_equal(step(&e, "size: needs cpu 100")->left, 0);
    assert_non_null(strstr(e.outcome, "cannot be placed: "));
    assert_null(e.next_best);
}

/* What verify rebuilds is what the plan was proved with. */
static void test_bound_problem_is_rebuilt(void **state)
{
    struct planned *p = *state;
    struct planner_result again;
    provisioner(p, "default", "limits: {resources: {cpu: 16}}");
    pods(p, "first", "executor", 6, "1900m", "1Gi", "");
    pods(p, "second", "executor", 5, "1900m", "2Gi", "");
    pods(p, "second", "driver", 1, "1", "2Gi", "");
    plan(p);
    assert_int_equal(planner_bound_problem(&p->objects, &p->catalogue, &p->options, &p->arena, &again, &p->err), 0);
    assert_int_equal(again.bound_problem->n_shapes, 3);
    assert_int_equal(p->result.bound_problem->n_shapes, 3);
    for (uint32_t s = 0; s < 3; s++)
        assert_string_equal(again.shape_keys[s], p->result.shape_keys[s]);
    for (size_t i = 0; i < p->objects.pods.len; i++)
        assert_int_equal(again.pod_shapes[i], p->result.pod_shapes[i]);
}

/*
 * A limit of 4 cpu: the preferred 2xlarge would not fit it, so the preference goes; the heavier one, for the
 * dearer zone, stays. Nothing requires it, so the bound is the cheaper zone's price.
 */
static void test_a_preference_costs_no_place(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 4}}");
    pods(p, "a", "executor", 1, "1900m", "1Gi",
         "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: ["
         "{weight: 1, preference: {matchExpressions: [{key: "
         "karpenter.k8s.aws/instance-size, operator: In, values: [2xlarge]}]}}, "
         "{weight: 9, preference: {matchExpressions: [{key: "
         "topology.kubernetes.io/zone, operator: In, values: [us-west-2b]}]}}]}}");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 1);
    assert_int_equal(a->n_nodes, 1);
    assert_true(str_is(a->nodes[0].zone, "us-west-2b"));
    assert_true(str_is(a->nodes[0].instance_type, "c4.large"));
    assert_int_equal(a->cost_microusd, 44000);
    assert_int_equal(a->lower_bound_microusd, 40000);
}

/* The first of two required terms would exceed the limit of 4 cpu: the second is as good. */
static void test_the_next_required_term(void **state)
{
    struct planned *p = *state;
    provisioner(p, "default", "limits: {resources: {cpu: 4}}");
    pods(p, "a", "executor", 1, "1900m", "1Gi",
         "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ["
         "{matchExpressions: [{key: karpenter.k8s.aws/instance-size, operator: In, values: [2xlarge]}]}, "
         "{matchExpressions: [{key: karpenter.k8s.aws/instance-size, operator: In, values: [xlarge]}]}]}}}");
    const struct answer *a = plan(p);
    assert_int_equal(a->n_scheduled, 1);
    assert_true(str_is(a->nodes[0].instance_type, "c4.xlarge"));
    assert_int_equal(a->cost_microusd, 80000);
    assert_int_equal(a->lower_bound_microusd, 80000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_executors_on_spot_driver_on_demand),
        test(test_alternatives_within_the_ratio),
        test(test_what_a_node_will_be),
        test(test_alternatives_respect_a_pod_s_zone),
        test(test_weight_then_limit),
        test(test_weight_without_limit_is_strict),
        test(test_limits_count_nodes_and_alternatives),
        test(test_gang_waits),
        test(test_gang_leaves_room_to_others),
        test(test_priority_first_when_limits_bind),
        cmocka_unit_test(test_cheapest_pool_within_a_limit_that_binds),
        test(test_pool_share),
        cmocka_unit_test(test_pool_share_that_cannot_be_kept),
        test(test_zone_single_is_balanced),
        test(test_zone_single_that_cannot_be),
        cmocka_unit_test(test_zone_prefer_gives_way),
        test(test_existing_room_first),
        test(test_unschedulable_says_why),
        test(test_nothing_to_place),
        test(test_unknown_zone),
        test(test_explain),
        test(test_gang_without_its_driver_waits),
        test(test_gang_that_yielded_in_vain),
        test(test_gangs_larger_than_the_limit),
        test(test_gang_share_is_the_provisioner_s),
        test(test_zone_stays_where_executors_run),
        test(test_on_demand_comparison),
        test(test_explain_says_what_excludes),
        test(test_bound_problem_is_rebuilt),
        test(test_a_preference_costs_no_place),
        test(test_the_next_required_term),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_planner_bound.c - the bound is for the question before zones and capacity types were chosen, and below the cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/planned.h"

static const struct answer *plan(struct planned *p)
{
    assert_int_equal(planned_run(p), 0);
    assert_int_equal(planned_verify(p), 0);
    return &p->result.answer;
}

/*
 * The heavier Provisioner has On-Demand alone, so both pods would go there; the spread takes one of them to spot, for
 * less than On-Demand costs. A bound that counts on On-Demand alone is above that plan.
 */
static void test_a_spread_reaches_a_lower_tier(void **state)
{
    struct planned p;
    (void)state;
    assert_int_equal(planned_open(&p, NULL), 0);
    assert_int_equal(planned_read(&p, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: heavy}, "
                                      "spec: {weight: 10, requirements: [{key: karpenter.sh/capacity-type, operator: "
                                      "In, values: [on-demand]}, {key: karpenter.k8s.aws/instance-category, operator: "
                                      "In, values: [c, m]}]}}"),
                     0);
    assert_int_equal(planned_read(&p, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: light}, "
                                      "spec: {requirements: [{key: karpenter.sh/capacity-type, operator: In, values: "
                                      "[spot]}, {key: karpenter.k8s.aws/instance-category, operator: In, values: [c, "
                                      "m]}]}}"),
                     0);
    for (int i = 0; i < 2; i++) {
        char *pod = arena_printf(&p.arena,
                                 "{apiVersion: v1, kind: Pod, metadata: {name: pod-%d, namespace: n, labels: {app: a}},"
                                 " spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: "
                                 "karpenter.sh/capacity-type, whenUnsatisfiable: DoNotSchedule, labelSelector: "
                                 "{matchLabels: {app: a}}}], containers: [{name: c, image: i, resources: {requests: "
                                 "{cpu: 3500m, memory: 1Gi}}}]}}",
                                 i);
        assert_non_null(pod);
        assert_int_equal(planned_read(&p, pod), 0);
    }
    const struct answer *a = plan(&p);
    assert_int_equal(a->n_scheduled, 2);
    assert_int_equal(a->cost_microusd, 200000 + 80000);
    /* Without the spread both could be on spot. */
    assert_int_equal(a->lower_bound_microusd, 80000 + 80000);
    planned_close(&p);
}

/* A pod that must be in a zone and one that follows it there are equal in the end, but they were asked for apart. */
static void test_shapes_that_zones_make_equal(void **state)
{
    struct planned p;
    (void)state;
    assert_int_equal(planned_open(&p, NULL), 0);
    assert_int_equal(planned_read(&p, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: default}, "
                                      "spec: {requirements: [{key: karpenter.sh/capacity-type, operator: In, values: "
                                      "[on-demand]}, {key: karpenter.k8s.aws/instance-category, operator: In, values: "
                                      "[c, m]}]}}"),
                     0);
    assert_int_equal(planned_read(&p, "{apiVersion: v1, kind: Node, metadata: {name: n0, labels: "
                                      "{topology.kubernetes.io/zone: us-west-2b, kubernetes.io/hostname: n0}}, status: "
                                      "{allocatable: {cpu: 500m, memory: 2Gi, pods: 10}, conditions: [{type: Ready, "
                                      "status: 'True'}]}}"),
                     0);
    static const char *const pods[] = {
        "{apiVersion: v1, kind: Pod, metadata: {name: first, namespace: n, labels: {app: a}}, spec: {nodeSelector: "
        "{topology.kubernetes.io/zone: us-west-2a}, containers: [{name: c, image: i, resources: {requests: {cpu: "
        "1500m, "
        "memory: 1Gi}}}]}}",
        "{apiVersion: v1, kind: Pod, metadata: {name: follower, namespace: n}, spec: {affinity: {podAffinity: "
        "{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, labelSelector: "
        "{matchLabels: {app: a}}}]}}, containers: [{name: c, image: i, resources: {requests: {cpu: 1500m, memory: "
        "1Gi}}}]}}"};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(planned_read(&p, pods[i]), 0);
    const struct answer *a = plan(&p);
    assert_int_equal(a->n_scheduled, 2);
    assert_int_equal(a->cost_microusd, 200000);
    assert_int_equal(a->lower_bound_microusd, 200000);
    planned_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_spread_reaches_a_lower_tier),
        cmocka_unit_test(test_shapes_that_zones_make_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

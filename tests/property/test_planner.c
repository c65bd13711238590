/* Properties of whole plans: order, prices and offerings change what they should and nothing else; caps hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/planned.h"
#include "tests/support/random_problem.h"

enum { SEEDS = 60, MAX_PODS = 9, PRICES_MAX = 2048 };

struct ask {
    char app[8];
    bool driver;
    int cpu_milli, memory_mib;
    const char *more;
};

struct workload {
    struct ask asks[MAX_PODS];
    int n;
};

static int below(struct rng *rng, int n)
{
    return (int)rng_between(rng, 0, n - 1);
}

static struct workload make_workload(uint64_t seed)
{
    static const char *const mores[] = {"",
                                        "",
                                        "",
                                        "nodeSelector: {topology.kubernetes.io/zone: us-west-2b}",
                                        "nodeSelector: {karpenter.sh/capacity-type: on-demand}",
                                        "priority: 7"};
    static const int cpus[] = {500, 900, 1900, 3000, 3900}, memories[] = {512, 1500, 3000, 7000};
    struct rng rng = {seed};
    struct workload w = {.n = 1 + below(&rng, MAX_PODS)};
    int cpu = cpus[below(&rng, 5)], memory = memories[below(&rng, 4)];
    for (int i = 0; i < w.n; i++) {
        if (below(&rng, 3) == 0) {
            cpu = cpus[below(&rng, 5)];
            memory = memories[below(&rng, 4)];
        }
        w.asks[i] = (struct ask){
            .driver = below(&rng, 5) == 0, .cpu_milli = cpu, .memory_mib = memory, .more = mores[below(&rng, 6)]};
        snprintf(w.asks[i].app, sizeof(w.asks[i].app), "a%d", below(&rng, 2));
    }
    return w;
}

/* The prices of the planned market times `factor`, without the pools at row `left_out` (-1: all). */
static const char *make_prices(char *text, int factor, int left_out)
{
    static const struct {
        const char *type;
        int on_demand_milli;
    } types[] = {{"c4.large", 100}, {"c4.xlarge", 200}, {"c4.2xlarge", 400}, {"m4.xlarge", 240}, {"m4.2xlarge", 480}};
    int len = snprintf(text, PRICES_MAX, "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n");
    for (int i = 0; i < 10; i++) {
        int price = types[i / 2].on_demand_milli * factor, spot = i % 2 ? 44 : 40;
        if (i == left_out)
            continue;
        len +=
            snprintf(text + len, (size_t)(PRICES_MAX - len), "%s\tus-west-2%c\t%d.%03d\t%d.%05d\n", types[i / 2].type,
                     i % 2 ? 'b' : 'a', price / 1000, price % 1000, price * spot / 100000, price * spot % 100000);
    }
    return text;
}

/* Plans the workload with its pods in the order `from`, `from` + step … */
static const struct answer *plan(struct planned *p, const struct workload *w, const char *prices, const char *spec,
                                 int rotate)
{
    char yaml[512], cpu[16], memory[16];
    assert_int_equal(planned_open(p, prices), 0);
    snprintf(yaml, sizeof(yaml),
             "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: default}, spec: {requirements: "
             "[{key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}, "
             "{key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m]}]%s}}",
             spec);
    assert_int_equal(planned_read(p, yaml), 0);
    for (int i = 0; i < w->n; i++) {
        const struct ask *ask = &w->asks[(i + rotate) % w->n];
        snprintf(cpu, sizeof(cpu), "%dm", ask->cpu_milli);
        snprintf(memory, sizeof(memory), "%dMi", ask->memory_mib);
        char *pod = arena_printf(&p->arena,
                                 "{apiVersion: v1, kind: Pod, metadata: {name: pod-%d, namespace: spark, labels: "
                                 "{spark-role: %s, spark-app-selector: %s}}, spec: {%s%s containers: [{name: c, "
                                 "image: i, resources: {requests: {cpu: %s, memory: %s}}}]}}",
                                 (i + rotate) % w->n, ask->driver ? "driver" : "executor", ask->app, ask->more,
                                 *ask->more ? "," : "", cpu, memory);
        assert_non_null(pod);
        assert_int_equal(planned_read(p, pod), 0);
    }
    assert_int_equal(planned_run(p), 0);
    assert_int_equal(planned_verify(p), 0);
    return &p->result.answer;
}

struct figures {
    int64_t cost, bound, on_demand;
    size_t n_scheduled;
    bool exact;
};

static struct figures figures_of(const struct workload *w, const char *prices, const char *spec, int rotate)
{
    struct planned p;
    const struct answer *a = plan(&p, w, prices, spec, rotate);
    struct figures f = {a->cost_microusd, a->lower_bound_microusd, a->on_demand_microusd, a->n_scheduled,
                        strcmp(a->method, "exact") == 0};
    planned_close(&p);
    return f;
}

static void test_order_and_prices(void **state)
{
    char text[PRICES_MAX];
    int n_exact = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct workload w = make_workload(seed);
        struct figures plain = figures_of(&w, make_prices(text, 1, -1), "", 0);
        struct figures turned = figures_of(&w, make_prices(text, 1, -1), "", w.n / 2);
        struct figures doubled = figures_of(&w, make_prices(text, 2, -1), "", 0);
        assert_int_equal(plain.n_scheduled, w.n);
        assert_int_equal(turned.n_scheduled, w.n);
        if (plain.exact && turned.exact)
            assert_int_equal(turned.cost, plain.cost);
        if (plain.exact && doubled.exact)
            assert_int_equal(doubled.cost, 2 * plain.cost);
        n_exact += plain.exact;
    }
    assert_true(n_exact > SEEDS / 2);
}

static void test_another_offering_never_costs(void **state)
{
    char text[PRICES_MAX];
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct workload w = make_workload(seed * 977);
        struct figures all = figures_of(&w, make_prices(text, 1, -1), "", 0);
        struct figures fewer = figures_of(&w, make_prices(text, 1, (int)(seed % 10)), "", 0);
        if (fewer.n_scheduled < all.n_scheduled)
            continue;
        /* A bound that is proven with everything on sale is no more than what the plan with less costs. */
        assert_true(all.bound <= fewer.cost);
        if (all.exact && fewer.exact)
            assert_true(all.cost <= fewer.cost);
    }
}

static void test_share_holds(void **state)
{
    static const int per_cent[] = {10, 30, 50, 99};
    char text[PRICES_MAX], spec[64];
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct planned p;
        struct workload w = make_workload(seed * 31);
        int share = per_cent[seed % 4];
        snprintf(spec, sizeof(spec), ", spot: {maxPoolShare: 0.%02d, maxPriceRatio: 2}", share);
        const struct answer *a = plan(&p, &w, make_prices(text, 1, -1), spec, 0);
        for (int app = 0; app < 2; app++) {
            char name[8];
            int executors = 0;
            snprintf(name, sizeof(name), "a%d", app);
            for (size_t i = 0; i < a->n_nodes; i++)
                for (uint32_t k = 0; k < a->nodes[i].n_pods; k++)
                    executors += p.objects.pods.items[a->nodes[i].pods[k]].role == SPARK_EXECUTOR &&
                                 str_is(p.objects.pods.items[a->nodes[i].pods[k]].app, name);
            int cap = share * executors / 100 > 1 ? share * executors / 100 : 1;
            assert_true(planned_most_in_a_pool(&p, name) <= cap);
        }
        planned_close(&p);
    }
}

static void test_single_zone_holds(void **state)
{
    char text[PRICES_MAX];
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct planned p;
        struct str zones[2] = {{0}, {0}};
        struct workload w = make_workload(seed * 53);
        const struct answer *a = plan(&p, &w, make_prices(text, 1, -1), ", spark: {zone: single}", 0);
        for (size_t i = 0; i < a->n_nodes; i++) {
            for (uint32_t k = 0; k < a->nodes[i].n_pods; k++) {
                struct str *zone = &zones[str_is(p.objects.pods.items[a->nodes[i].pods[k]].app, "a1")];
                assert_true(!zone->len || str_eq(*zone, a->nodes[i].zone));
                *zone = a->nodes[i].zone;
            }
        }
        assert_int_equal(a->n_scheduled, w.n); /* either zone admits everything */
        planned_close(&p);
    }
}

/* Capacity bought, each node at its largest alternative, stays within the limit, whatever must wait for it. */
static void test_limits_hold(void **state)
{
    char text[PRICES_MAX], spec[96];
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct planned p;
        struct workload w = make_workload(seed * 71);
        int limit = 2 + (int)(seed % 14);
        snprintf(spec, sizeof(spec), ", limits: {resources: {cpu: %d}}, spot: {maxPriceRatio: 3}", limit);
        const struct answer *a = plan(&p, &w, make_prices(text, 1, -1), spec, 0);
        assert_true(a->limits[0].used <= limit * 1000);
        int64_t used = 0;
        for (size_t i = 0; i < a->n_nodes; i++) {
            int64_t vcpu = 0;
            for (size_t t = 0; t < p.catalogue.n_types; t++) {
                bool may = str_eq(p.catalogue.types[t].name, a->nodes[i].instance_type);
                for (size_t k = 0; k < a->nodes[i].n_alternatives; k++)
                    may = may || str_eq(p.catalogue.types[t].name, a->nodes[i].alternatives[k].instance_type);
                if (may && p.catalogue.types[t].vcpu > vcpu)
                    vcpu = p.catalogue.types[t].vcpu;
            }
            used += vcpu * 1000;
        }
        assert_int_equal(used, a->limits[0].used);
        planned_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_prices), cmocka_unit_test(test_another_offering_never_costs),
        cmocka_unit_test(test_share_holds),      cmocka_unit_test(test_single_zone_holds),
        cmocka_unit_test(test_limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_bound.c - a bound that is proven is never above the truth, and with the right duals not below what they prove.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glpk.h>

#include "base/bitset.h"
#include "solver/check.h"
#include "solver/solve.h"
#include "tests/support/brute.h"
#include "tests/support/random_problem.h"

enum { ROUNDS = 1500 };

static const struct random_kind plain = {.pods = 12, .shapes = 5, .offerings = 8};
static const struct random_kind rich = {
    .pods = 11, .shapes = 5, .offerings = 6, .groups = 3, .conflicts = 2, .nodes = 3};

/* A problem, its brute force, and what is placed in the best answer. */
struct instance {
    struct arena arena;
    struct solver_problem *problem;
    struct brute brute;
    struct brute_answer best;
    int64_t *placed;
};

static void instance_init(struct instance *in, struct rng *rng, const struct random_kind *kind)
{
    *in = (struct instance){0};
    in->problem = random_problem(rng, kind, &in->arena);
    struct err err = {0};
    if (solver_problem_check(in->problem, &err) != 0)
        fail_msg("%s", err.message);
    brute_init(&in->brute, in->problem, &in->arena);
    in->best = brute_optimum(&in->brute, &in->arena);
    in->placed = must_alloc(&in->arena, in->problem->n_shapes + 1, sizeof(*in->placed));
    for (uint32_t s = 0; s < in->problem->n_shapes; s++)
        in->placed[s] = in->brute.counts[(size_t)in->best.state * in->problem->n_shapes + s];
}

/* What the duals alone prove. */
static int64_t bound_of(const struct solver_problem *p, const int64_t *placed, const int64_t *duals)
{
    int64_t bound = -1;
    struct err err = {0};
    if (solver_check_duals(p, placed, duals, &bound, &err) != 0)
        fail_msg("%s", err.message);
    assert_true(bound >= 0);
    return bound;
}

static int64_t random_dual(struct rng *rng)
{
    switch (rng_between(rng, 0, 5)) {
    case 0: return 0;
    case 1: return rng_between(rng, 1, 1000);
    case 2: return INT64_MAX - rng_between(rng, 0, 9);
    default: return rng_between(rng, 0, 1000000) * rng_between(rng, 1, 1000);
    }
}

/* ---- The pattern LP, solved here by listing all patterns ---- */

struct lp {
    glp_prob *glpk;
    int *rows;
    double *values;
    int n_columns;
};

static void lp_column(struct lp *lp, const struct instance *in, uint32_t state, double cost, int node_row)
{
    int n = 0, column = glp_add_cols(lp->glpk, 1);
    glp_set_col_bnds(lp->glpk, column, GLP_LO, 0, 0);
    glp_set_obj_coef(lp->glpk, column, cost);
    for (uint32_t s = 0; s < in->problem->n_shapes; s++) {
        int32_t count = in->brute.counts[(size_t)state * in->problem->n_shapes + s];
        if (count > 0) {
            lp->rows[++n] = (int)s + 1;
            lp->values[n] = count;
        }
    }
    if (node_row) {
        lp->rows[++n] = node_row;
        lp->values[n] = 1;
    }
    glp_set_mat_col(lp->glpk, column, n, lp->rows, lp->values);
}

/* The optimum in nano-dollars and its duals, rounded. */
static double pattern_lp(const struct instance *in, int64_t *ret_duals, struct arena *arena)
{
    const struct solver_problem *p = in->problem;
    struct lp lp = {.glpk = glp_create_prob(),
                    .rows = must_alloc(arena, p->n_shapes + 3, sizeof(int)),
                    .values = must_alloc(arena, p->n_shapes + 3, sizeof(double))};
    glp_add_rows(lp.glpk, (int)(p->n_shapes + p->n_nodes));
    for (uint32_t s = 0; s < p->n_shapes; s++)
        glp_set_row_bnds(lp.glpk, (int)s + 1, GLP_LO, (double)in->placed[s], 0);
    for (uint32_t e = 0; e < p->n_nodes; e++)
        glp_set_row_bnds(lp.glpk, (int)(p->n_shapes + e) + 1, GLP_UP, 0, 1);
    for (uint32_t v = 1; v < in->brute.n_states; v++) {
        bool within = true;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            within = within && in->brute.counts[(size_t)v * p->n_shapes + s] <= in->placed[s];
        if (within && in->brute.one_node[v] != BRUTE_IMPOSSIBLE)
            lp_column(&lp, in, v, (double)in->brute.one_node[v] * 1000, 0);
        for (uint32_t e = 0; within && e < p->n_nodes; e++)
            if (in->brute.fits_node[(size_t)e * in->brute.n_states + v])
                lp_column(&lp, in, v, 0, (int)(p->n_shapes + e) + 1);
    }
    glp_smcp options;
    glp_init_smcp(&options);
    options.msg_lev = GLP_MSG_OFF;
    assert_int_equal(glp_simplex(lp.glpk, &options), 0);
    assert_int_equal(glp_get_status(lp.glpk), GLP_OPT);
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        double dual = glp_get_row_dual(lp.glpk, (int)s + 1);
        ret_duals[s] = dual > 0 ? (int64_t)(dual + 0.5) : 0;
    }
    double optimum = glp_get_obj_val(lp.glpk);
    glp_delete_prob(lp.glpk);
    return optimum;
}

/* ---- Properties ---- */

static void never_above(uint64_t seed, const struct random_kind *kind)
{
    struct rng rng = {seed};
    for (int round = 0; round < ROUNDS; round++) {
        struct instance in;
        instance_init(&in, &rng, kind);
        int64_t *duals = must_alloc(&in.arena, in.problem->n_shapes + 1, sizeof(*duals));
        for (int trial = 0; trial < 4; trial++) {
            for (uint32_t s = 0; s < in.problem->n_shapes; s++)
                duals[s] = random_dual(&rng);
            assert_true(bound_of(in.problem, in.placed, duals) <= in.best.cost_microusd);
        }
        pattern_lp(&in, duals, &in.arena);
        for (int trial = 0; trial < 4; trial++) {
            for (uint32_t s = 0; s < in.problem->n_shapes; s++)
                duals[s] += duals[s] / 1000 * rng_between(&rng, trial ? -300 : -1, trial ? 300 : 1);
            assert_true(bound_of(in.problem, in.placed, duals) <= in.best.cost_microusd);
        }
        arena_release(&in.arena);
    }
}

static void test_never_above_plain(void **state)
{
    (void)state;
    never_above(1, &plain);
}

static void test_never_above_rich(void **state)
{
    (void)state;
    never_above(2, &rich);
}

/* With the duals of the pattern LP the bound is that LP's value: nothing is lost on problems of this size. */
static void as_good_as_lp(uint64_t seed, const struct random_kind *kind)
{
    struct rng rng = {seed};
    int above_zero = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct instance in;
        instance_init(&in, &rng, kind);
        int64_t *duals = must_alloc(&in.arena, in.problem->n_shapes + 1, sizeof(*duals));
        double lp_microusd = pattern_lp(&in, duals, &in.arena) / 1000;
        int64_t bound = bound_of(in.problem, in.placed, duals);
        assert_true(bound <= in.best.cost_microusd);
        assert_true((double)bound <= lp_microusd * (1 + 1e-6) + 1);
        assert_true((double)bound >= lp_microusd * (1 - 1e-6) - 1);
        above_zero += bound > 0;
        arena_release(&in.arena);
    }
    assert_true(above_zero > ROUNDS / 2);
}

static void test_as_good_as_lp_plain(void **state)
{
    (void)state;
    as_good_as_lp(3, &plain);
}

static void test_as_good_as_lp_rich(void **state)
{
    (void)state;
    as_good_as_lp(4, &rich);
}

/* Of a handful of pods the bound is the cheapest cost, for whatever part of them is placed. */
static void exactly_the_optimum(uint64_t seed, const struct random_kind *kind)
{
    struct rng rng = {seed};
    int impossible = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct instance in;
        instance_init(&in, &rng, kind);
        uint32_t n = in.problem->n_shapes;
        int64_t *duals = must_alloc(&in.arena, n + 1, sizeof(*duals)), bound = -1;
        assert_int_equal(solver_check_bound(in.problem, in.placed, duals, &bound, NULL), 0);
        assert_int_equal(bound, in.best.cost_microusd);
        for (int trial = 0; trial < 3; trial++) {
            for (uint32_t s = 0; s < n; s++)
                in.placed[s] = rng_between(&rng, 0, in.problem->shapes[s].count);
            int64_t cost = brute_cost(&in.brute, brute_state(&in.brute, in.placed), &in.arena);
            assert_int_equal(solver_check_bound(in.problem, in.placed, duals, &bound, NULL), 0);
            assert_int_equal(bound, cost == BRUTE_IMPOSSIBLE ? 0 : cost);
            impossible += cost == BRUTE_IMPOSSIBLE;
        }
        arena_release(&in.arena);
    }
    assert_true(impossible > 0 && impossible < ROUNDS * 2);
}

static void test_exact_plain(void **state)
{
    (void)state;
    exactly_the_optimum(6, &plain);
}

static void test_exact_rich(void **state)
{
    (void)state;
    exactly_the_optimum(7, &rich);
}

/* The same problem with its shapes in the opposite order. */
static struct solver_problem *reversed(const struct solver_problem *p, struct arena *arena)
{
    struct solver_problem *q = must_alloc(arena, 1, sizeof(*q));
    *q = *p;
    struct solver_shape *shapes = must_alloc(arena, p->n_shapes + 1, sizeof(*shapes));
    struct solver_group *groups = must_alloc(arena, p->n_groups + 1, sizeof(*groups));
    struct solver_conflict *conflicts = must_alloc(arena, p->n_conflicts + 1, sizeof(*conflicts));
    for (uint32_t s = 0; s < p->n_shapes; s++)
        shapes[s] = p->shapes[p->n_shapes - 1 - s];
    for (uint32_t g = 0; g < p->n_groups; g++) {
        uint32_t n = p->groups[g].n_shapes, *members = must_alloc(arena, n + 1, sizeof(*members));
        for (uint32_t i = 0; i < n; i++)
            members[i] = p->n_shapes - 1 - p->groups[g].shapes[n - 1 - i];
        groups[g] = (struct solver_group){members, n, p->groups[g].cap};
    }
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        uint64_t *a = must_alloc(arena, BITSET_WORDS(p->n_shapes) + 1, sizeof(*a));
        uint64_t *b = must_alloc(arena, BITSET_WORDS(p->n_shapes) + 1, sizeof(*b));
        for (uint32_t s = 0; s < p->n_shapes; s++) {
            if (bitset_has(p->conflicts[c].a, s))
                bitset_add(a, p->n_shapes - 1 - s);
            if (bitset_has(p->conflicts[c].b, s))
                bitset_add(b, p->n_shapes - 1 - s);
        }
        conflicts[c] = (struct solver_conflict){a, b};
    }
    q->shapes = shapes;
    q->groups = groups;
    q->conflicts = conflicts;
    return q;
}

/* The order of the shapes does not matter, and ten times the prices are ten times the bound. */
static void test_order_and_scale(void **state)
{
    (void)state;
    struct rng rng = {5};
    for (int round = 0; round < ROUNDS; round++) {
        struct instance in;
        instance_init(&in, &rng, round % 2 ? &plain : &rich);
        uint32_t n = in.problem->n_shapes;
        int64_t *duals = must_alloc(&in.arena, n + 1, sizeof(*duals));
        int64_t *other = must_alloc(&in.arena, n + 1, sizeof(*other));
        int64_t *placed = must_alloc(&in.arena, n + 1, sizeof(*placed));
        pattern_lp(&in, duals, &in.arena);
        int64_t bound = bound_of(in.problem, in.placed, duals), slop = 2 + bound / 1000000;
        for (uint32_t s = 0; s < n; s++) {
            other[s] = duals[n - 1 - s];
            placed[s] = in.placed[n - 1 - s];
        }
        assert_true(llabs(bound_of(reversed(in.problem, &in.arena), placed, other) - bound) <= slop);
        struct solver_problem dearer = *in.problem;
        struct solver_offering *offerings = must_alloc(&in.arena, dearer.n_offerings, sizeof(*offerings));
        for (uint32_t j = 0; j < dearer.n_offerings; j++) {
            offerings[j] = dearer.offerings[j];
            offerings[j].price_microusd *= 10;
        }
        dearer.offerings = offerings;
        for (uint32_t s = 0; s < n; s++)
            duals[s] *= 10;
        assert_true(llabs(bound_of(&dearer, in.placed, duals) - 10 * bound) <= 10 * slop);
        arena_release(&in.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_above_plain),   cmocka_unit_test(test_never_above_rich),
        cmocka_unit_test(test_as_good_as_lp_plain), cmocka_unit_test(test_as_good_as_lp_rich),
        cmocka_unit_test(test_exact_plain),         cmocka_unit_test(test_exact_rich),
        cmocka_unit_test(test_order_and_scale),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    glp_free_env();
    return failed;
}

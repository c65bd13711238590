/* test_solve.c - the solver against brute force, and what must hold however large a problem is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "solver/check.h"
#include "solver/solve.h"
#include "tests/support/brute.h"
#include "tests/support/random_problem.h"

/* Counts what is asked of it and says stop after so many questions: a time budget without a clock. */
struct patience {
    int left;
};

static bool is_expired(void *context)
{
    struct patience *patience = context;
    return patience->left-- <= 0;
}

static struct solver_plan solve(const struct solver_problem *p, struct patience *patience, struct arena *arena)
{
    struct solver_options options = {.seed = 1};
    if (patience) {
        options.expired = is_expired;
        options.context = patience;
    }
    struct solver_plan plan;
    struct err err = {0};
    if (solver_solve(p, &options, arena, &plan, &err) != 0)
        fail_msg("solver_solve: %s", err.message);
    if (solver_check_plan(p, &plan, &err) != 0)
        fail_msg("solver_check_plan: %s", err.message);
    return plan;
}

static int64_t *placed_by(const struct solver_problem *p, const struct solver_plan *plan, struct arena *arena)
{
    int64_t *placed = must_alloc(arena, p->n_shapes + 1, sizeof(*placed));
    for (uint32_t s = 0; s < p->n_shapes; s++)
        placed[s] = p->shapes[s].count;
    for (size_t i = 0; i < plan->n_leftovers; i++)
        placed[plan->leftovers[i].shape] -= plan->leftovers[i].count;
    return placed;
}

/* The plan's own duals prove the bound that it states. */
static void expect_proof(const struct solver_problem *p, const struct solver_plan *plan, struct arena *arena)
{
    int64_t bound = -1;
    struct err err = {0};
    if (solver_check_bound(p, placed_by(p, plan, arena), plan->duals_nanousd, &bound, &err) != 0)
        fail_msg("solver_check_bound: %s", err.message);
    /* Duals are written down in whole nano-dollars, rounded down. */
    assert_true(bound + 1 + bound / 1000000 >= plan->lower_bound_microusd);
    assert_true(bound <= plan->cost_microusd);
}

static void count_takes(const struct solver_take *takes, uint32_t n, int64_t copies, int64_t *counts)
{
    for (uint32_t k = 0; k < n; k++)
        counts[takes[k].shape] += copies * takes[k].count;
}

/* The plan in the words of brute force. */
static struct brute_answer answer_of(const struct brute *brute, const struct solver_plan *plan, bool tiers,
                                     struct arena *arena)
{
    const struct solver_problem *p = brute->problem;
    struct brute_answer answer = {.state = brute_state(brute, placed_by(p, plan, arena)),
                                  .cost_microusd = plan->cost_microusd};
    for (uint32_t t = 0; tiers && t < BRUTE_MAX_TIERS; t++) {
        int64_t *counts = must_alloc(arena, p->n_shapes + 1, sizeof(*counts));
        for (size_t i = 0; i < plan->n_fillings; i++)
            count_takes(plan->fillings[i].takes, plan->fillings[i].n_takes, 1, counts);
        for (size_t i = 0; i < plan->n_purchases; i++)
            if (p->owners[p->offerings[plan->purchases[i].offering].owner].tier <= t)
                count_takes(plan->purchases[i].takes, plan->purchases[i].n_takes, plan->purchases[i].copies, counts);
        answer.upto[t] = brute_state(brute, counts);
    }
    return answer;
}

/* The solver's answers are the best ones, and few pods have the cheapest cost for their bound. */
static void expect_optimum(uint64_t seed, int rounds, const struct random_kind *kind)
{
    struct rng rng = {seed};
    int worse = 0, left_over = 0;
    bool by_sets = kind->limits || kind->tiers;
    for (int round = 0; round < rounds; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, kind, &arena);
        struct brute brute;
        brute_init(&brute, p, &arena);
        struct brute_answer best = by_sets ? brute_optimum_limited(&brute, &arena) : brute_optimum(&brute, &arena);
        struct solver_plan plan = solve(p, NULL, &arena);
        struct brute_answer found = answer_of(&brute, &plan, by_sets, &arena);
        int order = brute_compare_answers(&brute, &found, &best);
        assert_true(order <= 0);
        worse += order < 0;
        left_over += plan.n_leftovers > 0;
        expect_proof(p, &plan, &arena);
        int64_t bound = -1, *placed = placed_by(p, &plan, &arena);
        assert_int_equal(solver_check_bound(p, placed, plan.duals_nanousd, &bound, NULL), 0);
        assert_int_equal(bound, brute_cost(&brute, brute_state(&brute, placed), &arena));
        arena_release(&arena);
    }
    assert_true(kind->everywhere || left_over > 0);
    if (worse)
        fail_msg("%d of %d answers are not the best ones", worse, rounds);
}

static void test_optimum_plain(void **state)
{
    (void)state;
    expect_optimum(31, 400, &(struct random_kind){.pods = 12, .shapes = 6, .offerings = 8, .everywhere = true});
}

static void test_optimum_admission(void **state)
{
    (void)state;
    expect_optimum(32, 400, &(struct random_kind){.pods = 12, .shapes = 6, .offerings = 8});
}

static void test_optimum_groups_and_conflicts(void **state)
{
    (void)state;
    expect_optimum(33, 400,
                   &(struct random_kind){.pods = 12, .shapes = 6, .offerings = 6, .groups = 3, .conflicts = 3});
}

static void test_optimum_existing_nodes(void **state)
{
    (void)state;
    expect_optimum(
        34, 400,
        &(struct random_kind){
            .pods = 10, .shapes = 5, .offerings = 5, .groups = 2, .conflicts = 2, .nodes = 3, .everywhere = true});
}

/* Some pods fit only existing nodes, and not all of them: which ones wait, priority says. */
static void test_optimum_scarce_nodes(void **state)
{
    (void)state;
    expect_optimum(
        35, 400,
        &(struct random_kind){
            .pods = 10, .shapes = 5, .offerings = 5, .groups = 2, .conflicts = 2, .nodes = 3, .priorities = true});
}

static void test_optimum_limits(void **state)
{
    (void)state;
    expect_optimum(36, 400, &(struct random_kind){.pods = 6, .shapes = 4, .offerings = 4, .owners = 2, .limits = true});
    expect_optimum(37, 200,
                   &(struct random_kind){.pods = 5,
                                         .shapes = 4,
                                         .offerings = 5,
                                         .owners = 3,
                                         .groups = 2,
                                         .conflicts = 2,
                                         .nodes = 2,
                                         .limits = true});
}

static void test_optimum_tiers(void **state)
{
    (void)state;
    expect_optimum(
        38, 400, &(struct random_kind){.pods = 6, .shapes = 4, .offerings = 5, .nodes = 2, .owners = 3, .tiers = true});
    expect_optimum(39, 1200,
                   &(struct random_kind){.pods = 6,
                                         .shapes = 4,
                                         .offerings = 4,
                                         .groups = 2,
                                         .nodes = 1,
                                         .owners = 3,
                                         .limits = true,
                                         .tiers = true});
}

/* One offering more never makes a small plan dearer, nor its bound: all pods are placed either way. */
static void test_more_offerings(void **state)
{
    (void)state;
    static const struct random_kind kind = {
        .pods = 12, .shapes = 6, .offerings = 8, .groups = 2, .conflicts = 2, .nodes = 2, .everywhere = true};
    struct rng rng = {40};
    int cheaper = 0;
    for (int round = 0; round < 600; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *more = random_problem(&rng, &kind, &arena);
        struct solver_problem fewer = *more;
        struct solver_shape *shapes = must_alloc(&arena, more->n_shapes + 1, sizeof(*shapes));
        fewer.n_offerings -= more->n_offerings > 1; /* the first one holds every pod */
        for (uint32_t s = 0; s < more->n_shapes; s++) {
            shapes[s] = more->shapes[s];
            uint64_t *admits = must_alloc(&arena, BITSET_WORDS(more->n_offerings), sizeof(*admits));
            for (uint32_t j = 0; j < fewer.n_offerings; j++)
                if (bitset_has(more->shapes[s].admits, j))
                    bitset_add(admits, j);
            shapes[s].admits = admits;
        }
        fewer.shapes = shapes;
        struct solver_plan before = solve(&fewer, NULL, &arena), after = solve(more, NULL, &arena);
        int64_t bound_before, bound_after;
        assert_true(before.n_leftovers == 0 && after.n_leftovers == 0);
        assert_true(after.cost_microusd <= before.cost_microusd);
        assert_int_equal(
            solver_check_bound(&fewer, placed_by(&fewer, &before, &arena), before.duals_nanousd, &bound_before, NULL),
            0);
        assert_int_equal(
            solver_check_bound(more, placed_by(more, &after, &arena), after.duals_nanousd, &bound_after, NULL), 0);
        assert_true(bound_after <= bound_before);
        cheaper += after.cost_microusd < before.cost_microusd;
        arena_release(&arena);
    }
    assert_true(cheaper > 20);
}

/* What holds for problems that brute force cannot look at. */
static void test_larger(void **state)
{
    (void)state;
    static const struct random_kind kind = {
        .pods = 300, .shapes = 14, .offerings = 20, .groups = 4, .conflicts = 3, .nodes = 8, .owners = 3};
    struct rng rng = {41};
    for (int round = 0; round < 40; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, &kind, &arena);
        struct patience none = {0}, some = {20}, much = {2000};
        struct solver_plan first = solve(p, &none, &arena), second = solve(p, &some, &arena);
        struct solver_plan third = solve(p, &much, &arena), again = solve(p, &much, &arena);
        (void)again;
        expect_proof(p, &first, &arena);
        expect_proof(p, &second, &arena);
        expect_proof(p, &third, &arena);
        /* The same pods are placed, so each bound is one on each of the costs. */
        assert_memory_equal(placed_by(p, &first, &arena), placed_by(p, &third, &arena), p->n_shapes * sizeof(int64_t));
        assert_true(first.lower_bound_microusd <= third.cost_microusd);
        assert_true(third.lower_bound_microusd <= first.cost_microusd);
        assert_true(second.lower_bound_microusd <= third.cost_microusd);
        arena_release(&arena);
    }
}

/* With limits, and out of time at once: still within the limits, still whole. */
static void test_larger_limits(void **state)
{
    (void)state;
    static const struct random_kind kind = {.pods = 200,
                                            .shapes = 10,
                                            .offerings = 12,
                                            .groups = 3,
                                            .conflicts = 2,
                                            .nodes = 6,
                                            .owners = 3,
                                            .limits = true};
    struct rng rng = {42};
    for (int round = 0; round < 60; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, &kind, &arena);
        struct patience patience = {(int)rng_between(&rng, 0, 300)};
        struct solver_plan plan = solve(p, &patience, &arena);
        expect_proof(p, &plan, &arena);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimum_plain),
        cmocka_unit_test(test_optimum_admission),
        cmocka_unit_test(test_optimum_groups_and_conflicts),
        cmocka_unit_test(test_optimum_existing_nodes),
        cmocka_unit_test(test_optimum_scarce_nodes),
        cmocka_unit_test(test_optimum_limits),
        cmocka_unit_test(test_optimum_tiers),
        cmocka_unit_test(test_more_offerings),
        cmocka_unit_test(test_larger),
        cmocka_unit_test(test_larger_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

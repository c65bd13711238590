/* test_solve.c - the solver against brute force, and what must hold however large a problem is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

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

/* How the solver's answers compare with the best ones. */
struct score {
    int rounds, fewer, dearer;
};

static struct score against_brute_force(uint64_t seed, int rounds, const struct random_kind *kind)
{
    struct rng rng = {seed};
    struct score score = {.rounds = rounds};
    for (int round = 0; round < rounds; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, kind, &arena);
        struct brute brute;
        brute_init(&brute, p, &arena);
        struct brute_answer best = kind->limits ? brute_optimum_limited(&brute, &arena) : brute_optimum(&brute, &arena);
        struct solver_plan plan = solve(p, NULL, &arena);
        int order = brute_compare(&brute, brute_state(&brute, placed_by(p, &plan, &arena)), best.state);
        assert_true(order <= 0);
        assert_true(order < 0 || plan.cost_microusd >= best.cost_microusd);
        score.fewer += order < 0;
        score.dearer += order == 0 && plan.cost_microusd > best.cost_microusd;
        expect_proof(p, &plan, &arena);
        arena_release(&arena);
    }
    return score;
}

static void expect_optimum(uint64_t seed, int rounds, const struct random_kind *kind)
{
    struct score score = against_brute_force(seed, rounds, kind);
    if (score.fewer || score.dearer)
        fail_msg("of %d answers %d place fewer pods than can be, %d cost more than the optimum", score.rounds,
                 score.fewer, score.dearer);
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
    against_brute_force(33, 400,
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

/*
 * Which pods wait where some fit only existing nodes and not all of them do, and which nodes keep a limit that binds,
 * is answered by a heuristic: never better than the optimum, seldom worse.
 */
static void test_near_optimum(void **state)
{
    (void)state;
    struct score score = against_brute_force(
        35, 400,
        &(struct random_kind){.pods = 10, .shapes = 5, .offerings = 5, .groups = 2, .conflicts = 2, .nodes = 3});
    assert_true((score.fewer + score.dearer) * 50 <= score.rounds);
    score = against_brute_force(
        36, 400, &(struct random_kind){.pods = 6, .shapes = 4, .offerings = 4, .owners = 2, .limits = true});
    assert_true((score.fewer + score.dearer) * 20 <= score.rounds);
}

/* What holds for problems that brute force cannot look at. */
static void test_larger(void **state)
{
    (void)state;
    static const struct random_kind kind = {
        .pods = 300, .shapes = 14, .offerings = 20, .groups = 4, .conflicts = 3, .nodes = 8, .owners = 3};
    struct rng rng = {37};
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
    struct rng rng = {38};
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
        cmocka_unit_test(test_near_optimum),
        cmocka_unit_test(test_larger),
        cmocka_unit_test(test_larger_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

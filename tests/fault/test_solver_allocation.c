/*
 * test_solver_allocation.c - memory runs out at the first allocation, at the second, … of solving and of checking,
 * until one run gets through: each says so, none crashes, none leaks (the sanitizers look).
 *
 * Linked with --wrap=malloc,calloc,realloc: calls in our own objects fail, those inside libraries do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "solver/check.h"
#include "solver/solve.h"
#include "tests/fault/nth.h"
#include "tests/support/random_problem.h"

enum { MOST_ALLOCATIONS = 100000, PROBLEMS = 12 };

static bool is_expired(void *context)
{
    int *patience = context;
    return (*patience)-- <= 0;
}

/* The n-th allocation of solving and checking fails; false when there are fewer. One that was done without is fine. */
static bool attempt(const struct solver_problem *p, int64_t n)
{
    struct arena arena = ARENA_INIT;
    struct solver_plan plan = {.method = "untouched"};
    int patience = 40;
    int64_t placed[16] = {0}, bound = -7;
    struct solver_options options = {.seed = 1, .expired = is_expired, .context = &patience};
    struct err err = {0};
    nth_begin(n);
    int rc = solver_solve(p, &options, &arena, &plan, &err);
    if (rc != 0)
        assert_string_equal(plan.method, "untouched");
    for (uint32_t s = 0; rc == 0 && s < p->n_shapes; s++)
        placed[s] = p->shapes[s].count;
    for (size_t i = 0; rc == 0 && i < plan.n_leftovers; i++)
        placed[plan.leftovers[i].shape] -= plan.leftovers[i].count;
    if (rc == 0)
        rc = solver_check_plan(p, &plan, &err);
    if (rc == 0) {
        rc = solver_check_bound(p, placed, plan.duals_nanousd, &bound, &err);
        assert_true(rc == 0 ? bound >= 0 : bound == -7);
    }
    if (rc == 0) {
        bound = -7;
        rc = solver_check_duals(p, placed, plan.duals_nanousd, &bound, &err);
        assert_true(rc == 0 ? bound >= 0 : bound == -7);
    }
    bool failed = nth_end();
    assert_true(rc == 0 || (failed && rc == ERR_NOMEM));
    arena_release(&arena);
    return failed;
}

static void test_solve(void **state)
{
    (void)state;
    static const struct random_kind kinds[] = {
        {.pods = 10, .shapes = 4, .offerings = 5, .nodes = 2},
        {.pods = 120, .shapes = 10, .offerings = 8, .groups = 2, .conflicts = 2, .nodes = 3},
        {.pods = 60, .shapes = 8, .offerings = 8, .owners = 2, .limits = true},
    };
    struct rng rng = {41};
    int64_t all = 0;
    for (int i = 0; i < PROBLEMS; i++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, &kinds[i % 3], &arena);
        int64_t n = 0;
        while (n < MOST_ALLOCATIONS && attempt(p, n))
            n++;
        assert_true(n > 3 && n < MOST_ALLOCATIONS);
        all += n;
        arena_release(&arena);
    }
    assert_true(all > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_solve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

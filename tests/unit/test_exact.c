/* test_exact.c - the order of wishes on problems small enough to be worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"
#include "solver/check.h"
#include "solver/solve.h"

enum { A = 0, B = 1, FIRST = 0, SECOND = 1, THIRD = 2, MOST = 3 };

/*
 * One dimension. Shapes A (1) x 2 and B (2) x 1 that go everywhere. Three offerings with room 2 at 300, 100 and 200,
 * each of an owner and tier of its own. No existing node, no limit. A test changes what it wants before it looks.
 */
struct fixture {
    int64_t req[2], alloc[MOST], limit[MOST], free[1];
    uint64_t admits[2], admits_nodes[2];
    struct solver_shape shapes[2];
    struct solver_offering offerings[MOST];
    struct solver_owner owners[MOST];
    struct solver_node node;
    struct solver_problem problem;
    struct arena arena;
    struct solver_plan plan;
};

static void fixture_init(struct fixture *f)
{
    static const int64_t prices[MOST] = {300, 100, 200};
    *f = (struct fixture){.req = {1, 2}, .admits = {7, 7}, .admits_nodes = {1, 1}};
    f->shapes[A] = (struct solver_shape){2, &f->req[A], &f->admits[A], &f->admits_nodes[A], 0};
    f->shapes[B] = (struct solver_shape){1, &f->req[B], &f->admits[B], &f->admits_nodes[B], 0};
    for (uint32_t j = 0; j < MOST; j++) {
        f->alloc[j] = 2;
        f->limit[j] = SOLVER_UNLIMITED;
        f->offerings[j] = (struct solver_offering){&f->alloc[j], &f->alloc[j], prices[j], j};
        f->owners[j] = (struct solver_owner){&f->limit[j], j};
    }
    f->node = (struct solver_node){f->free, NULL};
    f->problem = (struct solver_problem){.n_dims = 1,
                                         .n_shapes = 2,
                                         .n_offerings = MOST,
                                         .n_owners = MOST,
                                         .shapes = f->shapes,
                                         .offerings = f->offerings,
                                         .owners = f->owners,
                                         .nodes = &f->node};
}

/* Solves, anew if need be; the plan holds and is the exact solver's. */
static int64_t cost_of(struct fixture *f)
{
    const struct solver_options options = {.seed = 1};
    struct err err = {0};
    arena_release(&f->arena);
    if (solver_solve(&f->problem, &options, &f->arena, &f->plan, &err) != 0 ||
        solver_check_plan(&f->problem, &f->plan, &err) != 0)
        fail_msg("%s", err.message);
    assert_string_equal(f->plan.method, "exact");
    return f->plan.cost_microusd;
}

static int64_t bought(const struct fixture *f, uint32_t offering)
{
    int64_t copies = 0;
    for (size_t i = 0; i < f->plan.n_purchases; i++)
        if (f->plan.purchases[i].offering == offering)
            copies += f->plan.purchases[i].copies;
    return copies;
}

/* Pods of the shape on nodes of the offering. */
static int64_t placed_on(const struct fixture *f, uint32_t offering, uint32_t shape)
{
    int64_t pods = 0;
    for (size_t i = 0; i < f->plan.n_purchases; i++)
        for (uint32_t k = 0; f->plan.purchases[i].offering == offering && k < f->plan.purchases[i].n_takes; k++)
            if (f->plan.purchases[i].takes[k].shape == shape)
                pods += f->plan.purchases[i].copies * f->plan.purchases[i].takes[k].count;
    return pods;
}

/* A lower tier takes only what the higher ones cannot, whatever it costs. */
static void test_tiers_before_dollars(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(cost_of(&f), 600);
    assert_int_equal(bought(&f, FIRST), 2);
    f.limit[FIRST] = 2; /* one node: both A's rather than B */
    assert_int_equal(cost_of(&f), 400);
    assert_int_equal(placed_on(&f, FIRST, A), 2);
    assert_int_equal(placed_on(&f, SECOND, B), 1);
    f.admits[B] = 5; /* not where B would have to go: the second tier having more does not count against the first */
    assert_int_equal(cost_of(&f), 500);
    assert_int_equal(placed_on(&f, FIRST, A), 2);
    assert_int_equal(placed_on(&f, THIRD, B), 1);
    f.shapes[B].priority = 1; /* but one of B is more than two of A */
    assert_int_equal(cost_of(&f), 400);
    assert_int_equal(placed_on(&f, FIRST, B), 1);
    assert_int_equal(placed_on(&f, SECOND, A), 2);
    arena_release(&f.arena);
}

/* To place all comes before tiers. */
static void test_pods_before_tiers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.problem.n_offerings = 2;
    f.admits[A] = 3;
    f.admits[B] = 1;
    f.limit[FIRST] = 2;
    assert_int_equal(cost_of(&f), 400);
    assert_int_equal(f.plan.n_leftovers, 0);
    assert_int_equal(placed_on(&f, FIRST, B), 1);
    f.admits[A] = 1; /* nor A: two A's are more than one B */
    assert_int_equal(cost_of(&f), 300);
    assert_int_equal(f.plan.leftovers[0].shape, B);
    f.shapes[B].priority = 1;
    assert_int_equal(cost_of(&f), 300);
    assert_int_equal(f.plan.leftovers[0].shape, A);
    assert_int_equal(f.plan.leftovers[0].count, 2);
    arena_release(&f.arena);
}

/* One pod of the highest priority is more than all below together. */
static void test_three_priorities(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct solver_shape shapes[3] = {{2, &f.req[A], &f.admits[A], &f.admits_nodes[A], 1},
                                           {2, &f.req[A], &f.admits[A], &f.admits_nodes[A], 2},
                                           {1, &f.req[B], &f.admits[A], &f.admits_nodes[A], 3}};
    f.problem.shapes = shapes;
    f.problem.n_shapes = 3;
    f.problem.n_offerings = 0;
    f.problem.n_nodes = 1;
    f.free[0] = 2;
    assert_int_equal(cost_of(&f), 0);
    assert_int_equal(f.plan.n_fillings, 1);
    assert_int_equal(f.plan.fillings[0].n_takes, 1);
    assert_int_equal(f.plan.fillings[0].takes[0].shape, 2);
    f.free[0] = 4; /* and two of the next */
    assert_int_equal(cost_of(&f), 0);
    assert_int_equal(f.plan.fillings[0].takes[0].shape, 1);
    assert_int_equal(f.plan.fillings[0].takes[0].count, 2);
    arena_release(&f.arena);
}

/* Among equal dollars more pods go on existing nodes, and then nodes are fewer. */
static void test_ties(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.problem.n_offerings = 1;
    f.admits[A] = f.admits[B] = 1;
    f.problem.n_nodes = 1;
    f.free[0] = 2; /* for both A's or for B: one node is bought either way */
    assert_int_equal(cost_of(&f), 300);
    assert_int_equal(f.plan.n_fillings, 1);
    assert_int_equal(f.plan.fillings[0].takes[0].shape, A);
    assert_int_equal(f.plan.fillings[0].takes[0].count, 2);
    f.problem.n_offerings = 2;
    f.admits[A] = f.admits[B] = 3;
    f.offerings[SECOND].owner = FIRST;
    f.free[0] = 0;
    f.offerings[FIRST].price_microusd = 200; /* room 4 for 200 or twice room 2 for 100 */
    f.alloc[FIRST] = 4;
    assert_int_equal(cost_of(&f), 200);
    assert_int_equal(bought(&f, FIRST), 1);
    arena_release(&f.arena);
}

/* The dearest prices that a problem may have: sums stay what they are. */
static void test_dearest_prices(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (uint32_t j = 0; j < MOST; j++)
        f.offerings[j].price_microusd = MONEY_MAX_MICROUSD - j;
    f.problem.n_nodes = 1;
    f.shapes[A].count = 500; /* 251 nodes */
    assert_int_equal(cost_of(&f), 251 * MONEY_MAX_MICROUSD);
    for (uint32_t j = 0; j < MOST; j++)
        f.owners[j].tier = 0;
    assert_int_equal(cost_of(&f), 251 * (MONEY_MAX_MICROUSD - 2));
    assert_int_equal(f.plan.lower_bound_microusd, f.plan.cost_microusd);
    arena_release(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers_before_dollars), cmocka_unit_test(test_pods_before_tiers),
        cmocka_unit_test(test_three_priorities),     cmocka_unit_test(test_ties),
        cmocka_unit_test(test_dearest_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

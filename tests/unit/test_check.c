/* test_check.c - the checker on cases small enough to be worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "solver/check.h"
#include "solver/solve.h"

enum { DIMS = 2, SHAPES = 3, OFFERINGS = 2, A = 0, B = 1, C = 2, SMALL = 0, LARGE = 1 };

/*
 * Shapes A (2 cpu, 4 GB) x 3, B (1, 1) x 2, C (5, 1) x 1. Offerings small (4, 8) at 100, large (8, 16) at 180, one
 * owner. One existing node (2, 4) that B may use. At most one A a node; A and C never together. A test changes what
 * it wants before it looks.
 */
struct fixture {
    int64_t req[SHAPES][DIMS], alloc[OFFERINGS][DIMS], limit[DIMS], free[DIMS];
    uint64_t admits[SHAPES], admits_nodes[SHAPES], side_a, side_b;
    uint32_t members[2];
    int32_t group_room[1];
    struct solver_shape shapes[SHAPES];
    struct solver_offering offerings[OFFERINGS];
    struct solver_owner owner;
    struct solver_group group;
    struct solver_conflict conflict;
    struct solver_node node;
    struct solver_problem problem;
    /* The plan: on two small ones an A each, on a large one A and one B, on the node one B, on a large one C. */
    struct solver_take on_small[1], on_large[2], on_other[1], on_node[1];
    struct solver_purchase purchases[3];
    struct solver_filling fillings[2];
    struct solver_leftover leftovers[1];
    struct solver_plan plan;
};

static void fixture_plan(struct fixture *f)
{
    f->on_small[0] = (struct solver_take){A, 1};
    f->on_large[0] = (struct solver_take){A, 1};
    f->on_large[1] = (struct solver_take){B, 1};
    f->on_other[0] = (struct solver_take){C, 1};
    f->on_node[0] = (struct solver_take){B, 1};
    f->purchases[0] = (struct solver_purchase){SMALL, 2, f->on_small, 1};
    f->purchases[1] = (struct solver_purchase){LARGE, 1, f->on_large, 2};
    f->purchases[2] = (struct solver_purchase){LARGE, 1, f->on_other, 1};
    f->fillings[0] = (struct solver_filling){0, f->on_node, 1};
    f->plan = (struct solver_plan){.purchases = f->purchases,
                                   .n_purchases = 3,
                                   .fillings = f->fillings,
                                   .n_fillings = 1,
                                   .leftovers = f->leftovers,
                                   .cost_microusd = 560,
                                   .lower_bound_microusd = 0};
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){
        .req = {{2, 4}, {1, 1}, {5, 1}},
        .alloc = {{4, 8}, {8, 16}},
        .limit = {SOLVER_UNLIMITED, SOLVER_UNLIMITED},
        .free = {2, 4},
        .admits = {3, 3, 3},
        .admits_nodes = {0, 1, 0},
        .side_a = 1u << A,
        .side_b = 1u << C,
        .members = {A},
        .group_room = {1},
    };
    for (uint32_t s = 0; s < SHAPES; s++)
        f->shapes[s] = (struct solver_shape){
            .count = 3 - (int64_t)s, .req = f->req[s], .admits = &f->admits[s], .admits_nodes = &f->admits_nodes[s]};
    f->offerings[SMALL] = (struct solver_offering){f->alloc[SMALL], f->alloc[SMALL], 100, 0};
    f->offerings[LARGE] = (struct solver_offering){f->alloc[LARGE], f->alloc[LARGE], 180, 0};
    f->owner = (struct solver_owner){f->limit, 0};
    f->group = (struct solver_group){f->members, 1, 1};
    f->conflict = (struct solver_conflict){&f->side_a, &f->side_b};
    f->node = (struct solver_node){f->free, f->group_room};
    f->problem = (struct solver_problem){DIMS,      SHAPES,    OFFERINGS,    1,       1, 1, 1, f->shapes, f->offerings,
                                         &f->owner, &f->group, &f->conflict, &f->node};
    fixture_plan(f);
}

static void expect_valid(const struct fixture *f)
{
    struct err err = {0};
    if (solver_check_plan(&f->problem, &f->plan, &err) != 0)
        fail_msg("%s", err.message);
}

static void expect_broken(const struct fixture *f, const char *words)
{
    struct err err = {0};
    assert_int_equal(solver_check_plan(&f->problem, &f->plan, &err), ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void test_valid(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    expect_valid(&f);
    f.plan.lower_bound_microusd = 560;
    expect_valid(&f);
}

static void test_empty(void **state)
{
    (void)state;
    struct solver_problem problem = {.n_dims = 1};
    struct solver_plan plan = {0};
    int64_t bound = -1;
    assert_int_equal(solver_check_plan(&problem, &plan, NULL), 0);
    assert_int_equal(solver_check_bound(&problem, NULL, NULL, &bound, NULL), 0);
    assert_int_equal(bound, 0);
}

static void test_takes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.purchases[0].offering = OFFERINGS;
    expect_broken(&f, "offering 2 of 2");
    fixture_init(&f);
    f.purchases[0].copies = 0;
    expect_broken(&f, "0 copies");
    fixture_init(&f);
    f.purchases[0].copies = -2;
    expect_broken(&f, "-2 copies");
    fixture_init(&f);
    f.purchases[0].n_takes = 0;
    expect_broken(&f, "nothing is placed");
    fixture_init(&f);
    f.on_small[0].shape = SHAPES;
    expect_broken(&f, "shape 3 of 3");
    fixture_init(&f);
    f.on_large[1].shape = A;
    expect_broken(&f, "not ascending");
    fixture_init(&f);
    f.on_large[1].count = 0;
    expect_broken(&f, "0 pods of shape 1");
    fixture_init(&f);
    f.on_large[1].count = -1;
    expect_broken(&f, "-1 pods of shape 1");
    fixture_init(&f);
    f.admits[A] = 1u << LARGE;
    expect_broken(&f, "does not admit shape 0");
    fixture_init(&f);
    f.admits_nodes[B] = 0;
    expect_broken(&f, "node 0: does not admit shape 1");
    fixture_init(&f);
    f.shapes[B].admits_nodes = NULL;
    expect_broken(&f, "node 0: does not admit shape 1");
}

static void test_room(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.req[A][0] = 4; /* to the brim */
    expect_valid(&f);
    f.req[A][0] = 5;
    expect_broken(&f, "offering 0: dimension 0 is overfilled");
    fixture_init(&f);
    f.alloc[SMALL][1] = 3;
    expect_broken(&f, "offering 0: dimension 1 is overfilled");
    fixture_init(&f);
    f.free[1] = 0;
    expect_broken(&f, "node 0: dimension 1 is overfilled");
    fixture_init(&f);
    f.group.cap = 2;
    f.on_small[0].count = 2;
    f.purchases[0].copies = 1;
    f.plan.cost_microusd = 460;
    expect_valid(&f);
    f.group.cap = 1;
    expect_broken(&f, "2 members of group 0, allowed are 1");
    fixture_init(&f);
    f.members[0] = B;
    f.group_room[0] = 0;
    expect_broken(&f, "node 0: 1 members of group 0, allowed are 0");
    f.node.group_room = NULL;
    expect_valid(&f);
    fixture_init(&f);
    f.side_b = 1u << B;
    expect_broken(&f, "offering 1: both sides of conflict 0");
}

static void test_totals(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.purchases[0].copies = 3;
    expect_broken(&f, "more pods of shape 0 than there are");
    fixture_init(&f);
    f.purchases[0].copies = INT64_MAX;
    expect_broken(&f, "more pods of shape 0 than there are");
    fixture_init(&f);
    f.purchases[0].copies = 1;
    expect_broken(&f, "shape 0: 2 pods placed and 0 left over, of 3");
    fixture_init(&f);
    f.plan.cost_microusd = 559;
    expect_broken(&f, "the cost is not 559");
    fixture_init(&f);
    f.plan.lower_bound_microusd = 561;
    expect_broken(&f, "lower bound of 561");
    fixture_init(&f);
    f.plan.lower_bound_microusd = -1;
    expect_broken(&f, "lower bound of -1");
}

static void test_nodes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.fillings[0].node = 1;
    expect_broken(&f, "node 1 of 1");
    fixture_init(&f);
    f.purchases[1].n_takes = 1;
    f.fillings[1] = f.fillings[0];
    f.plan.n_fillings = 2;
    expect_broken(&f, "node 0: filled twice");
}

static void test_limits(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.limit[0] = 24; /* 2 x 4 + 2 x 8 */
    expect_valid(&f);
    f.limit[0] = 23;
    expect_broken(&f, "owner 0 is over its limit in dimension 0");
    fixture_init(&f);
    f.limit[1] = 47;
    expect_broken(&f, "owner 0 is over its limit in dimension 1");
}

/* The fixture with the single C left over. */
static void leave_out(struct fixture *f, enum solver_why why, uint32_t owner)
{
    fixture_init(f);
    f->plan.n_purchases = 2;
    f->plan.cost_microusd = 380;
    f->leftovers[0] = (struct solver_leftover){C, 1, why, owner};
    f->plan.n_leftovers = 1;
}

static void test_leftovers(void **state)
{
    (void)state;
    struct fixture f;
    leave_out(&f, SOLVER_NO_OFFERING, SOLVER_NONE);
    expect_broken(&f, "shape 2 has an offering");
    f.req[C][0] = 9;
    expect_valid(&f);
    f.leftovers[0].count = 2;
    expect_broken(&f, "2 pods of shape 2");
    f.leftovers[0].count = 0;
    expect_broken(&f, "0 pods of shape 2");
    f.leftovers[0] = (struct solver_leftover){SHAPES, 1, SOLVER_NO_OFFERING, SOLVER_NONE};
    expect_broken(&f, "shape 3 of 3");
    leave_out(&f, SOLVER_PLACED, SOLVER_NONE);
    expect_broken(&f, "without a reason");
    leave_out(&f, SOLVER_LIMIT, 0);
    expect_broken(&f, "no limit of owner 0");
    f.limit[0] = 16;
    expect_valid(&f);
    f.leftovers[0].owner = SOLVER_NONE;
    expect_broken(&f, "no limit");
}

/* ---- Bounds ---- */

static int64_t bound_by(int (*check)(const struct solver_problem *, const int64_t *, const int64_t *, int64_t *,
                                     struct err *),
                        const struct fixture *f, const int64_t *duals)
{
    int64_t placed[SHAPES], bound = -1;
    for (uint32_t s = 0; s < SHAPES; s++)
        placed[s] = f->shapes[s].count;
    struct err err = {0};
    if (check(&f->problem, placed, duals, &bound, &err) != 0)
        fail_msg("%s", err.message);
    return bound;
}

/* What the duals alone prove. */
static int64_t bound_of(const struct fixture *f, int64_t a, int64_t b, int64_t c)
{
    const int64_t duals[SHAPES] = {a, b, c};
    return bound_by(solver_check_duals, f, duals);
}

static void test_bound(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(bound_of(&f, 0, 0, 0), 0);
    /* An A fills a small one alone as far as its group allows: 3 x 100. */
    assert_int_equal(bound_of(&f, 100000, 0, 0), 300);
    /* Beyond that the price is what counts, whatever the dual. */
    assert_int_equal(bound_of(&f, 100001, 0, 0), 300);
    assert_int_equal(bound_of(&f, INT64_MAX, 0, 0), 300);
    /* A C needs a large one and cannot share it with an A. */
    assert_int_equal(bound_of(&f, 100000, 0, 180000), 480);
    /* Without the conflict a large one holds A and C: worth 280 for 180. */
    f.problem.n_conflicts = 0;
    assert_int_equal(bound_of(&f, 100000, 0, 180000), 300 * 180 / 280 + 180 * 180 / 280 + 1);
    /* B: both fit the existing node for nothing. */
    fixture_init(&f);
    assert_int_equal(bound_of(&f, 0, 50000, 0), 0);
    f.free[0] = 1; /* now only one does: the other pays, but two share a small node, so 50 each */
    assert_int_equal(bound_of(&f, 0, 50000, 0), 50);
    assert_int_equal(bound_of(&f, 0, 100000, 0), 50);
    f.group_room[0] = 0;
    f.members[0] = B; /* its group has no room on the existing node, and one a node elsewhere */
    assert_int_equal(bound_of(&f, 0, 100000, 0), 200);
}

static void test_bound_is_of_whole_pods(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.problem.n_groups = f.problem.n_conflicts = f.problem.n_nodes = 0;
    f.req[A][0] = 3; /* one a small node although 4/3 fit, two a large one although 8/3 fit */
    f.offerings[LARGE].price_microusd = 200;
    f.shapes[A].count = 7;
    assert_int_equal(bound_of(&f, 100000, 0, 0), 700);
    /* With B's that fill the gaps: A + B on a small one. */
    f.shapes[B].count = 7;
    assert_int_equal(bound_of(&f, 80000, 20000, 0), 700);
    assert_int_equal(bound_of(&f, 80000, 20000 / 2, 0), 630);
}

/* Few pods: the cheapest cost, whatever the duals. */
static void test_bound_of_few_pods(void **state)
{
    (void)state;
    static const int64_t none[SHAPES], some[SHAPES] = {1000, 1, 180000};
    struct fixture f;
    fixture_init(&f);
    /* An A on a small one each, C on a large one, both B's on the existing node. */
    assert_int_equal(bound_by(solver_check_bound, &f, none), 480);
    assert_int_equal(bound_by(solver_check_bound, &f, some), 480);
    f.group_room[0] = 0;
    f.members[0] = B; /* no B there any more, and one a node elsewhere: with the A's, on a large one now, and with C */
    assert_int_equal(bound_by(solver_check_bound, &f, none), 180 + 180);
    fixture_init(&f);
    f.problem.n_conflicts = 0; /* C takes an A along */
    assert_int_equal(bound_by(solver_check_bound, &f, none), 380);
    f.limit[0] = 0; /* a limit makes nothing cheaper */
    assert_int_equal(bound_by(solver_check_bound, &f, none), 380);
}

/* Many pods, or some that nothing holds: what the duals prove. */
static void test_bound_of_many_pods(void **state)
{
    (void)state;
    static const int64_t none[SHAPES], some[SHAPES] = {100000};
    struct fixture f;
    fixture_init(&f);
    f.req[A][0] = 100;
    assert_int_equal(bound_by(solver_check_bound, &f, none), 0);
    fixture_init(&f);
    for (uint32_t s = 0; s < SHAPES; s++)
        f.shapes[s].count = 60;
    assert_int_equal(bound_by(solver_check_bound, &f, none), 0);
    assert_int_equal(bound_by(solver_check_bound, &f, some), 6000);
    for (uint32_t s = 0; s < SHAPES; s++)
        f.shapes[s].count = 1 << 20;
    assert_int_equal(bound_by(solver_check_bound, &f, some), 100 << 20);
}

static void test_bound_arguments(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    int64_t placed[SHAPES] = {0}, duals[SHAPES] = {0}, bound = 7;
    placed[B] = 3;
    assert_int_equal(solver_check_bound(&f.problem, placed, duals, &bound, NULL), ERR_INVALID);
    placed[B] = -1;
    assert_int_equal(solver_check_bound(&f.problem, placed, duals, &bound, NULL), ERR_INVALID);
    placed[B] = 2;
    duals[C] = -1;
    assert_int_equal(solver_check_bound(&f.problem, placed, duals, &bound, NULL), ERR_INVALID);
    assert_int_equal(bound, 7);
    assert_int_equal(solver_check_duals(&f.problem, placed, duals, &bound, NULL), ERR_INVALID);
    assert_int_equal(bound, 7);
    /* What is not placed is not paid for. */
    duals[C] = 180000;
    assert_int_equal(solver_check_duals(&f.problem, placed, duals, &bound, NULL), 0);
    assert_int_equal(bound, 0);
    bound = 7;
    assert_int_equal(solver_check_bound(&f.problem, placed, duals, &bound, NULL), 0);
    assert_int_equal(bound, 0);
}

/* ---- The problem itself ---- */

static void expect_problem(const struct fixture *f, const char *words)
{
    struct err err = {0};
    assert_int_equal(solver_problem_check(&f->problem, &err), ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

#define EXPECT_PROBLEM(change, words) \
    do {                              \
        fixture_init(&f);             \
        change;                       \
        expect_problem(&f, words);    \
    } while (0)

static void test_problem(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t tail = (uint64_t)1 << 63;
    fixture_init(&f);
    assert_int_equal(solver_problem_check(&f.problem, NULL), 0);
    EXPECT_PROBLEM(f.problem.n_dims = 0, "dimensions");
    EXPECT_PROBLEM(f.problem.n_dims = SOLVER_MAX_DIMS + 1, "dimensions");
    EXPECT_PROBLEM(f.problem.shapes = NULL, "missing");
    EXPECT_PROBLEM(f.problem.nodes = NULL, "missing");
    EXPECT_PROBLEM(f.shapes[B].count = 0, "shape 1: count 0");
    EXPECT_PROBLEM(f.shapes[B].count = INT64_C(1) << 31, "shape 1: count");
    EXPECT_PROBLEM(f.req[C][1] = -1, "shape 2: a request");
    EXPECT_PROBLEM(f.shapes[C].admits = NULL, "no set of offerings");
    EXPECT_PROBLEM(f.admits[A] |= tail, "shape 0: admits an offering");
    EXPECT_PROBLEM(f.admits_nodes[A] |= tail, "shape 0: admits a node");
    EXPECT_PROBLEM(f.alloc[LARGE][0] = -1, "offering 1: an amount");
    EXPECT_PROBLEM(f.alloc[LARGE][0] = SOLVER_MAX_AMOUNT + 1, "offering 1: an amount");
    EXPECT_PROBLEM(f.offerings[SMALL].price_microusd = 0, "offering 0: price 0");
    EXPECT_PROBLEM(f.offerings[SMALL].price_microusd = INT64_MAX, "offering 0: price");
    EXPECT_PROBLEM(f.offerings[SMALL].owner = 1, "offering 0: owner 1 of 1");
    EXPECT_PROBLEM(f.limit[0] = -1, "owner 0: a limit");
    EXPECT_PROBLEM(f.owner.tier = 1, "owner 0: tier 1");
    EXPECT_PROBLEM(f.group.cap = 0, "group 0: cap 0");
    EXPECT_PROBLEM(f.members[0] = 3, "group 0: shape 3 of 3");
    EXPECT_PROBLEM((f.group.n_shapes = 2, f.members[0] = C, f.members[1] = A), "group 0: members are not ascending");
    EXPECT_PROBLEM(f.group.n_shapes = 2, "group 0: members are not ascending");
    EXPECT_PROBLEM(f.side_a |= 1u << C, "both sides");
    EXPECT_PROBLEM(f.side_b |= tail, "does not exist");
    EXPECT_PROBLEM(f.conflict.a = NULL, "a side is missing");
    EXPECT_PROBLEM(f.free[0] = -1, "node 0: an amount");
    EXPECT_PROBLEM(f.group_room[0] = -1, "node 0: negative room");
    EXPECT_PROBLEM(f.req[A][1] = INT64_MAX / 2, "beyond int64");
    EXPECT_PROBLEM((f.req[A][1] = INT64_MAX / 4, f.req[B][1] = INT64_MAX / 3), "beyond int64");
    EXPECT_PROBLEM((f.shapes[A].count = INT32_MAX, f.shapes[B].count = 1), "pods, allowed are");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_takes),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_bound_is_of_whole_pods),
        cmocka_unit_test(test_bound_of_few_pods),
        cmocka_unit_test(test_bound_of_many_pods),
        cmocka_unit_test(test_bound_arguments),
        cmocka_unit_test(test_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

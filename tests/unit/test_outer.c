/* test_outer.c - the bound where packings drown: it rises, stays true, and keeps to its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "solver/check.h"
#include "solver/outer.h"
#include "solver/solve.h"

enum { SHAPES = 14, OFFERINGS = 3, DIMS = 3 };

static const int64_t COUNT[SHAPES] = {15, 217, 351, 38, 46, 93, 71, 34, 30, 12, 8, 12, 28, 26};
static const int64_t REQ[SHAPES][DIMS] = {
    {8000, 65331, 1}, {8000, 43008, 1}, {8000, 33792, 1}, {8000, 21504, 1}, {8000, 16896, 1},
    {4000, 38707, 1}, {4000, 15769, 1}, {4000, 11468, 1}, {4000, 9011, 1},  {4000, 7884, 1},
    {2000, 11468, 1}, {2000, 9011, 1},  {1000, 5734, 1},  {1000, 2432, 1},
};
/* The nodes keep a little of their cpus for themselves: the last pod of 8 cpus never fits. */
static const int64_t ROOM[OFFERINGS][DIMS] = {{95690, 355262, 737}, {191450, 1446437, 737}, {63770, 476504, 737}};
static const int64_t PRICE[OFFERINGS] = {1092200, 2359700, 787400};

struct fixture {
    struct arena arena;
    uint64_t all[1];
    int64_t unlimited[DIMS], demand[SHAPES];
    struct solver_shape shapes[SHAPES];
    struct solver_offering offerings[OFFERINGS];
    struct solver_owner owner;
    struct solver_problem problem;
    struct packer packer;
    struct kinds kinds;
    struct columns columns;
    bool time_is_up;
};

static bool is_up(void *context)
{
    return ((struct fixture *)context)->time_is_up;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    assert_non_null(f);
    f->all[0] = (1u << OFFERINGS) - 1;
    for (uint32_t d = 0; d < DIMS; d++)
        f->unlimited[d] = SOLVER_UNLIMITED;
    for (uint32_t s = 0; s < SHAPES; s++)
        f->shapes[s] = (struct solver_shape){.count = COUNT[s], .req = REQ[s], .admits = f->all};
    for (uint32_t j = 0; j < OFFERINGS; j++)
        f->offerings[j] = (struct solver_offering){ROOM[j], ROOM[j], PRICE[j], 0};
    memcpy(f->demand, COUNT, sizeof(COUNT));
    f->owner.limit = f->unlimited;
    f->problem = (struct solver_problem){.n_dims = DIMS,
                                         .n_shapes = SHAPES,
                                         .n_offerings = OFFERINGS,
                                         .n_owners = 1,
                                         .shapes = f->shapes,
                                         .offerings = f->offerings,
                                         .owners = &f->owner};
    assert_int_equal(packer_init(&f->packer, &f->problem, &f->arena, &err), 0);
    assert_int_equal(kinds_build(&f->problem, f->demand, f->all, &f->arena, &f->kinds, &err), 0);
    assert_int_equal(columns_init(&f->columns, &f->packer, &f->kinds, f->demand, &f->arena, &err), 0);
    f->columns.expired = is_up;
    f->columns.context = f;
    f->columns.deepest = 200;
    assert_int_equal(columns_add_singles(&f->columns, &err), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    columns_release(&f->columns);
    packer_release(&f->packer);
    arena_release(&f->arena);
    free(f);
    return 0;
}

/* What the checker, which knows neither columns nor fractions, makes of the duals. */
static double proven(struct fixture *f)
{
    int64_t nanousd[SHAPES], bound = -1;
    struct err err = {0};
    for (uint32_t s = 0; s < SHAPES; s++)
        nanousd[s] = (int64_t)(f->columns.best_duals[s] * 1000);
    assert_int_equal(solver_check_bound(&f->problem, f->demand, nanousd, &bound, &err), 0);
    return (double)bound;
}

static double cost_of_a_plan(struct fixture *f)
{
    struct solver_plan plan;
    struct err err = {0};
    assert_int_equal(solver_solve(&f->problem, &(struct solver_options){.gap_target = 0.01}, &f->arena, &plan, &err),
                     0);
    return (double)plan.cost_microusd;
}

static void raises_the_bound_to_its_own_value(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    assert_int_equal(columns_generate(&f->columns, 0.05, &err), 0);
    double before = f->columns.bound;
    size_t patterns = f->columns.pool.len;
    assert_int_equal(outer_bound(&f->columns, 200, &err), 0);
    assert_true(f->columns.bound > before);
    assert_true(f->columns.bound <= cost_of_a_plan(f));
    assert_true(proven(f) >= f->columns.bound * (1 - 1e-6));
    /* What joined the pool are patterns of whole pods. */
    for (size_t c = patterns; c < f->columns.pool.len; c++) {
        const struct column *column = &f->columns.pool.items[c];
        assert_true(pack_fits(&f->packer, &f->kinds.items[column->kind].bin, column->takes, column->n_takes));
    }
}

static void needs_no_columns_to_start_from(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    assert_int_equal(outer_bound(&f->columns, 200, &err), 0);
    /* No less than cpu alone asks for: the cheapest cpu is on the largest node. */
    double cpu = 0;
    for (uint32_t s = 0; s < SHAPES; s++)
        cpu += (double)(COUNT[s] * REQ[s][0]);
    assert_true(f->columns.bound >= cpu / 95000 * 1092200 * 0.999);
    assert_true(proven(f) >= f->columns.bound * (1 - 1e-6));
}

static void ends_where_the_bound_is_enough(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->columns.enough = 1;
    assert_int_equal(outer_bound(&f->columns, 200, &err), 0);
    double early = f->columns.bound;
    f->columns.enough = 1e300;
    assert_int_equal(outer_bound(&f->columns, 200, &err), 0);
    assert_true(early < f->columns.bound);
}

static void proves_nothing_without_time(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->time_is_up = true;
    assert_int_equal(outer_bound(&f->columns, 200, &err), 0);
    assert_true(f->columns.bound == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(raises_the_bound_to_its_own_value, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_no_columns_to_start_from, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_where_the_bound_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(proves_nothing_without_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

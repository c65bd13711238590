#include "solver/stage.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "solver/ascent.h"
#include "solver/check.h"
#include "solver/columns.h"
#include "solver/dive.h"
#include "solver/exact.h"
#include "solver/finish.h"
#include "solver/improve.h"
#include "solver/outer.h"

/*
 * The linear program pays up to some hundred rows; beyond, the ascent's duals are as good and far cheaper. The exact
 * branch and bound over columns pays for a few dozen.
 */
enum { MOST_ROWS_COLUMNS = 220, MOST_ROWS_INTEGER = 48, INTEGER_NODES = 400, ROUNDS = 4, TRIALS = 800 };

/* Deep searches raise the bound by hundredths of a per cent: they come last. */
static const uint32_t DEEPEST[ROUNDS] = {200, 200, 2000, 20000};

static bool is_expired(const struct stage *stage)
{
    return stage->options->expired && stage->options->expired(stage->options->context);
}

static bool good_enough(const struct stage *stage)
{
    return (double)stage->bag.cost_microusd <= stage->bound * (1 + stage->options->gap_target);
}

static uint32_t count_rows(const struct stage *stage)
{
    uint32_t rows = 0;
    for (uint32_t s = 0; s < stage->packer->n_shapes; s++)
        rows += stage->demand[s] > 0;
    return rows;
}

/* Demand that no kind admits has no place in the relaxation. */
static int drop_unadmitted(struct stage *stage, struct err *err)
{
    uint32_t n = stage->packer->n_shapes;
    int64_t *demand = arena_array(stage->arena, int64_t, n);
    if (!demand)
        return err_nomem(err);
    for (uint32_t k = 0; k < stage->kinds.n; k++)
        for (uint32_t i = 0; i < stage->kinds.items[k].bin.n_items; i++) {
            uint32_t s = stage->kinds.items[k].bin.items[i];
            demand[s] = stage->demand[s];
        }
    stage->demand = demand;
    return 0;
}

static int start(struct stage *stage, const uint64_t *allowed, struct err *err)
{
    stage->bound = 0;
    stage->whole = bitset_count(allowed, stage->packer->problem->n_offerings) == stage->packer->problem->n_offerings;
    stage->method = "heuristic";
    stage->duals = arena_array(stage->arena, double, stage->packer->n_shapes);
    if (!stage->duals)
        return err_nomem(err);
    int failed = kinds_build(stage->packer->problem, stage->demand, allowed, stage->arena, &stage->kinds, err);
    if (!failed)
        failed = drop_unadmitted(stage, err);
    if (!failed && stage->kinds.n)
        failed = ascent_duals(stage->packer, &stage->kinds, NULL, 0, stage->demand, ASCENT_PROOF, stage->duals,
                              &stage->bound, err);
    return failed;
}

/* Takes over a cheaper plan. */
static int offer(struct stage *stage, const struct bag *bag, const char *method, struct err *err)
{
    if (stage->bag.items.len && bag->cost_microusd >= stage->bag.cost_microusd)
        return 0;
    bag_clear(&stage->bag);
    stage->method = method;
    return bag_append(&stage->bag, bag, err);
}

static void take_bound(struct stage *stage, const struct columns *columns)
{
    if (columns->bound <= stage->bound)
        return;
    stage->bound = columns->bound;
    memcpy(stage->duals, columns->best_duals, stage->packer->n_shapes * sizeof(*stage->duals));
}

/*
 * The checker bounds packings far better than pricing does in the same time. At the master's duals its bound is often
 * as good as converged columns' would be. Only where the stage is about all offerings, as the checker is.
 */
static int prove(struct stage *stage, const struct columns *columns, struct err *err)
{
    const struct solver_problem *own = stage->packer->problem;
    if (!stage->whole || good_enough(stage) || is_expired(stage))
        return 0;
    struct solver_problem problem = *own;
    problem.n_nodes = 0;
    int64_t *nanousd = arena_array(stage->arena, int64_t, own->n_shapes), bound = 0;
    if (!nanousd)
        return err_nomem(err);
    for (uint32_t s = 0; s < own->n_shapes; s++)
        nanousd[s] = (int64_t)(columns->duals[s] * 1000);
    int failed = solver_check_bound(&problem, stage->demand, nanousd, &bound, err);
    if (failed || (double)bound <= stage->bound)
        return failed;
    stage->bound = (double)bound;
    memcpy(stage->duals, columns->duals, own->n_shapes * sizeof(*stage->duals));
    return 0;
}

static int seed_columns(struct stage *stage, struct columns *columns, struct err *err)
{
    int failed = columns_init(columns, stage->packer, &stage->kinds, stage->demand, stage->arena, err);
    columns->expired = stage->options->expired;
    columns->context = stage->options->context;
    columns->deepest = DEEPEST[1];
    if (!failed)
        failed = columns_add_singles(columns, err);
    for (size_t i = 0; !failed && i < stage->bag.items.len; i++) {
        const struct bag_item *item = &stage->bag.items.items[i];
        failed = columns_add(columns, item->kind, item->takes, item->n_takes, err);
    }
    uint32_t added;
    if (!failed)
        failed = columns_price(columns, stage->duals, 200, &added, err);
    return failed;
}

static int dive(struct stage *stage, struct columns *columns, struct err *err)
{
    struct bag bag = {0};
    int failed = dive_for_plan(columns, &bag, err);
    if (!failed)
        failed = offer(stage, &bag, "columns", err);
    bag_release(&bag);
    return failed;
}

/* Branch and bound over the columns. What it covers beyond demand is taken off the nodes it chose. */
static int integer(struct stage *stage, struct columns *columns, struct err *err)
{
    size_t n = columns->pool.len;
    int64_t *copies = arena_array(stage->arena, int64_t, n);
    int64_t *left = arena_array(stage->arena, int64_t, stage->packer->n_shapes);
    if (!copies || !left)
        return err_nomem(err);
    memcpy(left, stage->demand, stage->packer->n_shapes * sizeof(*left));
    struct bag bag = {0};
    int failed = master_solve(columns->master, columns->duals, columns->fractions, &columns->value, err);
    if (failed)
        return failed == ERR_RETRY ? 0 : failed;
    failed = master_integer(columns->master, (double)stage->bag.cost_microusd - 0.5, INTEGER_NODES,
                            stage->options->expired, stage->options->context, copies, err);
    if (failed == ERR_NO_CAPACITY)
        return 0;
    for (size_t c = 0; c < n && !failed; c++)
        for (int64_t copy = 0; copy < copies[c] && !failed; copy++) {
            const struct column *column = &columns->pool.items[c];
            struct solver_take *takes = arena_array(stage->arena, struct solver_take, column->n_takes);
            uint32_t n_takes = 0;
            for (uint32_t k = 0; takes && k < column->n_takes; k++) {
                struct solver_take take = column->takes[k];
                take.count = take.count > left[take.shape] ? (int32_t)left[take.shape] : take.count;
                left[take.shape] -= take.count;
                if (take.count)
                    takes[n_takes++] = take;
            }
            if (!takes)
                failed = err_nomem(err);
            else if (n_takes)
                failed = bag_add(&bag, &stage->kinds, stage->arena, column->kind, takes, n_takes, 1, err);
        }
    if (!failed)
        failed = offer(stage, &bag, "columns", err);
    bag_release(&bag);
    return failed;
}

static int improve(struct stage *stage, uint64_t round, struct err *err)
{
    struct improve_options how = {.seed = stage->options->seed + round,
                                  .enough_microusd = stage->bound * (1 + stage->options->gap_target),
                                  .most_trials = TRIALS,
                                  .expired = stage->options->expired,
                                  .context = stage->options->context};
    return improve_bag(stage->packer, &stage->kinds, stage->duals, &how, stage->arena, &stage->bag, err);
}

static int heuristic(struct stage *stage, enum finish_effort effort, struct err *err)
{
    struct bag bag = {0};
    int failed = finish_with_heuristic(stage->packer, &stage->kinds, stage->demand, stage->duals, effort,
                                       stage->options->expired, stage->options->context, stage->arena, &bag, err);
    if (!failed)
        failed = offer(stage, &bag, stage->method, err);
    bag_release(&bag);
    return failed;
}

/* The relaxation by columns, plans from it, improvement; again with a tighter bound while that is what is missing. */
static int with_columns(struct stage *stage, struct columns *columns, struct err *err)
{
    bool few = count_rows(stage) <= MOST_ROWS_INTEGER;
    double gap = stage->options->gap_target > 0.001 ? stage->options->gap_target : 0.001;
    int failed = seed_columns(stage, columns, err);
    for (int round = 0; !failed && round < ROUNDS; round++, gap /= 3) {
        columns->deepest = DEEPEST[round];
        if (round > 0) /* what is wanted now is the proof of the plan there is */
            columns->enough = (double)stage->bag.cost_microusd / (1 + stage->options->gap_target);
        if (round == 1)
            failed = outer_bound(columns, DEEPEST[round], err);
        if (!failed)
            failed = columns_generate(columns, gap, err);
        take_bound(stage, columns);
        if (!failed)
            failed = prove(stage, columns, err);
        if (!failed && round % 2 == 0 && !good_enough(stage))
            failed = dive(stage, columns, err);
        if (!failed && few && round % 2 == 1 && !good_enough(stage))
            failed = integer(stage, columns, err);
        if (!failed && round != 1 && !good_enough(stage))
            failed = improve(stage, (uint64_t)round, err);
        if (good_enough(stage) || is_expired(stage))
            break;
    }
    return failed;
}

static int without_columns(struct stage *stage, struct err *err)
{
    int failed = 0;
    for (uint64_t round = 0; !failed && round < ROUNDS && !good_enough(stage) && !is_expired(stage); round++) {
        failed = improve(stage, round, err);
        if (!failed && round == 1 && !good_enough(stage))
            failed = heuristic(stage, FINISH_THOROUGH, err);
    }
    return failed;
}

static int solve_exactly(struct stage *stage, struct err *err)
{
    struct bag bag = {0};
    const struct exact_question question = {
        .packer = stage->packer, .tiers = &stage->kinds, .n_tiers = 1, .demand = stage->demand};
    int failed = exact_solve(&question, stage->arena, &bag, NULL, err);
    if (!failed)
        failed = offer(stage, &bag, "exact", err);
    bag_release(&bag);
    return failed;
}

int stage_bound(struct stage *stage, const uint64_t *allowed, struct err *err)
{
    int failed = start(stage, allowed, err);
    if (failed || !stage->kinds.n || count_rows(stage) > MOST_ROWS_COLUMNS || is_expired(stage))
        return failed;
    struct columns columns = {0};
    failed = seed_columns(stage, &columns, err);
    if (!failed)
        failed = columns_generate(&columns, stage->options->gap_target / 2, err);
    take_bound(stage, &columns);
    columns_release(&columns);
    return failed;
}

int stage_solve(struct stage *stage, const uint64_t *allowed, struct err *err)
{
    int failed = start(stage, allowed, err);
    if (failed || !stage->kinds.n)
        return failed;
    bool small = exact_is_small(stage->demand, stage->packer->n_shapes, 0, 1);
    failed = small ? solve_exactly(stage, err) : heuristic(stage, FINISH_QUICK, err);
    if (failed || good_enough(stage) || is_expired(stage))
        return failed;
    if (count_rows(stage) > MOST_ROWS_COLUMNS)
        return without_columns(stage, err);
    struct columns columns = {0};
    if (small) { /* the plan is the best there is: what can still be mended is its proof */
        failed = seed_columns(stage, &columns, err);
        if (!failed)
            columns.deepest = DEEPEST[ROUNDS - 1];
        if (!failed)
            failed = columns_generate(&columns, 1e-6, err);
        take_bound(stage, &columns);
    } else {
        failed = with_columns(stage, &columns, err);
    }
    columns_release(&columns);
    return failed;
}

void stage_release(struct stage *stage)
{
    bag_release(&stage->bag);
}

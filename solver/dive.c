#include "solver/dive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "solver/ascent.h"
#include "solver/finish.h"

enum { MAX_STEPS = 120, PRICING_NODES = 50, COMPLETE_EVERY = 6 };

struct dive {
    struct columns *columns;
    int64_t *left;    /* [n_shapes] demand not fixed yet */
    struct bag fixed; /* what is decided */
    struct bag best;  /* the cheapest complete plan so far */
};

static bool anything_left(const struct dive *dive)
{
    for (uint32_t s = 0; s < dive->columns->packer->n_shapes; s++)
        if (dive->left[s] > 0)
            return true;
    return false;
}

static int fix(struct dive *dive, uint32_t kind, const struct solver_take *takes, uint32_t n_takes, int64_t copies,
               struct err *err)
{
    for (uint32_t k = 0; k < n_takes; k++)
        dive->left[takes[k].shape] -= copies * takes[k].count;
    return bag_add(&dive->fixed, dive->columns->kinds, dive->columns->arena, kind, takes, n_takes, copies, err);
}

/* Fixes the whole part of every column as far as demand lasts; the number of nodes fixed, or a negative error. */
static int64_t fix_whole_parts(struct dive *dive, struct err *err)
{
    int64_t nodes = 0;
    for (size_t c = 0; c < dive->columns->pool.len; c++) {
        const struct column *column = &dive->columns->pool.items[c];
        int64_t copies = (int64_t)floor(dive->columns->fractions[c] + 1e-6);
        for (uint32_t k = 0; k < column->n_takes && copies > 0; k++) {
            int64_t times = dive->left[column->takes[k].shape] / column->takes[k].count;
            copies = times < copies ? times : copies;
        }
        if (copies <= 0)
            continue;
        int failed = fix(dive, column->kind, column->takes, column->n_takes, copies, err);
        if (failed)
            return failed;
        nodes += copies;
    }
    return nodes;
}

/* One node of the most decided column's kind, packed with what is left. */
static int fix_most_decided(struct dive *dive, struct err *err)
{
    struct columns *columns = dive->columns;
    size_t best = 0;
    for (size_t c = 1; c < columns->pool.len; c++)
        if (columns->fractions[c] > columns->fractions[best])
            best = c;
    uint32_t kind = columns->pool.items[best].kind;
    struct packing found = pack_best(columns->packer, &columns->kinds->items[kind].bin, columns->duals, dive->left,
                                     PRICING_NODES * 10, NULL);
    if (!found.n_takes)
        return err_set(err, ERR_RETRY, "nothing left for the column");
    return fix(dive, kind, pack_takes(columns->packer), found.n_takes, 1, err);
}

/* What is fixed plus the heuristic's answer for the rest. */
static int complete(struct dive *dive, struct err *err)
{
    struct columns *columns = dive->columns;
    struct bag rest = {0};
    int failed = finish_with_heuristic(columns->packer, columns->kinds, dive->left, NULL, FINISH_QUICK,
                                       columns->expired, columns->context, columns->arena, &rest, err);
    int64_t cost = dive->fixed.cost_microusd + rest.cost_microusd;
    if (!failed && (!dive->best.items.len || cost < dive->best.cost_microusd)) {
        bag_clear(&dive->best);
        failed = bag_append(&dive->best, &dive->fixed, err);
        if (!failed)
            failed = bag_append(&dive->best, &rest, err);
    }
    bag_release(&rest);
    return failed;
}

static int step(struct dive *dive, struct err *err)
{
    struct columns *columns = dive->columns;
    uint32_t added;
    double value;
    for (int round = 0; round < 2; round++) {
        master_set_demand(columns->master, dive->left);
        int failed = master_solve(columns->master, columns->duals, columns->fractions, &value, err);
        if (!failed)
            failed = columns_add_priced(columns, columns->duals, dive->left, PRICING_NODES, &added, err);
        if (failed)
            return failed;
        if (!added)
            break;
    }
    for (size_t c = columns->pool.len; c > 0 && added; c--, added--)
        columns->fractions[c - 1] = 0; /* too new to have one */
    int64_t nodes = fix_whole_parts(dive, err);
    if (nodes < 0)
        return (int)nodes;
    return nodes ? 0 : fix_most_decided(dive, err);
}

static int run(struct dive *dive, struct err *err)
{
    int failed = 0;
    for (int n = 0; !failed && n < MAX_STEPS && anything_left(dive); n++) {
        if (dive->columns->expired && dive->columns->expired(dive->columns->context))
            break;
        failed = step(dive, err);
        if (failed == ERR_RETRY) {
            failed = 0;
            break;
        }
        if (!failed && n % COMPLETE_EVERY == 0)
            failed = complete(dive, err);
    }
    return failed ? failed : complete(dive, err);
}

int dive_for_plan(struct columns *columns, struct bag *bag, struct err *err)
{
    struct dive dive = {.columns = columns};
    dive.left = arena_array(columns->arena, int64_t, columns->packer->n_shapes);
    if (!dive.left)
        return err_nomem(err);
    memcpy(dive.left, columns->demand, columns->packer->n_shapes * sizeof(*dive.left));
    int failed = run(&dive, err);
    master_set_demand(columns->master, columns->demand);
    if (!failed)
        failed = bag_append(bag, &dive.best, err);
    bag_release(&dive.fixed);
    bag_release(&dive.best);
    return failed;
}

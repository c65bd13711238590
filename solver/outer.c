#include "solver/outer.h"

#include <math.h>

enum { MAX_ROUNDS = 200 };

/* Where value and bound differ by less, more rounds are not worth their time. */
static const double CLOSE = 2e-4;
static const double WORTH_ADDING = 1e-7;
static const double SMOOTHING = 0.5;

struct outer {
    struct columns *columns; /* the patterns; its bound is what is raised */
    struct master *master;   /* the patterns and the fractions */
    double *duals;           /* [n_shapes] of the last master solve */
    double *smooth;          /* [n_shapes] */
    double value;
    uint32_t node_limit;
};

static int add_pattern(struct outer *o, uint32_t kind, uint32_t n_takes, struct err *err)
{
    const struct solver_take *takes = pack_takes(o->columns->packer);
    int failed = columns_add(o->columns, kind, takes, n_takes, err);
    return failed ? failed : master_add(o->master, o->columns->kinds->items[kind].price_microusd, takes, n_takes, err);
}

/* The relaxation's answer as a column, if that would change anything. */
static int add_fractions(struct outer *o, uint32_t kind, const double *duals, uint32_t *added, struct err *err)
{
    const uint32_t *shapes;
    const double *amounts;
    uint32_t n;
    int64_t price = o->columns->kinds->items[kind].price_microusd;
    double worth = 0;
    pack_relaxed(o->columns->packer, &shapes, &amounts, &n);
    for (uint32_t i = 0; i < n; i++)
        worth += amounts[i] * duals[shapes[i]];
    if (worth <= (double)price * (1 + WORTH_ADDING))
        return 0;
    ++*added;
    return master_add_fractions(o->master, price, shapes, amounts, n, err);
}

static int price_kinds(struct outer *o, const double *duals, uint32_t *ret_added, struct err *err)
{
    struct columns *columns = o->columns;
    double worst = 0;
    *ret_added = 0;
    for (uint32_t k = 0; k < columns->kinds->n; k++) {
        if (columns_expired(columns))
            return 0; /* the other kinds are not known: nothing is proved */
        struct kind *kind = &columns->kinds->items[k];
        double most = (double)kind->price_microusd * (1 + WORTH_ADDING);
        struct packing found =
            pack_best(columns->packer, &kind->bin, duals, columns->demand, o->node_limit, &kind->warm);
        worst = fmax(worst, found.upper / (double)kind->price_microusd);
        int failed = 0;
        if (found.value > most) {
            ++*ret_added;
            failed = add_pattern(o, k, found.n_takes, err);
        } else if (found.upper > most) {
            failed = add_fractions(o, k, duals, ret_added, err);
        }
        if (failed)
            return failed;
    }
    columns_raise_bound(columns, duals, worst);
    return 0;
}

static bool is_done(const struct outer *o)
{
    const struct columns *columns = o->columns;
    return columns->bound >= columns->enough || o->value - columns->bound <= CLOSE * o->value ||
           columns_expired(columns);
}

/* Duals between the best and the master's own first, as columns.c does. */
static int price_round(struct outer *o, uint32_t *ret_added, struct err *err)
{
    for (uint32_t s = 0; s < o->columns->packer->n_shapes; s++)
        o->smooth[s] = SMOOTHING * o->columns->best_duals[s] + (1 - SMOOTHING) * o->duals[s];
    int failed = price_kinds(o, o->smooth, ret_added, err);
    if (!failed && !*ret_added && !is_done(o))
        failed = price_kinds(o, o->duals, ret_added, err);
    return failed;
}

static int run(struct outer *o, struct err *err)
{
    for (size_t c = 0; c < o->columns->pool.len; c++) {
        const struct column *column = &o->columns->pool.items[c];
        int failed = master_add(o->master, column->price_microusd, column->takes, column->n_takes, err);
        if (failed)
            return failed;
    }
    for (int round = 0; round < MAX_ROUNDS; round++) {
        uint32_t added = 0;
        int failed = master_solve(o->master, o->duals, NULL, &o->value, err);
        if (failed == ERR_RETRY)
            return 0; /* numerical trouble: what is known so far stands */
        if (!failed && is_done(o))
            return 0;
        if (!failed)
            failed = price_round(o, &added, err);
        if (failed || !added)
            return failed;
    }
    return 0;
}

int outer_bound(struct columns *columns, uint32_t node_limit, struct err *err)
{
    struct outer o = {.columns = columns,
                      .duals = arena_array(columns->arena, double, columns->packer->n_shapes),
                      .smooth = arena_array(columns->arena, double, columns->packer->n_shapes),
                      .node_limit = node_limit};
    if (!o.duals || !o.smooth)
        return err_nomem(err);
    int failed = master_new(columns->packer->n_shapes, columns->demand, &o.master, err);
    if (!failed)
        failed = run(&o, err);
    master_free(o.master);
    return failed;
}

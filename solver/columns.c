#include "solver/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRICING_NODES = 200, MAX_ROUNDS = 400 };

static const double SMOOTHING = 0.5;

int columns_init(struct columns *columns, struct packer *packer, struct kinds *kinds, const int64_t *demand,
                 struct arena *arena, struct err *err)
{
    *columns = (struct columns){.packer = packer, .kinds = kinds, .demand = demand, .arena = arena, .enough = HUGE_VAL};
    columns->duals = arena_array(arena, double, packer->n_shapes);
    columns->best_duals = arena_array(arena, double, packer->n_shapes);
    columns->smooth = arena_array(arena, double, packer->n_shapes);
    if (!columns->duals || !columns->best_duals || !columns->smooth)
        return err_nomem(err);
    return master_new(packer->n_shapes, demand, &columns->master, err);
}

void columns_release(struct columns *columns)
{
    master_free(columns->master);
    VEC_FREE(&columns->pool);
    free(columns->fractions);
    columns->fractions = NULL;
    columns->master = NULL;
}

static bool grow_fractions(struct columns *columns)
{
    if (columns->pool.len <= columns->fractions_cap)
        return true;
    size_t cap = columns->pool.len * 2;
    double *grown = realloc(columns->fractions, cap * sizeof(*grown));
    if (!grown)
        return false;
    columns->fractions = grown;
    columns->fractions_cap = cap;
    return true;
}

int columns_add(struct columns *columns, uint32_t kind, const struct solver_take *takes, uint32_t n_takes,
                struct err *err)
{
    struct solver_take *copy = arena_array(columns->arena, struct solver_take, n_takes);
    if (!copy)
        return err_nomem(err);
    memcpy(copy, takes, n_takes * sizeof(*copy));
    int64_t price = columns->kinds->items[kind].price_microusd;
    if (!VEC_PUSH(&columns->pool, ((struct column){kind, n_takes, copy, price})) || !grow_fractions(columns))
        return err_nomem(err);
    return master_add(columns->master, price, takes, n_takes, err);
}

void columns_raise_bound(struct columns *columns, const double *duals, double worst_ratio)
{
    double sum = 0;
    for (uint32_t s = 0; s < columns->packer->n_shapes; s++)
        if (columns->demand[s] > 0)
            sum += (double)columns->demand[s] * duals[s];
    double scale = worst_ratio > 1 ? 1 / worst_ratio : 1;
    if (sum * scale <= columns->bound)
        return;
    columns->bound = sum * scale;
    for (uint32_t s = 0; s < columns->packer->n_shapes; s++)
        columns->best_duals[s] = duals[s] * scale;
}

bool columns_expired(const struct columns *columns)
{
    return columns->expired && columns->expired(columns->context);
}

/*
 * Prices every kind; *ret_worst is how much the best pattern may be worth for its price: without limit where time is
 * up before all kinds are looked at.
 */
static int price_kinds(struct columns *columns, const double *duals, const int64_t *avail, uint32_t node_limit,
                       uint32_t *ret_added, double *ret_worst, struct err *err)
{
    *ret_worst = 0;
    *ret_added = 0;
    for (uint32_t k = 0; k < columns->kinds->n; k++) {
        if (columns_expired(columns)) {
            *ret_worst = HUGE_VAL;
            return 0;
        }
        struct kind *kind = &columns->kinds->items[k];
        double price = (double)kind->price_microusd;
        struct packing found = pack_best(columns->packer, &kind->bin, duals, avail, node_limit, &kind->warm);
        if (found.upper / price > *ret_worst)
            *ret_worst = found.upper / price;
        if (found.value <= price * (1 + 1e-7))
            continue;
        int failed = columns_add(columns, k, pack_takes(columns->packer), found.n_takes, err);
        if (failed)
            return failed;
        ++*ret_added;
    }
    return 0;
}

int columns_price(struct columns *columns, const double *duals, uint32_t node_limit, uint32_t *ret_added,
                  struct err *err)
{
    double worst;
    int failed = price_kinds(columns, duals, columns->demand, node_limit, ret_added, &worst, err);
    if (!failed)
        columns_raise_bound(columns, duals, worst);
    return failed;
}

int columns_add_priced(struct columns *columns, const double *duals, const int64_t *avail, uint32_t node_limit,
                       uint32_t *ret_added, struct err *err)
{
    double worst;
    return price_kinds(columns, duals, avail, node_limit, ret_added, &worst, err);
}

static bool close_enough(const struct columns *columns, double gap)
{
    return columns->value - columns->bound <= gap * columns->value || columns->bound >= columns->enough;
}

/*
 * A round of pricing. First between the best duals and the master's, which swing (smoothing: Wentges 1997); where that
 * finds no pattern, at the master's own. Where no kind has a better pattern there either but the bound is not close
 * yet, the packings' own bounds are what is loose: search deeper.
 */
static int price_round(struct columns *columns, double gap, uint32_t *ret_added, struct err *err)
{
    uint32_t added = 0;
    for (uint32_t nodes = PRICING_NODES; nodes <= columns->deepest; nodes *= 10) {
        for (uint32_t s = 0; s < columns->packer->n_shapes; s++)
            columns->smooth[s] = SMOOTHING * columns->best_duals[s] + (1 - SMOOTHING) * columns->duals[s];
        int failed = columns_price(columns, columns->smooth, nodes, &added, err);
        if (!failed && !added && !close_enough(columns, gap) && !columns_expired(columns))
            failed = columns_price(columns, columns->duals, nodes, &added, err);
        if (failed)
            return failed;
        if (added || close_enough(columns, gap) || columns_expired(columns))
            break;
    }
    *ret_added = added;
    return 0;
}

int columns_add_singles(struct columns *columns, struct err *err)
{
    uint32_t n = columns->packer->n_shapes;
    double *cost = arena_array(columns->arena, double, n);
    struct solver_take *take = arena_array(columns->arena, struct solver_take, n);
    uint32_t *kind_of = arena_array(columns->arena, uint32_t, n);
    if (!cost || !take || !kind_of)
        return err_nomem(err);
    for (uint32_t k = 0; k < columns->kinds->n; k++) {
        const struct kind *kind = &columns->kinds->items[k];
        for (uint32_t i = 0; i < kind->bin.n_items; i++) {
            uint32_t s = kind->bin.items[i];
            int64_t fit = pack_more(columns->packer, &kind->bin, NULL, 0, s, columns->demand[s]);
            double each = fit ? (double)kind->price_microusd / (double)fit : HUGE_VAL;
            if (fit && (cost[s] == 0 || each < cost[s])) {
                cost[s] = each;
                kind_of[s] = k;
                take[s] = (struct solver_take){s, (int32_t)fit};
            }
        }
    }
    for (uint32_t s = 0; s < n; s++)
        if (take[s].count) {
            int failed = columns_add(columns, kind_of[s], &take[s], 1, err);
            if (failed)
                return failed;
        }
    return 0;
}

int columns_generate(struct columns *columns, double gap, struct err *err)
{
    for (int round = 0; round < MAX_ROUNDS && !columns_expired(columns); round++) {
        uint32_t added = 0;
        int failed = master_solve(columns->master, columns->duals, columns->fractions, &columns->value, err);
        if (failed == ERR_RETRY)
            return 0; /* numerical trouble: what is known so far stands */
        if (!failed)
            failed = price_round(columns, gap, &added, err);
        if (failed)
            return failed;
        if (!added || close_enough(columns, gap))
            return 0;
    }
    return 0;
}

#include "solver/exact.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SHAPES = 16, MAX_STATES = 1 << 16 };

static const int64_t MAX_STEPS = 3000000;
static const int64_t UNREACHABLE = INT64_MAX / 4;

/* A multiset of pods is a number in mixed radix: digit i is how many of shape[i]. */
struct exact {
    struct packer *packer;
    const struct kinds *kinds;
    uint32_t n; /* shapes with demand */
    uint32_t shape[MAX_SHAPES];
    int64_t count[MAX_SHAPES];     /* digits run to this */
    int64_t place[MAX_SHAPES + 1]; /* place value; place[n] = number of states */
    int64_t *node_cost;            /* [states] cheapest kind that carries just this: weighed cost, or UNREACHABLE */
    uint32_t *node_kind;           /* [states] */
    int64_t *best;                 /* [n_nodes + 1][states] weighed cost of placing this with the first nodes' room */
    uint32_t *choice;              /* [n_nodes + 1][states] what the last node took */
    struct solver_take takes[MAX_SHAPES];
};

bool exact_is_small(const int64_t *demand, uint32_t n_shapes, uint32_t n_nodes)
{
    int64_t states = 1, steps = 1;
    uint32_t n = 0;
    for (uint32_t s = 0; s < n_shapes; s++) {
        if (demand[s] <= 0)
            continue;
        if (++n > MAX_SHAPES || demand[s] >= MAX_STATES)
            return false;
        states *= demand[s] + 1;
        steps *= (demand[s] + 1) * (demand[s] + 2) / 2;
        if (states > MAX_STATES || steps * ((int64_t)n_nodes + 1) > MAX_STEPS)
            return false;
    }
    return n > 0 && states * ((int64_t)n_nodes + 1) <= MAX_STEPS;
}

/* Fewer nodes among equal dollars: a node weighs one unit below the smallest price step. */
static int64_t weighed(int64_t price_microusd)
{
    return price_microusd * 4096 + 1;
}

static uint32_t takes_of(struct exact *x, int64_t state)
{
    uint32_t n_takes = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        int64_t digit = state / x->place[i] % (x->count[i] + 1);
        if (digit)
            x->takes[n_takes++] = (struct solver_take){x->shape[i], (int32_t)digit};
    }
    return n_takes;
}

/* What each multiset would cost on one new node. Kinds are by price: the first that fits is the cheapest. */
static void price_states(struct exact *x)
{
    int64_t states = x->place[x->n];
    for (int64_t state = 0; state < states; state++) {
        uint32_t n_takes = takes_of(x, state);
        x->node_cost[state] = UNREACHABLE;
        for (uint32_t k = 0; k < x->kinds->n; k++)
            if (pack_fits(x->packer, &x->kinds->items[k].bin, x->takes, n_takes)) {
                x->node_cost[state] = weighed(x->kinds->items[k].price_microusd);
                x->node_kind[state] = k;
                break;
            }
    }
}

/*
 * Steps through the parts of a multiset, the whole first, nothing last. *part and *digits are the position; false at
 * the end.
 */
static bool next_part(const struct exact *x, const int64_t *whole, int64_t *digits, int64_t *part)
{
    for (uint32_t i = 0; i < x->n; i++) {
        if (digits[i] > 0) {
            digits[i]--;
            *part -= x->place[i];
            return true;
        }
        digits[i] = whole[i];
        *part += whole[i] * x->place[i];
    }
    return false;
}

static void digits_of(const struct exact *x, int64_t state, int64_t *digits)
{
    for (uint32_t i = 0; i < x->n; i++)
        digits[i] = state / x->place[i] % (x->count[i] + 1);
}

/* New nodes only. The node that takes the first pod of what is left is chosen next, so every set is met once. */
static void solve_new(struct exact *x)
{
    int64_t states = x->place[x->n], whole[MAX_SHAPES], digits[MAX_SHAPES];
    x->best[0] = 0;
    for (int64_t state = 1; state < states; state++) {
        x->best[state] = UNREACHABLE;
        digits_of(x, state, whole);
        memcpy(digits, whole, sizeof(whole));
        uint32_t first = 0;
        while (!whole[first])
            first++;
        int64_t part = state;
        do {
            if (!digits[first] || x->node_cost[part] >= UNREACHABLE)
                continue;
            int64_t cost = x->node_cost[part] + x->best[state - part];
            if (cost < x->best[state]) {
                x->best[state] = cost;
                x->choice[state] = (uint32_t)part;
            }
        } while (next_part(x, whole, digits, &part));
    }
}

/* One more existing node: it may take any part that fits. Large parts come first, so existing room wins ties. */
static void add_node(struct exact *x, const struct bin *bin, uint32_t layer)
{
    int64_t states = x->place[x->n], whole[MAX_SHAPES], digits[MAX_SHAPES];
    const int64_t *before = x->best + (int64_t)(layer - 1) * states;
    int64_t *best = x->best + (int64_t)layer * states;
    uint32_t *choice = x->choice + (int64_t)layer * states;
    for (int64_t state = 0; state < states; state++) {
        best[state] = UNREACHABLE + 1;
        digits_of(x, state, whole);
        memcpy(digits, whole, sizeof(whole));
        int64_t part = state;
        do {
            if (before[state - part] >= best[state])
                continue;
            uint32_t n_takes = takes_of(x, part);
            if (n_takes && !pack_fits(x->packer, bin, x->takes, n_takes))
                continue;
            best[state] = before[state - part];
            choice[state] = (uint32_t)part;
        } while (next_part(x, whole, digits, &part));
    }
}

static int prepare(struct exact *x, const int64_t *demand, uint32_t n_nodes, struct arena *arena)
{
    x->place[0] = 1;
    for (uint32_t s = 0; s < x->packer->n_shapes; s++)
        if (demand[s] > 0) {
            x->shape[x->n] = s;
            x->count[x->n] = demand[s];
            x->place[x->n + 1] = x->place[x->n] * (demand[s] + 1);
            x->n++;
        }
    size_t states = (size_t)x->place[x->n], layers = (size_t)n_nodes + 1;
    x->node_cost = arena_array(arena, int64_t, states);
    x->node_kind = arena_array(arena, uint32_t, states);
    x->best = arena_array(arena, int64_t, states * layers);
    x->choice = arena_array(arena, uint32_t, states * layers);
    return x->node_cost && x->node_kind && x->best && x->choice ? 0 : ERR_NOMEM;
}

static int read_out(struct exact *x, uint32_t n_nodes, struct arena *arena, struct bag *bag,
                    struct exact_filling *fillings, struct err *err)
{
    int64_t states = x->place[x->n], state = states - 1;
    for (uint32_t layer = n_nodes; layer > 0; layer--) {
        uint32_t part = x->choice[(int64_t)layer * states + state];
        uint32_t n_takes = takes_of(x, part);
        struct solver_take *takes = arena_array(arena, struct solver_take, n_takes);
        if (!takes)
            return err_nomem(err);
        memcpy(takes, x->takes, n_takes * sizeof(*takes));
        fillings[layer - 1] = (struct exact_filling){layer - 1, takes, n_takes};
        state -= part;
    }
    while (state > 0) {
        uint32_t part = x->choice[state];
        uint32_t n_takes = takes_of(x, part);
        int failed = bag_add(bag, x->kinds, arena, x->node_kind[part], x->takes, n_takes, 1, err);
        if (failed)
            return failed;
        state -= part;
    }
    return 0;
}

int exact_solve(struct packer *packer, const struct kinds *kinds, const struct bin *bins, uint32_t n_nodes,
                const int64_t *demand, struct arena *arena, struct bag *bag, struct exact_filling *fillings,
                struct err *err)
{
    struct exact x = {.packer = packer, .kinds = kinds};
    if (prepare(&x, demand, n_nodes, arena))
        return err_nomem(err);
    price_states(&x);
    solve_new(&x);
    for (uint32_t e = 0; e < n_nodes; e++)
        add_node(&x, &bins[e], e + 1);
    int64_t states = x.place[x.n];
    if (x.best[(int64_t)n_nodes * states + states - 1] >= UNREACHABLE)
        return err_set(err, ERR_NO_CAPACITY, "not everything can be placed");
    return read_out(&x, n_nodes, arena, bag, fillings, err);
}

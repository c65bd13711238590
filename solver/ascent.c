#include "solver/ascent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "solver/fit.h"

enum { MAX_RESOURCES = 24 };

/* The softened minimum counts kinds up to this many temperatures above the cheapest. */
static const double REACH = 8.0;
static const double LEAST_WEIGHT = 1e-7;
static const double LEAST_RENT = 1e-4;
/* How fast weights move, and what keeps those of idle kinds still. */
static const double PACE = 1.5, IDLE = 1e-3;
/* Below the nano-dollar in which duals are written down. */
static const double LEAST_DUAL_MICROUSD = 1e-4;

/* One shape on one kind: what it takes of each resource, as a share of the kind's price. */
struct ascent {
    const struct packer *packer;
    const struct kinds *kinds;
    struct ascent_rented *rented;
    uint32_t n_kinds; /* bought ones, then rented ones */
    const int64_t *demand;
    uint32_t n_resources;
    struct arena arena;
    size_t *start;       /* [n_kinds + 1] into the rows below: one row a wanted item of a kind */
    uint32_t *shape;     /* [rows] */
    float *share;        /* [rows][n_dims] micro-dollars if dimension d alone had the whole price */
    float *cost;         /* [rows] at today's weights */
    double *weight;      /* [n_kinds][n_resources] */
    double *load;        /* [n_kinds][n_resources] */
    double *cheapest;    /* [n_shapes] */
    double *spread;      /* [n_shapes] sum of the soft minimum's parts */
    double *group_share; /* [n_kinds][n_resources - n_dims] what a pod of a group takes, likewise */
    double *rent;        /* [n_kinds] factor on the first guess; 1 for bought kinds */
    double *asked;       /* [n_kinds] nodes that the assignment asks for, by worth */
};

static const struct bin *bin_of(const struct ascent *a, uint32_t k)
{
    return k < a->kinds->n ? &a->kinds->items[k].bin : &a->rented[k - a->kinds->n].bin;
}

static double price_of(const struct ascent *a, uint32_t k)
{
    return k < a->kinds->n ? (double)a->kinds->items[k].price_microusd : a->rented[k - a->kinds->n].rent_microusd;
}

/* What the items of a bin can use of a dimension. */
static double usable(const struct ascent *a, const struct bin *bin, uint32_t d)
{
    int64_t step = 0;
    for (uint32_t i = 0; i < bin->n_items && step != 1; i++)
        step = fit_gcd(a->packer->req[(size_t)bin->items[i] * a->packer->n_dims + d], step);
    return (double)fit_usable(bin->room[d], step);
}

/* The groups of a shape that take part, as resources behind the dimensions. */
#define EACH_GROUP(a, r, s)                                                                          \
    for (uint32_t g_ = (a)->packer->group_start[s], r; g_ < (a)->packer->group_start[(s) + 1]; g_++) \
        if ((r = (a)->packer->n_dims + (a)->packer->group_of[g_]) < (a)->n_resources)

static double *groups_of(const struct ascent *a, uint32_t k)
{
    return a->group_share + (size_t)k * (a->n_resources - a->packer->n_dims);
}

static void fill_kind(struct ascent *a, uint32_t k)
{
    const struct packer *packer = a->packer;
    const struct bin *bin = bin_of(a, k);
    double price = price_of(a, k), room[MAX_RESOURCES];
    for (uint32_t d = 0; d < packer->n_dims; d++)
        room[d] = usable(a, bin, d);
    for (uint32_t r = packer->n_dims; r < a->n_resources; r++)
        groups_of(a, k)[r - packer->n_dims] = price / packer->problem->groups[r - packer->n_dims].cap;
    size_t row = a->start[k];
    for (uint32_t i = 0; i < bin->n_items; i++) {
        uint32_t s = bin->items[i];
        if (a->demand[s] <= 0)
            continue;
        float *share = a->share + row * packer->n_dims;
        const int64_t *req = packer->req + (size_t)s * packer->n_dims;
        for (uint32_t d = 0; d < packer->n_dims; d++)
            share[d] = req[d] ? (float)((double)req[d] / room[d] * price) : 0.0f;
        a->shape[row++] = s;
    }
}

static size_t count_wanted(const struct ascent *a, const struct bin *bin)
{
    size_t wanted = 0;
    for (uint32_t i = 0; i < bin->n_items; i++)
        wanted += a->demand[bin->items[i]] > 0;
    return wanted;
}

static int prepare(struct ascent *a, struct err *err)
{
    uint32_t n_kinds = a->n_kinds, n_shapes = a->packer->n_shapes;
    a->start = arena_array(&a->arena, size_t, (size_t)n_kinds + 1);
    if (!a->start)
        return err_nomem(err);
    for (uint32_t k = 0; k < n_kinds; k++)
        a->start[k + 1] = a->start[k] + count_wanted(a, bin_of(a, k));
    size_t rows = a->start[n_kinds];
    a->shape = arena_array(&a->arena, uint32_t, rows);
    a->share = arena_array(&a->arena, float, rows * a->packer->n_dims);
    a->cost = arena_array(&a->arena, float, rows);
    a->weight = arena_array(&a->arena, double, (size_t)n_kinds * a->n_resources);
    a->load = arena_array(&a->arena, double, (size_t)n_kinds * a->n_resources);
    a->cheapest = arena_array(&a->arena, double, n_shapes);
    a->spread = arena_array(&a->arena, double, n_shapes);
    a->group_share = arena_array(&a->arena, double, (size_t)n_kinds *(a->n_resources - a->packer->n_dims));
    a->rent = arena_array(&a->arena, double, n_kinds);
    a->asked = arena_array(&a->arena, double, n_kinds);
    if (!a->shape || !a->share || !a->cost || !a->weight || !a->load || !a->cheapest || !a->spread || !a->rent ||
        !a->asked)
        return err_nomem(err);
    for (uint32_t k = 0; k < n_kinds; k++) {
        fill_kind(a, k);
        a->rent[k] = 1;
        for (uint32_t r = 0; r < a->n_resources; r++) /* cpu and memory first: the others seldom bind */
            a->weight[(size_t)k * a->n_resources + r] = r < 2 ? 0.5 : 1e-4;
    }
    return 0;
}

/* What each pod costs on each kind now, and the cheapest of them. Returns the bound. */
static double evaluate(struct ascent *a)
{
    uint32_t n_shapes = a->packer->n_shapes, n_dims = a->packer->n_dims, m = a->n_resources;
    for (uint32_t s = 0; s < n_shapes; s++)
        a->cheapest[s] = HUGE_VAL;
    for (uint32_t k = 0; k < a->n_kinds; k++) {
        double *weight = a->weight + (size_t)k * m;
        double sum = 0;
        for (uint32_t r = 0; r < m; r++)
            sum += weight[r];
        for (uint32_t r = 0; r < m; r++)
            weight[r] /= sum;
        const double *groups = groups_of(a, k);
        for (size_t row = a->start[k]; row < a->start[k + 1]; row++) {
            uint32_t s = a->shape[row];
            double cost = 0;
            for (uint32_t d = 0; d < n_dims; d++)
                cost += weight[d] * (double)a->share[row * n_dims + d];
            EACH_GROUP (a, r, s)
                cost += weight[r] * groups[r - n_dims];
            cost *= a->rent[k];
            a->cost[row] = (float)cost;
            if (cost < a->cheapest[s])
                a->cheapest[s] = cost;
        }
    }
    double bound = 0;
    for (uint32_t s = 0; s < n_shapes; s++)
        if (a->demand[s] > 0 && a->cheapest[s] < HUGE_VAL)
            bound += (double)a->demand[s] * a->cheapest[s];
    for (uint32_t k = a->kinds->n; k < a->n_kinds; k++)
        bound -= a->rented[k - a->kinds->n].count * price_of(a, k) * a->rent[k];
    return bound;
}

static void add_load(struct ascent *a, uint32_t k, size_t row, double pods)
{
    uint32_t n_dims = a->packer->n_dims, s = a->shape[row];
    double *load = a->load + (size_t)k * a->n_resources;
    const double *groups = groups_of(a, k);
    for (uint32_t d = 0; d < n_dims; d++)
        load[d] += pods * (double)a->share[row * n_dims + d];
    EACH_GROUP (a, r, s)
        load[r] += pods * groups[r - n_dims];
}

/* Sends every shape's pods to its cheapest kinds, softly, and adds up what they take of each resource there. */
static void assign(struct ascent *a, double temperature)
{
    uint32_t m = a->n_resources;
    memset(a->spread, 0, a->packer->n_shapes * sizeof(*a->spread));
    memset(a->asked, 0, a->n_kinds * sizeof(*a->asked));
    memset(a->load, 0, (size_t)a->n_kinds * m * sizeof(*a->load));
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t k = 0; k < a->n_kinds; k++)
            for (size_t row = a->start[k]; row < a->start[k + 1]; row++) {
                uint32_t s = a->shape[row];
                double above = ((double)a->cost[row] / a->cheapest[s] - 1) / temperature;
                if (above > REACH)
                    continue;
                double part = (double)expf((float)-above);
                if (pass == 0) {
                    a->spread[s] += part;
                    continue;
                }
                double pods = (double)a->demand[s] * part / a->spread[s];
                a->asked[k] += pods * (double)a->cost[row] / (price_of(a, k) * a->rent[k]);
                add_load(a, k, row, pods);
            }
}

static void climb(struct ascent *a, double step)
{
    uint32_t m = a->n_resources;
    double most = 0;
    size_t cells = (size_t)a->n_kinds * m;
    for (size_t i = 0; i < cells; i++)
        most = fmax(most, a->load[i]);
    for (uint32_t k = 0; k < a->n_kinds; k++) {
        double *weight = a->weight + (size_t)k * m, *load = a->load + (size_t)k * m, own = 0;
        for (uint32_t r = 0; r < m; r++)
            own = fmax(own, load[r]);
        own += IDLE * most + 1e-9; /* kinds that are hardly used move slowly */
        for (uint32_t r = 0; r < m; r++) {
            weight[r] *= exp(step * PACE * load[r] / own);
            weight[r] = weight[r] > LEAST_WEIGHT ? weight[r] : LEAST_WEIGHT;
        }
    }
}

/* Rents rise where more nodes are asked for than there are. */
static void adjust_rents(struct ascent *a, double step)
{
    for (uint32_t k = a->kinds->n; k < a->n_kinds; k++) {
        double excess = a->asked[k] / a->rented[k - a->kinds->n].count - 1;
        a->rent[k] *= exp(step * (excess > 1 ? 1 : excess));
        if (a->rent[k] < LEAST_RENT)
            a->rent[k] = LEAST_RENT;
    }
}

/* A pod that asks for nothing is worth next to nothing, but something: else no packing would take it along. */
static void keep(const struct ascent *a, double *duals)
{
    for (uint32_t s = 0; s < a->packer->n_shapes; s++)
        duals[s] = a->demand[s] > 0 && a->cheapest[s] < HUGE_VAL ? fmax(a->cheapest[s], LEAST_DUAL_MICROUSD) : 0;
}

int ascent_duals(const struct packer *packer, const struct kinds *kinds, struct ascent_rented *rented,
                 uint32_t n_rented, const int64_t *demand, int rounds, double *duals, double *ret_bound,
                 struct err *err)
{
    uint32_t resources = packer->n_dims + packer->problem->n_groups;
    struct ascent a = {.packer = packer,
                       .kinds = kinds,
                       .rented = rented,
                       .n_kinds = kinds->n + n_rented,
                       .demand = demand,
                       .n_resources = resources < MAX_RESOURCES ? resources : MAX_RESOURCES};
    int failed = prepare(&a, err);
    double best = -HUGE_VAL;
    for (int round = 0; !failed && round < rounds * (n_rented ? 2 : 1); round++) {
        double bound = evaluate(&a);
        if (bound > best) {
            best = bound;
            keep(&a, duals);
        }
        assign(&a, fmax(0.05 * pow(0.97, round), 0.001));
        climb(&a, pow(0.98, round));
        adjust_rents(&a, 0.3 * pow(0.98, round));
    }
    if (!failed)
        *ret_bound = best;
    arena_release(&a.arena);
    return failed;
}

#include "solver/tier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "solver/ascent.h"
#include "solver/stage.h"

enum { BISECTIONS = 5, PACKING_NODES = 100 };

/* Far above any price, and sums of it over a small problem's nodes stay far below int64. */
static const double DEAREST_BENT_MICROUSD = 1e11;

static uint64_t *offerings_of_tier(const struct tier *tier)
{
    const struct solver_problem *p = tier->packer->problem;
    uint64_t *allowed = arena_array(tier->arena, uint64_t, BITSET_WORDS(p->n_offerings));
    for (uint32_t j = 0; allowed && j < p->n_offerings; j++)
        if (p->owners[p->offerings[j].owner].tier == tier->number)
            bitset_add(allowed, j);
    return allowed;
}

static const int64_t *room_of(const struct tier *tier, uint32_t owner)
{
    return tier->room + (size_t)owner * tier->packer->n_dims;
}

/* How many nodes of an offering its owner's limit still allows; at most `most`. */
static int64_t nodes_within(const struct tier *tier, uint32_t offering, int64_t most)
{
    const struct solver_problem *p = tier->packer->problem;
    const int64_t *room = room_of(tier, p->offerings[offering].owner);
    for (uint32_t d = 0; d < p->n_dims; d++) {
        int64_t each = p->offerings[offering].capacity[d];
        if (room[d] == SOLVER_UNLIMITED || each == 0)
            continue;
        int64_t fit = room[d] / each;
        most = fit < most ? fit : most;
    }
    return most > 0 ? most : 0;
}

static void charge(struct tier *tier, uint32_t offering, int64_t copies)
{
    const struct solver_problem *p = tier->packer->problem;
    int64_t *room = tier->room + (size_t)p->offerings[offering].owner * p->n_dims;
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (room[d] != SOLVER_UNLIMITED)
            room[d] -= copies * p->offerings[offering].capacity[d];
}

static int within_limits(struct tier *tier, const struct stage *stage, bool *ret_within, struct err *err)
{
    const struct solver_problem *p = tier->packer->problem;
    size_t cells = (size_t)p->n_owners * p->n_dims;
    int64_t *before = arena_array(tier->arena, int64_t, cells);
    if (!before)
        return err_nomem(err);
    memcpy(before, tier->room, cells * sizeof(*before));
    bool within = true;
    for (size_t i = 0; i < stage->bag.items.len && within; i++) {
        const struct bag_item *item = &stage->bag.items.items[i];
        uint32_t offering = stage->kinds.items[item->kind].offering;
        within = nodes_within(tier, offering, item->copies) == item->copies;
        if (within)
            charge(tier, offering, item->copies);
    }
    memcpy(tier->room, before, cells * sizeof(*before));
    *ret_within = within;
    return 0;
}

/* Buys `copies` of an offering; the takes are borrowed from the tier's arena. */
static int purchase(struct tier *tier, uint32_t offering, const struct solver_take *takes, uint32_t n_takes,
                    int64_t copies, struct err *err)
{
    if (!VEC_PUSH(&tier->purchases->items, ((struct solver_purchase){offering, copies, takes, n_takes})))
        return err_nomem(err);
    charge(tier, offering, copies);
    for (uint32_t k = 0; k < n_takes; k++)
        tier->demand[takes[k].shape] -= copies * takes[k].count;
    return 0;
}

static int take_over(struct tier *tier, const struct stage *stage, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; !failed && i < stage->bag.items.len; i++) {
        const struct bag_item *item = &stage->bag.items.items[i];
        failed = purchase(tier, stage->kinds.items[item->kind].offering, item->takes, item->n_takes, item->copies, err);
    }
    return failed;
}

/* What one node uses up of its owner's limits: the largest share of any resource; 0 where there is no limit. */
static double usage(const struct tier *tier, uint32_t offering)
{
    const struct solver_problem *p = tier->packer->problem;
    const int64_t *room = room_of(tier, p->offerings[offering].owner);
    double share = 0;
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (room[d] != SOLVER_UNLIMITED && p->offerings[offering].capacity[d] > 0) {
            double each = (double)p->offerings[offering].capacity[d] / (double)(room[d] > 0 ? room[d] : 1);
            share = each > share ? each : share;
        }
    return share;
}

/* The problem with prices bent towards using less of the limits: blend 0 is dollars, 1 is use alone. */
static struct solver_problem *bent(const struct tier *tier, double blend, double scale_microusd)
{
    const struct solver_problem *p = tier->packer->problem;
    struct solver_problem *copy = arena_new(tier->arena, struct solver_problem);
    struct solver_offering *offerings = arena_array(tier->arena, struct solver_offering, p->n_offerings);
    if (!copy || !offerings)
        return NULL;
    memcpy(offerings, p->offerings, p->n_offerings * sizeof(*offerings));
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        double price = (1 - blend) * (double)p->offerings[j].price_microusd + blend * scale_microusd * usage(tier, j);
        /* Dollars still decide between equals. */
        price += 1e-3 * (double)p->offerings[j].price_microusd;
        offerings[j].price_microusd =
            price < DEAREST_BENT_MICROUSD ? (int64_t)ceil(price) : (int64_t)DEAREST_BENT_MICROUSD;
    }
    *copy = *p;
    copy->offerings = offerings;
    return copy;
}

static int64_t dollars(const struct solver_problem *p, const struct stage *stage)
{
    int64_t sum = 0;
    for (size_t i = 0; i < stage->bag.items.len; i++) {
        const struct bag_item *item = &stage->bag.items.items[i];
        sum += item->copies * p->offerings[stage->kinds.items[item->kind].offering].price_microusd;
    }
    return sum;
}

/* Solves at a blend of price and use; ret_fits says whether the answer keeps the limits. */
static int solve_bent(struct tier *tier, double blend, double scale, const uint64_t *allowed, struct stage *stage,
                      bool *ret_fits, struct err *err)
{
    const struct solver_problem *own = tier->packer->problem;
    struct solver_problem *problem = bent(tier, blend, scale);
    if (!problem)
        return err_nomem(err);
    *stage =
        (struct stage){.packer = tier->packer, .options = tier->options, .arena = tier->arena, .demand = tier->demand};
    tier->packer->problem = problem;
    int failed = stage_solve(stage, allowed, err);
    tier->packer->problem = own;
    return failed ? failed : within_limits(tier, stage, ret_fits, err);
}

/*
 * The cheapest blend that keeps the limits, by bisection. ret_found is false where even use alone does not.
 */
static int bend_until_it_fits(struct tier *tier, double scale, const uint64_t *allowed, bool *ret_found,
                              struct err *err)
{
    struct stage best = {0}, trial;
    double low = 0, high = 1, blend = 1;
    *ret_found = false;
    int failed = 0;
    for (int n = 0; !failed && n <= BISECTIONS; n++) {
        bool fits = false;
        failed = solve_bent(tier, blend, scale, allowed, &trial, &fits, err);
        bool better =
            fits && (!*ret_found || dollars(tier->packer->problem, &trial) < dollars(tier->packer->problem, &best));
        if (!failed && better) {
            if (*ret_found)
                stage_release(&best);
            best = trial;
            *ret_found = true;
        } else {
            stage_release(&trial);
        }
        if (!*ret_found)
            break;
        if (fits)
            high = blend;
        else
            low = blend;
        blend = (low + high) / 2;
    }
    if (!failed && *ret_found) {
        failed = take_over(tier, &best, err);
        tier->method = best.method;
    }
    if (*ret_found)
        stage_release(&best);
    return failed;
}

static int compare_int32(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x < y) - (x > y);
}

/* The priorities that occur, highest first, without repetition. */
static size_t priorities(const struct solver_problem *p, int32_t *levels)
{
    for (uint32_t s = 0; s < p->n_shapes; s++)
        levels[s] = p->shapes[s].priority;
    qsort(levels, p->n_shapes, sizeof(*levels), compare_int32);
    size_t n = 0;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (!n || levels[n - 1] != levels[s])
            levels[n++] = levels[s];
    return n;
}

/*
 * The kind, among those the limits still allow, whose best packing of this priority's pods carries most for what it
 * uses of the limits. Pods of lower priority only fill what is left on it. Its takes stay in the packer's scratch.
 */
static uint32_t choose_kind(struct tier *tier, const struct kinds *kinds, const double *values, const int64_t *avail,
                            uint32_t *ret_takes)
{
    uint32_t best = UINT32_MAX;
    double most = 0;
    for (uint32_t k = 0; k < kinds->n; k++) {
        if (!nodes_within(tier, kinds->items[k].offering, 1))
            continue;
        struct packing found = pack_best(tier->packer, &kinds->items[k].bin, values, avail, PACKING_NODES, NULL);
        double ratio = found.value / (double)kinds->items[k].price_microusd;
        if (found.n_takes && ratio > most) {
            most = ratio;
            best = k;
        }
    }
    if (best != UINT32_MAX)
        *ret_takes = pack_best(tier->packer, &kinds->items[best].bin, values, avail, PACKING_NODES, NULL).n_takes;
    return best;
}

/* One node after another while limits allow, for pods of one priority. */
static int fill_level(struct tier *tier, const struct kinds *kinds, const double *duals, int32_t priority,
                      double *values, int64_t *avail, struct err *err)
{
    const struct solver_problem *p = tier->packer->problem;
    for (;;) {
        for (uint32_t s = 0; s < p->n_shapes; s++) {
            values[s] = duals[s] * (p->shapes[s].priority >= priority ? 1.0 : 1e-4);
            avail[s] = tier->demand[s];
        }
        bool wanted = false;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            wanted |= p->shapes[s].priority >= priority && avail[s] > 0 && duals[s] > 0;
        uint32_t n_takes = 0;
        uint32_t kind = wanted ? choose_kind(tier, kinds, values, avail, &n_takes) : UINT32_MAX;
        if (kind == UINT32_MAX)
            return 0;
        struct solver_take *takes = arena_array(tier->arena, struct solver_take, n_takes);
        if (!takes)
            return err_nomem(err);
        memcpy(takes, pack_takes(tier->packer), n_takes * sizeof(*takes));
        bool any = false;
        int64_t copies = INT64_MAX;
        for (uint32_t k = 0; k < n_takes; k++) {
            any |= p->shapes[takes[k].shape].priority >= priority;
            int64_t times = tier->demand[takes[k].shape] / takes[k].count;
            copies = times < copies ? times : copies;
        }
        if (!any)
            return 0; /* only lower priorities still fit anywhere: their turn comes */
        copies = nodes_within(tier, kinds->items[kind].offering, copies);
        int failed = purchase(tier, kinds->items[kind].offering, takes, n_takes, copies, err);
        if (failed)
            return failed;
    }
}

/* Not everything fits: as much as the limits allow. */
static int fill_by_priority(struct tier *tier, double scale, const uint64_t *allowed, struct err *err)
{
    const struct solver_problem *own = tier->packer->problem;
    struct solver_problem *problem = bent(tier, 1, scale);
    uint32_t n = own->n_shapes;
    int32_t *levels = arena_array(tier->arena, int32_t, n);
    double *duals = arena_array(tier->arena, double, n), *values = arena_array(tier->arena, double, n), bound;
    int64_t *avail = arena_array(tier->arena, int64_t, n);
    if (!problem || !levels || !duals || !values || !avail)
        return err_nomem(err);
    struct kinds kinds = {0};
    tier->packer->problem = problem;
    int failed = kinds_build(problem, tier->demand, allowed, tier->arena, &kinds, err);
    if (!failed && kinds.n)
        failed = ascent_duals(tier->packer, &kinds, NULL, 0, tier->demand, ASCENT_FULL, duals, &bound, err);
    tier->packer->problem = own;
    size_t n_levels = priorities(own, levels);
    for (size_t i = 0; !failed && kinds.n && i < n_levels; i++)
        failed = fill_level(tier, &kinds, duals, levels[i], values, avail, err);
    tier->method = "heuristic";
    return failed;
}

int tier_solve(struct tier *tier, struct err *err)
{
    const uint64_t *allowed = offerings_of_tier(tier);
    if (!allowed)
        return err_nomem(err);
    struct stage stage = {
        .packer = tier->packer, .options = tier->options, .arena = tier->arena, .demand = tier->demand};
    int failed = stage_solve(&stage, allowed, err);
    if (failed || !stage.kinds.n) {
        stage_release(&stage);
        return failed;
    }
    for (uint32_t s = 0; s < tier->packer->n_shapes; s++)
        if (stage.duals[s] > 0)
            tier->duals[s] = stage.duals[s];
    tier->method = stage.method;
    tier->bound = stage.bound;
    bool within = true;
    failed = within_limits(tier, &stage, &within, err);
    tier->limited = !within;
    double scale = (double)stage.bag.cost_microusd;
    if (!failed && within)
        failed = take_over(tier, &stage, err);
    stage_release(&stage);
    if (failed || !tier->limited)
        return failed;
    bool found = false;
    failed = bend_until_it_fits(tier, scale, allowed, &found, err);
    return failed || found ? failed : fill_by_priority(tier, scale, allowed, err);
}

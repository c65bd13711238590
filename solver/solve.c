#include "solver/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/money.h"
#include "solver/ascent.h"
#include "solver/check.h"
#include "solver/exact.h"
#include "solver/fill.h"
#include "solver/fit.h"
#include "solver/rent.h"
#include "solver/stage.h"
#include "solver/tier.h"

/* No pod is worth more than the dearest node: what is above that in a dual proves nothing. */
static const double MOST_DUAL_NANOUSD = 1000.0 * MONEY_MAX_MICROUSD;

struct solve {
    const struct solver_problem *problem;
    const struct solver_options *options;
    struct arena *arena;
    struct packer packer;
    struct bin *bins;     /* [n_nodes] */
    int64_t *demand;      /* [n_shapes] not placed yet */
    int64_t *room;        /* [n_owners][n_dims] */
    double *first_duals;  /* [n_shapes] micro-dollars; with existing nodes, before they were filled */
    double *duals;        /* [n_shapes] micro-dollars */
    uint64_t *everything; /* [n_offerings] all set */
    struct purchases purchases;
    struct fillings fillings;
    VEC(struct solver_leftover) leftovers;
    const char *method;
    double bound;
    bool bound_known; /* `bound` is about the whole problem */
};

static int prepare(struct solve *s, struct err *err)
{
    const struct solver_problem *p = s->problem;
    s->demand = arena_array(s->arena, int64_t, p->n_shapes);
    s->room = arena_array(s->arena, int64_t, (size_t)p->n_owners * p->n_dims);
    s->duals = arena_array(s->arena, double, p->n_shapes);
    s->first_duals = arena_array(s->arena, double, p->n_shapes);
    s->everything = arena_array(s->arena, uint64_t, BITSET_WORDS(p->n_offerings));
    s->bins = fill_bins(p, s->arena);
    if (!s->demand || !s->room || !s->duals || !s->first_duals || !s->everything || !s->bins)
        return err_nomem(err);
    for (uint32_t k = 0; k < p->n_shapes; k++)
        s->demand[k] = p->shapes[k].count;
    for (uint32_t o = 0; o < p->n_owners; o++)
        memcpy(s->room + (size_t)o * p->n_dims, p->owners[o].limit, p->n_dims * sizeof(*s->room));
    if (p->n_offerings)
        bitset_fill(s->everything, p->n_offerings);
    s->method = "heuristic";
    return packer_init(&s->packer, p, s->arena, err);
}

/* The owner of the first offering that could hold the shape; SOLVER_NONE if there is none. */
static uint32_t possible_owner(const struct solver_problem *p, uint32_t shape)
{
    BITSET_EACH (j, p->shapes[shape].admits, p->n_offerings)
        if (fit_alone(p, shape, p->offerings[j].alloc))
            return p->offerings[j].owner;
    return SOLVER_NONE;
}

static uint32_t count_tiers(const struct solver_problem *p)
{
    uint32_t tiers = 0;
    for (uint32_t o = 0; o < p->n_owners; o++)
        tiers = p->owners[o].tier + 1 > tiers ? p->owners[o].tier + 1 : tiers;
    return tiers;
}

static bool has_limits(const struct solver_problem *p)
{
    for (uint32_t o = 0; o < p->n_owners; o++)
        for (uint32_t d = 0; d < p->n_dims; d++)
            if (p->owners[o].limit[d] != SOLVER_UNLIMITED)
                return true;
    return false;
}

/* Duals with existing nodes as rented room: they choose what goes there, and price shapes that all go there. */
static int rented_duals(struct solve *s, struct packer *packer, const struct bin *bins, const int64_t *demand,
                        const uint64_t *everything, double *duals, struct err *err)
{
    struct kinds kinds = {0};
    struct ascent_rented *rented;
    uint32_t n_rented;
    double bound;
    int failed = kinds_build(packer->problem, demand, everything, s->arena, &kinds, err);
    if (!failed)
        failed = rent_nodes(packer, bins, &kinds, s->arena, &rented, &n_rented, err);
    if (!failed && kinds.n)
        failed = ascent_duals(packer, &kinds, rented, n_rented, demand, ASCENT_FULL, duals, &bound, err);
    return failed;
}

/* The demand that something holds: [n_shapes]. */
static void list_placeable(const struct solve *s, int64_t *placeable)
{
    const struct solver_problem *p = s->problem;
    for (uint32_t k = 0; k < p->n_shapes; k++) {
        bool any = possible_owner(p, k) != SOLVER_NONE;
        for (uint32_t e = 0; e < p->n_nodes && !any; e++)
            any = bitset_has(s->bins[e].members, k);
        placeable[k] = any ? s->demand[k] : 0;
    }
}

/* What each tier sells: [n_tiers] in the arena, to be released. */
static int kinds_by_tier(struct solve *s, const int64_t *demand, uint32_t n_tiers, struct kinds *ret, struct err *err)
{
    const struct solver_problem *p = s->problem;
    int failed = 0;
    for (uint32_t t = 0; !failed && t < n_tiers; t++) {
        uint64_t *allowed = arena_array(s->arena, uint64_t, BITSET_WORDS(p->n_offerings));
        if (!allowed)
            return err_nomem(err);
        for (uint32_t j = 0; j < p->n_offerings; j++)
            if (p->owners[p->offerings[j].owner].tier == t)
                bitset_add(allowed, j);
        failed = kinds_build(p, demand, allowed, s->arena, &ret[t], err);
    }
    return failed;
}

/* Takes over what the exact solver found. */
static int take_exact(struct solve *s, const struct exact_question *q, const struct bag *bags,
                      const struct exact_filling *fillings, struct err *err)
{
    for (uint32_t e = 0; e < q->n_nodes; e++) {
        const struct exact_filling *filling = &fillings[e];
        if (filling->n_takes &&
            !VEC_PUSH(&s->fillings.items, ((struct solver_filling){e, filling->takes, filling->n_takes})))
            return err_nomem(err);
        for (uint32_t k = 0; k < filling->n_takes; k++)
            s->demand[filling->takes[k].shape] -= filling->takes[k].count;
    }
    for (uint32_t t = 0; t < q->n_tiers; t++)
        for (size_t i = 0; i < bags[t].items.len; i++) {
            const struct bag_item *item = &bags[t].items.items[i];
            struct solver_purchase purchase = {q->tiers[t].items[item->kind].offering, item->copies, item->takes,
                                               item->n_takes};
            if (!VEC_PUSH(&s->purchases.items, purchase))
                return err_nomem(err);
            for (uint32_t k = 0; k < item->n_takes; k++)
                s->demand[item->takes[k].shape] -= item->copies * item->takes[k].count;
        }
    s->method = "exact";
    return 0;
}

/*
 * With few pods the whole question, existing nodes, tiers and limits included, has an exact answer. (Without those the
 * stage does the same, and proves more on the way.)
 */
static int try_exact(struct solve *s, bool *ret_done, struct err *err)
{
    const struct solver_problem *p = s->problem;
    uint32_t n_tiers = count_tiers(p);
    bool limited = has_limits(p);
    *ret_done = false;
    int64_t *demand = arena_array(s->arena, int64_t, p->n_shapes);
    struct kinds *tiers = arena_array(s->arena, struct kinds, n_tiers);
    struct bag *bags = arena_array(s->arena, struct bag, n_tiers);
    struct exact_filling *found = arena_array(s->arena, struct exact_filling, p->n_nodes);
    if (!demand || !tiers || !bags || !found)
        return err_nomem(err);
    if (n_tiers == 0 || (!p->n_nodes && n_tiers == 1 && !limited))
        return 0;
    list_placeable(s, demand);
    if (!exact_is_small(demand, p->n_shapes, p->n_nodes, n_tiers))
        return 0;
    struct err why = {0};
    const struct exact_question question = {
        &s->packer, s->bins, p->n_nodes, tiers, n_tiers, demand, limited ? s->room : NULL};
    int failed = kinds_by_tier(s, demand, n_tiers, tiers, err);
    if (!failed && !p->n_nodes) /* with nodes they are there already */
        failed = rented_duals(s, &s->packer, s->bins, demand, s->everything, s->first_duals, err);
    bool built = !failed;
    if (!failed)
        failed = exact_solve(&question, s->arena, bags, found, &why);
    *ret_done = !failed;
    if (!failed)
        failed = take_exact(s, &question, bags, found, err);
    else if (built && failed == ERR_NO_CAPACITY)
        failed = 0; /* too many ways to keep the limits */
    else if (built)
        failed = err_nomem(err);
    for (uint32_t t = 0; t < n_tiers; t++)
        bag_release(&bags[t]);
    return failed;
}

static int solve_tiers(struct solve *s, struct err *err)
{
    uint32_t tiers = count_tiers(s->problem);
    for (uint32_t t = 0; t < tiers; t++) {
        struct tier tier = {.packer = &s->packer,
                            .options = s->options,
                            .arena = s->arena,
                            .number = t,
                            .demand = s->demand,
                            .room = s->room,
                            .duals = s->duals,
                            .purchases = &s->purchases};
        int failed = tier_solve(&tier, err);
        if (failed)
            return failed;
        if (tier.method)
            s->method = tier.method;
        s->bound_known = tiers == 1 && !tier.limited && !s->problem->n_nodes;
        s->bound = tier.bound;
    }
    return 0;
}

static int list_leftovers(struct solve *s, struct err *err)
{
    for (uint32_t k = 0; k < s->problem->n_shapes; k++) {
        if (s->demand[k] <= 0)
            continue;
        uint32_t owner = possible_owner(s->problem, k);
        struct solver_leftover left = {k, s->demand[k], owner == SOLVER_NONE ? SOLVER_NO_OFFERING : SOLVER_LIMIT,
                                       owner};
        if (!VEC_PUSH(&s->leftovers, left))
            return err_nomem(err);
    }
    return 0;
}

/* The question the bound is about, with what is placed as its demand. */
struct question {
    const struct solver_problem *about;
    int64_t *placed;  /* [about->n_shapes] */
    int64_t *nanousd; /* [about->n_shapes] the best duals so far */
    int64_t *trial;   /* [about->n_shapes] */
    int64_t bound_microusd;
    bool answered;
};

/* Keeps these duals if they prove more. The checker says how much: it knows existing nodes exactly. */
static int offer_duals(struct question *q, const double *duals, bool only, struct err *err)
{
    int64_t bound = 0;
    for (uint32_t k = 0; k < q->about->n_shapes; k++)
        q->trial[k] = (int64_t)floor(fmin(duals[k] * 1000, MOST_DUAL_NANOUSD));
    if (!only) {
        int failed = solver_check_bound(q->about, q->placed, q->trial, &bound, err);
        if (failed)
            return failed;
    }
    if (q->answered && bound <= q->bound_microusd)
        return 0;
    q->answered = true;
    q->bound_microusd = bound;
    memcpy(q->nanousd, q->trial, q->about->n_shapes * sizeof(*q->nanousd));
    return 0;
}

/* The relaxed question has its own columns, and its own rents. */
static int ask_relaxed(struct solve *s, struct question *q, struct err *err)
{
    const struct solver_problem *about = q->about;
    uint64_t *all = arena_array(s->arena, uint64_t, BITSET_WORDS(about->n_offerings));
    double *duals = arena_array(s->arena, double, about->n_shapes);
    struct bin *bins = fill_bins(about, s->arena);
    if (!all || !duals || !bins)
        return err_nomem(err);
    if (about->n_offerings)
        bitset_fill(all, about->n_offerings);
    struct packer packer = {0};
    struct stage stage = {.packer = &packer, .options = s->options, .arena = s->arena, .demand = q->placed};
    int failed = packer_init(&packer, about, s->arena, err);
    if (!failed)
        failed = stage_bound(&stage, all, err);
    if (!failed)
        failed = offer_duals(q, stage.duals, !about->n_nodes, err);
    if (!failed && about->n_nodes)
        failed = rented_duals(s, &packer, bins, q->placed, all, duals, err);
    if (!failed && about->n_nodes)
        failed = offer_duals(q, duals, false, err);
    stage_release(&stage);
    packer_release(&packer);
    return failed;
}

/* The plan's own duals: from its stages, and where existing nodes took part, from before they were filled. */
static int ask_same(struct solve *s, struct question *q, struct err *err)
{
    for (uint32_t k = 0; k < q->about->n_shapes; k++)
        if (s->duals[k] <= 0)
            s->duals[k] = s->first_duals[k];
    int failed = offer_duals(q, s->duals, s->bound_known, err);
    if (!failed && q->about->n_nodes)
        failed = offer_duals(q, s->first_duals, false, err);
    return failed;
}

static int write_duals(struct solve *s, struct solver_plan *plan, struct err *err)
{
    const uint32_t *map = s->options->relaxed_shape;
    struct question q = {.about = s->options->relaxed ? s->options->relaxed : s->problem};
    q.placed = arena_array(s->arena, int64_t, q.about->n_shapes);
    q.nanousd = arena_array(s->arena, int64_t, q.about->n_shapes);
    q.trial = arena_array(s->arena, int64_t, q.about->n_shapes);
    if (!q.placed || !q.nanousd || !q.trial)
        return err_nomem(err);
    for (uint32_t k = 0; k < s->problem->n_shapes; k++)
        q.placed[map ? map[k] : k] += s->problem->shapes[k].count - s->demand[k];
    int failed = q.about == s->problem ? ask_same(s, &q, err) : ask_relaxed(s, &q, err);
    if (failed)
        return failed;
    plan->duals_nanousd = q.nanousd;
    plan->lower_bound_microusd = q.bound_microusd;
    if (q.about == s->problem && s->bound_known)
        plan->lower_bound_microusd = (int64_t)floor(s->bound * (1 - 1e-9));
    return 0;
}

static void *into_arena(struct arena *arena, const void *items, size_t len, size_t size)
{
    void *copy = arena_calloc(arena, len, size);
    if (copy && len)
        memcpy(copy, items, len * size);
    return copy;
}

static int write_plan(struct solve *s, struct solver_plan *ret, struct err *err)
{
    struct solver_plan plan = {.method = s->method};
    plan.n_purchases = s->purchases.items.len;
    plan.purchases = into_arena(s->arena, s->purchases.items.items, plan.n_purchases, sizeof(*plan.purchases));
    plan.n_fillings = s->fillings.items.len;
    plan.fillings = into_arena(s->arena, s->fillings.items.items, plan.n_fillings, sizeof(*plan.fillings));
    plan.n_leftovers = s->leftovers.len;
    plan.leftovers = into_arena(s->arena, s->leftovers.items, plan.n_leftovers, sizeof(*plan.leftovers));
    if (!plan.purchases || !plan.fillings || !plan.leftovers)
        return err_nomem(err);
    for (size_t i = 0; i < plan.n_purchases; i++)
        plan.cost_microusd +=
            plan.purchases[i].copies * s->problem->offerings[plan.purchases[i].offering].price_microusd;
    int failed = write_duals(s, &plan, err);
    if (!failed)
        *ret = plan;
    return failed;
}

static int run(struct solve *s, struct solver_plan *ret, struct err *err)
{
    bool done = false;
    int failed = prepare(s, err);
    if (!failed && s->problem->n_nodes)
        failed = rented_duals(s, &s->packer, s->bins, s->demand, s->everything, s->first_duals, err);
    if (!failed)
        failed = try_exact(s, &done, err);
    if (!failed && !done && s->problem->n_nodes)
        failed = fill_nodes(&s->packer, s->bins, s->first_duals, s->demand, s->arena, &s->fillings, err);
    if (!failed && !done)
        failed = solve_tiers(s, err);
    if (!failed)
        failed = list_leftovers(s, err);
    return failed ? failed : write_plan(s, ret, err);
}

int solver_solve(const struct solver_problem *problem, const struct solver_options *options, struct arena *arena,
                 struct solver_plan *ret_plan, struct err *err)
{
    int failed = solver_problem_check(problem, err);
    if (!failed && options->relaxed)
        failed = solver_problem_check(options->relaxed, err);
    if (failed)
        return failed;
    struct solve s = {.problem = problem, .options = options, .arena = arena};
    failed = run(&s, ret_plan, err);
    packer_release(&s.packer);
    VEC_FREE(&s.purchases.items);
    VEC_FREE(&s.fillings.items);
    VEC_FREE(&s.leftovers);
    return failed;
}

int solver_worth(const struct solver_problem *problem, const int64_t *demand, const uint64_t *allowed,
                 double *worth_microusd, double *ret_total_microusd, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct packer packer = {0};
    struct kinds kinds = {0};
    double total = 0;
    memset(worth_microusd, 0, problem->n_shapes * sizeof(*worth_microusd));
    int failed = packer_init(&packer, problem, &arena, err);
    if (!failed)
        failed = kinds_build(problem, demand, allowed, &arena, &kinds, err);
    if (!failed && kinds.n)
        failed = ascent_duals(&packer, &kinds, NULL, 0, demand, ASCENT_SHORT, worth_microusd, &total, err);
    packer_release(&packer);
    arena_release(&arena);
    if (!failed)
        *ret_total_microusd = total;
    return failed;
}

#include "solver/exact.h"

#include <stdlib.h>
#include <string.h>

#include "solver/exact_tier.h"

static const int64_t MOST_PAIRS = 3000000;
static const int64_t MOST_HISTORIES = INT64_C(1) << 62;

#define NOT_REACHED UINT32_MAX

/* Compared from the first to the last; the sum of two parts' costs is the cost of both. */
struct cost {
    int64_t missed; /* pods that the tiers so far did not place, by priority: see weigh_priorities */
    int64_t price_microusd;
    int64_t outside; /* pods on new nodes */
    int64_t nodes;   /* new ones */
};

/*
 * Layers, one behind the other: each existing node, then each tier. A layer's table says for each multiset of pods
 * which part of it the layer took when the multiset is what is placed so far; NOT_REACHED where that cannot be.
 */
struct exact {
    const struct exact_question *q;
    struct multiset_space space;
    int64_t weight[MULTISET_MAX_SHAPES]; /* of a pod not placed */
    int64_t n_classes;                   /* weights of any multiset are below this */
    uint32_t *taken_by_node;             /* [n_nodes][space.n] */
    uint32_t *taken_by_tier;             /* [n_tiers][space.n] */
    int64_t *pods;                       /* [space.n] */
    struct cost *cost, *next;            /* [space.n] of what is reached so far; of the layer in hand */
    bool *fits;                          /* [space.n] on the existing node in hand */
    struct exact_tier *tiers;            /* [n_tiers] */
};

bool exact_is_small(const int64_t *demand, uint32_t n_shapes, uint32_t n_nodes, uint32_t n_tiers)
{
    struct multiset_space space;
    return multiset_space_init(&space, demand, n_shapes, MOST_PAIRS / ((int64_t)n_nodes + n_tiers)) &&
           space.n_shapes > 0;
}

static int compare_int64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_cost(const struct cost *a, const struct cost *b)
{
    int order = compare_int64(a->missed, b->missed);
    if (!order)
        order = compare_int64(a->price_microusd, b->price_microusd);
    if (!order)
        order = compare_int64(a->outside, b->outside);
    return order ? order : compare_int64(a->nodes, b->nodes);
}

/*
 * A number in mixed radix again, a digit a priority: how many pods of that priority are missing. A pod weighs more
 * than all pods of lower priorities together.
 */
static void weigh_priorities(struct exact *x)
{
    const struct multiset_space *space = &x->space;
    const struct solver_shape *shapes = x->q->packer->problem->shapes;
    bool weighed[MULTISET_MAX_SHAPES] = {false};
    x->n_classes = 1;
    for (uint32_t left = space->n_shapes; left > 0;) {
        int32_t lowest = INT32_MAX;
        int64_t pods = 0;
        for (uint32_t i = 0; i < space->n_shapes; i++)
            if (!weighed[i] && shapes[space->shape[i]].priority < lowest)
                lowest = shapes[space->shape[i]].priority;
        for (uint32_t i = 0; i < space->n_shapes; i++)
            if (!weighed[i] && shapes[space->shape[i]].priority == lowest) {
                weighed[i] = true;
                x->weight[i] = x->n_classes;
                pods += space->count[i];
                left--;
            }
        x->n_classes *= pods + 1; /* at most space.n in the end */
    }
}

static int64_t missed_by(const struct exact *x, uint32_t set)
{
    uint32_t digits[MULTISET_MAX_SHAPES];
    int64_t missed = 0;
    multiset_digits(&x->space, set, digits);
    for (uint32_t i = 0; i < x->space.n_shapes; i++)
        missed += x->weight[i] * (x->space.count[i] - digits[i]);
    return missed;
}

/* ---- Existing nodes: they cost nothing, so what counts is which multisets they hold together ---- */

/* What a node holds, it holds every part of. */
static void find_fits(struct exact *x, const struct bin *bin)
{
    const struct multiset_space *space = &x->space;
    struct solver_take takes[MULTISET_MAX_SHAPES];
    uint32_t digits[MULTISET_MAX_SHAPES];
    x->fits[0] = true;
    for (uint32_t set = 1; set < space->n; set++) {
        bool fits = true;
        multiset_digits(space, set, digits);
        for (uint32_t i = 0; i < space->n_shapes && fits; i++)
            fits = !digits[i] || x->fits[set - space->place[i]];
        uint32_t n_takes = multiset_takes(space, set, takes);
        x->fits[set] = fits && pack_fits(x->q->packer, bin, takes, n_takes);
    }
}

/* `before` is NULL for the first node: nothing is placed so far. */
static void fill_node(struct exact *x, const uint32_t *before, uint32_t *taken)
{
    const struct multiset_space *space = &x->space;
    uint32_t digits[MULTISET_MAX_SHAPES], whole[MULTISET_MAX_SHAPES];
    for (uint32_t set = 0; set < space->n; set++)
        taken[set] = NOT_REACHED;
    for (uint32_t placed = 0; placed < space->n; placed++) {
        if (before ? before[placed] == NOT_REACHED : placed > 0)
            continue;
        uint32_t part = space->n - 1 - placed;
        multiset_digits(space, part, whole);
        memcpy(digits, whole, sizeof(whole));
        do {
            if (x->fits[part] && taken[placed + part] == NOT_REACHED)
                taken[placed + part] = part;
        } while (multiset_next_part(space, whole, digits, &part));
    }
}

/* Returns what the existing nodes reach, or NULL where there are none. */
static const uint32_t *fill_nodes_first(struct exact *x)
{
    const uint32_t *reached = NULL;
    for (uint32_t e = 0; e < x->q->n_nodes; e++) {
        uint32_t *taken = x->taken_by_node + (size_t)e * x->space.n;
        find_fits(x, &x->q->bins[e]);
        fill_node(x, reached, taken);
        reached = taken;
    }
    return reached;
}

/* ---- Tiers ---- */

/* All that one multiset placed so far becomes with the tier's nodes. */
static void spread(struct exact *x, const struct exact_tier *tier, uint32_t placed, uint32_t *taken)
{
    const struct multiset_space *space = &x->space;
    uint32_t digits[MULTISET_MAX_SHAPES], whole[MULTISET_MAX_SHAPES], part = space->n - 1 - placed;
    multiset_digits(space, part, whole);
    memcpy(digits, whole, sizeof(whole));
    do {
        if (tier->best[part] == SOLVER_NONE)
            continue;
        const struct exact_label *label = &tier->labels.items[tier->best[part]];
        struct cost cost = x->cost[placed];
        cost.price_microusd += label->price_microusd;
        cost.outside += x->pods[part];
        cost.nodes += label->nodes;
        if (taken[placed + part] == NOT_REACHED || compare_cost(&cost, &x->next[placed + part]) < 0) {
            taken[placed + part] = part;
            x->next[placed + part] = cost;
        }
    } while (multiset_next_part(space, whole, digits, &part));
}

static int add_tier(struct exact *x, uint32_t t, const uint32_t *reached, bool limited, struct arena *arena,
                    struct err *err)
{
    const struct exact_question *q = x->q;
    uint32_t *taken = x->taken_by_tier + (size_t)t * x->space.n;
    int failed =
        exact_tier_solve(&x->tiers[t], q->packer, &x->space, &q->tiers[t], limited ? q->room : NULL, arena, err);
    if (failed)
        return failed;
    for (uint32_t set = 0; set < x->space.n; set++)
        taken[set] = NOT_REACHED;
    for (uint32_t placed = 0; placed < x->space.n; placed++)
        if (reached ? reached[placed] != NOT_REACHED : placed == 0)
            spread(x, &x->tiers[t], placed, taken);
    struct cost *spent = x->cost;
    x->cost = x->next;
    x->next = spent;
    /* What the earlier tiers missed weighs more than what this one does; the last one's is the same for a multiset. */
    for (uint32_t set = 0; t + 1 < q->n_tiers && set < x->space.n; set++)
        x->cost[set].missed = x->cost[set].missed * x->n_classes + missed_by(x, set);
    return 0;
}

/* The best of all multisets that can be placed: nothing at all is one. */
static uint32_t choose(const struct exact *x)
{
    const uint32_t *reached = x->taken_by_tier + (size_t)(x->q->n_tiers - 1) * x->space.n;
    uint32_t best = 0;
    for (uint32_t set = 1; set < x->space.n; set++) {
        if (reached[set] == NOT_REACHED)
            continue;
        int order = compare_int64(missed_by(x, set), missed_by(x, best));
        if (order < 0 || (order == 0 && compare_cost(&x->cost[set], &x->cost[best]) < 0))
            best = set;
    }
    return best;
}

/* ---- The answer ---- */

static int read_out(const struct exact *x, struct arena *arena, struct bag *bags, struct exact_filling *fillings,
                    struct err *err)
{
    uint32_t set = choose(x);
    for (uint32_t t = x->q->n_tiers; t-- > 0;) {
        uint32_t part = x->taken_by_tier[(size_t)t * x->space.n + set];
        int failed = exact_tier_read(&x->tiers[t], part, arena, &bags[t], err);
        if (failed)
            return failed;
        set -= part;
    }
    for (uint32_t e = x->q->n_nodes; e-- > 0;) {
        uint32_t part = x->taken_by_node[(size_t)e * x->space.n + set];
        struct solver_take *takes = arena_array(arena, struct solver_take, MULTISET_MAX_SHAPES);
        if (!takes)
            return err_nomem(err);
        fillings[e] = (struct exact_filling){e, takes, multiset_takes(&x->space, part, takes)};
        set -= part;
    }
    return 0;
}

/* Takes the nodes of the answer off q->room. False if that is exceeded. */
static bool is_within(const struct exact_question *q, const struct bag *bags, int64_t *room)
{
    const struct solver_problem *p = q->packer->problem;
    memcpy(room, q->room, (size_t)p->n_owners * p->n_dims * sizeof(*room));
    for (uint32_t t = 0; t < q->n_tiers; t++)
        for (size_t i = 0; i < bags[t].items.len; i++) {
            const struct bag_item *item = &bags[t].items.items[i];
            const struct solver_offering *offering = &p->offerings[q->tiers[t].items[item->kind].offering];
            for (uint32_t d = 0; d < p->n_dims; d++) {
                int64_t *left = &room[(size_t)offering->owner * p->n_dims + d];
                if (*left == SOLVER_UNLIMITED)
                    continue;
                if (offering->capacity[d] > *left / item->copies)
                    return false;
                *left -= offering->capacity[d] * item->copies;
            }
        }
    return true;
}

static int prepare(struct exact *x, struct arena *arena, struct err *err)
{
    const struct exact_question *q = x->q;
    if (!multiset_space_init(&x->space, q->demand, q->packer->n_shapes, MOST_PAIRS))
        return err_set(err, ERR_NO_CAPACITY, "too many pods to look at every way to place them");
    weigh_priorities(x);
    int64_t histories = 1;
    for (uint32_t t = 0; t < q->n_tiers; t++) {
        if (histories > MOST_HISTORIES / x->n_classes)
            return err_set(err, ERR_NO_CAPACITY, "too many tiers to look at every way to use them");
        histories *= x->n_classes;
    }
    size_t n = x->space.n;
    x->taken_by_node = arena_array(arena, uint32_t, n * q->n_nodes);
    x->taken_by_tier = arena_array(arena, uint32_t, n * q->n_tiers);
    x->pods = arena_array(arena, int64_t, n);
    x->cost = arena_array(arena, struct cost, n);
    x->next = arena_array(arena, struct cost, n);
    x->fits = arena_array(arena, bool, n);
    x->tiers = arena_array(arena, struct exact_tier, q->n_tiers);
    if (!x->taken_by_node || !x->taken_by_tier || !x->pods || !x->cost || !x->next || !x->fits || !x->tiers)
        return err_nomem(err);
    for (uint32_t set = 0; set < x->space.n; set++)
        x->pods[set] = multiset_pods(&x->space, set);
    return 0;
}

static int solve(struct exact *x, bool limited, struct arena *arena, struct bag *bags, struct exact_filling *fillings,
                 struct err *err)
{
    int failed = 0;
    memset(x->cost, 0, x->space.n * sizeof(*x->cost));
    const uint32_t *reached = fill_nodes_first(x);
    for (uint32_t t = 0; !failed && t < x->q->n_tiers; t++) {
        failed = add_tier(x, t, reached, limited, arena, err);
        reached = x->taken_by_tier + (size_t)t * x->space.n;
    }
    for (uint32_t t = 0; t < x->q->n_tiers; t++)
        bag_clear(&bags[t]);
    if (!failed)
        failed = read_out(x, arena, bags, fillings, err);
    for (uint32_t t = 0; t < x->q->n_tiers; t++)
        exact_tier_release(&x->tiers[t]);
    return failed;
}

int exact_solve(const struct exact_question *question, struct arena *arena, struct bag *bags,
                struct exact_filling *fillings, struct err *err)
{
    struct exact x = {.q = question};
    const struct solver_problem *p = question->packer->problem;
    int64_t *room = arena_array(arena, int64_t, (size_t)p->n_owners * p->n_dims);
    int failed = room ? prepare(&x, arena, err) : err_nomem(err);
    if (!failed)
        failed = solve(&x, false, arena, bags, fillings, err);
    /* The best answer of all is the best within the limits if it keeps them, and far less work. */
    if (!failed && question->room && !is_within(question, bags, room))
        failed = solve(&x, true, arena, bags, fillings, err);
    return failed;
}

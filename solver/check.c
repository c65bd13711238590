/* check.c - is this plan valid: every rule of the problem, looked at once more, in exact integers. */
#include "solver/check.h"

#include <stdbool.h>

#include "base/arena.h"
#include "base/bitset.h"
#include "solver/solve.h"

__extension__ typedef __int128 int128;

/* What was counted so far. */
struct tally {
    const struct solver_problem *problem;
    int32_t *on_node;    /* [n_shapes] pods of each shape on the node in hand; all zero between nodes */
    int64_t *placed;     /* [n_shapes] */
    int64_t *left;       /* [n_shapes] */
    uint64_t *seen_node; /* bitset [n_nodes] existing nodes that were filled */
    int128 *launched;    /* [n_owners * n_dims] capacity of the purchases */
};

/* The room that one node, new or existing, offers. */
struct place {
    const char *kind; /* "offering" or "node", for messages */
    uint32_t id;
    const int64_t *room;       /* [n_dims] */
    const int32_t *group_room; /* [n_groups]; NULL = every group's cap */
    bool exists;
};

static int tally_init(struct tally *tally, const struct solver_problem *p, struct arena *arena, struct err *err)
{
    *tally = (struct tally){
        .problem = p,
        .on_node = arena_array(arena, int32_t, p->n_shapes),
        .placed = arena_array(arena, int64_t, p->n_shapes),
        .left = arena_array(arena, int64_t, p->n_shapes),
        .seen_node = arena_array(arena, uint64_t, BITSET_WORDS(p->n_nodes)),
        .launched = arena_calloc(arena, (size_t)p->n_owners * p->n_dims, sizeof(int128)),
    };
    if (!tally->on_node || !tally->placed || !tally->left || !tally->seen_node || !tally->launched)
        return err_nomem(err);
    return 0;
}

static bool place_admits(const struct place *place, const struct solver_shape *shape)
{
    const uint64_t *set = place->exists ? shape->admits_nodes : shape->admits;
    return set && bitset_has(set, place->id);
}

/* Each take by itself: a shape that exists, in order, a positive count, admitted here. */
static int check_takes(const struct tally *tally, const struct place *place, const struct solver_take *takes,
                       uint32_t n_takes, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    if (n_takes == 0)
        return err_set(err, ERR_INVALID, "%s %u: nothing is placed on it", place->kind, place->id);
    if (!takes)
        return err_set(err, ERR_INVALID, "%s %u: its takes are missing", place->kind, place->id);
    for (uint32_t i = 0; i < n_takes; i++) {
        uint32_t s = takes[i].shape;
        if (s >= p->n_shapes)
            return err_set(err, ERR_INVALID, "%s %u: shape %u of %u", place->kind, place->id, s, p->n_shapes);
        if (i && s <= takes[i - 1].shape)
            return err_set(err, ERR_INVALID, "%s %u: takes are not ascending by shape", place->kind, place->id);
        if (takes[i].count < 1)
            return err_set(err, ERR_INVALID, "%s %u: %d pods of shape %u", place->kind, place->id, takes[i].count, s);
        if (!place_admits(place, &p->shapes[s]))
            return err_set(err, ERR_INVALID, "%s %u: does not admit shape %u", place->kind, place->id, s);
    }
    return 0;
}

static int check_room(const struct tally *tally, const struct place *place, const struct solver_take *takes,
                      uint32_t n_takes, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    for (uint32_t d = 0; d < p->n_dims; d++) {
        int128 used = 0;
        for (uint32_t i = 0; i < n_takes; i++)
            used += (int128)takes[i].count * p->shapes[takes[i].shape].req[d];
        if (used > place->room[d])
            return err_set(err, ERR_INVALID, "%s %u: dimension %u is overfilled", place->kind, place->id, d);
    }
    return 0;
}

static int check_groups(const struct tally *tally, const struct place *place, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    for (uint32_t g = 0; g < p->n_groups; g++) {
        const struct solver_group *group = &p->groups[g];
        int64_t members = 0;
        for (uint32_t i = 0; i < group->n_shapes; i++)
            members += tally->on_node[group->shapes[i]];
        int32_t most = place->group_room ? place->group_room[g] : group->cap;
        if (members > most)
            return err_set(err, ERR_INVALID, "%s %u: %lld members of group %u, allowed are %d", place->kind, place->id,
                           (long long)members, g, most);
    }
    return 0;
}

static int check_conflicts(const struct tally *tally, const struct place *place, const struct solver_take *takes,
                           uint32_t n_takes, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        bool a = false, b = false;
        for (uint32_t i = 0; i < n_takes; i++) {
            a = a || bitset_has(p->conflicts[c].a, takes[i].shape);
            b = b || bitset_has(p->conflicts[c].b, takes[i].shape);
        }
        if (a && b)
            return err_set(err, ERR_INVALID, "%s %u: both sides of conflict %u", place->kind, place->id, c);
    }
    return 0;
}

/* `copies` nodes like `place` that each carry `takes`. */
static int check_place(struct tally *tally, const struct place *place, const struct solver_take *takes,
                       uint32_t n_takes, int64_t copies, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    int rc = check_takes(tally, place, takes, n_takes, err);
    if (!rc)
        rc = check_room(tally, place, takes, n_takes, err);
    if (!rc)
        rc = check_conflicts(tally, place, takes, n_takes, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < n_takes; i++)
        tally->on_node[takes[i].shape] = takes[i].count;
    rc = check_groups(tally, place, err);
    for (uint32_t i = 0; i < n_takes; i++)
        tally->on_node[takes[i].shape] = 0;
    for (uint32_t i = 0; !rc && i < n_takes; i++) {
        uint32_t s = takes[i].shape;
        int128 placed = tally->placed[s] + (int128)copies * takes[i].count;
        if (placed > p->shapes[s].count)
            return err_set(err, ERR_INVALID, "%s %u: more pods of shape %u than there are", place->kind, place->id, s);
        tally->placed[s] = (int64_t)placed;
    }
    return rc;
}

static int check_purchase(struct tally *tally, const struct solver_purchase *purchase, int128 *cost_microusd,
                          struct err *err)
{
    const struct solver_problem *p = tally->problem;
    if (purchase->offering >= p->n_offerings)
        return err_set(err, ERR_INVALID, "offering %u of %u", purchase->offering, p->n_offerings);
    if (purchase->copies < 1)
        return err_set(err, ERR_INVALID, "offering %u: %lld copies", purchase->offering, (long long)purchase->copies);
    const struct solver_offering *offering = &p->offerings[purchase->offering];
    struct place place = {"offering", purchase->offering, offering->alloc, NULL, false};
    int rc = check_place(tally, &place, purchase->takes, purchase->n_takes, purchase->copies, err);
    if (rc)
        return rc;
    /* Each copy carries a pod, so copies and the sums below are within 2^31 times int64. */
    for (uint32_t d = 0; d < p->n_dims; d++) {
        int128 *launched = &tally->launched[(size_t)offering->owner * p->n_dims + d];
        *launched += (int128)purchase->copies * offering->capacity[d];
        int64_t limit = p->owners[offering->owner].limit[d];
        if (limit != SOLVER_UNLIMITED && *launched > limit)
            return err_set(err, ERR_INVALID, "offering %u: owner %u is over its limit in dimension %u",
                           purchase->offering, offering->owner, d);
    }
    *cost_microusd += (int128)purchase->copies * offering->price_microusd;
    return 0;
}

static int check_filling(struct tally *tally, const struct solver_filling *filling, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    if (filling->node >= p->n_nodes)
        return err_set(err, ERR_INVALID, "node %u of %u", filling->node, p->n_nodes);
    if (bitset_has(tally->seen_node, filling->node))
        return err_set(err, ERR_INVALID, "node %u: filled twice", filling->node);
    bitset_add(tally->seen_node, filling->node);
    const struct solver_node *node = &p->nodes[filling->node];
    struct place place = {"node", filling->node, node->free, node->group_room, true};
    return check_place(tally, &place, filling->takes, filling->n_takes, 1, err);
}

static bool fits_somewhere(const struct solver_problem *p, const struct solver_shape *shape, uint32_t owner)
{
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        const struct solver_offering *offering = &p->offerings[j];
        if (!bitset_has(shape->admits, j) || (owner != SOLVER_NONE && offering->owner != owner))
            continue;
        uint32_t d = 0;
        while (d < p->n_dims && shape->req[d] <= offering->alloc[d])
            d++;
        if (d == p->n_dims)
            return true;
    }
    return false;
}

static bool has_limit(const struct solver_problem *p, uint32_t owner)
{
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (p->owners[owner].limit[d] != SOLVER_UNLIMITED)
            return true;
    return false;
}

/* A pod is left over only for a reason that is true. */
static int check_leftover(struct tally *tally, const struct solver_leftover *leftover, struct err *err)
{
    const struct solver_problem *p = tally->problem;
    uint32_t s = leftover->shape;
    if (s >= p->n_shapes)
        return err_set(err, ERR_INVALID, "left over: shape %u of %u", s, p->n_shapes);
    if (leftover->count < 1 || leftover->count > p->shapes[s].count - tally->left[s])
        return err_set(err, ERR_INVALID, "left over: %lld pods of shape %u", (long long)leftover->count, s);
    tally->left[s] += leftover->count;
    switch (leftover->why) {
    case SOLVER_NO_OFFERING:
        if (leftover->owner != SOLVER_NONE || fits_somewhere(p, &p->shapes[s], SOLVER_NONE))
            return err_set(err, ERR_INVALID, "left over: shape %u has an offering", s);
        return 0;
    case SOLVER_LIMIT:
        if (leftover->owner >= p->n_owners || !has_limit(p, leftover->owner) ||
            !fits_somewhere(p, &p->shapes[s], leftover->owner))
            return err_set(err, ERR_INVALID, "left over: no limit of owner %u keeps shape %u out", leftover->owner, s);
        return 0;
    case SOLVER_PLACED: break;
    }
    return err_set(err, ERR_INVALID, "left over: shape %u without a reason", s);
}

static int check_totals(const struct tally *tally, const struct solver_plan *plan, int128 cost_microusd,
                        struct err *err)
{
    const struct solver_problem *p = tally->problem;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (tally->placed[s] + tally->left[s] != p->shapes[s].count)
            return err_set(err, ERR_INVALID, "shape %u: %lld pods placed and %lld left over, of %lld", s,
                           (long long)tally->placed[s], (long long)tally->left[s], (long long)p->shapes[s].count);
    if (cost_microusd != plan->cost_microusd)
        return err_set(err, ERR_INVALID, "the cost is not %lld micro-dollars", (long long)plan->cost_microusd);
    if (plan->lower_bound_microusd < 0 || plan->lower_bound_microusd > plan->cost_microusd)
        return err_set(err, ERR_INVALID, "a lower bound of %lld micro-dollars on a cost of %lld",
                       (long long)plan->lower_bound_microusd, (long long)plan->cost_microusd);
    return 0;
}

int solver_check_plan(const struct solver_problem *problem, const struct solver_plan *plan, struct err *err)
{
    int rc = solver_problem_check(problem, err);
    if (rc)
        return rc;
    struct arena arena = ARENA_INIT;
    struct tally tally;
    int128 cost_microusd = 0;
    rc = tally_init(&tally, problem, &arena, err);
    for (size_t i = 0; !rc && i < plan->n_purchases; i++)
        rc = check_purchase(&tally, &plan->purchases[i], &cost_microusd, err);
    for (size_t i = 0; !rc && i < plan->n_fillings; i++)
        rc = check_filling(&tally, &plan->fillings[i], err);
    for (size_t i = 0; !rc && i < plan->n_leftovers; i++)
        rc = check_leftover(&tally, &plan->leftovers[i], err);
    if (!rc)
        rc = check_totals(&tally, plan, cost_microusd, err);
    arena_release(&arena);
    return rc;
}

/* brute.c - the cheapest plan of a small problem, by looking at everything: slow, short, and sharing no code. */
#include "tests/support/brute.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/random_problem.h"

enum { MAX_STATES = 1 << 16 };

static bool in_set(const uint64_t *set, uint32_t bit)
{
    return set && (set[bit / 64] & (UINT64_C(1) << (bit % 64)));
}

bool brute_holds(const struct solver_problem *p, const struct brute_place *place, const int32_t *counts)
{
    const int64_t *room = place->exists ? p->nodes[place->id].free : p->offerings[place->id].alloc;
    const int32_t *group_room = place->exists ? p->nodes[place->id].group_room : NULL;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (counts[s] > 0 && !in_set(place->exists ? p->shapes[s].admits_nodes : p->shapes[s].admits, place->id))
            return false;
    for (uint32_t d = 0; d < p->n_dims; d++) {
        int64_t used = 0;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            used += counts[s] * p->shapes[s].req[d];
        if (used > room[d])
            return false;
    }
    for (uint32_t g = 0; g < p->n_groups; g++) {
        int32_t members = 0;
        for (uint32_t i = 0; i < p->groups[g].n_shapes; i++)
            members += counts[p->groups[g].shapes[i]];
        if (members > (group_room ? group_room[g] : p->groups[g].cap))
            return false;
    }
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        bool a = false, b = false;
        for (uint32_t s = 0; s < p->n_shapes; s++) {
            a |= counts[s] > 0 && in_set(p->conflicts[c].a, s);
            b |= counts[s] > 0 && in_set(p->conflicts[c].b, s);
        }
        if (a && b)
            return false;
    }
    return true;
}

static const int32_t *counts_of(const struct brute *brute, uint32_t state)
{
    return &brute->counts[(size_t)state * brute->problem->n_shapes];
}

/* Are the pods of state `part` among those of `whole`; then whole - part is the state of the others. */
static bool is_part(const struct brute *brute, uint32_t part, uint32_t whole)
{
    for (uint32_t s = 0; s < brute->problem->n_shapes; s++)
        if (counts_of(brute, part)[s] > counts_of(brute, whole)[s])
            return false;
    return true;
}

void brute_init(struct brute *brute, const struct solver_problem *p, struct arena *arena)
{
    *brute = (struct brute){.problem = p, .n_states = 1};
    brute->stride = must_alloc(arena, p->n_shapes + 1, sizeof(*brute->stride));
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        brute->stride[s] = brute->n_states;
        if (p->shapes[s].count >= MAX_STATES / brute->n_states)
            abort();
        brute->n_states *= (uint32_t)p->shapes[s].count + 1;
    }
    brute->counts = must_alloc(arena, (size_t)brute->n_states * p->n_shapes + 1, sizeof(*brute->counts));
    brute->one_node = must_alloc(arena, brute->n_states, sizeof(*brute->one_node));
    brute->fits_node = must_alloc(arena, (size_t)p->n_nodes * brute->n_states + 1, 1);
    for (uint32_t v = 0; v < brute->n_states; v++) {
        for (uint32_t s = 0; s < p->n_shapes; s++)
            brute->counts[(size_t)v * p->n_shapes + s] =
                (int32_t)(v / brute->stride[s] % ((uint32_t)p->shapes[s].count + 1));
        brute->one_node[v] = BRUTE_IMPOSSIBLE;
        for (uint32_t j = 0; j < p->n_offerings; j++)
            if (p->offerings[j].price_microusd < brute->one_node[v] &&
                brute_holds(p, &(struct brute_place){false, j}, counts_of(brute, v)))
                brute->one_node[v] = p->offerings[j].price_microusd;
        for (uint32_t e = 0; e < p->n_nodes; e++)
            brute->fits_node[(size_t)e * brute->n_states + v] =
                brute_holds(p, &(struct brute_place){true, e}, counts_of(brute, v));
    }
}

uint32_t brute_state(const struct brute *brute, const int64_t *counts)
{
    uint32_t state = 0;
    for (uint32_t s = 0; s < brute->problem->n_shapes; s++)
        state += (uint32_t)counts[s] * brute->stride[s];
    return state;
}

static int64_t placed_at(const struct brute *brute, uint32_t state, int32_t priority)
{
    int64_t placed = 0;
    for (uint32_t s = 0; s < brute->problem->n_shapes; s++)
        if (brute->problem->shapes[s].priority == priority)
            placed += counts_of(brute, state)[s];
    return placed;
}

int brute_compare(const struct brute *brute, uint32_t a, uint32_t b)
{
    const struct solver_problem *p = brute->problem;
    int64_t below = INT64_MAX;
    for (;;) {
        int64_t next = INT64_MIN;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            if (p->shapes[s].priority < below && p->shapes[s].priority > next)
                next = p->shapes[s].priority;
        if (next == INT64_MIN)
            return 0;
        int64_t more = placed_at(brute, a, (int32_t)next) - placed_at(brute, b, (int32_t)next);
        if (more)
            return more > 0 ? 1 : -1;
        below = next;
    }
}

/* Which states the existing nodes can carry together. */
static uint8_t *carried(const struct brute *brute, struct arena *arena)
{
    uint32_t n = brute->n_states;
    uint8_t *reached = must_alloc(arena, n, 1);
    reached[0] = 1;
    for (uint32_t e = 0; e < brute->problem->n_nodes; e++) {
        const uint8_t *fits = &brute->fits_node[(size_t)e * n];
        for (uint32_t v = n; v-- > 0;) /* downwards: what this node carries is not added to twice */
            for (uint32_t x = 1; x <= v && !reached[v]; x++)
                reached[v] = fits[x] && is_part(brute, x, v) && reached[v - x];
    }
    return reached;
}

/* The cheapest new nodes for each state. */
static int64_t *cheapest(const struct brute *brute, struct arena *arena)
{
    int64_t *cost = must_alloc(arena, brute->n_states, sizeof(*cost));
    for (uint32_t v = 1; v < brute->n_states; v++) {
        cost[v] = BRUTE_IMPOSSIBLE;
        for (uint32_t x = 1; x <= v; x++)
            if (brute->one_node[x] != BRUTE_IMPOSSIBLE && is_part(brute, x, v) && cost[v - x] != BRUTE_IMPOSSIBLE &&
                cost[v - x] + brute->one_node[x] < cost[v])
                cost[v] = cost[v - x] + brute->one_node[x];
    }
    return cost;
}

int brute_compare_answers(const struct brute *brute, const struct brute_answer *a, const struct brute_answer *b)
{
    int order = brute_compare(brute, a->state, b->state);
    for (uint32_t t = 0; !order && t < BRUTE_MAX_TIERS; t++)
        order = brute_compare(brute, a->upto[t], b->upto[t]);
    return order ? order : (a->cost_microusd < b->cost_microusd) - (a->cost_microusd > b->cost_microusd);
}

static void keep_better(const struct brute *brute, struct brute_answer *best, const struct brute_answer *other)
{
    if (brute_compare_answers(brute, other, best) > 0)
        *best = *other;
}

struct brute_answer brute_optimum(const struct brute *brute, struct arena *arena)
{
    uint32_t all = brute->n_states - 1;
    const uint8_t *reached = carried(brute, arena);
    const int64_t *cost = cheapest(brute, arena);
    struct brute_answer best = {0};
    for (uint32_t v = 0; v <= all; v++)
        for (uint32_t x = 0; reached[v] && x <= all - v; x++)
            if (cost[x] != BRUTE_IMPOSSIBLE && is_part(brute, x, all - v))
                keep_better(brute, &best, &(struct brute_answer){.state = v + x, .cost_microusd = cost[x]});
    return best;
}

int64_t brute_cost(const struct brute *brute, uint32_t state, struct arena *arena)
{
    const uint8_t *reached = carried(brute, arena);
    const int64_t *cost = cheapest(brute, arena);
    int64_t best = BRUTE_IMPOSSIBLE;
    for (uint32_t v = 0; v <= state; v++)
        if (reached[v] && is_part(brute, v, state) && cost[state - v] < best)
            best = cost[state - v];
    return best;
}

/* ---- With limits ---- */

struct limited {
    const struct brute *brute;
    int64_t *used; /* [n_owners * n_dims] */
    struct brute_answer best;
};

/* Adds (sign 1) or takes back (-1) a node of the offering; false, and nothing done, if a limit forbids it. */
static bool launch(struct limited *limited, uint32_t offering, int sign)
{
    const struct solver_problem *p = limited->brute->problem;
    const struct solver_offering *o = &p->offerings[offering];
    int64_t *used = &limited->used[(size_t)o->owner * p->n_dims];
    for (uint32_t d = 0; sign > 0 && d < p->n_dims; d++)
        if (p->owners[o->owner].limit[d] != SOLVER_UNLIMITED && used[d] + o->capacity[d] > p->owners[o->owner].limit[d])
            return false;
    for (uint32_t d = 0; d < p->n_dims; d++)
        used[d] += sign * o->capacity[d];
    return true;
}

/* Beside what is bought so far; nodes are tried in descending order of (pattern, offering): no set comes twice. */
static void try_nodes(struct limited *limited, const struct brute_answer *sofar, uint32_t last_pattern,
                      uint32_t last_offering)
{
    const struct brute *brute = limited->brute;
    const struct solver_problem *p = brute->problem;
    uint32_t left = brute->n_states - 1 - sofar->state;
    keep_better(brute, &limited->best, sofar);
    for (uint32_t x = left < last_pattern ? left : last_pattern; x >= 1; x--) {
        if (brute->one_node[x] == BRUTE_IMPOSSIBLE || !is_part(brute, x, left))
            continue;
        for (uint32_t j = 0; j < p->n_offerings && (x < last_pattern || j <= last_offering); j++) {
            if (!brute_holds(p, &(struct brute_place){false, j}, counts_of(brute, x)) || !launch(limited, j, 1))
                continue;
            struct brute_answer more = *sofar;
            more.state += x;
            more.cost_microusd += p->offerings[j].price_microusd;
            for (uint32_t t = p->owners[p->offerings[j].owner].tier; t < BRUTE_MAX_TIERS; t++)
                more.upto[t] += x;
            try_nodes(limited, &more, x, j);
            launch(limited, j, -1);
        }
    }
}

struct brute_answer brute_optimum_limited(const struct brute *brute, struct arena *arena)
{
    const struct solver_problem *p = brute->problem;
    const uint8_t *reached = carried(brute, arena);
    struct limited limited = {.brute = brute};
    limited.used = must_alloc(arena, (size_t)p->n_owners * p->n_dims + 1, sizeof(*limited.used));
    for (uint32_t v = 0; v < brute->n_states; v++) {
        struct brute_answer existing = {.state = v};
        for (uint32_t t = 0; t < BRUTE_MAX_TIERS; t++)
            existing.upto[t] = v;
        if (reached[v])
            try_nodes(&limited, &existing, UINT32_MAX, UINT32_MAX);
    }
    return limited.best;
}

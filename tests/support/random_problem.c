/* random_problem.c - small solver problems, made from a seed: the same seed, the same problem. */
#include "tests/support/random_problem.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "tests/support/brute.h"

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)(rng_next(rng) % (uint64_t)(high - low + 1));
}

bool rng_chance(struct rng *rng, int percent)
{
    return rng_between(rng, 1, 100) <= percent;
}

void *must_alloc(struct arena *arena, size_t count, size_t size)
{
    void *memory = arena_calloc(arena, count, size);
    if (!memory)
        abort();
    return memory;
}

/* How finely the amounts are graded: coarse ones tie often, fine ones never divide evenly. */
static int64_t amount(struct rng *rng, int64_t grain, int64_t most)
{
    return grain * rng_between(rng, 0, most) + (rng_chance(rng, 20) ? rng_between(rng, 0, grain - 1) : 0);
}

static uint64_t *random_set(struct rng *rng, uint32_t bits, int percent, struct arena *arena)
{
    uint64_t *set = must_alloc(arena, BITSET_WORDS(bits) + 1, sizeof(*set));
    for (uint32_t i = 0; i < bits; i++)
        if (rng_chance(rng, percent))
            bitset_add(set, i);
    return set;
}

static void make_shapes(struct rng *rng, const struct random_kind *kind, int64_t grain, struct solver_problem *p,
                        struct arena *arena)
{
    struct solver_shape *shapes = must_alloc(arena, p->n_shapes + 1, sizeof(*shapes));
    int64_t left = kind->pods;
    uint32_t used = 0;
    for (; used < p->n_shapes && left > 0; used++) {
        int64_t count = rng_between(rng, 1, (left + 1) / 2);
        int64_t *req = must_alloc(arena, p->n_dims, sizeof(*req));
        for (uint32_t d = 0; d < p->n_dims; d++)
            req[d] = rng_chance(rng, 15) ? 0 : amount(rng, grain, 8);
        int percent = kind->everywhere ? 100 : (int)rng_between(rng, 40, 100);
        shapes[used] = (struct solver_shape){.count = count, .req = req};
        shapes[used].admits = random_set(rng, p->n_offerings, percent, arena);
        shapes[used].admits_nodes = rng_chance(rng, 80) ? random_set(rng, p->n_nodes, 70, arena) : NULL;
        shapes[used].priority = kind->limits || kind->priorities ? (int32_t)rng_between(rng, 0, 2) : 0;
        left -= count;
    }
    p->shapes = shapes;
    p->n_shapes = used;
}

static void make_offerings(struct rng *rng, const struct random_kind *kind, int64_t grain, struct solver_problem *p,
                           struct arena *arena)
{
    struct solver_offering *offerings = must_alloc(arena, p->n_offerings + 1, sizeof(*offerings));
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        int64_t *alloc = must_alloc(arena, p->n_dims, sizeof(*alloc));
        int64_t *capacity = must_alloc(arena, p->n_dims, sizeof(*capacity));
        int64_t size = 0;
        for (uint32_t d = 0; d < p->n_dims; d++) {
            alloc[d] = amount(rng, grain, 24);
            if (kind->everywhere && j == 0)
                alloc[d] += 9 * grain;
            capacity[d] = alloc[d] + rng_between(rng, 0, grain);
            size += alloc[d];
        }
        int64_t price = 1000 + size * 30000 / grain * rng_between(rng, 70, 130) / 100;
        offerings[j] =
            (struct solver_offering){alloc, capacity, price, (uint32_t)rng_between(rng, 0, (int64_t)p->n_owners - 1)};
    }
    p->offerings = offerings;
}

static void make_owners(struct rng *rng, const struct random_kind *kind, int64_t grain, struct solver_problem *p,
                        struct arena *arena)
{
    struct solver_owner *owners = must_alloc(arena, p->n_owners, sizeof(*owners));
    bool one_each = kind->tiers && rng_chance(rng, 50);
    for (uint32_t o = 0; o < p->n_owners; o++) {
        int64_t *limit = must_alloc(arena, p->n_dims, sizeof(*limit));
        for (uint32_t d = 0; d < p->n_dims; d++)
            limit[d] = kind->limits && rng_chance(rng, 60) ? amount(rng, grain, 60) : SOLVER_UNLIMITED;
        owners[o] = (struct solver_owner){limit, !kind->tiers ? 0 : one_each ? o : (uint32_t)rng_between(rng, 0, o)};
    }
    p->owners = owners;
}

static void make_groups(struct rng *rng, struct solver_problem *p, struct arena *arena)
{
    struct solver_group *groups = must_alloc(arena, p->n_groups + 1, sizeof(*groups));
    for (uint32_t g = 0; g < p->n_groups; g++) {
        uint32_t *members = must_alloc(arena, p->n_shapes + 1, sizeof(*members)), n = 0;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            if (rng_chance(rng, 50))
                members[n++] = s;
        groups[g] = (struct solver_group){members, n, (int32_t)rng_between(rng, 1, 3)};
    }
    p->groups = groups;
    struct solver_conflict *conflicts = must_alloc(arena, p->n_conflicts + 1, sizeof(*conflicts));
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        uint64_t *a = random_set(rng, p->n_shapes, 40, arena), *b = random_set(rng, p->n_shapes, 40, arena);
        bitset_and_not(b, a, p->n_shapes);
        conflicts[c] = (struct solver_conflict){a, b};
    }
    p->conflicts = conflicts;
}

static void make_nodes(struct rng *rng, int64_t grain, struct solver_problem *p, struct arena *arena)
{
    struct solver_node *nodes = must_alloc(arena, p->n_nodes + 1, sizeof(*nodes));
    for (uint32_t e = 0; e < p->n_nodes; e++) {
        int64_t *room = must_alloc(arena, p->n_dims, sizeof(*room));
        int32_t *group_room = must_alloc(arena, p->n_groups + 1, sizeof(*group_room));
        for (uint32_t d = 0; d < p->n_dims; d++)
            room[d] = amount(rng, grain, 12);
        for (uint32_t g = 0; g < p->n_groups; g++)
            group_room[g] = (int32_t)rng_between(rng, 0, p->groups[g].cap);
        nodes[e] = (struct solver_node){room, rng_chance(rng, 50) ? group_room : NULL};
        if (e > 0 && rng_chance(rng, 30))
            nodes[e] = nodes[e - 1];
    }
    p->nodes = nodes;
}

struct solver_problem *random_problem(struct rng *rng, const struct random_kind *kind, struct arena *arena)
{
    static const int64_t grains[] = {1, 2, 250, 1000, INT64_C(1) << 30};
    int64_t grain = grains[rng_between(rng, 0, 4)];
    struct solver_problem *p = must_alloc(arena, 1, sizeof(*p));
    p->n_dims = (uint32_t)rng_between(rng, 1, rng_chance(rng, 20) ? 5 : 3);
    p->n_shapes = (uint32_t)rng_between(rng, 1, kind->shapes);
    p->n_offerings = (uint32_t)rng_between(rng, 1, kind->offerings);
    p->n_owners = (uint32_t)rng_between(rng, 1, kind->owners ? kind->owners : 1);
    p->n_groups = (uint32_t)rng_between(rng, 0, kind->groups);
    p->n_conflicts = (uint32_t)rng_between(rng, 0, kind->conflicts);
    p->n_nodes = (uint32_t)rng_between(rng, 0, kind->nodes);
    make_shapes(rng, kind, grain, p, arena);
    make_offerings(rng, kind, grain, p, arena);
    make_owners(rng, kind, grain, p, arena);
    make_groups(rng, p, arena);
    make_nodes(rng, grain, p, arena);
    return p;
}

/* As many of the pods that are left as one place carries, taken one by one. */
static uint32_t fill_place(const struct solver_problem *p, const struct brute_place *place, int64_t *left,
                           struct solver_take *takes)
{
    int32_t *counts = calloc(p->n_shapes, sizeof(*counts));
    if (!counts)
        abort();
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        while (left[s] > 0) {
            counts[s]++;
            if (!brute_holds(p, place, counts)) {
                counts[s]--;
                break;
            }
            left[s]--;
        }
    }
    uint32_t n = 0;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (counts[s] > 0)
            takes[n++] = (struct solver_take){s, counts[s]};
    free(counts);
    return n;
}

struct solver_plan greedy_plan(const struct solver_problem *p, struct arena *arena)
{
    int64_t pods = 0, *left = must_alloc(arena, p->n_shapes + 1, sizeof(*left));
    for (uint32_t s = 0; s < p->n_shapes; s++)
        pods += left[s] = p->shapes[s].count;
    struct solver_plan plan = {
        .purchases = must_alloc(arena, (size_t)pods + 1, sizeof(*plan.purchases)),
        .fillings = must_alloc(arena, p->n_nodes + 1, sizeof(*plan.fillings)),
        .leftovers = must_alloc(arena, p->n_shapes + 1, sizeof(*plan.leftovers)),
    };
    for (uint32_t e = 0; e < p->n_nodes; e++) {
        struct solver_take *takes = must_alloc(arena, p->n_shapes + 1, sizeof(*takes));
        struct brute_place place = {true, e};
        uint32_t n = fill_place(p, &place, left, takes);
        if (n > 0)
            plan.fillings[plan.n_fillings++] = (struct solver_filling){e, takes, n};
    }
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        for (;;) {
            struct solver_take *takes = must_alloc(arena, p->n_shapes + 1, sizeof(*takes));
            struct brute_place place = {false, j};
            uint32_t n = fill_place(p, &place, left, takes);
            if (n == 0)
                break;
            plan.purchases[plan.n_purchases++] = (struct solver_purchase){j, 1, takes, n};
            plan.cost_microusd += p->offerings[j].price_microusd;
        }
    }
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (left[s] > 0)
            plan.leftovers[plan.n_leftovers++] = (struct solver_leftover){s, left[s], SOLVER_NO_OFFERING, SOLVER_NONE};
    return plan;
}

/* Any bytes as a small problem for the solver: what it answers passes the checker, and its bound is below its cost. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/bitset.h"
#include "solver/check.h"
#include "solver/solve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_SHAPES = 7, MOST_OFFERINGS = 9, MOST_NODES = 4, MOST_GROUPS = 3, MOST_CONFLICTS = 3, MOST_OWNERS = 3 };

struct bytes {
    const uint8_t *at;
    size_t left;
};

/* Zeros behind the end. */
static uint8_t byte(struct bytes *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint32_t below(struct bytes *in, uint32_t n)
{
    return byte(in) % n;
}

/* Mostly small, sometimes as large as can be. */
static int64_t amount(struct bytes *in)
{
    uint8_t b = byte(in);
    if (b < 224)
        return b / 8;
    return b == 255 ? INT64_MAX : (int64_t)byte(in) << (b - 224) * 3 / 2;
}

static void *must(struct arena *arena, size_t count, size_t size)
{
    void *memory = arena_calloc(arena, count + 1, size);
    if (!memory)
        abort();
    return memory;
}

static const int64_t *amounts(struct bytes *in, uint32_t n, struct arena *arena)
{
    int64_t *list = must(arena, n, sizeof(*list));
    for (uint32_t i = 0; i < n; i++)
        list[i] = amount(in);
    return list;
}

static uint64_t *set(struct bytes *in, uint32_t bits, struct arena *arena)
{
    uint64_t *words = must(arena, BITSET_WORDS(bits), sizeof(*words));
    uint32_t mask = byte(in) | (uint32_t)byte(in) << 8;
    for (uint32_t i = 0; i < bits; i++)
        if (mask >> i & 1)
            bitset_add(words, i);
    return words;
}

static void read_shapes(struct bytes *in, struct solver_problem *p, struct arena *arena)
{
    struct solver_shape *shapes = must(arena, p->n_shapes, sizeof(*shapes));
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        shapes[s].count = 1 + amount(in) % 500;
        shapes[s].req = amounts(in, p->n_dims, arena);
        shapes[s].admits = set(in, p->n_offerings, arena);
        shapes[s].admits_nodes = byte(in) % 4 ? set(in, p->n_nodes, arena) : NULL;
        shapes[s].priority = (int8_t)byte(in);
    }
    p->shapes = shapes;
}

static void read_offerings(struct bytes *in, struct solver_problem *p, struct arena *arena)
{
    struct solver_offering *offerings = must(arena, p->n_offerings, sizeof(*offerings));
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        offerings[j].alloc = amounts(in, p->n_dims, arena);
        offerings[j].capacity = byte(in) % 2 ? amounts(in, p->n_dims, arena) : offerings[j].alloc;
        int64_t price = amount(in);
        offerings[j].price_microusd = price < INT64_MAX / 1000 ? 1 + 1000 * price : price;
        offerings[j].owner = below(in, p->n_owners);
    }
    p->offerings = offerings;
    struct solver_owner *owners = must(arena, p->n_owners, sizeof(*owners));
    for (uint32_t o = 0; o < p->n_owners; o++) {
        int64_t *limit = must(arena, p->n_dims, sizeof(*limit));
        for (uint32_t d = 0; d < p->n_dims; d++)
            limit[d] = byte(in) % 4 ? SOLVER_UNLIMITED : amount(in);
        owners[o] = (struct solver_owner){limit, below(in, p->n_owners)};
    }
    p->owners = owners;
}

static void read_rules(struct bytes *in, struct solver_problem *p, struct arena *arena)
{
    struct solver_group *groups = must(arena, p->n_groups, sizeof(*groups));
    for (uint32_t g = 0; g < p->n_groups; g++) {
        const uint64_t *chosen = set(in, p->n_shapes, arena);
        uint32_t *members = must(arena, p->n_shapes, sizeof(*members)), n = 0;
        for (uint32_t s = 0; s < p->n_shapes; s++)
            if (bitset_has(chosen, s))
                members[n++] = s;
        groups[g] = (struct solver_group){members, n, 1 + (int32_t)below(in, 5)};
    }
    p->groups = groups;
    struct solver_conflict *conflicts = must(arena, p->n_conflicts, sizeof(*conflicts));
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        uint64_t *a = set(in, p->n_shapes, arena), *b = set(in, p->n_shapes, arena);
        bitset_and_not(b, a, p->n_shapes);
        conflicts[c] = (struct solver_conflict){a, b};
    }
    p->conflicts = conflicts;
    struct solver_node *nodes = must(arena, p->n_nodes, sizeof(*nodes));
    for (uint32_t e = 0; e < p->n_nodes; e++) {
        int32_t *room = must(arena, p->n_groups, sizeof(*room));
        for (uint32_t g = 0; g < p->n_groups; g++)
            room[g] = (int32_t)below(in, 4);
        nodes[e] = (struct solver_node){amounts(in, p->n_dims, arena), byte(in) % 2 ? room : NULL};
    }
    p->nodes = nodes;
}

static bool is_expired(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void expect_true_bound(const struct solver_problem *p, const struct solver_plan *plan, struct arena *arena)
{
    int64_t *placed = must(arena, p->n_shapes, sizeof(*placed)), bound = -1, proven = -1;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        placed[s] = p->shapes[s].count;
    for (size_t i = 0; i < plan->n_leftovers; i++)
        placed[plan->leftovers[i].shape] -= plan->leftovers[i].count;
    if (solver_check_bound(p, placed, plan->duals_nanousd, &bound, NULL) != 0)
        abort();
    assert(bound >= 0 && bound <= plan->cost_microusd);
    if (solver_check_duals(p, placed, plan->duals_nanousd, &proven, NULL) != 0)
        abort();
    assert(proven >= 0 && proven <= bound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct arena arena = ARENA_INIT;
    struct solver_problem p = {
        .n_dims = 1 + below(&in, 4),
        .n_shapes = below(&in, MOST_SHAPES + 1),
        .n_offerings = below(&in, MOST_OFFERINGS + 1),
        .n_owners = 1 + below(&in, MOST_OWNERS),
        .n_groups = below(&in, MOST_GROUPS + 1),
        .n_conflicts = below(&in, MOST_CONFLICTS + 1),
        .n_nodes = below(&in, MOST_NODES + 1),
    };
    int patience = byte(&in);
    struct solver_options options = {.expired = is_expired, .context = &patience, .seed = byte(&in)};
    read_shapes(&in, &p, &arena);
    read_offerings(&in, &p, &arena);
    read_rules(&in, &p, &arena);
    struct solver_plan plan;
    struct err err = {0};
    int rc = solver_solve(&p, &options, &arena, &plan, &err);
    assert(rc == (solver_problem_check(&p, NULL) == 0 ? 0 : ERR_INVALID));
    if (rc == 0) {
        if (solver_check_plan(&p, &plan, &err) != 0)
            abort();
        expect_true_bound(&p, &plan, &arena);
    }
    arena_release(&arena);
    return 0;
}

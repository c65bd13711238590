#include "solver/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "solver/fit.h"

/* An offering while it is still one of many. */
struct candidate {
    uint32_t offering;
    const struct solver_offering *sold;
    const uint64_t *shapes; /* [n_shapes] wanted, admitted and fitting */
    bool limited;
};

static bool is_limited(const struct solver_problem *p, uint32_t owner)
{
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (p->owners[owner].limit[d] != SOLVER_UNLIMITED)
            return true;
    return false;
}

static int by_price(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->sold->price_microusd != y->sold->price_microusd)
        return x->sold->price_microusd < y->sold->price_microusd ? -1 : 1;
    return (x->offering > y->offering) - (x->offering < y->offering);
}

/* Does `a`, which costs no more, do all that `b` does? With limits it must also count for no more. */
static bool dominates(const struct solver_problem *p, const struct candidate *a, const struct candidate *b)
{
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (a->sold->alloc[d] < b->sold->alloc[d])
            return false;
    if (a->limited) {
        if (a->sold->owner != b->sold->owner)
            return false;
        for (uint32_t d = 0; d < p->n_dims; d++)
            if (a->sold->capacity[d] > b->sold->capacity[d])
                return false;
    }
    return bitset_subset(b->shapes, a->shapes, p->n_shapes);
}

/* For each offering the wanted shapes it can hold, as rows of a bit matrix. */
static uint64_t *admitted_matrix(const struct solver_problem *p, const int64_t *demand, const uint64_t *allowed,
                                 struct arena *arena)
{
    size_t words = BITSET_WORDS(p->n_shapes);
    uint64_t *matrix = arena_array(arena, uint64_t, words * p->n_offerings);
    if (!matrix)
        return NULL;
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        if (demand[s] <= 0)
            continue;
        BITSET_EACH (j, p->shapes[s].admits, p->n_offerings)
            if (bitset_has(allowed, j) && fit_alone(p, s, p->offerings[j].alloc))
                bitset_add(matrix + j * words, s);
    }
    return matrix;
}

static int kind_fill(const struct solver_problem *p, const struct candidate *from, struct arena *arena,
                     struct kind *ret)
{
    uint32_t n = 0;
    uint32_t *items = arena_array(arena, uint32_t, bitset_count(from->shapes, p->n_shapes));
    uint32_t *upper = arena_array(arena, uint32_t, bitset_count(from->shapes, p->n_shapes));
    if (!items || !upper)
        return ERR_NOMEM;
    BITSET_EACH (s, from->shapes, p->n_shapes)
        items[n++] = (uint32_t)s;
    *ret = (struct kind){.bin = {.room = from->sold->alloc, .items = items, .n_items = n, .members = from->shapes},
                         .offering = from->offering,
                         .owner = from->sold->owner,
                         .price_microusd = from->sold->price_microusd,
                         .warm = {.upper = upper}};
    return 0;
}

static uint32_t keep_undominated(const struct solver_problem *p, struct candidate *all, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool beaten = false;
        for (uint32_t k = 0; k < kept && !beaten; k++)
            beaten = dominates(p, &all[k], &all[i]);
        if (!beaten)
            all[kept++] = all[i];
    }
    return kept;
}

int kinds_build(const struct solver_problem *p, const int64_t *demand, const uint64_t *allowed, struct arena *arena,
                struct kinds *ret, struct err *err)
{
    size_t words = BITSET_WORDS(p->n_shapes);
    uint64_t *matrix = admitted_matrix(p, demand, allowed, arena);
    struct candidate *all = arena_array(arena, struct candidate, p->n_offerings);
    if (!matrix || !all)
        return err_nomem(err);
    uint32_t n = 0;
    for (uint32_t j = 0; j < p->n_offerings; j++) {
        const uint64_t *shapes = matrix + j * words;
        if (!bitset_empty(shapes, p->n_shapes))
            all[n++] = (struct candidate){j, &p->offerings[j], shapes, is_limited(p, p->offerings[j].owner)};
    }
    qsort(all, n, sizeof(*all), by_price);
    n = keep_undominated(p, all, n);
    struct kinds kinds = {.items = arena_array(arena, struct kind, n)};
    if (!kinds.items)
        return err_nomem(err);
    for (; kinds.n < n; kinds.n++)
        if (kind_fill(p, &all[kinds.n], arena, &kinds.items[kinds.n]))
            return err_nomem(err);
    *ret = kinds;
    return 0;
}

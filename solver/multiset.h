/* multiset.h - so and so many pods of each of a few shapes, as one number: the states of the exact solver. */
#ifndef STOKER_SOLVER_MULTISET_H
#define STOKER_SOLVER_MULTISET_H

#include <stdbool.h>
#include <stdint.h>

#include "solver/plan.h"

enum { MULTISET_MAX_SHAPES = 16, MULTISET_MAX = 1 << 16 };

/* Multisets of pods as numbers in mixed radix: digit i, worth place[i], is how many there are of shape[i]. */
struct multiset_space {
    uint32_t n_shapes;
    uint32_t shape[MULTISET_MAX_SHAPES]; /* ids in the problem, ascending */
    uint32_t count[MULTISET_MAX_SHAPES]; /* digits run from 0 to this */
    uint32_t place[MULTISET_MAX_SHAPES];
    uint32_t n;      /* how many multisets there are: all pods together are n - 1 */
    int64_t n_pairs; /* of a multiset and a part of it */
};

/*
 * Of the shapes with demand[n_shapes] > 0. False where there are more than MULTISET_MAX_SHAPES of them, more than
 * MULTISET_MAX multisets or more than `most_pairs` pairs.
 */
bool multiset_space_init(struct multiset_space *space, const int64_t *demand, uint32_t n_shapes, int64_t most_pairs);

void multiset_digits(const struct multiset_space *space, uint32_t set, uint32_t *digits);
int64_t multiset_pods(const struct multiset_space *space, uint32_t set);

/* Writes takes[MULTISET_MAX_SHAPES], ascending by shape; returns how many. */
uint32_t multiset_takes(const struct multiset_space *space, uint32_t set, struct solver_take *takes);

/*
 * The parts of a multiset, the whole first, nothing last: `whole` are its digits, `digits` and *part the part in hand,
 * which start as the whole. False behind the last one.
 */
bool multiset_next_part(const struct multiset_space *space, const uint32_t *whole, uint32_t *digits, uint32_t *part);

#endif

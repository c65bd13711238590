/* random_problem.h - small solver problems, made from a seed: the same seed, the same problem. */
#ifndef STOKER_TESTS_SUPPORT_RANDOM_PROBLEM_H
#define STOKER_TESTS_SUPPORT_RANDOM_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "solver/plan.h"
#include "solver/problem.h"

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);
/* low … high, both included. */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high);
bool rng_chance(struct rng *rng, int percent);

/* What may occur; upper limits where numbers are given. */
struct random_kind {
    int64_t pods;
    uint32_t shapes, offerings, groups, conflicts, nodes, owners;
    bool limits;     /* owners have limits, shapes have priorities */
    bool priorities; /* shapes have priorities */
    bool tiers;      /* owners are of several tiers */
    bool everywhere; /* every offering is admitted by every shape and every shape fits one at least */
};

/* In the arena; never NULL: aborts when memory runs out. The arrays of the problem are never const underneath. */
struct solver_problem *random_problem(struct rng *rng, const struct random_kind *kind, struct arena *arena);

/* First fit, by a few lines that share nothing with the solver: a valid plan, seldom a good one. No limits. */
struct solver_plan greedy_plan(const struct solver_problem *problem, struct arena *arena);

/* arena_calloc that aborts when memory runs out. */
void *must_alloc(struct arena *arena, size_t count, size_t size);

#endif

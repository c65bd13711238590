/* brute.h - the cheapest plan of a small problem, by looking at everything: slow, short, and sharing no code. */
#ifndef STOKER_TESTS_SUPPORT_BRUTE_H
#define STOKER_TESTS_SUPPORT_BRUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "solver/problem.h"

/* An offering or an existing node. */
struct brute_place {
    bool exists;
    uint32_t id;
};

/* Can one such node carry counts[s] pods of each shape. */
bool brute_holds(const struct solver_problem *problem, const struct brute_place *place, const int32_t *counts);

/*
 * Every way to count pods of each shape is a state: state v counts (v / stride[s]) % (count_s + 1) pods of shape s.
 * There are at most 2^pods of them.
 */
struct brute {
    const struct solver_problem *problem;
    uint32_t n_states;
    uint32_t *stride;   /* [n_shapes] */
    int32_t *counts;    /* [n_states * n_shapes] */
    int64_t *one_node;  /* [n_states] the cheapest offering that carries it on one node; BRUTE_IMPOSSIBLE */
    uint8_t *fits_node; /* [n_nodes * n_states] does the existing node carry it */
};

#define BRUTE_IMPOSSIBLE INT64_MAX

enum { BRUTE_MAX_TIERS = 4 };

/* Aborts when memory runs out or there are more than 2^16 states. Limits and tiers are not looked at. */
void brute_init(struct brute *brute, const struct solver_problem *problem, struct arena *arena);

/*
 * What the best answer places and costs: as many pods of the highest priority as can be, then of the next, …; then as
 * many of each priority as can be on existing nodes and those of the first tier, then of the first two, …
 */
struct brute_answer {
    uint32_t state;                 /* one best set of placed pods */
    uint32_t upto[BRUTE_MAX_TIERS]; /* of these on existing nodes and nodes of the tiers up to this one */
    int64_t cost_microusd;
};

/* The best answer, limits and tiers not looked at. */
struct brute_answer brute_optimum(const struct brute *brute, struct arena *arena);

/* The cheapest way to place just the pods of the state; BRUTE_IMPOSSIBLE. Limits are not looked at. */
int64_t brute_cost(const struct brute *brute, uint32_t state, struct arena *arena);

/* The best answer by limits and tiers, by trying all sets of nodes: for a handful of pods and offerings. */
struct brute_answer brute_optimum_limited(const struct brute *brute, struct arena *arena);

/* > 0 if answer a is better than b, 0 if they are equal. */
int brute_compare_answers(const struct brute *brute, const struct brute_answer *a, const struct brute_answer *b);

/* > 0 if state a places better than b by priority, 0 if they are equal in that. */
int brute_compare(const struct brute *brute, uint32_t a, uint32_t b);

/* The state that counts `counts`, [n_shapes]. */
uint32_t brute_state(const struct brute *brute, const int64_t *counts);

#endif

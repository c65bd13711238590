/* exact.h - small problems solved to the optimum by dynamic programming over what is left to place. */
#ifndef STOKER_SOLVER_EXACT_H
#define STOKER_SOLVER_EXACT_H

#include <stdbool.h>

#include "solver/bag.h"
#include "solver/pack.h"

/* What one existing node gets. */
struct exact_filling {
    uint32_t node;
    const struct solver_take *takes;
    uint32_t n_takes;
};

/* Is the problem small enough: how many pairs (what is left, what the next node takes) there are, over all nodes. */
bool exact_is_small(const int64_t *demand, uint32_t n_shapes, uint32_t n_nodes);

/*
 * The cheapest plan for demand[n_shapes] over new nodes of `kinds` and the existing nodes in bins[n_nodes]; among
 * equally cheap ones existing room is used more, and nodes are fewer. fillings[n_nodes] are written for existing
 * nodes (n_takes may be 0). ERR_NO_CAPACITY if not all can be placed. Takes are in `arena`.
 */
CC_MUST_CHECK int exact_solve(struct packer *packer, const struct kinds *kinds, const struct bin *bins,
                              uint32_t n_nodes, const int64_t *demand, struct arena *arena, struct bag *bag,
                              struct exact_filling *fillings, struct err *err);

#endif

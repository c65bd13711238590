/* exact.h - small problems solved to the optimum by dynamic programming over what is placed. */
#ifndef STOKER_SOLVER_EXACT_H
#define STOKER_SOLVER_EXACT_H

#include <stdbool.h>

#include "solver/bag.h"
#include "solver/pack.h"

/* Everything is borrowed. */
struct exact_question {
    struct packer *packer;
    const struct bin *bins; /* [n_nodes] existing nodes */
    uint32_t n_nodes;
    const struct kinds *tiers; /* [n_tiers] what each weight tier sells, >= 1 */
    uint32_t n_tiers;
    const int64_t *demand; /* [n_shapes]; what nothing holds only makes the problem larger */
    const int64_t *room;   /* [n_owners][n_dims] limits still open, SOLVER_UNLIMITED; NULL: there are none */
};

/* What one existing node gets. */
struct exact_filling {
    uint32_t node;
    const struct solver_take *takes;
    uint32_t n_takes;
};

/* Are there few enough pairs (what is placed, what the last node took of it), over all nodes and tiers. */
bool exact_is_small(const int64_t *demand, uint32_t n_shapes, uint32_t n_nodes, uint32_t n_tiers);

/*
 * The best plan, for a question that is small. In this order: as many pods as can be of the highest priority, then of
 * the next, …; the same counts for what existing nodes and the first tier place, then what they and the second do, …:
 * a lower tier takes only what the higher ones cannot; fewest dollars; most pods on existing nodes; fewest new nodes.
 * What is not placed is in none of the answers.
 *
 * New nodes are added to bags[n_tiers] (empty, initialised; takes in `arena`), fillings[n_nodes] are written for the
 * existing nodes (n_takes may be 0). ERR_NO_CAPACITY, and the outputs are of no meaning, if limits or several tiers
 * leave too many ways to look at.
 */
CC_MUST_CHECK int exact_solve(const struct exact_question *question, struct arena *arena, struct bag *bags,
                              struct exact_filling *fillings, struct err *err);

#endif

/* fill.h - room on existing nodes, used first: the pods that are worth most by their duals go there. */
#ifndef STOKER_SOLVER_FILL_H
#define STOKER_SOLVER_FILL_H

#include "base/vec.h"
#include "solver/pack.h"

struct fillings {
    VEC(struct solver_filling) items;
};

/* Bins of all existing nodes of the problem: [n_nodes] in `arena`; NULL if memory ran out. */
struct bin *fill_bins(const struct solver_problem *problem, struct arena *arena);

/*
 * Packs demand[n_shapes] (reduced) into the bins. Shapes without a dual (no offering admits them) go before all
 * others: existing room is all they have. Takes are in `arena`.
 */
CC_MUST_CHECK int fill_nodes(struct packer *packer, const struct bin *bins, const double *duals, int64_t *demand,
                             struct arena *arena, struct fillings *fillings, struct err *err);

#endif

/* improve.h - local improvement: take a few nodes apart, pack their pods again, keep what is cheaper. */
#ifndef STOKER_SOLVER_IMPROVE_H
#define STOKER_SOLVER_IMPROVE_H

#include "solver/bag.h"
#include "solver/pack.h"
#include "solver/rng.h"

struct improve_options {
    uint64_t seed;
    double enough_microusd; /* stop at this cost */
    uint32_t most_trials;
    bool (*expired)(void *context);
    void *context;
};

/*
 * Ruin and recreate (Schrimpf et al. 2000): nodes that are worth least for their price by `duals` are the likeliest
 * to be taken apart; what they held is packed by the greedy heuristic at duals with a little noise. Never makes `bag`
 * dearer; the pods in it stay the same. New takes are in `arena`.
 */
CC_MUST_CHECK int improve_bag(struct packer *packer, struct kinds *kinds, const double *duals,
                              const struct improve_options *options, struct arena *arena, struct bag *bag,
                              struct err *err);

#endif

/* greedy.h - the heuristic that always answers: node after node, the one that carries most worth for its price. */
#ifndef STOKER_SOLVER_GREEDY_H
#define STOKER_SOLVER_GREEDY_H

#include "solver/bag.h"
#include "solver/pack.h"

struct greedy_options {
    uint32_t node_limit;   /* of each packing */
    double least_ratio;    /* stop where the best packing is worth less than this for its price; 0 = go on to the end */
    int64_t most_microusd; /* give up (demand is left) once the bag costs as much; 0 = never */
    bool (*expired)(void *context);
    void *context;
};

/*
 * Packs demand[n_shapes] (reduced to what no kind admits) into new nodes, guided by duals[n_shapes] > 0: repeatedly
 * the kind whose best packing has the highest worth per dollar, as often as demand lasts. Kinds are priced again
 * only when they come to the top: what is left shrinks, so a packing's worth never grows (Minoux 1978). Once expired
 * it goes on with packings that are rounded only. Takes are in `arena`.
 */
CC_MUST_CHECK int greedy_fill(struct packer *packer, struct kinds *kinds, const double *duals, int64_t *demand,
                              const struct greedy_options *options, struct arena *arena, struct bag *bag,
                              struct err *err);

#endif

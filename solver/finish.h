/* finish.h - a whole plan by the heuristic alone: first answers, and the rest of what others leave open. */
#ifndef STOKER_SOLVER_FINISH_H
#define STOKER_SOLVER_FINISH_H

#include "solver/bag.h"
#include "solver/pack.h"

enum finish_effort { FINISH_QUICK, FINISH_THOROUGH };

/*
 * Packs demand[n_shapes] (not changed) by duals of the ascent (first_duals: those for all of it, NULL = not known) and
 * the greedy heuristic, the duals made anew for what is left once the good packings are used up. THOROUGH tries several
 * settings and keeps the cheapest; each is a fixed amount of work, so the answer depends on time only where `expired`
 * cuts it short.
 */
CC_MUST_CHECK int finish_with_heuristic(struct packer *packer, struct kinds *kinds, const int64_t *demand,
                                        const double *first_duals, enum finish_effort effort,
                                        bool (*expired)(void *context), void *context, struct arena *arena,
                                        struct bag *bag, struct err *err);

#endif

/* check_exact.h - what a handful of pods costs at least: every way to share them out over nodes is looked at. */
#ifndef STOKER_SOLVER_CHECK_EXACT_H
#define STOKER_SOLVER_CHECK_EXACT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "solver/problem.h"

/*
 * The cheapest nodes for placed[n_shapes] pods, room on existing nodes used, in integers. Limits and tiers are not
 * looked at: they can only make a plan dearer, so no plan for these pods costs less. *ret_known is false where there
 * are too many ways to look at in some 20 ms, and where no nodes hold these pods; ret_cost_microusd is then untouched.
 * Shares no code with the solver. The problem is one that solver_problem_check accepts. ERR_NOMEM.
 */
CC_MUST_CHECK int check_exact_cost(const struct solver_problem *problem, const int64_t *placed, struct arena *arena,
                                   bool *ret_known, int64_t *ret_cost_microusd, struct err *err);

#endif

/* check.h - an independent second opinion: is this plan valid, is this bound true. Shares no code with the solver. */
#ifndef STOKER_SOLVER_CHECK_H
#define STOKER_SOLVER_CHECK_H

#include "base/err.h"
#include "solver/plan.h"
#include "solver/problem.h"

/*
 * Verifies in exact integers: each take is admitted by its offering or node, fits in every dimension, keeps every
 * group's cap and every conflict; placed + left over = count for each shape; owners stay within their limits;
 * cost_microusd is the sum. ERR_INVALID with the first violation in the message.
 */
CC_MUST_CHECK int solver_check_plan(const struct solver_problem *problem, const struct solver_plan *plan,
                                    struct err *err);

/*
 * Verifies the certificate: computes, in exact integers and without GLPK, the largest lower bound that the duals
 * prove for placing `placed[s]` pods of each shape, by bounding the best pattern of every offering and every existing
 * node. Duals that some pattern beats are scaled down as far as needed, so the answer is a true bound for any
 * non-negative duals. `duals_nanousd` is [n_shapes].
 */
CC_MUST_CHECK int solver_check_duals(const struct solver_problem *problem, const int64_t *placed,
                                     const int64_t *duals_nanousd, int64_t *ret_bound_microusd, struct err *err);

/*
 * The best lower bound that is known for placing `placed[s]` pods of each shape: of a handful of pods the cheapest
 * cost itself, found by looking at every way to place them (check_exact.h), else what the duals prove. No bound is
 * above the cheapest cost, so where that is known the duals are not looked at.
 */
CC_MUST_CHECK int solver_check_bound(const struct solver_problem *problem, const int64_t *placed,
                                     const int64_t *duals_nanousd, int64_t *ret_bound_microusd, struct err *err);

#endif

/* solve.h - the cheapest set of nodes for a problem, with a lower bound that proves how cheap it is. */
#ifndef STOKER_SOLVER_SOLVE_H
#define STOKER_SOLVER_SOLVE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "solver/plan.h"
#include "solver/problem.h"

struct solver_options {
    /* True once the time budget is used up; the solver then returns the best plan it has. NULL = no limit. */
    bool (*expired)(void *context);
    void *context;
    double gap_target; /* stop when cost <= (1 + gap_target) * bound; 0 = as far as it goes */
    uint64_t seed;     /* of the local improvement; the same seed and budget give the same plan */
    /*
     * A relaxation whose shapes map onto `problem`'s (relaxed_shape[s] for each of its shapes): the bound and the
     * duals are for this one. It is the question before zones were chosen for spread and affinity. NULL = the
     * problem itself.
     */
    const struct solver_problem *relaxed;
    const uint32_t *relaxed_shape;
};

/*
 * Lexicographic: priority when not all can be placed; weight tiers; dollars. Existing nodes are filled first. Few pods
 * get the best answer there is (exact.h), more a good one. The plan lives in `arena`. Never asserts on any input that
 * solver_problem_check accepts; ERR_INVALID for others, ERR_NOMEM.
 */
CC_MUST_CHECK int solver_solve(const struct solver_problem *problem, const struct solver_options *options,
                               struct arena *arena, struct solver_plan *ret_plan, struct err *err);

/*
 * What a pod of each shape is worth where only the offerings in `allowed` (bitset [n_offerings]) are for sale and
 * demand[n_shapes] pods are wanted: worth_microusd[n_shapes], 0 where none of them admits it. For choosing between
 * markets before a solve: *ret_total, demand times worth, is what all of it will cost there to about a per cent.
 * ERR_NOMEM.
 */
CC_MUST_CHECK int solver_worth(const struct solver_problem *problem, const int64_t *demand, const uint64_t *allowed,
                               double *worth_microusd, double *ret_total_microusd, struct err *err);

/* Is the problem well-formed: sizes, ids in range, no negative amounts, no sum that overflows int64. */
CC_MUST_CHECK int solver_problem_check(const struct solver_problem *problem, struct err *err);

#endif

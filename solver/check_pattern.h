/* check_pattern.h - how much can one node carry at most, in worth: an upper bound that is exact for small nodes. */
#ifndef STOKER_SOLVER_CHECK_PATTERN_H
#define STOKER_SOLVER_CHECK_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "solver/check_relax.h"
#include "solver/problem.h"

__extension__ typedef __int128 int128;

/* No pod is worth more: the dearest price that solver_problem_check lets pass, in nano-dollars. Below 2^50. */
#define CHECK_MAX_WORTH (INT64_C(1000000000000) * 1000)

/*
 * One node as a bounded knapsack. The rows are the dimensions and the caps of groups with several members; a pattern
 * is a vector of whole numbers 0 <= x_i <= most_i with sum(load_ir x_i) <= room_r.
 */
struct check_node {
    uint32_t n_rows, n_items, n_conflicts;
    int64_t *room;   /* [n_rows] >= 0 */
    int64_t *load;   /* [n_items * n_rows] >= 0 */
    int64_t *worth;  /* [n_items] 1 … CHECK_MAX_WORTH */
    int32_t *most;   /* [n_items] >= 0, together at most INT32_MAX */
    uint32_t *shape; /* [n_items] ids in the conflicts' sets */
    const struct solver_conflict *conflicts;
};

/*
 * An upper bound on the worth of every pattern: `enough` if that is one, else a tight one, above it. It stops looking
 * for a better one when `*budget` subproblems were looked at (it is lowered by those; 1 or 0: the relaxation alone).
 * ret_harmless[i], [n_items], is set if no pattern with item i is worth more than `enough`, cleared otherwise.
 *
 * Method: linear relaxation with multipliers found in floating point, rounded to integers and evaluated exactly (any
 * non-negative multipliers give a true bound); rows tightened to multiples of the greatest common divisor of the
 * loads; items fixed by their reduced worth; best-first branch and bound on what is left. `node` is changed.
 */
CC_MUST_CHECK int check_pattern_bound(struct check_node *node, int128 enough, uint32_t *budget, struct arena *arena,
                                      int128 *ret_worth, bool *ret_harmless, struct err *err);

#endif

/* master.h - the restricted master problem: the only door to GLPK. Columns in, duals and fractions out. */
#ifndef STOKER_SOLVER_MASTER_H
#define STOKER_SOLVER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "solver/plan.h"

struct master;

/*
 * minimise sum price_c y_c, sum_c count_sc y_c >= demand_s, y >= 0. Rows are those shapes with demand > 0.
 * GLPK's environment belongs to the thread that calls: use a master on one thread only.
 */
CC_MUST_CHECK int master_new(uint32_t n_shapes, const int64_t *demand, struct master **ret, struct err *err);

/* Adds a column; ids are 0, 1, 2 … in order. */
CC_MUST_CHECK int master_add(struct master *master, int64_t price_microusd, const struct solver_take *takes,
                             uint32_t n_takes, struct err *err);

/* The same of a pattern in fractions of pods: amounts[n] >= 0 of different shapes[n]. */
CC_MUST_CHECK int master_add_fractions(struct master *master, int64_t price_microusd, const uint32_t *shapes,
                                       const double *amounts, uint32_t n, struct err *err);

/* New right-hand sides (the same shapes). */
void master_set_demand(struct master *master, const int64_t *demand);

/*
 * Solves the relaxation, from the last basis. duals[n_shapes] are micro-dollars per pod, >= 0 (0 for shapes without
 * a row); fractions[columns], NULL = not wanted. ERR_RETRY if the simplex gave up (numerical trouble): use what was
 * known before.
 */
CC_MUST_CHECK int master_solve(struct master *master, double *duals, double *fractions, double *ret_value,
                               struct err *err);

/*
 * The best integer answer over the columns that branch and bound finds before `expired` says stop or `node_limit`
 * nodes: copies[columns]. ERR_NO_CAPACITY if it found none below `cutoff_microusd`.
 */
CC_MUST_CHECK int master_integer(struct master *master, double cutoff_microusd, int node_limit,
                                 bool (*expired)(void *context), void *context, int64_t *copies, struct err *err);

void master_free(struct master *master);

#endif

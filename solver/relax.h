/* relax.h - a small bounded-variable simplex: the fractional knapsack with a handful of rows. */
#ifndef STOKER_SOLVER_RELAX_H
#define STOKER_SOLVER_RELAX_H

#include <stdbool.h>
#include <stdint.h>

#include "solver/pack.h"

/*
 * maximise sum value_i x_i, 0 <= x_i <= bound_i, sum_i column_ri x_i <= 1 for each row r. Columns are scaled so that
 * every row's room is 1. Item-major: columns[i * n_rows + r].
 */
struct relax {
    uint32_t n_items, n_rows;
    const double *values, *bounds, *columns;
    /* answer */
    double *x;                    /* [n_items] */
    double prices[PACK_MAX_ROWS]; /* of the rows, >= 0 */
    double *reduced;              /* [n_items] value_i - prices . column_i */
    double objective;             /* of x; the bound is relax_bound() */
    /* work space of the caller's: */
    uint8_t *state; /* [n_items] */
};

/* Solves from `warm` (if it still fits) and leaves the end there. Always ends: pivots are limited, prices are then >= 0
 * but maybe not optimal. */
void relax_solve(struct relax *relax, struct pack_warm *warm);

/* sum_r prices_r + sum_i bound_i max(0, reduced_i): an upper bound for any prices >= 0. */
double relax_bound(const struct relax *relax);

#endif

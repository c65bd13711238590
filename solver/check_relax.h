/* check_relax.h - good multipliers for a bounded knapsack with several rows, in floating point: hints, never proofs. */
#ifndef STOKER_SOLVER_CHECK_RELAX_H
#define STOKER_SOLVER_CHECK_RELAX_H

#include <stddef.h>
#include <stdint.h>

enum { CHECK_RELAX_MAX_ROWS = 24 };

/* max sum(worth_i x_i) over 0 <= x_i <= most_i and, for each row r, sum(load_ir x_i) <= 1. */
struct check_relax {
    uint32_t n_rows, n_items;
    const double *load;  /* [n_items * n_rows], >= 0 */
    const double *worth; /* [n_items] */
    const double *most;  /* [n_items], >= 0 */
};

/*
 * Bounded-variable primal simplex with an explicit inverse of the small basis (Dantzig; Chvatal, Linear Programming,
 * ch. 8), stopped after a fixed number of steps. `ret_price` [n_rows] are non-negative row prices, `ret_x` [n_items]
 * the relaxed pattern; `work` is scratch [n_items]. Nothing depends on how exact the answer is: whoever uses the
 * prices evaluates the bound that they give in integers.
 */
void check_relax_solve(const struct check_relax *relax, double *ret_price, double *ret_x, int8_t *work);

#endif

/* columns.h - column generation: the pattern relaxation, its duals and a lower bound. */
#ifndef STOKER_SOLVER_COLUMNS_H
#define STOKER_SOLVER_COLUMNS_H

#include "base/vec.h"
#include "solver/kinds.h"
#include "solver/master.h"
#include "solver/pack.h"

/* A pattern on a kind. */
struct column {
    uint32_t kind;
    uint32_t n_takes;
    const struct solver_take *takes; /* ascending by shape */
    int64_t price_microusd;
};

struct columns {
    struct packer *packer;
    struct kinds *kinds;
    const int64_t *demand; /* [n_shapes] */
    struct arena *arena;
    struct master *master;
    VEC(struct column) pool; /* same order as the master's columns */
    double *fractions;       /* [pool.len] of the last master solve */
    size_t fractions_cap;
    double *duals;      /* [n_shapes] of the last master solve, micro-dollars */
    double *best_duals; /* [n_shapes] feasible: no pattern is worth more than its kind costs; prove `bound` */
    double *smooth;     /* [n_shapes] work space */
    double bound;       /* best so far: sum demand * best_duals, micro-dollars */
    double enough;      /* a bound as high as this ends the generation; HUGE_VAL at first */
    double value;       /* of the master: an upper limit of what the bound can become */
    uint32_t deepest;   /* branch-and-bound nodes that pricing one kind may take, >= 200 */
    bool (*expired)(void *context);
    void *context;
};

/* Everything but `arena`'s contents is released by columns_release. */
CC_MUST_CHECK int columns_init(struct columns *columns, struct packer *packer, struct kinds *kinds,
                               const int64_t *demand, struct arena *arena, struct err *err);

/* A column from outside (a heuristic's pattern). */
CC_MUST_CHECK int columns_add(struct columns *columns, uint32_t kind, const struct solver_take *takes, uint32_t n_takes,
                              struct err *err);

/* For every shape the kind that carries it cheapest alone: makes the master feasible. */
CC_MUST_CHECK int columns_add_singles(struct columns *columns, struct err *err);

/*
 * Prices all kinds at `duals`: adds the patterns worth more than their kind, raises `bound` (Farley 1990).
 * ret_added is their number.
 */
CC_MUST_CHECK int columns_price(struct columns *columns, const double *duals, uint32_t node_limit, uint32_t *ret_added,
                                struct err *err);

bool columns_expired(const struct columns *columns);

/* Takes duals[n_shapes] over, scaled to be feasible, where no pattern is worth more than `worst_ratio` of its price. */
void columns_raise_bound(struct columns *columns, const double *duals, double worst_ratio);

/* Adds the patterns worth more than their kind out of avail[n_shapes] <= demand; proves nothing. */
CC_MUST_CHECK int columns_add_priced(struct columns *columns, const double *duals, const int64_t *avail,
                                     uint32_t node_limit, uint32_t *ret_added, struct err *err);

/* Generates columns until value and bound are within `gap` of each other, nothing is left to add, or time is up. */
CC_MUST_CHECK int columns_generate(struct columns *columns, double gap, struct err *err);

void columns_release(struct columns *columns);

#endif

/* pack.h - what fits on one node, and which choice is worth most: a bounded multi-dimensional knapsack. */
#ifndef STOKER_SOLVER_PACK_H
#define STOKER_SOLVER_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "solver/plan.h"
#include "solver/problem.h"

/* Rows of the relaxation: the dimensions and the first groups. Further groups are relaxed away there. */
enum { PACK_MAX_ROWS = 32 };

/* What all packings of a problem share. Everything is borrowed or in the arena it was made in. */
struct packer {
    const struct solver_problem *problem;
    uint32_t n_shapes, n_dims;
    const int64_t *req;     /* [n_shapes][n_dims] */
    const double *per_unit; /* [n_shapes][n_dims] 1 / req, 0 where req is 0: packing would spend its time dividing */
    uint32_t *group_start;  /* [n_shapes + 1] into group_of */
    uint32_t *group_of;     /* groups of a shape */
    const uint64_t **foes;  /* [n_shapes] bitset of shapes it may not meet on a node; NULL = none */
    /* If n_focus > 0: only these shapes are looked at (ascending). For packing few shapes out of many quickly. */
    const uint32_t *focus;
    uint32_t n_focus;
    struct pack_scratch *scratch;
};

/* A kind of node, or one existing node. */
struct bin {
    const int64_t *room;   /* [n_dims] */
    const uint32_t *items; /* [n_items] shapes that may go there and fit alone, ascending */
    uint32_t n_items;
    const uint64_t *members;   /* the same as a bitset [n_shapes] */
    const int32_t *group_room; /* [n_groups], NULL = the groups' caps */
};

/* Where the relaxation of a bin ended last time: the next one starts there. Zeroed but for `upper` = cold. */
struct pack_warm {
    uint32_t n_rows;               /* 0 = cold */
    uint64_t signature;            /* of the candidates and rows that the indices below are about */
    uint32_t basis[PACK_MAX_ROWS]; /* row r's variable: < n_items an item, else n_items + a row's slack */
    uint32_t *upper;               /* [the bin's n_items] items at their upper bound */
    uint32_t n_upper;
};

/* A packing of one bin. takes: dense counts are in scratch until the next call; copy with pack_takes. */
struct packing {
    double value; /* of the packing found */
    double upper; /* no packing is worth more (within floating-point error) */
    uint32_t n_takes;
};

CC_MUST_CHECK int packer_init(struct packer *packer, const struct solver_problem *problem, struct arena *arena,
                              struct err *err);
void packer_release(struct packer *packer);

/*
 * The most valuable packing of `bin` at values[n_shapes] >= 0 with at most avail[n_shapes] pods of each shape:
 * relaxation by bounded simplex, rounding, then depth-first branch and bound over at most `node_limit` nodes. If the
 * search ends within the limit, upper = value. `warm` may be NULL. Takes are kept in the scratch: pack_takes.
 */
struct packing pack_best(struct packer *packer, const struct bin *bin, const double *values, const int64_t *avail,
                         uint32_t node_limit, struct pack_warm *warm);

/* The takes of the last pack_best, ascending by shape; valid until the next call. [n_takes] of that packing. */
const struct solver_take *pack_takes(const struct packer *packer);

/*
 * The linear relaxation's answer in the last pack_best, valid until the next call: amounts[*ret_n] of pods of
 * shapes[*ret_n], some of them 0.
 */
void pack_relaxed(const struct packer *packer, const uint32_t **ret_shapes, const double **ret_amounts,
                  uint32_t *ret_n);

/* Do these takes fit the bin: dimensions, groups, conflicts, membership. Exact integers. */
bool pack_fits(struct packer *packer, const struct bin *bin, const struct solver_take *takes, uint32_t n_takes);

/* How many more pods of `shape` fit beside the takes: dimensions, groups, conflicts. At most `most`. */
int64_t pack_more(struct packer *packer, const struct bin *bin, const struct solver_take *takes, uint32_t n_takes,
                  uint32_t shape, int64_t most);

#endif

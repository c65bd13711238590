/* exact_tier.h - the cheapest new nodes of one tier for each small multiset of pods, within the owners' limits. */
#ifndef STOKER_SOLVER_EXACT_TIER_H
#define STOKER_SOLVER_EXACT_TIER_H

#include "base/vec.h"
#include "solver/bag.h"
#include "solver/multiset.h"

enum { EXACT_TIER_MAX_ROWS = 32 };

/* A limit that can bind: what all nodes of an owner together may count in a dimension. */
struct exact_limit {
    uint32_t owner, dim;
    int64_t most;
};

/*
 * One way to put a multiset on new nodes: a last node of `kind` with the multiset `part`, the others as label `rest`
 * has them. Labels of one multiset differ in what they use of the limits: none is at least as cheap as another and
 * uses no more in every row.
 */
struct exact_label {
    int64_t price_microusd; /* of all its nodes */
    uint32_t nodes;
    uint32_t kind, part, rest;
};

struct exact_tier {
    const struct multiset_space *space;
    const struct kinds *kinds; /* of this tier */
    uint32_t n_rows;
    struct exact_limit rows[EXACT_TIER_MAX_ROWS];
    VEC(uint32_t) options;          /* kinds worth a look, multiset after multiset */
    uint32_t *first_option;         /* [n + 1] */
    VEC(struct exact_label) labels; /* multiset after multiset */
    VEC(int64_t) use;               /* [labels][n_rows] */
    uint32_t *first_label;          /* [n + 1] */
    uint32_t *best; /* [n] the cheapest label, then fewest nodes; SOLVER_NONE where no nodes hold the multiset */
    int64_t work;   /* counted */
};

/*
 * Fills in everything. room [n_owners][n_dims] are the limits that are still open; NULL: they are not looked at, and
 * each multiset has one label. ERR_NO_CAPACITY if there are too many labels to look at. Release in any case.
 */
CC_MUST_CHECK int exact_tier_solve(struct exact_tier *tier, struct packer *packer, const struct multiset_space *space,
                                   const struct kinds *kinds, const int64_t *room, struct arena *arena,
                                   struct err *err);

/* Adds the nodes of the best label of `set` to the bag. */
CC_MUST_CHECK int exact_tier_read(const struct exact_tier *tier, uint32_t set, struct arena *arena, struct bag *bag,
                                  struct err *err);

void exact_tier_release(struct exact_tier *tier);

#endif

/* tier.h - one weight tier with its owners' limits: what it can take of the demand, cheaply. */
#ifndef STOKER_SOLVER_TIER_H
#define STOKER_SOLVER_TIER_H

#include "base/vec.h"
#include "solver/pack.h"
#include "solver/solve.h"

struct purchases {
    VEC(struct solver_purchase) items;
};

struct tier {
    struct packer *packer;
    const struct solver_options *options;
    struct arena *arena;
    uint32_t number;    /* which tier of the problem */
    int64_t *demand;    /* [n_shapes] in: what is wanted; out: what is left */
    int64_t *room;      /* [n_owners][n_dims] limits still open, SOLVER_UNLIMITED; in and out */
    double *duals;      /* [n_shapes] out for shapes of this tier: micro-dollars per pod */
    double bound;       /* out: of what was placed; only if !limited */
    bool limited;       /* out: some limit bound, so not everything was placed or prices were bent */
    const char *method; /* out */
    struct purchases *purchases;
};

/*
 * Without a binding limit: the stage's answer. With one: prices are bent towards offerings that use less of the
 * limits until everything fits; if nothing does, as many pods as fit, higher priority first, and the rest stays in
 * demand for the next tier.
 */
CC_MUST_CHECK int tier_solve(struct tier *tier, struct err *err);

#endif

/* stage.h - one tier's question: some demand, some offerings, no limits. Heuristic, columns, dive, MIP, improvement. */
#ifndef STOKER_SOLVER_STAGE_H
#define STOKER_SOLVER_STAGE_H

#include "solver/bag.h"
#include "solver/pack.h"
#include "solver/solve.h"

struct stage {
    struct packer *packer;
    const struct solver_options *options;
    struct arena *arena;
    const int64_t *demand; /* [n_shapes] in; shapes that no kind admits are left alone */
    struct kinds kinds;
    bool whole;     /* all of the problem's offerings are allowed */
    double *duals;  /* [n_shapes] out: micro-dollars per pod; prove `bound` */
    double bound;   /* of the demand that kinds admit; micro-dollars */
    struct bag bag; /* out */
    const char *method;
};

/* Builds kinds out of `allowed` (bitset over the problem's offerings) and solves. Release in any case. */
CC_MUST_CHECK int stage_solve(struct stage *stage, const uint64_t *allowed, struct err *err);

/* Only the duals and the bound, no plan. */
CC_MUST_CHECK int stage_bound(struct stage *stage, const uint64_t *allowed, struct err *err);

void stage_release(struct stage *stage);

#endif

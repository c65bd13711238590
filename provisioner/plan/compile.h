/* compile.h - parts of demand shapes to a solver problem: parts that the solver need not tell apart become one shape.
 */
#ifndef STOKER_PROVISIONER_PLAN_COMPILE_H
#define STOKER_PROVISIONER_PLAN_COMPILE_H

#include "base/arena.h"
#include "base/err.h"
#include "provisioner/plan/demand.h"
#include "provisioner/plan/market.h"
#include "provisioner/plan/topology.h"
#include "solver/problem.h"

/* Pods of one demand shape that may go to the same places. */
struct compile_part {
    uint32_t shape;               /* index into demand->shapes */
    int64_t n_pods;               /* 0: the part is left out */
    const uint64_t *admits;       /* [supply->n] */
    const uint64_t *admits_nodes; /* [demand->n_nodes] */
    bool any_tier;                /* may come to need a lower tier than its places suggest: see market_narrow */
    uint32_t apart;               /* parts that differ here stay different shapes */
};

struct compile_input {
    const struct market *market;
    const struct demand *demand;
    const struct topology *topology; /* its groups and conflicts; its parts are not looked at */
    const struct compile_part *parts;
    size_t n_parts;
};

struct compiled {
    struct solver_problem problem;
    uint32_t *shape_of_part; /* [n_parts] the solver's shape, SOLVER_NONE for a part that was left out */
};

/*
 * Parts are merged that agree in request, places, priority, groups and conflicts, and in `apart`. The order of the
 * solver's shapes follows their content alone, so that the order of pods in the input plays no part. Everything in
 * `arena`; demand, topology and market must outlive it.
 */
CC_MUST_CHECK int compile_problem(const struct compile_input *input, struct arena *arena, struct compiled *ret,
                                  struct err *err);

/*
 * A text for each shape of a problem that names it by its content ("cpu=4 memory=15Gi … where=9f02…"): the same input
 * gives the same texts, and no two shapes share one.
 */
CC_MUST_CHECK int compile_keys(const struct solver_problem *problem, const struct dims *dims, struct arena *arena,
                               const char *const **ret_keys, struct err *err);

#endif

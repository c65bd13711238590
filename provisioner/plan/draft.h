/* draft.h - a pass's plan with real pods and real pools: which pods on which node, bought from where, or else where. */
#ifndef STOKER_PROVISIONER_PLAN_DRAFT_H
#define STOKER_PROVISIONER_PLAN_DRAFT_H

#include "provisioner/plan/assign.h"
#include "provisioner/plan/pools.h"
#include "provisioner/plan/share.h"

enum { DRAFT_MAX_TYPES = 60 }; /* that one launch offers, the chosen one counted */

/* What goes on a new node, and the pools that could host it. */
struct draft_pattern {
    const struct solver_take *takes;
    uint32_t n_takes;
    uint32_t planned; /* the solver's offering */
    uint32_t *hosts;  /* [n_hosts] by price; the cheapest first */
    size_t n_hosts;
};

/* Equal new nodes: one pattern, one choice, one list of alternatives. */
struct draft_group {
    uint32_t pattern, offering;
    const uint32_t *bins; /* [n_bins] indices into draft->bins */
    size_t n_bins;
    uint32_t *alternatives; /* [n_alternatives] offerings by price, without the chosen one */
    size_t n_alternatives;
};

struct draft {
    const struct pass *pass;
    const struct market *market;
    struct bin *bins; /* [n_bins]; new ones carry the chosen offering; some may hold no pods: they are in no group */
    size_t n_bins;
    uint32_t *bin_of_pod; /* [pods.len] SOLVER_NONE: no place */
    struct draft_pattern *patterns;
    size_t n_patterns;
    uint32_t *pattern_of_bin; /* [n_bins] SOLVER_NONE for existing nodes and empty bins */
    struct draft_group *groups;
    size_t n_groups;
    int64_t cost_microusd;
    const char **reasons; /* [pods.len] pods that the pass placed and the share did not; else NULL */
    size_t n_refused;     /* those with a reason */
};

/*
 * Assigns pods, replaces choices by cheaper pools where no limit speaks against it, lists the alternatives within
 * maxPriceRatio of the cheapest, and keeps maxPoolShare on all of it. Within a limit a node is charged at its largest
 * alternative: alternatives that do not fit are left out, first come first served.
 */
CC_MUST_CHECK int draft_build(const struct objects *objects, const struct pass *pass, const struct pools *pools,
                              struct arena *arena, struct draft *ret, struct err *err);

/* The capacity that a node of the group is charged at in a dimension: the largest of its choice and alternatives. */
int64_t draft_charge(const struct draft *draft, const struct draft_group *group, uint32_t dim);

/* The draft for the checker: what is left of the pass's problem without the pods that the share refused, and its plan.
 */
CC_MUST_CHECK int draft_plan(const struct draft *draft, struct arena *arena, struct solver_problem *ret_problem,
                             struct solver_plan *ret_plan, struct err *err);

#endif

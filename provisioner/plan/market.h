/* market.h - the supply and its Provisioners in the solver's terms: offerings, tiers, and what limits leave. */
#ifndef STOKER_PROVISIONER_PLAN_MARKET_H
#define STOKER_PROVISIONER_PLAN_MARKET_H

#include "base/arena.h"
#include "base/err.h"
#include "provisioner/plan/supply.h"
#include "solver/problem.h"

struct market {
    const struct supply *supply;
    struct solver_offering *offerings; /* [supply->n], same order as the supply's */
    struct solver_owner *owners;       /* [n_owners] by index into objects->provisioners */
    uint32_t n_owners, n_tiers;
    int64_t *used;        /* [n_owners][dims->n] capacity of the nodes that each Provisioner already has */
    uint64_t **upto_tier; /* [n_tiers] bitset [supply->n]: offerings of this tier and of those tried before it */
    uint64_t **unlimited; /* [n_tiers] bitset [supply->n]: offerings of this tier whose Provisioner has no limit */
};

/*
 * A higher weight is a lower tier (docs of v1alpha5: "Provisioners with a higher weight are tried first"). What a
 * Provisioner may still launch is limits.resources less the capacity of the nodes that carry its name in a label.
 */
CC_MUST_CHECK int market_build(const struct supply *supply, struct arena *arena, struct market *ret, struct err *err);

/*
 * Takes out of `admits` [supply->n] what the weights rule out: where a Provisioner without limits admits the pod, no
 * Provisioner of less weight is ever asked.
 */
void market_narrow(const struct market *market, uint64_t *admits);

/* The limit that a Provisioner sets on a dimension, SOLVER_UNLIMITED if none. Existing nodes are not taken off. */
int64_t market_limit(const struct market *market, uint32_t owner, uint32_t dim);

/* Does the Provisioner limit anything? */
bool market_limited(const struct market *market, uint32_t owner);

#endif

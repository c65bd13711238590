/* pools.h - which pools (type, zone) can carry a pattern for the same Provisioner and capacity type, cheapest first. */
#ifndef STOKER_PROVISIONER_PLAN_POOLS_H
#define STOKER_PROVISIONER_PLAN_POOLS_H

#include "provisioner/plan/market.h"
#include "solver/plan.h"

/* The offerings of one variant of a Provisioner and one capacity type by price, then type, then zone. */
struct pool_order {
    uint32_t *offerings; /* [n] */
    size_t n;
};

struct pools {
    const struct market *market;
    struct pool_order *orders; /* [n_variants * 2] */
    uint64_t *scratch;         /* [supply->n] */
};

CC_MUST_CHECK int pools_build(const struct market *market, struct arena *arena, struct pools *ret, struct err *err);

/*
 * The offerings of the same variant (Provisioner and labels) and capacity type as `like` that admit every shape of the
 * pattern and have the room for it, by price: all of them, or with max_ratio > 0 those that cost at most max_ratio
 * times the cheapest.
 */
CC_MUST_CHECK int pools_hosting(const struct pools *pools, const struct solver_problem *problem,
                                const struct solver_take *takes, uint32_t n_takes, uint32_t like, double max_ratio,
                                struct arena *arena, uint32_t **ret_offerings, size_t *ret_n, struct err *err);

/* Is `price` within `ratio` times `cheapest`? One part in 10^12 is left to rounding. */
bool pools_within(int64_t price_microusd, int64_t cheapest_microusd, double ratio);

#endif

/* ascent.h - near-optimal duals in milliseconds, without a linear program: mirror ascent on prices of resources. */
#ifndef STOKER_SOLVER_ASCENT_H
#define STOKER_SOLVER_ASCENT_H

#include "solver/kinds.h"
#include "solver/pack.h"

/*
 * Room that is there already, `count` nodes of about the same kind. It has no price; what the ascent finds is its
 * rent: what a node of it saves.
 */
struct ascent_rented {
    struct bin bin;
    double count;
    double rent_microusd; /* in: a first guess > 0; out: per node */
};

/*
 * Every kind k splits its price over its resources by weights w_k on a simplex: a unit of resource d there costs
 * w_kd * price_k / room_kd. A pod is then worth its cheapest kind: dual_s = min_k sum_d cost_kd * req_sd, and the sum
 * of demand * dual is a lower bound for any weights (no pattern of k can be worth more than price_k). The weights
 * climb by exponentiated gradient with a softened minimum (Beck and Teboulle 2003 for the method). Rented kinds
 * (NULL, 0: none) take part with their rent as price, which climbs while more than `count` of them are asked for and
 * falls otherwise; the rents are taken off the bound. Groups count as resources with room = cap, the first few of
 * them.
 *
 * duals[n_shapes], micro-dollars per pod; 0 for shapes without demand or kind. Returns the bound's value in
 * *ret_bound. ERR_NOMEM.
 */
/* Rounds: for a bound that users see, for one that only chooses, or just to guide a heuristic. */
enum { ASCENT_PROOF = 130, ASCENT_FULL = 60, ASCENT_SHORT = 25 };

CC_MUST_CHECK int ascent_duals(const struct packer *packer, const struct kinds *kinds, struct ascent_rented *rented,
                               uint32_t n_rented, const int64_t *demand, int rounds, double *duals, double *ret_bound,
                               struct err *err);

#endif

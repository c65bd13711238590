/* ascent.h - near-optimal duals in milliseconds, without a linear program: mirror ascent on prices of resources. */
#ifndef STOKER_SOLVER_ASCENT_H
#define STOKER_SOLVER_ASCENT_H

#include "solver/kinds.h"
#include "solver/pack.h"

/*
 * Every kind k splits its price over its resources by weights w_k on a simplex: a unit of resource d there costs
 * w_kd * price_k / room_kd. A pod is then worth its cheapest kind: dual_s = min_k sum_d cost_kd * req_sd, and the sum
 * of demand * dual is a lower bound for any weights (no pattern of k can be worth more than price_k). The weights
 * climb by exponentiated gradient with a softened minimum (Beck and Teboulle 2003 for the method).
 * Groups count as resources with room = cap, the first few of them.
 *
 * duals[n_shapes], micro-dollars per pod; 0 for shapes without demand or kind. Returns the bound's value in
 * *ret_bound. ERR_NOMEM.
 */
CC_MUST_CHECK int ascent_duals(const struct packer *packer, const struct kinds *kinds, const int64_t *demand,
                               double *duals, double *ret_bound, struct err *err);

#endif

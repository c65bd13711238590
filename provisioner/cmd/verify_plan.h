/* verify_plan.h - a printed plan, read back and held against its input: who is where, what it costs, in exact integers.
 */
#ifndef STOKER_PROVISIONER_CMD_VERIFY_PLAN_H
#define STOKER_PROVISIONER_CMD_VERIFY_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/planner.h"

/* What a plan that holds is made of. */
struct verified_plan {
    size_t n_placed, n_unschedulable, n_nodes, n_existing, n_alternatives;
    int64_t cost_microusd, worst_microusd;
    int64_t claimed_bound_microusd; /* lowerBoundUsdPerHour, not yet verified */
    int64_t *placed;                /* [bound_problem->n_shapes] */
};

/*
 * `bytes`: what `stoker plan -o json` (or yaml) printed; `name` stands in messages; `asked`: the bound's problem of
 * the same input. Verifies that each pod to place stands in the plan exactly once, that each node's pods are admitted
 * and fit (and each alternative's), that prices are the catalogue's, sums are right, limits are kept with each node
 * charged at the largest type it may become. ERR_INVALID with the first violation; ERR_NOMEM. Everything in `arena`.
 */
CC_MUST_CHECK int verify_plan(struct str bytes, const char *name, const struct objects *objects,
                              const struct planner_result *asked, struct arena *arena, struct verified_plan *ret,
                              struct err *err);

#endif

/* context.h - what one planning knows: the market it buys in, the settled pass, the draft, the bound's problem. */
#ifndef STOKER_PROVISIONER_PLAN_CONTEXT_H
#define STOKER_PROVISIONER_PLAN_CONTEXT_H

#include "provisioner/plan/draft.h"
#include "provisioner/plan/planner.h"
#include "provisioner/plan/settle.h"

/* Dimensions, supply and market, for plans with or without spot. Pointers go into itself: it never moves. */
struct planner_market {
    struct dims dims;
    struct supply supply;
    struct market market;
    struct pools pools;
    struct pass_input input;
};

struct planner_context {
    const struct objects *objects;
    const struct cloud_catalogue *catalogue;
    struct planner_options options;
    struct arena *arena;
    struct planner_market market;
    struct settled plain;   /* without modes */
    int64_t plain_ms;       /* that it took */
    struct settled final;   /* with zone mode and pool share; the same where there are none */
    int64_t zoned_microusd; /* with zone mode alone */
    struct draft draft;     /* of final */
    struct pass bound;
    const char **reasons; /* [pods.len] of every pod that has no place, NULL of the others */
};

/* A context whose market is built. ERR_INVALID: a zone that the region does not have, and what its parts refuse. */
CC_MUST_CHECK int planner_context_new(const struct objects *objects, const struct cloud_catalogue *catalogue,
                                      const struct planner_options *options, bool on_demand_only, struct arena *arena,
                                      struct planner_context **ret, struct err *err);

/* plain, then final and draft as spec.spark.zone and spec.spot.maxPoolShare ask. The draft was verified. */
CC_MUST_CHECK int planner_modes_apply(struct planner_context *context, struct err *err);

/* Fills bound, and of `ret` everything but answer and context, for the pods that the draft places. */
CC_MUST_CHECK int planner_bound_build(struct planner_context *context, struct planner_result *ret,
                                      int64_t *ret_lower_bound_microusd, struct err *err);

/* What the nodes of a group will be, whichever of their pools they come from (answer_machine.c). */
CC_MUST_CHECK int planner_machine(const struct planner_context *context, const struct draft_group *group,
                                  const struct answer_machine **ret, struct err *err);

/* The answer's nodes, pods, reasons, modes, limits and sums; bound, times and the On-Demand comparison are left. */
CC_MUST_CHECK int planner_answer_build(const struct planner_context *context, struct answer *ret, struct err *err);

/* Costs of the same pods on On-Demand alone; -1 if some of them then find no place. */
CC_MUST_CHECK int planner_on_demand_cost(const struct planner_context *context, int64_t *ret_microusd, struct err *err);

#endif

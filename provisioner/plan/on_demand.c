#include "base/bitset.h"
#include "provisioner/plan/context.h"

/*
 * Zone mode and share are left out of the comparison: without them On-Demand is cheaper, so the saving that is told
 * is never too large.
 */
int planner_on_demand_cost(const struct planner_context *context, int64_t *ret_microusd, struct err *err)
{
    struct planner_context *other = NULL;
    struct settled settled;
    size_t n_pods = context->objects->pods.len;
    uint64_t *skip = arena_array(context->arena, uint64_t, BITSET_WORDS(n_pods));
    if (!skip)
        return err_nomem(err);
    for (size_t i = 0; i < n_pods; i++)
        if (context->reasons[i])
            bitset_add(skip, i);
    int code =
        planner_context_new(context->objects, context->catalogue, &context->options, true, context->arena, &other, err);
    if (!code)
        code = settle(&other->market.input, &(struct pass_rules){.skip = skip}, NULL, context->arena, &settled, err);
    if (code)
        return code;
    *ret_microusd = settled.n_unplaced ? -1 : settled.pass.plan.cost_microusd;
    return 0;
}

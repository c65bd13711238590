#include "provisioner/plan/context.h"

#include "solver/check.h"

/* Pods with a place by the bound's shape. */
static void count_placed(const struct planner_context *context, int64_t *placed)
{
    for (size_t b = 0; b < context->draft.n_bins; b++) {
        for (uint32_t k = 0; k < context->draft.bins[b].n_pods; k++) {
            uint32_t shape = context->bound.shape_of_pod[context->draft.bins[b].pods[k]];
            if (shape != SOLVER_NONE)
                placed[shape]++;
        }
    }
}

/* The duals of the pass without modes, shape by shape through their pods: a shape that it did not have keeps 0. */
static void carry_duals(const struct planner_context *context, int64_t *duals_nanousd)
{
    const struct pass *pass = &context->plain.pass;
    for (size_t i = 0; pass->plan.duals_nanousd && i < pass->n_parts; i++) {
        uint32_t shape = pass->compiled.shape_of_part[i];
        if (shape == SOLVER_NONE)
            continue;
        uint32_t into = context->bound.shape_of_pod[pass->part_pods[i][0]];
        int64_t dual = pass->plan.duals_nanousd[pass->relaxed_shape[shape]];
        if (into != SOLVER_NONE && dual > duals_nanousd[into])
            duals_nanousd[into] = dual;
    }
}

static int fill_result(struct planner_context *context, struct planner_result *ret, struct err *err)
{
    uint32_t n_shapes = context->bound.compiled.problem.n_shapes;
    int64_t *placed = arena_array(context->arena, int64_t, n_shapes);
    int64_t *duals = arena_array(context->arena, int64_t, n_shapes);
    if (!placed || !duals)
        return err_nomem(err);
    int code =
        compile_keys(&context->bound.compiled.problem, &context->market.dims, context->arena, &ret->shape_keys, err);
    if (code)
        return code;
    count_placed(context, placed);
    carry_duals(context, duals);
    ret->bound_problem = &context->bound.compiled.problem;
    ret->placed = placed;
    ret->duals_nanousd = duals;
    ret->pod_shapes = context->bound.shape_of_pod;
    ret->supply = &context->market.supply;
    ret->demand = &context->bound.demand;
    return 0;
}

int planner_bound_build(struct planner_context *context, struct planner_result *ret, int64_t *ret_lower_bound_microusd,
                        struct err *err)
{
    const struct pass *plain = context->plain.first ? &context->plain.pass : NULL;
    int code = pass_bound_problem(&context->market.input, plain, context->arena, &context->bound, err);
    if (!code)
        code = fill_result(context, ret, err);
    if (code || !ret_lower_bound_microusd)
        return code;
    int64_t bound = 0;
    code = solver_check_bound(ret->bound_problem, ret->placed, ret->duals_nanousd, &bound, err);
    if (code)
        return code;
    if (bound > context->draft.cost_microusd) {
        /*
         * Soft constraints count as hard until they would leave a pod out. A later pass may have let one go that the
         * whole demand kept: then its bound is not about this plan, and none is known.
         */
        bool one_pass = context->plain.first && context->final.pass.lists == context->plain.pass.lists;
        if (one_pass)
            return err_set(err, ERR_FATAL, "internal: the lower bound (%lld) is above the cost (%lld microdollars)",
                           (long long)bound, (long long)context->draft.cost_microusd);
        bound = 0;
    }
    *ret_lower_bound_microusd = bound > 0 ? bound : 0;
    return 0;
}

#include "provisioner/plan/planner.h"

#include "provisioner/plan/context.h"

static void tell(const struct planner_options *options, const char *what)
{
    if (options->progress)
        options->progress(options->progress_context, what);
}

/* Why each pod without a place has none: from the passes, and from the share. */
static int gather_reasons(struct planner_context *context, struct err *err)
{
    size_t n_pods = context->objects->pods.len;
    context->reasons = arena_array(context->arena, const char *, n_pods);
    if (!context->reasons)
        return err_nomem(err);
    for (size_t i = 0; i < n_pods; i++)
        context->reasons[i] = context->final.reasons[i] ? context->final.reasons[i] : context->draft.reasons[i];
    return 0;
}

int planner_plan(const struct objects *objects, const struct cloud_catalogue *catalogue,
                 const struct planner_options *options, struct arena *arena, struct planner_result *ret,
                 struct err *err)
{
    struct clock_mono start = clock_now(options->clock);
    struct planner_result result = {0};
    int64_t lower_bound_microusd = 0;
    tell(options, "planning");
    int code = planner_context_new(objects, catalogue, options, false, arena, &result.context, err);
    if (!code)
        code = planner_modes_apply(result.context, err);
    if (!code)
        code = gather_reasons(result.context, err);
    if (!code)
        code = planner_bound_build(result.context, &result, &lower_bound_microusd, err);
    if (!code)
        code = planner_answer_build(result.context, &result.answer, err);
    if (code)
        return code;
    result.answer.lower_bound_microusd = lower_bound_microusd;
    result.answer.solve_ms = clock_ms_between(start, clock_now(options->clock));
    if (!options->skip_on_demand) {
        tell(options, "comparing with On-Demand");
        code = planner_on_demand_cost(result.context, &result.answer.on_demand_microusd, err);
        if (code)
            return code;
    }
    *ret = result;
    return 0;
}

int planner_bound_problem(const struct objects *objects, const struct cloud_catalogue *catalogue,
                          const struct planner_options *options, struct arena *arena, struct planner_result *ret,
                          struct err *err)
{
    struct planner_result result = {0};
    int code = planner_context_new(objects, catalogue, options, false, arena, &result.context, err);
    if (!code)
        code = planner_bound_build(result.context, &result, NULL, err);
    if (code)
        return code;
    *ret = result;
    return 0;
}

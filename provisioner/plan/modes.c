#include "provisioner/plan/context.h"

#include "base/bitset.h"
#include "provisioner/plan/zone_mode.h"
#include "solver/check.h"

/* Does a plan with zones keep its promise: as many pods as without, for at most the premium? */
static bool acceptable(const struct settled *plain, const struct settled *zoned, const struct zone_mode *modes)
{
    size_t n_skipped = modes->skip ? bitset_count(modes->skip, modes->input->objects->pods.len) : 0;
    return zoned->n_unplaced <= plain->n_unplaced + n_skipped &&
           pools_within(zoned->pass.plan.cost_microusd, plain->pass.plan.cost_microusd, 1 + modes->premium);
}

static int try_zones(struct planner_context *context, struct zone_mode *modes, enum zone_attempt attempt,
                     const uint32_t **ret_zones, struct settled *ret, struct err *err)
{
    uint32_t *zone_of_pod = arena_array(context->arena, uint32_t, context->objects->pods.len);
    if (!zone_of_pod)
        return err_nomem(err);
    int code = zone_mode_choose(modes, attempt, context->arena, zone_of_pod, err);
    if (code)
        return code;
    struct pass_rules rules = {.skip = modes->skip, .zone_of_pod = zone_of_pod};
    code = settle(&context->market.input, &rules, modes->reasons, context->arena, ret, err);
    if (!code)
        *ret_zones = zone_of_pod;
    return code;
}

/* Is `a` the better of two plans that must be taken whatever they cost? */
static bool better(const struct settled *a, const struct settled *b)
{
    if (a->n_unplaced != b->n_unplaced)
        return a->n_unplaced < b->n_unplaced;
    return a->pass.plan.cost_microusd < b->pass.plan.cost_microusd;
}

/*
 * spec.spark.zone. Preferred zones are tried with less and less zeal until the plan is within the premium; zones
 * that must be single are kept whatever they cost. *ret_zones stays NULL if the plan without zones is taken.
 */
static int apply_zones(struct planner_context *context, const uint32_t **ret_zones, struct err *err)
{
    struct zone_mode modes;
    int code = zone_mode_init(&modes, &context->market.input, &context->plain.pass, context->arena, err);
    if (code || !(modes.n_prefer || modes.n_single))
        return code;
    struct settled best = {0};
    const uint32_t *best_zones = NULL;
    for (enum zone_attempt attempt = ZONE_BALANCED; attempt <= ZONE_SINGLE; attempt++) {
        struct settled settled;
        const uint32_t *zones = NULL;
        if (attempt == ZONE_HALF && !modes.n_prefer)
            break;
        if (attempt == ZONE_SINGLE && !modes.n_single)
            return 0;
        code = try_zones(context, &modes, attempt, &zones, &settled, err);
        if (code)
            return code;
        bool keeps = acceptable(&context->plain, &settled, &modes);
        if (keeps || !best_zones || attempt == ZONE_SINGLE || better(&settled, &best)) {
            best = settled;
            best_zones = zones;
        }
        if (keeps)
            break;
    }
    context->final = best;
    *ret_zones = best_zones;
    return 0;
}

/* The smallest cap that any Provisioner sets for an application. */
static int32_t smallest_cap(const struct share *share, uint32_t app)
{
    int32_t least = INT32_MAX;
    for (uint32_t p = 0; p < share->objects->provisioners.len; p++) {
        int32_t cap = share_cap(share, app, p);
        least = cap < least ? cap : least;
    }
    return least;
}

/* Applications that did not find slots enough within their cap on each node: crowds of the next pass. */
static int find_crowds(struct planner_context *context, struct pass_rules *rules, struct err *err)
{
    const struct pass *pass = context->draft.pass;
    size_t n_pods = context->objects->pods.len;
    struct share share;
    uint32_t *crowd_of_app = arena_array(context->arena, uint32_t, pass->demand.n_apps);
    uint32_t *crowd_of_pod = arena_array(context->arena, uint32_t, n_pods);
    int32_t *caps = arena_array(context->arena, int32_t, pass->demand.n_apps);
    if (!crowd_of_app || !crowd_of_pod || !caps)
        return err_nomem(err);
    int code = share_init(&share, context->objects, &context->market.supply, pass, context->arena, err);
    if (code)
        return code;
    for (size_t i = 0; i < n_pods; i++) {
        uint32_t app = pass->demand.pod_app[i];
        if (!context->draft.reasons[i] || app == SOLVER_NONE || crowd_of_app[app])
            continue;
        caps[rules->n_crowds++] = smallest_cap(&share, app);
        crowd_of_app[app] = rules->n_crowds;
    }
    for (size_t i = 0; i < n_pods; i++)
        if (pass->demand.pod_app[i] != SOLVER_NONE)
            crowd_of_pod[i] = crowd_of_app[pass->demand.pod_app[i]];
    rules->crowd_of_pod = crowd_of_pod;
    rules->crowd_caps = caps;
    return 0;
}

static int draft_final(struct planner_context *context, struct draft *ret, struct err *err)
{
    return draft_build(context->objects, &context->final.pass, &context->market.pools, context->arena, ret, err);
}

/*
 * spec.spot.maxPoolShare. The solver packs executors of many applications as one shape; where real pods then do not
 * fit under their caps, the applications concerned are told apart and capped on each node, and all is solved again.
 */
static int apply_share(struct planner_context *context, const uint32_t *zones, struct err *err)
{
    struct pass_rules rules = {.zone_of_pod = zones};
    struct settled *before = arena_new(context->arena, struct settled);
    struct draft crowded;
    if (!before)
        return err_nomem(err);
    int code = draft_final(context, &context->draft, err);
    if (code || !context->draft.n_refused)
        return code;
    *before = context->final;
    context->draft.pass = &before->pass;
    code = find_crowds(context, &rules, err);
    if (code)
        return code;
    uint64_t *skip = arena_array(context->arena, uint64_t, BITSET_WORDS(context->objects->pods.len));
    if (!skip)
        return err_nomem(err);
    for (size_t i = 0; i < context->objects->pods.len; i++)
        if (before->reasons[i])
            bitset_add(skip, i);
    rules.skip = skip;
    code = settle(&context->market.input, &rules, before->reasons, context->arena, &context->final, err);
    if (!code)
        code = draft_final(context, &crowded, err);
    if (code)
        return code;
    if (context->final.n_unplaced + crowded.n_refused < before->n_unplaced + context->draft.n_refused)
        context->draft = crowded;
    else
        context->final = *before;
    context->draft.pass = &context->final.pass;
    return 0;
}

static int verify_draft(const struct planner_context *context, struct err *err)
{
    struct solver_problem problem;
    struct solver_plan plan;
    int code = draft_plan(&context->draft, context->arena, &problem, &plan, err);
    if (code)
        return code;
    if (solver_check_plan(&problem, &plan, err)) {
        err_wrap(err, "internal: the plan with real pods is not valid");
        if (err)
            err->code = ERR_FATAL;
        return ERR_FATAL;
    }
    return 0;
}

int planner_modes_apply(struct planner_context *context, struct err *err)
{
    const uint32_t *zones = NULL;
    int code = settle(&context->market.input, &(struct pass_rules){0}, NULL, context->arena, &context->plain, err);
    if (code)
        return code;
    context->final = context->plain;
    code = apply_zones(context, &zones, err);
    if (!code)
        code = apply_share(context, zones, err);
    return code ? code : verify_draft(context, err);
}

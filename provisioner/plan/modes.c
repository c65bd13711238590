#include "provisioner/plan/context.h"

#include "base/bitset.h"
#include "provisioner/plan/classes.h"
#include "provisioner/plan/zone_mode.h"

/* Deals after which the caps are what the last one left; the least time for a mode's solve. */
enum { SHARE_ROUNDS = 4, MIN_MODE_MS = 20 };

/* Does a plan with zones keep its promise: as many pods as without, for at most the premium? */
static bool acceptable(const struct settled *plain, const struct settled *zoned, const struct zone_mode *modes)
{
    size_t n_skipped = modes->skip ? bitset_count(modes->skip, modes->input->objects->pods.len) : 0;
    return zoned->n_unplaced <= plain->n_unplaced + n_skipped &&
           pools_within(zoned->pass.plan.cost_microusd, plain->pass.plan.cost_microusd, 1 + modes->premium);
}

/*
 * A mode's solve has half the time that the plain one took: most need one or two attempts, and modes are to double
 * the time at most.
 */
static int settle_mode(struct planner_context *context, const struct pass_rules *rules, const char *const *reasons,
                       struct settled *ret, struct err *err)
{
    struct pass_input input = context->market.input;
    int64_t share_ms = context->plain_ms / 2 > MIN_MODE_MS ? context->plain_ms / 2 : MIN_MODE_MS;
    if (share_ms < input.budget_ms)
        input.budget_ms = share_ms;
    return settle(&input, rules, reasons, context->arena, ret, err);
}

/* Zones whose estimate exceeds this many premiums are not tried. *ret_zones stays NULL then. */
static const double HOPELESS = 1.2;

static int try_zones(struct planner_context *context, struct zone_mode *modes, enum zone_attempt attempt,
                     const uint32_t **ret_zones, struct settled *ret, struct err *err)
{
    uint32_t *zone_of_pod = arena_array(context->arena, uint32_t, context->objects->pods.len);
    if (!zone_of_pod)
        return err_nomem(err);
    int code = zone_mode_choose(modes, attempt, context->arena, zone_of_pod, err);
    if (code)
        return code;
    if (attempt != ZONE_SINGLE && !modes->n_single && modes->estimate > 1 + HOPELESS * modes->premium)
        return 0; /* solving it would only show the same */
    struct pass_rules rules = {.skip = modes->skip, .zone_of_pod = zone_of_pod};
    code = settle_mode(context, &rules, modes->reasons, ret, err);
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
        if (!zones)
            continue;
        bool keeps = acceptable(&context->plain, &settled, &modes);
        if (keeps || !best_zones || attempt == ZONE_SINGLE || better(&settled, &best)) {
            best = settled;
            best_zones = zones;
        }
        if (keeps)
            break;
    }
    if (best_zones)
        context->final = best;
    *ret_zones = best_zones;
    return 0;
}

static uint64_t *unplaced_pods(const struct planner_context *context, const struct settled *settled)
{
    uint64_t *set = arena_array(context->arena, uint64_t, BITSET_WORDS(context->objects->pods.len));
    for (size_t i = 0; set && i < context->objects->pods.len; i++)
        if (settled->reasons[i])
            bitset_add(set, i);
    return set;
}

/*
 * spec.spot.maxPoolShare: executors are dealt to classes of pools, and all is solved again. Where a limit or the share
 * itself leaves executors over, the caps are those of the smaller application, which is dealt once more.
 */
static int apply_share(struct planner_context *context, const uint32_t *zones, struct err *err)
{
    struct settled settled = context->final;
    for (int round = 0; round < SHARE_ROUNDS; round++) {
        struct classes classes;
        size_t n_before = settled.n_unplaced;
        uint64_t *skip = unplaced_pods(context, &settled);
        if (!skip)
            return err_nomem(err);
        int code = classes_deal(&context->market.input, &context->plain.pass, zones, skip, settled.reasons,
                                context->arena, &classes, err);
        if (code)
            return code;
        struct pass_rules rules = {.skip = classes.skip,
                                   .zone_of_pod = zones,
                                   .class_of_pod = classes.class_of_pod,
                                   .classes = classes.masks,
                                   .n_classes = classes.n};
        code = settle_mode(context, &rules, classes.reasons, &settled, err);
        if (code)
            return code;
        if (settled.n_unplaced == n_before)
            break;
    }
    context->final = settled;
    return 0;
}

static int verify_draft(const struct planner_context *context, struct err *err)
{
    struct solver_problem problem;
    struct solver_plan plan;
    int code = draft_plan(&context->draft, context->arena, &problem, &plan, err);
    if (code)
        return code;
    return pass_verify(&problem, &plan, "the plan with real pods", err);
}

int planner_modes_apply(struct planner_context *context, struct err *err)
{
    const uint32_t *zones = NULL;
    struct clock_mono start = clock_now(context->options.clock);
    int code = settle(&context->market.input, &(struct pass_rules){0}, NULL, context->arena, &context->plain, err);
    if (code)
        return code;
    context->plain_ms = (int64_t)clock_ms_between(start, clock_now(context->options.clock));
    context->final = context->plain;
    code = apply_zones(context, &zones, err);
    context->zoned_microusd = context->final.pass.plan.cost_microusd;
    if (!code && share_wanted(context->objects))
        code = apply_share(context, zones, err);
    if (!code)
        code = draft_build(context->objects, &context->final.pass, &context->market.pools, context->arena,
                           &context->draft, err);
    return code ? code : verify_draft(context, err);
}

#include "provisioner/plan/context.h"

#include "base/bitset.h"

/* "us-west-2a, us-west-2b": what the region has. */
static const char *zone_names(const struct cloud_catalogue *catalogue, struct arena *arena)
{
    const char *text = "";
    for (size_t z = 0; text && z < catalogue->n_zones; z++)
        text = arena_printf(arena, "%s%s%.*s", text, z ? ", " : "", STR_ARG(catalogue->zones[z]));
    return text;
}

static int allowed_zones(const struct cloud_catalogue *catalogue, const struct planner_options *options,
                         struct arena *arena, const uint64_t **ret_zones, struct err *err)
{
    *ret_zones = NULL;
    if (!options->zones)
        return 0;
    uint64_t *zones = arena_array(arena, uint64_t, BITSET_WORDS(catalogue->n_zones));
    if (!zones)
        return err_nomem(err);
    for (size_t i = 0; i < options->n_zones; i++) {
        size_t z = 0;
        while (z < catalogue->n_zones && !str_is(catalogue->zones[z], options->zones[i]))
            z++;
        if (z == catalogue->n_zones) {
            const char *names = zone_names(catalogue, arena);
            return names ? err_set(err, ERR_INVALID, "zone %s is not in region %.*s, which has %s", options->zones[i],
                                   STR_ARG(catalogue->region), names)
                         : err_nomem(err);
        }
        bitset_add(zones, z);
    }
    *ret_zones = zones;
    return 0;
}

static int find_dims(const struct planner_context *context, struct dims *ret, struct err *err)
{
    struct volumes volumes;
    int code = dims_of(context->objects, ret, err);
    if (code)
        return code;
    code = volumes_open(context->objects, &volumes, err);
    if (code)
        return code;
    code = dims_add_volumes(ret, &volumes, context->catalogue->volume_driver, context->arena, err);
    volumes_close(&volumes);
    return code;
}

static int build_market(struct planner_context *context, bool on_demand_only, struct err *err)
{
    struct planner_market *m = &context->market;
    struct supply_options options = {.on_demand_only = on_demand_only, .overlay = context->options.overlay};
    int code = allowed_zones(context->catalogue, &context->options, context->arena, &options.zones, err);
    if (!code)
        code = find_dims(context, &m->dims, err);
    if (!code)
        code = supply_build(context->objects, context->catalogue, &m->dims, &options, context->arena, &m->supply, err);
    if (!code)
        code = market_build(&m->supply, context->arena, &m->market, err);
    if (!code)
        code = pools_build(&m->market, context->arena, &m->pools, err);
    m->input = (struct pass_input){.objects = context->objects,
                                   .supply = &m->supply,
                                   .market = &m->market,
                                   .clock = context->options.clock,
                                   .budget_ms = context->options.budget_ms};
    return code;
}

int planner_context_new(const struct objects *objects, const struct cloud_catalogue *catalogue,
                        const struct planner_options *options, bool on_demand_only, struct arena *arena,
                        struct planner_context **ret, struct err *err)
{
    struct planner_context *context = arena_new(arena, struct planner_context);
    if (!context)
        return err_nomem(err);
    context->objects = objects;
    context->catalogue = catalogue;
    context->options = *options;
    context->arena = arena;
    int code = build_market(context, on_demand_only, err);
    if (code)
        return code;
    *ret = context;
    return 0;
}

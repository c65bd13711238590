#include "provisioner/plan/context.h"

#include <stdlib.h>

struct answerer {
    const struct planner_context *context;
    struct arena *arena;
    const struct supply *supply;
    const struct cloud_catalogue *catalogue;
    struct answer *answer;
};

static struct answer_pool pool_of(const struct answerer *a, uint32_t offering)
{
    const struct supply_offering *o = &a->supply->offerings[offering];
    return (struct answer_pool){a->catalogue->types[o->type].name, a->catalogue->zones[o->zone], o->price_microusd};
}

/* A node of the group without its pods; equal for all nodes of the group. */
static int group_node(const struct answerer *a, uint32_t index, struct answer_node *ret, struct err *err)
{
    const struct draft *draft = &a->context->draft;
    const struct draft_group *group = &draft->groups[index];
    const struct supply_offering *offering = &a->supply->offerings[group->offering];
    struct answer_pool *pools = arena_array(a->arena, struct answer_pool, group->n_alternatives);
    if (!pools)
        return err_nomem(err);
    for (size_t i = 0; i < group->n_alternatives; i++)
        pools[i] = pool_of(a, group->alternatives[i]);
    struct answer_pool chosen = pool_of(a, group->offering);
    struct answer_node node = {.group = index,
                               .provisioner = a->context->objects->provisioners.items[offering->provisioner].name,
                               .instance_type = chosen.instance_type,
                               .zone = chosen.zone,
                               .capacity_type = offering->capacity_type,
                               .price_microusd = chosen.price_microusd,
                               .alternatives = pools,
                               .n_alternatives = group->n_alternatives,
                               .cpu_milli = offering->alloc[DIM_CPU],
                               .memory_bytes = offering->alloc[DIM_MEMORY]};
    int code = planner_machine(a->context, group, &node.machine, err);
    if (code)
        return code;
    const struct draft_pattern *pattern = &draft->patterns[group->pattern];
    for (uint32_t i = 0; i < pattern->n_takes; i++) {
        const struct solver_shape *shape = &draft->pass->compiled.problem.shapes[pattern->takes[i].shape];
        node.cpu_used_milli += shape->req[DIM_CPU] * pattern->takes[i].count;
        node.memory_used_bytes += shape->req[DIM_MEMORY] * pattern->takes[i].count;
    }
    *ret = node;
    return 0;
}

static int add_nodes(struct answerer *a, struct err *err)
{
    const struct draft *draft = &a->context->draft;
    a->answer->nodes = arena_array(a->arena, struct answer_node, draft->n_bins);
    if (!a->answer->nodes)
        return err_nomem(err);
    for (uint32_t g = 0; g < draft->n_groups; g++) {
        const struct draft_group *group = &draft->groups[g];
        struct answer_node node = {0};
        int code = group_node(a, g, &node, err);
        if (code)
            return code;
        for (size_t i = 0; i < group->n_bins; i++) {
            node.pods = draft->bins[group->bins[i]].pods;
            node.n_pods = draft->bins[group->bins[i]].n_pods;
            a->answer->nodes[a->answer->n_nodes++] = node;
            a->answer->n_scheduled += node.n_pods;
        }
        a->answer->cost_microusd += node.price_microusd * (int64_t)group->n_bins;
        a->answer->worst_microusd += node.machine->worst_microusd * (int64_t)group->n_bins;
    }
    return 0;
}

static int by_node(const void *a, const void *b)
{
    const struct bin *const *x = a, *const *y = b;
    return (*x)->node < (*y)->node ? -1 : (*x)->node > (*y)->node;
}

static int add_existing(struct answerer *a, struct err *err)
{
    const struct draft *draft = &a->context->draft;
    const struct bin **bins = arena_array(a->arena, const struct bin *, draft->n_bins);
    a->answer->existing = arena_array(a->arena, struct answer_existing, draft->n_bins);
    if (!bins || !a->answer->existing)
        return err_nomem(err);
    size_t n = 0;
    for (size_t b = 0; b < draft->n_bins; b++)
        if (draft->bins[b].node != SOLVER_NONE && draft->bins[b].n_pods)
            bins[n++] = &draft->bins[b];
    qsort(bins, n, sizeof(struct bin *), by_node);
    for (size_t i = 0; i < n; i++) {
        a->answer->existing[i] = (struct answer_existing){draft->pass->demand.nodes[bins[i]->node].node->name,
                                                          bins[i]->pods, bins[i]->n_pods};
        a->answer->n_scheduled += bins[i]->n_pods;
    }
    a->answer->n_existing = n;
    return 0;
}

static int add_unschedulable(struct answerer *a, struct err *err)
{
    size_t n_pods = a->context->objects->pods.len, n = 0;
    for (size_t i = 0; i < n_pods; i++)
        n += a->context->reasons[i] != NULL;
    a->answer->unschedulable = arena_array(a->arena, struct answer_unschedulable, n);
    if (!a->answer->unschedulable)
        return err_nomem(err);
    for (uint32_t i = 0; i < n_pods; i++)
        if (a->context->reasons[i])
            a->answer->unschedulable[a->answer->n_unschedulable++] =
                (struct answer_unschedulable){i, a->context->reasons[i]};
    a->answer->n_pods = a->answer->n_scheduled + a->answer->n_unschedulable;
    return 0;
}

/* What a limited dimension is charged with: existing nodes, and new ones at their largest alternative. */
static int64_t charged(const struct answerer *a, uint32_t owner, uint32_t dim)
{
    const struct market *market = &a->context->market.market;
    int64_t used = market->used[owner * market->supply->dims->n + dim];
    for (size_t g = 0; g < a->context->draft.n_groups; g++) {
        const struct draft_group *group = &a->context->draft.groups[g];
        if (market->offerings[group->offering].owner == owner)
            used += draft_charge(&a->context->draft, group, dim) * (int64_t)group->n_bins;
    }
    return used;
}

static int add_limits(struct answerer *a, struct err *err)
{
    const struct market *market = &a->context->market.market;
    uint32_t n_dims = market->supply->dims->n;
    a->answer->limits = arena_array(a->arena, struct answer_limit, (size_t)market->n_owners * n_dims);
    if (!a->answer->limits)
        return err_nomem(err);
    for (uint32_t o = 0; o < market->n_owners; o++) {
        for (uint32_t d = 0; d < n_dims; d++) {
            int64_t limit = market_limit(market, o, d);
            if (limit != SOLVER_UNLIMITED)
                a->answer->limits[a->answer->n_limits++] =
                    (struct answer_limit){.provisioner = a->context->objects->provisioners.items[o].name,
                                          .resource = market->supply->dims->names[d],
                                          .used = charged(a, o, d),
                                          .limit = limit};
        }
    }
    return 0;
}

static int add_mode(struct answerer *a, const char *name, int64_t with_microusd, int64_t without_microusd,
                    struct err *err)
{
    if (!name)
        return err_nomem(err);
    a->answer->modes[a->answer->n_modes++] = (struct answer_mode){name, with_microusd, without_microusd};
    return 0;
}

static int add_modes(struct answerer *a, struct err *err)
{
    const struct objects *objects = a->context->objects;
    enum spark_zone_mode mode = SPARK_ZONE_ANY;
    double share = 1;
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        const struct provisioner *p = &objects->provisioners.items[i];
        mode = p->zone_mode > mode ? p->zone_mode : mode;
        share = p->max_pool_share < share ? p->max_pool_share : share;
    }
    a->answer->modes = arena_array(a->arena, struct answer_mode, 2);
    if (!a->answer->modes)
        return err_nomem(err);
    int64_t zoned_microusd = a->context->zoned_microusd;
    int code = 0;
    if (mode != SPARK_ZONE_ANY)
        code = add_mode(a, mode == SPARK_ZONE_SINGLE ? "spec.spark.zone=single" : "spec.spark.zone=prefer",
                        zoned_microusd, a->context->plain.pass.plan.cost_microusd, err);
    if (!code && share < 1)
        code = add_mode(a, arena_printf(a->arena, "spec.spot.maxPoolShare=%g", share), a->answer->cost_microusd,
                        zoned_microusd, err);
    return code;
}

static size_t count_bound(const struct objects *objects)
{
    size_t n = 0;
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        n += pod->node_name.len && pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED;
    }
    return n;
}

int planner_answer_build(const struct planner_context *context, struct answer *ret, struct err *err)
{
    struct answer answer = {.region = context->catalogue->region,
                            .price_note = context->catalogue->price_note,
                            .on_demand_microusd = -1,
                            .method = context->final.pass.plan.method,
                            .n_bound = count_bound(context->objects)};
    struct answerer a = {context, context->arena, &context->market.supply, context->catalogue, &answer};
    int code = add_nodes(&a, err);
    if (!code)
        code = add_existing(&a, err);
    if (!code)
        code = add_unschedulable(&a, err);
    if (!code)
        code = add_limits(&a, err);
    if (!code)
        code = add_modes(&a, err);
    if (code)
        return code;
    answer.n_ignored_pods = context->objects->pods.len - answer.n_pods - answer.n_bound;
    *ret = answer;
    return 0;
}

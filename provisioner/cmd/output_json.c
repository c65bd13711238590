#include "provisioner/cmd/output.h"

#include <string.h>

enum { POD_NAME_MAX = 600 };

int output_format_set(void *target, const char *value, struct err *err)
{
    static const char *const names[] = {"table", "wide", "json", "yaml"}; /* as enum output_format */
    for (size_t i = 0; i < CC_COUNT(names); i++)
        if (strcmp(value, names[i]) == 0) {
            *(enum output_format *)target = (enum output_format)i;
            return 0;
        }
    return err_set(err, ERR_INVALID, "\"%s\" is no form of output; allowed are table, wide, json, yaml", value);
}

static void emit_pod(struct emit *emit, const struct objects *objects, uint32_t pod)
{
    const struct pod *p = &objects->pods.items[pod];
    char name[POD_NAME_MAX];
    int len = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(p->namespace_), STR_ARG(p->name));
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(name) ? (size_t)len : sizeof(name) - 1;
    emit_text(emit, (struct str){name, used});
}

static void emit_pods(struct emit *emit, const struct objects *objects, const uint32_t *pods, uint32_t n_pods)
{
    emit_key(emit, "pods");
    emit_list_compact(emit);
    for (uint32_t i = 0; i < n_pods; i++)
        emit_pod(emit, objects, pods[i]);
    emit_close(emit);
}

static void emit_unschedulable(struct emit *emit, const struct answer *answer, const struct objects *objects)
{
    emit_key(emit, "unschedulable");
    emit_list(emit);
    for (size_t i = 0; i < answer->n_unschedulable; i++) {
        emit_map_compact(emit);
        emit_key(emit, "pod");
        emit_pod(emit, objects, answer->unschedulable[i].pod);
        emit_text_at(emit, "reason", str_of(answer->unschedulable[i].reason));
        emit_close(emit);
    }
    emit_close(emit);
}

static void emit_existing(struct emit *emit, const struct answer *answer, const struct objects *objects)
{
    emit_key(emit, "existing");
    emit_list(emit);
    for (size_t i = 0; i < answer->n_existing; i++) {
        emit_map(emit);
        emit_text_at(emit, "node", answer->existing[i].node);
        emit_pods(emit, objects, answer->existing[i].pods, answer->existing[i].n_pods);
        emit_close(emit);
    }
    emit_close(emit);
}

static void emit_alternatives(struct emit *emit, const struct answer_node *node)
{
    emit_key(emit, "alternatives");
    emit_list(emit);
    for (size_t i = 0; i < node->n_alternatives; i++) {
        const struct answer_pool *pool = &node->alternatives[i];
        emit_map_compact(emit);
        emit_text_at(emit, "instanceType", pool->instance_type);
        emit_text_at(emit, "zone", pool->zone);
        emit_money_at(emit, "usdPerHour", pool->price_microusd);
        emit_close(emit);
    }
    emit_close(emit);
}

static void emit_nodes(struct emit *emit, const struct answer *answer, const struct objects *objects)
{
    emit_key(emit, "nodes");
    emit_list(emit);
    for (size_t i = 0; i < answer->n_nodes; i++) {
        const struct answer_node *node = &answer->nodes[i];
        emit_map(emit);
        emit_text_at(emit, "provisioner", node->provisioner);
        emit_text_at(emit, "instanceType", node->instance_type);
        emit_text_at(emit, "zone", node->zone);
        emit_text_at(emit, "capacityType", str_of(cloud_capacity_type_name(node->capacity_type)));
        emit_money_at(emit, "usdPerHour", node->price_microusd);
        emit_pods(emit, objects, node->pods, node->n_pods);
        emit_alternatives(emit, node);
        emit_close(emit);
    }
    emit_close(emit);
}

static void emit_totals(struct emit *emit, const struct answer *answer)
{
    emit_money_at(emit, "usdPerHour", answer->cost_microusd);
    emit_money_at(emit, "worstUsdPerHour", answer->worst_microusd);
    emit_money_at(emit, "lowerBoundUsdPerHour", answer->lower_bound_microusd);
    emit_key(emit, "onDemandUsdPerHour");
    if (answer->on_demand_microusd < 0)
        emit_null(emit);
    else
        emit_money(emit, answer->on_demand_microusd);
    emit_key(emit, "solveMilliseconds");
    emit_decimal(emit, answer->solve_ms, 3);
}

static void emit_modes(struct emit *emit, const struct answer *answer)
{
    emit_key(emit, "modes");
    emit_list(emit);
    for (size_t i = 0; i < answer->n_modes; i++) {
        emit_map_compact(emit);
        emit_text_at(emit, "mode", str_of(answer->modes[i].name));
        emit_money_at(emit, "usdPerHour", answer->modes[i].with_microusd);
        emit_money_at(emit, "withoutUsdPerHour", answer->modes[i].without_microusd);
        emit_close(emit);
    }
    emit_close(emit);
}

/* cpu is in cores, as the Provisioner's limits are; its milli are exact in three decimals. */
static void emit_amount(struct emit *emit, const char *key, struct str resource, int64_t amount)
{
    emit_key(emit, key);
    if (str_is(resource, "cpu"))
        emit_decimal(emit, (double)amount / 1000, 3);
    else
        emit_int(emit, amount);
}

static void emit_limits(struct emit *emit, const struct answer *answer)
{
    emit_key(emit, "limits");
    emit_list(emit);
    for (size_t i = 0; i < answer->n_limits; i++) {
        const struct answer_limit *limit = &answer->limits[i];
        emit_map_compact(emit);
        emit_text_at(emit, "provisioner", limit->provisioner);
        emit_text_at(emit, "resource", limit->resource);
        emit_amount(emit, "used", limit->resource, limit->used);
        emit_amount(emit, "limit", limit->resource, limit->limit);
        emit_close(emit);
    }
    emit_close(emit);
}

/* What was read and plays no part, so that nothing disappears without a trace. */
static void emit_ignored(struct emit *emit, const struct answer *answer, const struct objects *objects)
{
    emit_int_at(emit, "boundPods", (int64_t)answer->n_bound);
    emit_int_at(emit, "ignoredPods", (int64_t)answer->n_ignored_pods);
    emit_key(emit, "ignoredKinds");
    emit_list(emit);
    for (size_t i = 0; i < objects->ignored.len; i++) {
        emit_map_compact(emit);
        emit_text_at(emit, "kind", intern_text(&objects->ignored, (uint32_t)i));
        emit_int_at(emit, "count", (int64_t)objects->ignored_counts.items[i]);
        emit_close(emit);
    }
    emit_close(emit);
}

int output_json(const struct answer *answer, const struct objects *objects, enum emit_syntax syntax, FILE *file,
                struct err *err)
{
    struct emit emit = emit_to(file, syntax);
    emit_map(&emit);
    emit_int_at(&emit, "pods", (int64_t)answer->n_pods);
    emit_int_at(&emit, "scheduled", (int64_t)answer->n_scheduled);
    emit_unschedulable(&emit, answer, objects);
    emit_existing(&emit, answer, objects);
    emit_nodes(&emit, answer, objects);
    emit_totals(&emit, answer);
    emit_text_at(&emit, "method", str_of(answer->method));
    emit_text_at(&emit, "region", answer->region);
    emit_text_at(&emit, "priceNote", str_of(answer->price_note));
    emit_modes(&emit, answer);
    emit_limits(&emit, answer);
    emit_ignored(&emit, answer, objects);
    emit_close(&emit);
    return emit_end(&emit) ? 0 : err_set(err, ERR_FATAL, "the plan could not be written");
}

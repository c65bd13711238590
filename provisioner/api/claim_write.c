/* claim_write.c - NodeClaims as JSON: the whole object for a create, spec and status for merge patches. */
#include <stdio.h>

#include "base/money.h"
#include "base/quantity.h"
#include "provisioner/api/claim.h"
#include "provisioner/api/label_keys.h"

/*
 * What is not there: in a merge patch a null, which takes it away; in a new object nothing, since the API server
 * refuses nulls.
 */
struct writer {
    struct json_out *json;
    bool patch;
};

static void absent(struct writer *writer, const char *key)
{
    if (writer->patch)
        json_null(writer->json, key);
}

static void write_text(struct writer *writer, const char *key, struct str text)
{
    if (text.len)
        json_str(writer->json, key, text);
    else
        absent(writer, key);
}

static void write_money(struct writer *writer, const char *key, int64_t microusd)
{
    char text[MONEY_TEXT_MAX];
    if (microusd >= 0)
        json_str(writer->json, key, str_of(money_text(microusd, text)));
    else
        absent(writer, key);
}

static void write_time(struct writer *writer, const char *key, struct clock_wall time)
{
    char text[CLOCK_TEXT_BYTES];
    clock_text_micro(time, text);
    if (time.ns)
        json_str(writer->json, key, str_of(text));
    else
        absent(writer, key);
}

/* Exact: bytes in the largest binary unit that divides them. */
static void amount_text(const struct cloud_resource *resource, char text[QUANTITY_TEXT_MAX])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti"};
    bool bytes = str_is(resource->name, "memory") || str_is(resource->name, "ephemeral-storage") ||
                 str_starts(resource->name, "hugepages-");
    int64_t amount = resource->amount;
    size_t unit = 0;
    for (; bytes && amount && amount % 1024 == 0 && unit + 1 < CC_COUNT(units); amount /= 1024)
        unit++;
    if (str_is(resource->name, "cpu"))
        quantity_milli_text(amount, text);
    else
        snprintf(text, QUANTITY_TEXT_MAX, "%lld%s", (long long)amount, units[unit]);
}

static void write_resources(struct json_out *json, const char *key, const struct resources *resources)
{
    json_open_map(json, key);
    for (size_t i = 0; i < resources->n; i++) {
        char text[QUANTITY_TEXT_MAX];
        amount_text(&resources->items[i], text);
        json_str_by(json, resources->items[i].name, str_of(text));
    }
    json_close_map(json);
}

static void write_labels(struct json_out *json, const char *key, const struct labels *labels)
{
    json_open_map(json, key);
    for (size_t i = 0; i < labels->n; i++)
        json_str_by(json, labels->items[i].key, labels->items[i].value);
    json_close_map(json);
}

static void write_taints(struct json_out *json, const char *key, const struct taints *taints)
{
    json_open_list(json, key);
    for (size_t i = 0; i < taints->n; i++) {
        const struct taint *taint = &taints->items[i];
        json_open_map(json, NULL);
        json_str(json, "key", taint->key);
        if (taint->value.len)
            json_str(json, "value", taint->value);
        json_str(json, "effect", str_of(taint_effect_name(taint->effect)));
        json_close_map(json);
    }
    json_close_list(json);
}

static void write_pools(struct json_out *json, const struct node_claim *claim)
{
    json_open_list(json, "pools");
    for (size_t i = 0; i < claim->n_pools; i++) {
        struct writer writer = {json, false};
        json_open_map(json, NULL);
        json_str(json, "instanceType", claim->pools[i].instance_type);
        json_str(json, "zone", claim->pools[i].zone);
        write_money(&writer, "price", claim->pools[i].price_microusd);
        json_close_map(json);
    }
    json_close_list(json);
}

static void write_slots(struct json_out *json, const struct node_claim *claim)
{
    json_open_list(json, "slots");
    for (size_t i = 0; i < claim->n_slots; i++) {
        const struct claim_slot *slot = &claim->slots[i];
        struct writer writer = {json, false};
        json_open_map(json, NULL);
        json_str(json, "namespace", slot->namespace_);
        json_str(json, "name", slot->name);
        write_text(&writer, "uid", slot->uid);
        write_text(&writer, "app", slot->app);
        write_text(&writer, "shape", slot->shape);
        json_close_map(json);
    }
    json_close_list(json);
}

static void write_launch(struct writer *writer, const struct node_claim *claim)
{
    if (!claim->launch_id.len) {
        absent(writer, "launch");
        return;
    }
    json_open_map(writer->json, "launch");
    json_str(writer->json, "id", claim->launch_id);
    json_int(writer->json, "count", claim->launch_count);
    write_text(writer, "request", claim->launch_request);
    json_close_map(writer->json);
}

static void write_spec(struct writer *writer, const struct node_claim *claim, const char *key)
{
    struct json_out *json = writer->json;
    json_open_map(json, key);
    json_str(json, "provisioner", claim->provisioner);
    write_text(writer, "nodeTemplate", claim->template_name);
    if (claim->karpenter)
        json_bool(json, "karpenterManifests", true);
    else
        absent(writer, "karpenterManifests");
    json_str(json, "capacityType", str_of(cloud_capacity_type_name(claim->capacity_type)));
    write_pools(json, claim);
    write_slots(json, claim);
    write_labels(json, "labels", &claim->labels);
    write_taints(json, "taints", &claim->taints);
    write_taints(json, "startupTaints", &claim->startup_taints);
    json_open_map(json, "resources");
    write_resources(json, "allocatable", &claim->allocatable);
    write_resources(json, "capacity", &claim->capacity);
    json_close_map(json);
    write_money(writer, "price", claim->price_microusd);
    write_money(writer, "worstPrice", claim->worst_microusd);
    write_money(writer, "lowerBound", claim->bound_microusd);
    write_text(writer, "reason", claim->reason);
    write_launch(writer, claim);
    json_close_map(json);
}

void claim_write_spec(const struct node_claim *claim, struct json_out *json, const char *key)
{
    struct writer writer = {json, true};
    write_spec(&writer, claim, key);
}

static void write_metadata(struct json_out *json, const struct node_claim *claim)
{
    json_open_map(json, "metadata");
    json_str(json, "name", claim->name);
    json_open_list(json, "finalizers");
    json_str(json, NULL, STR(CLAIM_FINALIZER));
    json_close_list(json);
    json_open_map(json, "labels");
    json_str(json, LABEL_PROVISIONER, claim->provisioner);
    if (claim->launch_id.len)
        json_str(json, CLAIM_LAUNCH_LABEL, claim->launch_id);
    json_close_map(json);
    json_close_map(json);
}

void claim_write_object(const struct node_claim *claim, struct buf *buf)
{
    struct json_out json = JSON_OUT(buf);
    struct writer writer = {&json, false};
    json_open_map(&json, NULL);
    json_str(&json, "apiVersion", STR("stoker.sh/v1alpha1"));
    json_str(&json, "kind", STR("NodeClaim"));
    write_metadata(&json, claim);
    write_spec(&writer, claim, "spec");
    json_close_map(&json);
}

/* As `kubectl wait --for=condition=Initialized` expects them. */
static void write_condition(struct json_out *json, const char *type, struct clock_wall since)
{
    char text[CLOCK_TEXT_BYTES];
    if (!since.ns)
        return;
    since.ns -= since.ns % INT64_C(1000000000); /* a metav1.Time has whole seconds */
    json_open_map(json, NULL);
    json_str(json, "type", str_of(type));
    json_str(json, "status", STR("True"));
    json_str(json, "reason", str_of(type));
    json_str(json, "message", STR(""));
    clock_text_seconds(since, text);
    json_str(json, "lastTransitionTime", str_of(text));
    json_close_map(json);
}

void claim_write_status(const struct node_claim *claim, struct json_out *json, const char *key)
{
    struct writer writer = {json, true};
    json_open_map(json, key);
    json_str(json, "phase", str_of(claim_phase_name(claim->phase)));
    write_text(&writer, "instanceID", claim->instance_id);
    write_text(&writer, "providerID", claim->provider_id);
    write_text(&writer, "instanceType", claim->instance_type);
    write_text(&writer, "zone", claim->zone);
    write_text(&writer, "nodeName", claim->node_name);
    write_money(&writer, "price", claim->realised_microusd);
    write_time(&writer, "launchedAt", claim->launched);
    write_time(&writer, "registeredAt", claim->registered);
    write_time(&writer, "initializedAt", claim->initialized);
    write_time(&writer, "emptySince", claim->empty_since);
    write_text(&writer, "drainReason", claim->drain_reason);
    write_time(&writer, "drainDeadline", claim->drain_deadline);
    write_text(&writer, "message", claim->message);
    json_open_list(json, "conditions");
    write_condition(json, "Launched", claim->launched);
    write_condition(json, "Registered", claim->registered);
    write_condition(json, "Initialized", claim->initialized);
    json_close_list(json);
    json_close_map(json);
}

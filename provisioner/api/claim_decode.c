/* claim_decode.c - NodeClaims from the API server: what cannot be one of ours is refused by its field's name. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/money.h"
#include "base/quantity.h"
#include "provisioner/api/claim.h"
#include "provisioner/api/field.h"

/* The first thing that is wrong is kept; what is read after it is of no use. */
struct reader {
    struct arena *arena;
    struct err *err;
    int code;
};

/* A map of the object and the way to it: "spec.pools[2]", "" for the object itself. NULL: it is not there. */
struct place {
    struct reader *reader;
    const struct doc *map;
    const char *path;
};

enum { PATH_MAX_BYTES = 64 };

static void bad(const struct place *place, const char *key, const char *fmt, ...) CC_PRINTF(3, 4);

static void bad(const struct place *place, const char *key, const char *fmt, ...)
{
    struct reader *reader = place->reader;
    char what[ERR_MESSAGE_MAX / 2];
    va_list args;
    if (reader->code)
        return;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    reader->code =
        err_set(reader->err, ERR_INVALID, "%s%s%s: %s", place->path, place->path[0] && key[0] ? "." : "", key, what);
}

static void out_of_memory(struct reader *reader)
{
    if (!reader->code)
        reader->code = err_nomem(reader->err);
}

/* The member, NULL if it is absent, null, or (wrong) of another kind. */
static const struct doc *member(const struct place *place, const char *key, enum doc_kind kind, const char *kind_name)
{
    const struct doc *found = doc_get(place->map, key);
    if (!found || found->kind == DOC_NULL || found->kind == kind)
        return found && found->kind == kind ? found : NULL;
    bad(place, key, "is not %s", kind_name);
    return NULL;
}

static struct place map_of(const struct place *place, const char *key, const char *path)
{
    return (struct place){place->reader, member(place, key, DOC_MAP, "a map"), path};
}

static struct str keep(struct reader *reader, struct str text)
{
    struct str kept = text.len ? str_dup(reader->arena, text) : STR("");
    if (!kept.ptr)
        out_of_memory(reader);
    return kept;
}

static struct str text_of(const struct place *place, const char *key)
{
    const struct doc *found = member(place, key, DOC_STRING, "a string");
    return found ? keep(place->reader, found->text) : STR("");
}

static struct str needed_text(const struct place *place, const char *key)
{
    struct str text = text_of(place, key);
    if (!text.len)
        bad(place, key, "is missing");
    return text;
}

static int64_t money_of(const struct place *place, const char *key, int64_t if_absent)
{
    struct err err = {0};
    int64_t value = if_absent;
    const struct doc *found = member(place, key, DOC_STRING, "a string");
    if (found && money_parse(found->text, &value, &err) < 0)
        bad(place, key, "%s", err.message);
    return value;
}

static struct clock_wall time_of(const struct place *place, const char *key)
{
    struct clock_wall time = {0};
    const struct doc *found = member(place, key, DOC_STRING, "a string");
    if (found && !clock_parse(found->text, &time))
        bad(place, key, "\"%.*s\" is no time such as 2026-01-02T03:04:05Z", FIELD_SHOW(found->text));
    return time;
}

/* An array for the items of a list; *ret_n is 0 where there is none. */
static void *items_of(const struct place *place, const char *key, size_t size, const struct doc **ret_list,
                      size_t *ret_n)
{
    const struct doc *list = member(place, key, DOC_LIST, "a list");
    void *items = arena_calloc(place->reader->arena, list ? list->count : 0, size);
    if (!items)
        out_of_memory(place->reader);
    *ret_list = items ? list : NULL;
    *ret_n = items && list ? list->count : 0;
    return items;
}

/* One item, which must be a map; `path` is room for its name. */
static struct place item_of(const struct place *place, const char *key, const struct doc *item, size_t index,
                            char path[PATH_MAX_BYTES])
{
    snprintf(path, PATH_MAX_BYTES, "%s.%s[%zu]", place->path, key, index);
    struct place at = {place->reader, item->kind == DOC_MAP ? item : NULL, path};
    if (!at.map)
        bad(place, key, "has an item that is not a map");
    return at;
}

static void read_pools(const struct place *spec, struct node_claim *claim)
{
    const struct doc *list;
    struct cloud_pool *pools = items_of(spec, "pools", sizeof(*pools), &list, &claim->n_pools);
    char path[PATH_MAX_BYTES];
    size_t n = 0;
    DOC_EACH (item, list) {
        struct place pool = item_of(spec, "pools", item, n, path);
        pools[n].instance_type = needed_text(&pool, "instanceType");
        pools[n].zone = needed_text(&pool, "zone");
        pools[n++].price_microusd = money_of(&pool, "price", 0);
    }
    claim->pools = pools;
}

static void read_slots(const struct place *spec, struct node_claim *claim)
{
    const struct doc *list;
    struct claim_slot *slots = items_of(spec, "slots", sizeof(*slots), &list, &claim->n_slots);
    char path[PATH_MAX_BYTES];
    size_t n = 0;
    DOC_EACH (item, list) {
        struct place slot = item_of(spec, "slots", item, n, path);
        slots[n++] = (struct claim_slot){.namespace_ = needed_text(&slot, "namespace"),
                                         .name = needed_text(&slot, "name"),
                                         .uid = text_of(&slot, "uid"),
                                         .app = text_of(&slot, "app"),
                                         .shape = text_of(&slot, "shape")};
    }
    claim->slots = slots;
}

static void read_taints(const struct place *spec, const char *key, struct taints *ret)
{
    const struct doc *list;
    struct taint *taints = items_of(spec, key, sizeof(*taints), &list, &ret->n);
    char path[PATH_MAX_BYTES];
    size_t n = 0;
    DOC_EACH (item, list) {
        struct place taint = item_of(spec, key, item, n, path);
        struct str effect = needed_text(&taint, "effect");
        taints[n].key = needed_text(&taint, "key");
        taints[n].value = text_of(&taint, "value");
        if (effect.len && !taint_effect_of(effect, &taints[n].effect))
            bad(&taint, "effect", "\"%.*s\" is none", FIELD_SHOW(effect));
        n++;
    }
    ret->items = taints;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct cloud_label *)a)->key, ((const struct cloud_label *)b)->key);
}

static void read_labels(const struct place *spec, struct labels *ret)
{
    struct place labels = map_of(spec, "labels", "spec.labels");
    size_t n = 0;
    struct cloud_label *items =
        arena_array(spec->reader->arena, struct cloud_label, labels.map ? labels.map->count : 0);
    if (!items)
        out_of_memory(spec->reader);
    DOC_EACH (label, items ? labels.map : NULL) {
        if (label->kind != DOC_STRING)
            bad(&labels, "", "has a value that is not a string");
        items[n].key = keep(spec->reader, label->key);
        items[n++].value = keep(spec->reader, label->text);
    }
    if (n)
        qsort(items, n, sizeof(*items), by_key);
    *ret = (struct labels){items, n};
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct cloud_resource *)a)->name, ((const struct cloud_resource *)b)->name);
}

static bool amount_of(const struct doc *value, int64_t *ret)
{
    if (value->kind != DOC_STRING && value->kind != DOC_NUMBER)
        return false;
    int rc =
        str_is(value->key, "cpu") ? quantity_milli(value->text, ret, NULL) : quantity_units(value->text, ret, NULL);
    return rc == 0 && *ret <= FIELD_MAX_AMOUNT;
}

static void read_resources(const struct place *resources, const char *key, const char *path, struct resources *ret)
{
    struct place amounts = map_of(resources, key, path);
    struct reader *reader = resources->reader;
    size_t n = 0;
    struct cloud_resource *items =
        arena_array(reader->arena, struct cloud_resource, amounts.map ? amounts.map->count : 0);
    if (!items)
        out_of_memory(reader);
    DOC_EACH (value, items ? amounts.map : NULL) {
        if (!amount_of(value, &items[n].amount)) {
            bad(&amounts, "", "\"%.*s\" has no amount such as 500m, 2 or 4Gi", FIELD_SHOW(value->key));
            continue;
        }
        items[n].name = keep(reader, value->key);
        n += items[n].amount > 0;
    }
    if (n)
        qsort(items, n, sizeof(*items), by_name);
    *ret = (struct resources){items, n};
}

static void read_launch(const struct place *spec, struct node_claim *claim)
{
    struct place launch = map_of(spec, "launch", "spec.launch");
    int64_t count = 1;
    const struct doc *number = member(&launch, "count", DOC_NUMBER, "a number");
    if (!launch.map)
        return;
    if (number && (!str_to_int64(number->text, &count) || count < 1 || count > INT32_MAX))
        bad(&launch, "count", "is no count");
    claim->launch_id = needed_text(&launch, "id");
    claim->launch_request = text_of(&launch, "request");
    claim->launch_count = (uint32_t)count;
}

static void read_capacity_type(const struct place *spec, struct node_claim *claim)
{
    struct str type = needed_text(spec, "capacityType");
    claim->capacity_type = str_is(type, cloud_capacity_type_name(CLOUD_SPOT)) ? CLOUD_SPOT : CLOUD_ON_DEMAND;
    if (type.len && !str_is(type, cloud_capacity_type_name(claim->capacity_type)))
        bad(spec, "capacityType", "\"%.*s\" is neither spot nor on-demand", FIELD_SHOW(type));
}

static void read_spec(const struct place *spec, struct node_claim *claim)
{
    const struct doc *karpenter = member(spec, "karpenterManifests", DOC_BOOL, "a bool");
    struct place resources = map_of(spec, "resources", "spec.resources");
    claim->provisioner = needed_text(spec, "provisioner");
    claim->template_name = text_of(spec, "nodeTemplate");
    claim->karpenter = karpenter && str_is(karpenter->text, "true");
    read_capacity_type(spec, claim);
    read_pools(spec, claim);
    read_slots(spec, claim);
    read_labels(spec, &claim->labels);
    read_taints(spec, "taints", &claim->taints);
    read_taints(spec, "startupTaints", &claim->startup_taints);
    read_resources(&resources, "allocatable", "spec.resources.allocatable", &claim->allocatable);
    read_resources(&resources, "capacity", "spec.resources.capacity", &claim->capacity);
    claim->price_microusd = money_of(spec, "price", 0);
    claim->worst_microusd = money_of(spec, "worstPrice", 0);
    claim->bound_microusd = money_of(spec, "lowerBound", -1);
    claim->reason = text_of(spec, "reason");
    read_launch(spec, claim);
}

/* Without a status the spec alone tells how far it is: creating a claim is one write. */
static void read_phase(const struct place *status, struct node_claim *claim)
{
    struct str name = text_of(status, "phase");
    claim->phase = claim->launch_id.len ? CLAIM_LAUNCHING : CLAIM_PLANNED;
    if (!name.len)
        return;
    for (int phase = CLAIM_PLANNED; phase <= CLAIM_GONE; phase++)
        if (str_is(name, claim_phase_name((enum claim_phase)phase))) {
            claim->phase = (enum claim_phase)phase;
            return;
        }
    bad(status, "phase", "\"%.*s\" is none", FIELD_SHOW(name));
}

static void read_status(const struct place *status, struct node_claim *claim)
{
    read_phase(status, claim);
    claim->instance_id = text_of(status, "instanceID");
    claim->provider_id = text_of(status, "providerID");
    claim->instance_type = text_of(status, "instanceType");
    claim->zone = text_of(status, "zone");
    claim->node_name = text_of(status, "nodeName");
    claim->realised_microusd = money_of(status, "price", -1);
    claim->launched = time_of(status, "launchedAt");
    claim->registered = time_of(status, "registeredAt");
    claim->initialized = time_of(status, "initializedAt");
    claim->empty_since = time_of(status, "emptySince");
    claim->drain_reason = text_of(status, "drainReason");
    claim->drain_deadline = time_of(status, "drainDeadline");
    claim->message = text_of(status, "message");
}

int claim_decode(const struct doc *object, struct arena *arena, struct node_claim *ret, struct err *err)
{
    struct reader reader = {arena, err, 0};
    struct place root = {&reader, object && object->kind == DOC_MAP ? object : NULL, ""};
    struct place metadata = map_of(&root, "metadata", "metadata"), spec = map_of(&root, "spec", "spec"),
                 status = map_of(&root, "status", "status");
    struct node_claim claim = {.launch_id = STR(""), .launch_request = STR("")};
    claim.name = needed_text(&metadata, "name");
    claim.uid = text_of(&metadata, "uid");
    claim.resource_version = text_of(&metadata, "resourceVersion");
    claim.created = time_of(&metadata, "creationTimestamp");
    claim.deleting = time_of(&metadata, "deletionTimestamp").ns != 0;
    read_spec(&spec, &claim);
    read_status(&status, &claim);
    if (reader.code)
        return reader.code;
    *ret = claim;
    return 0;
}

/* fleet_request.c - a launch as a claim carries it: JSON, short, for each claim of the launch has a copy. */
#include "base/doc.h"
#include "base/json_out.h"
#include "cloud/aws/fleet.h"

static void write_overrides(struct json_out *json, const struct fleet_config *config)
{
    json_open_list(json, "overrides");
    for (size_t i = 0; i < config->n_overrides; i++) {
        json_open_list(json, NULL);
        json_str(json, NULL, config->overrides[i].instance_type);
        json_int(json, NULL, config->overrides[i].subnet);
        json_int(json, NULL, config->overrides[i].priority);
        json_close_list(json);
    }
    json_close_list(json);
}

static void write_lists(struct json_out *json, const struct fleet_request *request)
{
    json_open_list(json, "subnets");
    for (size_t i = 0; i < request->n_subnets; i++) {
        json_open_list(json, NULL);
        json_str(json, NULL, request->subnets[i].id);
        json_str(json, NULL, request->subnets[i].zone);
        json_close_list(json);
    }
    json_close_list(json);
    json_open_list(json, "configs");
    for (size_t i = 0; i < request->n_configs; i++) {
        json_open_map(json, NULL);
        json_str(json, "launchTemplate", request->configs[i].launch_template);
        json_str(json, "version", request->configs[i].version);
        write_overrides(json, &request->configs[i]);
        json_close_map(json);
    }
    json_close_list(json);
}

int fleet_request_write(const struct fleet_request *request, struct arena *arena, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "capacityType", str_of(cloud_capacity_type_name(request->capacity_type)));
    json_str(&json, "strategy", request->strategy);
    json_int(&json, "count", request->count);
    json_open_map(&json, "tags");
    for (size_t i = 0; i < request->n_tags; i++)
        json_str_by(&json, request->tags[i].key, request->tags[i].value);
    json_close_map(&json);
    write_lists(&json, request);
    json_close_map(&json);
    return buf_str(&buf, ret, err);
}

struct reading {
    struct arena *arena;
    struct fleet_request request;
    size_t objects;
};

static int not_ours(const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "launch request: %s is not as we write it", what);
}

static int read_text(struct reading *reading, const struct doc *doc, const char *what, struct str *ret, struct err *err)
{
    if (!doc || doc->kind != DOC_STRING)
        return not_ours(what, err);
    *ret = str_dup(reading->arena, doc->text);
    return ret->ptr ? 0 : err_nomem(err);
}

static int read_number(const struct doc *doc, const char *what, uint32_t *ret, struct err *err)
{
    int64_t number;
    if (!doc || doc->kind != DOC_NUMBER || !str_to_int64(doc->text, &number) || number < 0 || number > UINT32_MAX)
        return not_ours(what, err);
    *ret = (uint32_t)number;
    return 0;
}

static int read_override(struct reading *reading, const struct doc *item, struct fleet_override *ret, struct err *err)
{
    const struct doc *type = item->first, *subnet = type ? type->next : NULL, *priority = subnet ? subnet->next : NULL;
    int rc = item->kind == DOC_LIST ? 0 : not_ours("an override", err);
    if (!rc)
        rc = read_text(reading, type, "an instance type", &ret->instance_type, err);
    if (!rc)
        rc = read_number(subnet, "a subnet's index", &ret->subnet, err);
    if (!rc && ret->subnet >= reading->request.n_subnets)
        rc = not_ours("a subnet's index", err);
    return rc ? rc : read_number(priority, "a priority", &ret->priority, err);
}

static int read_config(struct reading *reading, const struct doc *item, struct fleet_config *ret, struct err *err)
{
    const struct doc *list = doc_get(item, "overrides");
    int rc = read_text(reading, doc_get(item, "launchTemplate"), "launchTemplate", &ret->launch_template, err);
    if (!rc)
        rc = read_text(reading, doc_get(item, "version"), "version", &ret->version, err);
    if (rc || !list || list->kind != DOC_LIST)
        return rc ? rc : not_ours("overrides", err);
    struct fleet_override *overrides = arena_array(reading->arena, struct fleet_override, list->count);
    if (!overrides)
        return err_nomem(err);
    for (const struct doc *child = list->first; child && rc == 0; child = child->next)
        rc = read_override(reading, child, &overrides[ret->n_overrides++], err);
    ret->overrides = overrides;
    return rc;
}

static int read_subnets(struct reading *reading, const struct doc *list, struct err *err)
{
    if (!list || list->kind != DOC_LIST)
        return not_ours("subnets", err);
    struct fleet_subnet *subnets = arena_array(reading->arena, struct fleet_subnet, list->count);
    if (!subnets)
        return err_nomem(err);
    int rc = 0;
    DOC_EACH (item, list) {
        struct fleet_subnet *subnet = &subnets[reading->request.n_subnets++];
        rc = item->kind == DOC_LIST && item->count == 2 ? 0 : not_ours("a subnet", err);
        if (!rc)
            rc = read_text(reading, item->first, "a subnet", &subnet->id, err);
        if (!rc)
            rc = read_text(reading, item->first->next, "a zone", &subnet->zone, err);
        if (rc)
            return rc;
    }
    reading->request.subnets = subnets;
    return 0;
}

static int read_tags(struct reading *reading, const struct doc *map, struct err *err)
{
    if (!map || map->kind != DOC_MAP)
        return not_ours("tags", err);
    struct cloud_label *tags = arena_array(reading->arena, struct cloud_label, map->count);
    if (!tags)
        return err_nomem(err);
    DOC_EACH (member, map) {
        struct cloud_label *tag = &tags[reading->request.n_tags++];
        tag->key = str_dup(reading->arena, member->key);
        if (!tag->key.ptr)
            return err_nomem(err);
        int rc = read_text(reading, member, "a tag", &tag->value, err);
        if (rc)
            return rc;
    }
    reading->request.tags = tags;
    return 0;
}

static int read_configs(struct reading *reading, const struct doc *list, struct err *err)
{
    if (!list || list->kind != DOC_LIST || list->count == 0)
        return not_ours("configs", err);
    struct fleet_config *configs = arena_array(reading->arena, struct fleet_config, list->count);
    if (!configs)
        return err_nomem(err);
    reading->request.configs = configs;
    int rc = 0;
    for (const struct doc *item = list->first; item && rc == 0; item = item->next)
        rc = read_config(reading, item, &configs[reading->request.n_configs++], err);
    return rc;
}

static int read_request(void *context, const struct doc *object, struct err *err)
{
    struct reading *reading = context;
    struct fleet_request *request = &reading->request;
    if (object->kind != DOC_MAP || reading->objects++ > 0)
        return not_ours("the text", err);
    const struct doc *capacity = doc_get(object, "capacityType");
    if (!capacity || (!str_is(capacity->text, "spot") && !str_is(capacity->text, "on-demand")))
        return not_ours("capacityType", err);
    request->capacity_type = str_is(capacity->text, "spot") ? CLOUD_SPOT : CLOUD_ON_DEMAND;
    int rc = read_text(reading, doc_get(object, "strategy"), "strategy", &request->strategy, err);
    if (!rc)
        rc = read_number(doc_get(object, "count"), "count", &request->count, err);
    if (!rc)
        rc = read_tags(reading, doc_get(object, "tags"), err);
    if (!rc)
        rc = read_subnets(reading, doc_get(object, "subnets"), err);
    return rc ? rc : read_configs(reading, doc_get(object, "configs"), err);
}

int fleet_request_read(struct str text, struct arena *arena, struct fleet_request *ret, struct err *err)
{
    struct reading reading = {.arena = arena};
    int rc = doc_read(text, "request.json", read_request, &reading, err);
    if (!rc && reading.objects == 0)
        rc = not_ours("the text", err);
    if (!rc)
        *ret = reading.request;
    return rc;
}

/* decode_resources.c - amounts of resources, and what a whole pod asks for. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/api/decode_pod.h"
#include "provisioner/api/label_keys.h"

/* Where `name` is, or would be put. */
static size_t bag_place(const struct resource_bag *bag, struct str name, bool *ret_there)
{
    size_t at = 0;
    while (at < bag->n && str_cmp(bag->items[at].name, name) < 0)
        at++;
    *ret_there = at < bag->n && str_eq(bag->items[at].name, name);
    return at;
}

/* The amount of `name`, made 0 if it is new; NULL if there are too many names. */
static int64_t *bag_slot(struct resource_bag *bag, struct str name)
{
    bool there;
    size_t at = bag_place(bag, name, &there);
    if (!there) {
        if (bag->n == RESOURCE_BAG_MAX)
            return NULL;
        memmove(&bag->items[at + 1], &bag->items[at], (bag->n - at) * sizeof(bag->items[0]));
        bag->items[at] = (struct cloud_resource){name, 0};
        bag->n++;
    }
    return &bag->items[at].amount;
}

bool resource_bag_set(struct resource_bag *bag, struct str name, int64_t amount)
{
    int64_t *slot = bag_slot(bag, name);
    if (slot)
        *slot = amount;
    return slot != NULL;
}

bool resource_bag_add(struct resource_bag *bag, struct str name, int64_t amount)
{
    int64_t sum = resource_bag_get(bag, name) + amount; /* both at most 2^53 */
    return sum <= FIELD_MAX_AMOUNT && resource_bag_set(bag, name, sum);
}

bool resource_bag_raise(struct resource_bag *bag, struct str name, int64_t amount)
{
    int64_t *slot = bag_slot(bag, name);
    if (slot && *slot < amount)
        *slot = amount;
    return slot != NULL;
}

int64_t resource_bag_get(const struct resource_bag *bag, struct str name)
{
    bool there;
    size_t at = bag_place(bag, name, &there);
    return there ? bag->items[at].amount : 0;
}

/* Everything of `more` on top of `bag`. */
static bool bag_add_all(struct resource_bag *bag, const struct resource_bag *more)
{
    for (size_t i = 0; i < more->n; i++)
        if (!resource_bag_add(bag, more->items[i].name, more->items[i].amount))
            return false;
    return true;
}

static bool bag_raise_all(struct resource_bag *bag, const struct resource_bag *least)
{
    for (size_t i = 0; i < least->n; i++)
        if (!resource_bag_raise(bag, least->items[i].name, least->items[i].amount))
            return false;
    return true;
}

static int bag_copy(const struct decode *decode, const struct resource_bag *bag, bool keep_zero, struct resources *ret,
                    struct err *err)
{
    struct cloud_resource *items = arena_array(&decode->objects->arena, struct cloud_resource, bag->n);
    if (!items)
        return err_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < bag->n; i++) {
        if (bag->items[i].amount == 0 && !keep_zero)
            continue;
        items[n].amount = bag->items[i].amount;
        int rc = decode_keep(decode, bag->items[i].name, &items[n++].name, err);
        if (rc < 0)
            return rc;
    }
    *ret = (struct resources){items, n};
    return 0;
}

int resource_bag_keep(const struct decode *decode, const struct resource_bag *bag, struct resources *ret,
                      struct err *err)
{
    return bag_copy(decode, bag, false, ret, err);
}

bool resource_name_good(const struct field *field, struct str name)
{
    static const char *const plain[] = {"cpu", "memory", "ephemeral-storage", "storage", "pods"};
    bool good = label_key_valid(name) && name.len > 0 && memchr(name.ptr, '/', name.len) != NULL;
    for (size_t i = 0; i < CC_COUNT(plain) && !good; i++)
        good = str_is(name, plain[i]);
    if (!good)
        good = str_starts(name, "hugepages-") || str_starts(name, "attachable-volumes-");
    if (!good)
        field_bad(field, "is no resource, allowed are cpu, memory, ephemeral-storage, pods, hugepages-<size> and "
                         "qualified names such as nvidia.com/gpu");
    return good;
}

/* The map's amounts into the bag; what is wrong is reported and left out. */
static void bag_read(const struct field *map, struct resource_bag *bag)
{
    size_t index = 0;
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        int64_t amount;
        if (!resource_name_good(&field, member->key) || !field_quantity(&field, member->key, &amount))
            continue;
        if (!resource_bag_set(bag, member->key, amount)) {
            field_bad(map, "has too many members, allowed are %d", RESOURCE_BAG_MAX);
            return;
        }
    }
}

int decode_resources(const struct field *map, bool keep_zero, struct resources *ret, struct err *err)
{
    struct resource_bag bag = {.n = 0};
    bag_read(map, &bag);
    return bag_copy(map->decode, &bag, keep_zero, ret, err);
}

/* What one container asks for: its requests, and its limits where it has no request. */
static void container_requests(const struct field *container, struct resource_bag *bag)
{
    struct field resources = field_map(container, "resources");
    struct field requests = field_map(&resources, "requests"), limits = field_map(&resources, "limits");
    struct resource_bag asked = {.n = 0};
    bag->n = 0;
    bag_read(&limits, bag);
    bag_read(&requests, &asked);
    bool room = true;
    for (size_t i = 0; i < asked.n && room; i++)
        room = resource_bag_set(bag, asked.items[i].name, asked.items[i].amount);
    if (!room)
        field_bad(&resources, "names too many resources, allowed are %d", RESOURCE_BAG_MAX);
}

/*
 * Init containers run one after the other beside the sidecars that were started before them. Adds the sidecars to
 * `running`; `peak` becomes the most that any init container needs with the sidecars before it.
 */
static bool add_init_containers(const struct field *list, struct resource_bag *running, struct resource_bag *peak)
{
    struct resource_bag sidecars = {.n = 0}, one = {.n = 0};
    bool fits = true;
    size_t index = 0;
    DOC_EACH (item, list->doc) {
        struct field container = field_child(list, item, index++);
        struct field policy = field_any(&container, "restartPolicy");
        struct str text = {"", 0};
        if (!field_is_map(&container))
            continue;
        container_requests(&container, &one);
        if (field_text(&policy, &text) && str_is(text, "Always"))
            fits = fits && bag_add_all(&sidecars, &one) && bag_raise_all(peak, &sidecars);
        else
            fits = fits && bag_add_all(&one, &sidecars) && bag_raise_all(peak, &one);
    }
    return fits && bag_add_all(running, &sidecars);
}

/* Pod-level amounts replace the sum; a pod-level limit counts where no container asks for anything. */
static bool set_pod_level(const struct field *spec, struct resource_bag *total)
{
    struct field resources = field_map(spec, "resources");
    struct field requests = field_map(&resources, "requests"), limits = field_map(&resources, "limits");
    struct resource_bag asked = {.n = 0}, most = {.n = 0};
    bag_read(&requests, &asked);
    bag_read(&limits, &most);
    for (size_t i = 0; i < most.n; i++) {
        bool there;
        bag_place(total, most.items[i].name, &there);
        if (!there && !resource_bag_set(total, most.items[i].name, most.items[i].amount))
            return false;
    }
    for (size_t i = 0; i < asked.n; i++)
        if (!resource_bag_set(total, asked.items[i].name, asked.items[i].amount))
            return false;
    return true;
}

int decode_pod_requests(const struct field *spec, struct resources *ret, struct err *err)
{
    struct field containers = field_list(spec, "containers"), init = field_list(spec, "initContainers"),
                 overhead = field_map(spec, "overhead");
    struct resource_bag total = {.n = 0}, peak = {.n = 0}, one = {.n = 0};
    bool fits = true;
    size_t index = 0;
    DOC_EACH (item, containers.doc) {
        struct field container = field_child(&containers, item, index++);
        if (!field_is_map(&container))
            continue;
        container_requests(&container, &one);
        fits = fits && bag_add_all(&total, &one);
    }
    fits = fits && add_init_containers(&init, &total, &peak) && bag_raise_all(&total, &peak);
    fits = fits && set_pod_level(spec, &total);
    one.n = 0;
    bag_read(&overhead, &one);
    if (!fits || !bag_add_all(&total, &one))
        field_bad(spec, "asks for an absurd amount, allowed are %d resources and sums up to 2^53", RESOURCE_BAG_MAX);
    for (size_t i = 0; i < total.n; i++)
        if (str_is(total.items[i].name, "pods"))
            field_bad(spec, "asks for the resource pods, allowed are resources of containers: each pod counts one");
    return resource_bag_keep(spec->decode, &total, ret, err);
}

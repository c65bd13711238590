#include "provisioner/plan/volumes.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t hash_of(struct str namespace_, struct str name)
{
    return str_hash(namespace_) * 31 + str_hash(name);
}

static bool add(struct index *index, struct str namespace_, struct str name, size_t id)
{
    if (!index_reserve(index))
        return false;
    index_add(index, hash_of(namespace_, name), (uint32_t)id);
    return true;
}

static bool add_all(struct volumes *v)
{
    const struct objects *o = v->objects;
    bool good = true;
    for (size_t i = 0; i < o->claims.len && good; i++)
        good = add(&v->claims, o->claims.items[i].namespace_, o->claims.items[i].name, i);
    for (size_t i = 0; i < o->volumes.len && good; i++)
        good = add(&v->volumes, STR(""), o->volumes.items[i].name, i);
    for (size_t i = 0; i < o->storage_classes.len && good; i++)
        good = add(&v->classes, STR(""), o->storage_classes.items[i].name, i);
    for (size_t i = 0; i < o->csi_nodes.len && good; i++)
        good = add(&v->csi_nodes, STR(""), o->csi_nodes.items[i].name, i);
    return good;
}

int volumes_open(const struct objects *objects, struct volumes *ret, struct err *err)
{
    *ret = (struct volumes){.objects = objects};
    size_t i = 0;
    while (i < objects->pods.len && !pod_has_volumes(&objects->pods.items[i]))
        i++;
    if (i == objects->pods.len || add_all(ret))
        return 0;
    volumes_close(ret);
    return err_nomem(err);
}

void volumes_close(struct volumes *volumes)
{
    index_release(&volumes->claims);
    index_release(&volumes->volumes);
    index_release(&volumes->classes);
    index_release(&volumes->csi_nodes);
}

/* Which of the items, all with their name first, has that name; INDEX_NONE. */
static uint32_t find(const struct index *index, const void *items, size_t item_size, struct str name)
{
    uint64_t hash = hash_of(STR(""), name);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(index, hash, &probe)) != INDEX_NONE;)
        if (str_eq(*(const struct str *)(const void *)((const char *)items + id * item_size), name))
            break;
    return id;
}

const struct volume_claim *volumes_claim(const struct volumes *volumes, struct str namespace_, struct str name)
{
    uint64_t hash = hash_of(namespace_, name);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(&volumes->claims, hash, &probe)) != INDEX_NONE;) {
        const struct volume_claim *claim = &volumes->objects->claims.items[id];
        if (str_eq(claim->name, name) && str_eq(claim->namespace_, namespace_))
            return claim;
    }
    return NULL;
}

const struct volume *volumes_volume(const struct volumes *volumes, struct str name)
{
    static_assert(offsetof(struct volume, name) == 0, "find() takes the name for the first");
    const struct volume *items = volumes->objects->volumes.items;
    uint32_t id = find(&volumes->volumes, items, sizeof(*items), name);
    return id == INDEX_NONE ? NULL : &items[id];
}

const struct storage_class *volumes_class(const struct volumes *volumes, struct str name)
{
    static_assert(offsetof(struct storage_class, name) == 0, "find() takes the name for the first");
    const struct storage_class *items = volumes->objects->storage_classes.items;
    uint32_t id = find(&volumes->classes, items, sizeof(*items), name);
    return id == INDEX_NONE ? NULL : &items[id];
}

static const struct csi_node *find_csi_node(const struct volumes *volumes, struct str name)
{
    static_assert(offsetof(struct csi_node, name) == 0, "find() takes the name for the first");
    const struct csi_node *items = volumes->objects->csi_nodes.items;
    uint32_t id = find(&volumes->csi_nodes, items, sizeof(*items), name);
    return id == INDEX_NONE ? NULL : &items[id];
}

const struct storage_class *volumes_default_class(const struct volumes *volumes)
{
    const struct objects *objects = volumes->objects;
    for (size_t i = 0; i < objects->storage_classes.len; i++)
        if (objects->storage_classes.items[i].is_default) /* NOLINT: items is not NULL where len > 0 */
            return &objects->storage_classes.items[i];
    return NULL;
}

const struct storage_class *volumes_class_of(const struct volumes *volumes, const struct volume_claim *claim)
{
    return claim->storage_class_set ? volumes_class(volumes, claim->storage_class) : volumes_default_class(volumes);
}

/* Attachments. */

void attachments_release(struct attachments *attachments)
{
    VEC_FREE(&attachments->list);
}

size_t attachments_count(const struct attachments *attachments, struct str driver)
{
    size_t n = 0;
    for (size_t i = 0; i < attachments->list.len; i++)
        n += str_eq(attachments->list.items[i].driver, driver);
    return n;
}

static struct str driver_of(const struct volumes *volumes, const struct volume_claim *claim)
{
    const struct volume *volume = claim->volume_name.len ? volumes_volume(volumes, claim->volume_name) : NULL;
    const struct storage_class *class = volume ? NULL : volumes_class_of(volumes, claim);
    if (volume)
        return volume->driver;
    return class ? class->driver : STR("");
}

static int attach(struct attachments *attachments, struct str driver, const struct volume_claim *claim, struct err *err)
{
    if (!driver.len)
        return 0;
    for (size_t i = 0; claim && i < attachments->list.len; i++)
        if (attachments->list.items[i].claim == claim)
            return 0;
    return VEC_PUSH(&attachments->list, ((struct attachment){driver, claim})) ? 0 : err_nomem(err);
}

int volumes_attach(const struct volumes *volumes, const struct pod *pod, struct attachments *attachments,
                   struct err *err)
{
    size_t missing = 0;
    for (size_t i = 0; i < pod->n_claims; i++) {
        const struct volume_claim *claim = volumes_claim(volumes, pod->namespace_, pod->claims[i]);
        missing += !claim;
        if (claim && attach(attachments, driver_of(volumes, claim), claim, err) < 0)
            return ERR_NOMEM;
    }
    /* The claims of ephemeral volumes are among the others, once the pod exists: those made already were counted. */
    size_t coming = pod->planned || missing > pod->n_ephemeral_classes ? pod->n_ephemeral_classes : missing;
    for (size_t i = 0; i < coming; i++) {
        struct str name = pod->ephemeral_classes[i];
        const struct storage_class *class = name.len ? volumes_class(volumes, name) : volumes_default_class(volumes);
        if (class && attach(attachments, class->driver, NULL, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* Limits. */

static const struct csi_driver *find_driver(const struct volumes *volumes, struct str node, struct str driver)
{
    const struct csi_node *csi_node = find_csi_node(volumes, node);
    for (size_t i = 0; csi_node && i < csi_node->n_drivers; i++)
        if (str_eq(csi_node->drivers[i].name, driver))
            return &csi_node->drivers[i];
    return NULL;
}

bool volumes_registered(const struct volumes *volumes, struct str node, struct str driver)
{
    return find_driver(volumes, node, driver) != NULL;
}

static bool is_resource_of(struct str resource, struct str driver)
{
    size_t prefix = sizeof(VOLUMES_RESOURCE) - 1;
    return str_starts(resource, VOLUMES_RESOURCE) &&
           str_eq((struct str){resource.ptr + prefix, resource.len - prefix}, driver);
}

int64_t volumes_limit(const struct volumes *volumes, struct str node, const struct resources *allocatable,
                      struct str driver)
{
    const struct csi_driver *registered = find_driver(volumes, node, driver);
    if (registered)
        return registered->count < 0 ? INT64_MAX : registered->count;
    for (size_t i = 0; i < allocatable->n; i++)
        if (is_resource_of(allocatable->items[i].name, driver))
            return allocatable->items[i].amount;
    return INT64_MAX;
}

bool volumes_limited(const struct volumes *volumes, struct str driver)
{
    const struct objects *objects = volumes->objects;
    for (size_t n = 0; n < objects->csi_nodes.len; n++)
        for (size_t i = 0; i < objects->csi_nodes.items[n].n_drivers; i++)
            if (objects->csi_nodes.items[n].drivers[i].count >= 0 &&
                str_eq(objects->csi_nodes.items[n].drivers[i].name, driver))
                return true;
    return false;
}

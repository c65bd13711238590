/* demand_volumes.c - the nodes that a pod's volumes let it go to: claims, volumes, storage classes. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

static int add_name(struct demand_volumes *v, struct intern *names, struct str namespace_, struct str name,
                    uint32_t *ret_id, struct err *err)
{
    v->key.len = 0;
    if (!content_put_str(&v->key, namespace_) || !content_put(&v->key, name.ptr, name.len) ||
        intern_add(names, content_text(&v->key), ret_id, NULL) < 0)
        return err_nomem(err);
    return 0;
}

static int find_name(struct demand_volumes *v, const struct intern *names, struct str namespace_, struct str name,
                     uint32_t *ret_id, struct err *err)
{
    v->key.len = 0;
    if (!content_put_str(&v->key, namespace_) || !content_put(&v->key, name.ptr, name.len))
        return err_nomem(err);
    *ret_id = intern_find(names, content_text(&v->key));
    return 0;
}

/* Names are unique in objects, so ids in the tables are indices into objects. */
static int index_names(struct demand_volumes *v, struct err *err)
{
    const struct objects *o = v->objects;
    uint32_t id;
    for (size_t i = 0; i < o->claims.len; i++)
        if (add_name(v, &v->claims, o->claims.items[i].namespace_, o->claims.items[i].name, &id, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < o->volumes.len; i++)
        if (add_name(v, &v->volumes, STR(""), o->volumes.items[i].name, &id, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < o->storage_classes.len; i++)
        if (add_name(v, &v->classes, STR(""), o->storage_classes.items[i].name, &id, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < o->nodes.len; i++)
        if (add_name(v, &v->nodes, STR(""), o->nodes.items[i].name, &id, err) < 0)
            return ERR_NOMEM;
    return 0;
}

int demand_volumes_init(struct demand_volumes *volumes, const struct objects *objects, struct arena *arena,
                        struct err *err)
{
    *volumes = (struct demand_volumes){.objects = objects, .arena = arena};
    uint32_t id;
    if (intern_add(&volumes->set_keys, STR(""), &id, err) < 0)
        return ERR_NOMEM;
    if (!VEC_PUSH(&volumes->sets, ((struct volume_set){0})))
        return err_nomem(err);
    for (size_t i = 0; i < objects->pods.len; i++)
        if (objects->pods.items[i].n_claims || objects->pods.items[i].n_ephemeral_classes)
            return index_names(volumes, err);
    return 0;
}

void demand_volumes_release(struct demand_volumes *volumes)
{
    intern_release(&volumes->claims);
    intern_release(&volumes->volumes);
    intern_release(&volumes->classes);
    intern_release(&volumes->nodes);
    intern_release(&volumes->rule_keys);
    intern_release(&volumes->set_keys);
    VEC_FREE(&volumes->rules);
    VEC_FREE(&volumes->sets);
    content_release(&volumes->key);
}

/* What is known so far of one pod's volumes. */
struct resolved {
    VEC(uint32_t) rules;
    const char *reason;
};

static void resolved_release(struct resolved *r)
{
    VEC_FREE(&r->rules);
}

/* Adds alternatives; none at all is no condition. Equal ones share a rule. */
static int add_rule(struct demand_volumes *v, struct resolved *r, const struct node_term *terms, size_t n_terms,
                    struct str what, struct err *err)
{
    if (!n_terms)
        return 0;
    v->key.len = 0;
    for (size_t i = 0; i < n_terms; i++)
        if (!content_put_requirements(&v->key, &terms[i].labels) ||
            !content_put_requirements(&v->key, &terms[i].fields))
            return err_nomem(err);
    uint32_t id;
    if (intern_add(&v->rule_keys, content_text(&v->key), &id, NULL) < 0 ||
        (id == v->rules.len && !VEC_PUSH(&v->rules, ((struct volume_rule){terms, n_terms, what}))))
        return err_nomem(err);
    for (size_t i = 0; i < r->rules.len; i++)
        if (r->rules.items[i] == id)
            return 0;
    return VEC_PUSH(&r->rules, id) ? 0 : err_nomem(err);
}

/* The first reason counts. `reason` is NULL if memory ran out while it was written. */
static int refuse(struct resolved *r, const char *reason, struct err *err)
{
    if (!reason)
        return err_nomem(err);
    if (!r->reason)
        r->reason = reason;
    return 0;
}

static const struct storage_class *default_class(const struct objects *objects)
{
    for (size_t i = 0; i < objects->storage_classes.len; i++)
        if (objects->storage_classes.items[i].is_default) /* NOLINT: items is not NULL where len > 0 */
            return &objects->storage_classes.items[i];
    return NULL;
}

static int find_class(struct demand_volumes *v, struct str name, const struct storage_class **ret_class,
                      struct err *err)
{
    uint32_t id;
    if (find_name(v, &v->classes, STR(""), name, &id, err) < 0)
        return ERR_NOMEM;
    *ret_class = id == INTERN_NONE ? NULL : &v->objects->storage_classes.items[id];
    return 0;
}

/* The volume will be made where the pod is: in the zone of the node that was chosen for it, if that is known. */
static int resolve_selected_node(struct demand_volumes *v, struct resolved *r, struct str node_name, struct err *err)
{
    static const struct str zone_key = STR_INIT("topology.kubernetes.io/zone");
    uint32_t id;
    if (find_name(v, &v->nodes, STR(""), node_name, &id, err) < 0)
        return ERR_NOMEM;
    const struct str *zone = id == INTERN_NONE ? NULL : labels_get(&v->objects->nodes.items[id].labels, zone_key);
    if (!zone)
        return 0;
    struct requirement *item = arena_new(v->arena, struct requirement);
    struct node_term *term = arena_new(v->arena, struct node_term);
    if (!item || !term)
        return err_nomem(err);
    *item = (struct requirement){zone_key, OP_IN, zone, 1};
    term->labels = (struct requirements){item, 1};
    return add_rule(v, r, term, 1, node_name, err);
}

static int resolve_unbound(struct demand_volumes *v, struct resolved *r, const struct volume_claim *claim,
                           struct err *err)
{
    const struct storage_class *class = NULL;
    if (claim->storage_class_set && find_class(v, claim->storage_class, &class, err) < 0)
        return ERR_NOMEM;
    if (!claim->storage_class_set)
        class = default_class(v->objects);
    if (!class && claim->storage_class_set && claim->storage_class.len)
        return refuse(r,
                      arena_printf(v->arena, "StorageClass %.*s of PersistentVolumeClaim %.*s not found",
                                   STR_ARG(claim->storage_class), STR_ARG(claim->name)),
                      err);
    if (!class)
        return refuse(r,
                      arena_printf(v->arena,
                                   "PersistentVolumeClaim %.*s has no volume yet and no StorageClass to make one",
                                   STR_ARG(claim->name)),
                      err);
    if (!class->wait_for_consumer)
        return refuse(r,
                      arena_printf(v->arena,
                                   "PersistentVolumeClaim %.*s has no volume yet, and its StorageClass %.*s binds at "
                                   "once: its zone is known only then",
                                   STR_ARG(claim->name), STR_ARG(class->name)),
                      err);
    if (claim->selected_node.len && resolve_selected_node(v, r, claim->selected_node, err) < 0)
        return ERR_NOMEM;
    return add_rule(v, r, class->terms, class->n_terms, class->name, err);
}

/* An ephemeral volume's claim is made from the pod, under the name <pod>-<volume>: it may be still to come. */
static bool is_still_to_come(const struct pod *pod, struct str claim)
{
    if (pod->planned)
        return true;
    return pod->n_ephemeral_classes && claim.len > pod->name.len &&
           str_eq((struct str){claim.ptr, pod->name.len}, pod->name) && claim.ptr[pod->name.len] == '-';
}

static int resolve_claim(struct demand_volumes *v, struct resolved *r, const struct pod *pod, struct str name,
                         struct err *err)
{
    uint32_t id;
    if (find_name(v, &v->claims, pod->namespace_, name, &id, err) < 0)
        return ERR_NOMEM;
    if (id == INTERN_NONE)
        return is_still_to_come(pod, name)
                   ? 0
                   : refuse(r, arena_printf(v->arena, "PersistentVolumeClaim %.*s not found", STR_ARG(name)), err);
    const struct volume_claim *claim = &v->objects->claims.items[id];
    if (!claim->volume_name.len)
        return resolve_unbound(v, r, claim, err);
    if (find_name(v, &v->volumes, STR(""), claim->volume_name, &id, err) < 0)
        return ERR_NOMEM;
    if (id == INTERN_NONE)
        return refuse(r,
                      arena_printf(v->arena, "PersistentVolume %.*s of PersistentVolumeClaim %.*s not found",
                                   STR_ARG(claim->volume_name), STR_ARG(name)),
                      err);
    const struct volume *volume = &v->objects->volumes.items[id];
    return add_rule(v, r, volume->terms, volume->n_terms, volume->name, err);
}

static int resolve_pod(struct demand_volumes *v, struct resolved *r, const struct pod *pod, struct err *err)
{
    for (size_t i = 0; i < pod->n_claims; i++)
        if (resolve_claim(v, r, pod, pod->claims[i], err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < pod->n_ephemeral_classes; i++) {
        const struct storage_class *class = NULL;
        if (!pod->ephemeral_classes[i].len)
            class = default_class(v->objects);
        else if (find_class(v, pod->ephemeral_classes[i], &class, err) < 0)
            return ERR_NOMEM;
        if (class && add_rule(v, r, class->terms, class->n_terms, class->name, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int compare_rule(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int demand_volumes_of(struct demand_volumes *volumes, const struct pod *pod, uint32_t *ret_set, struct err *err)
{
    if (!pod->n_claims && !pod->n_ephemeral_classes) {
        *ret_set = 0;
        return 0;
    }
    CC_CLEANUP(resolved_release) struct resolved r = {0};
    if (resolve_pod(volumes, &r, pod, err) < 0)
        return ERR_NOMEM;
    if (r.rules.len)
        qsort(r.rules.items, r.rules.len, sizeof(*r.rules.items), compare_rule);
    if (r.reason)
        r.rules.len = 0;
    size_t size = r.rules.len * sizeof(*r.rules.items);
    /* No list of ids reads as a reason: text for people holds no NUL, and an id below 2^24 does. */
    struct str key = r.reason ? str_of(r.reason) : (struct str){(const char *)r.rules.items, size};
    uint32_t id;
    if (intern_add(&volumes->set_keys, key, &id, err) < 0)
        return ERR_NOMEM;
    if (id == volumes->sets.len) {
        uint32_t *rules = arena_array(volumes->arena, uint32_t, r.rules.len);
        if (!rules)
            return err_nomem(err);
        if (size)
            memcpy(rules, r.rules.items, size);
        if (!VEC_PUSH(&volumes->sets, ((struct volume_set){rules, r.rules.len, r.reason})))
            return err_nomem(err);
    }
    *ret_set = id;
    return 0;
}

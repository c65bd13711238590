/* demand_volumes.c - the nodes that a pod's volumes let it go to: claims, volumes, storage classes. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

int demand_volumes_init(struct demand_volumes *volumes, const struct objects *objects, const struct dims *dims,
                        struct arena *arena, struct err *err)
{
    *volumes = (struct demand_volumes){.dims = dims, .arena = arena};
    uint32_t id;
    if (volumes_open(objects, &volumes->names, err) < 0 || intern_add(&volumes->set_keys, STR(""), &id, err) < 0)
        return ERR_NOMEM;
    return VEC_PUSH(&volumes->sets, ((struct volume_set){0})) ? 0 : err_nomem(err);
}

void demand_volumes_release(struct demand_volumes *volumes)
{
    volumes_close(&volumes->names);
    attachments_release(&volumes->attachments);
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

/* The volume will be made where the pod is: in the zone of the node that was chosen for it, if that is known. */
static int resolve_selected_node(struct demand_volumes *v, struct resolved *r, struct str node_name, struct err *err)
{
    static const struct str zone_key = STR_INIT("topology.kubernetes.io/zone");
    const struct objects *objects = v->names.objects;
    const struct str *zone = NULL;
    for (size_t i = 0; i < objects->nodes.len && !zone; i++)
        if (str_eq(objects->nodes.items[i].name, node_name))
            zone = labels_get(&objects->nodes.items[i].labels, zone_key);
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
    const struct storage_class *class = volumes_class_of(&v->names, claim);
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
    const struct volume_claim *claim = volumes_claim(&v->names, pod->namespace_, name);
    if (!claim)
        return is_still_to_come(pod, name)
                   ? 0
                   : refuse(r, arena_printf(v->arena, "PersistentVolumeClaim %.*s not found", STR_ARG(name)), err);
    if (claim->deleting)
        return refuse(r, arena_printf(v->arena, "PersistentVolumeClaim %.*s is being deleted", STR_ARG(name)), err);
    if (!claim->volume_name.len)
        return resolve_unbound(v, r, claim, err);
    if (claim->unbound)
        return refuse(r,
                      arena_printf(v->arena, "PersistentVolumeClaim %.*s is not bound to its PersistentVolume %.*s",
                                   STR_ARG(name), STR_ARG(claim->volume_name)),
                      err);
    const struct volume *volume = volumes_volume(&v->names, claim->volume_name);
    if (!volume)
        return refuse(r,
                      arena_printf(v->arena, "PersistentVolume %.*s of PersistentVolumeClaim %.*s not found",
                                   STR_ARG(claim->volume_name), STR_ARG(name)),
                      err);
    return add_rule(v, r, volume->terms, volume->n_terms, volume->name, err);
}

static int resolve_pod(struct demand_volumes *v, struct resolved *r, const struct pod *pod, struct err *err)
{
    for (size_t i = 0; i < pod->n_claims; i++)
        if (resolve_claim(v, r, pod, pod->claims[i], err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < pod->n_ephemeral_classes; i++) {
        struct str name = pod->ephemeral_classes[i];
        const struct storage_class *class =
            name.len ? volumes_class(&v->names, name) : volumes_default_class(&v->names);
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

/* How many the pod attaches, by dimension: NULL if none that counts. */
static int count_attached(struct demand_volumes *v, const struct pod *pod, const int64_t **ret, struct err *err)
{
    int64_t *counts = NULL;
    *ret = NULL;
    v->attachments.list.len = 0;
    if (!dims_count_volumes(v->dims))
        return 0;
    if (volumes_attach(&v->names, pod, &v->attachments, err) < 0)
        return ERR_NOMEM;
    for (uint32_t d = 0; d < v->dims->n; d++) {
        struct str driver = dims_volume_driver(v->dims, d);
        size_t n = driver.len ? attachments_count(&v->attachments, driver) : 0;
        if (n && !counts && !(counts = arena_array(v->arena, int64_t, v->dims->n)))
            return err_nomem(err);
        if (n)
            counts[d] = (int64_t)n;
    }
    *ret = counts;
    return 0;
}

/* A set's content: its reason, or how many are attached and its rules. None at all is the empty text. */
static bool put_set(struct content_key *key, const struct volume_set *set, uint32_t n_dims)
{
    key->len = 0;
    if (set->reason)
        return content_put_number(key, UINT32_MAX) && content_put_str(key, str_of(set->reason));
    bool ok = true;
    for (uint32_t d = 0; d < n_dims && set->attached && ok; d++)
        ok = set->attached[d] == 0 || (content_put_number(key, UINT32_MAX - 1) && content_put_number(key, d) &&
                                       content_put_number(key, (uint32_t)set->attached[d]));
    return ok && content_put(key, set->rules, set->n * sizeof(*set->rules));
}

static int find_set(struct demand_volumes *v, const struct volume_set *set, uint32_t *ret_set, struct err *err)
{
    uint32_t id;
    if (!put_set(&v->key, set, v->dims->n) || intern_add(&v->set_keys, content_text(&v->key), &id, NULL) < 0)
        return err_nomem(err);
    if (id == v->sets.len) {
        struct volume_set kept = *set;
        uint32_t *rules = arena_array(v->arena, uint32_t, set->n);
        if (!rules)
            return err_nomem(err);
        if (set->n)
            memcpy(rules, set->rules, set->n * sizeof(*rules));
        kept.rules = rules;
        if (!VEC_PUSH(&v->sets, kept))
            return err_nomem(err);
    }
    *ret_set = id;
    return 0;
}

int demand_volumes_of(struct demand_volumes *volumes, const struct pod *pod, uint32_t *ret_set, struct err *err)
{
    if (!pod_has_volumes(pod)) {
        *ret_set = 0;
        return 0;
    }
    CC_CLEANUP(resolved_release) struct resolved r = {0};
    struct volume_set set = {0};
    if (resolve_pod(volumes, &r, pod, err) < 0 || count_attached(volumes, pod, &set.attached, err) < 0)
        return ERR_NOMEM;
    if (r.rules.len)
        qsort(r.rules.items, r.rules.len, sizeof(*r.rules.items), compare_rule);
    set.reason = r.reason;
    set.rules = r.rules.items;
    set.n = r.reason ? 0 : r.rules.len;
    return find_set(volumes, &set, ret_set, err);
}

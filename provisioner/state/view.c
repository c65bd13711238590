/* view.c - one pass's picture of the cluster: arrays copied at once, texts and specs shared with the state. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/api/decode.h"
#include "provisioner/state/view_internal.h"

int view_index(struct arena *arena, size_t n, struct index *ret, struct err *err)
{
    size_t n_slots = 2;
    while (n_slots < 2 * (n + 1))
        n_slots *= 2;
    struct index_slot *slots = arena_array(arena, struct index_slot, n_slots);
    if (!slots)
        return err_nomem(err);
    *ret = (struct index){slots, n_slots, 0};
    return 0;
}

static int copy_index(struct arena *arena, const struct index *index, struct index *ret, struct err *err)
{
    struct index_slot *slots = arena_array(arena, struct index_slot, index->n_slots);
    if (!slots)
        return err_nomem(err);
    if (index->n_slots)
        memcpy(slots, index->slots, index->n_slots * sizeof(*slots));
    *ret = (struct index){slots, index->n_slots, index->len};
    return 0;
}

static int copy_claims(struct view_builder *b, struct err *err)
{
    const struct table *table = &b->state->tables[CLUSTER_NODE_CLAIM];
    b->n_claims = (uint32_t)table->len;
    b->claims = arena_array(b->arena, struct node_claim, table->len);
    b->view_claims = arena_array(b->arena, struct view_claim, table->len);
    if (!b->claims || !b->view_claims)
        return err_nomem(err);
    if (table->len)
        memcpy(b->claims, table->items, table->len * sizeof(*b->claims));
    return 0;
}

/* All items of a table; `extra` more have room. NULL: memory ran out. */
static void *copy_table(const struct view_builder *b, enum cluster_kind kind, size_t extra)
{
    const struct table *table = &b->state->tables[kind];
    void *items = arena_calloc(b->arena, table->len + extra, table->item_size);
    if (items && table->len)
        memcpy(items, table->items, table->len * table->item_size);
    return items;
}

/* A vector in the arena: it must not grow. */
#define SET_VEC(vec, array, n) ((vec)->items = (array), (vec)->len = (vec)->cap = (n))

static int copy_kinds(const struct view_builder *b, struct objects *objects, struct err *err)
{
    const struct table *tables = b->state->tables;
    SET_VEC(&objects->daemon_sets, copy_table(b, CLUSTER_DAEMON_SET, 0), tables[CLUSTER_DAEMON_SET].len);
    SET_VEC(&objects->claims, copy_table(b, CLUSTER_VOLUME_CLAIM, 0), tables[CLUSTER_VOLUME_CLAIM].len);
    SET_VEC(&objects->volumes, copy_table(b, CLUSTER_VOLUME, 0), tables[CLUSTER_VOLUME].len);
    SET_VEC(&objects->storage_classes, copy_table(b, CLUSTER_STORAGE_CLASS, 0), tables[CLUSTER_STORAGE_CLASS].len);
    SET_VEC(&objects->csi_nodes, copy_table(b, CLUSTER_CSI_NODE, 0), tables[CLUSTER_CSI_NODE].len);
    SET_VEC(&objects->priority_classes, copy_table(b, CLUSTER_PRIORITY_CLASS, 0), tables[CLUSTER_PRIORITY_CLASS].len);
    SET_VEC(&objects->budgets, copy_table(b, CLUSTER_DISRUPTION_BUDGET, 0), tables[CLUSTER_DISRUPTION_BUDGET].len);
    bool good = objects->daemon_sets.items && objects->claims.items && objects->volumes.items &&
                objects->storage_classes.items && objects->csi_nodes.items && objects->priority_classes.items &&
                objects->budgets.items;
    return good ? 0 : err_nomem(err);
}

/* Ours first; of Karpenter's those whose names are not taken. */
static int copy_policies(const struct view_builder *b, struct objects *objects, struct err *err)
{
    const struct table *own = &b->state->tables[CLUSTER_PROVISIONER];
    const struct table *theirs = &b->state->tables[CLUSTER_KARPENTER_PROVISIONER];
    const struct table *templates = &b->state->tables[CLUSTER_NODE_TEMPLATE];
    const struct table *aws = &b->state->tables[CLUSTER_KARPENTER_TEMPLATE];
    SET_VEC(&objects->provisioners, copy_table(b, CLUSTER_PROVISIONER, theirs->len), own->len);
    SET_VEC(&objects->templates, copy_table(b, CLUSTER_NODE_TEMPLATE, aws->len), templates->len);
    if (!objects->provisioners.items || !objects->templates.items)
        return err_nomem(err);
    for (uint32_t i = 0; i < theirs->len; i++)
        if (table_find(own, STR(""), theirs->entries[i].name) == INDEX_NONE)
            objects->provisioners.items[objects->provisioners.len++] =
                *(const struct provisioner *)table_item(theirs, i);
    for (uint32_t i = 0; i < aws->len; i++)
        objects->templates.items[objects->templates.len++] = *(const struct node_template *)table_item(aws, i);
    return 0;
}

/* A spec as it is now that the PriorityClasses are known; the state's own is as the pod says. NULL: memory ran out. */
static const struct pod_spec *resolved(struct arena *arena, const struct objects *objects, const struct pod_spec *spec)
{
    if (spec->priority_set || !objects->priority_classes.len)
        return spec;
    struct pod_spec *copy = arena_new(arena, struct pod_spec);
    if (!copy)
        return NULL;
    *copy = *spec;
    priority_resolve(objects, copy);
    return copy;
}

/* By id. Ids that nobody has stand for a spec that asks for nothing. Needs the PriorityClasses. */
static int copy_specs(const struct view_builder *b, struct objects *objects, struct err *err)
{
    const struct specs *specs = &b->state->specs;
    size_t n = specs->entries.len;
    const struct pod_spec **items = arena_array(b->arena, const struct pod_spec *, n);
    struct str *keys = arena_array(b->arena, struct str, n);
    if (!items || !keys)
        return err_nomem(err);
    for (size_t id = 0; id < n; id++) {
        const struct spec_entry *entry = &specs->entries.items[id];
        struct pod_spec *empty = entry->owned ? NULL : arena_new(b->arena, struct pod_spec);
        if (empty)
            *empty = (struct pod_spec){.id = (uint32_t)id, .priority_class = {"", 0}, .scheduler_name = {"", 0}};
        items[id] = entry->owned ? resolved(b->arena, objects, entry->spec) : empty;
        keys[id] = entry->owned ? entry->key : STR("");
        if (!items[id])
            return err_nomem(err);
    }
    SET_VEC(&objects->specs, items, n);
    objects->spec_keys = (struct intern){.texts = keys, .len = n, .cap = n};
    return 0;
}

static int build(struct view_builder *b, struct objects *objects, struct err *err)
{
    int rc = copy_claims(b, err);
    if (rc == 0)
        rc = view_build_nodes(b, err);
    if (rc == 0)
        rc = view_build_pods(b, err);
    if (rc == 0)
        rc = view_build_slots(b, err);
    if (rc == 0)
        rc = copy_index(b->arena, &b->state->tables[CLUSTER_POD].by_name, &b->pin->pods, err);
    if (rc == 0)
        rc = copy_index(b->arena, &b->state->tables[CLUSTER_NODE].by_name, &b->pin->nodes, err);
    if (rc == 0)
        rc = copy_kinds(b, objects, err);
    if (rc == 0)
        rc = copy_policies(b, objects, err);
    return rc == 0 ? copy_specs(b, objects, err) : rc;
}

static int fill(struct view_builder *b, struct view *view, struct err *err)
{
    int rc = build(b, &view->objects, err);
    if (rc < 0)
        return rc;
    SET_VEC(&view->objects.pods, b->pods, b->n_pods);
    SET_VEC(&view->objects.nodes, b->nodes, b->n_nodes);
    view->nodes = b->view_nodes;
    view->claims = b->view_claims;
    view->n_claims = b->n_claims;
    view->places = b->places;
    view->pod_claims = b->pod_claims;
    view->budgets = view->objects.budgets.items;
    view->n_budgets = view->objects.budgets.len;
    return 0;
}

/* A new picture, which the state keeps. */
static int make_picture(struct state *state, struct err *err)
{
    struct view_pin *pin = calloc(1, sizeof(*pin));
    if (!pin)
        return err_nomem(err);
    struct view_builder b = {.state = state, .arena = &pin->arena, .pin = pin};
    pin->view = (struct view){.generation = state->generation, .pin = pin};
    int rc = fill(&b, &pin->view, err);
    if (rc < 0) {
        arena_release(&pin->arena);
        free(pin);
        return rc;
    }
    pin->users = 1;
    owned_view_begin(&state->limbo, &pin->seen);
    state->picture = pin;
    return 0;
}

static void let_go(struct state *state, struct view_pin *pin)
{
    if (--pin->users > 0)
        return;
    owned_view_end(&state->limbo, &pin->seen);
    arena_release(&pin->arena);
    free(pin);
}

void state_forget_picture(struct state *state)
{
    if (state->picture)
        let_go(state, state->picture);
    state->picture = NULL;
}

int state_view(struct state *state, struct arena *arena, struct view *ret, struct err *err)
{
    (void)arena; /* a view has nothing for itself */
    int rc = state->picture ? 0 : make_picture(state, err);
    if (rc < 0)
        return rc;
    state->picture->users++;
    *ret = state->picture->view;
    return 0;
}

void state_view_release(struct state *state, struct view *view)
{
    if (view->pin)
        let_go(state, view->pin);
    view->pin = NULL;
}

uint32_t view_pod(const struct view *view, struct str namespace_, struct str name)
{
    const struct view_pin *pin = view->pin;
    uint64_t hash = table_hash(namespace_, name);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(&pin->pods, hash, &probe)) != INDEX_NONE;) {
        const struct pod *pod = &view->objects.pods.items[id];
        if (str_eq(pod->name, name) && str_eq(pod->namespace_, namespace_))
            return id;
    }
    return VIEW_NONE;
}

static uint32_t find_node(const struct view *view, const struct index *index, struct str name)
{
    uint64_t hash = table_hash(STR(""), name);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(index, hash, &probe)) != INDEX_NONE;)
        if (str_eq(view->objects.nodes.items[id].name, name))
            return id;
    return VIEW_NONE;
}

uint32_t view_node(const struct view *view, struct str name)
{
    const struct view_pin *pin = view->pin;
    uint32_t real = find_node(view, &pin->nodes, name);
    return real != VIEW_NONE ? real : find_node(view, &pin->virtuals, name);
}

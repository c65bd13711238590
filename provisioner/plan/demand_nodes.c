/* demand_nodes.c - the nodes that exist: which pods run there and how much room is left. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

int node_sets_init(struct node_sets *sets, const struct node **nodes, size_t n, struct arena *arena, struct err *err)
{
    *sets = (struct node_sets){.nodes = nodes, .n = n, .arena = arena};
    for (size_t i = 0; i < n; i++) {
        const struct taints *taints = &nodes[i]->taints;
        sets->key.len = 0;
        bool ok = true;
        for (size_t t = 0; t < taints->n && ok; t++)
            ok = content_put_str(&sets->key, taints->items[t].key) &&
                 content_put_str(&sets->key, taints->items[t].value) &&
                 content_put_number(&sets->key, (uint32_t)taints->items[t].effect);
        uint32_t kind;
        if (!ok || intern_add(&sets->taint_kinds, content_text(&sets->key), &kind, NULL) < 0)
            return err_nomem(err);
        if (kind == sets->tainted.len) {
            uint64_t *members = arena_array(arena, uint64_t, BITSET_WORDS(n));
            if (!members || !VEC_PUSH(&sets->tainted, members) || !VEC_PUSH(&sets->taints, taints))
                return err_nomem(err);
        }
        bitset_add((uint64_t *)sets->tainted.items[kind], i);
    }
    return 0;
}

void node_sets_release(struct node_sets *sets)
{
    intern_release(&sets->conditions);
    intern_release(&sets->taint_kinds);
    VEC_FREE(&sets->sets);
    VEC_FREE(&sets->tainted);
    VEC_FREE(&sets->taints);
    content_release(&sets->key);
}

const uint64_t *node_sets_meeting(struct node_sets *sets, const struct requirement *requirement)
{
    sets->key.len = 0;
    uint32_t id;
    if (!content_put_requirements(&sets->key, &(struct requirements){requirement, 1}) ||
        intern_add(&sets->conditions, content_text(&sets->key), &id, NULL) < 0)
        return NULL;
    if (id < sets->sets.len)
        return sets->sets.items[id];
    uint64_t *set = arena_array(sets->arena, uint64_t, BITSET_WORDS(sets->n));
    if (!set || !VEC_PUSH(&sets->sets, set))
        return NULL;
    for (size_t i = 0; i < sets->n; i++)
        if (requirement_met(requirement, labels_get(&sets->nodes[i]->labels, requirement->key)))
            bitset_add(set, i);
    return set;
}

static int and_labels(struct node_sets *sets, const struct requirements *labels, uint64_t *into, struct err *err)
{
    for (size_t i = 0; i < labels->n; i++) {
        const uint64_t *meeting = node_sets_meeting(sets, &labels->items[i]);
        if (!meeting)
            return err_nomem(err);
        bitset_and(into, meeting, sets->n);
    }
    return 0;
}

/* metadata.name is the one field there is. */
static void and_fields(const struct node_sets *sets, const struct requirements *fields, uint64_t *into)
{
    for (size_t f = 0; f < fields->n; f++)
        BITSET_EACH (i, into, sets->n)
            if (!requirement_met(&fields->items[f], &sets->nodes[i]->name))
                bitset_remove(into, i);
}

int node_sets_and_terms(struct node_sets *sets, const struct node_term *terms, size_t n, uint64_t *into,
                        struct err *err)
{
    size_t words = BITSET_WORDS(sets->n);
    uint64_t *any = arena_array(sets->arena, uint64_t, words);
    uint64_t *one = arena_array(sets->arena, uint64_t, words);
    if (!any || !one)
        return err_nomem(err);
    for (size_t t = 0; t < n; t++) {
        if (!terms[t].labels.n && !terms[t].fields.n)
            continue; /* an empty term matches nothing */
        bitset_copy(one, into, sets->n);
        if (and_labels(sets, &terms[t].labels, one, err) < 0)
            return ERR_NOMEM;
        and_fields(sets, &terms[t].fields, one);
        bitset_or(any, one, sets->n);
    }
    bitset_copy(into, any, sets->n);
    return 0;
}

int node_sets_and_affinity(struct node_sets *sets, const struct pod_spec *spec, uint64_t *into, struct err *err)
{
    if (and_labels(sets, &spec->node_selector, into, err) < 0)
        return ERR_NOMEM;
    if (!spec->node_terms_present)
        return 0;
    return node_sets_and_terms(sets, spec->node_terms, spec->n_node_terms, into, err);
}

void node_sets_and_tolerated(struct node_sets *sets, const struct toleration *tolerations, size_t n, uint64_t *into)
{
    for (size_t kind = 0; kind < sets->tainted.len; kind++)
        if (!taints_tolerated(sets->taints.items[kind], tolerations, n))
            bitset_and_not(into, sets->tainted.items[kind], sets->n);
}

static bool same_taint(const struct taint *a, const struct taint *b)
{
    return str_eq(a->key, b->key) && str_eq(a->value, b->value) && a->effect == b->effect;
}

/* The node as it is once its startup taints are gone. */
static const struct node *started(const struct node *node, const struct taints *startup, struct arena *arena)
{
    if (!startup->n || !node->taints.n)
        return node;
    struct node *copy = arena_new(arena, struct node);
    struct taint *kept = arena_array(arena, struct taint, node->taints.n);
    if (!copy || !kept)
        return NULL;
    *copy = *node;
    copy->taints = (struct taints){kept, 0};
    for (size_t t = 0; t < node->taints.n; t++) {
        bool goes = false;
        for (size_t i = 0; i < startup->n && !goes; i++)
            goes = same_taint(&node->taints.items[t], &startup->items[i]);
        if (!goes)
            kept[copy->taints.n++] = node->taints.items[t];
    }
    return copy;
}

int node_sets_of_demand(struct node_sets *sets, const struct demand *demand, struct arena *arena, struct err *err)
{
    static const struct taints none = {0};
    const struct node **nodes = arena_array(arena, const struct node *, demand->n_nodes);
    if (!nodes)
        return err_nomem(err);
    for (size_t n = 0; n < demand->n_nodes; n++) {
        uint32_t owner = demand->nodes[n].provisioner;
        nodes[n] =
            started(demand->nodes[n].node,
                    owner == SOLVER_NONE ? &none : &demand->objects->provisioners.items[owner].startup_taints, arena);
        if (!nodes[n])
            return err_nomem(err);
    }
    return node_sets_init(sets, nodes, demand->n_nodes, arena, err);
}

/* What goes on while demand->nodes is filled. */
struct room {
    struct demand *demand;
    const struct volumes *volumes;
    struct arena *arena;
    struct intern names;   /* of all nodes, id = index into objects->nodes */
    uint64_t *daemons_run; /* [daemon_sets][usable nodes]: a pod of the set is bound there */
    struct intern sets;    /* "namespace name" of DaemonSets, id = index */
    struct content_key key;
    int64_t **spec_req; /* [specs] NULL until asked for */
};

static void room_release(struct room *room)
{
    intern_release(&room->names);
    intern_release(&room->sets);
    content_release(&room->key);
}

static uint32_t provisioner_of(const struct objects *objects, const struct node *node)
{
    const struct str *name = labels_get(&node->labels, STR("karpenter.sh/provisioner-name"));
    if (!name)
        name = labels_get(&node->labels, STR("stoker.sh/provisioner"));
    for (size_t i = 0; name && i < objects->provisioners.len; i++)
        if (str_eq(objects->provisioners.items[i].name, *name))
            return (uint32_t)i;
    return SOLVER_NONE;
}

static uint32_t zone_of(const struct cloud_catalogue *catalogue, const struct node *node)
{
    const struct str *zone = labels_get(&node->labels, STR("topology.kubernetes.io/zone"));
    for (size_t i = 0; zone && i < catalogue->n_zones; i++)
        if (str_eq(catalogue->zones[i], *zone))
            return (uint32_t)i;
    return SOLVER_NONE;
}

/* kubelet's default, for manifests that leave it out. */
enum { DEFAULT_MAX_PODS = 110 };

static void node_allocatable(const struct dims *dims, const struct volumes *volumes, const struct node *node,
                             int64_t *free)
{
    const struct resources *from = node->allocatable.n ? &node->allocatable : &node->capacity;
    dims_vector(dims, from->items, from->n, free);
    bool says_pods = false;
    for (size_t i = 0; i < from->n; i++)
        says_pods = says_pods || str_is(from->items[i].name, "pods");
    if (!says_pods)
        free[DIM_PODS] = DEFAULT_MAX_PODS;
    for (uint32_t d = dims->first_volume; d < dims->n; d++) {
        int64_t limit = volumes_limit(volumes, node->name, from, dims_volume_driver(dims, d));
        free[d] = limit < DIMS_ANY_VOLUMES ? limit : DIMS_ANY_VOLUMES;
    }
}

static const int64_t *spec_request(struct room *room, uint32_t spec)
{
    const struct demand *demand = room->demand;
    if (!room->spec_req[spec]) {
        const struct resources *requests = &demand->objects->specs.items[spec]->requests;
        int64_t *req = arena_array(room->arena, int64_t, demand->dims->n);
        if (!req)
            return NULL;
        dims_vector(demand->dims, requests->items, requests->n, req);
        req[DIM_PODS] = 1;
        room->spec_req[spec] = req;
    }
    return room->spec_req[spec];
}

static void take_off(const struct dims *dims, int64_t *free, const int64_t *req)
{
    for (uint32_t d = 0; d < dims->n; d++)
        free[d] = free[d] > req[d] ? free[d] - req[d] : 0;
}

static int list_nodes(struct room *room, struct err *err)
{
    struct demand *demand = room->demand;
    const struct objects *objects = demand->objects;
    demand->nodes = arena_array(room->arena, struct demand_node, objects->nodes.len);
    uint32_t *usable = arena_array(room->arena, uint32_t, objects->nodes.len);
    if (!demand->nodes || !usable)
        return err_nomem(err);
    demand->usable = usable;
    for (size_t i = 0; i < objects->nodes.len; i++) {
        const struct node *node = &objects->nodes.items[i];
        uint32_t id;
        if (intern_add(&room->names, node->name, &id, err) < 0)
            return ERR_NOMEM;
        usable[i] = SOLVER_NONE;
        if (node->unschedulable || node->deleting)
            continue;
        usable[i] = (uint32_t)demand->n_nodes;
        struct demand_node *at = &demand->nodes[demand->n_nodes++];
        at->node = node;
        at->zone = zone_of(demand->supply->catalogue, node);
        at->provisioner = provisioner_of(objects, node);
        node_allocatable(demand->dims, room->volumes, node, at->free);
    }
    return 0;
}

static int note_daemon(struct room *room, const struct pod *pod, uint32_t node, struct err *err)
{
    room->key.len = 0;
    if (!content_put_str(&room->key, pod->namespace_) || !content_put_str(&room->key, pod->owner_name))
        return err_nomem(err);
    uint32_t set = intern_find(&room->sets, content_text(&room->key));
    if (set != INTERN_NONE)
        bitset_add(room->daemons_run + set * BITSET_WORDS(room->demand->n_nodes), node);
    return 0;
}

/* Two walks over the bound pods: count and take off their requests, then list them by node. */
static int settle_pods(struct room *room, struct err *err)
{
    struct demand *demand = room->demand;
    const struct objects *objects = demand->objects;
    uint32_t *pod_node = arena_array(room->arena, uint32_t, objects->pods.len);
    if (!pod_node)
        return err_nomem(err);
    demand->pod_node = pod_node;
    size_t n_bound = 0;
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        pod_node[i] = pod_is_bound(pod) ? intern_find(&room->names, pod->node_name) : SOLVER_NONE;
        uint32_t usable = pod_node[i] == SOLVER_NONE ? SOLVER_NONE : demand->usable[pod_node[i]];
        if (usable == SOLVER_NONE)
            continue;
        const int64_t *req = spec_request(room, pod->spec);
        if (!req)
            return err_nomem(err);
        take_off(demand->dims, demand->nodes[usable].free, req);
        demand->nodes[usable].n_pods++;
        n_bound++;
        if (pod->daemon && note_daemon(room, pod, usable, err) < 0)
            return ERR_NOMEM;
    }
    uint32_t *lists = arena_array(room->arena, uint32_t, n_bound);
    uint32_t *fill = arena_array(room->arena, uint32_t, demand->n_nodes);
    if (!lists || !fill)
        return err_nomem(err);
    uint32_t at = 0;
    for (size_t n = 0; n < demand->n_nodes; n++) {
        demand->nodes[n].pods = lists + at;
        fill[n] = at;
        at += demand->nodes[n].n_pods;
    }
    for (size_t i = 0; i < objects->pods.len; i++) {
        uint32_t usable = pod_node[i] == SOLVER_NONE ? SOLVER_NONE : demand->usable[pod_node[i]];
        if (usable != SOLVER_NONE)
            lists[fill[usable]++] = (uint32_t)i;
    }
    return 0;
}

/* What pods have attached: a volume that several share is one. */
static int take_off_volumes(const struct room *room, struct err *err)
{
    struct demand *demand = room->demand;
    const struct dims *dims = demand->dims;
    CC_CLEANUP(attachments_release) struct attachments attached = {.list = {.len = 0}};
    for (size_t n = 0; n < demand->n_nodes && dims_count_volumes(dims); n++) {
        struct demand_node *node = &demand->nodes[n];
        attached.list.len = 0;
        for (uint32_t i = 0; i < node->n_pods; i++)
            if (volumes_attach(room->volumes, &demand->objects->pods.items[node->pods[i]], &attached, err) < 0)
                return ERR_NOMEM;
        for (uint32_t d = dims->first_volume; d < dims->n; d++) {
            int64_t used = (int64_t)attachments_count(&attached, dims_volume_driver(dims, d));
            node->free[d] = node->free[d] > used ? node->free[d] - used : 0;
        }
    }
    return 0;
}

static int index_daemon_sets(struct room *room, struct err *err)
{
    const struct objects *objects = room->demand->objects;
    size_t words = BITSET_WORDS(room->demand->n_nodes);
    room->daemons_run = arena_array(room->arena, uint64_t, objects->daemon_sets.len * words);
    if (!room->daemons_run)
        return err_nomem(err);
    for (size_t i = 0; i < objects->daemon_sets.len; i++) {
        uint32_t id;
        room->key.len = 0;
        if (!content_put_str(&room->key, objects->daemon_sets.items[i].namespace_) ||
            !content_put_str(&room->key, objects->daemon_sets.items[i].name) ||
            intern_add(&room->sets, content_text(&room->key), &id, NULL) < 0)
            return err_nomem(err);
    }
    return 0;
}

/*
 * The pod's own tolerations and those that the DaemonSet controller adds.
 * Source: kubernetes pkg/controller/daemon/util/daemonset_util.go, AddOrUpdateDaemonPodTolerations.
 */
static const struct toleration *daemon_tolerations(const struct pod_spec *spec, struct arena *arena, size_t *ret_n)
{
    static const struct toleration added[] = {
        {STR_INIT("node.kubernetes.io/not-ready"), STR_INIT(""), true, EFFECT_NO_EXECUTE},
        {STR_INIT("node.kubernetes.io/unreachable"), STR_INIT(""), true, EFFECT_NO_EXECUTE},
        {STR_INIT("node.kubernetes.io/disk-pressure"), STR_INIT(""), true, EFFECT_NO_SCHEDULE},
        {STR_INIT("node.kubernetes.io/memory-pressure"), STR_INIT(""), true, EFFECT_NO_SCHEDULE},
        {STR_INIT("node.kubernetes.io/pid-pressure"), STR_INIT(""), true, EFFECT_NO_SCHEDULE},
        {STR_INIT("node.kubernetes.io/unschedulable"), STR_INIT(""), true, EFFECT_NO_SCHEDULE},
        {STR_INIT("node.kubernetes.io/network-unavailable"), STR_INIT(""), true, EFFECT_NO_SCHEDULE},
    };
    struct toleration *all = arena_array(arena, struct toleration, spec->n_tolerations + CC_COUNT(added));
    if (!all)
        return NULL;
    if (spec->n_tolerations)
        memcpy(all, spec->tolerations, spec->n_tolerations * sizeof(*all));
    memcpy(all + spec->n_tolerations, added, sizeof(added));
    *ret_n = spec->n_tolerations + CC_COUNT(added);
    return all;
}

/* Keeps room for the daemon pods that match a node and do not run there yet. */
static int await_daemons(struct room *room, struct err *err)
{
    struct demand *demand = room->demand;
    const struct objects *objects = demand->objects;
    uint64_t *coming = arena_array(room->arena, uint64_t, BITSET_WORDS(demand->n_nodes));
    if (!coming)
        return err_nomem(err);
    CC_CLEANUP(node_sets_release) struct node_sets sets = {0};
    if (node_sets_of_demand(&sets, demand, room->arena, err) < 0)
        return ERR_NOMEM;
    for (size_t s = 0; s < objects->daemon_sets.len; s++) {
        uint32_t spec_id = objects->daemon_sets.items[s].spec;
        const struct pod_spec *spec = objects->specs.items[spec_id];
        const int64_t *req = spec_request(room, spec_id);
        size_t n_tolerations;
        const struct toleration *tolerations = daemon_tolerations(spec, room->arena, &n_tolerations);
        if (!req || !tolerations)
            return err_nomem(err);
        bitset_fill(coming, demand->n_nodes);
        bitset_and_not(coming, room->daemons_run + s * BITSET_WORDS(demand->n_nodes), demand->n_nodes);
        node_sets_and_tolerated(&sets, tolerations, n_tolerations, coming);
        if (node_sets_and_affinity(&sets, spec, coming, err) < 0)
            return ERR_NOMEM;
        BITSET_EACH (n, coming, demand->n_nodes)
            take_off(demand->dims, demand->nodes[n].free, req);
    }
    return 0;
}

int demand_nodes_build(struct demand *demand, const struct volumes *volumes, struct arena *arena, struct err *err)
{
    CC_CLEANUP(room_release) struct room room = {.demand = demand, .volumes = volumes, .arena = arena};
    room.spec_req = arena_array(arena, int64_t *, demand->objects->specs.len);
    if (!room.spec_req)
        return err_nomem(err);
    if (list_nodes(&room, err) < 0 || index_daemon_sets(&room, err) < 0 || settle_pods(&room, err) < 0 ||
        take_off_volumes(&room, err) < 0)
        return ERR_NOMEM;
    return await_daemons(&room, err);
}

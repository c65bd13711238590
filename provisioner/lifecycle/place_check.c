#include "provisioner/lifecycle/place_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/quantity.h"
#include "provisioner/lifecycle/node_change.h"
#include "provisioner/plan/demand.h"

#define HOSTNAME "kubernetes.io/hostname"

/* A pod in the small world of this check: nodes to be filled, what runs there, and who wants a place. */
struct entrant {
    struct place_candidate *candidate; /* NULL: a pod of higher priority that waits in vain */
    uint32_t pod;                      /* index into world.pods */
    int32_t priority;
    bool taken;
};

struct check {
    struct pass *pass;
    struct objects world;         /* shares all but pods and nodes with the view */
    VEC(struct entrant) entrants; /* candidates as they came, then waiting pods */
    size_t n_candidates;
    struct demand demand;
    struct volumes volumes;               /* of the world */
    const struct demand_shape **shape_of; /* [world.pods.len] NULL for those that run */
    struct place_yields *yields;
};

static void check_release(struct check *check)
{
    VEC_FREE(&check->world.pods);
    VEC_FREE(&check->world.nodes);
    VEC_FREE(&check->entrants);
    volumes_close(&check->volumes);
}

static const struct pod_spec *spec_of(const struct check *check, const struct pod *pod)
{
    return check->world.specs.items[pod->spec];
}

/* The node as it will be once it is open. */
static bool add_node(struct check *check, const struct node *real)
{
    struct taint *kept = arena_array(check->pass->arena, struct taint, real->taints.n);
    if (!kept)
        return false;
    struct node node = *real;
    node.unschedulable = false;
    node.taints = (struct taints){kept, 0};
    for (size_t i = 0; i < real->taints.n; i++)
        if (!str_is(real->taints.items[i].key, "node.kubernetes.io/unschedulable"))
            kept[node.taints.n++] = real->taints.items[i];
    return VEC_PUSH(&check->world.nodes, node);
}

static bool add_running(struct check *check, const struct view_node *node)
{
    const struct view *view = &check->pass->view;
    for (uint32_t i = 0; i < node->n_pods; i++) {
        const struct pod *pod = &view->objects.pods.items[node->pods[i]];
        if (view->places[node->pods[i]] == VIEW_POD_BOUND && !pod_ended(pod) && !VEC_PUSH(&check->world.pods, *pod))
            return false;
    }
    return true;
}

static bool add_entrant(struct check *check, uint32_t pod, struct place_candidate *candidate)
{
    struct pod waiting = check->pass->view.objects.pods.items[pod];
    waiting.node_name = STR("");
    struct entrant entrant = {candidate, (uint32_t)check->world.pods.len, spec_of(check, &waiting)->priority, false};
    return VEC_PUSH(&check->world.pods, waiting) && VEC_PUSH(&check->entrants, entrant);
}

bool place_has_yielded(const uint64_t *hashes, size_t n, struct str uid)
{
    uint64_t hash = str_hash(uid);
    for (size_t i = 0; i < n; i++)
        if (hashes[i] == hash)
            return true;
    return false;
}

/* Pods above the lowest candidate that have waited in vain. */
static bool add_waiting(struct check *check)
{
    const struct view *view = &check->pass->view;
    int32_t lowest = INT32_MAX;
    for (size_t i = 0; i < check->entrants.len; i++)
        if (check->entrants.items[i].priority < lowest)
            lowest = check->entrants.items[i].priority;
    int64_t before_ns = check->pass->wall.ns - (int64_t)PLACE_YIELD_AFTER_MS * 1000000;
    for (size_t i = 0; i < view->objects.pods.len; i++) {
        const struct pod *pod = &view->objects.pods.items[i];
        if (view->places[i] != VIEW_POD_WAITS || !pod->unschedulable || pod->created.ns > before_ns || pod->deleting ||
            pod_ended(pod) || spec_of(check, pod)->priority <= lowest ||
            place_has_yielded(check->yields->pods.items, check->yields->pods.len, pod->uid))
            continue;
        if (!add_entrant(check, (uint32_t)i, NULL))
            return false;
    }
    return true;
}

static int build_world(struct check *check, struct place_candidate *candidates, size_t n, struct err *err)
{
    const struct view *view = &check->pass->view;
    check->world = view->objects;
    memset(&check->world.pods, 0, sizeof(check->world.pods));
    memset(&check->world.nodes, 0, sizeof(check->world.nodes));
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        const struct view_claim *claim = &view->claims[candidates[i].claim];
        bool first = i == 0 || candidates[i - 1].claim != candidates[i].claim;
        if (first)
            ok = add_node(check, claim_node(check->pass, claim)) && add_running(check, &view->nodes[claim->node]);
    }
    for (size_t i = 0; i < n && ok; i++)
        ok = add_entrant(check, candidates[i].pod, &candidates[i]);
    check->n_candidates = check->entrants.len;
    return ok && add_waiting(check) ? 0 : err_nomem(err);
}

/* The planner's demand over this small world. Nothing is on sale in it: only what the nodes admit matters. */
static int build_demand(struct check *check, struct err *err)
{
    static const struct cloud_catalogue nothing = {0};
    static const struct supply_options supply_options = {0};
    static const struct demand_options demand_options = {0};
    struct arena *arena = check->pass->arena;
    struct objects *sellers = arena_new(arena, struct objects);
    struct dims *dims = arena_new(arena, struct dims);
    struct supply *supply = arena_new(arena, struct supply);
    check->shape_of = arena_array(arena, const struct demand_shape *, check->world.pods.len);
    if (!sellers || !dims || !supply || !check->shape_of)
        return err_nomem(err);
    *sellers = check->world;
    memset(&sellers->provisioners, 0, sizeof(sellers->provisioners));
    int code = volumes_open(&check->world, &check->volumes, err);
    if (code == 0)
        code = dims_of(&check->world, dims, err); /* volumes are no dimension here: those that pods share count once */
    if (code == 0)
        code = supply_build(sellers, &nothing, dims, &supply_options, arena, supply, err);
    if (code == 0)
        code = demand_build(&check->world, supply, &demand_options, arena, &check->demand, err);
    for (size_t s = 0; s < check->demand.n_shapes && code == 0; s++)
        for (uint32_t i = 0; i < check->demand.shapes[s].n_pods; i++)
            check->shape_of[check->demand.shapes[s].pods[i]] = &check->demand.shapes[s];
    return code;
}

/* One node while it is filled. */
struct filling {
    struct check *check;
    uint32_t node;                 /* index into demand.nodes */
    int64_t free[SOLVER_MAX_DIMS]; /* what those taken so far leave */
    struct attachments attached;   /* volumes of those present */
    VEC(uint32_t) present;         /* world pods that run there or were taken */
    const struct place_candidate *first;
    size_t n_candidates;
};

static const char *amount_text(struct str name, int64_t amount, char text[QUANTITY_TEXT_MAX])
{
    if (str_is(name, "cpu"))
        return quantity_milli_text(amount, text);
    if (str_is(name, "memory") || str_is(name, "ephemeral-storage"))
        return quantity_bytes_text(amount, text);
    snprintf(text, QUANTITY_TEXT_MAX, "%lld", (long long)amount);
    return text;
}

/* By how much, and whether the node is smaller than was planned. NULL if it fits, or memory ran out (*ret_nomem). */
static const char *too_small(const struct filling *at, const struct demand_shape *shape, bool *ret_nomem)
{
    const struct check *check = at->check;
    const struct dims *dims = check->demand.dims;
    for (uint32_t d = 0; d < dims->n; d++) {
        if (shape->req[d] <= at->free[d])
            continue;
        char need[QUANTITY_TEXT_MAX], left[QUANTITY_TEXT_MAX], real[QUANTITY_TEXT_MAX], planned[QUANTITY_TEXT_MAX];
        struct str name = dims->names[d];
        const struct node_claim *claim = check->pass->view.claims[at->first->claim].claim;
        const char *why = arena_printf(
            check->pass->arena, "it needs %.*s %s, %s is left; the node's allocatable is %s, planned was %s",
            STR_ARG(name), amount_text(name, shape->req[d], need), amount_text(name, at->free[d], left),
            amount_text(name, resources_get(&check->demand.nodes[at->node].node->allocatable, name), real),
            amount_text(name, resources_get(&claim->allocatable, name), planned));
        *ret_nomem = !why;
        return why;
    }
    return NULL;
}

/* More of a driver's volumes than the node can attach, with those that are attached to it. As too_small. */
static const char *too_many_volumes(struct filling *at, const struct pod *pod, bool *ret_nomem)
{
    const struct check *check = at->check;
    const struct node *node = check->demand.nodes[at->node].node;
    const struct node_claim *claim = check->pass->view.claims[at->first->claim].claim;
    struct attachments *all = &at->attached;
    size_t before = all->list.len;
    const char *why = NULL;
    *ret_nomem = volumes_attach(&check->volumes, pod, all, NULL) < 0;
    for (size_t i = before; i < all->list.len && !why && !*ret_nomem; i++) {
        struct str driver = all->list.items[i].driver;
        int64_t limit = volumes_limit(&check->volumes, node->name, &claim->allocatable, driver);
        size_t wanted = attachments_count(all, driver);
        if ((int64_t)wanted <= limit)
            continue;
        why =
            arena_printf(check->pass->arena, "with its volumes %zu of %.*s would be attached, the node can attach %lld",
                         wanted, STR_ARG(driver), (long long)limit);
        *ret_nomem = !why;
    }
    all->list.len = before;
    return why;
}

static bool specs_clash(const struct pod_spec *a, const struct pod_spec *b)
{
    for (size_t i = 0; i < a->n_host_ports; i++)
        for (size_t j = 0; j < b->n_host_ports; j++)
            if (host_ports_clash(&a->host_ports[i], &b->host_ports[j]))
                return true;
    return false;
}

static bool is_counted(const struct check *check, uint32_t selector, const struct pod *pod)
{
    return selector != SOLVER_NONE && demand_selector_counts(&check->demand.selectors[selector], pod);
}

/* Does `own` carry a required anti-affinity, within one node, that counts `other`? */
static bool repels(const struct check *check, const struct pod *own, const struct pod *other)
{
    const struct pod_spec *spec = spec_of(check, own);
    for (size_t t = 0; t < spec->n_anti_affinity; t++)
        if (!spec->anti_affinity[t].weight && str_is(spec->anti_affinity[t].topology_key, HOSTNAME) &&
            is_counted(check, demand_anti_affinity_selector(&check->demand, spec, own->namespace_, t), other))
            return true;
    return false;
}

/* Company that a pod must have on its node: there already, or in a slot beside it; the first of a kind needs none. */
static bool has_company(const struct filling *at, const struct pod *pod)
{
    const struct check *check = at->check;
    const struct pod_spec *spec = spec_of(check, pod);
    for (size_t t = 0; t < spec->n_affinity; t++) {
        if (spec->affinity[t].weight || !str_is(spec->affinity[t].topology_key, HOSTNAME))
            continue;
        uint32_t selector = demand_affinity_selector(&check->demand, spec, pod->namespace_, t);
        bool found = is_counted(check, selector, pod);
        for (size_t i = 0; i < at->present.len && !found; i++)
            found = is_counted(check, selector, &check->world.pods.items[at->present.items[i]]);
        for (size_t i = 0; i < at->n_candidates && !found; i++)
            found = is_counted(check, selector, &check->pass->view.objects.pods.items[at->first[i].pod]);
        if (!found)
            return false;
    }
    return true;
}

/* NULL: it fits. */
static const char *refusal(struct filling *at, const struct entrant *entrant, bool *ret_nomem)
{
    struct check *check = at->check;
    const struct pod *pod = &check->world.pods.items[entrant->pod];
    const struct demand_shape *shape = check->shape_of[entrant->pod];
    if (!shape)
        return "it is not to be placed any more";
    const char *why = too_small(at, shape, ret_nomem);
    if (why || *ret_nomem)
        return why;
    if (!bitset_has(shape->admits_nodes, at->node))
        return "its node selector, affinity, tolerations or volumes do not admit the node";
    why = too_many_volumes(at, pod, ret_nomem);
    if (why || *ret_nomem)
        return why;
    for (size_t i = 0; i < at->present.len; i++) {
        const struct pod *other = &check->world.pods.items[at->present.items[i]];
        if (specs_clash(spec_of(check, pod), spec_of(check, other)))
            return "a host port that it needs is taken";
        if (repels(check, pod, other) || repels(check, other, pod))
            return "anti-affinity with a pod on the node";
    }
    return has_company(at, pod) ? NULL : "its affinity asks for a pod that is not on the node";
}

/* The pod is on the node, with its volumes. */
static int settle(struct filling *at, uint32_t pod, struct err *err)
{
    const struct check *check = at->check;
    if (volumes_attach(&check->volumes, &check->world.pods.items[pod], &at->attached, err) < 0)
        return ERR_NOMEM;
    return VEC_PUSH(&at->present, pod) ? 0 : err_nomem(err);
}

static int take(struct filling *at, struct entrant *entrant, struct err *err)
{
    const struct demand_shape *shape = at->check->shape_of[entrant->pod];
    for (uint32_t d = 0; d < at->check->demand.dims->n; d++)
        at->free[d] -= shape->req[d];
    entrant->taken = true;
    return settle(at, entrant->pod, err);
}

static int compare_entrants(const void *a, const void *b)
{
    const struct entrant *x = *(struct entrant *const *)a, *y = *(struct entrant *const *)b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->pod < y->pod ? -1 : x->pod > y->pod;
}

static int judge(struct filling *at, struct entrant *entrant, struct err *err)
{
    bool nomem = false;
    const char *why = refusal(at, entrant, &nomem);
    if (nomem)
        return err_nomem(err);
    if (entrant->candidate) {
        entrant->candidate->fits = !why;
        entrant->candidate->why = why;
    }
    return why ? 0 : take(at, entrant, err);
}

/* Who waited in vain had its chance: if it is not planned onto this room, no other node is kept for it. */
static int note_yield(struct filling *at, const struct entrant *entrant, struct err *err)
{
    struct check *check = at->check;
    const struct pod *pod = &check->world.pods.items[entrant->pod];
    for (size_t i = 0; i < at->n_candidates; i++) {
        struct place_candidate *candidate = (struct place_candidate *)&at->first[i];
        if (candidate->fits)
            continue;
        candidate->why = arena_printf(check->pass->arena, "pod %.*s/%.*s of higher priority waits for the room",
                                      STR_ARG(pod->namespace_), STR_ARG(pod->name));
        if (!candidate->why)
            return err_nomem(err);
    }
    const struct node_claim *claim = check->pass->view.claims[at->first->claim].claim;
    bool noted =
        VEC_PUSH(&check->yields->claims, str_hash(claim->uid)) && VEC_PUSH(&check->yields->pods, str_hash(pod->uid));
    return noted ? 0 : err_nomem(err);
}

/* Those of one claim, from `first` on, with the pods that wait. */
static int fill_node(struct filling *at, size_t first, struct err *err)
{
    struct check *check = at->check;
    struct entrant **order = arena_array(check->pass->arena, struct entrant *, check->entrants.len);
    if (!order)
        return err_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < at->n_candidates; i++)
        order[n++] = &check->entrants.items[first + i];
    for (size_t i = check->n_candidates; i < check->entrants.len; i++)
        if (!check->entrants.items[i].taken)
            order[n++] = &check->entrants.items[i];
    qsort(order, n, sizeof(struct entrant *), compare_entrants);
    const struct entrant *yielded_to = NULL;
    for (size_t i = 0; i < n; i++) {
        if (judge(at, order[i], err) < 0)
            return ERR_NOMEM;
        if (!order[i]->candidate && order[i]->taken)
            yielded_to = order[i];
    }
    return yielded_to ? note_yield(at, yielded_to, err) : 0;
}

static int fill(struct check *check, uint32_t node, size_t first, size_t n, struct err *err)
{
    struct filling at = {.check = check, .node = node, .n_candidates = n};
    const struct demand_node *room = &check->demand.nodes[node];
    at.first = check->entrants.items[first].candidate;
    memcpy(at.free, room->free, sizeof(at.free));
    int code = 0;
    for (uint32_t i = 0; i < room->n_pods && code == 0; i++)
        code = settle(&at, room->pods[i], err);
    if (code == 0)
        code = fill_node(&at, first, err);
    VEC_FREE(&at.present);
    attachments_release(&at.attached);
    return code;
}

int place_check(struct pass *pass, struct place_yields *yields, struct place_candidate *candidates, size_t n,
                struct err *err)
{
    CC_CLEANUP(check_release) struct check check = {.pass = pass, .yields = yields};
    if (!n)
        return 0;
    int code = build_world(&check, candidates, n, err);
    if (code == 0)
        code = build_demand(&check, err);
    uint32_t node = 0;
    for (size_t first = 0, end; first < n && code == 0; first = end, node++) {
        for (end = first + 1; end < n && candidates[end].claim == candidates[first].claim;)
            end++;
        code = fill(&check, node, first, end - first, err);
    }
    return code;
}

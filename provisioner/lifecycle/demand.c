/*
 * demand.c - when to plan: pods that nothing serves yet are gathered for a moment, and no question is asked twice.
 *
 * A waiting pod is served where the last plan put it on an open node: kube-scheduler binds it. Pods in slots are not
 * waiting at all. What is left is asked of the solver when a pod came to it: at once if it was served before (its node
 * was not to be had, or goes), after the batch window if it is new. Where only something else changed, it is asked
 * again now and then.
 */
#include <stdlib.h>

#include "provisioner/lifecycle/demands.h"
#include "provisioner/lifecycle/ready.h"
#include "provisioner/plan/volumes.h"

enum {
    AGAIN_MS = 5000,     /* between two solves for the same pods, where something else has changed */
    AGAIN_DOUBLINGS = 4, /* of that, while they have no result */
    GATHER_MS = 200,     /* for pods that lost their nodes together: they are planned together */
    TRY_MS = 30000,      /* how long kube-scheduler has for a pod that it has marked unschedulable */
    TRY_MOST_MS = 300000 /* and for one that it has not */
};

static void part_release(void *data)
{
    struct demand_part *part = data;
    if (part->running && part->answered)
        solve_free(part->running); /* else the call's own release did */
    if (part->plan)
        solve_free(part->plan);
    free(part->waited);
    free(part->served);
    free(part->asked);
    VEC_FREE(&part->tries);
}

uint64_t pod_key(const struct pod *pod)
{
    uint64_t key = pod->uid.len ? str_hash(pod->uid) : str_hash(pod->namespace_) * 31 + str_hash(pod->name);
    return key ^ key >> 32;
}

/* As the planner's demand: ended, deleted, gated and daemon pods want no node. */
static bool is_waiting(const struct view *view, uint32_t i)
{
    const struct pod *pod = &view->objects.pods.items[i];
    return view->places[i] == VIEW_POD_WAITS && !pod->node_name.len && pod->phase != POD_SUCCEEDED &&
           pod->phase != POD_FAILED && !pod->deleting && !pod->daemon && !str_is(pod->owner_kind, "Node") &&
           !view->objects.specs.items[pod->spec]->gated;
}

static int by_key(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static bool has_key(const uint64_t *keys, size_t n, uint64_t key)
{
    return n && bsearch(&key, keys, n, sizeof(*keys), by_key);
}

static int by_pod(const void *left, const void *right)
{
    const struct try *a = left, *b = right;
    return (a->pod > b->pod) - (a->pod < b->pod);
}

static struct try *find_try(const struct demand_part *part, uint64_t pod)
{
    const struct try like = {.pod = pod};
    return part->tries.len ? bsearch(&like, part->tries.items, part->tries.len, sizeof(like), by_pod) : NULL;
}

/* The pods of a pass by whether anything serves them. */
struct crowd {
    uint64_t *waiting, *served; /* [n] sorted keys, malloc */
    size_t n_waiting, n_served;
    size_t n_new;         /* waiting, and never seen before */
    bool returned, added; /* some were served before; some were not asked for yet */
};

/* Has kube-scheduler had its time with the pod? Else says when it will have. */
static bool tried_in_vain(struct pass *pass, struct try *try, const struct pod *pod)
{
    struct clock_mono end = clock_after(try->since, pod->unschedulable ? TRY_MS : TRY_MOST_MS);
    if (!try->in_vain && pass->now.ns >= end.ns)
        try->in_vain = true;
    if (!try->in_vain)
        control_wake_at(pass->control, end);
    return try->in_vain;
}

bool demand_has_room(struct control *control, const struct pod *pod)
{
    struct demand_part *part = control_part(control, PART_DEMAND, sizeof(*part), part_release);
    const struct try *try = part ? find_try(part, pod_key(pod)) : NULL;
    return try && !try->in_vain;
}

static void look_at_pod(struct pass *pass, struct demand_part *part, uint32_t i, struct crowd *crowd)
{
    const struct view *view = &pass->view;
    const struct pod *pod = &view->objects.pods.items[i];
    uint64_t key = pod_key(pod);
    struct try *try = find_try(part, key);
    bool is_copy = view_pod(view, pod->namespace_, pod->name) != i; /* of one whose node goes: nobody is to bind it */
    if (view->places[i] == VIEW_POD_HAS_SLOT || (try && (is_copy || !tried_in_vain(pass, try, pod)))) {
        crowd->served[crowd->n_served++] = key;
        return;
    }
    crowd->waiting[crowd->n_waiting++] = key;
    bool was_served = has_key(part->served, part->n_served, key);
    bool was_waiting = has_key(part->waited, part->n_waited, key);
    crowd->returned |= was_served || (is_copy && !was_waiting);
    crowd->n_new += !was_served && !was_waiting && !is_copy;
    crowd->added |= was_served || !has_key(part->asked, part->n_asked, key);
}

static int gather(struct pass *pass, struct demand_part *part, struct crowd *crowd, struct err *err)
{
    const struct view *view = &pass->view;
    size_t n = 0;
    for (uint32_t i = 0; i < view->objects.pods.len; i++)
        n += view->places[i] != VIEW_POD_BOUND;
    crowd->waiting = calloc(n + 1, sizeof(uint64_t));
    crowd->served = calloc(n + 1, sizeof(uint64_t));
    if (!crowd->waiting || !crowd->served) {
        free(crowd->waiting);
        free(crowd->served);
        return err_nomem(err);
    }
    for (uint32_t i = 0; i < view->objects.pods.len; i++)
        if (view->places[i] == VIEW_POD_HAS_SLOT || is_waiting(view, i))
            look_at_pod(pass, part, i, crowd);
    qsort(crowd->waiting, crowd->n_waiting, sizeof(uint64_t), by_key);
    qsort(crowd->served, crowd->n_served, sizeof(uint64_t), by_key);
    free(part->waited);
    free(part->served);
    part->waited = crowd->waiting;
    part->n_waited = crowd->n_waiting;
    part->served = crowd->served;
    part->n_served = crowd->n_served;
    return 0;
}

static void drop_old_tries(struct demand_part *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < part->tries.len; i++) {
        const struct try *try = &part->tries.items[i];
        if (has_key(part->waited, part->n_waited, try->pod) || has_key(part->served, part->n_served, try->pod))
            part->tries.items[kept++] = *try;
    }
    part->tries.len = kept;
}

static bool volumes_wanted(const struct view *view)
{
    for (size_t i = 0; i < view->objects.pods.len; i++)
        if (view->places[i] == VIEW_POD_WAITS && pod_has_volumes(&view->objects.pods.items[i]))
            return true;
    return false;
}

/* Claims that come, are bound or let go; classes; what nodes can attach. Where no pod waits for it, it is not looked
 * at. */
static uint64_t hash_volumes(const struct view *view, uint64_t hash)
{
    const struct objects *objects = &view->objects;
    if (!volumes_wanted(view))
        return hash;
    for (size_t i = 0; i < objects->claims.len; i++) {
        const struct volume_claim *claim = &objects->claims.items[i];
        hash = hash * 31 + str_hash(claim->name) + claim->deleting + 2 * (uint64_t)claim->unbound;
        hash = hash * 31 + str_hash(claim->volume_name) + 7 * str_hash(claim->selected_node);
    }
    for (size_t i = 0; i < objects->storage_classes.len; i++)
        hash =
            hash * 31 + str_hash(objects->storage_classes.items[i].name) + objects->storage_classes.items[i].is_default;
    for (size_t i = 0; i < objects->csi_nodes.len; i++)
        for (size_t k = 0; k < objects->csi_nodes.items[i].n_drivers; k++)
            hash = hash * 31 + (uint64_t)objects->csi_nodes.items[i].drivers[k].count;
    return hash * 31 + objects->volumes.len;
}

/* What somebody has written: Provisioners and their templates. */
static uint64_t hash_policy(struct pass *pass)
{
    const struct objects *objects = &pass->view.objects;
    uint64_t hash = 0;
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        const struct provisioner *provisioner = &objects->provisioners.items[i];
        hash = hash * 31 + str_hash(provisioner->name) + (uint64_t)provisioner->generation;
        hash = hash * 31 + provisioner_template_hash(pass, provisioner);
    }
    return hash;
}

/* What else decides about a plan beside the waiting pods: offerings, volumes, and the room there is. */
static uint64_t hash_world(struct pass *pass)
{
    const struct control_effects *effects = control_effects(pass->control);
    const struct objects *objects = &pass->view.objects;
    uint64_t hash =
        control_marks(pass->control) * 31 + (uint64_t)(uintptr_t)effects->cloud.catalogue(effects->cloud.context);
    for (size_t i = 0; i < objects->provisioners.len; i++)
        hash = hash * 31 + control_held(pass->control, &objects->provisioners.items[i]);
    for (size_t i = 0; i < objects->nodes.len; i++) {
        const struct node *node = &objects->nodes.items[i];
        hash = hash * 31 + str_hash(node->name) + node->unschedulable;
        hash = hash * 31 + pass->view.nodes[i].n_pods;
    }
    return hash_volumes(&pass->view, hash);
}

static void keep_window(struct pass *pass, struct demand_part *part, const struct crowd *crowd)
{
    if (!crowd->n_new)
        return;
    if (!part->window)
        part->window_first = pass->now;
    part->window = true;
    part->window_last = pass->now;
}

static bool window_open(struct pass *pass, const struct demand_part *part)
{
    const struct control_settings *settings = control_settings(pass->control);
    struct clock_mono idle = clock_after(part->window_last, settings->batch_idle_ms);
    struct clock_mono most = clock_after(part->window_first, settings->batch_max_ms);
    struct clock_mono end = idle.ns < most.ns ? idle : most;
    if (!part->window || pass->now.ns >= end.ns)
        return false;
    control_wake_at(pass->control, end);
    return true;
}

static bool is_time(struct pass *pass, struct demand_part *part, const struct crowd *crowd)
{
    if (part->urgent && crowd->returned && pass->now.ns < clock_after(part->urgent_since, GATHER_MS).ns) {
        control_wake_at(pass->control, pass->now); /* the next pass sees whether more come */
        return false;
    }
    if (part->urgent)
        return true;
    if (window_open(pass, part))
        return false;
    if (crowd->added || (crowd->n_waiting && hash_policy(pass) != part->policy))
        return true;
    if (part->again.ns && pass->now.ns >= part->again.ns)
        return true;
    if (part->again.ns)
        control_wake_at(pass->control, part->again);
    if (hash_world(pass) == part->world)
        return false;
    uint32_t doublings = part->fruitless < AGAIN_DOUBLINGS ? part->fruitless : AGAIN_DOUBLINGS;
    struct clock_mono soonest = clock_after(part->solved, (int64_t)AGAIN_MS << doublings);
    if (pass->now.ns >= soonest.ns)
        return true;
    control_wake_at(pass->control, soonest);
    return false;
}

static int begin(struct pass *pass, struct demand_part *part, struct err *err)
{
    uint64_t *asked = calloc(part->n_waited + 1, sizeof(*asked));
    if (!asked)
        return err_nomem(err);
    int code = solve_start(pass, part, err);
    if (code || !part->running) {
        free(asked);
        return code;
    }
    for (size_t i = 0; i < part->n_waited; i++)
        asked[i] = part->waited[i];
    free(part->asked);
    part->asked = asked;
    part->n_asked = part->n_waited;
    part->solved = pass->now;
    part->policy = hash_policy(pass);
    part->world = hash_world(pass);
    part->window = part->urgent = false;
    part->again = (struct clock_mono){0};
    return 0;
}

/* The purchases of the plan one step further; the plan is let go when all are over. */
static int step_purchases(struct pass *pass, struct demand_part *part, struct err *err)
{
    bool over = true;
    for (uint32_t i = 0; i < part->n_purchases; i++) {
        struct purchase *purchase = &part->purchases[i];
        int code = purchase->state == PURCHASE_OVER ? 0 : purchase_step(pass, purchase, err);
        if (code)
            return code;
        over = over && purchase->state == PURCHASE_OVER;
    }
    if (!over)
        return 0;
    for (uint32_t i = 0; i < part->n_purchases; i++)
        if (part->purchases[i].failed)
            part->again = clock_after(pass->now, part->purchases[i].stale ? 0 : AGAIN_MS);
    solve_free(part->plan);
    part->plan = NULL;
    part->purchases = NULL;
    part->n_purchases = 0;
    control_wake_at(pass->control, pass->now);
    return 0;
}

/*
 * Gauges of pods that no plan has spoken of yet, and of those in slots. While some wait that a plan has spoken of, its
 * words stand.
 */
static void tell_idle(struct pass *pass, struct demand_part *part)
{
    uint64_t counts = (uint64_t)part->n_served << 32 | part->n_waited;
    if (part->running || part->plan || (part->n_waited && part->spoken) || (!part->spoken && counts == part->told))
        return;
    struct metrics *metrics = control_effects(pass->control)->metrics;
    metrics_clear(metrics, METRIC_PODS_PENDING);
    metrics_set(metrics, METRIC_PODS_PENDING, &STR("planned"), (double)part->n_served);
    metrics_set(metrics, METRIC_PODS_PENDING, &STR("new"), (double)part->n_waited);
    part->told = counts;
    part->spoken = false;
}

int demand_pass(struct pass *pass, struct err *err)
{
    struct demand_part *part = control_part(pass->control, PART_DEMAND, sizeof(*part), part_release);
    struct crowd crowd = {0};
    if (!part)
        return err_nomem(err);
    int code = gather(pass, part, &crowd, err);
    if (code)
        return code;
    drop_old_tries(part);
    keep_window(pass, part, &crowd);
    if (crowd.returned && !part->urgent)
        part->urgent_since = pass->now;
    part->urgent |= crowd.returned;
    if (!part->n_waited)
        part->window = part->urgent = false;
    tell_idle(pass, part);
    if (part->window && !part->running)
        solve_prepare(pass);
    if (part->running && part->answered)
        code = carry_out(pass, part, err);
    if (!code && part->plan)
        code = step_purchases(pass, part, err);
    if (code || part->running || part->plan || !part->n_waited || !is_time(pass, part, &crowd))
        return code;
    return begin(pass, part, err);
}

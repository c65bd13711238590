#include "provisioner/plan/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/estimate.h"

/* More pools than this are never each a class of their own. */
enum { MAX_CLASSES = 1024 };

/* One application. */
struct app_share {
    int32_t executors; /* that are to be placed */
    int32_t cap;       /* in one pool; INT32_MAX: no Provisioner sets a share */
};

struct dealer {
    const struct pass_input *input;
    const struct demand *demand;
    const struct supply *supply;
    const uint32_t *zone_of_pod;
    const uint64_t *skip;
    struct arena *arena;
    struct app_share *apps; /* [n_apps] */
    uint32_t *class_of;     /* [supply->n] SOLVER_NONE: of a Provisioner without a share, in all classes */
    uint32_t n_classes;     /* without the empty one */
    int32_t *dealt;         /* [n_apps][n_classes] */
    double *cost_microusd;  /* [n_zones + 1][n_classes] of the shape at hand; the last row: any zone */
    uint32_t *class_of_pod; /* [pods.len] */
    size_t n_left;          /* executors for whom no class was left */
};

static const struct provisioner *owner_of(const struct dealer *d, size_t offering)
{
    return &d->input->objects->provisioners.items[d->supply->offerings[offering].provisioner];
}

static bool is_dealt(const struct dealer *d, uint32_t pod)
{
    return d->input->objects->pods.items[pod].role == SPARK_EXECUTOR && d->demand->pod_app[pod] != SOLVER_NONE &&
           !(d->skip && bitset_has(d->skip, pod));
}

/* Caps by application: of the smallest share that any Provisioner sets. Gives the most classes that one needs. */
static int count_executors(struct dealer *d, uint32_t *ret_classes, struct err *err)
{
    double share = 1;
    const struct objects *objects = d->input->objects;
    for (size_t p = 0; p < objects->provisioners.len; p++)
        share = fmin(share, objects->provisioners.items[p].max_pool_share);
    d->apps = arena_array(d->arena, struct app_share, d->demand->n_apps);
    if (!d->apps)
        return err_nomem(err);
    for (size_t s = 0; s < d->demand->n_shapes; s++)
        for (uint32_t k = 0; k < d->demand->shapes[s].n_pods && !d->demand->shapes[s].reason; k++)
            if (is_dealt(d, d->demand->shapes[s].pods[k]))
                d->apps[d->demand->pod_app[d->demand->shapes[s].pods[k]]].executors++;
    uint32_t most = 1;
    for (size_t a = 0; a < d->demand->n_apps; a++) {
        int32_t cap = (int32_t)(share * d->apps[a].executors + 1e-9);
        d->apps[a].cap = cap > 1 ? cap : 1;
        uint32_t need = (uint32_t)((d->apps[a].executors + d->apps[a].cap - 1) / d->apps[a].cap);
        most = need > most ? need : most;
    }
    *ret_classes = most;
    return 0;
}

/* Ranks of the types that are in the supply, so that neighbours in the catalogue's order get neighbouring numbers. */
static int rank_types(const struct dealer *d, uint32_t **ret_rank, uint32_t *ret_n, struct err *err)
{
    uint32_t *rank = arena_array(d->arena, uint32_t, d->supply->catalogue->n_types), n = 0;
    if (!rank)
        return err_nomem(err);
    for (size_t j = 0; j < d->supply->n; j++)
        rank[d->supply->offerings[j].type] = 1;
    for (size_t t = 0; t < d->supply->catalogue->n_types; t++)
        rank[t] = rank[t] ? n++ : 0;
    *ret_rank = rank;
    *ret_n = n;
    return 0;
}

/*
 * Coarse: (type + zone) modulo n, a Latin square: each class has every n-th type in each zone. Fine: each (type, zone)
 * its own class; both capacity types of it are together.
 */
static int sort_pools(struct dealer *d, uint32_t n_classes, bool fine, struct err *err)
{
    uint32_t *rank = NULL, n_types = 0, n_zones = (uint32_t)d->supply->catalogue->n_zones;
    int code = rank_types(d, &rank, &n_types, err);
    if (code)
        return code;
    if (fine && n_types * n_zones > MAX_CLASSES)
        return 0;
    d->n_classes = fine ? n_types * n_zones : n_classes;
    d->class_of = arena_array(d->arena, uint32_t, d->supply->n);
    if (!d->class_of)
        return err_nomem(err);
    for (size_t j = 0; j < d->supply->n; j++) {
        const struct supply_offering *o = &d->supply->offerings[j];
        uint32_t class = fine ? rank[o->type] * n_zones + o->zone : (rank[o->type] + o->zone) % n_classes;
        d->class_of[j] = owner_of(d, j)->max_pool_share < 1 ? class : SOLVER_NONE;
    }
    return 0;
}

/* Estimates one pod of the shape in every class and zone. */
static void estimate_shape(struct dealer *d, const struct demand_shape *shape)
{
    size_t n_zones = d->supply->catalogue->n_zones;
    for (size_t i = 0; i < (n_zones + 1) * d->n_classes; i++)
        d->cost_microusd[i] = INFINITY;
    BITSET_EACH (j, shape->admits, d->supply->n) {
        const struct supply_offering *o = &d->supply->offerings[j];
        double cost = (double)o->price_microusd * estimate_share(shape->req, o->alloc, d->supply->dims->n);
        uint32_t first = d->class_of[j] == SOLVER_NONE ? 0 : d->class_of[j];
        uint32_t last = d->class_of[j] == SOLVER_NONE ? d->n_classes - 1 : first;
        for (uint32_t c = first; c <= last; c++) {
            double *here = &d->cost_microusd[o->zone * d->n_classes + c];
            double *anywhere = &d->cost_microusd[n_zones * d->n_classes + c];
            *here = fmin(*here, cost);
            *anywhere = fmin(*anywhere, cost);
        }
    }
}

/* The cheapest class that may take one more executor of the application; SOLVER_NONE if there is none. */
static uint32_t cheapest_class(const struct dealer *d, uint32_t app, uint32_t zone)
{
    size_t row = zone == SOLVER_NONE ? d->supply->catalogue->n_zones : zone;
    const double *cost_microusd = d->cost_microusd + row * d->n_classes;
    uint32_t best = SOLVER_NONE;
    for (uint32_t c = 0; c < d->n_classes; c++)
        if (d->dealt[app * d->n_classes + c] < d->apps[app].cap && !isinf(cost_microusd[c]) &&
            (best == SOLVER_NONE || cost_microusd[c] < cost_microusd[best]))
            best = c;
    return best;
}

static void deal_shape(struct dealer *d, const struct demand_shape *shape)
{
    bool estimated = false;
    for (uint32_t k = 0; k < shape->n_pods && !shape->reason; k++) {
        uint32_t pod = shape->pods[k], app = d->demand->pod_app[pod];
        if (!is_dealt(d, pod))
            continue;
        if (!estimated)
            estimate_shape(d, shape);
        estimated = true;
        uint32_t class = cheapest_class(d, app, d->zone_of_pod ? d->zone_of_pod[pod] : SOLVER_NONE);
        if (class == SOLVER_NONE) {
            d->n_left++;
            class = d->n_classes; /* the empty one */
        } else {
            d->dealt[app * d->n_classes + class]++;
        }
        d->class_of_pod[pod] = class;
    }
}

static int deal(struct dealer *d, struct err *err)
{
    size_t n_pods = d->input->objects->pods.len;
    d->dealt = arena_calloc(d->arena, d->demand->n_apps, d->n_classes * sizeof(*d->dealt));
    d->cost_microusd = arena_calloc(d->arena, d->supply->catalogue->n_zones + 1, d->n_classes * sizeof(double));
    d->class_of_pod = arena_array(d->arena, uint32_t, n_pods);
    if (!d->dealt || !d->cost_microusd || !d->class_of_pod)
        return err_nomem(err);
    for (size_t i = 0; i < n_pods; i++)
        d->class_of_pod[i] = SOLVER_NONE;
    d->n_left = 0;
    for (size_t s = 0; s < d->demand->n_shapes; s++)
        deal_shape(d, &d->demand->shapes[s]);
    return 0;
}

static int build_masks(const struct dealer *d, struct classes *classes, struct err *err)
{
    classes->n = d->n_classes + 1;
    classes->masks = arena_array(d->arena, uint64_t *, classes->n);
    if (!classes->masks)
        return err_nomem(err);
    for (uint32_t c = 0; c < classes->n; c++) {
        classes->masks[c] = arena_array(d->arena, uint64_t, BITSET_WORDS(d->supply->n));
        if (!classes->masks[c])
            return err_nomem(err);
    }
    for (size_t j = 0; j < d->supply->n; j++)
        for (uint32_t c = 0; c < d->n_classes; c++)
            if (d->class_of[j] == c || d->class_of[j] == SOLVER_NONE)
                bitset_add(classes->masks[c], j);
    return 0;
}

/* Executors that are left with the empty class and with no existing node either have no place. */
static int refuse_left(const struct dealer *d, const char *const *reasons, struct classes *classes, struct err *err)
{
    size_t n_pods = d->input->objects->pods.len;
    classes->skip = arena_array(d->arena, uint64_t, BITSET_WORDS(n_pods));
    classes->reasons = arena_array(d->arena, const char *, n_pods);
    if (!classes->skip || !classes->reasons)
        return err_nomem(err);
    if (d->skip)
        bitset_copy(classes->skip, d->skip, n_pods);
    if (reasons)
        memcpy(classes->reasons, reasons, n_pods * sizeof(*reasons));
    for (size_t s = 0; s < d->demand->n_shapes; s++) {
        const struct demand_shape *shape = &d->demand->shapes[s];
        for (uint32_t k = 0; k < shape->n_pods; k++) {
            uint32_t pod = shape->pods[k], app = d->demand->pod_app[pod];
            if (d->class_of_pod[pod] != d->n_classes || !bitset_empty(shape->admits_nodes, d->demand->n_nodes))
                continue;
            bitset_add(classes->skip, pod);
            classes->reasons[pod] = arena_printf(
                d->arena,
                "spec.spot.maxPoolShare: a pool may hold %d of the %d executors of application %.*s, and no "
                "further pool admits it",
                d->apps[app].cap, d->apps[app].executors, STR_ARG(d->demand->apps[app]));
            if (!classes->reasons[pod])
                return err_nomem(err);
        }
    }
    return 0;
}

int classes_deal(const struct pass_input *input, const struct pass *plain, const uint32_t *zone_of_pod,
                 const uint64_t *skip, const char *const *reasons, struct arena *arena, struct classes *ret,
                 struct err *err)
{
    struct dealer d = {.input = input,
                       .demand = &plain->demand,
                       .supply = input->market->supply,
                       .zone_of_pod = zone_of_pod,
                       .skip = skip,
                       .arena = arena};
    struct classes classes = {0};
    uint32_t n_classes = 1;
    int code = count_executors(&d, &n_classes, err);
    if (!code)
        code = sort_pools(&d, n_classes, false, err);
    if (!code)
        code = deal(&d, err);
    if (!code && d.n_left) {
        struct dealer fine = d;
        code = sort_pools(&fine, 0, true, err);
        if (!code && fine.class_of != d.class_of)
            code = deal(&fine, err);
        if (fine.n_left < d.n_left)
            d = fine;
    }
    if (!code)
        code = build_masks(&d, &classes, err);
    if (!code)
        code = refuse_left(&d, reasons, &classes, err);
    if (code)
        return code;
    classes.class_of_pod = d.class_of_pod;
    *ret = classes;
    return 0;
}

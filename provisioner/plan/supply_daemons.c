#include "base/bitset.h"
#include "provisioner/plan/supply_internal.h"

/* One DaemonSet: what its pod takes, and where it lands. */
struct daemon {
    const int64_t *req;    /* [dims->n] */
    const uint64_t *lands; /* [supply->n] */
};

struct daemons {
    const struct supply *supply;
    struct daemon *items; /* [n] */
    size_t n;
    uint64_t *requirement, *term, *any; /* scratch [supply->n] */
    struct err *err;
};

/* A new node's name is not known: a pod that names one stays where that node is. */
static bool fields_admit_new_node(const struct requirements *fields)
{
    for (size_t i = 0; i < fields->n; i++)
        if (!requirement_met(&fields->items[i], NULL))
            return false;
    return true;
}

/* into &= offerings that one of the required node affinity terms admits. */
static void and_node_terms(struct daemons *d, const struct pod_spec *spec, uint64_t *into)
{
    size_t n = d->supply->n;
    if (!spec->node_terms_present)
        return;
    bitset_clear(d->any, n);
    for (size_t i = 0; i < spec->n_node_terms; i++) {
        if (!fields_admit_new_node(&spec->node_terms[i].fields))
            continue;
        bitset_fill(d->term, n);
        supply_and_all(d->supply, &spec->node_terms[i].labels, d->term, d->requirement);
        bitset_or(d->any, d->term, n);
    }
    bitset_and(into, d->any, n);
}

/* The spec's tolerations and those that the DaemonSet controller adds; NULL if memory ran out. */
static const struct toleration *effective_tolerations(struct daemons *d, const struct pod_spec *spec, size_t *ret_n)
{
    static const struct {
        const char *key;
        enum taint_effect effect;
    } added[] = {
        {"node.kubernetes.io/not-ready", EFFECT_NO_EXECUTE},
        {"node.kubernetes.io/unreachable", EFFECT_NO_EXECUTE},
        {"node.kubernetes.io/disk-pressure", EFFECT_NO_SCHEDULE},
        {"node.kubernetes.io/memory-pressure", EFFECT_NO_SCHEDULE},
        {"node.kubernetes.io/pid-pressure", EFFECT_NO_SCHEDULE},
        {"node.kubernetes.io/unschedulable", EFFECT_NO_SCHEDULE},
    };
    size_t n = 0;
    struct toleration *all = arena_array(d->supply->arena, struct toleration, spec->n_tolerations + CC_COUNT(added));
    if (!all)
        return NULL;
    for (; n < spec->n_tolerations; n++)
        all[n] = spec->tolerations[n];
    for (size_t i = 0; i < CC_COUNT(added); i++)
        all[n++] = (struct toleration){.key = str_of(added[i].key), .exists = true, .effect = added[i].effect};
    *ret_n = n;
    return all;
}

static int find_daemon(struct daemons *d, const struct pod_spec *spec, struct daemon *ret)
{
    const struct supply *supply = d->supply;
    size_t n_tolerations = 0;
    const struct toleration *tolerations = effective_tolerations(d, spec, &n_tolerations);
    int64_t *req = arena_array(supply->arena, int64_t, supply->dims->n);
    uint64_t *lands = arena_array(supply->arena, uint64_t, BITSET_WORDS(supply->n));
    if (!tolerations || !req || !lands)
        return err_nomem(d->err);
    dims_vector(supply->dims, spec->requests.items, spec->requests.n, req);
    req[DIM_PODS] = 1;
    supply_tolerated(supply, tolerations, n_tolerations, lands);
    supply_and_all(supply, &spec->node_selector, lands, d->requirement);
    and_node_terms(d, spec, lands);
    *ret = (struct daemon){req, lands};
    return 0;
}

/* allocatable less all daemon pods of the offering, not below 0. */
static void take(const struct daemons *d, size_t offering, const int64_t *allocatable, int64_t *into)
{
    for (uint32_t dim = 0; dim < d->supply->dims->n; dim++)
        into[dim] = allocatable[dim];
    for (size_t i = 0; i < d->n; i++) {
        if (!bitset_has(d->items[i].lands, offering))
            continue;
        for (uint32_t dim = 0; dim < d->supply->dims->n; dim++) {
            int64_t need = d->items[i].req[dim];
            into[dim] = into[dim] > need ? into[dim] - need : 0;
        }
    }
}

int supply_take_daemons(const struct supply *supply, struct supply_offering *offerings, struct err *err)
{
    size_t n_dims = supply->dims->n, n_sets = supply->objects->daemon_sets.len, words = BITSET_WORDS(supply->n);
    if (n_sets == 0)
        return 0;
    struct daemons d = {.supply = supply, .err = err};
    d.items = arena_array(supply->arena, struct daemon, n_sets);
    d.requirement = arena_array(supply->arena, uint64_t, words);
    d.term = arena_array(supply->arena, uint64_t, words);
    d.any = arena_array(supply->arena, uint64_t, words);
    int64_t *room = arena_calloc(supply->arena, supply->n, n_dims * sizeof(*room));
    if (!d.items || !d.requirement || !d.term || !d.any || !room)
        return err_nomem(err);
    for (; d.n < n_sets; d.n++) {
        const struct daemon_set *set = &supply->objects->daemon_sets.items[d.n];
        int rc = find_daemon(&d, supply->objects->specs.items[set->spec], &d.items[d.n]);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < supply->n; i++) {
        take(&d, i, offerings[i].alloc, room + i * n_dims);
        offerings[i].alloc = room + i * n_dims;
    }
    return 0;
}

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/quantity.h"
#include "provisioner/api/label_keys.h"
#include "provisioner/cmd/instances.h"
#include "provisioner/plan/supply.h"

static int add_resource(struct instances_pod *pod, struct str name, struct str amount, struct err *err)
{
    struct cloud_resource item = {.name = name};
    if (str_is(name, "count")) {
        if (!str_to_int64(amount, &pod->count) || pod->count < 1)
            return err_set(err, ERR_INVALID, "count: allowed is 1 and more, in whole pods");
        return 0;
    }
    int rc =
        str_is(name, "cpu") ? quantity_milli(amount, &item.amount, err) : quantity_units(amount, &item.amount, err);
    if (rc)
        return err_wrap(err, "%.*s", STR_ARG(name));
    for (size_t i = 0; i < pod->n; i++)
        if (str_eq(pod->items[i].name, name))
            return err_set(err, ERR_INVALID, "%.*s is given twice", STR_ARG(name));
    if (pod->n == INSTANCES_MAX_RESOURCES)
        return err_set(err, ERR_INVALID, "more than %d resources", INSTANCES_MAX_RESOURCES);
    pod->items[pod->n++] = item;
    return 0;
}

int instances_pod_set(void *target, const char *value, struct err *err)
{
    struct instances_pod pod = {.count = 1};
    struct str rest = str_of(value);
    while (rest.len) {
        struct str amount = str_cut(&rest, ',');
        struct str name = str_cut(&amount, '=');
        if (!name.len || !amount.len)
            return err_set(err, ERR_INVALID,
                           "\"%s\" is no list of resources; allowed is such as cpu=4,memory=15Gi,count=3", value);
        int rc = add_resource(&pod, name, amount, err);
        if (rc)
            return rc;
    }
    if (pod.n == 0)
        return err_set(err, ERR_INVALID, "\"%s\" names no resource; allowed is such as cpu=4,memory=15Gi,count=3",
                       value);
    *(struct instances_pod *)target = pod;
    return 0;
}

int instances_sort_set(void *target, const char *value, struct err *err)
{
    static const char *const names[] = {[SORT_USD] = "usd",
                                        [SORT_USD_PER_POD] = "usd-per-pod",
                                        [SORT_USD_PER_VCPU] = "usd-per-vcpu",
                                        [SORT_USD_PER_GIB] = "usd-per-gib",
                                        [SORT_NAME] = "name",
                                        [SORT_INTERRUPTION] = "interruption"};
    for (size_t i = SORT_USD; i < CC_COUNT(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            *(enum instances_sort *)target = (enum instances_sort)i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "\"%s\" is no order; allowed are usd, usd-per-pod, usd-per-vcpu, usd-per-gib, name, interruption",
                   value);
}

/* The pod of --fits becomes the only one, so that its resources are dimensions and nobody else's are. */
static int put_pod(struct objects *objects, const struct instances_pod *asked, struct arena *arena, struct err *err)
{
    struct pod_spec *spec = arena_new(arena, struct pod_spec);
    if (!spec)
        return err_nomem(err);
    spec->id = (uint32_t)objects->specs.len;
    spec->requests = (struct resources){asked->items, asked->n};
    const struct pod pod = {.spec = spec->id};
    objects->pods.len = 0;
    return VEC_PUSH(&objects->specs, spec) && VEC_PUSH(&objects->pods, pod) ? 0 : err_nomem(err);
}

static int put_provisioner(struct objects *objects, struct err *err)
{
    const struct provisioner everything = {.name = STR(""), .kubelet = CLOUD_KUBELET_INIT};
    if (objects->provisioners.len)
        return 0;
    return VEC_PUSH(&objects->provisioners, everything) ? 0 : err_nomem(err);
}

static int zone_set(const struct cloud_catalogue *catalogue, const struct instances_query *query, struct arena *arena,
                    uint64_t **ret, struct err *err)
{
    uint64_t *zones = arena_array(arena, uint64_t, BITSET_WORDS(catalogue->n_zones));
    if (!zones)
        return err_nomem(err);
    for (size_t i = 0; i < catalogue->n_zones; i++)
        for (size_t z = 0; z < query->n_zones; z++)
            if (str_is(catalogue->zones[i], query->zones[z]))
                bitset_add(zones, i);
    *ret = query->zones ? zones : NULL;
    return 0;
}

/* Does the region sell anything with this label? Capacity types are no label of a type. */
static bool on_sale(const struct cloud_catalogue *catalogue, const char *key, struct str value)
{
    if (strcmp(key, LABEL_CAPACITY_TYPE) == 0)
        return str_is(value, cloud_capacity_type_name(CLOUD_SPOT)) ||
               str_is(value, cloud_capacity_type_name(CLOUD_ON_DEMAND));
    for (size_t i = 0; i < catalogue->n_types; i++) {
        const struct str *label = cloud_type_label(&catalogue->types[i], str_of(key));
        if (label && str_eq(*label, value))
            return true;
    }
    return false;
}

/* into &= offerings whose label has one of the values. A value that nothing in the region has is a mistake. */
static int and_filter(struct supply *supply, const char *key, const struct flag_list *allowed, const char *such_as,
                      uint64_t *into, struct err *err)
{
    size_t n = allowed->values.len;
    struct str *values = arena_array(supply->arena, struct str, n);
    if (!values)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        values[i] = str_of(allowed->values.items[i]);
        if (!on_sale(supply->catalogue, key, values[i]))
            return err_set(err, ERR_INVALID, "nothing on sale in %.*s has %s %.*s; allowed are values such as %s",
                           STR_ARG(supply->catalogue->region), key, STR_ARG(values[i]), such_as);
    }
    if (n == 0)
        return 0;
    const struct requirement any = {str_of(key), OP_IN, values, n};
    const uint64_t *meeting = supply_meeting(supply, &any);
    if (!meeting)
        return err_nomem(err);
    bitset_and(into, meeting, supply->n);
    return 0;
}

/* One variant of a Provisioner is as good as another here: they differ in labels only. */
static void keep_first_variants(const struct supply *supply, uint64_t *into)
{
    for (size_t i = 0; i < supply->n; i++) {
        uint32_t variant = supply->offerings[i].variant;
        bool first = variant == 0 || supply->variants[variant - 1].provisioner != supply->offerings[i].provisioner;
        if (!first)
            bitset_remove(into, i);
    }
}

static int64_t pods_that_fit(const struct dims *dims, const int64_t *alloc, const int64_t *req)
{
    int64_t fits = INT64_MAX;
    for (uint32_t d = 0; d < dims->n; d++)
        if (req[d] > 0 && alloc[d] / req[d] < fits)
            fits = alloc[d] / req[d];
    return fits;
}

struct listing {
    const struct supply *supply;
    const struct instances_query *query;
    const int64_t *req;       /* [dims->n] of one pod */
    const int64_t **alloc_of; /* by row: [dims->n] */
    struct instances *instances;
};

/* A row of the same type, with the same room, that can take another zone; NULL if there is none. */
static struct instances_row *row_for(const struct listing *l, const struct supply_offering *offering)
{
    const struct supply *supply = l->supply;
    const struct provisioner *provisioner = &supply->objects->provisioners.items[offering->provisioner];
    const struct cloud_type *type = &supply->catalogue->types[offering->type];
    for (size_t i = l->instances->n_found; i > 0; i--) {
        struct instances_row *row = &l->instances->rows[i - 1];
        if (row->type != type || row->provisioner != provisioner)
            return NULL;
        if (row->capacity_type == offering->capacity_type &&
            memcmp(l->alloc_of[i - 1], offering->alloc, supply->dims->n * sizeof(int64_t)) == 0)
            return row;
    }
    return NULL;
}

static int add_row(struct listing *l, const struct supply_offering *offering, int64_t fits, struct instances_row **ret,
                   struct err *err)
{
    const struct supply *supply = l->supply;
    struct instances_row *row = &l->instances->rows[l->instances->n_found];
    *row = (struct instances_row){.provisioner = &supply->objects->provisioners.items[offering->provisioner],
                                  .type = &supply->catalogue->types[offering->type],
                                  .capacity_type = offering->capacity_type,
                                  .cpu_milli = offering->alloc[DIM_CPU],
                                  .memory_bytes = offering->alloc[DIM_MEMORY],
                                  .pods = offering->alloc[DIM_PODS],
                                  .fits = l->query->pod.n ? fits : 0};
    row->zones = arena_array(supply->arena, struct instances_zone, supply->catalogue->n_zones);
    if (!row->zones)
        return err_nomem(err);
    l->alloc_of[l->instances->n_found++] = offering->alloc;
    *ret = row;
    return 0;
}

/* Keeps the row's zones in order of price, those of one price in order of name, which is the order they come in. */
static void add_zone(const struct listing *l, struct instances_row *row, const struct supply_offering *offering)
{
    const struct cloud_catalogue *catalogue = l->supply->catalogue;
    const struct instances_zone zone = {
        .name = catalogue->zones[offering->zone],
        .price_microusd = offering->price_microusd,
        .per_pod_microusd = row->fits ? (offering->price_microusd + row->fits - 1) / row->fits : 0,
        .interruption_bucket = catalogue->offerings[offering->cloud].interruption_bucket};
    size_t at = row->n_zones++;
    for (; at > 0 && row->zones[at - 1].price_microusd > zone.price_microusd; at--)
        row->zones[at] = row->zones[at - 1];
    row->zones[at] = zone;
}

static int make_rows(struct listing *l, const uint64_t *wanted, struct err *err)
{
    const struct supply *supply = l->supply;
    size_t most = bitset_count(wanted, supply->n);
    l->instances->rows = arena_array(supply->arena, struct instances_row, most);
    l->alloc_of = arena_calloc(supply->arena, most, sizeof(*l->alloc_of));
    if (!l->instances->rows || !l->alloc_of)
        return err_nomem(err);
    BITSET_EACH (i, wanted, supply->n) {
        const struct supply_offering *offering = &supply->offerings[i];
        int64_t fits = pods_that_fit(supply->dims, offering->alloc, l->req);
        if (l->query->pod.n && fits < l->query->pod.count)
            continue;
        struct instances_row *row = row_for(l, offering);
        int rc = row ? 0 : add_row(l, offering, fits, &row, err);
        if (rc)
            return rc;
        add_zone(l, row, offering);
    }
    return 0;
}

/* Unknown comes last. On-Demand is not interrupted. */
static double interruption_key(const struct instances_row *row)
{
    if (row->capacity_type != CLOUD_SPOT)
        return -1;
    return row->zones[0].interruption_bucket < 0 ? INFINITY : (double)row->zones[0].interruption_bucket;
}

/* By its cheapest zone. */
static double sort_key(const struct instances_row *row, enum instances_sort sort)
{
    double price = (double)row->zones[0].price_microusd;
    switch (sort) {
    case SORT_USD_PER_POD: return price / (double)row->fits;
    case SORT_USD_PER_VCPU: return price / row->type->vcpu;
    case SORT_USD_PER_GIB: return price / (double)row->type->memory_bytes;
    case SORT_INTERRUPTION: return interruption_key(row);
    case SORT_NAME: return 0;
    case SORT_DEFAULT:
    case SORT_USD: break;
    }
    return price;
}

static int by_name(const struct instances_row *a, const struct instances_row *b)
{
    int order = str_cmp(a->type->name, b->type->name);
    if (!order)
        order = (int)a->capacity_type - (int)b->capacity_type;
    if (!order)
        order = str_cmp(a->provisioner->name, b->provisioner->name);
    return order ? order : str_cmp(a->zones[0].name, b->zones[0].name);
}

/* A row and what it is sorted by, smallest first. */
struct sorted_row {
    double first, second;
    struct instances_row row;
};

static int by_keys(const void *left, const void *right)
{
    const struct sorted_row *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return by_name(&a->row, &b->row);
}

/* Equal rows come by price, then by name. */
static int sort_rows(struct instances *instances, enum instances_sort sort, struct arena *arena, struct err *err)
{
    struct sorted_row *sorted = arena_array(arena, struct sorted_row, instances->n_found);
    if (!sorted)
        return err_nomem(err);
    for (size_t i = 0; i < instances->n_found; i++) {
        const struct instances_row *row = &instances->rows[i];
        double price = sort == SORT_NAME ? 0 : (double)row->zones[0].price_microusd;
        sorted[i] = (struct sorted_row){sort_key(row, sort), price, *row};
    }
    qsort(sorted, instances->n_found, sizeof(*sorted), by_keys);
    for (size_t i = 0; i < instances->n_found; i++)
        instances->rows[i] = sorted[i].row;
    return 0;
}

static int filter(struct supply *supply, const struct instances_query *query, uint64_t *wanted, struct err *err)
{
    bitset_fill(wanted, supply->n);
    keep_first_variants(supply, wanted);
    int rc = and_filter(supply, LABEL_ARCH, &query->arches, "amd64, arm64", wanted, err);
    if (!rc)
        rc = and_filter(supply, LABEL_CAPACITY_TYPE, &query->capacity_types, "spot, on-demand", wanted, err);
    return rc ? rc : and_filter(supply, LABEL_AWS_INSTANCE "family", &query->families, "c5d, m6g", wanted, err);
}

static int list(struct supply *supply, const struct instances_query *query, struct instances *ret, struct err *err)
{
    uint64_t *wanted = arena_array(supply->arena, uint64_t, BITSET_WORDS(supply->n));
    int64_t *req = arena_array(supply->arena, int64_t, supply->dims->n);
    if (!wanted || !req)
        return err_nomem(err);
    dims_vector(supply->dims, query->pod.items, query->pod.n, req);
    req[DIM_PODS] = 1;
    struct instances instances = {.catalogue = supply->catalogue, .has_pod = query->pod.n > 0};
    struct listing listing = {.supply = supply, .query = query, .req = req, .instances = &instances};
    enum instances_sort otherwise = query->pod.n ? SORT_USD_PER_POD : SORT_USD;
    int rc = filter(supply, query, wanted, err);
    if (!rc)
        rc = make_rows(&listing, wanted, err);
    if (!rc)
        rc = sort_rows(&instances, query->sort == SORT_DEFAULT ? otherwise : query->sort, supply->arena, err);
    if (rc)
        return rc;
    bool cut = query->max_rows > 0 && (uint64_t)query->max_rows < instances.n_found;
    instances.n_rows = cut ? (size_t)query->max_rows : instances.n_found;
    *ret = instances;
    return 0;
}

int instances_find(struct objects *objects, const struct cloud_catalogue *catalogue,
                   const struct instances_query *query, struct arena *arena, struct instances *ret, struct err *err)
{
    struct dims *dims = arena_new(arena, struct dims);
    struct supply *supply = arena_new(arena, struct supply);
    uint64_t *zones = NULL;
    if (!dims || !supply)
        return err_nomem(err);
    if (query->sort == SORT_USD_PER_POD && query->pod.n == 0)
        return err_set(err, ERR_INVALID, "--sort usd-per-pod needs --fits");
    int rc = put_provisioner(objects, err);
    if (!rc)
        rc = put_pod(objects, &query->pod, arena, err);
    if (!rc)
        rc = dims_of(objects, dims, err);
    if (!rc)
        rc = zone_set(catalogue, query, arena, &zones, err);
    const struct supply_options options = {.overlay = query->overlay, .zones = zones};
    if (!rc)
        rc = supply_build(objects, catalogue, dims, &options, arena, supply, err);
    return rc ? rc : list(supply, query, ret, err);
}

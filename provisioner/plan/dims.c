#include "provisioner/plan/dims.h"

#include <stdlib.h>

uint32_t dims_find(const struct dims *dims, struct str name)
{
    for (uint32_t i = 0; i < dims->n; i++)
        if (str_eq(dims->names[i], name))
            return i;
    return SOLVER_NONE;
}

static int add(struct dims *dims, struct str name, struct err *err)
{
    if (dims_find(dims, name) != SOLVER_NONE)
        return 0;
    if (dims->n == SOLVER_MAX_DIMS)
        return err_set(err, ERR_INVALID, "pods ask for more than %d different resources: %.*s is one too many",
                       SOLVER_MAX_DIMS, STR_ARG(name));
    dims->names[dims->n++] = name;
    return 0;
}

static int add_all(struct dims *dims, const struct resources *resources, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < resources->n && !rc; i++)
        rc = add(dims, resources->items[i].name, err);
    return rc;
}

static int compare_names(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

/* Bound pods, and those of DaemonSets, take from what there is: a resource that only they use limits nobody. */
static bool to_be_placed(const struct pod *pod)
{
    return pod->node_name.len == 0 && !pod->daemon && pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED;
}

int dims_of(const struct objects *objects, struct dims *ret, struct err *err)
{
    struct dims dims = {.names = {STR("cpu"), STR("memory"), STR("pods")}, .n = DIM_FIRST_OTHER};
    uint32_t last = SOLVER_NONE; /* pods of one shape stand together as a rule */
    int rc = 0;
    for (size_t i = 0; i < objects->pods.len && !rc; i++) {
        const struct pod *pod = &objects->pods.items[i];
        if (pod->spec == last || !to_be_placed(pod))
            continue;
        last = pod->spec;
        rc = add_all(&dims, &objects->specs.items[pod->spec]->requests, err);
    }
    for (size_t i = 0; i < objects->provisioners.len && !rc; i++)
        rc = add_all(&dims, &objects->provisioners.items[i].limits, err);
    if (rc)
        return rc;
    qsort(dims.names + DIM_FIRST_OTHER, dims.n - DIM_FIRST_OTHER, sizeof(dims.names[0]), compare_names);
    dims.first_volume = dims.n;
    *ret = dims;
    return 0;
}

struct str dims_volume_driver(const struct dims *dims, uint32_t dim)
{
    struct str name = dims->names[dim];
    size_t prefix = sizeof(VOLUMES_RESOURCE) - 1;
    return dim < dims->first_volume ? STR("") : (struct str){name.ptr + prefix, name.len - prefix};
}

/* Each driver is asked about once. */
static int add_driver(struct dims *dims, const struct volumes *volumes, struct str driver, struct str cloud_driver,
                      struct intern *asked, struct arena *arena, struct err *err)
{
    uint32_t before = (uint32_t)asked->len, id;
    if (intern_add(asked, driver, &id, err) < 0)
        return ERR_NOMEM;
    if (id < before || (!str_eq(driver, cloud_driver) && !volumes_limited(volumes, driver)))
        return 0;
    char *name = arena_printf(arena, VOLUMES_RESOURCE "%.*s", STR_ARG(driver));
    return name ? add(dims, str_of(name), err) : err_nomem(err);
}

int dims_add_volumes(struct dims *dims, const struct volumes *volumes, struct str cloud_driver, struct arena *arena,
                     struct err *err)
{
    const struct objects *objects = volumes->objects;
    CC_CLEANUP(attachments_release) struct attachments one = {.list = {.len = 0}};
    struct intern asked = {0};
    int rc = 0;
    for (size_t i = 0; i < objects->pods.len && !rc; i++) {
        const struct pod *pod = &objects->pods.items[i];
        if (!pod_has_volumes(pod) || !to_be_placed(pod))
            continue;
        one.list.len = 0;
        rc = volumes_attach(volumes, pod, &one, err);
        for (size_t k = 0; k < one.list.len && !rc; k++)
            rc = add_driver(dims, volumes, one.list.items[k].driver, cloud_driver, &asked, arena, err);
    }
    intern_release(&asked);
    qsort(dims->names + dims->first_volume, dims->n - dims->first_volume, sizeof(dims->names[0]), compare_names);
    return rc;
}

void dims_vector(const struct dims *dims, const struct cloud_resource *items, size_t n, int64_t *vector)
{
    for (uint32_t i = 0; i < dims->n; i++)
        vector[i] = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t dim = dims_find(dims, items[i].name);
        if (dim != SOLVER_NONE)
            vector[dim] = items[i].amount;
    }
}

void dims_room(const struct dims *dims, const struct cloud_resource *items, size_t n, int64_t *vector)
{
    dims_vector(dims, items, n, vector);
    for (uint32_t d = dims->first_volume; d < dims->n; d++) {
        bool said = false;
        for (size_t i = 0; i < n && !said; i++)
            said = str_eq(items[i].name, dims->names[d]);
        if (!said)
            vector[d] = DIMS_ANY_VOLUMES;
    }
}

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
    *ret = dims;
    return 0;
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

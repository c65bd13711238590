/* dims.h - the resources of one planning pass as dense dimensions. */
#ifndef STOKER_PROVISIONER_PLAN_DIMS_H
#define STOKER_PROVISIONER_PLAN_DIMS_H

#include "base/err.h"
#include "provisioner/api/objects.h"
#include "solver/problem.h"

enum { DIM_CPU = 0, DIM_MEMORY = 1, DIM_PODS = 2, DIM_FIRST_OTHER = 3 };

struct dims {
    struct str names[SOLVER_MAX_DIMS]; /* "cpu", "memory", "pods", then every other resource that pods ask for or limits
                                          name */
    uint32_t n;
};

/* ERR_INVALID if there are more resources than SOLVER_MAX_DIMS. ephemeral-storage is a dimension only if asked for. */
CC_MUST_CHECK int dims_of(const struct objects *objects, struct dims *ret, struct err *err);

/* SOLVER_NONE if it is no dimension. */
uint32_t dims_find(const struct dims *dims, struct str name);

/* Fills vector[dims->n]; resources that are no dimension are left out. */
void dims_vector(const struct dims *dims, const struct cloud_resource *items, size_t n, int64_t *vector);

#endif

/* dims.h - the resources of one planning pass as dense dimensions. */
#ifndef STOKER_PROVISIONER_PLAN_DIMS_H
#define STOKER_PROVISIONER_PLAN_DIMS_H

#include "base/err.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/volumes.h"
#include "solver/problem.h"

enum { DIM_CPU = 0, DIM_MEMORY = 1, DIM_PODS = 2, DIM_FIRST_OTHER = 3 };

struct dims {
    /* "cpu", "memory", "pods", then every other resource that pods ask for or limits name, then volumes by driver. */
    struct str names[SOLVER_MAX_DIMS];
    uint32_t n;
    uint32_t first_volume; /* n where no volumes are counted */
};

/* ERR_INVALID if there are more resources than SOLVER_MAX_DIMS. ephemeral-storage is a dimension only if asked for. */
CC_MUST_CHECK int dims_of(const struct objects *objects, struct dims *ret, struct err *err);

/* Volumes of a driver that sets a node no limit: more than any node's pods can have. */
enum { DIMS_ANY_VOLUMES = 1 << 16 };

/*
 * Adds a dimension, named VOLUMES_RESOURCE and the driver, for each CSI driver that attaches volumes of pods to be
 * placed and whose volumes are limited: by a node that says so, or because it is `cloud_driver`, whose limits the cloud
 * knows. Without such pods nothing is added. Names in `arena`. ERR_INVALID as above; ERR_NOMEM.
 */
CC_MUST_CHECK int dims_add_volumes(struct dims *dims, const struct volumes *volumes, struct str cloud_driver,
                                   struct arena *arena, struct err *err);

static inline bool dims_count_volumes(const struct dims *dims)
{
    return dims->first_volume < dims->n;
}

/* The driver whose volumes the dimension counts; "" if it is no such dimension. */
struct str dims_volume_driver(const struct dims *dims, uint32_t dim);

/* SOLVER_NONE if it is no dimension. */
uint32_t dims_find(const struct dims *dims, struct str name);

/* Fills vector[dims->n]; resources that are no dimension are left out. */
void dims_vector(const struct dims *dims, const struct cloud_resource *items, size_t n, int64_t *vector);

/* The same for what a node has: volumes that nothing is said of are DIMS_ANY_VOLUMES. */
void dims_room(const struct dims *dims, const struct cloud_resource *items, size_t n, int64_t *vector);

#endif

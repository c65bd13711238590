/* shape.c - which pods may take each other's slots. */
#include <inttypes.h>
#include <stdio.h>

#include "provisioner/state/internal.h"

uint64_t state_shape(uint64_t spec_hash, enum spark_role role)
{
    uint64_t hash = spec_hash * 31 + (uint64_t)role;
    return hash ^ (hash >> 32); /* the low bits of a product say little of the high ones */
}

void state_pod_shape(const struct objects *objects, const struct pod *pod, char ret[STATE_SHAPE_BYTES])
{
    uint64_t hash = str_hash(intern_text(&objects->spec_keys, pod->spec));
    snprintf(ret, STATE_SHAPE_BYTES, "%016" PRIx64, state_shape(hash, pod->role));
}

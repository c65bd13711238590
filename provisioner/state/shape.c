/* shape.c - which pods may take each other's slots. */
#include <inttypes.h>
#include <stdio.h>

#include "provisioner/state/state.h"

void state_pod_shape(const struct objects *objects, const struct pod *pod, char ret[STATE_SHAPE_BYTES])
{
    uint64_t hash = str_hash(intern_text(&objects->spec_keys, pod->spec)) * 31 + (uint64_t)pod->role;
    hash ^= hash >> 32; /* the low bits of a product say little of the high ones */
    snprintf(ret, STATE_SHAPE_BYTES, "%016" PRIx64, hash);
}

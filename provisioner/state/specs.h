/* specs.h - pod specs that many pods share, by dense ids that are used again; gone with the last pod that has them. */
#ifndef STOKER_PROVISIONER_STATE_SPECS_H
#define STOKER_PROVISIONER_STATE_SPECS_H

#include "base/err.h"
#include "base/vec.h"
#include "provisioner/api/objects.h"
#include "provisioner/state/index.h"
#include "provisioner/state/owned.h"

struct spec_entry {
    struct owned *owned;         /* NULL: the id is free */
    const struct pod_spec *spec; /* in owned, as is the key */
    struct str key;              /* canonical text: equal specs, equal bytes */
    uint64_t hash;               /* of the key; what shapes are made from */
    uint32_t users;
};

struct specs {
    VEC(struct spec_entry) entries; /* by id */
    VEC(uint32_t) free_ids;         /* has room for all ids, so that dropping never fails */
    struct index by_key;
};

/* The id of an equal spec, or of a copy of this one; one more user has it. ERR_NOMEM. */
CC_MUST_CHECK int specs_take(struct specs *specs, const struct pod_spec *spec, struct str key, uint32_t *ret_id,
                             struct err *err);

/* One user less. */
void specs_drop(struct specs *specs, uint32_t id, struct owned_limbo *limbo);

void specs_release(struct specs *specs, struct owned_limbo *limbo);

#endif

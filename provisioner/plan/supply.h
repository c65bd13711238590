/* supply.h - what could be bought: every offering of the cloud under every Provisioner that admits it. */
#ifndef STOKER_PROVISIONER_PLAN_SUPPLY_H
#define STOKER_PROVISIONER_PLAN_SUPPLY_H

#include "base/arena.h"
#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/dims.h"
#include "provisioner/plan/overlay.h"

/* One (Provisioner, type, zone, capacity type) that the Provisioner's requirements admit. */
struct supply_offering {
    uint32_t provisioner; /* index into objects->provisioners */
    uint32_t cloud;       /* index into catalogue->offerings */
    uint32_t type, zone;  /* of the same, for speed */
    enum cloud_capacity_type capacity_type;
    int64_t price_microusd;  /* overlay applied */
    const int64_t *capacity; /* [dims->n] */
    const int64_t *alloc;    /* [dims->n] allocatable less the daemon pods that such a node will run */
};

struct supply_cache; /* requirement -> bitset */

struct supply {
    const struct objects *objects;
    const struct cloud_catalogue *catalogue;
    const struct dims *dims;
    const struct supply_offering *offerings; /* [n] */
    size_t n;
    struct supply_cache *cache;
    struct arena *arena;
};

struct supply_options {
    bool on_demand_only;            /* the comparison: only On-Demand, and capacity-type conditions count as met */
    const struct overlay *overlay;  /* NULL = none */
    const uint64_t *zones;          /* bitset over catalogue zones that may be used; NULL = all */
};

/*
 * Builds the supply in `arena`. Offerings whose allocatable is used up by daemon pods stay, with alloc 0.
 * ERR_INVALID (with the Provisioner's name) if a Provisioner refers to a template that is not there.
 */
CC_MUST_CHECK int supply_build(const struct objects *objects, const struct cloud_catalogue *catalogue,
                               const struct dims *dims, const struct supply_options *options, struct arena *arena,
                               struct supply *ret, struct err *err);

/*
 * The value that a new node of this offering has for a label key; NULL if absent. Looks at, in this order: zone,
 * region, capacity type (both spellings), Provisioner name, the type's labels, the Provisioner's labels, and keys
 * that the Provisioner's requirements define with a single In value. kubernetes.io/hostname is NULL (not known yet).
 */
const struct str *supply_label(const struct supply *supply, size_t offering, struct str key);

/* Offerings that meet one requirement, as a bitset [supply->n] owned by the supply; NULL if memory ran out. Cached. */
const uint64_t *supply_meeting(struct supply *supply, const struct requirement *requirement);

/* Offerings whose Provisioner's taints (not startupTaints) are tolerated: written to `into` [supply->n]. */
void supply_tolerated(const struct supply *supply, const struct toleration *tolerations, size_t n, uint64_t *into);

#endif

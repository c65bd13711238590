/* supply.h - what could be bought: every offering of the cloud under every Provisioner that admits it. */
#ifndef STOKER_PROVISIONER_PLAN_SUPPLY_H
#define STOKER_PROVISIONER_PLAN_SUPPLY_H

#include "base/arena.h"
#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/dims.h"
#include "provisioner/plan/overlay.h"

/*
 * The labels that a Provisioner gives to a new node: its own, and a value for each further key that its requirements
 * define. Where they leave a choice (team In [a, b]) there is a variant for each value that some pod names and one for
 * all others, so that pods that need different values never share a node. docs/capacity.md tells more.
 */
struct supply_variant {
    uint32_t provisioner; /* index into objects->provisioners */
    struct labels labels;
};

/* One (Provisioner, type, zone, capacity type) that the Provisioner's requirements admit. */
struct supply_offering {
    uint32_t provisioner; /* index into objects->provisioners */
    uint32_t variant;     /* index into variants, of that Provisioner */
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
    const struct supply_variant *variants; /* [n_variants] by Provisioner */
    size_t n_variants;
    const struct supply_offering *offerings; /* [n] by Provisioner, variant, and the catalogue's order */
    size_t n;
    struct supply_cache *cache;
    struct arena *arena;
};

enum { SUPPLY_MAX_VARIANTS = 64 }; /* of one Provisioner */

struct supply_options {
    bool on_demand_only;           /* the comparison: only On-Demand, and capacity-type conditions count as met */
    const struct overlay *overlay; /* NULL = none */
    const uint64_t *zones;         /* bitset over catalogue zones that may be used; NULL = all */
};

/*
 * Builds the supply in `arena`. Offerings whose allocatable is used up by daemon pods stay, with alloc 0.
 * ERR_INVALID (with the Provisioner's name) if a Provisioner refers to a template that is not among those read (where
 * none was read, the cloud's defaults stand for it), or leaves its pods more than SUPPLY_MAX_VARIANTS choices of
 * labels.
 */
CC_MUST_CHECK int supply_build(const struct objects *objects, const struct cloud_catalogue *catalogue,
                               const struct dims *dims, const struct supply_options *options, struct arena *arena,
                               struct supply *ret, struct err *err);

/*
 * Why nothing can be bought under a Provisioner, whatever pods ask for: names the requirement or label that leaves
 * nothing of what is on sale. *ret NULL: something can. ERR_NOMEM.
 */
CC_MUST_CHECK int supply_none(const struct objects *objects, const struct cloud_catalogue *catalogue,
                              const struct provisioner *provisioner, struct arena *arena, const char **ret,
                              struct err *err);

/*
 * How a Provisioner's nodes get their disk: its own template, the one it refers to, or the cloud's default. ERR_INVALID
 * (with the Provisioner's name) where it refers to a template that is not among those read, though others are.
 */
CC_MUST_CHECK int supply_disk(const struct objects *objects, const struct provisioner *provisioner,
                              struct cloud_disk *ret, struct err *err);

/*
 * The value that a new node of this offering has for a label key; NULL if absent. Looks at, in this order: zone,
 * region, capacity type (both spellings), Provisioner name, the type's labels, the variant's labels (the Provisioner's
 * own, and the keys that its requirements define). kubernetes.io/hostname is NULL (not known yet).
 */
const struct str *supply_label(const struct supply *supply, size_t offering, struct str key);

/*
 * Offerings that meet one requirement, as a bitset [supply->n] owned by the supply; NULL if memory ran out. Cached by
 * the requirement's content, which is copied. Of kubernetes.io/hostname it is known only that each node has one, and a
 * new one: Exists and NotIn hold, all else does not.
 */
const uint64_t *supply_meeting(struct supply *supply, const struct requirement *requirement);

/* Offerings whose Provisioner's taints (not startupTaints) are tolerated: written to `into` [supply->n]. */
void supply_tolerated(const struct supply *supply, const struct toleration *tolerations, size_t n, uint64_t *into);

#endif

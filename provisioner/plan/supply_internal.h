/* supply_internal.h - what the files that make up the supply share and nobody else needs. */
#ifndef STOKER_PROVISIONER_PLAN_SUPPLY_INTERNAL_H
#define STOKER_PROVISIONER_PLAN_SUPPLY_INTERNAL_H

#include "provisioner/plan/supply.h"

enum { SUPPLY_CACHE_BUCKETS = 1024 };

struct supply_cached; /* a requirement and its bitset */

struct supply_cache {
    struct supply_cached *buckets[SUPPLY_CACHE_BUCKETS];
    bool capacity_type_free; /* the On-Demand comparison: conditions on capacity type count as met */
};

/* A key that a requirement of a Provisioner can define: none that the offering itself decides. */
bool supply_key_is_custom(struct str key);

/* A key whose value all offerings of a type share, as far as the cloud decides it. */
bool supply_key_is_by_type(struct str key);

/* A label that asks about the capacity type, in either spelling. */
bool supply_key_is_capacity_type(struct str key);

/*
 * The variants of Provisioner `p` in `arena`: none if its requirements contradict each other or its labels. ERR_INVALID
 * if there are more than SUPPLY_MAX_VARIANTS; ERR_NOMEM.
 */
CC_MUST_CHECK int supply_variants(const struct objects *objects, uint32_t p, struct arena *arena,
                                  struct supply_variant **ret, size_t *ret_count, struct err *err);

/*
 * A key that the Provisioner's requirements define, of which no value meets all of them and its own label; "" if there
 * is none. ERR_NOMEM.
 */
CC_MUST_CHECK int supply_contradiction(const struct objects *objects, const struct provisioner *provisioner,
                                       struct arena *arena, struct str *ret_key, struct err *err);

/* Offerings that really meet the requirement, On-Demand comparison or not: written to `into` [supply->n]. */
void supply_evaluate(const struct supply *supply, const struct requirement *requirement, uint64_t *into);

/* into &= the same for all of them; `scratch` [supply->n]. */
void supply_and_all(const struct supply *supply, const struct requirements *requirements, uint64_t *into,
                    uint64_t *scratch);

/* An offering's label as far as the cloud decides it; what supply_label can tell before there is a supply. */
const struct str *supply_cloud_label(const struct cloud_catalogue *catalogue, const struct cloud_offering *offering,
                                     struct str key);

/*
 * Takes what daemon pods need off: fills alloc of all offerings (whose alloc is the allocatable when called).
 * Source: a DaemonSet's pod comes to a node whose taints it tolerates and whose labels its selector and required
 * affinity admit. The DaemonSet controller adds tolerations for node.kubernetes.io/ conditions (kubernetes
 * pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations); startupTaints are gone by then.
 */
CC_MUST_CHECK int supply_take_daemons(const struct supply *supply, struct supply_offering *offerings, struct err *err);

#endif

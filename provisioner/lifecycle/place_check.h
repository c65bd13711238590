/* place_check.h - would the kubelet take these pods now? The planner's own rules, on the nodes as they really are. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_PLACE_CHECK_H
#define STOKER_PROVISIONER_LIFECYCLE_PLACE_CHECK_H

#include "provisioner/lifecycle/controllers.h"

/* A slot's pod that could be bound now. */
struct place_candidate {
    uint32_t claim, slot, pod; /* indices into view.claims, its slots, view.objects.pods */
    bool fits;
    const char *why; /* where it does not, in words */
};

/* Pods that waited for long and want the room of pods of lower priority: each is given room once. */
struct place_yields {
    VEC(uint64_t) pods;   /* hashes of uids */
    VEC(uint64_t) claims; /* whose room it is: hashes of uids */
};

/* Is that pod's, or claim's, uid among those [n] of place_yields? */
bool place_has_yielded(const uint64_t *hashes, size_t n, struct str uid);

/* A pod that waits longer than this in vain found no room within the limits: new nodes do not serve it. */
enum { PLACE_YIELD_AFTER_MS = 30000 };

/*
 * Judges `candidates` [n], those of one claim together, in place: real allocatable less what is bound on the node,
 * daemon pods still to come, and those before it; then node selector, affinity, taints and volumes, host ports,
 * attachable volumes, and (anti-)affinity between pods of one node. Higher priority goes first. Zones and nodes of
 * others are the plan's business: kubelets do not look at them. ERR_NOMEM.
 */
CC_MUST_CHECK int place_check(struct pass *pass, struct place_yields *yields, struct place_candidate *candidates,
                              size_t n, struct err *err);

#endif

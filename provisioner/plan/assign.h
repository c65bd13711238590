/* assign.h - real pods for the slots of a plan: an application's pods on few nodes, within its cap on each. */
#ifndef STOKER_PROVISIONER_PLAN_ASSIGN_H
#define STOKER_PROVISIONER_PLAN_ASSIGN_H

#include "provisioner/plan/pass.h"

/* One node of the plan, with the slots that the solver gave it and the pods that fill them. */
struct bin {
    uint32_t offering; /* index into the supply; SOLVER_NONE: an existing node */
    uint32_t node;     /* index into demand->nodes; SOLVER_NONE: a new node */
    const struct solver_take *takes;
    uint32_t n_takes;
    uint32_t *pods; /* [n_pods] ascending indices into objects->pods; room for all slots */
    uint32_t n_pods;
};

/* How many executors of one application a bin may hold. */
struct assign_caps {
    int32_t (*cap)(const void *context, uint32_t app, const struct bin *bin);
    const void *context;
};

/* The bins of a pass's plan, empty: existing nodes first, then the purchases' copies. */
CC_MUST_CHECK int assign_bins(const struct pass *pass, struct arena *arena, struct bin **ret_bins, size_t *ret_n,
                              struct err *err);

/*
 * Fills the bins with the placed pods of the pass's lists. With `caps` (NULL: none) an application's executors in a
 * bin stay within its cap; where the slots then do not suffice, pods are left without a bin: bin_of_pod [pods.len] is
 * SOLVER_NONE for them, as for pods that have no place. ret_n_left counts them.
 */
CC_MUST_CHECK int assign_pods(const struct objects *objects, const struct pass *pass, const struct assign_caps *caps,
                              struct bin *bins, size_t n_bins, uint32_t *bin_of_pod, struct arena *arena,
                              size_t *ret_n_left, struct err *err);

#endif

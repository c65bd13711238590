/* assign.h - real pods for the slots of a plan: an application's pods on few nodes. */
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

/* The bins of a pass's plan, empty: existing nodes first, then the purchases' copies. */
CC_MUST_CHECK int assign_bins(const struct pass *pass, struct arena *arena, struct bin **ret_bins, size_t *ret_n,
                              struct err *err);

/*
 * Fills the bins with the placed pods of the pass's lists: neighbours there become neighbours on nodes. bin_of_pod
 * [pods.len] is SOLVER_NONE for pods that have no place.
 */
CC_MUST_CHECK int assign_pods(const struct pass *pass, struct bin *bins, size_t n_bins, uint32_t *bin_of_pod,
                              size_t n_pods, struct arena *arena, struct err *err);

#endif

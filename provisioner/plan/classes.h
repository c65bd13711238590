/* classes.h - pools sorted into classes, and an application's executors dealt to them, so that no pool gets too many.
 */
#ifndef STOKER_PROVISIONER_PLAN_CLASSES_H
#define STOKER_PROVISIONER_PLAN_CLASSES_H

#include "provisioner/plan/pass.h"

struct classes {
    uint32_t *class_of_pod; /* [pods.len] SOLVER_NONE: any pool */
    uint64_t **masks;       /* [n] bitsets [supply->n]; the last is empty: existing nodes only */
    uint32_t n;
    uint64_t *skip;       /* [pods.len] executors for whom no class is left; those given are kept */
    const char **reasons; /* [pods.len] */
};

/*
 * spec.spot.maxPoolShare. Classes share no pool, and at most the cap of an application's executors are dealt to one
 * class: whichever pools the solver, and then EC2, pick for the nodes of a class, no pool holds more than the cap. Each
 * executor goes to the class that is cheapest for it by the estimate of estimate.h and not yet full.
 * Neighbouring types and zones are in different classes, so that each class has something of everything; where an
 * application still finds too few, every pool is a class of its own. `plain` is a pass without rules, `zone_of_pod`
 * [pods.len] (NULL: none) where zones are kept, `skip` and `reasons` what is left out already.
 */
CC_MUST_CHECK int classes_deal(const struct pass_input *input, const struct pass *plain, const uint32_t *zone_of_pod,
                               const uint64_t *skip, const char *const *reasons, struct arena *arena,
                               struct classes *ret, struct err *err);

#endif

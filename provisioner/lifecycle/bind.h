/* bind.h - bindings that are under way: many at once, each remembered until it is answered. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_BIND_H
#define STOKER_PROVISIONER_LIFECYCLE_BIND_H

#include "provisioner/lifecycle/controllers.h"

struct binding;

/* A zeroed struct is empty. Must stay where it is while bindings are under way. */
struct bindings {
    struct binding *first;
};

void bindings_release(struct bindings *bindings);
/* Binds a pod to a node, unless a write to the pod is under way. What the API server took counts as bound at once. */
CC_MUST_CHECK int bind_pod(struct pass *pass, struct bindings *bindings, const struct pod *pod, struct str node,
                           struct err *err);

#endif

/* register.h - a node of ours has joined: it is closed and labelled in one patch, then its claim says so. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_REGISTER_H
#define STOKER_PROVISIONER_LIFECYCLE_REGISTER_H

#include "provisioner/lifecycle/controllers.h"

/*
 * On nodes that registered without our taint (a launch template of the user's own): pods may have come before we saw
 * them, so they stay open, and kube-scheduler places their pods.
 */
#define LABEL_PLACEMENT "stoker.sh/placement"
/* The claim of a node: for people, and so that it is known for ours when its claim is gone. */
#define LABEL_NODE_CLAIM "stoker.sh/nodeclaim"

bool placed_by_scheduler(const struct node *node);

/* One step for a claim that is Launched and whose node is there: the patch, or, once it is seen, the claim's status. */
CC_MUST_CHECK int register_node(struct pass *pass, const struct node_claim *claim, const struct node *node,
                                struct err *err);

#endif

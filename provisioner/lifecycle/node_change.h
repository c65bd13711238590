/* node_change.h - closing, opening and labelling a node: one merge patch, locked by the version it was computed from.
 */
#ifndef STOKER_PROVISIONER_LIFECYCLE_NODE_CHANGE_H
#define STOKER_PROVISIONER_LIFECYCLE_NODE_CHANGE_H

#include "provisioner/lifecycle/controllers.h"

enum node_door { NODE_AS_IT_IS, NODE_CLOSE, NODE_OPEN };

struct node_change {
    enum node_door door;                   /* spec.unschedulable */
    bool drop_placing;                     /* the taint TAINT_PLACING */
    struct taints taints;                  /* added where they are not there */
    const struct cloud_label *labels;      /* [n_labels] set */
    size_t n_labels;                       /* 0: none */
    const struct cloud_label *annotations; /* [n_annotations] set */
    size_t n_annotations;
};

bool node_has_taint(const struct node *node, struct str key);
/* As control_write: nothing happens while another write to the node is under way. */
CC_MUST_CHECK int node_change(struct pass *pass, const struct node *node, const struct node_change *change,
                              const char *why, struct err *err);

/* The node of a claim as it is; NULL where none has joined, or it is gone. */
const struct node *claim_node(const struct pass *pass, const struct view_claim *claim);

/* The pod ended: succeeded or failed. */
static inline bool pod_ended(const struct pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

enum { POD_STUCK_MS = 60000 };

/* When nobody waits any more for the end of a pod that is being deleted: a kubelet ends it by the end of its grace. */
static inline struct clock_wall pod_stuck_at(const struct pod *pod)
{
    return pod->deleting && pod->ends.ns ? clock_wall_after(pod->ends, POD_STUCK_MS) : (struct clock_wall){INT64_MAX};
}

/* Goes with its node: a DaemonSet's, or a static pod of the kubelet's. */
static inline bool pod_of_node(const struct pod *pod)
{
    return pod->daemon || str_is(pod->owner_kind, "Node");
}

#endif

/* state.h - the cluster as it was last heard of: objects decoded once, kept small, looked up by name. */
#ifndef STOKER_PROVISIONER_STATE_STATE_H
#define STOKER_PROVISIONER_STATE_STATE_H

#include "base/clock.h"
#include "base/err.h"
#include "provisioner/api/claim.h"
#include "provisioner/api/objects.h"
#include "provisioner/kube/cluster.h"

struct state;

struct state_options {
    const struct clock *clock; /* pods that end without saying when ended when it was heard of */
    /* Told of each change that can matter to a pass; from within the sink's calls. */
    void (*changed)(void *context, enum cluster_kind kind);
    /*
     * An object could not be read, and is left out. ERR_NOMEM: it is not known as it is now, and the state not synced,
     * until its kind is listed anew: cluster.h's relist is for that.
     */
    void (*failed)(void *context, enum cluster_kind kind, struct str name, const struct err *err);
    /* What is heard of a kind as a whole: a list of it is complete; list or watch failed, and is tried again. */
    void (*listed)(void *context, enum cluster_kind kind);
    void (*watch_failed)(void *context, enum cluster_kind kind, const struct err *err);
    void *context;
    bool karpenter_manifests; /* Karpenter's kinds are watched too: state_synced waits for them */
};

CC_MUST_CHECK int state_open(const struct state_options *options, struct state **ret, struct err *err);
void state_close(struct state *state);

/* Where the cluster puts objects. Also for the answers of writes: an older resourceVersion never replaces a newer. */
struct cluster_sink state_sink(struct state *state);
void state_put(struct state *state, enum cluster_kind kind, const struct doc *object);

/*
 * Everything was listed once, and memory ran out for no object of a kind since its last list (failed() was told, the
 * older version stays until then). `ret_missing` (may be NULL): the first kind that is not so.
 */
bool state_synced(const struct state *state, enum cluster_kind *ret_missing);
uint64_t state_generation(const struct state *state); /* another number after each change */

/* Borrowed until the next put or gone. NULL if there is none. */
const struct pod *state_pod(const struct state *state, struct str namespace_, struct str name);
const struct node *state_node(const struct state *state, struct str name);
const struct node *state_node_by_provider_id(const struct state *state, struct str provider_id);
const struct node_claim *state_claim(const struct state *state, struct str name);
const struct provisioner *state_provisioner(const struct state *state, struct str name);
const struct node_template *state_template(const struct state *state, struct str name, bool karpenter);

/* What is wrong with a Provisioner or template, "" if nothing: it is left out of planning, and this says why. */
struct str state_findings(const struct state *state, enum cluster_kind kind, struct str name);
/* Calls `each` for all Provisioners and templates, good ones with "" */
void state_each_finding(const struct state *state,
                        void (*each)(void *context, enum cluster_kind kind, struct str name, struct str uid,
                                     struct str findings),
                        void *context);

/* The API server has taken our binding: the pod counts as bound, until the watch says what is. */
void state_assume_bound(struct state *state, struct str namespace_, struct str name, struct str uid, struct str node);

#define VIEW_NONE UINT32_MAX

enum view_pod_place { VIEW_POD_WAITS, VIEW_POD_HAS_SLOT, VIEW_POD_BOUND };

struct view_node {
    uint32_t claim;       /* index into claims, VIEW_NONE: not ours */
    bool virtual_;        /* stands for a claim whose node has not joined */
    const uint32_t *pods; /* [n_pods] bound, not ended, daemon ones too: indices into objects.pods */
    uint32_t n_pods;
    const struct node *real; /* as it is; NULL for virtual ones */
};

struct view_claim {
    const struct node_claim *claim;
    uint32_t node;        /* index into objects.nodes, virtual or real; VIEW_NONE if gone or drained before it joined */
    const uint32_t *pods; /* [claim->n_slots] index into objects.pods, VIEW_NONE: no such pod any more */
};

/*
 * One pass's picture: it stays as it is while the state goes on (so a worker may read it), and nobody writes to it:
 * views of the same generation share it. `objects` is what the planner is given, so that a plan is extended, not made
 * anew; its arrays cannot grow:
 * - a claim that lives but has no node stands as a virtual node with the labels, taints, allocatable and capacity that
 *   were planned, by the name "claim/<its name>"; a joined node that is still closed stands open, without start-up
 *   taints, with its real allocatable;
 * - a pod in a slot stands as bound to its claim's node;
 * - a node that drains, or was told to go, stands cordoned, and so does every node that is not Ready and not starting.
 */
struct view {
    struct objects objects;          /* shares specs and texts with the state */
    const struct view_node *nodes;   /* [objects.nodes.len] */
    const struct view_claim *claims; /* [n_claims] */
    uint32_t n_claims;
    const uint8_t *places;        /* [objects.pods.len] enum view_pod_place */
    const uint32_t *pod_claims;   /* [objects.pods.len] whose slot, or on whose node; VIEW_NONE */
    const struct budget *budgets; /* [n_budgets] PodDisruptionBudgets */
    size_t n_budgets;
    uint64_t generation;
    void *pin; /* see state_view_release */
};

/* ERR_NOMEM. `arena` is for what a view has for itself. What a view shows is given back only once it is released. */
CC_MUST_CHECK int state_view(struct state *state, struct arena *arena, struct view *ret, struct err *err);
void state_view_release(struct state *state, struct view *view);

enum { STATE_SHAPE_BYTES = 17 };
/*
 * A pod's shape for struct claim_slot: a hash of its canonical spec (objects->spec_keys, which a view's objects share)
 * and its role, as 16 hex digits and a NUL. The same from one run to the next.
 */
void state_pod_shape(const struct objects *objects, const struct pod *pod, char ret[STATE_SHAPE_BYTES]);

uint32_t view_pod(const struct view *view, struct str namespace_, struct str name);
uint32_t view_node(const struct view *view, struct str name);

#endif

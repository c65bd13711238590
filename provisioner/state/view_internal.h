/* view_internal.h - what the steps of building a view share. */
#ifndef STOKER_PROVISIONER_STATE_VIEW_INTERNAL_H
#define STOKER_PROVISIONER_STATE_VIEW_INTERNAL_H

#include "provisioner/state/internal.h"

/* The picture of one generation, shared by all views of it; gone with the last of them, and with the generation. */
struct view_pin {
    struct arena arena; /* all of it */
    struct view view;
    struct owned_view seen;
    struct index pods, nodes, virtuals; /* slots in the arena; virtual nodes by their names */
    uint32_t users;                     /* the state is one, until something changes */
};

/* Everything in `arena`. */
struct view_builder {
    const struct state *state;
    struct arena *arena;
    struct view_pin *pin;
    struct pod *pods; /* [n_pods], the state's in its order, then copies of those that will come again */
    uint32_t n_pods, n_real_pods;
    uint32_t *pod_nodes;  /* [n_real_pods] the real node that it is bound to; VIEW_NONE */
    uint32_t *copies;     /* [n_real_pods] the index of its copy, VIEW_NONE; NULL: there are no copies */
    uint8_t *places;      /* [n_pods] */
    uint32_t *pod_claims; /* [n_pods] */
    struct node *nodes;   /* [n_nodes], the state's in its order, then virtual ones */
    uint32_t n_nodes, n_real_nodes;
    struct view_node *view_nodes; /* [n_nodes] */
    struct node_claim *claims;    /* [n_claims] */
    struct view_claim *view_claims;
    uint32_t n_claims;
};

/* An index with room for `n` in the arena, not to be grown. ERR_NOMEM. */
CC_MUST_CHECK int view_index(struct arena *arena, size_t n, struct index *ret, struct err *err);

/* The nodes as the planner is to see them, and which claim is whose. Needs claims. */
CC_MUST_CHECK int view_build_nodes(struct view_builder *builder, struct err *err);

/* Fills pods, copies included, places and pod_claims; the pods of each node. Needs nodes. */
CC_MUST_CHECK int view_build_pods(struct view_builder *builder, struct err *err);

/* Gives slots to their pods, or to others of their shape. Needs pods. */
CC_MUST_CHECK int view_build_slots(struct view_builder *builder, struct err *err);

static inline bool view_pod_ended(const struct pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

/* Its node is still closed, or has not joined: slots hold. */
static inline bool view_claim_starts(const struct node_claim *claim)
{
    return claim->phase < CLAIM_INITIALIZED && !claim->deleting;
}

static inline bool view_claim_leaves(const struct node_claim *claim)
{
    return claim->phase >= CLAIM_DRAINING || claim->deleting;
}

#endif

/* internal.h - what the files of this room share. */
#ifndef STOKER_PROVISIONER_STATE_INTERNAL_H
#define STOKER_PROVISIONER_STATE_INTERNAL_H

#include "provisioner/state/object_table.h"
#include "provisioner/state/specs.h"
#include "provisioner/state/state.h"

/* Deletes that are remembered, so that a write's late answer brings nothing back. */
enum { STATE_GRAVES_MAX = 4096 };

struct state {
    struct state_options options;
    struct table tables[CLUSTER_WATCHED];  /* of struct pod, struct node … by kind */
    struct table refused[CLUSTER_WATCHED]; /* of struct str: objects that could not be read, and why */
    struct index providers;                /* nodes by the hash of their provider id */
    struct specs specs;
    struct owned_limbo limbo;
    uint64_t graves[STATE_GRAVES_MAX]; /* hashes of uids, a ring */
    size_t n_graves;                   /* ever dug */
    uint32_t lists[CLUSTER_WATCHED];   /* lists begun */
    bool listed[CLUSTER_WATCHED];      /* once at least */
    bool lost[CLUSTER_WATCHED];        /* since the last list began: memory ran out for an object */
    uint64_t generation;
    struct view_pin *picture; /* of this generation, NULL until it is asked for */
};

/* Any object that a table can have. */
union state_item {
    struct pod pod;
    struct node node;
    struct daemon_set daemon_set;
    struct volume_claim volume_claim;
    struct volume volume;
    struct storage_class storage_class;
    struct csi_node csi_node;
    struct priority_class priority_class;
    struct budget budget;
    struct provisioner provisioner;
    struct node_template node_template;
    struct node_claim node_claim;
    struct str refusal; /* of refused[] */
};

/* An object by name, as a document says it. */
struct state_identity {
    struct str namespace_, name, uid;
    uint64_t version; /* 0: none, or no number */
};

size_t state_item_size(enum cluster_kind kind);
bool state_namespaced(enum cluster_kind kind);
struct state_identity state_identity(enum cluster_kind kind, const struct doc *object);

/* Does an object of this kind hold a pod spec? Then where its id is; else NULL. */
uint32_t *state_item_spec(enum cluster_kind kind, void *item);

/* An object that was read: what it points to is in `owned`, and it holds a use of its spec. */
struct state_kept {
    union state_item item;
    struct owned *owned;
    struct str namespace_, name, uid; /* in owned */
};

/*
 * Reads an object. ERR_INVALID, with all that was found in *err: the state is left as it was. ERR_NOMEM. `before` is
 * what is known of the same object (same uid) so far, or NULL: what only we know is carried over.
 */
CC_MUST_CHECK int state_read(struct state *state, enum cluster_kind kind, const struct doc *object,
                             const struct state_identity *identity, const union state_item *before, bool assumed,
                             struct state_kept *ret, struct err *err);

/* A refusal's text as an item of refused[]. ERR_NOMEM. */
CC_MUST_CHECK int state_refusal(const struct state_identity *identity, struct str text, struct state_kept *ret,
                                struct err *err);

/* May a pass look past the difference between the two? Heartbeats and the like. */
bool state_same(enum cluster_kind kind, const union state_item *a, const union state_item *b);

/* view.c: something has changed. */
void state_forget_picture(struct state *state);

/* shape.c: from the hash of a spec's canonical text. */
uint64_t state_shape(uint64_t spec_hash, enum spark_role role);

#endif

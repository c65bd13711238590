/* claim.h - NodeClaim (stoker.sh/v1alpha1): the durable record of one node that we want, from plan to gone. */
#ifndef STOKER_PROVISIONER_API_CLAIM_H
#define STOKER_PROVISIONER_API_CLAIM_H

#include "base/clock.h"
#include "base/doc.h"
#include "base/json_out.h"
#include "cloud/provider.h"
#include "provisioner/api/objects.h"

/* docs/designs/005-claims.md has the picture. Allowed moves are in lifecycle/phase.c. */
enum claim_phase {
    CLAIM_PLANNED,     /* written down without a launch */
    CLAIM_LAUNCHING,   /* spec.launch is written down: the cloud may have been asked */
    CLAIM_LAUNCHED,    /* has an instance */
    CLAIM_REGISTERED,  /* has a node, which is closed */
    CLAIM_INITIALIZED, /* ready, planned pods bound, open */
    CLAIM_DRAINING,    /* closed for good; pods are leaving */
    CLAIM_GONE         /* instance and node are gone, or never were */
};

/* Room that is kept for a pod. */
struct claim_slot {
    struct str namespace_, name, uid, app;
    struct str shape; /* hash of the pod's canonical spec, 16 hex digits: who may take the slot over */
};

struct node_claim {
    struct str name, uid, resource_version;
    struct clock_wall created;
    bool deleting;
    /* spec */
    struct str provisioner, template_name; /* template "" : the Provisioner's inline provider */
    bool karpenter;                        /* they are karpenter.sh documents */
    enum cloud_capacity_type capacity_type;
    const struct cloud_pool *pools; /* [n_pools] the planned one first */
    size_t n_pools;
    const struct claim_slot *slots; /* [n_slots] */
    size_t n_slots;
    struct labels labels; /* of the node, zone and type left out: the pool decides */
    struct taints taints, startup_taints;
    struct resources allocatable;           /* the least over the pools, before daemon pods: what the plan counted on */
    struct resources capacity;              /* the most over the pools: what limits are charged with */
    int64_t price_microusd, worst_microusd; /* planned; the dearest pool */
    int64_t bound_microusd;                 /* lower bound of the whole plan that it is part of; -1 none */
    struct str reason;                      /* "2 executors of spark-1234" */
    struct str launch_id, launch_request;   /* "" where nothing was decided */
    uint32_t launch_count;                  /* claims of that launch */
    /* status */
    enum claim_phase phase;
    struct str instance_id, provider_id, instance_type, zone, node_name;
    int64_t realised_microusd; /* price of the pool that was got; -1 unknown */
    struct clock_wall launched, registered, initialized, empty_since, drain_deadline; /* 0: not */
    struct str drain_reason; /* "Empty", "Expired", "SpotInterruption" … */
    struct str message;      /* why it is where it is, for people */
};

/*
 * The names of the members are in docs/nodeclaim.md. Prices are decimal dollars an hour, times RFC 3339.
 *
 * Decodes an object into `arena`. ERR_INVALID with the field's path where it cannot be one of ours (everything else of
 * a claim's content is checked by the CRD's schema); ERR_NOMEM.
 */
CC_MUST_CHECK int claim_decode(const struct doc *object, struct arena *arena, struct node_claim *ret, struct err *err);

/* A deep copy in `arena`. */
CC_MUST_CHECK int claim_copy(const struct node_claim *claim, struct arena *arena, struct node_claim *ret,
                             struct err *err);

/*
 * JSON: the whole object without status, for CREATE; the spec and the status, for merge patches: what is not there is
 * null, so that the patch takes it away. (Members of labels, allocatable and capacity are never taken away.)
 */
void claim_write_object(const struct node_claim *claim, struct buf *buf);
void claim_write_spec(const struct node_claim *claim, struct json_out *json, const char *key);
void claim_write_status(const struct node_claim *claim, struct json_out *json, const char *key);

const char *claim_phase_name(enum claim_phase phase); /* "Planned" */

#define CLAIM_FINALIZER    "stoker.sh/instance"
#define CLAIM_LAUNCH_LABEL "stoker.sh/launch" /* on claims: spec.launch.id */
#define TAINT_PLACING      "stoker.sh/placing"

#endif

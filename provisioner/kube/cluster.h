/* cluster.h - the cluster as the controller knows it: objects arrive through a sink, writes go out one by one. */
#ifndef STOKER_PROVISIONER_KUBE_CLUSTER_H
#define STOKER_PROVISIONER_KUBE_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/str.h"

/* Kinds from CLUSTER_POD to CLUSTER_WATCHED - 1 are watched; the others are only read or written by name. */
enum cluster_kind {
    CLUSTER_POD,
    CLUSTER_NODE,
    CLUSTER_DAEMON_SET,
    CLUSTER_VOLUME_CLAIM,
    CLUSTER_VOLUME,
    CLUSTER_STORAGE_CLASS,
    CLUSTER_CSI_NODE,
    CLUSTER_PRIORITY_CLASS,
    CLUSTER_DISRUPTION_BUDGET,
    CLUSTER_PROVISIONER,           /* stoker.sh */
    CLUSTER_NODE_TEMPLATE,         /* stoker.sh */
    CLUSTER_NODE_CLAIM,            /* stoker.sh */
    CLUSTER_KARPENTER_PROVISIONER, /* karpenter.sh/v1alpha5; only with --karpenter-manifests */
    CLUSTER_KARPENTER_TEMPLATE,    /* karpenter.k8s.aws/v1alpha1; only with --karpenter-manifests */
    CLUSTER_WATCHED,
    CLUSTER_LEASE = CLUSTER_WATCHED,
    CLUSTER_EVENT,
    CLUSTER_CRD,
    CLUSTER_VERSION, /* GET alone, by the name "version": {major, minor, gitVersion} */
    CLUSTER_KINDS
};

const char *cluster_kind_name(enum cluster_kind kind); /* "Pod" */

/*
 * Where objects go. All are called from the loop. A kind is listed first: relist, a put for each object, listed; then
 * put and gone as things change. After a gap the same again: what was not put between relist and listed is gone. A list
 * that breaks off is begun again by another relist. Kinds that nobody wants are listed, and empty.
 */
struct cluster_sink {
    void (*relist)(void *context, enum cluster_kind kind);
    /* `object` is borrowed for the call, whole as the cluster has it. One that cannot be read is left out: failed. */
    void (*put)(void *context, enum cluster_kind kind, const struct doc *object);
    void (*gone)(void *context, enum cluster_kind kind, struct str namespace_, struct str name, struct str uid);
    void (*listed)(void *context, enum cluster_kind kind);                        /* everything there is has been put */
    void (*failed)(void *context, enum cluster_kind kind, const struct err *err); /* goes on trying; for the log */
    void *context;
};

enum cluster_verb {
    CLUSTER_GET,
    CLUSTER_CREATE,       /* body: the object */
    CLUSTER_PATCH,        /* body: JSON merge patch; metadata.resourceVersion in it is the optimistic lock */
    CLUSTER_PATCH_STATUS, /* the same for the status subresource */
    CLUSTER_DELETE,       /* body: DeleteOptions or "" */
    CLUSTER_EVICT,        /* of a pod; body: a policy/v1 Eviction */
    CLUSTER_BIND          /* of a pod; body: a v1 Binding */
};

struct cluster_request {
    enum cluster_verb verb;
    enum cluster_kind kind;
    struct str namespace_, name; /* namespace "" for cluster-scoped kinds; name "" for CREATE */
    struct str body;
};

struct cluster_answer {
    /*
     * NULL: done. ERR_CONFLICT (409), ERR_NOT_FOUND (404), ERR_INVALID (400, 422), ERR_AUTH (401, 403), ERR_THROTTLED
     * (429, retry_after_ms), ERR_RETRY (5xx, network: it may or may not have happened).
     */
    const struct err *err;
    const struct doc *object; /* the object as it is now, or the Status; NULL where err */
    int64_t retry_after_ms;   /* 0: not said */
    bool budget;              /* 429 of an eviction: a PodDisruptionBudget is in the way */
};

typedef void (*cluster_done_fn)(void *context, const struct cluster_answer *answer);

struct cluster {
    void (*start)(void *context, const struct cluster_sink *sink); /* begins to list and watch */
    /* Copies the request; `done` is called once from the loop, never from within. */
    int (*request)(void *context, const struct cluster_request *request, cluster_done_fn done, void *done_context,
                   struct err *err);
    /*
     * For who could not keep an object: its kind is listed anew, soon, but less and less often where that does not
     * help. Also from within the sink's calls.
     */
    void (*relist)(void *context, enum cluster_kind kind);
    void *context;
};

#endif

/* kinds.h - where the API server keeps each kind: group, version, resource; and the paths that follow from it. */
#ifndef STOKER_PROVISIONER_KUBE_KINDS_H
#define STOKER_PROVISIONER_KUBE_KINDS_H

#include "base/buf.h"
#include "provisioner/kube/cluster.h"

struct kube_kind {
    const char *name;          /* "Pod" */
    const char *group_version; /* "v1", "apps/v1": the core group has no name */
    const char *resource;      /* "pods" */
    bool namespaced;
    bool karpenter; /* watched only where the options say so, and its CRD may be missing */
    bool custom;    /* defined by a CRD of ours */
};

const struct kube_kind *kube_kind(enum cluster_kind kind);

/* "/api/v1/pods": the objects of all namespaces. */
void kube_collection_path(struct buf *buf, enum cluster_kind kind);

/*
 * The path of a request: of the collection (in its namespace) for CREATE, else of the object or its subresource.
 * ERR_INVALID where namespace or name is missing, not wanted, or nothing that can stand in a path.
 */
CC_MUST_CHECK int kube_request_path(struct buf *buf, const struct cluster_request *request, struct err *err);

/* `text` for a URL's path or query: all but letters, digits and -._~ as %XX. */
void kube_escape(struct buf *buf, struct str text);

#endif

#include "provisioner/kube/kinds.h"

static const struct kube_kind KINDS[CLUSTER_KINDS] = {
    [CLUSTER_POD] = {.name = "Pod", .group_version = "v1", .resource = "pods", .namespaced = true},
    [CLUSTER_NODE] = {.name = "Node", .group_version = "v1", .resource = "nodes"},
    [CLUSTER_DAEMON_SET] = {.name = "DaemonSet",
                            .group_version = "apps/v1",
                            .resource = "daemonsets",
                            .namespaced = true},
    [CLUSTER_VOLUME_CLAIM] = {.name = "PersistentVolumeClaim",
                              .group_version = "v1",
                              .resource = "persistentvolumeclaims",
                              .namespaced = true},
    [CLUSTER_VOLUME] = {.name = "PersistentVolume", .group_version = "v1", .resource = "persistentvolumes"},
    [CLUSTER_STORAGE_CLASS] = {.name = "StorageClass",
                               .group_version = "storage.k8s.io/v1",
                               .resource = "storageclasses"},
    [CLUSTER_CSI_NODE] = {.name = "CSINode", .group_version = "storage.k8s.io/v1", .resource = "csinodes"},
    [CLUSTER_PRIORITY_CLASS] = {.name = "PriorityClass",
                                .group_version = "scheduling.k8s.io/v1",
                                .resource = "priorityclasses"},
    [CLUSTER_DISRUPTION_BUDGET] = {.name = "PodDisruptionBudget",
                                   .group_version = "policy/v1",
                                   .resource = "poddisruptionbudgets",
                                   .namespaced = true},
    [CLUSTER_PROVISIONER] = {.name = "Provisioner",
                             .group_version = "stoker.sh/v1alpha1",
                             .resource = "provisioners",
                             .custom = true},
    [CLUSTER_NODE_TEMPLATE] = {.name = "NodeTemplate",
                               .group_version = "stoker.sh/v1alpha1",
                               .resource = "nodetemplates",
                               .custom = true},
    [CLUSTER_NODE_CLAIM] = {.name = "NodeClaim",
                            .group_version = "stoker.sh/v1alpha1",
                            .resource = "nodeclaims",
                            .custom = true},
    [CLUSTER_KARPENTER_PROVISIONER] = {.name = "Provisioner",
                                       .group_version = "karpenter.sh/v1alpha5",
                                       .resource = "provisioners",
                                       .karpenter = true},
    [CLUSTER_KARPENTER_TEMPLATE] = {.name = "AWSNodeTemplate",
                                    .group_version = "karpenter.k8s.aws/v1alpha1",
                                    .resource = "awsnodetemplates",
                                    .karpenter = true},
    [CLUSTER_LEASE] = {.name = "Lease",
                       .group_version = "coordination.k8s.io/v1",
                       .resource = "leases",
                       .namespaced = true},
    [CLUSTER_EVENT] = {.name = "Event", .group_version = "v1", .resource = "events", .namespaced = true},
    [CLUSTER_CRD] = {.name = "CustomResourceDefinition",
                     .group_version = "apiextensions.k8s.io/v1",
                     .resource = "customresourcedefinitions"},
    [CLUSTER_VERSION] = {.name = "Version", .group_version = "", .resource = "version"},
};

const struct kube_kind *kube_kind(enum cluster_kind kind)
{
    return &KINDS[kind];
}

const char *cluster_kind_name(enum cluster_kind kind)
{
    return KINDS[kind].name;
}

void kube_escape(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain)
            buf_byte(buf, (char)c);
        else
            buf_add(buf, (struct str){(const char[]){'%', digits[c >> 4], digits[c & 15]}, 3});
    }
}

static void base_path(struct buf *buf, const struct kube_kind *kind, struct str namespace_)
{
    struct str group_version = str_of(kind->group_version);
    buf_add(buf, str_is(group_version, "v1") ? STR("/api/") : STR("/apis/"));
    buf_add(buf, group_version);
    if (namespace_.len) {
        buf_add(buf, STR("/namespaces/"));
        kube_escape(buf, namespace_);
    }
    buf_byte(buf, '/');
    buf_add(buf, str_of(kind->resource));
}

void kube_collection_path(struct buf *buf, enum cluster_kind kind)
{
    base_path(buf, &KINDS[kind], STR(""));
}

/* "." and ".." would be another path. */
static bool segment_good(struct str text)
{
    return text.len > 0 && !str_is(text, ".") && !str_is(text, "..");
}

static const char *subresource(enum cluster_verb verb)
{
    switch (verb) {
    case CLUSTER_PATCH_STATUS: return "/status";
    case CLUSTER_EVICT: return "/eviction";
    case CLUSTER_BIND: return "/binding";
    case CLUSTER_GET:
    case CLUSTER_CREATE:
    case CLUSTER_PATCH:
    case CLUSTER_DELETE: break;
    }
    return "";
}

int kube_request_path(struct buf *buf, const struct cluster_request *request, struct err *err)
{
    const struct kube_kind *kind = &KINDS[request->kind];
    bool named = request->verb != CLUSTER_CREATE;
    if (request->kind == CLUSTER_VERSION) { /* of the server itself, not an object */
        if (request->verb != CLUSTER_GET)
            return err_set(err, ERR_INVALID, "the version can only be read");
        buf_add(buf, STR("/version"));
        return 0;
    }
    if (kind->namespaced ? !segment_good(request->namespace_) : request->namespace_.len > 0)
        return err_set(err, ERR_INVALID, "a %s %s a namespace", kind->name, kind->namespaced ? "needs" : "has not");
    if (named && !segment_good(request->name))
        return err_set(err, ERR_INVALID, "\"%.*s\" is no name of a %s", STR_ARG(request->name), kind->name);
    base_path(buf, kind, request->namespace_);
    if (named) {
        buf_byte(buf, '/');
        kube_escape(buf, request->name);
        buf_add(buf, str_of(subresource(request->verb)));
    }
    return 0;
}

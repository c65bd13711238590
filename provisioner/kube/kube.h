/* kube.h - the cluster interface over a real Kubernetes API server. */
#ifndef STOKER_PROVISIONER_KUBE_KUBE_H
#define STOKER_PROVISIONER_KUBE_KUBE_H

#include "base/chance.h"
#include "base/command.h"
#include "base/http.h"
#include "base/loop.h"
#include "provisioner/kube/cluster.h"
#include "provisioner/kube/kubeconfig.h"

struct kube;

struct kube_options {
    struct loop *loop;
    struct http http;
    struct commands commands; /* for plug-ins; may be all zero where `access` has none */
    const struct chance *chance;
    const struct kube_access *access;
    bool karpenter_manifests; /* watch karpenter.sh and karpenter.k8s.aws documents too */
    /* One outgoing call is over, for metrics: status 0 where no answer came. Verb "list", "watch", "patch" … */
    void (*called)(void *context, const char *verb, enum cluster_kind kind, int status, double ms);
    void *context;
};

CC_MUST_CHECK int kube_open(const struct kube_options *options, struct kube **ret, struct err *err);
void kube_close(struct kube *kube); /* what is under way is cancelled, nobody is told */
struct cluster kube_cluster(struct kube *kube);

/* Changes options.karpenter_manifests: the sink is told of those documents, or that there are none any more. */
void kube_want_karpenter(struct kube *kube, bool wanted);

#endif

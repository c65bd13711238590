/* kube.c - the cluster interface over a real API server: opens the parts and holds them together. */
#include "provisioner/kube/kube.h"

#include "provisioner/kube/kube_internal.h"

static void start(void *context, const struct cluster_sink *sink)
{
    struct kube *kube = context;
    kube->sink = *sink;
    for (size_t i = 0; i < CLUSTER_WATCHED; i++)
        watcher_start(&kube->watchers[i]);
}

static int request(void *context, const struct cluster_request *request, cluster_done_fn done, void *done_context,
                   struct err *err)
{
    return kube_writes_add(context, request, done, done_context, err);
}

static void relist(void *context, enum cluster_kind kind)
{
    struct kube *kube = context;
    watcher_relist(&kube->watchers[kind]);
}

int kube_open(const struct kube_options *options, struct kube **ret, struct err *err)
{
    struct kube *kube = calloc(1, sizeof(*kube));
    if (!kube)
        return err_nomem(err);
    kube->options = *options;
    int rc = kube_token_open(options->access, options->loop->clock, options->commands, &kube->token, err);
    for (size_t i = 0; i < CLUSTER_WATCHED && rc == 0; i++)
        rc = watcher_init(&kube->watchers[i], kube, (enum cluster_kind)i, err);
    if (rc < 0) {
        kube_close(kube);
        return rc;
    }
    *ret = kube;
    return 0;
}

void kube_close(struct kube *kube)
{
    if (!kube)
        return;
    for (size_t i = 0; i < CLUSTER_WATCHED; i++)
        watcher_release(&kube->watchers[i]);
    kube_writes_release(kube);
    kube_token_close(kube->token);
    free(kube);
}

struct cluster kube_cluster(struct kube *kube)
{
    return (struct cluster){start, request, relist, kube};
}

void kube_want_karpenter(struct kube *kube, bool wanted)
{
    if (kube->options.karpenter_manifests == wanted)
        return;
    kube->options.karpenter_manifests = wanted;
    for (size_t i = 0; i < CLUSTER_WATCHED; i++)
        if (kube_kind((enum cluster_kind)i)->karpenter)
            watcher_rethink(&kube->watchers[i]);
}

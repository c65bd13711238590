#include "cloud/aws/plan_copy.h"

/* Memory that ran out is remembered, and asked about once. */
struct copier {
    struct arena *arena;
    bool failed;
};

static struct str text(struct copier *copier, struct str from)
{
    struct str to = str_dup(copier->arena, from);
    copier->failed |= !to.ptr;
    return to;
}

/* Room for n; NULL is remembered as failure, and nothing is written. */
#define ROOM(copier, type, n) ((type *)room((copier), (n), sizeof(type)))

static void *room(struct copier *copier, size_t n, size_t size)
{
    void *items = arena_calloc(copier->arena, n, size);
    copier->failed |= !items;
    return items;
}

static const struct cloud_label *labels(struct copier *copier, const struct cloud_label *from, size_t n)
{
    struct cloud_label *to = ROOM(copier, struct cloud_label, n);
    for (size_t i = 0; to && i < n; i++)
        to[i] = (struct cloud_label){text(copier, from[i].key), text(copier, from[i].value)};
    return to;
}

static const struct str *texts(struct copier *copier, const struct str *from, size_t n)
{
    struct str *to = ROOM(copier, struct str, n);
    for (size_t i = 0; to && i < n; i++)
        to[i] = text(copier, from[i]);
    return to;
}

static const struct cloud_resource *resources(struct copier *copier, const struct cloud_resource *from, size_t n)
{
    struct cloud_resource *to = ROOM(copier, struct cloud_resource, n);
    for (size_t i = 0; to && i < n; i++)
        to[i] = (struct cloud_resource){text(copier, from[i].name), from[i].amount};
    return to;
}

static const struct cloud_volume *volumes(struct copier *copier, const struct cloud_volume *from, size_t n)
{
    struct cloud_volume *to = ROOM(copier, struct cloud_volume, n);
    for (size_t i = 0; to && i < n; i++) {
        to[i] = from[i];
        to[i].device = text(copier, from[i].device);
        to[i].type = text(copier, from[i].type);
        to[i].kms_key = text(copier, from[i].kms_key);
        to[i].snapshot = text(copier, from[i].snapshot);
    }
    return to;
}

static const struct cloud_taint *taints(struct copier *copier, const struct cloud_taint *from, size_t n)
{
    struct cloud_taint *to = ROOM(copier, struct cloud_taint, n);
    for (size_t i = 0; to && i < n; i++)
        to[i] =
            (struct cloud_taint){text(copier, from[i].key), text(copier, from[i].value), text(copier, from[i].effect)};
    return to;
}

static struct cloud_template copy_template(struct copier *copier, const struct cloud_template *from)
{
    struct cloud_template to = *from;
    to.name = text(copier, from->name);
    to.family = text(copier, from->family);
    to.launch_template = text(copier, from->launch_template);
    to.instance_profile = text(copier, from->instance_profile);
    to.user_data = text(copier, from->user_data);
    to.subnets = labels(copier, from->subnets, from->n_subnets);
    to.security_groups = labels(copier, from->security_groups, from->n_security_groups);
    to.images = labels(copier, from->images, from->n_images);
    to.tags = labels(copier, from->tags, from->n_tags);
    to.volumes = volumes(copier, from->volumes, from->n_volumes);
    to.http_tokens = text(copier, from->http_tokens);
    to.http_endpoint = text(copier, from->http_endpoint);
    to.http_ipv6 = text(copier, from->http_ipv6);
    return to;
}

static const struct cloud_kubelet *kubelet(struct copier *copier, const struct cloud_kubelet *from)
{
    struct cloud_kubelet *to = from ? ROOM(copier, struct cloud_kubelet, 1) : NULL;
    if (!to)
        return NULL;
    *to = *from;
    to->kube_reserved = resources(copier, from->kube_reserved, from->n_kube_reserved);
    to->system_reserved = resources(copier, from->system_reserved, from->n_system_reserved);
    return to;
}

static struct cloud_bootstrap copy_bootstrap(struct copier *copier, const struct cloud_bootstrap *from)
{
    struct cloud_bootstrap to = *from;
    to.labels = labels(copier, from->labels, from->n_labels);
    to.taints = taints(copier, from->taints, from->n_taints);
    to.kubelet = kubelet(copier, from->kubelet);
    to.cluster_dns = texts(copier, from->cluster_dns, from->n_cluster_dns);
    to.kubelet_json = text(copier, from->kubelet_json);
    return to;
}

static const struct cloud_pool *pools(struct copier *copier, const struct cloud_pool *from, size_t n)
{
    struct cloud_pool *to = ROOM(copier, struct cloud_pool, n);
    for (size_t i = 0; to && i < n; i++)
        to[i] = (struct cloud_pool){text(copier, from[i].instance_type), text(copier, from[i].zone),
                                    from[i].price_microusd};
    return to;
}

int template_copy(const struct cloud_template *template_, struct arena *arena, struct cloud_template *ret,
                  struct err *err)
{
    struct copier copier = {arena, false};
    struct cloud_template copy = copy_template(&copier, template_);
    if (copier.failed)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

int launch_plan_copy(const struct cloud_launch_plan *plan, struct arena *arena, struct cloud_launch_plan *ret,
                     struct err *err)
{
    struct copier copier = {arena, false};
    struct cloud_template *template_ = ROOM(&copier, struct cloud_template, 1);
    struct cloud_bootstrap *bootstrap = ROOM(&copier, struct cloud_bootstrap, 1);
    struct cloud_launch_plan copy = *plan;
    if (!template_ || !bootstrap)
        return err_nomem(err);
    *template_ = copy_template(&copier, plan->template_);
    *bootstrap = copy_bootstrap(&copier, plan->bootstrap);
    copy.template_ = template_;
    copy.bootstrap = bootstrap;
    copy.provisioner = text(&copier, plan->provisioner);
    copy.strategy = text(&copier, plan->strategy);
    copy.pools = pools(&copier, plan->pools, plan->n_pools);
    if (copier.failed)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

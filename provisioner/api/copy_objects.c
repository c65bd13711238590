/* copy_objects.c - deep copies of whole objects. */
#include "provisioner/api/copy.h"
#include "provisioner/api/copy_parts.h"

void copy_pod(struct copier *copier, struct pod *pod)
{
    copy_text(copier, &pod->namespace_);
    copy_text(copier, &pod->name);
    copy_text(copier, &pod->uid);
    copy_labels(copier, &pod->labels);
    copy_text(copier, &pod->node_name);
    copy_text(copier, &pod->owner_kind);
    copy_text(copier, &pod->owner_name);
    copy_text(copier, &pod->app);
    copy_texts(copier, &pod->claims, pod->n_claims);
    copy_texts(copier, &pod->ephemeral_classes, pod->n_ephemeral_classes);
    copy_text(copier, &pod->nominated_node);
}

void copy_node(struct copier *copier, struct node *node)
{
    copy_text(copier, &node->name);
    copy_labels(copier, &node->labels);
    copy_taints(copier, &node->taints);
    copy_resources(copier, &node->allocatable);
    copy_resources(copier, &node->capacity);
    copy_text(copier, &node->provider_id);
    copy_text(copier, &node->uid);
    copy_text(copier, &node->resource_version);
}

void copy_daemon_set(struct copier *copier, struct daemon_set *set)
{
    copy_text(copier, &set->namespace_);
    copy_text(copier, &set->name);
    copy_labels(copier, &set->labels);
}

void copy_volume_claim(struct copier *copier, struct volume_claim *claim)
{
    copy_text(copier, &claim->namespace_);
    copy_text(copier, &claim->name);
    copy_text(copier, &claim->volume_name);
    copy_text(copier, &claim->storage_class);
    copy_text(copier, &claim->selected_node);
}

void copy_volume(struct copier *copier, struct volume *volume)
{
    copy_text(copier, &volume->name);
    copy_text(copier, &volume->driver);
    copy_node_terms(copier, &volume->terms, volume->n_terms);
}

void copy_storage_class(struct copier *copier, struct storage_class *class)
{
    copy_text(copier, &class->name);
    copy_text(copier, &class->driver);
    copy_node_terms(copier, &class->terms, class->n_terms);
}

void copy_csi_node(struct copier *copier, struct csi_node *node)
{
    struct csi_driver *copy = copy_array(copier, node->drivers, node->n_drivers, sizeof(*copy));
    copy_text(copier, &node->name);
    for (size_t i = 0; copy && i < node->n_drivers; i++)
        copy_text(copier, &copy[i].name);
    node->drivers = copy;
}

void copy_priority_class(struct copier *copier, struct priority_class *class)
{
    copy_text(copier, &class->name);
}

void copy_budget(struct copier *copier, struct budget *budget)
{
    copy_text(copier, &budget->namespace_);
    copy_text(copier, &budget->name);
    copy_selector(copier, &budget->selector);
}

static void copy_volumes(struct copier *copier, struct cloud_template *launch)
{
    struct cloud_volume *copy = copy_array(copier, launch->volumes, launch->n_volumes, sizeof(*copy));
    for (size_t i = 0; copy && i < launch->n_volumes; i++) {
        copy_text(copier, &copy[i].device);
        copy_text(copier, &copy[i].type);
        copy_text(copier, &copy[i].kms_key);
        copy_text(copier, &copy[i].snapshot);
    }
    launch->volumes = copy;
}

static void copy_launch(struct copier *copier, struct cloud_template *launch)
{
    struct str *const texts[] = {
        &launch->name,      &launch->family,      &launch->launch_template, &launch->instance_profile,
        &launch->user_data, &launch->http_tokens, &launch->http_endpoint,   &launch->http_ipv6};
    for (size_t i = 0; i < CC_COUNT(texts); i++)
        copy_text(copier, texts[i]);
    copy_label_items(copier, &launch->subnets, launch->n_subnets);
    copy_label_items(copier, &launch->security_groups, launch->n_security_groups);
    copy_label_items(copier, &launch->images, launch->n_images);
    copy_label_items(copier, &launch->tags, launch->n_tags);
    copy_volumes(copier, launch);
}

void copy_template(struct copier *copier, struct node_template *template)
{
    copy_text(copier, &template->name);
    copy_text(copier, &template->ami_family);
    copy_text(copier, &template->launch_template);
    copy_launch(copier, &template->launch);
}

void copy_provisioner(struct copier *copier, struct provisioner *provisioner)
{
    copy_text(copier, &provisioner->name);
    copy_requirements(copier, &provisioner->requirements);
    copy_labels(copier, &provisioner->labels);
    copy_labels(copier, &provisioner->annotations);
    copy_taints(copier, &provisioner->taints);
    copy_taints(copier, &provisioner->startup_taints);
    copy_resources(copier, &provisioner->limits);
    copy_text(copier, &provisioner->template_name);
    copy_resource_items(copier, &provisioner->kubelet.kube_reserved, provisioner->kubelet.n_kube_reserved);
    copy_resource_items(copier, &provisioner->kubelet.system_reserved, provisioner->kubelet.n_system_reserved);
    copy_text(copier, &provisioner->strategy);
    copy_text(copier, &provisioner->uid);
    copy_texts(copier, &provisioner->cluster_dns, provisioner->n_cluster_dns);
    copy_text(copier, &provisioner->kubelet_json);
    if (!provisioner->inline_template)
        return;
    struct node_template *template = copy_array(copier, provisioner->inline_template, 1, sizeof(*template));
    if (template)
        copy_template(copier, template);
    provisioner->inline_template = template;
}

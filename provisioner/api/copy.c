/* copy.c - deep copies of what objects are made of, and of pod specs. Whole objects are in copy_objects.c. */
#include "provisioner/api/copy.h"

#include <string.h>

#include "provisioner/api/copy_parts.h"

void *copy_array(struct copier *copier, const void *items, size_t n, size_t size)
{
    void *copy = copier->failed ? NULL : arena_calloc(copier->arena, n, size);
    if (!copy)
        copier->failed = true;
    else if (n)
        memcpy(copy, items, n * size);
    return copy;
}

void copy_text(struct copier *copier, struct str *text)
{
    if (text->len == 0) {
        *text = STR("");
        return;
    }
    *text = copier->failed ? (struct str){NULL, 0} : str_dup(copier->arena, *text);
    copier->failed = copier->failed || !text->ptr;
}

void copy_texts(struct copier *copier, const struct str **texts, size_t n)
{
    struct str *copy = copy_array(copier, *texts, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++)
        copy_text(copier, &copy[i]);
    *texts = copy;
}

void copy_label_items(struct copier *copier, const struct cloud_label **items, size_t n)
{
    struct cloud_label *copy = copy_array(copier, *items, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy_text(copier, &copy[i].key);
        copy_text(copier, &copy[i].value);
    }
    *items = copy;
}

void copy_labels(struct copier *copier, struct labels *labels)
{
    copy_label_items(copier, &labels->items, labels->n);
}

void copy_taints(struct copier *copier, struct taints *taints)
{
    struct taint *copy = copy_array(copier, taints->items, taints->n, sizeof(*copy));
    for (size_t i = 0; copy && i < taints->n; i++) {
        copy_text(copier, &copy[i].key);
        copy_text(copier, &copy[i].value);
    }
    taints->items = copy;
}

void copy_resource_items(struct copier *copier, const struct cloud_resource **items, size_t n)
{
    struct cloud_resource *copy = copy_array(copier, *items, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++)
        copy_text(copier, &copy[i].name);
    *items = copy;
}

void copy_resources(struct copier *copier, struct resources *resources)
{
    copy_resource_items(copier, &resources->items, resources->n);
}

void copy_requirements(struct copier *copier, struct requirements *requirements)
{
    struct requirement *copy = copy_array(copier, requirements->items, requirements->n, sizeof(*copy));
    for (size_t i = 0; copy && i < requirements->n; i++) {
        copy_text(copier, &copy[i].key);
        copy_texts(copier, &copy[i].values, copy[i].n_values);
    }
    requirements->items = copy;
}

void copy_selector(struct copier *copier, struct selector *selector)
{
    copy_requirements(copier, &selector->all);
}

void copy_node_terms(struct copier *copier, const struct node_term **terms, size_t n)
{
    struct node_term *copy = copy_array(copier, *terms, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy_requirements(copier, &copy[i].labels);
        copy_requirements(copier, &copy[i].fields);
    }
    *terms = copy;
}

static void copy_preferred(struct copier *copier, struct pod_spec *spec)
{
    struct preferred_node_term *copy =
        copy_array(copier, spec->preferred_nodes, spec->n_preferred_nodes, sizeof(*copy));
    for (size_t i = 0; copy && i < spec->n_preferred_nodes; i++) {
        copy_requirements(copier, &copy[i].term.labels);
        copy_requirements(copier, &copy[i].term.fields);
    }
    spec->preferred_nodes = copy;
}

static void copy_tolerations(struct copier *copier, struct pod_spec *spec)
{
    struct toleration *copy = copy_array(copier, spec->tolerations, spec->n_tolerations, sizeof(*copy));
    for (size_t i = 0; copy && i < spec->n_tolerations; i++) {
        copy_text(copier, &copy[i].key);
        copy_text(copier, &copy[i].value);
    }
    spec->tolerations = copy;
}

static void copy_pod_terms(struct copier *copier, const struct pod_term **terms, size_t n)
{
    struct pod_term *copy = copy_array(copier, *terms, n, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy_selector(copier, &copy[i].selector);
        copy_text(copier, &copy[i].topology_key);
        copy_texts(copier, &copy[i].namespaces, copy[i].n_namespaces);
        copy_selector(copier, &copy[i].namespace_labels);
    }
    *terms = copy;
}

static void copy_spreads(struct copier *copier, struct pod_spec *spec)
{
    struct spread *copy = copy_array(copier, spec->spreads, spec->n_spreads, sizeof(*copy));
    for (size_t i = 0; copy && i < spec->n_spreads; i++) {
        copy_text(copier, &copy[i].topology_key);
        copy_selector(copier, &copy[i].selector);
    }
    spec->spreads = copy;
}

static void copy_host_ports(struct copier *copier, struct pod_spec *spec)
{
    struct host_port *copy = copy_array(copier, spec->host_ports, spec->n_host_ports, sizeof(*copy));
    for (size_t i = 0; copy && i < spec->n_host_ports; i++) {
        copy_text(copier, &copy[i].ip);
        copy_text(copier, &copy[i].protocol);
    }
    spec->host_ports = copy;
}

void copy_pod_spec(struct copier *copier, struct pod_spec *spec)
{
    copy_resources(copier, &spec->requests);
    copy_requirements(copier, &spec->node_selector);
    copy_node_terms(copier, &spec->node_terms, spec->n_node_terms);
    copy_preferred(copier, spec);
    copy_tolerations(copier, spec);
    copy_pod_terms(copier, &spec->affinity, spec->n_affinity);
    copy_pod_terms(copier, &spec->anti_affinity, spec->n_anti_affinity);
    copy_spreads(copier, spec);
    copy_host_ports(copier, spec);
    copy_text(copier, &spec->priority_class);
    copy_text(copier, &spec->scheduler_name);
}

/* intern_spec.c - equal pod specs become one: each is written as canonical bytes, and the bytes are interned. */
#include <string.h>

#include "provisioner/api/decode.h"
#include "provisioner/api/decode_kinds.h"

/*
 * Two specs have the same bytes if and only if they are equal: every field is written, in the order of the struct,
 * numbers in eight bytes, texts and lists with their length before them.
 */
struct writer {
    struct objects *objects;
    bool failed; /* memory ran out */
};

static void put_bytes(struct writer *writer, const void *bytes, size_t n)
{
    struct objects *objects = writer->objects;
    while (objects->spec_text.cap - objects->spec_text.len < n && !writer->failed)
        writer->failed =
            !vec_grow((void **)&objects->spec_text.items, &objects->spec_text.cap, objects->spec_text.cap, 1);
    if (writer->failed || n == 0)
        return;
    memcpy(objects->spec_text.items + objects->spec_text.len, bytes, n);
    objects->spec_text.len += n;
}

static void put_int(struct writer *writer, int64_t value)
{
    put_bytes(writer, &value, sizeof(value));
}

static void put_count(struct writer *writer, size_t n)
{
    put_int(writer, (int64_t)n);
}

static void put_text(struct writer *writer, struct str text)
{
    put_count(writer, text.len);
    put_bytes(writer, text.ptr, text.len);
}

static void put_texts(struct writer *writer, const struct str *texts, size_t n)
{
    put_count(writer, n);
    for (size_t i = 0; i < n; i++)
        put_text(writer, texts[i]);
}

static void put_requirements(struct writer *writer, const struct requirements *requirements)
{
    put_count(writer, requirements->n);
    for (size_t i = 0; i < requirements->n; i++) {
        put_text(writer, requirements->items[i].key);
        put_int(writer, requirements->items[i].op);
        put_texts(writer, requirements->items[i].values, requirements->items[i].n_values);
    }
}

static void put_selector(struct writer *writer, const struct selector *selector)
{
    put_int(writer, selector->present);
    put_requirements(writer, &selector->all);
}

static void put_node_term(struct writer *writer, const struct node_term *term)
{
    put_requirements(writer, &term->labels);
    put_requirements(writer, &term->fields);
}

static void put_pod_terms(struct writer *writer, const struct pod_term *terms, size_t n)
{
    put_count(writer, n);
    for (size_t i = 0; i < n; i++) {
        put_int(writer, terms[i].weight);
        put_selector(writer, &terms[i].selector);
        put_text(writer, terms[i].topology_key);
        put_texts(writer, terms[i].namespaces, terms[i].n_namespaces);
        put_int(writer, terms[i].all_namespaces);
        put_selector(writer, &terms[i].namespace_labels);
    }
}

static void put_spreads(struct writer *writer, const struct spread *spreads, size_t n)
{
    put_count(writer, n);
    for (size_t i = 0; i < n; i++) {
        put_int(writer, spreads[i].max_skew);
        put_int(writer, spreads[i].min_domains);
        put_text(writer, spreads[i].topology_key);
        put_int(writer, spreads[i].soft);
        put_selector(writer, &spreads[i].selector);
        put_int(writer, spreads[i].ignore_node_affinity);
        put_int(writer, spreads[i].honor_taints);
    }
}

static void put_nodes(struct writer *writer, const struct pod_spec *spec)
{
    put_requirements(writer, &spec->node_selector);
    put_int(writer, spec->node_terms_present);
    put_count(writer, spec->n_node_terms);
    for (size_t i = 0; i < spec->n_node_terms; i++)
        put_node_term(writer, &spec->node_terms[i]);
    put_count(writer, spec->n_preferred_nodes);
    for (size_t i = 0; i < spec->n_preferred_nodes; i++) {
        put_int(writer, spec->preferred_nodes[i].weight);
        put_node_term(writer, &spec->preferred_nodes[i].term);
    }
    put_count(writer, spec->n_tolerations);
    for (size_t i = 0; i < spec->n_tolerations; i++) {
        put_text(writer, spec->tolerations[i].key);
        put_text(writer, spec->tolerations[i].value);
        put_int(writer, spec->tolerations[i].exists);
        put_int(writer, spec->tolerations[i].effect);
    }
}

static void put_spec(struct writer *writer, const struct pod_spec *spec)
{
    put_count(writer, spec->requests.n);
    for (size_t i = 0; i < spec->requests.n; i++) {
        put_text(writer, spec->requests.items[i].name);
        put_int(writer, spec->requests.items[i].amount);
    }
    put_nodes(writer, spec);
    put_pod_terms(writer, spec->affinity, spec->n_affinity);
    put_pod_terms(writer, spec->anti_affinity, spec->n_anti_affinity);
    put_spreads(writer, spec->spreads, spec->n_spreads);
    put_count(writer, spec->n_host_ports);
    for (size_t i = 0; i < spec->n_host_ports; i++) {
        put_text(writer, spec->host_ports[i].ip);
        put_text(writer, spec->host_ports[i].protocol);
        put_int(writer, spec->host_ports[i].port);
    }
    put_int(writer, spec->priority);
    put_int(writer, spec->priority_set);
    put_text(writer, spec->priority_class);
    put_text(writer, spec->scheduler_name);
    put_int(writer, spec->gated);
    put_int(writer, spec->resource_claims);
}

static int add_spec(struct objects *objects, const struct pod_spec *spec, struct str key, uint32_t *ret_id,
                    struct err *err)
{
    struct pod_spec *copy = arena_new(&objects->arena, struct pod_spec);
    if (!copy || !vec_grow((void **)&objects->specs.items, &objects->specs.cap, objects->specs.len,
                           sizeof(*objects->specs.items)))
        return err_nomem(err);
    uint32_t id;
    int rc = intern_add(&objects->spec_keys, key, &id, err);
    if (rc < 0)
        return rc;
    *copy = *spec;
    copy->id = id;
    priority_resolve(objects, copy);
    objects->specs.items[objects->specs.len++] = copy; /* room was made above */
    *ret_id = id;
    return 0;
}

int objects_intern_spec(struct objects *objects, const struct pod_spec *spec, uint32_t *ret_id, struct err *err)
{
    struct writer writer = {objects, false};
    objects->spec_text.len = 0;
    put_spec(&writer, spec);
    if (writer.failed)
        return err_nomem(err);
    struct str key = {objects->spec_text.items, objects->spec_text.len};
    uint32_t id = intern_find(&objects->spec_keys, key);
    if (id == INTERN_NONE)
        return add_spec(objects, spec, key, ret_id, err);
    *ret_id = id;
    return 0;
}

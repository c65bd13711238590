#include "provisioner/api/objects.h"

#include <stdlib.h>

void objects_release(struct objects *objects)
{
    arena_release(&objects->arena);
    intern_release(&objects->texts);
    intern_release(&objects->spec_keys);
    intern_release(&objects->names);
    intern_release(&objects->ignored);
    VEC_FREE(&objects->spec_text);
    VEC_FREE(&objects->specs);
    VEC_FREE(&objects->pods);
    VEC_FREE(&objects->nodes);
    VEC_FREE(&objects->provisioners);
    VEC_FREE(&objects->templates);
    VEC_FREE(&objects->daemon_sets);
    VEC_FREE(&objects->claims);
    VEC_FREE(&objects->volumes);
    VEC_FREE(&objects->storage_classes);
    VEC_FREE(&objects->csi_nodes);
    VEC_FREE(&objects->priority_classes);
    VEC_FREE(&objects->budgets);
    VEC_FREE(&objects->ignored_counts);
    VEC_FREE(&objects->name_origins);
    VEC_FREE(&objects->spark);
}

const struct str *labels_get(const struct labels *labels, struct str key)
{
    size_t low = 0, high = labels->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(labels->items[middle].key, key);
        if (order == 0)
            return &labels->items[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int64_t resources_get(const struct resources *resources, struct str name)
{
    for (size_t i = 0; i < resources->n; i++)
        if (str_eq(resources->items[i].name, name))
            return resources->items[i].amount;
    return 0;
}

bool host_port_any_address(const struct host_port *port)
{
    return !port->ip.len || str_is(port->ip, "0.0.0.0") || str_is(port->ip, "::");
}

struct str host_port_protocol(const struct host_port *port)
{
    return port->protocol.len ? port->protocol : STR("TCP");
}

bool host_ports_clash(const struct host_port *a, const struct host_port *b)
{
    return a->port == b->port && str_eq(host_port_protocol(a), host_port_protocol(b)) &&
           (host_port_any_address(a) || host_port_any_address(b) || str_eq(a->ip, b->ip));
}

static bool one_of(const struct requirement *requirement, struct str value)
{
    for (size_t i = 0; i < requirement->n_values; i++)
        if (str_eq(requirement->values[i], value))
            return true;
    return false;
}

/* -1, 0 or 1 in *ret_order: how the label's integer compares with the requirement's. False if either is none. */
static bool compare_integers(const struct requirement *requirement, struct str value, int *ret_order)
{
    int64_t have, bound;
    if (!str_to_int64(value, &have) || requirement->n_values != 1 || !str_to_int64(requirement->values[0], &bound))
        return false;
    *ret_order = (have > bound) - (have < bound);
    return true;
}

bool requirement_met(const struct requirement *requirement, const struct str *value)
{
    int order;
    switch (requirement->op) {
    case OP_IN: return value && one_of(requirement, *value);
    case OP_NOT_IN: return !value || !one_of(requirement, *value);
    case OP_EXISTS: return value != NULL;
    case OP_DOES_NOT_EXIST: return value == NULL;
    case OP_GT: return value && compare_integers(requirement, *value, &order) && order > 0;
    case OP_LT: return value && compare_integers(requirement, *value, &order) && order < 0;
    }
    return false;
}

bool selector_matches(const struct selector *selector, const struct labels *labels)
{
    if (!selector->present)
        return false;
    for (size_t i = 0; i < selector->all.n; i++)
        if (!requirement_met(&selector->all.items[i], labels_get(labels, selector->all.items[i].key)))
            return false;
    return true;
}

static bool tolerates(const struct toleration *toleration, const struct taint *taint)
{
    if (toleration->effect != EFFECT_ANY && toleration->effect != taint->effect)
        return false;
    if (toleration->key.len == 0)
        return toleration->exists;
    return str_eq(toleration->key, taint->key) && (toleration->exists || str_eq(toleration->value, taint->value));
}

static bool tolerated(const struct taint *taint, const struct toleration *tolerations, size_t n_tolerations)
{
    for (size_t i = 0; i < n_tolerations; i++)
        if (tolerates(&tolerations[i], taint))
            return true;
    return false;
}

bool taints_tolerated(const struct taints *taints, const struct toleration *tolerations, size_t n_tolerations)
{
    for (size_t i = 0; i < taints->n; i++)
        if (taints->items[i].effect != EFFECT_PREFER_NO_SCHEDULE &&
            !tolerated(&taints->items[i], tolerations, n_tolerations))
            return false;
    return true;
}

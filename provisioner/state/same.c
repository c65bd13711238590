/* same.c - do two versions of an object differ in anything that a pass looks at? Else it need not be woken. */
#include "provisioner/state/internal.h"

static bool same_labels(const struct labels *a, const struct labels *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->items[i].key, b->items[i].key) && str_eq(a->items[i].value, b->items[i].value);
    return same;
}

static bool same_taints(const struct taints *a, const struct taints *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->items[i].key, b->items[i].key) && str_eq(a->items[i].value, b->items[i].value) &&
               a->items[i].effect == b->items[i].effect;
    return same;
}

static bool same_resources(const struct resources *a, const struct resources *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->items[i].name, b->items[i].name) && a->items[i].amount == b->items[i].amount;
    return same;
}

/* All but resource_version. */
static bool same_node(const struct node *a, const struct node *b)
{
    return str_eq(a->uid, b->uid) && a->ready == b->ready && a->unschedulable == b->unschedulable &&
           a->deleting == b->deleting && a->do_not_disrupt == b->do_not_disrupt &&
           a->do_not_consolidate == b->do_not_consolidate && str_eq(a->provider_id, b->provider_id) &&
           same_labels(&a->labels, &b->labels) && same_taints(&a->taints, &b->taints) &&
           same_resources(&a->allocatable, &b->allocatable) && same_resources(&a->capacity, &b->capacity);
}

/* Volumes and owners do not change while a pod lives; whether it is ready is asked only now and then. */
static bool same_pod(const struct pod *a, const struct pod *b)
{
    return str_eq(a->uid, b->uid) && a->spec == b->spec && a->phase == b->phase && a->deleting == b->deleting &&
           a->unschedulable == b->unschedulable && a->do_not_disrupt == b->do_not_disrupt &&
           a->finished.ns == b->finished.ns && a->ends.ns == b->ends.ns && str_eq(a->node_name, b->node_name) &&
           str_eq(a->nominated_node, b->nominated_node) && str_eq(a->owner_name, b->owner_name) &&
           same_labels(&a->labels, &b->labels);
}

static bool same_csi_node(const struct csi_node *a, const struct csi_node *b)
{
    bool same = a->n_drivers == b->n_drivers;
    for (size_t i = 0; same && i < a->n_drivers; i++)
        same = str_eq(a->drivers[i].name, b->drivers[i].name) && a->drivers[i].count == b->drivers[i].count;
    return same;
}

bool state_same(enum cluster_kind kind, const union state_item *a, const union state_item *b)
{
    if (kind == CLUSTER_NODE)
        return same_node(&a->node, &b->node);
    if (kind == CLUSTER_CSI_NODE)
        return same_csi_node(&a->csi_node, &b->csi_node);
    return kind == CLUSTER_POD && same_pod(&a->pod, &b->pod);
}

/* view_pods.c - pods by node, and those of an interrupted node once more: they will come again. */
#include <string.h>

#include "provisioner/state/view_internal.h"

/* Which real node a pod is bound to, by its entry's hash of the name. */
static uint32_t node_of(const struct state *state, const struct entry *entry, const struct pod *pod)
{
    const struct table *nodes = &state->tables[CLUSTER_NODE];
    uint32_t id;
    if (!entry->link)
        return VIEW_NONE;
    for (size_t probe = 0; (id = index_next(&nodes->by_name, entry->link, &probe)) != INDEX_NONE;)
        if (str_eq(nodes->entries[id].name, pod->node_name))
            return id;
    return VIEW_NONE;
}

/* The pods of each node, one array for all. */
static int list_by_node(struct view_builder *b, const struct pod *pods, struct err *err)
{
    size_t n = 0;
    for (uint32_t p = 0; p < b->n_real_pods; p++)
        if (b->pod_nodes[p] != VIEW_NONE && !view_pod_ended(&pods[p])) {
            b->view_nodes[b->pod_nodes[p]].n_pods++;
            n++;
        }
    uint32_t *list = arena_array(b->arena, uint32_t, n);
    uint32_t **ends = arena_array(b->arena, uint32_t *, b->n_nodes);
    if (!list || !ends)
        return err_nomem(err);
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        b->view_nodes[i].pods = ends[i] = list;
        list += b->view_nodes[i].n_pods;
    }
    for (uint32_t p = 0; p < b->n_real_pods; p++)
        if (b->pod_nodes[p] != VIEW_NONE && !view_pod_ended(&pods[p]))
            *ends[b->pod_nodes[p]]++ = p;
    return 0;
}

/*
 * Is its node going, and is room to be planned for what it carries? With a notice at once; where it is replaced first,
 * before the pods are sent away.
 */
static bool is_replaced(const struct node_claim *claim)
{
    return claim->phase == CLAIM_DRAINING && (claim->drain_deadline.ns != 0 || str_is(claim->drain_reason, "Expired") ||
                                              str_is(claim->drain_reason, "Rebalance"));
}

/*
 * An executor is made anew when it is gone. Others with a controller too: where it does not keep the name, the new one
 * is there as soon as the old one begins to end.
 */
static bool comes_again(const struct pod *pod)
{
    if (pod->daemon || str_is(pod->owner_kind, "Node"))
        return false;
    return pod->role == SPARK_EXECUTOR ||
           (pod->has_controller && (!pod->deleting || str_is(pod->owner_kind, "StatefulSet")));
}

/* How many pods will come again; with `copy`, they are appended. */
static uint32_t walk_copies(struct view_builder *b, const struct pod *pods, bool copy)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_real_nodes; i++) {
        const struct view_node *node = &b->view_nodes[i];
        if (node->claim == VIEW_NONE || !is_replaced(&b->claims[node->claim]))
            continue;
        for (uint32_t k = 0; k < node->n_pods; k++) {
            uint32_t p = node->pods[k];
            if (!comes_again(&pods[p]))
                continue;
            if (copy) {
                b->copies[p] = b->n_real_pods + n;
                b->pods[b->n_real_pods + n] = pods[p];
            }
            n++;
        }
    }
    return n;
}

static int copy_pods(struct view_builder *b, const struct pod *pods, struct err *err)
{
    uint32_t n_copies = walk_copies(b, pods, false);
    b->n_pods = b->n_real_pods + n_copies;
    b->pods = arena_array(b->arena, struct pod, b->n_pods);
    b->copies = n_copies ? arena_array(b->arena, uint32_t, b->n_real_pods) : NULL;
    if (!b->pods || (n_copies && !b->copies))
        return err_nomem(err);
    if (b->n_real_pods)
        memcpy(b->pods, pods, b->n_real_pods * sizeof(*pods));
    if (!n_copies)
        return 0;
    for (uint32_t p = 0; p < b->n_real_pods; p++)
        b->copies[p] = VIEW_NONE;
    walk_copies(b, pods, true);
    for (uint32_t p = b->n_real_pods; p < b->n_pods; p++) {
        b->pods[p].node_name = b->pods[p].nominated_node = STR("");
        b->pods[p].phase = POD_PENDING;
        b->pods[p].deleting = b->pods[p].unschedulable = false;
    }
    return 0;
}

static int place_pods(struct view_builder *b, struct err *err)
{
    b->places = arena_array(b->arena, uint8_t, b->n_pods);
    b->pod_claims = arena_array(b->arena, uint32_t, b->n_pods);
    if (!b->places || !b->pod_claims)
        return err_nomem(err);
    for (uint32_t p = 0; p < b->n_pods; p++) {
        uint32_t node = p < b->n_real_pods ? b->pod_nodes[p] : VIEW_NONE;
        b->places[p] = b->pods[p].node_name.len ? VIEW_POD_BOUND : VIEW_POD_WAITS;
        b->pod_claims[p] = node == VIEW_NONE ? VIEW_NONE : b->view_nodes[node].claim;
    }
    return 0;
}

int view_build_pods(struct view_builder *b, struct err *err)
{
    const struct table *table = &b->state->tables[CLUSTER_POD];
    const struct pod *pods = (const void *)table->items;
    b->n_real_pods = (uint32_t)table->len;
    b->pod_nodes = arena_array(b->arena, uint32_t, table->len);
    if (!b->pod_nodes)
        return err_nomem(err);
    for (uint32_t p = 0; p < b->n_real_pods; p++)
        b->pod_nodes[p] = node_of(b->state, &table->entries[p], &pods[p]);
    int rc = list_by_node(b, pods, err);
    if (rc == 0)
        rc = copy_pods(b, pods, err);
    return rc == 0 ? place_pods(b, err) : rc;
}

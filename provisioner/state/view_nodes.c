/* view_nodes.c - nodes as the planner is to see them: those that join as planned, those that leave as closed. */
#include <string.h>

#include "provisioner/api/label_keys.h"
#include "provisioner/state/view_internal.h"

/* Both sorted by key; where both have one, the first one's. */
static int merge_labels(struct arena *arena, const struct labels *first, const struct labels *second,
                        struct labels *ret, struct err *err)
{
    struct cloud_label *items = arena_array(arena, struct cloud_label, first->n + second->n);
    size_t i = 0, k = 0, n = 0;
    if (!items)
        return err_nomem(err);
    while (i < first->n || k < second->n) {
        int order = i == first->n ? 1 : k == second->n ? -1 : str_cmp(first->items[i].key, second->items[k].key);
        items[n++] = order <= 0 ? first->items[i] : second->items[k];
        i += order <= 0;
        k += order >= 0;
    }
    *ret = (struct labels){items, n};
    return 0;
}

static int merge_resources(struct arena *arena, const struct resources *first, const struct resources *second,
                           struct resources *ret, struct err *err)
{
    struct cloud_resource *items = arena_array(arena, struct cloud_resource, first->n + second->n);
    size_t i = 0, k = 0, n = 0;
    if (!items)
        return err_nomem(err);
    while (i < first->n || k < second->n) {
        int order = i == first->n ? 1 : k == second->n ? -1 : str_cmp(first->items[i].name, second->items[k].name);
        items[n++] = order <= 0 ? first->items[i] : second->items[k];
        i += order <= 0;
        k += order >= 0;
    }
    *ret = (struct resources){items, n};
    return 0;
}

/* Where all pools agree, or it is known what was got; "" else. */
static struct str zone_of(const struct node_claim *claim)
{
    if (claim->zone.len || !claim->n_pools)
        return claim->zone;
    for (size_t i = 1; i < claim->n_pools; i++)
        if (!str_eq(claim->pools[i].zone, claim->pools[0].zone))
            return STR("");
    return claim->pools[0].zone;
}

static struct str type_of(const struct node_claim *claim)
{
    if (claim->instance_type.len || !claim->n_pools)
        return claim->instance_type;
    for (size_t i = 1; i < claim->n_pools; i++)
        if (!str_eq(claim->pools[i].instance_type, claim->pools[0].instance_type))
            return STR("");
    return claim->pools[0].instance_type;
}

/* The labels that a claim's node will have: those planned, and what is known of the rest. */
static int claim_labels(struct arena *arena, const struct node_claim *claim, struct str hostname, struct labels *ret,
                        struct err *err)
{
    const struct cloud_label known[] = {
        {STR(LABEL_CAPACITY_TYPE), str_of(cloud_capacity_type_name(claim->capacity_type))},
        {STR(LABEL_PROVISIONER), claim->provisioner},
        {STR(LABEL_HOSTNAME), hostname},
        {STR(LABEL_INSTANCE_TYPE), type_of(claim)},
        {STR(LABEL_ZONE), zone_of(claim)}}; /* sorted by key */
    struct cloud_label *items = arena_array(arena, struct cloud_label, CC_COUNT(known));
    if (!items)
        return err_nomem(err);
    struct labels extra = {items, 0};
    for (size_t i = 0; i < CC_COUNT(known); i++)
        if (known[i].value.len)
            items[extra.n++] = known[i];
    return merge_labels(arena, &claim->labels, &extra, ret, err);
}

/*
 * A claim without a node. Its name has a '/', which no node's name can have. No pool is so certain that the labels say
 * more than all pools have in common.
 */
static int add_virtual(struct view_builder *b, uint32_t c, struct err *err)
{
    const struct node_claim *claim = &b->claims[c];
    uint32_t id = b->n_nodes;
    char *name = arena_printf(b->arena, "claim/%.*s", STR_ARG(claim->name));
    if (!name)
        return err_nomem(err);
    struct node *node = &b->nodes[id];
    *node = (struct node){.origin = {"cluster", 0},
                          .name = str_of(name),
                          .taints = claim->taints,
                          .allocatable = claim->allocatable,
                          .capacity = claim->capacity,
                          .provider_id = claim->provider_id,
                          .uid = STR(""),
                          .resource_version = STR(""),
                          .created = claim->created};
    int rc = claim_labels(b->arena, claim, node->name, &node->labels, err);
    if (rc < 0)
        return rc;
    b->view_nodes[id] = (struct view_node){.claim = c, .virtual_ = true};
    b->view_claims[c].node = id;
    b->n_nodes++;
    index_add(&b->pin->virtuals, table_hash(STR(""), node->name), id);
    return 0;
}

/*
 * A node that has joined and is still closed. Taints that were not planned are those of its start, whoever put them
 * there: no second node is bought for them. Devices may be late, too.
 */
static int open_starting(struct view_builder *b, struct node *node, const struct node_claim *claim, struct err *err)
{
    struct labels planned;
    int rc = claim_labels(b->arena, claim, node->name, &planned, err);
    if (rc == 0)
        rc = merge_labels(b->arena, &node->labels, &planned, &node->labels, err);
    if (rc == 0)
        rc = merge_resources(b->arena, &node->allocatable, &claim->allocatable, &node->allocatable, err);
    if (rc == 0)
        rc = merge_resources(b->arena, &node->capacity, &claim->capacity, &node->capacity, err);
    if (rc < 0)
        return rc;
    node->taints = claim->taints;
    node->unschedulable = false;
    return 0;
}

/* The picture of a real node; *node is its copy in the view. */
static int picture(struct view_builder *b, uint32_t id, struct err *err)
{
    struct node *node = &b->nodes[id];
    struct view_node *view = &b->view_nodes[id];
    const struct node_claim *claim = view->claim == VIEW_NONE ? NULL : &b->claims[view->claim];
    bool starts = claim && view_claim_starts(claim) && !node->deleting;
    bool leaves = node->deleting || (claim && view_claim_leaves(claim)) || (!starts && !node->ready);
    view->real = node;
    if (!starts && (!leaves || node->unschedulable))
        return 0;
    struct node *real = arena_new(b->arena, struct node);
    if (!real)
        return err_nomem(err);
    *real = *node;
    view->real = real;
    if (starts)
        return open_starting(b, node, claim, err);
    node->unschedulable = true;
    return 0;
}

/* The claim's node, by the name that it was registered with, else by its instance. */
static uint32_t node_of(const struct state *state, const struct node_claim *claim)
{
    const struct table *nodes = &state->tables[CLUSTER_NODE];
    if (claim->node_name.len)
        return table_find(nodes, STR(""), claim->node_name);
    const struct node *node = claim->provider_id.len ? state_node_by_provider_id(state, claim->provider_id) : NULL;
    return node ? (uint32_t)(node - (const struct node *)(const void *)nodes->items) : INDEX_NONE;
}

static void match_claims(struct view_builder *b)
{
    for (uint32_t c = 0; c < b->n_claims; c++) {
        uint32_t node = node_of(b->state, &b->claims[c]);
        b->view_claims[c] = (struct view_claim){.claim = &b->claims[c], .node = VIEW_NONE};
        if (node == INDEX_NONE || b->view_nodes[node].claim != VIEW_NONE)
            continue;
        b->view_nodes[node].claim = c;
        b->view_claims[c].node = node;
    }
}

static int copy_nodes(struct view_builder *b, struct err *err)
{
    const struct table *table = &b->state->tables[CLUSTER_NODE];
    b->n_nodes = b->n_real_nodes = (uint32_t)table->len;
    b->nodes = arena_array(b->arena, struct node, table->len + b->n_claims);
    b->view_nodes = arena_array(b->arena, struct view_node, table->len + b->n_claims);
    if (!b->nodes || !b->view_nodes)
        return err_nomem(err);
    if (table->len)
        memcpy(b->nodes, table->items, table->len * sizeof(*b->nodes));
    for (uint32_t i = 0; i < b->n_nodes; i++)
        b->view_nodes[i].claim = VIEW_NONE;
    return 0;
}

/* Waits for its first node: one that had a node before has lost it. */
static bool is_virtual(const struct view_claim *view)
{
    return view->node == VIEW_NONE && view_claim_starts(view->claim) && view->claim->phase < CLAIM_REGISTERED;
}

int view_build_nodes(struct view_builder *b, struct err *err)
{
    size_t n_virtual = 0;
    int rc = copy_nodes(b, err);
    if (rc < 0)
        return rc;
    match_claims(b);
    for (uint32_t i = 0; i < b->n_real_nodes && rc == 0; i++)
        rc = picture(b, i, err);
    for (uint32_t c = 0; c < b->n_claims; c++)
        n_virtual += is_virtual(&b->view_claims[c]);
    if (rc == 0)
        rc = view_index(b->arena, n_virtual, &b->pin->virtuals, err);
    for (uint32_t c = 0; c < b->n_claims && rc == 0; c++)
        if (is_virtual(&b->view_claims[c]))
            rc = add_virtual(b, c, err);
    return rc;
}

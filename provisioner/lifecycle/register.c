#include "provisioner/lifecycle/register.h"

#include "provisioner/lifecycle/node_change.h"

enum { OWN_LABELS = 8 };

/* What the node's labels lack. */
struct missing {
    const struct node *node;
    struct cloud_label *items;
    size_t n;
};

static void want(struct missing *missing, struct str key, struct str value)
{
    const struct str *is = labels_get(&missing->node->labels, key);
    if (!value.len || (is && str_eq(*is, value)))
        return;
    for (size_t i = 0; i < missing->n; i++)
        if (str_eq(missing->items[i].key, key))
            return; /* the first word counts */
    missing->items[missing->n++] = (struct cloud_label){key, value};
}

/* What the kubelet or the cloud's controller says for itself is left as it is. */
static void want_any(struct missing *missing, struct str key, struct str value)
{
    if (!labels_get(&missing->node->labels, key))
        want(missing, key, value);
}

static const struct cloud_type *find_type(const struct cloud_catalogue *catalogue, struct str name)
{
    size_t low = 0, high = catalogue->n_types;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(catalogue->types[middle].name, name);
        if (order == 0)
            return &catalogue->types[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* All that a node of ours carries: a user's own launch template may have said nothing of it. */
static int find_missing(struct pass *pass, const struct node_claim *claim, const struct node *node, bool by_scheduler,
                        struct missing *ret, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    const struct cloud_catalogue *catalogue = cloud->catalogue(cloud->context);
    const struct cloud_type *type = find_type(catalogue, claim->instance_type);
    struct missing missing = {.node = node};
    size_t most = claim->labels.n + (type ? type->n_labels : 0) + OWN_LABELS;
    missing.items = arena_array(pass->arena, struct cloud_label, most);
    if (!missing.items)
        return err_nomem(err);
    bool spot = claim->capacity_type == CLOUD_SPOT;
    for (size_t i = 0; i < claim->labels.n; i++)
        want(&missing, claim->labels.items[i].key, claim->labels.items[i].value);
    want(&missing, STR("karpenter.sh/provisioner-name"), claim->provisioner);
    want(&missing, STR(LABEL_NODE_CLAIM), claim->name);
    want(&missing, STR("karpenter.sh/capacity-type"), str_of(cloud_capacity_type_name(claim->capacity_type)));
    want(&missing, STR("eks.amazonaws.com/capacityType"), spot ? STR("SPOT") : STR("ON_DEMAND"));
    want_any(&missing, STR("node.kubernetes.io/instance-type"), claim->instance_type);
    want_any(&missing, STR("topology.kubernetes.io/zone"), claim->zone);
    want_any(&missing, STR("topology.kubernetes.io/region"), catalogue->region);
    for (size_t i = 0; type && i < type->n_labels; i++)
        want_any(&missing, type->labels[i].key, type->labels[i].value);
    if (by_scheduler)
        want(&missing, STR(LABEL_PLACEMENT), STR("scheduler"));
    *ret = missing;
    return 0;
}

bool placed_by_scheduler(const struct node *node)
{
    const struct str *placement = labels_get(&node->labels, STR(LABEL_PLACEMENT));
    return placement && str_is(*placement, "scheduler");
}

static int say_registered(struct pass *pass, const struct node_claim *claim, const struct node *node, struct err *err)
{
    if (control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0;
    struct node_claim moved = *claim;
    moved.node_name = node->name;
    moved.registered = pass->wall;
    moved.message = placed_by_scheduler(node) ? STR("placement: scheduler (the node registered without the taint)")
                                              : STR("waiting for the node to be ready");
    claim_move(pass->control, &moved, CLAIM_REGISTERED);
    if (claim->launched.ns)
        metrics_observe(control_effects(pass->control)->metrics, METRIC_REGISTRATION_SECONDS, NULL,
                        (double)(pass->wall.ns - claim->launched.ns) / 1e9);
    return control_patch_status(pass->control, &moved, "register", err);
}

int register_node(struct pass *pass, const struct node_claim *claim, const struct node *node, struct err *err)
{
    bool tainted = node_has_taint(node, STR(TAINT_PLACING));
    /* Closed, and without the taint: that was our patch. Neither: nothing kept pods off when it joined. */
    bool by_scheduler = placed_by_scheduler(node) || (!tainted && !node->unschedulable);
    struct missing missing;
    if (find_missing(pass, claim, node, by_scheduler, &missing, err) < 0)
        return ERR_NOMEM;
    if (!tainted && !missing.n)
        return say_registered(pass, claim, node, err);
    const struct provisioner *provisioner = state_provisioner(pass->state, claim->provisioner);
    struct node_change change = {.door = by_scheduler ? NODE_AS_IT_IS : NODE_CLOSE,
                                 .drop_placing = tainted,
                                 .labels = missing.items,
                                 .n_labels = missing.n};
    if (by_scheduler)
        change.taints = claim->taints;
    if (provisioner) {
        change.annotations = provisioner->annotations.items;
        change.n_annotations = provisioner->annotations.n;
    }
    return node_change(pass, node, &change, "register", err);
}

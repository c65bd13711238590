#include "provisioner/lifecycle/node_change.h"

#include "base/json_out.h"

static bool has_same(const struct taints *taints, const struct taint *taint)
{
    for (size_t i = 0; i < taints->n; i++)
        if (str_eq(taints->items[i].key, taint->key) && taints->items[i].effect == taint->effect)
            return true;
    return false;
}

bool node_has_taint(const struct node *node, struct str key)
{
    for (size_t i = 0; i < node->taints.n; i++)
        if (str_eq(node->taints.items[i].key, key))
            return true;
    return false;
}

static void write_taint(struct json_out *json, const struct taint *taint)
{
    json_open_map(json, NULL);
    json_str(json, "key", taint->key);
    if (taint->value.len)
        json_str(json, "value", taint->value);
    json_str(json, "effect", str_of(taint_effect_name(taint->effect)));
    json_close_map(json);
}

/* A merge patch replaces a list as a whole; the lock sees to it that no taint of others is lost. */
static void write_taints(struct json_out *json, const struct node *node, const struct node_change *change)
{
    json_open_list(json, "taints");
    for (size_t i = 0; i < node->taints.n; i++)
        if (!change->drop_placing || !str_is(node->taints.items[i].key, TAINT_PLACING))
            write_taint(json, &node->taints.items[i]);
    for (size_t i = 0; i < change->taints.n; i++)
        if (!has_same(&node->taints, &change->taints.items[i]))
            write_taint(json, &change->taints.items[i]);
    json_close_list(json);
}

static void write_labels(struct json_out *json, const char *key, const struct cloud_label *labels, size_t n)
{
    if (!n)
        return;
    json_open_map(json, key);
    for (size_t i = 0; i < n; i++)
        json_str_by(json, labels[i].key, labels[i].value);
    json_close_map(json);
}

static void write_patch(struct json_out *json, const struct node *node, const struct node_change *change)
{
    json_open_map(json, NULL);
    bool closes_only = change->door == NODE_CLOSE && !change->drop_placing && !change->taints.n;
    json_open_map(json, "metadata");
    /* Closing is right whatever else has changed meanwhile, and is not to wait for a heartbeat's conflict. */
    if (!closes_only)
        json_str(json, "resourceVersion", node->resource_version);
    write_labels(json, "labels", change->labels, change->n_labels);
    write_labels(json, "annotations", change->annotations, change->n_annotations);
    json_close_map(json);
    json_open_map(json, "spec");
    if (change->door == NODE_CLOSE)
        json_bool(json, "unschedulable", true);
    else if (change->door == NODE_OPEN)
        json_null(json, "unschedulable");
    if (change->drop_placing || change->taints.n)
        write_taints(json, node, change);
    json_close_map(json);
    json_close_map(json);
}

int node_change(struct pass *pass, const struct node *node, const struct node_change *change, const char *why,
                struct err *err)
{
    if (control_busy(pass->control, CLUSTER_NODE, STR(""), node->name))
        return 0;
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    write_patch(&json, node, change);
    struct cluster_request request = {.verb = CLUSTER_PATCH, .kind = CLUSTER_NODE, .name = node->name};
    int code = buf_str(&buf, &request.body, err);
    return code ? code : control_write(pass->control, &request, why, NULL, NULL, err);
}

const struct node *claim_node(const struct pass *pass, const struct view_claim *claim)
{
    return claim->node == VIEW_NONE ? NULL : pass->view.nodes[claim->node].real;
}

/* decode_node.c - nodes that exist. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_status.h"

/* What only a controller asks about. */
static int decode_state(const struct field *object, struct node *node, struct err *err)
{
    const struct doc *metadata = doc_get(object->doc, "metadata");
    node->created = status_time(metadata, "creationTimestamp");
    node->ready = status_condition(object->doc, "Ready", "True", NULL);
    node->do_not_disrupt = status_do_not_disrupt(object->doc);
    node->do_not_consolidate = status_annotated(object->doc, "karpenter.sh/do-not-consolidate", "true");
    int rc = status_keep(object, status_text(metadata, "resourceVersion"), &node->resource_version, err);
    struct str provider_id = status_text(doc_get(object->doc, "spec"), "providerID");
    return rc == 0 ? status_keep(object, provider_id, &node->provider_id, err) : rc;
}

int decode_node(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field labels = field_map(&metadata->map, "labels"), spec = field_map(object, "spec"),
                 status = field_map(object, "status");
    struct field taints = field_list(&spec, "taints"), unschedulable = field_any(&spec, "unschedulable"),
                 allocatable = field_map(&status, "allocatable"), capacity = field_map(&status, "capacity");
    struct objects *objects = object->decode->objects;
    struct node node = {.origin = metadata->origin, .name = metadata->name, .deleting = metadata->deleting};
    node.uid = metadata->uid;
    field_bool(&unschedulable, &node.unschedulable);
    int rc = decode_state(object, &node, err);
    if (rc == 0)
        rc = decode_node_labels(&labels, &node.labels, err);
    if (rc == 0)
        rc = decode_taints(&taints, &node.taints, err);
    if (rc == 0)
        rc = decode_resources(&capacity, false, &node.capacity, err);
    if (rc == 0)
        rc = decode_resources(&allocatable, false, &node.allocatable, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    if (!field_here(&allocatable))
        node.allocatable = node.capacity; /* as the API server fills it in */
    return VEC_PUSH(&objects->nodes, node) ? 0 : err_nomem(err);
}

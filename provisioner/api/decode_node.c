/* decode_node.c - nodes that exist. */
#include "provisioner/api/decode_kinds.h"

int decode_node(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field labels = field_map(&metadata->map, "labels"), spec = field_map(object, "spec"),
                 status = field_map(object, "status");
    struct field taints = field_list(&spec, "taints"), unschedulable = field_any(&spec, "unschedulable"),
                 allocatable = field_map(&status, "allocatable"), capacity = field_map(&status, "capacity");
    struct objects *objects = object->decode->objects;
    struct node node = {.origin = metadata->origin, .name = metadata->name, .deleting = metadata->deleting};
    field_bool(&unschedulable, &node.unschedulable);
    int rc = decode_node_labels(&labels, &node.labels, err);
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

/* decode_kinds.h - the decoder of each kind; private to this room. */
#ifndef STOKER_PROVISIONER_API_DECODE_KINDS_H
#define STOKER_PROVISIONER_API_DECODE_KINDS_H

#include "provisioner/api/decode_parts.h"

/* What every object has. Texts are kept. */
struct metadata {
    struct origin origin;
    struct str namespace_, name, uid; /* namespace "default" if it has none */
    struct field map;                 /* of the metadata itself, for labels and annotations */
    bool deleting;
    size_t findings; /* that there were before this object */
};

/* Was anything found wrong with the object so far? */
static inline bool metadata_spoiled(const struct metadata *metadata)
{
    return diag_count(metadata->map.decode->diag) > metadata->findings;
}

/*
 * Each adds the object to decode->objects unless something was found wrong with it. Conventions as in decode_parts.h.
 */
typedef int decode_kind_fn(const struct field *object, const struct metadata *metadata, struct err *err);

decode_kind_fn decode_pod, decode_daemon_set, decode_node, decode_volume_claim, decode_volume, decode_storage_class,
    decode_csi_node, decode_priority_class, decode_provisioner, decode_template, decode_budget;

/* The kubeletConfiguration of a Provisioner. */
CC_MUST_CHECK int decode_kubelet(const struct field *map, struct cloud_kubelet *ret, struct err *err);

/* The same, all but pods, DNS and runtime: a KubeletConfiguration's members as a JSON object; "" if there are none. */
CC_MUST_CHECK int decode_kubelet_json(const struct field *map, struct str *ret, struct err *err);

/* spec.spark and spec.spot of a Provisioner; ret holds the defaults before. */
void decode_spark_policy(const struct field *spec, struct provisioner *ret);

/*
 * What only a launch needs of a template's spec: all of ret->launch but the volumes and what the template itself has
 * (name, family, launch template, disk).
 */
CC_MUST_CHECK int decode_launch(const struct field *spec, struct cloud_template *ret, struct err *err);

/* A template's blockDeviceMappings: ret->launch.volumes, and the size of the root volume to ret->disk. */
CC_MUST_CHECK int decode_block_devices(const struct field *list, struct node_template *ret, struct err *err);

/* The spec of a NodeTemplate, or a Provisioner's spec.provider, into everything but name and origin. */
CC_MUST_CHECK int decode_template_spec(const struct field *spec, bool is_inline, struct node_template *ret,
                                       struct err *err);

#endif

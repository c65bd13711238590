/* decode_template.c - NodeTemplate and AWSNodeTemplate: how a node is made, as far as capacity depends on it. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/schema.h"

static const char *const FAMILIES[] = {"AL2", "AL2023", "Bottlerocket", "Ubuntu", "Custom", NULL};

int decode_template_spec(const struct field *spec, bool is_inline, struct node_template *ret, struct err *err)
{
    static const char *const policies[] = {"RAID0", NULL};
    struct field family = field_any(spec, "amiFamily"), launch = field_any(spec, "launchTemplate"),
                 mappings = field_list(spec, "blockDeviceMappings"), policy = field_any(spec, "instanceStorePolicy");
    struct node_template template = {.disk = CLOUD_DISK_INIT, .launch_template = {"", 0}};
    int family_choice = 0, policy_choice = -1;
    if (is_inline)
        schema_only_inline(spec);
    else
        schema_only(spec, SCHEMA_TEMPLATE, "spec");
    field_choice(&family, FAMILIES, &family_choice);
    template.ami_family = str_of(FAMILIES[family_choice]);
    field_choice(&policy, policies, &policy_choice);
    template.disk.instance_store_raid0 = policy_choice == 0;
    int rc = field_keep(&launch, &template.launch_template, err);
    if (rc == 0)
        rc = decode_launch(spec, &template.launch, err);
    if (rc == 0)
        rc = decode_block_devices(&mappings, &template, err);
    if (rc < 0)
        return rc;
    bool custom = str_is(template.ami_family, "Custom");
    template.disk.ephemeral_is_root = template.launch_template.len == 0 && (!custom || template.disk.root_bytes >= 0);
    template.launch.family = template.ami_family;
    template.launch.launch_template = template.launch_template;
    template.launch.disk = template.disk;
    *ret = template;
    return 0;
}

int decode_template(const struct field *object, const struct metadata *metadata, struct err *err)
{
    static const char *const names[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    struct field spec = field_map(object, "spec"), kind = field_any(object, "kind");
    struct objects *objects = object->decode->objects;
    struct node_template template;
    field_only(object, names);
    int rc = decode_template_spec(&spec, false, &template, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    template.origin = metadata->origin;
    template.name = template.launch.name = metadata->name;
    template.karpenter = str_is(kind.doc->text, "AWSNodeTemplate");
    return VEC_PUSH(&objects->templates, template) ? 0 : err_nomem(err);
}

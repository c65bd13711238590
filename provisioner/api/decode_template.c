/* decode_template.c - NodeTemplate and AWSNodeTemplate: how a node is made, as far as capacity depends on it. */
#include "provisioner/api/decode_kinds.h"

#define GIB (INT64_C(1) << 30)

static const char *const FAMILIES[] = {"AL2", "AL2023", "Bottlerocket", "Ubuntu", "Custom", NULL};

/* The device that carries the pods' files. Source: karpenter's amifamily, EphemeralBlockDevice. */
static const char *device_of(struct str family)
{
    if (str_is(family, "Bottlerocket"))
        return "/dev/xvdb";
    return str_is(family, "Ubuntu") ? "/dev/sda1" : "/dev/xvda";
}

/* EBS volumes are 1 GiB to 64 TiB. */
static bool decode_volume_size(const struct field *mapping, int64_t *ret)
{
    static const char *const names[] = {"volumeSize", "volumeType",          "iops",
                                        "throughput", "encrypted",           "kmsKeyID",
                                        "snapshotID", "deleteOnTermination", NULL};
    struct field ebs = field_map(mapping, "ebs");
    struct field size = field_any(&ebs, "volumeSize");
    int64_t bytes;
    field_only(&ebs, names);
    if (!field_quantity(&size, STR("storage"), &bytes))
        return false;
    if (bytes < GIB || bytes > 65536 * GIB) {
        field_bad(&size, "is %.*s, allowed are 1Gi to 64Ti", FIELD_SHOW(size.doc->text));
        return false;
    }
    *ret = bytes;
    return true;
}

/* With an AMI of the user's own the last mapping is taken for the root, as Karpenter does. */
static void decode_mappings(const struct field *list, struct str family, struct cloud_disk *disk)
{
    static const char *const names[] = {"deviceName", "ebs", "noDevice", "virtualName", "rootVolume", NULL};
    bool custom = str_is(family, "Custom");
    size_t index = 0;
    DOC_EACH (item, list->doc) {
        struct field mapping = field_child(list, item, index++);
        struct field device = field_any(&mapping, "deviceName");
        struct str name = {"", 0};
        int64_t bytes;
        if (!field_is_map(&mapping))
            continue;
        field_only(&mapping, names);
        field_text(&device, &name);
        if (decode_volume_size(&mapping, &bytes) && (custom || str_is(name, device_of(family))))
            disk->root_bytes = bytes;
    }
}

int decode_template_spec(const struct field *spec, bool is_inline, struct node_template *ret, struct err *err)
{
    static const char *const names[] = {"subnetSelector",
                                        "securityGroupSelector",
                                        "amiSelector",
                                        "instanceProfile",
                                        "amiFamily",
                                        "launchTemplate",
                                        "tags",
                                        "metadataOptions",
                                        "blockDeviceMappings",
                                        "userData",
                                        "detailedMonitoring",
                                        "instanceStorePolicy",
                                        "context",
                                        NULL};
    static const char *const inline_names[] = {"apiVersion",
                                               "kind",
                                               "subnetSelector",
                                               "securityGroupSelector",
                                               "instanceProfile",
                                               "amiFamily",
                                               "launchTemplate",
                                               "tags",
                                               "metadataOptions",
                                               "blockDeviceMappings",
                                               "instanceStorePolicy",
                                               "context",
                                               NULL};
    static const char *const policies[] = {"RAID0", NULL};
    struct field family = field_any(spec, "amiFamily"), launch = field_any(spec, "launchTemplate"),
                 mappings = field_list(spec, "blockDeviceMappings"), policy = field_any(spec, "instanceStorePolicy");
    struct node_template template = {.disk = CLOUD_DISK_INIT, .launch_template = {"", 0}};
    int family_choice = 0, policy_choice = -1;
    field_only(spec, is_inline ? inline_names : names);
    field_choice(&family, FAMILIES, &family_choice);
    template.ami_family = str_of(FAMILIES[family_choice]);
    decode_mappings(&mappings, template.ami_family, &template.disk);
    field_choice(&policy, policies, &policy_choice);
    template.disk.instance_store_raid0 = policy_choice == 0;
    int rc = field_keep(&launch, &template.launch_template, err);
    if (rc < 0)
        return rc;
    bool custom = str_is(template.ami_family, "Custom");
    template.disk.ephemeral_is_root = template.launch_template.len == 0 && (!custom || template.disk.root_bytes >= 0);
    *ret = template;
    return 0;
}

int decode_template(const struct field *object, const struct metadata *metadata, struct err *err)
{
    static const char *const names[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    struct field spec = field_map(object, "spec");
    struct objects *objects = object->decode->objects;
    struct node_template template;
    field_only(object, names);
    int rc = decode_template_spec(&spec, false, &template, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    template.origin = metadata->origin;
    template.name = metadata->name;
    return VEC_PUSH(&objects->templates, template) ? 0 : err_nomem(err);
}

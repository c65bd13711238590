/* decode_launch.c - what a node template says of how its nodes are launched: selectors, tags, volumes, metadata. */
#include <stdlib.h>

#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/schema.h"

#define GIB (INT64_C(1) << 30)

/* EC2's limits on tags. Source: EC2 user guide, "Tag restrictions". */
enum { TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256 };

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct cloud_label *)a)->key, ((const struct cloud_label *)b)->key);
}

static bool tag_good(const struct field *field, struct str key, bool selector, struct str *ret_value)
{
    *ret_value = STR("");
    if (key.len == 0 || key.len > TAG_KEY_MAX) {
        field_bad(field, "the key is no tag's, allowed are 1 to %d characters", TAG_KEY_MAX);
        return false;
    }
    if (!field_here(field))
        field_bad(field, "is null, allowed is a string");
    if (!field_text(field, ret_value))
        return false;
    if (!selector && ret_value->len > TAG_VALUE_MAX) {
        field_bad(field, "is too long, allowed are at most %d characters", TAG_VALUE_MAX);
        return false;
    }
    return true;
}

/* A map of tags, sorted by key. A selector's values may list several, or ids. */
static int decode_tags(const struct field *map, bool selector, const struct cloud_label **ret, size_t *ret_n,
                       struct err *err)
{
    struct cloud_label *items =
        arena_array(&map->decode->objects->arena, struct cloud_label, map->doc ? map->doc->count : 0);
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        struct str value;
        if (!tag_good(&field, member->key, selector, &value))
            continue;
        int rc = decode_keep(map->decode, member->key, &items[n].key, err);
        if (rc == 0)
            rc = decode_keep(map->decode, value, &items[n].value, err);
        if (rc < 0)
            return rc;
        n++;
    }
    qsort(items, n, sizeof(*items), by_key);
    *ret = items;
    *ret_n = n;
    return 0;
}

/* Source: EC2 API, LaunchTemplateInstanceMetadataOptionsRequest. */
static void decode_metadata_options(const struct field *map, struct cloud_template *ret)
{
    static const char *const switches[] = {"enabled", "disabled", NULL}, *const tokens[] = {"required", "optional",
                                                                                            NULL};
    struct field endpoint = field_any(map, "httpEndpoint"), ipv6 = field_any(map, "httpProtocolIPv6"),
                 hops = field_any(map, "httpPutResponseHopLimit"), token = field_any(map, "httpTokens");
    int choice;
    schema_only(map, SCHEMA_TEMPLATE, "spec.metadataOptions");
    if (field_choice(&endpoint, switches, &choice))
        ret->http_endpoint = str_of(switches[choice]);
    if (field_choice(&ipv6, switches, &choice))
        ret->http_ipv6 = str_of(switches[choice]);
    if (field_choice(&token, tokens, &choice))
        ret->http_tokens = str_of(tokens[choice]);
    field_int(&hops, 1, 64, &ret->http_hop_limit);
}

int decode_launch(const struct field *spec, struct cloud_template *ret, struct err *err)
{
    struct field subnets = field_map(spec, "subnetSelector"), groups = field_map(spec, "securityGroupSelector"),
                 images = field_map(spec, "amiSelector"), tags = field_map(spec, "tags"),
                 profile = field_any(spec, "instanceProfile"), data = field_any(spec, "userData"),
                 options = field_map(spec, "metadataOptions"), monitoring = field_any(spec, "detailedMonitoring");
    struct cloud_template launch = {.http_hop_limit = -1};
    launch.instance_profile = launch.user_data = STR("");
    launch.http_tokens = launch.http_endpoint = launch.http_ipv6 = STR("");
    decode_metadata_options(&options, &launch);
    field_bool(&monitoring, &launch.detailed_monitoring);
    int rc = decode_tags(&subnets, true, &launch.subnets, &launch.n_subnets, err);
    if (rc == 0)
        rc = decode_tags(&groups, true, &launch.security_groups, &launch.n_security_groups, err);
    if (rc == 0)
        rc = decode_tags(&images, true, &launch.images, &launch.n_images, err);
    if (rc == 0)
        rc = decode_tags(&tags, false, &launch.tags, &launch.n_tags, err);
    if (rc == 0)
        rc = field_keep(&profile, &launch.instance_profile, err);
    if (rc == 0)
        rc = field_keep(&data, &launch.user_data, err);
    if (rc < 0)
        return rc;
    *ret = launch;
    return 0;
}

/* The device that carries the pods' files. Source: karpenter's amifamily, EphemeralBlockDevice. */
static const char *device_of(struct str family)
{
    if (str_is(family, "Bottlerocket"))
        return "/dev/xvdb";
    return str_is(family, "Ubuntu") ? "/dev/sda1" : "/dev/xvda";
}

/* EBS volumes are 1 GiB to 64 TiB. */
static void decode_volume_size(const struct field *ebs, int64_t *ret)
{
    struct field size = field_any(ebs, "volumeSize");
    int64_t bytes;
    if (!field_quantity(&size, STR("storage"), &bytes))
        return;
    if (bytes >= GIB && bytes <= 65536 * GIB)
        *ret = bytes;
    else
        field_bad(&size, "is %.*s, allowed are 1Gi to 64Ti", FIELD_SHOW(size.doc->text));
}

/* -1 where nothing is said. */
static void decode_switch(const struct field *field, int *ret)
{
    bool on;
    if (field_bool(field, &on))
        *ret = on;
}

static int decode_ebs(const struct field *ebs, struct cloud_volume *ret, struct err *err)
{
    struct field type = field_any(ebs, "volumeType"), iops = field_any(ebs, "iops"),
                 throughput = field_any(ebs, "throughput"), encrypted = field_any(ebs, "encrypted"),
                 key = field_any(ebs, "kmsKeyID"), snapshot = field_any(ebs, "snapshotID"),
                 deleted = field_any(ebs, "deleteOnTermination");
    schema_only(ebs, SCHEMA_TEMPLATE, "spec.blockDeviceMappings[].ebs");
    decode_volume_size(ebs, &ret->bytes);
    field_int(&iops, 100, 256000, &ret->iops);
    field_int(&throughput, 125, 2000, &ret->throughput_mib);
    decode_switch(&encrypted, &ret->encrypted);
    decode_switch(&deleted, &ret->delete_on_termination);
    int rc = field_keep(&type, &ret->type, err);
    if (rc == 0)
        rc = field_keep(&key, &ret->kms_key, err);
    return rc == 0 ? field_keep(&snapshot, &ret->snapshot, err) : rc;
}

/* With an AMI of the user's own the last mapping is taken for the root, as Karpenter does. */
int decode_block_devices(const struct field *list, struct node_template *ret, struct err *err)
{
    bool custom = str_is(ret->ami_family, "Custom");
    struct cloud_volume *volumes =
        arena_array(&list->decode->objects->arena, struct cloud_volume, list->doc ? list->doc->count : 0);
    if (!volumes)
        return err_nomem(err);
    size_t index = 0, n = 0;
    DOC_EACH (item, list->doc) {
        struct field mapping = field_child(list, item, index++);
        struct field device = field_any(&mapping, "deviceName"), ebs = field_map(&mapping, "ebs");
        struct cloud_volume volume = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, -1, -1, -1, -1, -1};
        if (!field_is_map(&mapping))
            continue;
        schema_only(&mapping, SCHEMA_TEMPLATE, "spec.blockDeviceMappings[]");
        int rc = field_keep(&device, &volume.device, err);
        if (rc == 0)
            rc = decode_ebs(&ebs, &volume, err);
        if (rc < 0)
            return rc;
        if (volume.bytes >= 0 && (custom || str_is(volume.device, device_of(ret->ami_family))))
            ret->disk.root_bytes = volume.bytes;
        if (field_here(&ebs))
            volumes[n++] = volume;
    }
    /* Bottlerocket has a volume for its system and one for data. */
    ret->disk.more_volumes = (int64_t)n - (ret->disk.root_bytes >= 0) + str_is(ret->ami_family, "Bottlerocket");
    ret->launch.volumes = volumes;
    ret->launch.n_volumes = n;
    return 0;
}

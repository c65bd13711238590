/* launch_template_form.c - what a launch template holds, as CreateLaunchTemplate's form, and the name made of it. */
#include <inttypes.h>

#include "base/base64.h"
#include "cloud/aws/launch_template.h"
#include "cloud/aws/query.h"

#define GIB (INT64_C(1) << 30)

/* The family's own disks where the template says nothing. Source: Karpenter's amifamily, DefaultBlockDeviceMappings. */
static size_t default_volumes(struct str family, struct cloud_volume volumes[2])
{
    const struct cloud_volume root = {.device = STR("/dev/xvda"),
                                      .type = STR("gp3"),
                                      .bytes = 20 * GIB,
                                      .iops = -1,
                                      .throughput_mib = -1,
                                      .encrypted = 1,
                                      .delete_on_termination = 1};
    volumes[0] = volumes[1] = root;
    if (str_is(family, "Custom"))
        return 0;
    if (str_is(family, "Ubuntu"))
        volumes[0].device = STR("/dev/sda1");
    if (!str_is(family, "Bottlerocket"))
        return 1;
    volumes[0].bytes = 4 * GIB;
    volumes[1].device = STR("/dev/xvdb");
    return 2;
}

static void put_text(struct aws_query *query, const char *name, struct str value)
{
    if (value.len)
        aws_query_str(query, name, value);
}

static void put_number(struct aws_query *query, const char *name, int64_t value)
{
    if (value >= 0)
        aws_query_int(query, name, value);
}

static void put_choice(struct aws_query *query, const char *name, int value)
{
    if (value >= 0)
        aws_query_bool(query, name, value);
}

static void put_volume(struct aws_query *query, const struct cloud_volume *volume)
{
    aws_query_str(query, "DeviceName", volume->device);
    aws_query_open(query, "Ebs");
    put_choice(query, "DeleteOnTermination", volume->delete_on_termination);
    put_choice(query, "Encrypted", volume->encrypted);
    put_number(query, "Iops", volume->iops);
    put_text(query, "KmsKeyId", volume->kms_key);
    put_text(query, "SnapshotId", volume->snapshot);
    put_number(query, "Throughput", volume->throughput_mib);
    put_number(query, "VolumeSize", volume->bytes < 0 ? -1 : (volume->bytes + GIB - 1) / GIB);
    put_text(query, "VolumeType", volume->type);
    aws_query_close(query);
}

static void put_volumes(struct aws_query *query, const struct cloud_template *template_)
{
    struct cloud_volume standard[2];
    size_t n = template_->n_volumes ? template_->n_volumes : default_volumes(template_->family, standard);
    const struct cloud_volume *volumes = template_->n_volumes ? template_->volumes : standard;
    for (size_t i = 0; i < n; i++) {
        aws_query_item(query, "BlockDeviceMapping", i + 1);
        put_volume(query, &volumes[i]);
        aws_query_close(query);
    }
}

static struct str or_else(struct str value, const char *otherwise)
{
    return value.len ? value : str_of(otherwise);
}

/* Defaults of v1alpha5: tokens required, two hops (pods on their own network are one more). */
static void put_metadata(struct aws_query *query, const struct cloud_template *template_)
{
    aws_query_open(query, "MetadataOptions");
    aws_query_str(query, "HttpEndpoint", or_else(template_->http_endpoint, "enabled"));
    aws_query_str(query, "HttpProtocolIpv6", or_else(template_->http_ipv6, "disabled"));
    aws_query_int(query, "HttpPutResponseHopLimit", template_->http_hop_limit < 0 ? 2 : template_->http_hop_limit);
    aws_query_str(query, "HttpTokens", or_else(template_->http_tokens, "required"));
    aws_query_close(query);
}

static void put_tags(struct aws_query *query, size_t n, const char *resource, const struct cloud_label *tags,
                     size_t n_tags)
{
    aws_query_item(query, "TagSpecification", n);
    aws_query_str(query, "ResourceType", str_of(resource));
    for (size_t i = 0; i < n_tags; i++) {
        aws_query_item(query, "Tag", i + 1);
        aws_query_str(query, "Key", tags[i].key);
        aws_query_str(query, "Value", tags[i].value);
        aws_query_close(query);
    }
    aws_query_close(query);
}

static int put_data(struct aws_query *query, const struct launch_template_content *content, struct arena *arena,
                    struct err *err)
{
    struct str user_data;
    int rc = base64_encode(content->user_data, arena, &user_data, err);
    if (rc)
        return rc;
    aws_query_open(query, "LaunchTemplateData");
    put_volumes(query, content->template_);
    if (content->instance_profile.len) {
        aws_query_open(query, "IamInstanceProfile");
        aws_query_str(query, "Name", content->instance_profile);
        aws_query_close(query);
    }
    aws_query_str(query, "ImageId", content->image);
    put_metadata(query, content->template_);
    if (content->template_->detailed_monitoring) {
        aws_query_open(query, "Monitoring");
        aws_query_bool(query, "Enabled", true);
        aws_query_close(query);
    }
    aws_query_list(query, "SecurityGroupId", content->security_groups, content->n_security_groups);
    put_tags(query, 1, "network-interface", content->tags, content->n_tags);
    if (content->spot)
        put_tags(query, 2, "spot-instances-request", content->tags, content->n_tags);
    put_text(query, "UserData", user_data);
    aws_query_close(query);
    return 0;
}

/* FNV-1a from two starts, 128 bits in all: against chance. Who can write templates needs no collision to do harm. */
static uint64_t hash_from(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash ^= (unsigned char)text.ptr[i];
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

int launch_template_form(const struct launch_template_content *content, struct arena *arena, struct str *ret_name,
                         struct str *ret_form, struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    struct aws_query query = AWS_QUERY(&buf);
    const struct cloud_label own = {STR("stoker.sh/cluster"), content->cluster};
    struct str form;
    int rc = put_data(&query, content, arena, err);
    put_tags(&query, 1, "launch-template", &own, 1);
    if (!rc)
        rc = buf_str(&buf, &form, err);
    if (rc)
        return rc;
    const char *name = arena_printf(arena, "stoker/%016" PRIx64 "%016" PRIx64,
                                    hash_from(UINT64_C(0xcbf29ce484222325), form), hash_from(form.len, form));
    if (!name)
        return err_nomem(err);
    *ret_name = str_of(name);
    *ret_form = form;
    return 0;
}

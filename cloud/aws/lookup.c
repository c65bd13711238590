#include "cloud/aws/lookup.h"

#include "base/json_out.h"
#include "cloud/aws/query.h"

static int keep(struct lookup_data *data, struct str text, struct str *ret, struct err *err)
{
    *ret = str_dup(&data->arena, text);
    return ret->ptr ? 0 : err_nomem(err);
}

static int read_subnets(struct lookup_data *data, const struct aws_answer *answer, struct err *err)
{
    XML_EACH(item, xml_get(answer->xml, "subnetSet"))
    {
        struct aws_subnet subnet = {0};
        int rc = keep(data, xml_text(item, "subnetId"), &subnet.id, err);
        if (!rc)
            rc = keep(data, xml_text(item, "availabilityZone"), &subnet.zone, err);
        if (!rc && !str_to_int64(xml_text(item, "availableIpAddressCount"), &subnet.free_addresses))
            rc = err_set(err, ERR_INVALID, "ec2:DescribeSubnets: %.*s has no count of addresses", STR_ARG(subnet.id));
        if (rc)
            return rc;
        if (!VEC_PUSH(&data->subnets, subnet))
            return err_nomem(err);
    }
    return 0;
}

static int read_groups(struct lookup_data *data, const struct aws_answer *answer, struct err *err)
{
    XML_EACH(item, xml_get(answer->xml, "securityGroupInfo"))
    {
        struct str id;
        int rc = keep(data, xml_text(item, "groupId"), &id, err);
        if (rc)
            return rc;
        if (!VEC_PUSH(&data->groups, id))
            return err_nomem(err);
    }
    return 0;
}

/* EC2's words for an architecture to Kubernetes'; "" for those that no node of ours has. */
static struct str arch_of(struct str architecture)
{
    if (str_is(architecture, "x86_64"))
        return STR("amd64");
    return str_is(architecture, "arm64") ? STR("arm64") : STR("");
}

static int read_images(struct lookup_data *data, const struct aws_answer *answer, struct err *err)
{
    XML_EACH(item, xml_get(answer->xml, "imagesSet"))
    {
        struct aws_image image = {.arch = arch_of(xml_text(item, "architecture"))};
        if (image.arch.len == 0)
            continue;
        int rc = keep(data, xml_text(item, "imageId"), &image.id, err);
        if (!rc)
            rc = keep(data, xml_text(item, "creationDate"), &image.created, err);
        if (!rc)
            rc = keep(data, xml_text(item, "name"), &image.name, err);
        if (rc)
            return rc;
        if (!VEC_PUSH(&data->images, image))
            return err_nomem(err);
    }
    return 0;
}

static int read_parameter(struct lookup_data *data, const struct aws_answer *answer, struct err *err)
{
    const struct doc *value = doc_at(answer->json, "Parameter.Value");
    if (!value || value->kind != DOC_STRING || value->text.len == 0)
        return err_set(err, ERR_INVALID, "ssm:GetParameter: the answer has no value");
    return keep(data, value->text, &data->parameter, err);
}

const struct lookup_way lookup_ways[N_LOOKUP_KINDS] = {
    [LOOKUP_SUBNETS] = {AWS_EC2, "DescribeSubnets", true, read_subnets},
    [LOOKUP_GROUPS] = {AWS_EC2, "DescribeSecurityGroups", true, read_groups},
    [LOOKUP_IMAGES] = {AWS_EC2, "DescribeImages", true, read_images},
    [LOOKUP_PARAMETER] = {AWS_SSM, "GetParameter", false, read_parameter},
};

void lookup_data_release(struct lookup_data *data)
{
    arena_release(&data->arena);
    VEC_FREE(&data->subnets);
    VEC_FREE(&data->groups);
    VEC_FREE(&data->images);
}

enum { MAX_ALTERNATIVES = 200 }; /* EC2's limit for a filter's values */

/* "a, b" to Name.1=a, Name.2=b; false if there is none, or there are too many. */
static bool put_list(struct aws_query *query, const char *name, struct str list)
{
    struct str values[MAX_ALTERNATIVES];
    size_t n = 0;
    while (list.len) {
        struct str value = str_trim(str_cut(&list, ','));
        if (value.len == 0)
            continue;
        if (n == MAX_ALTERNATIVES)
            return false;
        values[n++] = value;
    }
    aws_query_list(query, name, values, n);
    return n > 0;
}

/* "aws-ids" and "aws::ids" are the same. */
static bool is_special(const struct cloud_label *item, const char *dashed, const char *coloned)
{
    return str_is(item->key, dashed) || str_is(item->key, coloned);
}

/* One entry of the selector as Filter.n. ERR_INVALID: it selects nothing. */
static int put_filter(struct aws_query *query, size_t n, const char *id_filter, const struct cloud_label *item,
                      struct arena *arena, struct err *err)
{
    bool ids = is_special(item, "aws-ids", "aws::ids");
    bool name = is_special(item, "aws-name", "aws::name");
    bool any = !ids && !name && str_is(item->value, "*");
    const char *filter = any ? "tag-key" : ids ? id_filter : name ? "name" : NULL;
    if (!filter)
        filter = arena_printf(arena, "tag:%.*s", STR_ARG(item->key));
    if (!filter)
        return err_nomem(err);
    aws_query_item(query, "Filter", n);
    aws_query_str(query, "Name", str_of(filter));
    bool good = put_list(query, "Value", any ? item->key : item->value);
    aws_query_close(query);
    if (!good)
        return err_set(err, ERR_INVALID, "selector \"%.*s\" has no value, or more than %d", STR_ARG(item->key),
                       MAX_ALTERNATIVES);
    return 0;
}

/* Images are searched among everybody's: without an owner anyone could offer one that fits. */
static int put_owners(struct aws_query *query, struct aws_selector selector, struct err *err)
{
    bool ids = false;
    for (size_t i = 0; i < selector.n; i++) {
        const struct cloud_label *item = &selector.items[i];
        ids = ids || is_special(item, "aws-ids", "aws::ids");
        if (!is_special(item, "aws-owners", "aws::owners"))
            continue;
        return put_list(query, "Owner", item->value) ? 0 : err_set(err, ERR_INVALID, "aws::owners names nobody");
    }
    if (!ids)
        put_list(query, "Owner", STR("amazon,self"));
    return 0;
}

int lookup_body(enum lookup_kind kind, struct aws_selector selector, struct arena *arena, struct str *ret,
                struct err *err)
{
    static const char *const id_filters[] = {
        [LOOKUP_SUBNETS] = "subnet-id", [LOOKUP_GROUPS] = "group-id", [LOOKUP_IMAGES] = "image-id"};
    static const int64_t page_sizes[] = {[LOOKUP_SUBNETS] = 500, [LOOKUP_GROUPS] = 500, [LOOKUP_IMAGES] = 1000};
    struct buf buf = BUF_INIT(arena);
    struct aws_query query = AWS_QUERY(&buf);
    size_t filters = 0;
    int rc = 0;
    for (size_t i = 0; i < selector.n && rc == 0; i++) {
        bool owners = kind == LOOKUP_IMAGES && is_special(&selector.items[i], "aws-owners", "aws::owners");
        if (!owners)
            rc = put_filter(&query, ++filters, id_filters[kind], &selector.items[i], arena, err);
    }
    if (!rc && filters == 0)
        rc = err_set(err, ERR_INVALID, "an empty selector would select everything");
    if (!rc && kind == LOOKUP_IMAGES) {
        aws_query_item(&query, "Filter", ++filters);
        aws_query_str(&query, "Name", STR("state"));
        aws_query_list(&query, "Value", &STR("available"), 1);
        aws_query_close(&query);
        aws_query_bool(&query, "IncludeDeprecated", true);
        rc = put_owners(&query, selector, err);
    }
    if (rc)
        return rc;
    aws_query_int(&query, "MaxResults", page_sizes[kind]);
    return buf_str(&buf, ret, err);
}

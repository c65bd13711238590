/* decode_provisioner.c - Provisioners of stoker.sh/v1alpha1 and karpenter.sh/v1alpha5, defaults filled in. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_status.h"
#include "provisioner/api/label_keys.h"
#include "provisioner/api/schema.h"

/* Requirements that the defaults can add. */
enum { DEFAULTS_MAX = 5 };

static void key_allowed(const struct field *field, struct str key)
{
    if (label_key_restricted(label_key_current(key)))
        field_bad(field,
                  "\"%.*s\" is reserved, allowed in the domains of Kubernetes, Karpenter and stoker.sh are the "
                  "well-known node labels, node-restriction.kubernetes.io and kops.k8s.io",
                  FIELD_SHOW(key));
}

static void check_label_keys(const struct field *map)
{
    size_t index = 0;
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        key_allowed(&field, member->key);
    }
}

/* What only a Provisioner's requirements must keep to: allowed keys, values that a label can have. */
static void check_requirement(const struct field *map, const struct requirement *requirement)
{
    struct field key = field_any(map, "key"), values = field_any(map, "values");
    bool compares = requirement->op == OP_GT || requirement->op == OP_LT;
    schema_only(map, SCHEMA_PROVISIONER, "spec.requirements[]");
    key_allowed(&key, requirement->key);
    for (size_t i = 0; i < requirement->n_values; i++) {
        struct str value = requirement->values[i];
        if (value.len == 0 || (!compares && !label_value_valid(value)))
            field_bad(&values, "\"%.*s\" is no label value, allowed are 1 to 63 of A-Za-z0-9-_.", FIELD_SHOW(value));
        else if (compares && value.ptr[0] == '-')
            field_bad(&values, "\"%.*s\" is negative, allowed is an integer from 0", FIELD_SHOW(value));
    }
}

/* Requirements as written, into `items`, which has room for all of them. */
static int read_requirements(const struct field *list, struct requirement *items, size_t *n, struct err *err)
{
    size_t index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        bool good;
        int rc = decode_node_requirement(&field, &items[*n], &good, err);
        if (rc < 0)
            return rc;
        if (good)
            check_requirement(&field, &items[(*n)++]);
    }
    return 0;
}

static bool names_key(const struct requirement *items, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(items[i].key, key))
            return true;
    return false;
}

/* `values` has static lifetime. */
static void add_default(struct requirement *items, size_t *n, const char *key, enum label_op op,
                        const struct str *values, size_t n_values)
{
    items[(*n)++] = (struct requirement){str_of(key), op, values, n_values};
}

/* Source: karpenter v1alpha5, Provisioner.SetDefaults of the AWS provider. */
static void add_defaults(struct requirement *items, size_t *n)
{
    static const struct str linux_os = {"linux", 5}, amd64 = {"amd64", 5}, on_demand = {"on-demand", 9},
                            second = {"2", 1}, categories[] = {{"c", 1}, {"m", 1}, {"r", 1}};
    static const char *const type_keys[] = {LABEL_INSTANCE_TYPE, LABEL_AWS_INSTANCE "family",
                                            LABEL_AWS_INSTANCE "category", LABEL_AWS_INSTANCE "generation"};
    bool type_named = false;
    for (size_t i = 0; i < CC_COUNT(type_keys); i++)
        type_named = type_named || names_key(items, *n, type_keys[i]);
    bool capacity_named = names_key(items, *n, LABEL_CAPACITY_TYPE) || names_key(items, *n, LABEL_EKS_CAPACITY);
    if (!names_key(items, *n, LABEL_OS))
        add_default(items, n, LABEL_OS, OP_IN, &linux_os, 1);
    if (!names_key(items, *n, LABEL_ARCH))
        add_default(items, n, LABEL_ARCH, OP_IN, &amd64, 1);
    if (!capacity_named)
        add_default(items, n, LABEL_CAPACITY_TYPE, OP_IN, &on_demand, 1);
    if (!type_named) {
        add_default(items, n, LABEL_AWS_INSTANCE "category", OP_IN, categories, CC_COUNT(categories));
        add_default(items, n, LABEL_AWS_INSTANCE "generation", OP_GT, &second, 1);
    }
}

/* As written, then what labels of a well-known key demand of a node, then defaults. Needs ret->labels. */
static int decode_requirements(const struct field *list, struct provisioner *ret, struct err *err)
{
    size_t most = (list->doc ? list->doc->count : 0) + ret->labels.n + DEFAULTS_MAX, n = 0;
    struct requirement *items = arena_array(&list->decode->objects->arena, struct requirement, most);
    if (!items)
        return err_nomem(err);
    int rc = read_requirements(list, items, &n, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ret->labels.n; i++) {
        const struct cloud_label *label = &ret->labels.items[i];
        if (label_key_well_known(label->key))
            items[n++] = (struct requirement){label->key, OP_IN, &label->value, 1};
    }
    add_defaults(items, &n);
    ret->requirements = (struct requirements){items, n};
    return 0;
}

static int decode_limits(const struct field *spec, struct provisioner *ret, struct err *err)
{
    struct field limits = field_map(spec, "limits");
    struct field resources = field_map(&limits, "resources");
    schema_only(&limits, SCHEMA_PROVISIONER, "spec.limits");
    return decode_resources(&resources, true, &ret->limits, err);
}

static void decode_lifetimes(const struct field *spec, struct provisioner *ret)
{
    struct field empty = field_any(spec, "ttlSecondsAfterEmpty"), expired = field_any(spec, "ttlSecondsUntilExpired"),
                 consolidation = field_map(spec, "consolidation"), weight = field_any(spec, "weight");
    struct field enabled = field_any(&consolidation, "enabled");
    int64_t value = 0;
    schema_only(&consolidation, SCHEMA_PROVISIONER, "spec.consolidation");
    field_int(&empty, 0, INT64_C(1) << 40, &ret->ttl_after_empty_s);
    field_int(&expired, 0, INT64_C(1) << 40, &ret->ttl_until_expired_s);
    field_bool(&enabled, &ret->consolidation);
    field_int(&weight, 1, 100, &value);
    ret->weight = (int32_t)value;
    if (ret->consolidation && field_here(&empty))
        field_bad(&empty, "and consolidation.enabled exclude each other, allowed is one of the two");
}

static int decode_provider(const struct field *spec, struct provisioner *ret, struct err *err)
{
    struct field reference = field_map(spec, "providerRef"), provider = field_map(spec, "provider");
    struct field name = field_any(&reference, "name");
    schema_only(&reference, SCHEMA_PROVISIONER, "spec.providerRef");
    if (field_here(&reference) && !field_here(&name))
        field_bad(&name, "is missing, allowed is the name of a NodeTemplate");
    if (field_here(&reference) && field_here(&provider))
        field_bad(&provider, "and providerRef exclude each other, allowed is one of the two");
    int rc = field_keep(&name, &ret->template_name, err);
    if (rc < 0 || !field_here(&provider))
        return rc;
    struct node_template *template = arena_new(&spec->decode->objects->arena, struct node_template);
    if (!template)
        return err_nomem(err);
    rc = decode_template_spec(&provider, true, template, err);
    template->origin = ret->origin;
    template->name = template->launch.name = ret->name;
    template->karpenter = ret->karpenter;
    ret->inline_template = template;
    return rc;
}

static void check_members(const struct field *object, const struct field *spec, bool karpenter)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    field_only(object, top);
    schema_only(spec, SCHEMA_PROVISIONER, "spec");
    if (karpenter)
        schema_not_own(spec, SCHEMA_PROVISIONER, "spec");
}

static struct provisioner defaults_of(const struct field *object, const struct metadata *metadata)
{
    struct field version = field_any(object, "apiVersion");
    return (struct provisioner){.origin = metadata->origin,
                                .name = metadata->name,
                                .uid = metadata->uid,
                                .generation = status_int(metadata->map.doc, "generation"),
                                .strategy = {"", 0},
                                .kubelet_json = {"", 0},
                                .karpenter = str_starts(version.doc->text, "karpenter.sh/"),
                                .ttl_after_empty_s = -1,
                                .ttl_until_expired_s = -1,
                                .template_name = {"", 0},
                                .kubelet = CLOUD_KUBELET_INIT,
                                .driver_capacity = ROLE_ON_DEMAND,
                                .executor_capacity = ROLE_SPOT,
                                .zone_mode = SPARK_ZONE_ANY,
                                .zone_premium = 0.02,
                                .max_price_ratio = 1.25,
                                .max_pool_share = 1.0,
                                .gang_min_share = 0.8};
}

static int decode_cluster_dns(const struct field *kubelet, struct provisioner *ret, struct err *err)
{
    struct field list = field_list(kubelet, "clusterDNS");
    return field_keep_texts(&list, &ret->cluster_dns, &ret->n_cluster_dns, err);
}

static int decode_parts(const struct field *spec, struct provisioner *ret, struct err *err)
{
    struct field labels = field_map(spec, "labels"), annotations = field_map(spec, "annotations"),
                 taints = field_list(spec, "taints"), startup = field_list(spec, "startupTaints"),
                 requirements = field_list(spec, "requirements"), kubelet = field_map(spec, "kubeletConfiguration");
    check_label_keys(&labels);
    int rc = decode_node_labels(&labels, &ret->labels, err);
    if (rc == 0)
        rc = decode_annotations(&annotations, &ret->annotations, err);
    if (rc == 0)
        rc = decode_taints(&taints, &ret->taints, err);
    if (rc == 0)
        rc = decode_taints(&startup, &ret->startup_taints, err);
    if (rc == 0)
        rc = decode_requirements(&requirements, ret, err);
    if (rc == 0)
        rc = decode_kubelet(&kubelet, &ret->kubelet, err);
    if (rc == 0)
        rc = decode_cluster_dns(&kubelet, ret, err);
    if (rc == 0)
        rc = decode_kubelet_json(&kubelet, &ret->kubelet_json, err);
    if (rc == 0)
        rc = decode_limits(spec, ret, err);
    return rc == 0 ? decode_provider(spec, ret, err) : rc;
}

int decode_provisioner(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), name = field_any(&metadata->map, "name");
    struct objects *objects = object->decode->objects;
    struct provisioner provisioner = defaults_of(object, metadata);
    if (!label_value_valid(metadata->name))
        field_bad(&name, "\"%.*s\" becomes a node label, allowed are at most 63 of A-Za-z0-9-_.",
                  FIELD_SHOW(metadata->name));
    check_members(object, &spec, provisioner.karpenter);
    decode_lifetimes(&spec, &provisioner);
    if (!provisioner.karpenter)
        decode_spark_policy(&spec, &provisioner);
    int rc = decode_parts(&spec, &provisioner, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->provisioners, provisioner) ? 0 : err_nomem(err);
}

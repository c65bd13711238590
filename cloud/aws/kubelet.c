#include "cloud/aws/kubelet.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_out.h"

enum own_key { MAX_PODS, PODS_PER_CORE, CLUSTER_DNS, KUBE_RESERVED, SYSTEM_RESERVED, EVICT_HARD, EVICT_SOFT, OWN_KEYS };

static const char *const own_keys[OWN_KEYS] = {
    [MAX_PODS] = "maxPods",           [PODS_PER_CORE] = "podsPerCore",      [CLUSTER_DNS] = "clusterDNS",
    [KUBE_RESERVED] = "kubeReserved", [SYSTEM_RESERVED] = "systemReserved", [EVICT_HARD] = "evictionHard",
    [EVICT_SOFT] = "evictionSoft",
};

static int find_keys(void *context, const struct doc *config, struct err *err)
{
    (void)err;
    bool *here = context;
    for (size_t i = 0; i < OWN_KEYS; i++)
        here[i] = doc_get(config, own_keys[i]);
    return 0;
}

struct reading {
    aws_kubelet_fn read;
    void *context;
    size_t objects;
};

static int read_one(void *context, const struct doc *object, struct err *err)
{
    struct reading *reading = context;
    if (object->kind != DOC_MAP || reading->objects++ > 0)
        return err_set(err, ERR_INVALID, "is not one object");
    return reading->read(reading->context, object, err);
}

int aws_kubelet_read(struct str config, aws_kubelet_fn read, void *context, struct err *err)
{
    struct reading reading = {.read = read, .context = context};
    int rc = doc_read(config, "kubelet.json", read_one, &reading, err);
    if (rc == 0 && reading.objects == 0)
        rc = err_set(err, ERR_INVALID, "is no object");
    if (rc && rc != ERR_NOMEM)
        err_wrap(err, "kubelet configuration");
    return rc;
}

static void put_amounts(struct json_out *json, const char *key, const struct cloud_resource *items, size_t n)
{
    if (n == 0)
        return;
    json_open_map(json, key);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        const char *unit = str_is(items[i].name, "cpu") ? "m" : "";
        snprintf(text, sizeof(text), "%" PRId64 "%s", items[i].amount, unit);
        json_str_by(json, items[i].name, str_of(text));
    }
    json_close_map(json);
}

/* Bytes where they are given, else per cent. */
static void put_threshold(struct json_out *json, const char *signal, int64_t bytes, int64_t permille)
{
    char text[32];
    if (bytes >= 0)
        snprintf(text, sizeof(text), "%" PRId64, bytes);
    else if (permille >= 0)
        snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64 "%%", permille / 10, permille % 10);
    else
        return;
    json_str(json, signal, str_of(text));
}

static void put_eviction(struct json_out *json, const struct cloud_kubelet *kubelet)
{
    bool memory = kubelet->evict_memory_bytes >= 0 || kubelet->evict_memory_permille >= 0;
    bool nodefs = kubelet->evict_nodefs_bytes >= 0 || kubelet->evict_nodefs_permille >= 0;
    if (!memory && !nodefs)
        return;
    json_open_map(json, own_keys[EVICT_HARD]);
    put_threshold(json, "memory.available", kubelet->evict_memory_bytes, kubelet->evict_memory_permille);
    put_threshold(json, "nodefs.available", kubelet->evict_nodefs_bytes, kubelet->evict_nodefs_permille);
    json_close_map(json);
}

static void put_dns(struct json_out *json, const struct cloud_bootstrap *bootstrap, struct str dns)
{
    if (bootstrap->n_cluster_dns == 0 && dns.len == 0)
        return;
    json_open_list(json, own_keys[CLUSTER_DNS]);
    for (size_t i = 0; i < bootstrap->n_cluster_dns; i++)
        json_str(json, NULL, bootstrap->cluster_dns[i]);
    if (bootstrap->n_cluster_dns == 0)
        json_str(json, NULL, dns);
    json_close_list(json);
}

static void put_own(struct json_out *json, const struct cloud_bootstrap *bootstrap, struct str dns, const bool *here)
{
    const struct cloud_kubelet none = CLOUD_KUBELET_INIT;
    const struct cloud_kubelet *kubelet = bootstrap->kubelet ? bootstrap->kubelet : &none;
    if (!here[MAX_PODS] && kubelet->max_pods >= 0)
        json_int(json, own_keys[MAX_PODS], kubelet->max_pods);
    if (!here[PODS_PER_CORE] && kubelet->pods_per_core > 0)
        json_int(json, own_keys[PODS_PER_CORE], kubelet->pods_per_core);
    if (!here[CLUSTER_DNS])
        put_dns(json, bootstrap, dns);
    if (!here[KUBE_RESERVED])
        put_amounts(json, own_keys[KUBE_RESERVED], kubelet->kube_reserved, kubelet->n_kube_reserved);
    if (!here[SYSTEM_RESERVED])
        put_amounts(json, own_keys[SYSTEM_RESERVED], kubelet->system_reserved, kubelet->n_system_reserved);
    /* The thresholds were merged from both: where the user's own words are there, they hold. */
    if (!here[EVICT_HARD] && !here[EVICT_SOFT])
        put_eviction(json, kubelet);
}

int aws_kubelet_config(const struct cloud_bootstrap *bootstrap, struct str dns, struct arena *arena, struct str *ret,
                       struct err *err)
{
    bool here[OWN_KEYS] = {false};
    struct str users = str_trim(bootstrap->kubelet_json);
    int rc = users.len ? aws_kubelet_read(users, find_keys, here, err) : 0;
    if (rc)
        return rc;
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    put_own(&json, bootstrap, dns, here);
    struct str own, inner = users.len ? str_trim((struct str){users.ptr + 1, users.len - 2}) : users;
    rc = buf_str(&buf, &own, err);
    if (rc)
        return rc;
    if (inner.len && own.len > 1)
        buf_byte(&buf, ',');
    buf_add(&buf, inner);
    buf_byte(&buf, '}');
    return buf_str(&buf, ret, err);
}

struct flag {
    const char *field, *flag;
    const char *between; /* of a map's keys and values; NULL: a plain value */
};

/* Source: kubelet's command line reference. */
static const struct flag flags[] = {
    {"maxPods", "max-pods", NULL},
    {"podsPerCore", "pods-per-core", NULL},
    {"kubeReserved", "kube-reserved", "="},
    {"systemReserved", "system-reserved", "="},
    {"evictionHard", "eviction-hard", "<"},
    {"evictionSoft", "eviction-soft", "<"},
    {"evictionSoftGracePeriod", "eviction-soft-grace-period", "="},
    {"evictionMaxPodGracePeriod", "eviction-max-pod-grace-period", NULL},
    {"imageGCHighThresholdPercent", "image-gc-high-threshold", NULL},
    {"imageGCLowThresholdPercent", "image-gc-low-threshold", NULL},
    {"cpuCFSQuota", "cpu-cfs-quota", NULL},
};

static const struct flag *find_flag(struct str field)
{
    for (size_t i = 0; i < CC_COUNT(flags); i++)
        if (str_is(field, flags[i].field))
            return &flags[i];
    return NULL;
}

/* Is it text that a label, taint or kubelet amount can be made of: letters, digits and -._/%:? */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._/%:", c, 6);
        if (!good)
            return false;
    }
    return true;
}

static int put_plain(struct buf *buf, struct str what, struct str text, struct err *err)
{
    if (!is_plain(text))
        return err_set(err, ERR_INVALID, "%.*s: \"%.*s\" has characters that are not allowed there", STR_ARG(what),
                       STR_ARG(text));
    buf_add(buf, text);
    return 0;
}

static int put_flag(const struct flag *flag, const struct doc *value, struct buf *buf, struct err *err)
{
    buf_add(buf, STR(" --"));
    buf_add(buf, str_of(flag->flag));
    buf_byte(buf, '=');
    if (!flag->between && value->kind != DOC_MAP && value->kind != DOC_LIST)
        return put_plain(buf, value->key, value->text, err);
    if (!flag->between || value->kind != DOC_MAP)
        return err_set(err, ERR_INVALID, "kubelet configuration: %.*s is not of its kind", STR_ARG(value->key));
    const char *comma = "";
    DOC_EACH (member, value) {
        buf_add(buf, str_of(comma));
        int rc = put_plain(buf, value->key, member->key, err);
        buf_add(buf, str_of(flag->between));
        if (!rc)
            rc = put_plain(buf, value->key, member->text, err);
        if (rc)
            return rc;
        comma = ",";
    }
    return 0;
}

int aws_kubelet_flags(const struct doc *config, struct buf *buf, struct err *err)
{
    DOC_EACH (member, config) {
        if (str_is(member->key, own_keys[CLUSTER_DNS]))
            continue;
        const struct flag *flag = find_flag(member->key);
        if (!flag)
            return err_set(err, ERR_INVALID, "kubelet configuration: %.*s cannot be told to a node of this family",
                           STR_ARG(member->key));
        int rc = put_flag(flag, member, buf, err);
        if (rc)
            return rc;
    }
    return 0;
}

static bool in_domain(struct str domain, const char *name)
{
    size_t len = strlen(name);
    if (!str_ends(domain, name))
        return false;
    return domain.len == len || domain.ptr[domain.len - len - 1] == '.';
}

bool aws_kubelet_may_set(struct str key)
{
    static const char *const known[] = {
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    };
    struct str rest = key, domain = str_cut(&rest, '/');
    if (domain.len == key.len)
        return true; /* no domain */
    if (!in_domain(domain, "kubernetes.io") && !in_domain(domain, "k8s.io"))
        return true;
    if (in_domain(domain, "node.kubernetes.io") || in_domain(domain, "kubelet.kubernetes.io"))
        return true;
    for (size_t i = 0; i < CC_COUNT(known); i++)
        if (str_is(key, known[i]))
            return true;
    return false;
}

int aws_kubelet_labels(const struct cloud_bootstrap *bootstrap, struct buf *buf, struct err *err)
{
    const char *comma = "";
    for (size_t i = 0; i < bootstrap->n_labels; i++) {
        const struct cloud_label *label = &bootstrap->labels[i];
        if (!aws_kubelet_may_set(label->key))
            continue;
        buf_add(buf, str_of(comma));
        int rc = put_plain(buf, STR("label"), label->key, err);
        buf_byte(buf, '=');
        if (!rc)
            rc = put_plain(buf, label->key, label->value, err);
        if (rc)
            return rc;
        comma = ",";
    }
    return 0;
}

int aws_kubelet_taints(const struct cloud_bootstrap *bootstrap, struct buf *buf, struct err *err)
{
    for (size_t i = 0; i < bootstrap->n_taints; i++) {
        const struct cloud_taint *taint = &bootstrap->taints[i];
        if (i > 0)
            buf_byte(buf, ',');
        int rc = put_plain(buf, STR("taint"), taint->key, err);
        buf_byte(buf, '=');
        if (!rc)
            rc = put_plain(buf, taint->key, taint->value, err);
        buf_byte(buf, ':');
        if (!rc)
            rc = put_plain(buf, taint->key, taint->effect, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* decode_kubelet.c - a Provisioner's kubeletConfiguration, as far as it decides what a node can carry. */
#include <string.h>

#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/schema.h"

#define KUBELET "spec.kubeletConfiguration"

/* Kubelet reservations know these resources only. Source: karpenter v1alpha5 provisioner_validation.go. */
static int decode_reserved(const struct field *map, const struct cloud_resource **ret, size_t *ret_n, struct err *err)
{
    size_t n = 0, index = 0;
    struct cloud_resource *items =
        arena_array(&map->decode->objects->arena, struct cloud_resource, map->doc ? map->doc->count : 0);
    if (!items)
        return err_nomem(err);
    schema_only(map, SCHEMA_PROVISIONER, KUBELET ".kubeReserved"); /* systemReserved has the same keys */
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        if (str_is(member->key, "pid") || !field_quantity(&field, member->key, &items[n].amount))
            continue; /* process ids are not a resource that pods ask for */
        int rc = decode_keep(map->decode, member->key, &items[n++].name, err);
        if (rc < 0)
            return rc;
    }
    *ret = n > 0 ? items : NULL;
    *ret_n = n;
    return 0;
}

/* "5%" to 50 thousandths, rounded up; 100 % switches the threshold off. Source: kubelet, node-pressure eviction. */
static bool decode_percent(const struct field *field, struct str text, int64_t *ret_permille)
{
    text.len--;
    struct str fraction = text;
    struct str whole = str_cut(&fraction, '.');
    int64_t per_cent = 0, tenths = 0;
    bool good = whole.len > 0 && whole.ptr[0] != '-' && whole.ptr[0] != '+' && str_to_int64(whole, &per_cent) &&
                per_cent <= 100;
    for (size_t i = 0; i < fraction.len && good; i++) {
        good = fraction.ptr[i] >= '0' && fraction.ptr[i] <= '9';
        if (i == 0)
            tenths = fraction.ptr[i] - '0';
        else if (fraction.ptr[i] != '0' && fraction.len == i + 1)
            tenths++;
    }
    if (!good || per_cent * 10 + tenths > 1000) {
        field_bad(field, "is \"%.*s%%\", allowed are 0%% to 100%%", FIELD_SHOW(text));
        return false;
    }
    *ret_permille = per_cent * 10 + tenths == 1000 ? 0 : per_cent * 10 + tenths;
    return true;
}

/* One signal's threshold; the larger of several stays. */
static void decode_threshold(const struct field *field, int64_t *bytes, int64_t *permille)
{
    if (!field_here(field))
        return;
    int64_t value = 0;
    bool per_cent = field->doc->kind == DOC_STRING && str_ends(field->doc->text, "%");
    int64_t *kept = per_cent ? permille : bytes;
    bool good =
        per_cent ? decode_percent(field, field->doc->text, &value) : field_quantity(field, STR("memory"), &value);
    if (good && value > *kept)
        *kept = value;
}

static void decode_eviction(const struct field *map, struct cloud_kubelet *kubelet)
{
    struct field memory = field_any(map, "memory.available"), nodefs = field_any(map, "nodefs.available");
    schema_only(map, SCHEMA_PROVISIONER, KUBELET ".evictionHard"); /* evictionSoft has the same keys */
    decode_threshold(&memory, &kubelet->evict_memory_bytes, &kubelet->evict_memory_permille);
    decode_threshold(&nodefs, &kubelet->evict_nodefs_bytes, &kubelet->evict_nodefs_permille);
}

/* A soft threshold without its grace period keeps the kubelet from starting. */
static void check_grace_periods(const struct field *soft, const struct field *grace)
{
    size_t index = 0;
    schema_only(grace, SCHEMA_PROVISIONER, KUBELET ".evictionSoftGracePeriod");
    DOC_EACH (member, soft->doc) {
        struct field field = field_child(soft, member, index++);
        bool there = false;
        DOC_EACH (period, grace->doc)
            there = there || str_eq(period->key, member->key);
        if (!there)
            field_bad(&field, "has no evictionSoftGracePeriod, allowed is one for each soft threshold");
    }
}

int decode_kubelet(const struct field *map, struct cloud_kubelet *ret, struct err *err)
{
    struct field max_pods = field_any(map, "maxPods"), per_core = field_any(map, "podsPerCore"),
                 kube = field_map(map, "kubeReserved"), system = field_map(map, "systemReserved"),
                 hard = field_map(map, "evictionHard"), soft = field_map(map, "evictionSoft"),
                 grace = field_map(map, "evictionSoftGracePeriod");
    struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    schema_only(map, SCHEMA_PROVISIONER, KUBELET);
    field_int(&max_pods, 0, INT32_MAX, &kubelet.max_pods);
    field_int(&per_core, 0, INT32_MAX, &kubelet.pods_per_core);
    if (kubelet.pods_per_core == 0)
        kubelet.pods_per_core = -1; /* the kubelet's word for no such limit */
    decode_eviction(&hard, &kubelet);
    decode_eviction(&soft, &kubelet);
    check_grace_periods(&soft, &grace);
    int rc = decode_reserved(&kube, &kubelet.kube_reserved, &kubelet.n_kube_reserved, err);
    if (rc == 0)
        rc = decode_reserved(&system, &kubelet.system_reserved, &kubelet.n_system_reserved, err);
    if (rc < 0)
        return rc;
    *ret = kubelet;
    return 0;
}

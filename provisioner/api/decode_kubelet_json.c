/* decode_kubelet_json.c - what a kubeletConfiguration says beyond capacity, as the kubelet's own configuration. */
#include "base/json_out.h"
#include "provisioner/api/decode_kinds.h"

/* Members whose values are text in a KubeletConfiguration, however they were written. Source: kubelet.config.k8s.io. */
static const char *const TEXT_MAPS[] = {"systemReserved", "kubeReserved", "evictionHard", "evictionSoft",
                                        "evictionSoftGracePeriod"};

static void write_texts(struct json_out *json, const struct field *kubelet, const char *name)
{
    const struct doc *map = doc_get(kubelet->doc, name); /* what is wrong with it was said by decode_kubelet */
    if (!map || map->kind != DOC_MAP || !map->count)
        return;
    json_open_map(json, name);
    DOC_EACH (member, map)
        if (member->kind == DOC_STRING || member->kind == DOC_NUMBER)
            json_str_by(json, member->key, member->text);
    json_close_map(json);
}

static void write_int(struct json_out *json, const struct field *kubelet, const char *name, int64_t max)
{
    struct field field = field_any(kubelet, name);
    int64_t value;
    if (field_int(&field, 0, max, &value))
        json_int(json, name, value);
}

int decode_kubelet_json(const struct field *kubelet, struct str *ret, struct err *err)
{
    struct arena *arena = &kubelet->decode->objects->arena;
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    struct field quota_field = field_any(kubelet, "cpuCFSQuota");
    struct str text;
    bool quota;
    json_open_map(&json, NULL);
    for (size_t i = 0; i < CC_COUNT(TEXT_MAPS); i++)
        write_texts(&json, kubelet, TEXT_MAPS[i]);
    write_int(&json, kubelet, "evictionMaxPodGracePeriod", INT32_MAX);
    write_int(&json, kubelet, "imageGCHighThresholdPercent", 100);
    write_int(&json, kubelet, "imageGCLowThresholdPercent", 100);
    if (field_bool(&quota_field, &quota))
        json_bool(&json, "cpuCFSQuota", quota);
    json_close_map(&json);
    int rc = buf_str(&buf, &text, err);
    if (rc < 0)
        return rc;
    *ret = str_is(text, "{}") ? STR("") : text;
    return 0;
}

/* bottlerocket.c - a Bottlerocket node's settings: TOML, ours beside the user's. */
#include <string.h>

#include "base/vec.h"
#include "cloud/aws/kubelet.h"
#include "cloud/aws/toml.h"
#include "cloud/aws/user_data.h"

/* Statements of ours, then those of the user that do not stand against them. */
struct settings {
    VEC(struct toml_statement) own; /* malloced: freed by aws_bottlerocket */
    struct arena *arena;
    struct buf *buf;
};

enum form { FORM_STRING, FORM_AS_IS, FORM_MAP };

struct setting {
    const char *field, *name;
    enum form form;
};

/* A KubeletConfiguration field and what Bottlerocket calls it. Source: bottlerocket.dev, settings.kubernetes. */
static const struct setting known[] = {
    {"maxPods", "max-pods", FORM_AS_IS},
    {"kubeReserved", "kube-reserved", FORM_MAP},
    {"systemReserved", "system-reserved", FORM_MAP},
    {"evictionHard", "eviction-hard", FORM_MAP},
    {"evictionSoft", "eviction-soft", FORM_MAP},
    {"evictionSoftGracePeriod", "eviction-soft-grace-period", FORM_MAP},
    {"evictionMaxPodGracePeriod", "eviction-max-pod-grace-period", FORM_AS_IS},
    {"imageGCHighThresholdPercent", "image-gc-high-threshold-percent", FORM_AS_IS},
    {"imageGCLowThresholdPercent", "image-gc-low-threshold-percent", FORM_AS_IS},
    {"cpuCFSQuota", "cpu-cfs-quota-enforced", FORM_AS_IS},
};

static int put(struct settings *settings, const char *table, struct str key, struct str value, struct err *err)
{
    struct buf path = BUF_INIT(settings->arena);
    struct toml_statement statement = {.value = value};
    buf_add(&path, str_of(table));
    buf_byte(&path, '.');
    toml_put_key(&path, key);
    int rc = buf_str(&path, &statement.path, err);
    if (rc)
        return rc;
    return VEC_PUSH(&settings->own, statement) ? 0 : err_nomem(err);
}

static int put_text(struct settings *settings, const char *table, struct str key, struct str text, struct err *err)
{
    struct buf buf = BUF_INIT(settings->arena);
    struct str value;
    toml_put_string(&buf, text);
    int rc = buf_str(&buf, &value, err);
    return rc ? rc : put(settings, table, key, value, err);
}

static int put_field(struct settings *settings, const struct setting *setting, const struct doc *value, struct err *err)
{
    int rc = 0;
    if (setting->form == FORM_AS_IS && (value->kind == DOC_NUMBER || value->kind == DOC_BOOL))
        return put(settings, "settings.kubernetes", str_of(setting->name), value->text, err);
    if (setting->form != FORM_MAP || value->kind != DOC_MAP)
        return err_set(err, ERR_INVALID, "kubelet configuration: %.*s is not of its kind", STR_ARG(value->key));
    const char *table = arena_printf(settings->arena, "settings.kubernetes.%s", setting->name);
    if (!table)
        return err_nomem(err);
    for (const struct doc *member = value->first; member && rc == 0; member = member->next)
        rc = put_text(settings, table, member->key, member->text, err);
    return rc;
}

static int put_kubelet(void *context, const struct doc *config, struct err *err)
{
    struct settings *settings = context;
    DOC_EACH (member, config) {
        int rc = ERR_NOT_FOUND;
        if (str_is(member->key, "clusterDNS"))
            rc = member->first
                     ? put_text(settings, "settings.kubernetes", STR("cluster-dns-ip"), member->first->text, err)
                     : 0;
        for (size_t i = 0; i < CC_COUNT(known) && rc == ERR_NOT_FOUND; i++)
            if (str_is(member->key, known[i].field))
                rc = put_field(settings, &known[i], member, err);
        if (rc == ERR_NOT_FOUND)
            return err_set(err, ERR_INVALID, "kubelet configuration: %.*s cannot be told to a node of this family",
                           STR_ARG(member->key));
        if (rc)
            return rc;
    }
    return 0;
}

static int put_cluster(struct settings *settings, const struct aws_cluster *cluster, struct err *err)
{
    static const char table[] = "settings.kubernetes";
    int rc = put_text(settings, table, STR("api-server"), cluster->endpoint, err);
    if (!rc && cluster->ca_base64.len)
        rc = put_text(settings, table, STR("cluster-certificate"), cluster->ca_base64, err);
    return rc ? rc : put_text(settings, table, STR("cluster-name"), cluster->name, err);
}

/* All taints of one key are one list. */
static int put_taint(struct settings *settings, const struct cloud_bootstrap *bootstrap, struct str key,
                     struct err *err)
{
    struct buf list = BUF_INIT(settings->arena);
    struct str value;
    const char *comma = "[";
    for (size_t i = 0; i < bootstrap->n_taints; i++) {
        const struct cloud_taint *taint = &bootstrap->taints[i];
        if (!str_eq(taint->key, key))
            continue;
        const char *text = arena_printf(settings->arena, "%.*s:%.*s", STR_ARG(taint->value), STR_ARG(taint->effect));
        if (!text)
            return err_nomem(err);
        buf_add(&list, str_of(comma));
        toml_put_string(&list, str_of(text));
        comma = ", ";
    }
    buf_byte(&list, ']');
    int rc = buf_str(&list, &value, err);
    return rc ? rc : put(settings, "settings.kubernetes.node-taints", key, value, err);
}

static int put_taints(struct settings *settings, const struct cloud_bootstrap *bootstrap, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < bootstrap->n_taints && rc == 0; i++) {
        size_t first = 0;
        while (!str_eq(bootstrap->taints[first].key, bootstrap->taints[i].key))
            first++;
        if (first == i)
            rc = put_taint(settings, bootstrap, bootstrap->taints[i].key, err);
    }
    return rc;
}

static int put_labels(struct settings *settings, const struct cloud_bootstrap *bootstrap, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < bootstrap->n_labels && rc == 0; i++)
        if (aws_kubelet_may_set(bootstrap->labels[i].key))
            rc = put_text(settings, "settings.kubernetes.node-labels", bootstrap->labels[i].key,
                          bootstrap->labels[i].value, err);
    return rc;
}

/* Source: bottlerocket.dev, "apiclient ephemeral-storage" (since 1.22). */
static int put_local_disks(struct settings *settings, struct err *err)
{
    static const char table[] = "settings.bootstrap-commands.stoker-local-disks";
    int rc = put(settings, table, STR("commands"),
                 STR("[[\"apiclient\", \"ephemeral-storage\", \"init\"], [\"apiclient\", \"ephemeral-storage\", "
                     "\"bind\", \"--dirs\", \"/var/lib/containerd\", \"/var/lib/kubelet\", \"/var/log/pods\"]]"),
                 err);
    if (!rc)
        rc = put_text(settings, table, STR("mode"), STR("always"), err);
    return rc ? rc : put(settings, table, STR("essential"), STR("true"), err);
}

static bool is_below(struct str path, struct str table)
{
    return path.len > table.len && path.ptr[table.len] == '.' && memcmp(path.ptr, table.ptr, table.len) == 0;
}

static void put_line(struct settings *settings, const struct toml_statement *statement)
{
    buf_add(settings->buf, statement->path);
    buf_add(settings->buf, STR(" = "));
    buf_add(settings->buf, statement->value);
    buf_byte(settings->buf, '\n');
}

/* Where both say the same thing, ours holds: without it the node would not join. */
static int put_users(void *context, const struct toml_statement *statement, struct err *err)
{
    struct settings *settings = context;
    for (size_t i = 0; i < settings->own.len; i++) {
        struct str own = settings->own.items[i].path;
        if (str_eq(own, statement->path))
            return 0;
        if (is_below(own, statement->path) || is_below(statement->path, own))
            return err_set(err, ERR_INVALID, "%.*s cannot be merged with %.*s, which the node needs: write its parts",
                           STR_ARG(statement->path), STR_ARG(own));
    }
    put_line(settings, statement);
    return 0;
}

static int gather(struct settings *settings, const struct aws_cluster *cluster, const struct cloud_template *template_,
                  const struct cloud_bootstrap *bootstrap, struct err *err)
{
    struct str config = STR("");
    int rc = put_cluster(settings, cluster, err);
    if (!rc)
        rc = aws_kubelet_config(bootstrap, cluster->dns, settings->arena, &config, err);
    if (!rc)
        rc = aws_kubelet_read(config, put_kubelet, settings, err);
    if (!rc)
        rc = put_labels(settings, bootstrap, err);
    if (!rc)
        rc = put_taints(settings, bootstrap, err);
    return !rc && template_->disk.instance_store_raid0 ? put_local_disks(settings, err) : rc;
}

int aws_bottlerocket(const struct aws_cluster *cluster, const struct cloud_template *template_,
                     const struct cloud_bootstrap *bootstrap, struct arena *arena, struct buf *buf, struct err *err)
{
    struct settings settings = {.arena = arena, .buf = buf};
    int rc = gather(&settings, cluster, template_, bootstrap, err);
    for (size_t i = 0; i < settings.own.len && rc == 0; i++)
        put_line(&settings, &settings.own.items[i]);
    if (!rc && toml_read(template_->user_data, arena, put_users, &settings, err))
        rc = err_wrap(err, "userData of template %.*s", STR_ARG(template_->name));
    VEC_FREE(&settings.own);
    return rc;
}

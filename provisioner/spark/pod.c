#include <stdarg.h>
#include <stdio.h>

#include "provisioner/api/decode_pod.h"
#include "provisioner/spark/demand.h"
#include "provisioner/spark/tree.h"

#define LABEL_ROLE     "spark-role"
#define LABEL_NAME     "spark-app-name"
#define LABEL_SELECTOR "spark-app-selector"
#define LABEL_EXEC_ID  "spark-exec-id"
#define LABEL_PROFILE  "spark-exec-resourceprofile-id"
#define LABEL_OPERATOR "sparkoperator.k8s.io/app-name"

/* A pod in the making. */
struct making {
    const struct spark_draft *draft;
    const struct role_keys *keys;
    const struct doc *role; /* spec.driver or spec.executor of an application, NULL */
    struct tree tree;
    struct doc *pod, *spec, *labels, *container;
    int line;
};

/* --- what Spark does: from the configuration --- */

/* The container that Spark runs in: the template's of that name, else its first, else a new one. */
static void choose_container(struct making *making)
{
    struct doc *containers = tree_list(&making->tree, making->spec, "containers", making->line);
    struct str name = conf_text(making->draft->conf, making->keys->template_container, STR(""));
    making->container = containers ? containers->first : NULL;
    DOC_EACH (container, containers) {
        const struct doc *named = doc_get(container, "name");
        if (name.len && named && str_eq(named->text, name))
            making->container = (struct doc *)container;
    }
    if (making->container)
        return;
    making->container = tree_append_map(&making->tree, containers, making->line);
    tree_text(&making->tree, making->container, STR("name"), str_of(making->keys->container), making->line);
}

/* Sets an amount as request and, unless it is cpu, as limit. */
static void set_amount(struct making *making, struct str resource, struct str amount, int line)
{
    struct doc *resources = tree_map(&making->tree, making->container, "resources", line);
    struct doc *requests = tree_map(&making->tree, resources, "requests", line);
    tree_text(&making->tree, requests, resource, amount, line);
    if (!str_is(resource, "cpu"))
        tree_text(&making->tree, tree_map(&making->tree, resources, "limits", line), resource, amount, line);
}

static struct str print(struct making *making, const char *fmt, ...) CC_PRINTF(2, 3);

static struct str print(struct making *making, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str copy = str_dup(making->tree.arena, str_of(text));
    making->tree.failed = making->tree.failed || !copy.ptr;
    return copy;
}

static void set_amounts(struct making *making)
{
    struct role_amounts amounts = rules_amounts(making->draft->conf, making->keys);
    set_amount(making, STR("cpu"), amounts.cpu, making->line);
    set_amount(making, STR("memory"), print(making, "%lldMi", (long long)amounts.memory_mib), making->line);
}

/* spark.executor.resource.gpu.{amount,vendor}: the device vendor/gpu. Source: KubernetesUtils.buildResourcesQuantities.
 */
static void set_devices(struct making *making)
{
    const struct conf *conf = making->draft->conf;
    for (size_t i = 0; i < conf->entries.len; i++) {
        const struct conf_entry *entry = &conf->entries.items[i];
        struct str name;
        if (!conf_under(conf, i, making->keys->resources, &name) || !str_ends(name, ".amount"))
            continue;
        name.len -= sizeof(".amount") - 1;
        struct str key = print(making, "%s%.*s.vendor", making->keys->resources, STR_ARG(name));
        struct str vendor = key.ptr ? conf_text(conf, key.ptr, STR("")) : STR("");
        int64_t amount;
        if (!vendor.len)
            conf_bad(conf, entry, "asks for a device without a vendor, allowed is %.*s beside it", STR_ARG(key));
        else if (!str_to_int64(entry->value, &amount) || amount < 0)
            conf_bad(conf, entry, "is \"%.*s\", allowed is a whole number of devices", FIELD_SHOW(entry->value));
        else
            set_amount(making, print(making, "%.*s/%.*s", STR_ARG(vendor), STR_ARG(name)), entry->value, entry->line);
    }
}

/* Entries prefix<key>=<value> into a map. */
static void set_prefixed(struct making *making, struct doc *map, const char *prefix)
{
    const struct conf *conf = making->draft->conf;
    struct str key;
    for (size_t i = 0; i < conf->entries.len; i++)
        if (conf_under(conf, i, prefix, &key))
            tree_text(&making->tree, map, key, conf->entries.items[i].value, conf->entries.items[i].line);
}

static void set_node_selectors(struct making *making)
{
    struct doc *map = tree_map(&making->tree, making->spec, "nodeSelector", making->line);
    set_prefixed(making, map, "spark.kubernetes.node.selector.");
    set_prefixed(making, map, making->keys->node_selectors);
}

static void set_scheduler(struct making *making)
{
    struct str both = conf_text(making->draft->conf, "spark.kubernetes.scheduler.name", STR(""));
    struct str name = conf_text(making->draft->conf, making->keys->scheduler, both);
    if (name.len)
        tree_text(&making->tree, making->spec, STR("schedulerName"), name, making->line);
}

/*
 * volumes.persistentVolumeClaim.<volume>.options.{claimName,storageClass}: a claim that exists, or one that is made
 * for each pod, which is to a provisioner what an ephemeral volume is. Source: MountVolumesFeatureStep.
 */
static void set_volumes(struct making *making)
{
    const struct conf *conf = making->draft->conf;
    struct doc *volumes = tree_list(&making->tree, making->spec, "volumes", making->line);
    for (size_t i = 0; i < conf->entries.len; i++) {
        const struct conf_entry *entry = &conf->entries.items[i];
        struct str name;
        if (!conf_under(conf, i, making->keys->volumes, &name) || !str_ends(name, ".options.claimName"))
            continue;
        name.len -= sizeof(".options.claimName") - 1;
        struct doc *volume = tree_append_map(&making->tree, volumes, entry->line);
        tree_text(&making->tree, volume, STR("name"), name, entry->line);
        if (!str_is(entry->value, "OnDemand")) {
            struct doc *claim = tree_map(&making->tree, volume, "persistentVolumeClaim", entry->line);
            tree_text(&making->tree, claim, STR("claimName"), entry->value, entry->line);
            continue;
        }
        struct str key = print(making, "%s%.*s.options.storageClass", making->keys->volumes, STR_ARG(name));
        struct str class = key.ptr ? conf_text(conf, key.ptr, STR("")) : STR("");
        struct doc *ephemeral = tree_map(&making->tree, volume, "ephemeral", entry->line);
        struct doc *template = tree_map(&making->tree, ephemeral, "volumeClaimTemplate", entry->line);
        struct doc *spec = tree_map(&making->tree, template, "spec", entry->line);
        if (class.len)
            tree_text(&making->tree, spec, STR("storageClassName"), class, entry->line);
    }
}

static void set_label(struct making *making, const char *key, struct str value)
{
    if (value.len)
        tree_text(&making->tree, making->labels, str_of(key), value, making->line);
}

static void set_identity(struct making *making)
{
    const struct spark_demand *demand = &making->draft->demand;
    set_prefixed(making, making->labels, making->keys->labels);
    set_label(making, LABEL_ROLE, str_of(making->keys->name));
    set_label(making, LABEL_NAME, demand->name);
    set_label(making, LABEL_SELECTOR, demand->app_id);
    if (demand->by_operator)
        set_label(making, LABEL_OPERATOR, demand->object_name);
    if (making->keys == &rules_executor) {
        set_label(making, LABEL_EXEC_ID, STR("0"));
        set_label(making, LABEL_PROFILE, STR("0"));
    }
}

/* --- what the operator does: from the application's spec --- */

static void add_volumes(struct making *making)
{
    struct doc *volumes = tree_list(&making->tree, making->spec, "volumes", making->line);
    DOC_EACH (mount, doc_get(making->role, "volumeMounts")) {
        const struct doc *name = doc_get(mount, "name");
        DOC_EACH (volume, doc_get(making->draft->spec, "volumes")) {
            const struct doc *volume_name = doc_get(volume, "name");
            if (!name || !volume_name || !str_eq(name->text, volume_name->text))
                continue;
            tree_merge(&making->tree, tree_append_map(&making->tree, volumes, volume->line), volume);
        }
    }
}

static void add_gpu(struct making *making)
{
    const struct doc *name = doc_at(making->role, "gpu.name"), *quantity = doc_at(making->role, "gpu.quantity");
    if (name && quantity)
        set_amount(making, name->text, quantity->text, quantity->line);
}

static void add_role(struct making *making)
{
    const struct doc *app = making->draft->spec, *role = making->role;
    struct tree *tree = &making->tree;
    struct doc *spec = making->spec;
    tree_merge(tree, making->labels, doc_get(role, "labels"));
    struct doc *selector = tree_map(tree, spec, "nodeSelector", making->line);
    tree_merge(tree, selector, doc_get(app, "nodeSelector"));
    tree_merge(tree, selector, doc_get(role, "nodeSelector"));
    tree_append_all(tree, tree_list(tree, spec, "tolerations", making->line), doc_get(role, "tolerations"));
    tree_append_all(tree, tree_list(tree, spec, "initContainers", making->line), doc_get(role, "initContainers"));
    tree_append_all(tree, tree_list(tree, spec, "containers", making->line), doc_get(role, "sidecars"));
    tree_set(tree, spec, "affinity", doc_get(role, "affinity"));
    tree_set(tree, spec, "schedulerName", doc_get(app, "batchScheduler"));
    tree_set(tree, spec, "schedulerName", doc_get(role, "schedulerName"));
    tree_set(tree, spec, "priorityClassName", doc_at(app, "batchSchedulerOptions.priorityClassName"));
    tree_set(tree, spec, "priorityClassName", doc_get(role, "priorityClassName"));
    tree_set(tree, spec, "hostNetwork", doc_get(role, "hostNetwork"));
    add_gpu(making);
    add_volumes(making);
}

/* --- the pod, decoded --- */

static int keep_claims(const struct field *spec, struct spark_pod *pod, struct err *err)
{
    struct field volumes = field_list(spec, "volumes");
    size_t most = volumes.doc ? volumes.doc->count : 0;
    struct str *claims = arena_array(&spec->decode->objects->arena, struct str, most);
    struct str *classes = arena_array(&spec->decode->objects->arena, struct str, most);
    if (!claims || !classes)
        return err_nomem(err);
    size_t index = 0;
    DOC_EACH (item, volumes.doc) {
        struct field volume = field_child(&volumes, item, index++);
        struct field source = field_map(&volume, "persistentVolumeClaim"), ephemeral = field_map(&volume, "ephemeral");
        struct field name = field_any(&source, "claimName"), template = field_map(&ephemeral, "volumeClaimTemplate");
        struct field template_spec = field_map(&template, "spec"),
                     class = field_any(&template_spec, "storageClassName");
        int code = 0;
        if (field_here(&source))
            code = field_keep(&name, &claims[pod->n_claims++], err);
        else if (field_here(&ephemeral)) {
            classes[pod->n_ephemeral_classes] = STR("");
            code = field_keep(&class, &classes[pod->n_ephemeral_classes++], err);
        }
        if (code)
            return code;
    }
    pod->claims = claims;
    pod->ephemeral_classes = classes;
    return 0;
}

static int decode_made_pod(const struct making *making, struct spark_pod *ret, struct err *err)
{
    struct field root = field_root(making->draft->decode, making->pod);
    struct field pod = {making->draft->decode, &root, making->pod, str_of(making->keys->name), 0};
    struct field metadata = field_map(&pod, "metadata"), labels = field_map(&metadata, "labels");
    struct field spec = field_map(&pod, "spec");
    struct spark_pod made = {0};
    int code = decode_labels(&labels, &made.labels, err);
    if (code == 0)
        code = decode_pod_spec(&spec, &made.labels, &made.spec, err);
    if (code == 0)
        code = keep_claims(&spec, &made, err);
    if (code == 0)
        *ret = made;
    return code;
}

int spark_pod_make(const struct spark_draft *draft, const struct role_keys *keys, struct spark_pod *ret,
                   struct err *err)
{
    struct making making = {.draft = draft, .keys = keys, .tree = {.arena = draft->scratch}};
    making.line = draft->demand.origin.line;
    making.role = keys == &rules_driver ? draft->driver : draft->executor;
    const struct doc *template;
    int code = spark_template_find(draft, keys, &template, err);
    if (code)
        return code;
    making.pod = tree_copy(&making.tree, template);
    struct doc *metadata = tree_map(&making.tree, making.pod, "metadata", making.line);
    making.labels = tree_map(&making.tree, metadata, "labels", making.line);
    making.spec = tree_map(&making.tree, making.pod, "spec", making.line);
    choose_container(&making);
    set_amounts(&making);
    set_devices(&making);
    set_node_selectors(&making);
    set_scheduler(&making);
    set_volumes(&making);
    add_role(&making);
    set_identity(&making);
    return making.tree.failed ? err_nomem(err) : decode_made_pod(&making, ret, err);
}

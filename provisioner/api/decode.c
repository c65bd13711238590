#include "provisioner/api/decode.h"

#include <string.h>

#include "provisioner/api/decode_kinds.h"
#include "provisioner/spark/spark.h"

enum { NAME_MAX_BYTES = 253, LABEL_NAME_MAX_BYTES = 63 };

static int decode_spark(const struct field *object, const struct metadata *metadata, struct err *err)
{
    (void)metadata;
    const struct decode *decode = object->decode;
    return spark_application_decode(decode->objects, object->doc, decode->file, decode->diag, err);
}

/* A kind that is known: in which API versions, where, and what is done with it. */
struct kind {
    const char *name;
    const char *versions[3];
    bool namespaced;
    decode_kind_fn *decode;
    const char *refusal; /* instead of decode: what to do */
};

static const struct kind KINDS[] = {
    {"Pod", {"v1"}, true, decode_pod, NULL},
    {"Node", {"v1"}, false, decode_node, NULL},
    {"DaemonSet", {"apps/v1"}, true, decode_daemon_set, NULL},
    {"PersistentVolumeClaim", {"v1"}, true, decode_volume_claim, NULL},
    {"PersistentVolume", {"v1"}, false, decode_volume, NULL},
    {"StorageClass", {"storage.k8s.io/v1", "storage.k8s.io/v1beta1"}, false, decode_storage_class, NULL},
    {"CSINode", {"storage.k8s.io/v1"}, false, decode_csi_node, NULL},
    {"PriorityClass", {"scheduling.k8s.io/v1"}, false, decode_priority_class, NULL},
    {"Provisioner", {"stoker.sh/v1alpha1", "karpenter.sh/v1alpha5"}, false, decode_provisioner, NULL},
    {"NodeTemplate", {"stoker.sh/v1alpha1"}, false, decode_template, NULL},
    {"AWSNodeTemplate", {"karpenter.k8s.aws/v1alpha1"}, false, decode_template, NULL},
    {"SparkApplication", {"sparkoperator.k8s.io/v1beta2", "spark.apache.org/v1"}, true, decode_spark, NULL},
    {"ScheduledSparkApplication", {"sparkoperator.k8s.io/v1beta2"}, true, decode_spark, NULL},
    {"NodePool",
     {"karpenter.sh/v1", "karpenter.sh/v1beta1"},
     false,
     NULL,
     "NodePool is not understood yet; write it as a Provisioner (stoker.sh/v1alpha1 or karpenter.sh/v1alpha5)"},
    {"EC2NodeClass",
     {"karpenter.k8s.aws/v1", "karpenter.k8s.aws/v1beta1"},
     false,
     NULL,
     "EC2NodeClass is not understood yet; write it as a NodeTemplate (stoker.sh/v1alpha1) or an AWSNodeTemplate "
     "(karpenter.k8s.aws/v1alpha1)"},
};

static const struct kind *kind_of(struct str name)
{
    for (size_t i = 0; i < CC_COUNT(KINDS); i++)
        if (str_is(name, KINDS[i].name))
            return &KINDS[i];
    return NULL;
}

static bool version_good(const struct field *object, const struct kind *kind)
{
    struct field field = field_any(object, "apiVersion");
    struct str version = {"", 0};
    if (field_here(&field) && !field_text(&field, &version))
        return false;
    for (size_t i = 0; i < CC_COUNT(kind->versions) && kind->versions[i]; i++)
        if (str_is(version, kind->versions[i]))
            return true;
    field_bad(&field, "is \"%.*s\", allowed for %s is %s%s%s", FIELD_SHOW(version), kind->name, kind->versions[0],
              kind->versions[1] ? " or " : "", kind->versions[1] ? kind->versions[1] : "");
    return false;
}

/* Kubernetes is stricter; here a name must be such that namespace/name is clear and can be printed. */
static bool name_good(const struct field *field, struct str name, size_t max)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    bool good = name.len > 0 && name.len <= max;
    for (size_t i = 0; i < name.len && good; i++)
        good = name.ptr[i] != '\0' && strchr(allowed, name.ptr[i]) != NULL;
    if (!good)
        field_bad(field, "\"%.*s\" is no name, allowed are 1 to %zu letters, digits, - and .", FIELD_SHOW(name), max);
    return good;
}

static bool decode_name(const struct field *map, struct str *ret)
{
    struct field name = field_any(map, "name"), generate = field_any(map, "generateName");
    if (!field_here(&name)) {
        field_bad(&name, field_here(&generate)
                             ? "is missing: an object with generateName alone has no name yet, give it one"
                             : "is missing, allowed is the object's name");
        return false;
    }
    return field_text(&name, ret) && name_good(&name, *ret, NAME_MAX_BYTES);
}

/* Good is false if something was found wrong. */
static int decode_metadata(const struct field *object, const struct kind *kind, struct metadata *ret, bool *ret_good,
                           struct err *err)
{
    size_t findings = diag_count(object->decode->diag);
    struct field map = field_map(object, "metadata");
    struct field namespace = field_any(&map, "namespace"), uid = field_any(&map, "uid"),
                 deletion = field_any(&map, "deletionTimestamp");
    struct str name = {"", 0}, namespace_text = STR("default"), uid_text = {"", 0};
    decode_name(&map, &name);
    if (kind->namespaced && field_text(&namespace, &namespace_text) && namespace_text.len == 0)
        namespace_text = STR("default");
    if (kind->namespaced)
        name_good(&namespace, namespace_text, LABEL_NAME_MAX_BYTES);
    field_text(&uid, &uid_text);
    struct arena *arena = &object->decode->objects->arena;
    struct metadata metadata = {.map = map, .deleting = field_here(&deletion), .findings = findings};
    metadata.origin = (struct origin){object->decode->file, object->doc->line};
    *ret_good = diag_count(object->decode->diag) == findings;
    if (!*ret_good)
        return 0;
    metadata.name = str_dup(arena, name);
    metadata.uid = str_dup(arena, uid_text);
    if (!metadata.name.ptr || !metadata.uid.ptr)
        return err_nomem(err);
    *ret = metadata;
    return kind->namespaced ? decode_keep(object->decode, namespace_text, &ret->namespace_, err) : 0;
}

/* Remembers the object; *ret_new is false, with a finding, if there was one of the same kind and name before. */
static int note_name(const struct field *object, const struct kind *kind, const struct metadata *metadata,
                     bool *ret_new, struct err *err)
{
    struct objects *objects = object->decode->objects;
    struct arena_mark mark = arena_mark(&objects->arena);
    char *key = kind->namespaced ? arena_printf(&objects->arena, "%s %.*s/%.*s", kind->name,
                                                STR_ARG(metadata->namespace_), STR_ARG(metadata->name))
                                 : arena_printf(&objects->arena, "%s %.*s", kind->name, STR_ARG(metadata->name));
    if (!key)
        return err_nomem(err);
    uint32_t id = intern_find(&objects->names, str_of(key));
    bool is_new = id == INTERN_NONE;
    int rc = 0;
    if (is_new) {
        /* The origin first, so that running out of memory leaves no name without one. */
        if (!VEC_PUSH(&objects->name_origins, metadata->origin))
            return err_nomem(err);
        rc = intern_add(&objects->names, str_of(key), &id, err);
        objects->name_origins.len -= rc < 0 ? 1 : 0;
    } else {
        struct field name = field_any(&metadata->map, "name");
        const struct origin *first = &objects->name_origins.items[id];
        field_bad(&name, "%s was already read from %s:%d, allowed is one", key, first->file, first->line);
    }
    arena_rewind(&objects->arena, mark);
    *ret_new = is_new;
    return rc;
}

static int count_ignored(struct objects *objects, struct str kind, struct err *err)
{
    uint32_t id = intern_find(&objects->ignored, kind);
    if (id == INTERN_NONE) {
        /* The count first, so that running out of memory leaves no kind without one. */
        if (!VEC_PUSH(&objects->ignored_counts, 0))
            return err_nomem(err);
        int rc = intern_add(&objects->ignored, kind, &id, err);
        if (rc < 0) {
            objects->ignored_counts.len--;
            return rc;
        }
    }
    objects->ignored_counts.items[id]++;
    return 0;
}

static int decode_known(const struct field *object, const struct kind *kind, struct err *err)
{
    struct metadata metadata = {.namespace_ = {"", 0}};
    bool good = false, is_new = false;
    if (!version_good(object, kind))
        return 0;
    if (kind->refusal) {
        struct field field = field_any(object, "kind");
        field_bad(&field, "%s", kind->refusal);
        return 0;
    }
    int rc = decode_metadata(object, kind, &metadata, &good, err);
    if (rc == 0 && good)
        rc = note_name(object, kind, &metadata, &is_new, err);
    return rc < 0 || !is_new ? rc : kind->decode(object, &metadata, err);
}

/* Fills *ret for the decoding of one object; the file's name is kept. */
static int begin(struct objects *objects, const char *file, struct diag *diag, struct decode *ret, struct err *err)
{
    struct str kept;
    *ret = (struct decode){objects, file, diag};
    int rc = decode_keep(ret, str_of(file), &kept, err);
    ret->file = rc == 0 ? kept.ptr : file;
    return rc;
}

int objects_decode_budget(struct objects *objects, const struct doc *object, const char *file, struct diag *diag,
                          struct err *err)
{
    static const struct kind kind = {"PodDisruptionBudget", {"policy/v1"}, true, decode_budget, NULL};
    struct decode decode;
    int rc = begin(objects, file, diag, &decode, err);
    struct field root = field_root(&decode, object);
    return rc < 0 || !field_is_map(&root) ? rc : decode_known(&root, &kind, err);
}

int objects_decode(struct objects *objects, const struct doc *object, const char *file, struct diag *diag,
                   struct err *err)
{
    struct decode decode;
    struct str name = {"", 0};
    int rc = begin(objects, file, diag, &decode, err);
    if (rc < 0)
        return rc;
    struct field root = field_root(&decode, object);
    if (!field_is_map(&root))
        return 0;
    struct field kind_field = field_any(&root, "kind");
    if (!field_text(&kind_field, &name)) {
        if (!field_here(&kind_field))
            field_bad(&kind_field, "is missing, allowed is the kind of a Kubernetes object");
        return 0;
    }
    const struct kind *kind = kind_of(name);
    return kind ? decode_known(&root, kind, err) : count_ignored(objects, name, err);
}

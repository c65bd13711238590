/* decode_volume.c - claims, volumes, storage classes and CSI nodes, as far as they say where a pod can run. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_pod.h"
#include "provisioner/api/decode_status.h"
#include "provisioner/api/label_keys.h"

int decode_volume_claim(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), annotations = field_map(&metadata->map, "annotations");
    struct str phase = status_text(doc_get(object->doc, "status"), "phase");
    struct field volume = field_any(&spec, "volumeName"), class = field_any(&spec, "storageClassName"),
                 old_class = field_any(&annotations, "volume.beta.kubernetes.io/storage-class"),
                 selected = field_any(&annotations, "volume.kubernetes.io/selected-node");
    struct objects *objects = object->decode->objects;
    struct volume_claim claim = {
        .namespace_ = metadata->namespace_, .name = metadata->name, .deleting = metadata->deleting};
    claim.volume_name = claim.storage_class = claim.selected_node = STR("");
    if (!field_here(&class))
        class = old_class;
    claim.storage_class_set = field_here(&class);
    int rc = field_keep(&volume, &claim.volume_name, err);
    if (rc == 0)
        rc = field_keep(&class, &claim.storage_class, err);
    if (rc == 0)
        rc = field_keep(&selected, &claim.selected_node, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    claim.unbound = claim.volume_name.len && phase.len && !str_is(phase, "Bound"); /* manifests have no status */
    return VEC_PUSH(&objects->claims, claim) ? 0 : err_nomem(err);
}

/* Volumes from before nodeAffinity say their zone in a label. Source: Kubernetes' VolumeZone plugin. */
static int zone_from_label(const struct metadata *metadata, struct volume *volume, struct err *err)
{
    struct field map = field_map(&metadata->map, "labels");
    struct labels labels;
    int rc = decode_node_labels(&map, &labels, err);
    if (rc < 0)
        return rc;
    const struct str *zone = labels_get(&labels, STR(LABEL_ZONE));
    if (!zone || volume->n_terms > 0)
        return 0;
    struct arena *arena = &metadata->map.decode->objects->arena;
    struct requirement *requirement = arena_new(arena, struct requirement);
    struct node_term *term = arena_new(arena, struct node_term);
    if (!requirement || !term)
        return err_nomem(err);
    *requirement = (struct requirement){STR(LABEL_ZONE), OP_IN, zone, 1};
    term->labels = (struct requirements){requirement, 1};
    volume->terms = term;
    volume->n_terms = 1;
    return 0;
}

/* In-tree volumes are EBS's driver's since Kubernetes 1.27. Source: kubernetes csi-translation-lib, plugins/aws_ebs.go.
 */
#define EBS_DRIVER  "ebs.csi.aws.com"
#define EBS_IN_TREE "kubernetes.io/aws-ebs"

/* Volumes that are no CSI driver's (hostPath, NFS) are attached by nobody. */
static int decode_driver(const struct field *spec, struct str *ret, struct err *err)
{
    struct field csi = field_map(spec, "csi"), ebs = field_map(spec, "awsElasticBlockStore");
    struct field driver = field_any(&csi, "driver");
    *ret = field_here(&ebs) ? STR(EBS_DRIVER) : STR("");
    return field_keep(&driver, ret, err);
}

int decode_volume(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), affinity = field_map(&spec, "nodeAffinity");
    struct field required = field_map(&affinity, "required"), terms = field_list(&required, "nodeSelectorTerms");
    struct objects *objects = object->decode->objects;
    struct volume volume = {.name = metadata->name};
    int rc = decode_driver(&spec, &volume.driver, err);
    if (rc == 0)
        rc = decode_node_terms(&terms, &volume.terms, &volume.n_terms, err);
    if (rc == 0)
        rc = zone_from_label(metadata, &volume, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->volumes, volume) ? 0 : err_nomem(err);
}

/* One topologySelectorTerm: matchLabelExpressions of {key, values}, each an In. */
static int decode_topology_term(const struct field *map, struct node_term *ret, struct err *err)
{
    struct field list = field_list(map, "matchLabelExpressions");
    struct requirement *items =
        arena_array(&map->decode->objects->arena, struct requirement, list.doc ? list.doc->count : 0);
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list.doc) {
        struct field one = field_child(&list, item, index++);
        struct field key = field_any(&one, "key"), values = field_list(&one, "values");
        struct requirement *requirement = &items[n];
        requirement->op = OP_IN;
        int rc = field_keep(&key, &requirement->key, err);
        if (rc == 0)
            rc = field_keep_texts(&values, &requirement->values, &requirement->n_values, err);
        if (rc < 0)
            return rc;
        if (requirement->key.len == 0 || requirement->n_values == 0)
            field_bad(&one, "allowed is a key with at least one value");
        requirement->key = label_key_current(requirement->key);
        n++;
    }
    ret->labels = (struct requirements){items, n};
    return 0;
}

static int decode_topologies(const struct field *list, struct storage_class *class, struct err *err)
{
    struct node_term *terms =
        arena_array(&list->decode->objects->arena, struct node_term, list->doc ? list->doc->count : 0);
    if (!terms)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        int rc = field_is_map(&field) ? decode_topology_term(&field, &terms[n], err) : 0;
        if (rc < 0)
            return rc;
        n += terms[n].labels.n > 0 ? 1 : 0;
    }
    class->terms = terms;
    class->n_terms = n;
    return 0;
}

int decode_storage_class(const struct field *object, const struct metadata *metadata, struct err *err)
{
    static const char *const modes[] = {"Immediate", "WaitForFirstConsumer", NULL};
    struct field annotations = field_map(&metadata->map, "annotations"), provisioner = field_any(object, "provisioner"),
                 mode = field_any(object, "volumeBindingMode"), topologies = field_list(object, "allowedTopologies");
    struct field marked = field_any(&annotations, "storageclass.kubernetes.io/is-default-class");
    struct objects *objects = object->decode->objects;
    struct storage_class class = {.name = metadata->name, .driver = {"", 0}};
    struct str text = {"", 0};
    int choice = 0;
    field_choice(&mode, modes, &choice);
    class.wait_for_consumer = choice == 1;
    class.is_default = field_text(&marked, &text) && str_is(text, "true");
    int rc = field_keep(&provisioner, &class.driver, err);
    if (str_is(class.driver, EBS_IN_TREE))
        class.driver = STR(EBS_DRIVER);
    if (rc == 0)
        rc = decode_topologies(&topologies, &class, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->storage_classes, class) ? 0 : err_nomem(err);
}

static int decode_csi_driver(const struct field *map, struct csi_driver *ret, struct err *err)
{
    struct field name = field_any(map, "name"), allocatable = field_map(map, "allocatable");
    struct field count = field_any(&allocatable, "count");
    ret->count = -1;
    field_int(&count, 0, INT32_MAX, &ret->count);
    int rc = field_keep(&name, &ret->name, err);
    if (rc == 0 && ret->name.len == 0)
        field_bad(&name, "is missing, allowed is the name of a CSI driver");
    return rc;
}

int decode_csi_node(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), list = field_list(&spec, "drivers");
    struct objects *objects = object->decode->objects;
    struct csi_driver *drivers = arena_array(&objects->arena, struct csi_driver, list.doc ? list.doc->count : 0);
    struct csi_node node = {.name = metadata->name, .drivers = drivers};
    size_t index = 0;
    if (!drivers)
        return err_nomem(err);
    DOC_EACH (item, list.doc) {
        struct field field = field_child(&list, item, index++);
        int rc = field_is_map(&field) ? decode_csi_driver(&field, &drivers[node.n_drivers++], err) : 0;
        if (rc < 0)
            return rc;
    }
    if (metadata_spoiled(metadata))
        return 0;
    return VEC_PUSH(&objects->csi_nodes, node) ? 0 : err_nomem(err);
}

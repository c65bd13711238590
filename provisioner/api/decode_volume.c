/* decode_volume.c - claims, volumes and storage classes, as far as they say where a pod can run. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_pod.h"
#include "provisioner/api/label_keys.h"

int decode_volume_claim(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), annotations = field_map(&metadata->map, "annotations");
    struct field volume = field_any(&spec, "volumeName"), class = field_any(&spec, "storageClassName"),
                 old_class = field_any(&annotations, "volume.beta.kubernetes.io/storage-class"),
                 selected = field_any(&annotations, "volume.kubernetes.io/selected-node");
    struct objects *objects = object->decode->objects;
    struct volume_claim claim = {.namespace_ = metadata->namespace_, .name = metadata->name};
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

int decode_volume(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), affinity = field_map(&spec, "nodeAffinity");
    struct field required = field_map(&affinity, "required"), terms = field_list(&required, "nodeSelectorTerms");
    struct objects *objects = object->decode->objects;
    struct volume volume = {.name = metadata->name};
    int rc = decode_node_terms(&terms, &volume.terms, &volume.n_terms, err);
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
    struct storage_class class = {.name = metadata->name, .provisioner = {"", 0}};
    struct str text = {"", 0};
    int choice = 0;
    field_choice(&mode, modes, &choice);
    class.wait_for_consumer = choice == 1;
    class.is_default = field_text(&marked, &text) && str_is(text, "true");
    int rc = field_keep(&provisioner, &class.provisioner, err);
    if (rc == 0)
        rc = decode_topologies(&topologies, &class, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->storage_classes, class) ? 0 : err_nomem(err);
}

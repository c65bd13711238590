#include "provisioner/api/decode_pod.h"

#include "provisioner/api/decode.h"
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_status.h"

/* By enum pod_phase. */
static const char *const PHASES[] = {"Pending", "Running", "Succeeded", "Failed", "Unknown", NULL};

/* The controller, or the first owner if none is; any DaemonSet among them makes it a daemon pod. */
static int decode_owners(const struct field *metadata, struct pod *pod, struct err *err)
{
    struct field owners = field_list(metadata, "ownerReferences");
    bool controlled = false;
    size_t index = 0;
    DOC_EACH (item, owners.doc) {
        struct field owner = field_child(&owners, item, index++);
        struct field kind = field_any(&owner, "kind"), name = field_any(&owner, "name"),
                     controller = field_any(&owner, "controller");
        struct str text = {"", 0};
        bool controls = false;
        field_text(&kind, &text);
        field_bool(&controller, &controls);
        pod->has_controller = pod->has_controller || controls;
        pod->daemon = pod->daemon || str_is(text, "DaemonSet");
        if (controlled || (pod->owner_kind.len > 0 && !controls))
            continue;
        controlled = controls;
        int rc = decode_keep(metadata->decode, text, &pod->owner_kind, err);
        if (rc == 0)
            rc = field_keep(&name, &pod->owner_name, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* An ephemeral volume's claim is named after the pod and the volume. */
static int add_ephemeral(const struct field *volume, const struct field *template, struct pod *pod, struct str *claims,
                         struct str *classes, struct err *err)
{
    struct field name = field_any(volume, "name"), spec = field_map(template, "spec");
    struct field class = field_any(&spec, "storageClassName");
    struct str text = {"", 0};
    if (!field_here(&name))
        field_bad(&name, "is missing, allowed is the volume's name");
    field_text(&name, &text);
    char *claim = arena_printf(&volume->decode->objects->arena, "%.*s-%.*s", STR_ARG(pod->name), STR_ARG(text));
    if (!claim)
        return err_nomem(err);
    claims[pod->n_claims++] = str_of(claim);
    classes[pod->n_ephemeral_classes] = STR("");
    return field_keep(&class, &classes[pod->n_ephemeral_classes++], err);
}

static int decode_volumes(const struct field *spec, struct pod *pod, struct err *err)
{
    struct field volumes = field_list(spec, "volumes");
    size_t most = volumes.doc ? volumes.doc->count : 0, index = 0;
    struct arena *arena = &spec->decode->objects->arena;
    struct str *claims = arena_array(arena, struct str, most), *classes = arena_array(arena, struct str, most);
    if (!claims || !classes)
        return err_nomem(err);
    int rc = 0;
    DOC_EACH (item, volumes.doc) {
        struct field volume = field_child(&volumes, item, index++);
        struct field source = field_map(&volume, "persistentVolumeClaim"), ephemeral = field_map(&volume, "ephemeral");
        struct field name = field_any(&source, "claimName"), template = field_map(&ephemeral, "volumeClaimTemplate");
        if (field_here(&source) && !field_here(&name))
            field_bad(&name, "is missing, allowed is the name of a PersistentVolumeClaim");
        if (field_here(&name) && name.doc->kind == DOC_STRING)
            rc = decode_keep(spec->decode, name.doc->text, &claims[pod->n_claims++], err);
        else if (field_here(&ephemeral))
            rc = add_ephemeral(&volume, &template, pod, claims, classes, err);
        if (rc < 0)
            return rc;
    }
    pod->claims = claims;
    pod->ephemeral_classes = classes;
    return 0;
}

/* The spec's parts go back if an equal spec was there before. */
static int intern_pod_spec(const struct field *spec, const struct labels *labels, uint32_t *ret_id, struct err *err)
{
    struct objects *objects = spec->decode->objects;
    struct arena_mark mark = arena_mark(&objects->arena);
    size_t findings = diag_count(spec->decode->diag), specs = objects->specs.len;
    struct pod_spec decoded;
    *ret_id = 0;
    int rc = decode_pod_spec(spec, labels, &decoded, err);
    if (rc == 0 && diag_count(spec->decode->diag) == findings)
        rc = objects_intern_spec(objects, &decoded, ret_id, err);
    if (objects->specs.len == specs)
        arena_rewind(&objects->arena, mark);
    return rc;
}

static void decode_phase(const struct field *object, struct pod *pod)
{
    struct field status = field_map(object, "status");
    struct field phase = field_any(&status, "phase");
    int choice = POD_PENDING;
    field_choice(&phase, PHASES, &choice);
    pod->phase = (enum pod_phase)choice;
}

/* The latest end of the pod's containers. */
static void note_finished(const struct doc *statuses, struct pod *pod)
{
    if (!statuses || statuses->kind != DOC_LIST)
        return;
    DOC_EACH (container, statuses) {
        struct clock_wall end = status_time(doc_at(container, "state.terminated"), "finishedAt");
        if (end.ns > pod->finished.ns)
            pod->finished = end;
    }
}

/* What only a controller asks about. */
static int decode_state(const struct field *object, struct pod *pod, struct err *err)
{
    const struct doc *status = doc_get(object->doc, "status"), *metadata = doc_get(object->doc, "metadata");
    pod->created = status_time(metadata, "creationTimestamp");
    pod->ends = status_time(metadata, "deletionTimestamp");
    if (pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED) {
        note_finished(doc_get(status, "containerStatuses"), pod);
        note_finished(doc_get(status, "initContainerStatuses"), pod);
    }
    pod->do_not_disrupt = status_do_not_disrupt(object->doc);
    pod->unschedulable = status_condition(object->doc, "PodScheduled", "False", "Unschedulable");
    pod->ready = status_condition(object->doc, "Ready", "True", NULL);
    return status_keep(object, status_text(status, "nominatedNodeName"), &pod->nominated_node, err);
}

int decode_pod(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field map = field_map(&metadata->map, "labels"), spec = field_map(object, "spec");
    struct field node_name = field_any(&spec, "nodeName");
    struct objects *objects = object->decode->objects;
    struct pod pod = {.origin = metadata->origin, .namespace_ = metadata->namespace_, .name = metadata->name};
    pod.uid = metadata->uid;
    pod.deleting = metadata->deleting;
    pod.node_name = pod.owner_kind = pod.owner_name = STR("");
    if (!field_here(&spec)) {
        field_bad(&spec, "is missing, allowed is a pod's spec");
        return 0;
    }
    decode_phase(object, &pod);
    int rc = decode_state(object, &pod, err);
    if (rc == 0)
        rc = decode_labels(&map, &pod.labels, err);
    if (rc == 0)
        rc = intern_pod_spec(&spec, &pod.labels, &pod.spec, err);
    if (rc == 0)
        rc = field_keep(&node_name, &pod.node_name, err);
    if (rc == 0)
        rc = decode_owners(&metadata->map, &pod, err);
    if (rc == 0)
        rc = decode_volumes(&spec, &pod, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    pod_spark_identity(&pod.labels, &pod.role, &pod.app);
    return VEC_PUSH(&objects->pods, pod) ? 0 : err_nomem(err);
}

int decode_daemon_set(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), template = field_map(&spec, "template");
    struct objects *objects = object->decode->objects;
    struct daemon_set set = {.origin = metadata->origin, .namespace_ = metadata->namespace_, .name = metadata->name};
    struct pod_spec decoded;
    int rc = decode_pod_template(&template, &set.labels, &decoded, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    rc = objects_intern_spec(objects, &decoded, &set.spec, err);
    if (rc < 0)
        return rc;
    return VEC_PUSH(&objects->daemon_sets, set) ? 0 : err_nomem(err);
}

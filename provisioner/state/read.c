/* read.c - one object from a document to memory of its own: decoded as everywhere, copied, the rest forgotten. */
#include <stdio.h>
#include <string.h>

#include "provisioner/api/copy.h"
#include "provisioner/api/decode.h"
#include "provisioner/api/decode_status.h"
#include "provisioner/state/internal.h"

/* Where findings say that an object was read. */
static const char ORIGIN[] = "cluster";

size_t state_item_size(enum cluster_kind kind)
{
    static const size_t sizes[CLUSTER_WATCHED] = {[CLUSTER_POD] = sizeof(struct pod),
                                                  [CLUSTER_NODE] = sizeof(struct node),
                                                  [CLUSTER_DAEMON_SET] = sizeof(struct daemon_set),
                                                  [CLUSTER_VOLUME_CLAIM] = sizeof(struct volume_claim),
                                                  [CLUSTER_VOLUME] = sizeof(struct volume),
                                                  [CLUSTER_STORAGE_CLASS] = sizeof(struct storage_class),
                                                  [CLUSTER_CSI_NODE] = sizeof(struct csi_node),
                                                  [CLUSTER_PRIORITY_CLASS] = sizeof(struct priority_class),
                                                  [CLUSTER_DISRUPTION_BUDGET] = sizeof(struct budget),
                                                  [CLUSTER_PROVISIONER] = sizeof(struct provisioner),
                                                  [CLUSTER_NODE_TEMPLATE] = sizeof(struct node_template),
                                                  [CLUSTER_NODE_CLAIM] = sizeof(struct node_claim),
                                                  [CLUSTER_KARPENTER_PROVISIONER] = sizeof(struct provisioner),
                                                  [CLUSTER_KARPENTER_TEMPLATE] = sizeof(struct node_template)};
    return sizes[kind];
}

bool state_namespaced(enum cluster_kind kind)
{
    return kind == CLUSTER_POD || kind == CLUSTER_DAEMON_SET || kind == CLUSTER_VOLUME_CLAIM ||
           kind == CLUSTER_DISRUPTION_BUDGET;
}

struct state_identity state_identity(enum cluster_kind kind, const struct doc *object)
{
    const struct doc *metadata = doc_get(object, "metadata");
    struct state_identity identity = {.namespace_ = STR(""), .name = status_text(metadata, "name")};
    int64_t version;
    identity.uid = status_text(metadata, "uid");
    if (state_namespaced(kind)) {
        struct str given = status_text(metadata, "namespace");
        identity.namespace_ = given.len ? given : STR("default");
    }
    if (str_to_int64(status_text(metadata, "resourceVersion"), &version) && version > 0)
        identity.version = (uint64_t)version;
    return identity;
}

uint32_t *state_item_spec(enum cluster_kind kind, void *item)
{
    union state_item *any = item;
    if (kind == CLUSTER_POD)
        return &any->pod.spec;
    return kind == CLUSTER_DAEMON_SET ? &any->daemon_set.spec : NULL;
}

/* The one object that was decoded; NULL: none was. */
static const void *decoded_item(const struct objects *objects, enum cluster_kind kind)
{
#define FIRST(vec) (objects->vec.len ? &objects->vec.items[0] : NULL)
    switch (kind) {
    case CLUSTER_POD: return FIRST(pods);
    case CLUSTER_NODE: return FIRST(nodes);
    case CLUSTER_DAEMON_SET: return FIRST(daemon_sets);
    case CLUSTER_VOLUME_CLAIM: return FIRST(claims);
    case CLUSTER_VOLUME: return FIRST(volumes);
    case CLUSTER_STORAGE_CLASS: return FIRST(storage_classes);
    case CLUSTER_CSI_NODE: return FIRST(csi_nodes);
    case CLUSTER_PRIORITY_CLASS: return FIRST(priority_classes);
    case CLUSTER_DISRUPTION_BUDGET: return FIRST(budgets);
    case CLUSTER_PROVISIONER:
    case CLUSTER_KARPENTER_PROVISIONER: return FIRST(provisioners);
    case CLUSTER_NODE_TEMPLATE:
    case CLUSTER_KARPENTER_TEMPLATE: return FIRST(templates);
    default: return NULL;
    }
#undef FIRST
}

static void copy_item(struct copier *copier, enum cluster_kind kind, union state_item *item)
{
    switch (kind) {
    case CLUSTER_POD: copy_pod(copier, &item->pod); break;
    case CLUSTER_NODE: copy_node(copier, &item->node); break;
    case CLUSTER_DAEMON_SET: copy_daemon_set(copier, &item->daemon_set); break;
    case CLUSTER_VOLUME_CLAIM: copy_volume_claim(copier, &item->volume_claim); break;
    case CLUSTER_VOLUME: copy_volume(copier, &item->volume); break;
    case CLUSTER_STORAGE_CLASS: copy_storage_class(copier, &item->storage_class); break;
    case CLUSTER_CSI_NODE: copy_csi_node(copier, &item->csi_node); break;
    case CLUSTER_PRIORITY_CLASS: copy_priority_class(copier, &item->priority_class); break;
    case CLUSTER_DISRUPTION_BUDGET: copy_budget(copier, &item->budget); break;
    case CLUSTER_PROVISIONER:
    case CLUSTER_KARPENTER_PROVISIONER: copy_provisioner(copier, &item->provisioner); break;
    case CLUSTER_NODE_TEMPLATE:
    case CLUSTER_KARPENTER_TEMPLATE: copy_template(copier, &item->node_template); break;
    case CLUSTER_NODE_CLAIM: /* claim_copy puts its error together itself */
        copier->failed |= claim_copy(&item->node_claim, copier->arena, &item->node_claim, NULL) < 0;
        break;
    default: break;
    }
}

/* Origins are in what is forgotten. */
static void name_origin(enum cluster_kind kind, union state_item *item)
{
    const struct origin origin = {ORIGIN, 0};
    switch (kind) {
    case CLUSTER_POD: item->pod.origin = origin; break;
    case CLUSTER_NODE: item->node.origin = origin; break;
    case CLUSTER_DAEMON_SET: item->daemon_set.origin = origin; break;
    case CLUSTER_PROVISIONER:
    case CLUSTER_KARPENTER_PROVISIONER: item->provisioner.origin = origin; break;
    case CLUSTER_NODE_TEMPLATE:
    case CLUSTER_KARPENTER_TEMPLATE: item->node_template.origin = origin; break;
    default: break;
    }
}

/* An inline template has an origin too; it was copied, so it can be written to. */
static void name_inline_origin(enum cluster_kind kind, union state_item *item)
{
    bool is_provisioner = kind == CLUSTER_PROVISIONER || kind == CLUSTER_KARPENTER_PROVISIONER;
    if (is_provisioner && item->provisioner.inline_template)
        ((struct node_template *)item->provisioner.inline_template)->origin = (struct origin){ORIGIN, 0};
}

static bool copy_all(struct arena *arena, enum cluster_kind kind, const union state_item *item,
                     const struct state_identity *identity, struct state_kept *ret)
{
    struct copier copier = {arena, false};
    ret->item = *item;
    ret->namespace_ = identity->namespace_;
    ret->name = identity->name;
    ret->uid = identity->uid;
    copy_text(&copier, &ret->namespace_);
    copy_text(&copier, &ret->name);
    copy_text(&copier, &ret->uid);
    copy_item(&copier, kind, &ret->item);
    return !copier.failed;
}

/* The first copy says how much room the second needs. */
static int keep(enum cluster_kind kind, const union state_item *item, const struct state_identity *identity,
                struct state_kept *ret, struct err *err)
{
    struct arena measure = ARENA_INIT;
    bool good = copy_all(&measure, kind, item, identity, ret);
    struct owned *owned = good ? owned_new(measure.used_bytes) : NULL;
    arena_release(&measure);
    if (!owned)
        return err_nomem(err);
    if (!copy_all(&owned->arena, kind, item, identity, ret)) {
        owned_drop(owned, &(struct owned_limbo){0});
        return err_nomem(err);
    }
    ret->owned = owned;
    name_inline_origin(kind, &ret->item);
    return 0;
}

int state_refusal(const struct state_identity *identity, struct str text, struct state_kept *ret, struct err *err)
{
    struct owned *owned = owned_new(arena_cost(text.len + 1) + arena_cost(identity->namespace_.len + 1) +
                                    arena_cost(identity->name.len + 1) + arena_cost(identity->uid.len + 1));
    if (!owned)
        return err_nomem(err);
    const union state_item nothing = {.refusal = {"", 0}};
    struct copier copier = {&owned->arena, false};
    bool good = copy_all(&owned->arena, CLUSTER_WATCHED, &nothing, identity, ret);
    ret->item.refusal = text;
    copy_text(&copier, &ret->item.refusal);
    ret->owned = owned;
    if (good && !copier.failed)
        return 0;
    owned_drop(owned, &(struct owned_limbo){0});
    return err_nomem(err);
}

static bool ended(const struct pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

/* What the document does not say, and we know. */
static void carry_over(const struct state *state, const union state_item *before, bool assumed, struct pod *pod)
{
    if (before && assumed && !pod->node_name.len)
        pod->node_name = before->pod.node_name; /* a binding is never undone: the document is older than ours */
    if (ended(pod) && !pod->finished.ns)
        pod->finished = before && ended(&before->pod) ? before->pod.finished
                                                      : state->options.clock->wall(state->options.clock->context);
}

/* ERR_INVALID with all that was found in one line, or ERR_NOMEM where there was no room for it. */
static int say_findings(const struct diag *diag, struct err *err)
{
    if (diag->len == 0 && diag_count(diag) > 0)
        return err_nomem(err);
    char text[ERR_MESSAGE_MAX / 2] = "";
    size_t at = 0;
    for (size_t i = 0; i < diag->len && at < sizeof(text); i++) {
        int n = snprintf(text + at, sizeof(text) - at, "%s%s", i ? "; " : "", diag->findings[i].text);
        at += n > 0 ? (size_t)n : 0;
    }
    return err_set(err, ERR_INVALID, "%s", text[0] ? text : "is not of the kind that was asked for");
}

static bool must_stand(const struct doc *object)
{
    struct str phase = status_text(doc_get(object, "status"), "phase");
    return status_text(doc_get(object, "spec"), "nodeName").len > 0 && !str_is(phase, "Succeeded") &&
           !str_is(phase, "Failed");
}

/*
 * A pod that runs but cannot be read keeps its node from being taken for empty: it stands as one that asks for nothing
 * and is not to be disturbed.
 */
static int stand_in(struct objects *objects, const struct doc *object, const struct state_identity *identity,
                    struct pod *ret, struct err *err)
{
    const struct pod_spec nothing = {.scheduler_name = {"", 0}, .gated = true};
    uint32_t id = 0;
    int rc = objects_intern_spec(objects, &nothing, &id, err);
    *ret = (struct pod){.namespace_ = identity->namespace_,
                        .name = identity->name,
                        .uid = identity->uid,
                        .node_name = status_text(doc_get(object, "spec"), "nodeName"),
                        .spec = id,
                        .owner_kind = {"", 0},
                        .owner_name = {"", 0},
                        .app = {"", 0},
                        .nominated_node = {"", 0},
                        .phase = POD_RUNNING,
                        .do_not_disrupt = true};
    ret->created = status_time(doc_get(object, "metadata"), "creationTimestamp");
    ret->ends = status_time(doc_get(object, "metadata"), "deletionTimestamp");
    ret->deleting = doc_get(doc_get(object, "metadata"), "deletionTimestamp") != NULL;
    return rc;
}

/* From the scratch's id to ours. */
static int take_spec(struct state *state, const struct objects *scratch, uint32_t *spec, struct err *err)
{
    return specs_take(&state->specs, scratch->specs.items[*spec], intern_text(&scratch->spec_keys, *spec), spec, err);
}

static int tell_stand_in(const struct state *state, const struct state_identity *identity, const struct diag *diag,
                         struct err *err)
{
    struct err why = {0};
    if (say_findings(diag, &why) == ERR_NOMEM)
        return err_nomem(err);
    if (state->options.failed)
        state->options.failed(state->options.context, CLUSTER_POD, identity->name, &why);
    return 0;
}

static int read_object(struct state *state, enum cluster_kind kind, const struct doc *object,
                       const struct state_identity *identity, const union state_item *before, bool assumed,
                       struct objects *scratch, struct diag *diag, struct state_kept *ret, struct err *err)
{
    union state_item item = {.refusal = {"", 0}};
    int rc = kind == CLUSTER_DISRUPTION_BUDGET ? objects_decode_budget(scratch, object, ORIGIN, diag, err)
                                               : objects_decode(scratch, object, ORIGIN, diag, err);
    if (rc < 0)
        return rc;
    const void *decoded = decoded_item(scratch, kind);
    if (decoded)
        memcpy(&item, decoded, state_item_size(kind));
    else if (kind != CLUSTER_POD || !must_stand(object))
        return say_findings(diag, err);
    else if (stand_in(scratch, object, identity, &item.pod, err) < 0 || tell_stand_in(state, identity, diag, err) < 0)
        return ERR_NOMEM;
    if (kind == CLUSTER_POD)
        carry_over(state, before, assumed, &item.pod);
    name_origin(kind, &item);
    uint32_t *spec = state_item_spec(kind, &item);
    rc = spec ? take_spec(state, scratch, spec, err) : 0;
    if (rc < 0)
        return rc;
    rc = keep(kind, &item, identity, ret, err);
    if (rc < 0 && spec)
        specs_drop(&state->specs, *spec, &state->limbo);
    return rc;
}

static int read_claim(const struct doc *object, const struct state_identity *identity, struct state_kept *ret,
                      struct err *err)
{
    struct arena arena = ARENA_INIT;
    union state_item item;
    int rc = claim_decode(object, &arena, &item.node_claim, err);
    if (rc == 0)
        rc = keep(CLUSTER_NODE_CLAIM, &item, identity, ret, err);
    arena_release(&arena);
    return rc;
}

int state_read(struct state *state, enum cluster_kind kind, const struct doc *object,
               const struct state_identity *identity, const union state_item *before, bool assumed,
               struct state_kept *ret, struct err *err)
{
    if (kind == CLUSTER_NODE_CLAIM)
        return read_claim(object, identity, ret, err);
    struct objects scratch = {0};
    struct diag diag = {.len = 0};
    int rc = read_object(state, kind, object, identity, before, assumed, &scratch, &diag, ret, err);
    objects_release(&scratch);
    diag_release(&diag);
    return rc;
}

/*
 * collect.c - the cloud's list beside the claims: an instance of ours that no claim owns is given back, a claim whose
 * instance is gone drains, a node of ours that has neither goes.
 *
 * Lists are eventually consistent, and claims come before their instances: what is missing or too many must have been
 * so in two lists, one collect_ms apart, and be older than consistency_ms.
 */
#include <stdlib.h>

#include "base/vec.h"
#include "provisioner/lifecycle/node_change.h"
#include "provisioner/lifecycle/register.h"

enum { QUIET_COLLECT_MS = 300000, TERMINATE_AT_ONCE = 500 };

struct suspect {
    uint64_t key; /* hash of an instance id */
};

struct collect_part {
    bool asked_once, asked, listed;
    struct clock_mono asked_at;
    struct arena arena; /* of the list that was not looked at yet */
    struct cloud_instance *instances;
    size_t n_instances;
    struct clock_mono listed_at;
    VEC(struct suspect) orphans, missing; /* of the list before */
};

struct collect_call {
    struct control_call call;
    struct collect_part *part;
    const char *reason;
};

static void part_release(void *data)
{
    struct collect_part *part = data;
    arena_release(&part->arena);
    VEC_FREE(&part->orphans);
    VEC_FREE(&part->missing);
}

static void free_call(struct control_call *call)
{
    free(call);
}

static bool keep_list(struct collect_part *part, const struct cloud_listed *listed)
{
    arena_release(&part->arena);
    part->n_instances = 0;
    part->instances = arena_array(&part->arena, struct cloud_instance, listed->n);
    for (size_t i = 0; part->instances && i < listed->n; i++) {
        struct cloud_instance *into = &part->instances[i];
        *into = listed->instances[i];
        into->id = str_dup(&part->arena, into->id);
        into->provider_id = str_dup(&part->arena, into->provider_id);
        into->launch_id = str_dup(&part->arena, into->launch_id);
        if (!into->id.ptr || !into->provider_id.ptr || !into->launch_id.ptr)
            return false;
        into->instance_type = into->zone = STR("");
        part->n_instances++;
    }
    return part->instances != NULL;
}

static void on_listed(void *context, const struct cloud_listed *listed)
{
    struct collect_call *call = context;
    struct collect_part *part = call->part;
    struct control *control = control_call_end(&call->call);
    free(call);
    part->asked = false;
    if (listed->err)
        log_event(control_effects(control)->log, LOG_WARN, "collect-failed", LOG_ERR(listed->err));
    else
        part->listed = keep_list(part, listed);
}

static int ask_list(struct pass *pass, struct collect_part *part, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    struct collect_call *call = calloc(1, sizeof(*call));
    if (!call)
        return err_nomem(err);
    call->part = part;
    control_call_begin(pass->control, &call->call, free_call);
    if (cloud->list(cloud->context, STR(""), on_listed, call, err) < 0) {
        control_call_end(&call->call);
        free(call);
        return 0; /* again when it is due again */
    }
    part->asked = true;
    return 0;
}

static void on_terminated(void *context, const struct cloud_terminated *terminated)
{
    struct collect_call *call = context;
    struct control *control = control_call_end(&call->call);
    struct collect_part *part = call->part;
    const struct control_effects *effects = control_effects(control);
    const struct str labels[] = {STR("Orphaned")};
    free(call);
    if (terminated->err) {
        log_event(effects->log, LOG_WARN, "collect-failed", LOG_ERR(terminated->err));
        return; /* the next list has them still */
    }
    for (size_t i = 0; i < terminated->n; i++) {
        log_event(effects->log, LOG_INFO, "instance-collected", LOG_S("instance", terminated->ids[i]));
        metrics_add(effects->metrics, METRIC_TERMINATED, labels, 1);
        /* Its node goes when the next list confirms it; for want of memory, with the one after that. */
        (void)!VEC_PUSH(&part->missing, (struct suspect){str_hash(terminated->ids[i])});
    }
}

static int give_back(struct pass *pass, struct collect_part *part, const struct str *ids, size_t n, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    for (size_t from = 0; from < n; from += TERMINATE_AT_ONCE) {
        size_t count = n - from < TERMINATE_AT_ONCE ? n - from : TERMINATE_AT_ONCE;
        struct collect_call *call = calloc(1, sizeof(*call));
        if (!call)
            return err_nomem(err);
        if (!control_may_act(pass->control)) {
            free(call);
            return 0;
        }
        call->part = part;
        control_call_begin(pass->control, &call->call, free_call);
        if (cloud->terminate(cloud->context, ids + from, count, on_terminated, call, err) < 0) {
            control_call_end(&call->call);
            free(call);
            return 0;
        }
    }
    return 0;
}

static int by_str(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

static bool among(const struct str *sorted, size_t n, struct str text)
{
    return n && bsearch(&text, sorted, n, sizeof(*sorted), by_str);
}

static void forget_first(struct suspect *suspects, size_t *len, size_t n)
{
    for (size_t i = n; i < *len; i++)
        suspects[i - n] = suspects[i];
    *len -= n;
}

static bool is_suspect(const struct suspect *suspects, size_t n, struct str id)
{
    uint64_t key = str_hash(id);
    for (size_t i = 0; i < n; i++)
        if (suspects[i].key == key)
            return true;
    return false;
}

/* What claims own: instance ids, and launches that still go on. Sorted, in the pass's arena. */
struct owned {
    struct str *ids, *launches;
    size_t n_ids, n_launches;
};

static int find_owned(struct pass *pass, struct owned *ret, struct err *err)
{
    const struct view *view = &pass->view;
    struct owned owned = {arena_array(pass->arena, struct str, view->n_claims),
                          arena_array(pass->arena, struct str, view->n_claims), 0, 0};
    if (!owned.ids || !owned.launches)
        return err_nomem(err);
    for (uint32_t i = 0; i < view->n_claims; i++) {
        const struct node_claim *claim = view->claims[i].claim;
        if (claim->instance_id.len)
            owned.ids[owned.n_ids++] = claim->instance_id;
        if (claim->phase == CLAIM_LAUNCHING)
            owned.launches[owned.n_launches++] = claim->launch_id;
    }
    qsort(owned.ids, owned.n_ids, sizeof(struct str), by_str);
    qsort(owned.launches, owned.n_launches, sizeof(struct str), by_str);
    *ret = owned;
    return 0;
}

static bool is_young(const struct pass *pass, struct clock_wall since)
{
    return since.ns && pass->wall.ns - since.ns < control_settings(pass->control)->consistency_ms * 1000000;
}

/* Instances that nobody owns: those that were suspect in the list before are given back, the others are so now. */
static int collect_orphans(struct pass *pass, struct collect_part *part, const struct owned *owned, struct err *err)
{
    struct str *ids = arena_array(pass->arena, struct str, part->n_instances);
    size_t n = 0, n_before = part->orphans.len;
    if (!ids)
        return err_nomem(err);
    for (size_t i = 0; i < part->n_instances; i++) {
        const struct cloud_instance *instance = &part->instances[i];
        if (instance->state == CLOUD_TERMINATED || among(owned->ids, owned->n_ids, instance->id) ||
            (instance->launch_id.len && among(owned->launches, owned->n_launches, instance->launch_id)))
            continue;
        if (is_suspect(part->orphans.items, n_before, instance->id) && !is_young(pass, instance->launched))
            ids[n++] = instance->id;
        if (VEC_PUSH(&part->orphans, (struct suspect){str_hash(instance->id)}))
            continue;
        part->orphans.len = n_before;
        return err_nomem(err);
    }
    forget_first(part->orphans.items, &part->orphans.len, n_before);
    return give_back(pass, part, ids, n, err);
}

/* What the cloud has, sorted, and how many were missed by the list before. */
struct listed {
    struct str *ids; /* [n] */
    size_t n, n_before;
};

/* An instance that is in no list any more is a suspect; *ret_gone: it was one before. */
static int is_gone(struct collect_part *part, const struct listed *listed, struct str id, bool *ret_gone,
                   struct err *err)
{
    *ret_gone = false;
    if (among(listed->ids, listed->n, id))
        return 0;
    if (!VEC_PUSH(&part->missing, (struct suspect){str_hash(id)}))
        return err_nomem(err);
    *ret_gone = is_suspect(part->missing.items, listed->n_before, id);
    return 0;
}

static int drain_missing(struct pass *pass, struct collect_part *part, const struct listed *listed, struct err *err)
{
    for (uint32_t i = 0; i < pass->view.n_claims; i++) {
        const struct node_claim *claim = pass->view.claims[i].claim;
        bool gone;
        if (!claim->instance_id.len || claim->phase >= CLAIM_DRAINING || is_young(pass, claim->launched))
            continue;
        int code = is_gone(part, listed, claim->instance_id, &gone, err);
        if (!code && gone)
            code = claim_drain(pass, claim, "StateChange", (struct clock_wall){0},
                               "its instance is gone from the cloud", err);
        if (code)
            return code;
    }
    return 0;
}

/* "aws:///us-west-2a/i-0123": what is behind the last slash. */
static struct str instance_of(struct str provider_id)
{
    size_t from = provider_id.len;
    while (from > 0 && provider_id.ptr[from - 1] != '/')
        from--;
    return (struct str){provider_id.ptr + from, provider_id.len - from};
}

/* One that joined but was not registered still has our taint. */
static bool is_ours(const struct node *node)
{
    return labels_get(&node->labels, STR(LABEL_NODE_CLAIM)) || node_has_taint(node, STR(TAINT_PLACING));
}

/* Nodes that no claim will take along, of machines that are gone, whoever terminated them. */
static int delete_nodes(struct pass *pass, struct collect_part *part, const struct listed *listed, struct err *err)
{
    const struct view *view = &pass->view;
    for (size_t i = 0; i < view->objects.nodes.len; i++) {
        const struct node *node = view->nodes[i].real;
        bool gone;
        if (!node || view->nodes[i].claim != VIEW_NONE || node->deleting || !node->provider_id.len || !is_ours(node) ||
            is_young(pass, node->created))
            continue;
        int code = is_gone(part, listed, instance_of(node->provider_id), &gone, err);
        if (!code && gone)
            code = object_delete(pass, CLUSTER_NODE, node->name, node->uid, err);
        if (code)
            return code;
    }
    return 0;
}

/* The suspects of this list take the place of those of the list before. */
static int look_for_missing(struct pass *pass, struct collect_part *part, struct err *err)
{
    struct listed listed = {.ids = arena_array(pass->arena, struct str, part->n_instances),
                            .n = part->n_instances,
                            .n_before = part->missing.len};
    if (!listed.ids)
        return err_nomem(err);
    for (size_t i = 0; i < listed.n; i++)
        listed.ids[i] = part->instances[i].id;
    qsort(listed.ids, listed.n, sizeof(*listed.ids), by_str);
    int code = drain_missing(pass, part, &listed, err);
    if (!code)
        code = delete_nodes(pass, part, &listed, err);
    if (code)
        part->missing.len = listed.n_before;
    else
        forget_first(part->missing.items, &part->missing.len, listed.n_before);
    return code;
}

/* A node that is not ready may have no machine any more: without a queue, or before its message, nobody else says so.
 */
static bool is_quiet(const struct pass *pass, const struct collect_part *part)
{
    const struct view *view = &pass->view;
    for (uint32_t i = 0; i < view->n_claims; i++) {
        const struct node *node = claim_node(pass, &view->claims[i]);
        if (view->claims[i].claim->phase != CLAIM_INITIALIZED || !node || !node->ready)
            return false;
    }
    return !part->orphans.len && !part->missing.len;
}

static int look_at_list(struct pass *pass, struct collect_part *part, struct err *err)
{
    struct owned owned;
    int code = find_owned(pass, &owned, err);
    if (!code)
        code = collect_orphans(pass, part, &owned, err);
    if (!code)
        code = look_for_missing(pass, part, err);
    if (code)
        return code;
    part->listed = false;
    arena_release(&part->arena);
    return 0;
}

int collect_pass(struct pass *pass, struct err *err)
{
    struct collect_part *part = control_part(pass->control, PART_COLLECT, sizeof(*part), part_release);
    if (!part)
        return err_nomem(err);
    int code = part->listed ? look_at_list(pass, part, err) : 0;
    if (code || part->asked)
        return code;
    int64_t wait_ms = control_settings(pass->control)->collect_ms;
    if (wait_ms < QUIET_COLLECT_MS && is_quiet(pass, part))
        wait_ms = QUIET_COLLECT_MS;
    if (!part->asked_once || pass->now.ns >= clock_after(part->asked_at, wait_ms).ns) {
        part->asked_once = true;
        part->asked_at = pass->now;
        code = ask_list(pass, part, err);
    }
    control_wake_at(pass->control, clock_after(part->asked_at, wait_ms));
    return code;
}

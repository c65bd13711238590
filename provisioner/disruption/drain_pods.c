/*
 * drain_pods.c - the pods of a node that goes: who leaves when, by eviction or past its budget, who is waited for, and
 * that is told.
 */
#include <assert.h>

#include "base/json_out.h"
#include "provisioner/disruption/drains.h"
#include "provisioner/lifecycle/node_change.h"

enum {
    SPOT_NOTICE_MS = 120000,   /* what a spot notice leaves, of which settings say how much is the pods' */
    DELETE_BEFORE_S = 15,      /* pods that no eviction moved are deleted so long before the deadline */
    DRIVER_BEFORE_S = 30,      /* drivers stay to the last, but not longer than this */
    HURRY_S = 180,             /* a deadline that is nearer decides the grace */
    FORCE_S = 600,             /* one that is nearer breaks blocks */
    REPLACE_MOST_MS = 1200000, /* for a replacement to be there */
    DEAD_NODE_MS = 300000,     /* pods of a node that is not Ready for so long do not end: the taint manager's time */
    TELL_MS = 60000            /* a drain that takes longer says what it waits for, and not more often */
};

static const char *const REASONS[] = {"Empty",         "Expired",     "SpotInterruption", "Rebalance",
                                      "Maintenance",   "StateChange", "Lifecycle",        "NotLaunched",
                                      "NotRegistered", "Deleted",     "Orphaned"};

const char *exit_reason(const struct node_claim *claim)
{
    for (size_t i = 0; i < CC_COUNT(REASONS); i++)
        if (str_is(claim->drain_reason, REASONS[i]))
            return REASONS[i];
    return "Other";
}

int exit_list_pods(const struct pass *pass, struct exit *exit, struct err *err)
{
    const struct view *view = &pass->view;
    uint32_t at = exit->node ? view_node(view, exit->node->name) : VIEW_NONE;
    if (at == VIEW_NONE)
        return 0;
    const struct view_node *node = &view->nodes[at];
    uint32_t *pods = arena_array(pass->arena, uint32_t, node->n_pods);
    if (!pods)
        return err_nomem(err);
    exit->pods = pods;
    for (uint32_t i = 0; i < node->n_pods; i++) {
        const struct pod *pod = &view->objects.pods.items[node->pods[i]];
        if (!pod_of_node(pod))
            pods[exit->n_pods++] = node->pods[i];
    }
    return 0;
}

/* Executors leave first, so that their data has the time to move; drivers last. */
static int rank_of(const struct pod *pod)
{
    return pod->role == SPARK_EXECUTOR ? 0 : pod->role == SPARK_DRIVER ? 2 : 1;
}

static void on_evicted(struct control *control, void *context, const struct cluster_answer *answer)
{
    const struct str reason = str_of((const char *)context);
    if (!answer->err)
        metrics_add(control_effects(control)->metrics, METRIC_EVICTIONS, &reason, 1);
}

static void write_eviction(struct json_out *json, const struct pod *pod, int64_t grace_s)
{
    json_open_map(json, NULL);
    json_str(json, "apiVersion", STR("policy/v1"));
    json_str(json, "kind", STR("Eviction"));
    json_open_map(json, "metadata");
    json_str(json, "name", pod->name);
    json_str(json, "namespace", pod->namespace_);
    json_close_map(json);
    write_delete_options(json, "deleteOptions", pod->uid, grace_s);
    json_close_map(json);
}

static int send_away(struct pass *pass, const struct exit *exit, const struct pod *pod, bool delete, int64_t grace_s,
                     struct err *err)
{
    const char *reason = exit_reason(exit->claim);
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    /* Evictions that were refused are asked for again after a while, which may be too late for this. */
    if (delete)
        control_end_back_off(pass->control, CLUSTER_EVICT, CLUSTER_POD, pod->namespace_, pod->name);
    if (control_busy(pass->control, CLUSTER_POD, pod->namespace_, pod->name))
        return 0;
    if (delete)
        write_delete_options(&json, NULL, pod->uid, grace_s);
    else
        write_eviction(&json, pod, grace_s);
    struct cluster_request request = {.verb = delete ? CLUSTER_DELETE : CLUSTER_EVICT,
                                      .kind = CLUSTER_POD,
                                      .namespace_ = pod->namespace_,
                                      .name = pod->name};
    int code = buf_str(&buf, &request.body, err);
    if (code)
        return code;
    log_event(control_effects(pass->control)->log, LOG_INFO, delete ? "pod-deleted" : "pod-evicted",
              LOG_S("namespace", pod->namespace_), LOG_S("pod", pod->name), LOG_S("node", exit->node->name),
              LOG_S("claim", exit->claim->name), LOG_C("reason", reason), LOG_I("grace_s", grace_s));
    return control_write(pass->control, &request, delete ? "delete-pod" : "evict", on_evicted, (void *)reason, err);
}

/* -1: its own. Near a deadline it is all that is left, less what the machine's own end needs. */
static int64_t grace_of(const struct pass *pass, const struct exit *exit)
{
    if (exit->left_s > HURRY_S)
        return -1;
    int64_t margin_s = (SPOT_NOTICE_MS - control_settings(pass->control)->eviction_grace_ms) / 1000;
    int64_t grace_s = exit->left_s - margin_s;
    return grace_s > 1 ? grace_s : 1;
}

static const char *blocked_by(const struct pass *pass, const struct exit *exit, uint32_t index)
{
    bool breaks_blocks = !exit->voluntary && (exit->left_s == INT64_MAX || exit->left_s <= FORCE_S);
    return breaks_blocks ? NULL : disruption_blocked(&pass->view, index);
}

static bool may_leave(const struct pass *pass, const struct exit *exit, uint32_t index, int lowest_here)
{
    const struct pod *pod = &pass->view.objects.pods.items[index];
    if (pod->deleting || blocked_by(pass, exit, index))
        return false;
    /* A driver that goes takes its executors with it: they go first, as long as there is time. */
    return rank_of(pod) < 2 || lowest_here == 2 || exit->left_s <= DRIVER_BEFORE_S;
}

int exit_send_pods(struct pass *pass, const struct exit *exit, struct err *err)
{
    const struct pod *pods = pass->view.objects.pods.items;
    int lowest = 2, code = 0;
    for (size_t i = 0; i < exit->n_pods; i++)
        if (rank_of(&pods[exit->pods[i]]) < lowest)
            lowest = rank_of(&pods[exit->pods[i]]);
    bool delete = exit->left_s <= DELETE_BEFORE_S;
    for (int rank = 0; rank <= 2; rank++)
        for (size_t i = 0; i < exit->n_pods && code == 0; i++)
            if (rank_of(&pods[exit->pods[i]]) == rank && may_leave(pass, exit, exit->pods[i], lowest))
                code = send_away(pass, exit, &pods[exit->pods[i]], delete, grace_of(pass, exit), err);
    return code;
}

int exit_tell(struct pass *pass, const struct exit *exit, const char *before, const struct pod *pod, const char *why,
              struct err *err)
{
    const struct node_claim *claim = exit->claim;
    struct clock_mono since = exit->leaving->told.ns ? exit->leaving->told : exit->leaving->since;
    struct clock_mono due = clock_after(since, TELL_MS);
    if (pass->now.ns < due.ns)
        control_wake_at(pass->control, due);
    if (pass->now.ns < due.ns || control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0; /* a write that ends wakes by itself */
    struct str rest = claim->message, reason = str_cut(&rest, ';');
    const char *text = arena_printf(pass->arena, "%.*s; waits for %s%.*s%s%.*s%s%s", STR_ARG(reason), before,
                                    STR_ARG(pod ? pod->namespace_ : STR("")), pod ? "/" : "",
                                    STR_ARG(pod ? pod->name : STR("")), why ? ": " : "", why ? why : "");
    if (!text)
        return err_nomem(err);
    exit->leaving->told = pass->now;
    if (str_is(claim->message, text))
        return 0;
    struct node_claim told = *claim;
    told.message = str_of(text);
    log_event(control_effects(pass->control)->log, LOG_WARN, "drain-waits", LOG_S("claim", claim->name),
              LOG_S("node", claim->node_name), LOG_S("message", told.message));
    return control_patch_status(pass->control, &told, "drain-waits", err);
}

int exit_tell_of_pods(struct pass *pass, const struct exit *exit, struct err *err)
{
    const struct pod *pods = pass->view.objects.pods.items;
    assert(exit->n_pods > 0);
    if (exit->left_s <= HURRY_S)
        return 0;
    for (size_t i = 0; i < exit->n_pods; i++) {
        const char *why = blocked_by(pass, exit, exit->pods[i]);
        if (!why)
            why = disruption_forbidden(&pass->view, exit->pods[i]);
        if (why)
            return exit_tell(pass, exit, "pod ", &pods[exit->pods[i]], why, err);
    }
    return exit_tell(pass, exit, "the end of pod ", &pods[exit->pods[0]], NULL, err);
}

/* Has this claim a slot for who follows the pod, which was not there before the pod's node was to go? */
static bool is_replacement(const struct pass *pass, const struct exit *exit, const struct view_claim *other,
                           const struct pod *pod)
{
    const struct node_claim *claim = other->claim;
    if (claim == exit->claim || claim->phase >= CLAIM_DRAINING ||
        (claim->phase == CLAIM_INITIALIZED && claim->created.ns < exit->leaving->since_wall.ns))
        return false;
    for (size_t s = 0; s < claim->n_slots; s++)
        if (other->pods[s] != VIEW_NONE && str_eq(pass->view.objects.pods.items[other->pods[s]].uid, pod->uid))
            return true;
    return false;
}

enum place { HAS_PLACE, PLACE_COMES, NO_PLACE };

/* Where the pod will go when it is sent away. */
static enum place next_place(const struct pass *pass, const struct exit *exit, const struct pod *pod)
{
    if (pod->deleting || demand_has_room(pass->control, pod))
        return HAS_PLACE;
    for (uint32_t i = 0; i < pass->view.n_claims; i++) {
        const struct view_claim *other = &pass->view.claims[i];
        if (!is_replacement(pass, exit, other, pod))
            continue;
        const struct node *node = claim_node(pass, other);
        return node && node->ready && other->claim->phase >= CLAIM_REGISTERED ? HAS_PLACE : PLACE_COMES;
    }
    return NO_PLACE;
}

int exit_wait_for_replacement(struct pass *pass, const struct exit *exit, bool *ret, struct err *err)
{
    struct clock_mono end = clock_after(exit->leaving->since, REPLACE_MOST_MS);
    *ret = false;
    for (size_t i = 0; i < exit->n_pods && pass->now.ns < end.ns; i++) {
        const struct pod *pod = &pass->view.objects.pods.items[exit->pods[i]];
        enum place place = next_place(pass, exit, pod);
        if (place == HAS_PLACE)
            continue;
        *ret = true;
        control_wake_at(pass->control, end);
        if (place == PLACE_COMES)
            return exit_tell(pass, exit, "the next node of pod ", pod, NULL, err);
        return exit_tell(pass, exit, "a place for pod ", pod, "no node is planned for it", err);
    }
    return 0;
}

void exit_wake_in_time(struct pass *pass, const struct exit *exit)
{
    static const int64_t marks_s[] = {FORCE_S, HURRY_S, DRIVER_BEFORE_S, DELETE_BEFORE_S, 0};
    if (exit->left_s == INT64_MAX)
        return;
    for (size_t i = 0; i < CC_COUNT(marks_s); i++) {
        struct clock_wall at = {exit->claim->drain_deadline.ns - marks_s[i] * NS_PER_S};
        if (at.ns > pass->wall.ns) {
            control_wake_at_wall(pass->control, at);
            return;
        }
    }
}

/* The kubelet has been silent for so long that it will not say of any pod that it ended. */
static bool is_dead(struct pass *pass, const struct exit *exit)
{
    struct clock_mono dead = clock_after(exit->leaving->unready, DEAD_NODE_MS);
    if (!exit->leaving->unready.ns)
        return false;
    if (pass->now.ns < dead.ns)
        control_wake_at(pass->control, dead);
    return pass->now.ns >= dead.ns;
}

bool exit_waits_for_pods(struct pass *pass, const struct exit *exit)
{
    if (!exit->n_pods || exit->left_s <= 0)
        return false;
    bool dead = is_dead(pass, exit);
    for (size_t i = 0; i < exit->n_pods; i++) {
        const struct pod *pod = &pass->view.objects.pods.items[exit->pods[i]];
        struct clock_wall stuck = pod_stuck_at(pod);
        if (pass->wall.ns >= stuck.ns || (dead && (pod->deleting || !exit->voluntary)))
            continue;
        if (pod->ends.ns)
            control_wake_at_wall(pass->control, stuck);
        return true;
    }
    return false;
}

int exit_forget_pods(struct pass *pass, const struct exit *exit, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < exit->n_pods && code == 0; i++)
        code = send_away(pass, exit, &pass->view.objects.pods.items[exit->pods[i]], true, 0, err);
    return code;
}

/*
 * drain.c - claims that drain: their node is closed, its pods leave, the instance is terminated, node and claim go.
 * Of our own will (Empty, Expired, Rebalance) pods have their own grace, and nothing that is blocked is touched; with
 * a deadline, pods have what is left of it, and in the end they are deleted past their budgets.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "provisioner/lifecycle/controllers.h"
#include "provisioner/lifecycle/node_change.h"

#define NS_PER_S INT64_C(1000000000)

enum {
    SPOT_NOTICE_MS = 120000,   /* what a spot notice leaves, of which settings say how much is the pods' */
    DELETE_BEFORE_S = 15,      /* pods that no eviction moved are deleted so long before the deadline */
    DRIVER_BEFORE_S = 30,      /* drivers stay to the last, but not longer than this */
    HURRY_S = 180,             /* a deadline that is nearer decides the grace */
    FORCE_S = 600,             /* one that is nearer breaks blocks */
    REPLACE_MOST_MS = 1200000, /* for a replacement to be there */
    DEAD_NODE_MS = 300000,     /* pods of a node that is not Ready for so long do not end: the taint manager's time */
    TELL_MS = 60000,           /* a drain that takes longer says what it waits for, and not more often */
    RETRY_MS = 1000,           /* after a failed call to the cloud; doubled */
    RETRY_MOST_MS = 60000,
    FAILURES_TOLD = 5 /* failed calls before that is told */
};

/* A claim on its way out. */
struct leaving {
    uint64_t claim, instance;  /* hashes of uid and instance id */
    struct clock_mono since;   /* when this process saw it drain first */
    struct clock_mono unready; /* since when it sees the node not Ready; 0: it is */
    struct clock_wall since_wall;
    struct clock_mono told;  /* when it said last what is waited for; 0: never */
    bool asked, terminated;  /* the cloud was asked, and has said yes */
    uint32_t failures;       /* of asking */
    struct clock_mono retry; /* not asked before */
    uint64_t pass;           /* when it was seen last */
};

struct drain {
    VEC(struct leaving) leaving;
    size_t at; /* where the next one is looked for first */
    uint64_t passes;
};

static void drain_release(void *part)
{
    struct drain *drain = part;
    VEC_FREE(&drain->leaving);
}

static struct leaving *find_leaving(struct drain *drain, const struct pass *pass, const struct node_claim *claim)
{
    uint64_t key = str_hash(claim->uid);
    for (size_t i = 0; i < drain->leaving.len; i++) {
        size_t at = (drain->at + i) % drain->leaving.len;
        if (drain->leaving.items[at].claim != key)
            continue;
        drain->at = at + 1;
        drain->leaving.items[at].pass = drain->passes;
        return &drain->leaving.items[at];
    }
    struct leaving leaving = {.claim = key,
                              .instance = str_hash(claim->instance_id),
                              .since = pass->now,
                              .since_wall = pass->wall,
                              .pass = drain->passes};
    return VEC_PUSH(&drain->leaving, leaving) ? &drain->leaving.items[drain->leaving.len - 1] : NULL;
}

static void forget_gone(struct drain *drain)
{
    size_t kept = 0;
    for (size_t i = 0; i < drain->leaving.len; i++)
        if (drain->leaving.items[i].pass == drain->passes)
            drain->leaving.items[kept++] = drain->leaving.items[i];
    drain->leaving.len = kept;
}

/* One claim, its node and the pods that must leave it. */
struct exit {
    const struct node_claim *claim;
    struct leaving *leaving;
    const struct node *node; /* NULL: gone, or never joined */
    const uint32_t *pods;    /* [n_pods] view pods that are not the node's own and have not ended */
    size_t n_pods;
    bool voluntary;
    int64_t left_s; /* to the deadline, may be negative; INT64_MAX: there is none */
};

static const char *const REASONS[] = {"Empty",         "Expired",     "SpotInterruption", "Rebalance",
                                      "Maintenance",   "StateChange", "Lifecycle",        "NotLaunched",
                                      "NotRegistered", "Deleted",     "Orphaned"};

/* The same as a literal, which outlives the pass. */
static const char *reason_of(const struct node_claim *claim)
{
    for (size_t i = 0; i < CC_COUNT(REASONS); i++)
        if (str_is(claim->drain_reason, REASONS[i]))
            return REASONS[i];
    return "Other";
}

static bool is_voluntary(const struct node_claim *claim)
{
    return str_is(claim->drain_reason, "Empty") || str_is(claim->drain_reason, "Expired") ||
           str_is(claim->drain_reason, "Rebalance");
}

/* Its replacement is to be there before its pods are sent away. */
static bool is_replaced_first(const struct node_claim *claim)
{
    return str_is(claim->drain_reason, "Expired") || str_is(claim->drain_reason, "Rebalance");
}

/* Pods. */

static int list_pods(const struct pass *pass, struct exit *exit, struct err *err)
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

/* For the object with this uid alone. grace_s -1: the object's own. */
static void write_options(struct json_out *json, const char *key, struct str uid, int64_t grace_s)
{
    json_open_map(json, key);
    if (!key) {
        json_str(json, "apiVersion", STR("v1"));
        json_str(json, "kind", STR("DeleteOptions"));
    }
    if (grace_s >= 0)
        json_int(json, "gracePeriodSeconds", grace_s);
    json_open_map(json, "preconditions");
    json_str(json, "uid", uid);
    json_close_map(json);
    json_close_map(json);
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
    write_options(json, "deleteOptions", pod->uid, grace_s);
    json_close_map(json);
}

static int send_away(struct pass *pass, const struct exit *exit, const struct pod *pod, bool delete, int64_t grace_s,
                     struct err *err)
{
    const char *reason = reason_of(exit->claim);
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    /* Evictions that were refused are asked for again after a while, which may be too late for this. */
    if (delete)
        control_end_back_off(pass->control, CLUSTER_EVICT, CLUSTER_POD, pod->namespace_, pod->name);
    if (control_busy(pass->control, CLUSTER_POD, pod->namespace_, pod->name))
        return 0;
    if (delete)
        write_options(&json, NULL, pod->uid, grace_s);
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

static int send_pods_away(struct pass *pass, const struct exit *exit, struct err *err)
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

/* What a drain that takes long waits for is said behind the reason that there is one: "<before>[pod][: <why>]". */
static int tell(struct pass *pass, const struct exit *exit, const char *before, const struct pod *pod, const char *why,
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

/* Of pods that nobody may send away, and of the first else. */
static int tell_of_pods(struct pass *pass, const struct exit *exit, struct err *err)
{
    const struct pod *pods = pass->view.objects.pods.items;
    assert(exit->n_pods > 0);
    for (size_t i = 0; i < exit->n_pods; i++) {
        const char *why = blocked_by(pass, exit, exit->pods[i]);
        if (!why)
            why = disruption_forbidden(&pass->view, exit->pods[i]);
        if (why)
            return tell(pass, exit, "pod ", &pods[exit->pods[i]], why, err);
    }
    return tell(pass, exit, "the end of pod ", &pods[exit->pods[0]], NULL, err);
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

/* True while some pod has no place to go to, but not for ever. */
static int wait_for_replacement(struct pass *pass, const struct exit *exit, bool *ret, struct err *err)
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
            return tell(pass, exit, "the next node of pod ", pod, NULL, err);
        return tell(pass, exit, "a place for pod ", pod, "no node is planned for it", err);
    }
    return 0;
}

/* Comes back when time alone changes what is to be done. */
static void wake_in_time(struct pass *pass, const struct exit *exit)
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

/*
 * Pods that will not end are not waited for: past the deadline, long after their grace, or on a dead machine; there, of
 * our own will, only if they were told to go.
 */
static bool waits_for_pods(struct pass *pass, const struct exit *exit)
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

/* The end. */

/* What the cloud was asked to terminate. */
struct asked {
    struct control_call call;
    size_t n;
    uint64_t instances[]; /* hashes of ids */
};

static void asked_release(struct control_call *call)
{
    free(call);
}

static struct leaving *leaving_of(struct drain *drain, uint64_t instance)
{
    for (size_t i = 0; i < drain->leaving.len; i++)
        if (drain->leaving.items[i].instance == instance)
            return &drain->leaving.items[i];
    return NULL;
}

/* Each for itself: one that cannot be terminated does not hold back the others. */
static void take_termination(struct drain *drain, const struct asked *asked, const struct cloud_terminated *answer,
                             struct clock_mono now)
{
    for (size_t i = 0; i < asked->n; i++) {
        struct leaving *leaving = leaving_of(drain, asked->instances[i]);
        if (!leaving)
            continue;
        for (size_t k = 0; !answer->err && k < answer->n && !leaving->terminated; k++)
            leaving->terminated = str_hash(answer->ids[k]) == leaving->instance;
        leaving->asked = false;
        leaving->retry = clock_after(now, clock_back_off_ms(RETRY_MS, ++leaving->failures, RETRY_MOST_MS));
    }
}

static void on_terminated(void *context, const struct cloud_terminated *answer)
{
    struct asked *asked = context;
    struct control *control = control_call_end(&asked->call);
    struct drain *drain = control ? control_part(control, PART_DRAIN, sizeof(*drain), drain_release) : NULL;
    if (drain)
        take_termination(drain, asked, answer, loop_now(control_effects(control)->loop));
    if (drain && answer->err)
        log_event(control_effects(control)->log, LOG_WARN, "terminate-failed", LOG_ERR(answer->err),
                  LOG_I("instances", asked->n));
    free(asked);
}

/* All of a pass in one call. */
static int terminate(struct pass *pass, const struct exit *exits, size_t n, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    struct str *ids = arena_array(pass->arena, struct str, n);
    if (!n || !control_may_act(pass->control))
        return 0;
    struct asked *asked = calloc(1, sizeof(*asked) + n * sizeof(asked->instances[0]));
    if (!ids || !asked) {
        free(asked);
        return err_nomem(err);
    }
    asked->n = n;
    for (size_t i = 0; i < n; i++) {
        ids[i] = exits[i].claim->instance_id;
        asked->instances[i] = exits[i].leaving->instance;
    }
    control_call_begin(pass->control, &asked->call, asked_release);
    int code = cloud->terminate(cloud->context, ids, n, on_terminated, asked, err);
    if (code) {
        control_call_end(&asked->call);
        free(asked);
        return code;
    }
    for (size_t i = 0; i < n; i++) {
        exits[i].leaving->asked = true;
        log_event(control_effects(pass->control)->log, LOG_INFO, "instance-terminating",
                  LOG_S("claim", exits[i].claim->name), LOG_S("instance", ids[i]),
                  LOG_S("type", exits[i].claim->instance_type), LOG_C("reason", reason_of(exits[i].claim)),
                  LOG_S("message", exits[i].claim->message));
    }
    return 0;
}

int object_delete(struct pass *pass, enum cluster_kind kind, struct str name, struct str uid, struct err *err)
{
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    write_options(&json, NULL, uid, -1);
    struct cluster_request request = {.verb = CLUSTER_DELETE, .kind = kind, .name = name};
    int code = buf_str(&buf, &request.body, err);
    return code ? code : control_write(pass->control, &request, "give-back", NULL, NULL, err);
}

static void on_let_go(struct control *control, void *context, const struct cluster_answer *answer)
{
    const struct str reason = str_of((const char *)context);
    if (!answer->err)
        metrics_add(control_effects(control)->metrics, METRIC_TERMINATED, &reason, 1);
}

/* Nobody is left on the machine who could say that they ended: the garbage collector would take a minute to notice. */
static int forget_pods(struct pass *pass, const struct exit *exit, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < exit->n_pods && code == 0; i++)
        code = send_away(pass, exit, &pass->view.objects.pods.items[exit->pods[i]], true, 0, err);
    return code;
}

/* The instance is gone or going: its pods, the node's object, then the claim, then its finalizer. */
static int let_go(struct pass *pass, const struct exit *exit, struct err *err)
{
    const struct node_claim *claim = exit->claim;
    if (exit->node) {
        /* Once, with the node: what has a finalizer stays however often it is deleted. */
        if (exit->node->deleting || control_busy(pass->control, CLUSTER_NODE, STR(""), exit->node->name))
            return 0;
        int code = forget_pods(pass, exit, err);
        return code ? code : object_delete(pass, CLUSTER_NODE, exit->node->name, exit->node->uid, err);
    }
    if (!claim->deleting)
        return object_delete(pass, CLUSTER_NODE_CLAIM, claim->name, claim->uid, err);
    if (control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0;
    log_event(control_effects(pass->control)->log, LOG_INFO, "claim-gone", LOG_S("claim", claim->name),
              LOG_S("instance", claim->instance_id), LOG_C("reason", reason_of(claim)),
              LOG_S("message", claim->message));
    struct cluster_request request = {.verb = CLUSTER_PATCH,
                                      .kind = CLUSTER_NODE_CLAIM,
                                      .name = claim->name,
                                      .body = STR("{\"metadata\":{\"finalizers\":null}}")};
    bool had_instance = claim->instance_id.len > 0;
    return control_write(pass->control, &request, "let-go", had_instance ? on_let_go : NULL, (void *)reason_of(claim),
                         err);
}

static int look_at(struct pass *pass, struct drain *drain, const struct view_claim *view, struct exit *exit,
                   struct err *err)
{
    *exit = (struct exit){.claim = view->claim, .node = claim_node(pass, view), .left_s = INT64_MAX};
    /* One that drained before it registered. */
    if (!exit->node && view->claim->provider_id.len)
        exit->node = state_node_by_provider_id(pass->state, view->claim->provider_id);
    exit->leaving = find_leaving(drain, pass, view->claim);
    if (!exit->leaving)
        return err_nomem(err);
    if (!exit->node || exit->node->ready)
        exit->leaving->unready.ns = 0;
    else if (!exit->leaving->unready.ns)
        exit->leaving->unready = pass->now;
    exit->voluntary = is_voluntary(view->claim);
    if (view->claim->drain_deadline.ns)
        exit->left_s = (view->claim->drain_deadline.ns - pass->wall.ns + NS_PER_S - 1) / NS_PER_S;
    return list_pods(pass, exit, err);
}

/* One step; *ret_terminate: the instance is to go now. */
static int drain_claim(struct pass *pass, const struct exit *exit, bool *ret_terminate, struct err *err)
{
    *ret_terminate = false;
    if (exit->leaving->terminated || !exit->claim->instance_id.len)
        return let_go(pass, exit, err);
    if (exit->node && !exit->node->unschedulable) {
        int code = node_change(pass, exit->node, &(struct node_change){.door = NODE_CLOSE}, "close", err);
        if (code || exit->voluntary)
            return code; /* pods that came meanwhile are seen once it is closed */
    }
    if (!waits_for_pods(pass, exit)) {
        *ret_terminate = !exit->leaving->asked && pass->now.ns >= exit->leaving->retry.ns;
        if (!exit->leaving->asked && !*ret_terminate)
            control_wake_at(pass->control, exit->leaving->retry);
        return exit->leaving->failures < FAILURES_TOLD
                   ? 0
                   : tell(pass, exit, "the cloud to terminate the instance", NULL, NULL, err);
    }
    wake_in_time(pass, exit);
    bool waits = false;
    int code = is_replaced_first(exit->claim) ? wait_for_replacement(pass, exit, &waits, err) : 0;
    if (code || waits)
        return code;
    code = send_pods_away(pass, exit, err);
    return code || exit->left_s <= HURRY_S ? code : tell_of_pods(pass, exit, err);
}

int drain_pass(struct pass *pass, struct err *err)
{
    struct drain *drain = control_part(pass->control, PART_DRAIN, sizeof(*drain), drain_release);
    if (!drain)
        return err_nomem(err);
    size_t n_claims = 0, n = 0;
    for (uint32_t i = 0; i < pass->view.n_claims; i++)
        n_claims += pass->view.claims[i].claim->phase >= CLAIM_DRAINING;
    drain->passes++;
    drain->at = 0;
    struct exit *ready = arena_array(pass->arena, struct exit, n_claims);
    if (!ready)
        return err_nomem(err);
    /* Their places are fixed first: nothing moves while it is pointed to. */
    for (uint32_t i = 0; i < pass->view.n_claims; i++)
        if (pass->view.claims[i].claim->phase >= CLAIM_DRAINING &&
            !find_leaving(drain, pass, pass->view.claims[i].claim))
            return err_nomem(err);
    forget_gone(drain);
    drain->at = 0;
    for (uint32_t i = 0; i < pass->view.n_claims; i++) {
        bool now;
        if (pass->view.claims[i].claim->phase < CLAIM_DRAINING)
            continue;
        int code = look_at(pass, drain, &pass->view.claims[i], &ready[n], err);
        if (code == 0)
            code = drain_claim(pass, &ready[n], &now, err);
        if (code)
            return code;
        n += now;
    }
    return terminate(pass, ready, n, err);
}

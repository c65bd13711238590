/*
 * drain.c - claims that drain: their node is closed, its pods leave, the instance is terminated, node and claim go.
 * Of our own will (Empty, Expired, Rebalance) pods have their own grace, and nothing that is blocked is touched; with
 * a deadline, pods have what is left of it, and in the end they are deleted past their budgets.
 */
#include <stdlib.h>

#include "provisioner/disruption/drains.h"
#include "provisioner/lifecycle/node_change.h"

enum {
    RETRY_MS = 1000, /* after a failed call to the cloud; doubled */
    RETRY_MOST_MS = 60000,
    FAILURES_TOLD = 5 /* failed calls before that is told */
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
                  LOG_S("type", exits[i].claim->instance_type), LOG_C("reason", exit_reason(exits[i].claim)),
                  LOG_S("message", exits[i].claim->message));
    }
    return 0;
}

static void on_let_go(struct control *control, void *context, const struct cluster_answer *answer)
{
    const struct str reason = str_of((const char *)context);
    if (!answer->err)
        metrics_add(control_effects(control)->metrics, METRIC_TERMINATED, &reason, 1);
}

/* The instance is gone or going: its pods, the node's object, then the claim, then its finalizer. */
static int let_go(struct pass *pass, const struct exit *exit, struct err *err)
{
    const struct node_claim *claim = exit->claim;
    if (exit->node) {
        /* Once, with the node: what has a finalizer stays however often it is deleted. */
        if (exit->node->deleting || control_busy(pass->control, CLUSTER_NODE, STR(""), exit->node->name))
            return 0;
        int code = exit_forget_pods(pass, exit, err);
        return code ? code : object_delete(pass, CLUSTER_NODE, exit->node->name, exit->node->uid, err);
    }
    if (!claim->deleting)
        return object_delete(pass, CLUSTER_NODE_CLAIM, claim->name, claim->uid, err);
    if (control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0;
    log_event(control_effects(pass->control)->log, LOG_INFO, "claim-gone", LOG_S("claim", claim->name),
              LOG_S("instance", claim->instance_id), LOG_C("reason", exit_reason(claim)),
              LOG_S("message", claim->message));
    struct cluster_request request = {.verb = CLUSTER_PATCH,
                                      .kind = CLUSTER_NODE_CLAIM,
                                      .name = claim->name,
                                      .body = STR("{\"metadata\":{\"finalizers\":null}}")};
    bool had_instance = claim->instance_id.len > 0;
    return control_write(pass->control, &request, "let-go", had_instance ? on_let_go : NULL, (void *)exit_reason(claim),
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
    return exit_list_pods(pass, exit, err);
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
    if (!exit_waits_for_pods(pass, exit)) {
        *ret_terminate = !exit->leaving->asked && pass->now.ns >= exit->leaving->retry.ns;
        if (!exit->leaving->asked && !*ret_terminate)
            control_wake_at(pass->control, exit->leaving->retry);
        return exit->leaving->failures < FAILURES_TOLD
                   ? 0
                   : exit_tell(pass, exit, "the cloud to terminate the instance", NULL, NULL, err);
    }
    exit_wake_in_time(pass, exit);
    bool waits = false;
    int code = is_replaced_first(exit->claim) ? exit_wait_for_replacement(pass, exit, &waits, err) : 0;
    if (code || waits)
        return code;
    code = exit_send_pods(pass, exit, err);
    return code ? code : exit_tell_of_pods(pass, exit, err);
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

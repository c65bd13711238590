/*
 * interrupt.c - what the cloud says of our machines: notices become drains, and are acknowledged when that is seen to
 * be written down. A notice that comes again, or late, finds its claim draining, or gone, and changes nothing.
 */
#include <stdlib.h>

#include "provisioner/lifecycle/controllers.h"
#include "provisioner/lifecycle/node_change.h"

enum {
    SPOT_NOTICE_S = 120,   /* from a spot notice to the end, where it does not say */
    MAINTENANCE_S = 86400, /* and from word of maintenance */
    UNKNOWN_WAIT_S = 120,  /* an instance that nobody owns yet may be of a launch whose answer is on its way */
    RETRY_MS = 1000,       /* after a failed acknowledgement; doubled */
    RETRY_MOST_MS = 60000
};

/* What is known of a notice beyond itself. */
struct record {
    uint64_t handle; /* hash */
    bool counted, marked, closed_seen, ours, asking;
    uint32_t failures;
    struct clock_mono retry;
    uint64_t pass; /* when it was seen last */
};

struct interrupt {
    VEC(struct record) records;
    uint64_t passes;
};

static void interrupt_release(void *part)
{
    struct interrupt *interrupt = part;
    VEC_FREE(&interrupt->records);
}

static struct record *find_record(struct interrupt *interrupt, uint64_t handle)
{
    for (size_t i = 0; i < interrupt->records.len; i++)
        if (interrupt->records.items[i].handle == handle)
            return &interrupt->records.items[i];
    return NULL;
}

/* `place`: where it stood in the last pass, as a rule. */
static struct record *record_of(struct interrupt *interrupt, struct str handle, size_t place)
{
    uint64_t key = str_hash(handle);
    bool there = place < interrupt->records.len && interrupt->records.items[place].handle == key;
    struct record *record = there ? &interrupt->records.items[place] : find_record(interrupt, key);
    if (!record && VEC_PUSH(&interrupt->records, ((struct record){.handle = key})))
        record = &interrupt->records.items[interrupt->records.len - 1];
    if (record)
        record->pass = interrupt->passes;
    return record;
}

static void forget_old(struct interrupt *interrupt)
{
    size_t kept = 0;
    for (size_t i = 0; i < interrupt->records.len; i++)
        if (interrupt->records.items[i].pass == interrupt->passes)
            interrupt->records.items[kept++] = interrupt->records.items[i];
    interrupt->records.len = kept;
}

static const char *const KINDS[] = {
    [CLOUD_NOTICE_SPOT_INTERRUPTION] = "spot-interruption",
    [CLOUD_NOTICE_REBALANCE] = "rebalance",
    [CLOUD_NOTICE_STATE_CHANGE] = "state-change",
    [CLOUD_NOTICE_MAINTENANCE] = "maintenance",
    [CLOUD_NOTICE_LIFECYCLE_TERMINATE] = "lifecycle-terminate",
};

/* One notice, and whom it is about. */
struct told {
    const struct control_notice *read;
    const struct cloud_notice *notice;
    struct record *record;
    const struct view_claim *view; /* NULL: no claim has that instance */
    const struct node_claim *claim;
};

/* Acknowledgements. */

struct acknowledging {
    struct control_call call;
    struct arena arena;
    struct str handle;
};

static void acknowledging_release(struct control_call *call)
{
    struct acknowledging *asked = (struct acknowledging *)call; /* its first member */
    arena_release(&asked->arena);
    free(asked);
}

static void on_acknowledged(void *context, const struct err *err)
{
    struct acknowledging *asked = context;
    struct control *control = control_call_end(&asked->call);
    struct interrupt *interrupt =
        control ? control_part(control, PART_INTERRUPT, sizeof(*interrupt), interrupt_release) : NULL;
    struct record *record = interrupt ? find_record(interrupt, str_hash(asked->handle)) : NULL;
    if (record)
        record->asking = false;
    if (control && !err) {
        control_notice_drop(control, asked->handle);
    } else if (record) {
        int64_t wait_ms = clock_back_off_ms(RETRY_MS, ++record->failures, RETRY_MOST_MS);
        record->retry = clock_after(loop_now(control_effects(control)->loop), wait_ms);
        log_event(control_effects(control)->log, LOG_WARN, "acknowledge-failed", LOG_ERR(err));
    }
    acknowledging_release(&asked->call);
}

static int acknowledge(struct pass *pass, struct told *told, bool ours, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    struct record *record = told->record;
    if (record->asking || !control_may_act(pass->control))
        return 0;
    if (pass->now.ns < record->retry.ns) {
        control_wake_at(pass->control, record->retry);
        return 0;
    }
    struct acknowledging *asked = calloc(1, sizeof(*asked));
    if (!asked)
        return err_nomem(err);
    asked->handle = str_dup(&asked->arena, told->notice->handle);
    if (!asked->handle.ptr) {
        acknowledging_release(&asked->call);
        return err_nomem(err);
    }
    control_call_begin(pass->control, &asked->call, acknowledging_release);
    int code = cloud->acknowledge(cloud->context, asked->handle, ours, on_acknowledged, asked, err);
    if (code) {
        control_call_end(&asked->call);
        acknowledging_release(&asked->call);
        return code;
    }
    record->asking = true;
    return 0;
}

/* Notices. */

static const struct view_claim *find_claim(const struct view *view, struct str instance)
{
    for (uint32_t i = 0; i < view->n_claims; i++)
        if (instance.len && str_eq(view->claims[i].claim->instance_id, instance))
            return &view->claims[i];
    return NULL;
}

static bool some_launch_is_open(const struct view *view)
{
    for (uint32_t i = 0; i < view->n_claims; i++)
        if (view->claims[i].claim->phase == CLAIM_LAUNCHING)
            return true;
    return false;
}

/* No claim of ours: somebody else's machine, one that is gone, or one whose launch has not been answered yet. */
static int take_unknown(struct pass *pass, struct told *told, struct err *err)
{
    struct clock_mono end = {told->read->read.ns + UNKNOWN_WAIT_S * NS_PER_S};
    if (!told->record->ours && pass->now.ns < end.ns && some_launch_is_open(&pass->view)) {
        control_wake_at(pass->control, end);
        return 0;
    }
    if (!told->record->ours && !told->record->counted) {
        metrics_add(control_effects(pass->control)->metrics, METRIC_MESSAGES_DROPPED, &STR("foreign"), 1);
        log_event(control_effects(pass->control)->log, LOG_INFO, "notice-foreign",
                  LOG_C("kind", KINDS[told->notice->kind]), LOG_S("instance", told->notice->instance_id));
    }
    told->record->counted = true;
    return acknowledge(pass, told, told->record->ours, err);
}

static void note_first(struct pass *pass, struct told *told)
{
    if (told->record->counted)
        return;
    told->record->counted = told->record->ours = true;
    struct str kind = str_of(KINDS[told->notice->kind]);
    metrics_add(control_effects(pass->control)->metrics, METRIC_INTERRUPTIONS, &kind, 1);
    log_event(control_effects(pass->control)->log, LOG_INFO, "notice", LOG_S("kind", kind),
              LOG_S("claim", told->claim->name), LOG_S("instance", told->claim->instance_id),
              LOG_S("node", told->claim->node_name), LOG_S("type", told->claim->instance_type),
              LOG_S("zone", told->claim->zone));
}

/* The node is closed at once, beside the claim's status: seconds count. */
static int close_node(struct pass *pass, struct told *told, struct err *err)
{
    const struct node *node = claim_node(pass, told->view);
    if (node && !node->unschedulable && !node->deleting)
        return node_change(pass, node, &(struct node_change){.door = NODE_CLOSE}, "close", err);
    if (!told->record->closed_seen)
        metrics_observe(control_effects(pass->control)->metrics, METRIC_INTERRUPTION_SECONDS, NULL,
                        clock_ms_between(told->read->read, pass->now) / 1000);
    told->record->closed_seen = true;
    return 0;
}

/* Draining, and by then: nothing is left to be written down. */
static bool drains_by(const struct node_claim *claim, struct clock_wall deadline)
{
    return claim->phase >= CLAIM_DRAINING &&
           (!deadline.ns || (claim->drain_deadline.ns && claim->drain_deadline.ns <= deadline.ns));
}

/* Drains the claim; once that is seen the notice is acknowledged, if `then_acknowledge`. */
static int drain_for(struct pass *pass, struct told *told, const char *reason, struct clock_wall deadline,
                     const char *message, bool then_acknowledge, struct err *err)
{
    int code = close_node(pass, told, err);
    if (code)
        return code;
    /* As the status keeps it. */
    deadline.ns -= deadline.ns % 1000;
    if (!drains_by(told->claim, deadline))
        return claim_drain(pass, told->claim, reason, deadline, message, err);
    return then_acknowledge && told->record->closed_seen ? acknowledge(pass, told, true, err) : 0;
}

/* As the notice says, or so long after it was sent. */
static struct clock_wall deadline_of(const struct pass *pass, const struct told *told, int64_t notice_s)
{
    const struct cloud_notice *notice = told->notice;
    if (notice->deadline.ns)
        return notice->deadline;
    return clock_wall_after(notice->sent.ns ? notice->sent : pass->wall, notice_s * 1000);
}

static int take_spot(struct pass *pass, struct told *told, struct err *err)
{
    struct clock_wall deadline = deadline_of(pass, told, SPOT_NOTICE_S);
    if (!told->record->marked)
        control_mark_unavailable(pass->control, told->claim->instance_type, told->claim->zone, CLOUD_SPOT,
                                 STR("SpotInterruption"));
    told->record->marked = true;
    return drain_for(pass, told, "SpotInterruption", deadline, "the cloud takes the instance back", true, err);
}

static int take_rebalance(struct pass *pass, struct told *told, struct err *err)
{
    const struct provisioner *provisioner = state_provisioner(pass->state, told->claim->provisioner);
    /* One that drains for it already is looked at too, until the node is seen to be closed. */
    bool drains = told->claim->phase == CLAIM_INITIALIZED || str_is(told->claim->drain_reason, "Rebalance");
    if (provisioner && provisioner->replace_on_rebalance && drains)
        return drain_for(pass, told, "Rebalance", (struct clock_wall){0}, "the cloud recommends to leave the instance",
                         true, err);
    /* Before its pods are there a node is not replaced. */
    if (told->claim->phase < CLAIM_DRAINING)
        control_event(pass->control, CLUSTER_NODE_CLAIM, STR(""), told->claim->name, told->claim->uid, EVENT_NORMAL,
                      "RebalanceRecommended", "the cloud recommends to leave the instance");
    return acknowledge(pass, told, true, err);
}

static int take_state_change(struct pass *pass, struct told *told, struct err *err)
{
    if (told->notice->state == CLOUD_PENDING || told->notice->state == CLOUD_RUNNING)
        return acknowledge(pass, told, true, err);
    /* What stops is lost to its pods now. */
    struct clock_wall deadline = {told->notice->sent.ns ? told->notice->sent.ns : pass->wall.ns};
    const struct node_claim *claim = told->claim;
    if (claim->phase < CLAIM_DRAINING)
        return drain_for(pass, told, "StateChange", deadline, "the instance stopped by itself", true, err);
    /* Most often it is our own doing, and was told of with its reason. */
    const char *reason = arena_printf(pass->arena, "%.*s", STR_ARG(claim->drain_reason));
    const char *message = arena_printf(pass->arena, "%.*s", STR_ARG(claim->message));
    if (!reason || !message)
        return err_nomem(err);
    return drain_for(pass, told, reason, claim->drain_deadline.ns ? claim->drain_deadline : deadline, message, true,
                     err);
}

static int take_notice(struct pass *pass, struct told *told, struct err *err)
{
    if (!told->view)
        return take_unknown(pass, told, err);
    note_first(pass, told);
    switch (told->notice->kind) {
    case CLOUD_NOTICE_SPOT_INTERRUPTION: return take_spot(pass, told, err);
    case CLOUD_NOTICE_REBALANCE: return take_rebalance(pass, told, err);
    case CLOUD_NOTICE_STATE_CHANGE: return take_state_change(pass, told, err);
    case CLOUD_NOTICE_MAINTENANCE:
        return drain_for(pass, told, "Maintenance", deadline_of(pass, told, MAINTENANCE_S),
                         "the cloud will maintain the instance", true, err);
    case CLOUD_NOTICE_LIFECYCLE_TERMINATE:
        /* Acknowledged when the claim is gone, by take_unknown: that lets the scaling group go on. */
        return drain_for(pass, told, "Lifecycle", told->notice->deadline, "its scaling group terminates the instance",
                         false, err);
    }
    return 0;
}

int interrupt_pass(struct pass *pass, struct err *err)
{
    struct interrupt *interrupt = control_part(pass->control, PART_INTERRUPT, sizeof(*interrupt), interrupt_release);
    if (!interrupt)
        return err_nomem(err);
    size_t n;
    const struct control_notice *notices = control_notices(pass->control, &n);
    interrupt->passes++;
    for (size_t i = 0; i < n; i++) {
        struct told told = {.read = &notices[i], .notice = &notices[i].notice};
        told.record = record_of(interrupt, told.notice->handle, i);
        if (!told.record)
            return err_nomem(err);
        told.view = find_claim(&pass->view, told.notice->instance_id);
        told.claim = told.view ? told.view->claim : NULL;
        int code = take_notice(pass, &told, err);
        if (code)
            return code;
    }
    forget_old(interrupt);
    return 0;
}

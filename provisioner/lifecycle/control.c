/* control.c - when the controllers pass over the state, and in which order. */
#include <stdlib.h>

#include "base/cc.h"
#include "provisioner/lifecycle/control_internal.h"

/* In the order of docs/designs/005-claims.md: what frees or moves a claim comes before what wants new ones. */
static const struct {
    const char *name;
    pass_fn *run;
} PASSES[] = {
    {"claims", claims_pass}, {"interrupt", interrupt_pass}, {"collect", collect_pass},
    {"place", place_pass},   {"disrupt", disrupt_pass},     {"drain", drain_pass},
    {"demand", demand_pass}, {"launch", launch_pass},       {"report", report_pass},
};

/* Moves the timer; it is always set, so no memory is needed. */
static void set_timer(struct control *control, struct clock_mono at)
{
    struct err err = {0};
    control->due = at;
    if (loop_timer_set(control->effects.loop, &control->timer, at, &err) < 0)
        log_event(control->effects.log, LOG_ERROR, "pass-timer-lost", LOG_ERR(&err));
}

void control_wake_at(struct control *control, struct clock_mono at)
{
    struct clock_mono soonest = clock_after(control->status.last_pass, PASS_GAP_MS);
    if (at.ns < soonest.ns)
        at = soonest;
    if (at.ns < control->due.ns)
        set_timer(control, at);
}

void control_wake_at_wall(struct control *control, struct clock_wall at)
{
    const struct clock *clock = control->effects.loop->clock;
    struct clock_mono now = clock_now(clock);
    int64_t wait_ns = at.ns - clock->wall(clock->context).ns;
    control_wake_at(control, (struct clock_mono){now.ns + (wait_ns > 0 ? wait_ns : 0)});
}

void control_wake(struct control *control, enum cluster_kind kind)
{
    if (kind == CLUSTER_NODE_TEMPLATE || kind == CLUSTER_KARPENTER_TEMPLATE)
        holds_retry(control);
    control_wake_at(control, loop_now(control->effects.loop));
}

/* A part that fails keeps no other from its work. The first failure is told. */
static int run_passes(struct pass *pass, struct err *err)
{
    int first = 0;
    for (size_t i = 0; i < CC_COUNT(PASSES); i++) {
        struct err why = {0};
        int code = PASSES[i].run(pass, &why);
        if (code < 0 && first == 0)
            first = err_set(err, code, "%s: %s", PASSES[i].name, why.message);
    }
    return first;
}

static void one_pass(struct control *control)
{
    const struct clock *clock = control->effects.loop->clock;
    struct err err = {0};
    struct pass pass = {.control = control,
                        .state = control->state,
                        .arena = &control->arena,
                        .now = clock_now(clock),
                        .wall = clock->wall(clock->context)};
    writes_sweep(control);
    int code = state_view(control->state, pass.arena, &pass.view, &err);
    if (code == 0) {
        code = run_passes(&pass, &err);
        state_view_release(control->state, &pass.view);
    }
    arena_release(&control->arena);
    if (code < 0) {
        log_event(control->effects.log, LOG_ERROR, "pass-failed", LOG_ERR(&err));
        control_wake_at(control, clock_after(pass.now, 1000));
    }
    control->status.passes++;
    metrics_observe(control->effects.metrics, METRIC_PASS_SECONDS, NULL,
                    clock_ms_between(pass.now, clock_now(clock)) / 1000);
}

static void on_timer(void *context)
{
    struct control *control = context;
    struct clock_mono now = loop_now(control->effects.loop);
    bool acts = control->effects.may_act(control->effects.may_act_context);
    control->status.last_pass = now;
    if (!acts || !state_synced(control->state, NULL)) {
        set_timer(control, clock_after(now, STANDBY_MS));
        return;
    }
    set_timer(control, clock_after(now, PASS_AT_LEAST_MS));
    one_pass(control);
}

int control_open(const struct control_effects *effects, const struct control_settings *settings, struct state *state,
                 struct control **ret, struct err *err)
{
    struct control *control = calloc(1, sizeof(*control));
    struct sent_event *sent = calloc(EVENT_MEMORY, sizeof(*sent));
    if (!control || !sent) {
        free(control);
        free(sent);
        return err_nomem(err);
    }
    *control = (struct control){.effects = *effects,
                                .settings = *settings,
                                .state = state,
                                .sent = sent,
                                .event_tokens = EVENT_BURST,
                                .event_filled = loop_now(effects->loop)};
    control->calls.next = control->calls.previous = &control->calls;
    control->timer = LOOP_TIMER(on_timer, control);
    control->due = loop_now(effects->loop);
    control->status.last_pass = clock_after(control->due, -PASS_GAP_MS);
    int code = loop_timer_set(effects->loop, &control->timer, control->due, err);
    if (code < 0) {
        free(sent);
        free(control);
        return code;
    }
    *ret = control;
    return 0;
}

const struct control_effects *control_effects(const struct control *control)
{
    return &control->effects;
}

const struct control_settings *control_settings(const struct control *control)
{
    return &control->settings;
}

void *control_part(struct control *control, enum control_part part, size_t size, void (*release)(void *part))
{
    if (!control->parts[part].data) {
        control->parts[part].data = calloc(1, size);
        control->parts[part].release = control->parts[part].data ? release : NULL;
    }
    return control->parts[part].data;
}

bool control_may_act(const struct control *control)
{
    return control->effects.may_act(control->effects.may_act_context);
}

void control_count_plan(struct control *control)
{
    control->status.plans++;
}

struct control_status control_status(const struct control *control)
{
    struct control_status status = control->status;
    struct clock_mono quiet = clock_after(loop_now(control->effects.loop), STANDBY_MS);
    status.settled = control->writes.n_under_way == 0 && control->calls.next == &control->calls;
    status.idle = status.settled && control->due.ns > quiet.ns;
    return status;
}

void control_call_begin(struct control *control, struct control_call *call, void (*release)(struct control_call *call))
{
    struct control_call *head = &control->calls;
    *call = (struct control_call){control, head, head->previous, release};
    head->previous->next = call;
    head->previous = call;
}

static void unlink_call(struct control_call *call)
{
    call->previous->next = call->next;
    call->next->previous = call->previous;
}

struct control *control_call_end(struct control_call *call)
{
    unlink_call(call);
    control_wake_at(call->control, loop_now(call->control->effects.loop));
    return call->control;
}

static void calls_release(struct control *control)
{
    while (control->calls.next != &control->calls) {
        struct control_call *call = control->calls.next;
        unlink_call(call);
        call->release(call);
    }
}

void control_close(struct control *control)
{
    if (!control)
        return;
    calls_release(control);
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (control->parts[i].release)
            control->parts[i].release(control->parts[i].data);
        free(control->parts[i].data);
    }
    loop_timer_cancel(control->effects.loop, &control->timer);
    writes_release(control);
    marks_release(control);
    holds_release(control);
    notices_release(control);
    arena_release(&control->arena);
    free(control->sent);
    free(control);
}

/* The cloud's words. */

static void on_notice(void *context, const struct cloud_notice *notice)
{
    struct control *control = context;
    notices_put(control, notice);
    control_wake(control, CLUSTER_NODE);
}

static void on_catalogue(void *context)
{
    control_wake(context, CLUSTER_NODE);
}

static void on_called(void *context, const char *api, int code, double ms)
{
    struct control *control = context;
    const struct str labels[] = {str_of(api), str_of(code ? err_code_name(code) : "ok")};
    metrics_add(control->effects.metrics, METRIC_CLOUD_CALLS, labels, 1);
    metrics_observe(control->effects.metrics, METRIC_CLOUD_SECONDS, labels, ms / 1000);
}

static void on_dropped(void *context, const char *why)
{
    struct control *control = context;
    const struct str labels[] = {str_of(why)};
    metrics_add(control->effects.metrics, METRIC_MESSAGES_DROPPED, labels, 1);
    log_event(control->effects.log, LOG_WARN, "message-dropped", LOG_C("why", why));
}

struct cloud_sink control_cloud_sink(struct control *control)
{
    return (struct cloud_sink){on_notice, on_catalogue, on_called, on_dropped, control};
}

/*
 * launch.c - claims that were written down with a launch become machines: the cloud is asked once for all claims of a
 * launch, the same id and request again where the answer was lost, and what it gave goes to the claims.
 *
 * Nothing that matters is only in memory: the request and the id stand in the claims, what was got in the cloud's list.
 * A launch is known by its claims; what is kept here is the answer until all of it is written down, and how long to
 * wait before the next try.
 */
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/launches.h"

enum {
    REPEAT_MS = 600000,  /* no older launch is called again: how long the cloud remembers a token is not documented */
    ASSEMBLE_MS = 30000, /* after the last claim of a launch, by when the next is there */
    BACK_OFF_MS = 1000,  /* after a lost answer, doubled */
    BACK_OFF_MOST_MS = 30000,
    MINUTE_MS = 60000
};

static const char NO_INSTANCE[] = "the cloud gave no instance for it";

static void launch_free(struct launch *launch)
{
    arena_release(&launch->arena);
    free(launch);
}

static void part_release(void *data)
{
    struct launch_part *part = data;
    while (part->launches) {
        struct launch *launch = part->launches;
        part->launches = launch->next;
        launch_free(launch);
    }
}

/*
 * How long ago it was that the API server wrote `at` into a claim. Its clock may be minutes from ours: what was not
 * there in the last pass is no older than that.
 */
static int64_t age_ms(const struct pass *pass, const struct launch_part *part, struct clock_wall at)
{
    int64_t ms = (pass->wall.ns - at.ns) / 1000000;
    int64_t most_ms = part->passed.ns ? (pass->now.ns - part->passed.ns) / 1000000 : INT64_MAX;
    ms = ms < most_ms ? ms : most_ms;
    return ms > 0 ? ms : 0;
}

/* A record of the launch; NULL if memory ran out. */
static struct launch *find_or_add(struct pass *pass, struct launch_part *part, struct str id)
{
    for (struct launch *launch = part->launches; launch; launch = launch->next)
        if (str_eq(launch->id, id))
            return launch;
    struct launch *launch = calloc(1, sizeof(*launch));
    if (!launch)
        return NULL;
    launch->id = str_dup(&launch->arena, id);
    if (!launch->id.ptr) {
        launch_free(launch);
        return NULL;
    }
    launch->seen = pass->now;
    launch->next = part->launches;
    part->launches = launch;
    return launch;
}

/* Launches none of whose claims wait any more. Those that are being asked for stay until they are answered. */
static void drop_finished(struct launch_part *part)
{
    for (struct launch **at = &part->launches; *at;) {
        struct launch *launch = *at;
        if (launch->wanted || launch->state == LAUNCH_CALLED || launch->state == LAUNCH_LISTED) {
            at = &launch->next;
            continue;
        }
        *at = launch->next;
        launch_free(launch);
    }
}

/* A launch that failed for what may pass: again later, the same id and request. */
static void back_off(struct control *control, struct launch *launch)
{
    int64_t most_ms = clock_back_off_ms(BACK_OFF_MS, ++launch->failures, BACK_OFF_MOST_MS);
    int64_t wait_ms = chance_jitter_ms(control_effects(control)->chance, most_ms);
    launch->state = LAUNCH_IDLE;
    launch->until = clock_after(loop_now(control_effects(control)->loop), wait_ms);
    control_wake_at(control, launch->until);
}

/* What it gave is found by its tag, once lists can be trusted to show it. */
static void look_at(struct launch *launch, struct clock_mono at, const char *why)
{
    launch->look = why;
    launch->until = at;
}

static void free_call(struct control_call *call)
{
    free(call);
}

/* The answer, kept until it is written down. A failure to keep it is a lost answer. */
static bool keep(struct launch *launch, const struct cloud_instance *instances, size_t n_instances,
                 const struct cloud_failure *failures, size_t n_failures)
{
    launch->instances = arena_array(&launch->arena, struct cloud_instance, n_instances);
    launch->owners = arena_array(&launch->arena, struct str, n_instances);
    launch->failures_told = arena_array(&launch->arena, struct cloud_failure, n_failures);
    bool good = launch->instances && launch->owners && launch->failures_told;
    for (size_t i = 0; i < n_instances && good; i++) {
        struct cloud_instance *into = &launch->instances[i];
        *into = instances[i];
        into->id = str_dup(&launch->arena, into->id);
        into->provider_id = str_dup(&launch->arena, into->provider_id);
        into->instance_type = str_dup(&launch->arena, into->instance_type);
        into->zone = str_dup(&launch->arena, into->zone);
        into->launch_id = launch->id;
        good = into->id.ptr && into->provider_id.ptr && into->instance_type.ptr && into->zone.ptr;
    }
    for (size_t i = 0; i < n_failures && good; i++) {
        struct cloud_failure *into = &launch->failures_told[i];
        *into = failures[i];
        into->reason = str_dup(&launch->arena, into->reason);
        into->message = str_dup(&launch->arena, into->message);
        into->instance_type = str_dup(&launch->arena, into->instance_type);
        into->zone = str_dup(&launch->arena, into->zone);
        good = into->reason.ptr && into->message.ptr && into->instance_type.ptr && into->zone.ptr;
    }
    launch->n_instances = good ? n_instances : 0;
    launch->n_failures = good ? n_failures : 0;
    return good;
}

static void on_launched(void *context, const struct cloud_launched *answer)
{
    struct launch_call *call = context;
    struct control *control = control_call_end(&call->call);
    struct launch *launch = call->launch;
    const struct log *log = control_effects(control)->log;
    free(call);
    launch->last_call = loop_now(control_effects(control)->loop);
    launch->called = true;
    if (!answer->err) {
        log_event(log, LOG_INFO, "launch-answered", LOG_S("launch", launch->id),
                  LOG_I("instances", answer->n_instances), LOG_I("failures", answer->n_failures));
        launch->state = LAUNCH_ANSWERED;
        if (!keep(launch, answer->instances, answer->n_instances, answer->failures, answer->n_failures))
            back_off(control, launch);
        return;
    }
    log_event(log, LOG_WARN, "launch-failed", LOG_S("launch", launch->id), LOG_ERR(answer->err));
    if (answer->err->code == ERR_RETRY || answer->err->code == ERR_THROTTLED || answer->err->code == ERR_NOMEM) {
        back_off(control, launch);
    } else if (answer->err->code == ERR_CONFLICT) {
        /* The id is known to the cloud with another request. */
        launch->state = LAUNCH_IDLE;
        look_at(launch, clock_after(launch->last_call, control_settings(control)->consistency_ms), NO_INSTANCE);
    } else {
        struct cloud_failure failure = {.code = answer->err->code,
                                        .reason = str_of(answer->err->provider_code),
                                        .message = str_of(answer->err->message)};
        launch->state = LAUNCH_ANSWERED;
        if (!keep(launch, NULL, 0, answer->n_failures ? answer->failures : &failure,
                  answer->n_failures ? answer->n_failures : 1))
            back_off(control, launch);
    }
}

static void on_listed(void *context, const struct cloud_listed *answer)
{
    struct launch_call *call = context;
    struct control *control = control_call_end(&call->call);
    struct launch *launch = call->launch;
    free(call);
    launch->state = LAUNCH_ANSWERED;
    if (answer->err)
        log_event(control_effects(control)->log, LOG_WARN, "launch-not-found", LOG_S("launch", launch->id),
                  LOG_ERR(answer->err));
    if (answer->err || !keep(launch, answer->instances, answer->n, NULL, 0))
        back_off(control, launch);
}

static int ask(struct pass *pass, struct launch *launch, bool list, struct str request, struct err *err)
{
    if (!control_may_act(pass->control))
        return 0;
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    struct launch_call *call = calloc(1, sizeof(*call));
    if (!call)
        return err_nomem(err);
    call->launch = launch;
    control_call_begin(pass->control, &call->call, free_call);
    int code = list ? cloud->list(cloud->context, launch->id, on_listed, call, err)
                    : cloud->launch(cloud->context, launch->id, request, on_launched, call, err);
    if (code < 0) {
        control_call_end(&call->call);
        free(call);
        back_off(pass->control, launch);
        return code == ERR_NOMEM ? code : 0;
    }
    launch->state = list ? LAUNCH_LISTED : LAUNCH_CALLED;
    return 0;
}

/* Takes `count` nodes from the bucket of launches per minute; else says when there are enough. */
static bool take_tokens(struct pass *pass, struct launch_part *part, uint32_t count)
{
    double most = (double)control_settings(pass->control)->launches_per_minute;
    if (!part->filled.ns)
        part->tokens = most;
    else
        part->tokens += clock_ms_between(part->filled, pass->now) / MINUTE_MS * most;
    part->tokens = part->tokens < most ? part->tokens : most;
    part->filled = pass->now;
    double wanted = count < most ? (double)count : most; /* more than a minute's worth goes when the bucket is full */
    if (part->tokens >= wanted) {
        part->tokens -= (double)count;
        return true;
    }
    control_wake_at(pass->control, clock_after(pass->now, (int64_t)((wanted - part->tokens) / most * MINUTE_MS) + 1));
    return false;
}

/* The first of its claims carries it; "" where that one is gone. */
static struct str request_of(const struct launch_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->claims[i]->launch_request.len)
            return group->claims[i]->launch_request;
    return STR("");
}

/* When it is called for the last time. */
static struct clock_mono end_of(const struct pass *pass, const struct launch *launch)
{
    int64_t timeout_ms = control_settings(pass->control)->launch_timeout_ms;
    return clock_after(launch->made, timeout_ms < REPEAT_MS ? timeout_ms : REPEAT_MS);
}

static bool is_whole(const struct launch *launch, const struct launch_group *group)
{
    return launch->called || group->n >= group->claims[0]->launch_count;
}

/*
 * A launch that is too old to be called (again), whose request is lost, or whose claims do not get complete is looked
 * for instead: it may have been called by one before us, or with answers that were lost. Where that is unlikely, or
 * long ago, nobody waits for lists to be trusted: what they do not show yet is collected later.
 */
static void decide_to_look(const struct pass *pass, struct launch *launch, const struct launch_group *group)
{
    const struct control_settings *settings = control_settings(pass->control);
    struct clock_mono called = launch->called ? launch->last_call : launch->seen;
    struct clock_mono trusted = clock_after(called, settings->consistency_ms);
    bool is_late = pass->now.ns >= end_of(pass, launch).ns;
    if (!is_whole(launch, group)) {
        if (pass->now.ns >= clock_after(launch->grown, ASSEMBLE_MS).ns)
            look_at(launch, pass->now, "not all claims of its launch were written down");
    } else if (is_late) {
        look_at(launch, launch->called ? pass->now : trusted, "the cloud did not answer in time");
    } else if (!request_of(group).len) {
        look_at(launch, trusted, NO_INSTANCE);
    }
}

/* Nothing is under way and no answer is there: call, look, or wait. */
static int move_on(struct pass *pass, struct launch_part *part, struct launch *launch, const struct launch_group *group,
                   struct err *err)
{
    if (!launch->look)
        decide_to_look(pass, launch, group);
    if (pass->now.ns < launch->until.ns) {
        control_wake_at(pass->control, launch->until);
        return 0;
    }
    if (launch->look)
        return ask(pass, launch, true, STR(""), err);
    if (!is_whole(launch, group)) {
        control_wake_at(pass->control, clock_after(launch->grown, ASSEMBLE_MS));
        return 0;
    }
    control_wake_at(pass->control, end_of(pass, launch));
    if (!launch->paid && !take_tokens(pass, part, group->claims[0]->launch_count))
        return 0;
    launch->paid = true;
    log_event(control_effects(pass->control)->log, LOG_INFO, "launch", LOG_S("launch", launch->id),
              LOG_S("provisioner", group->claims[0]->provisioner), LOG_I("nodes", group->n),
              LOG_I("pools", group->claims[0]->n_pools), LOG_S("why", group->claims[0]->reason));
    return ask(pass, launch, false, request_of(group), err);
}

static int by_launch(const void *left, const void *right)
{
    const struct node_claim *const *a = left, *const *b = right;
    int order = str_cmp((*a)->launch_id, (*b)->launch_id);
    return order ? order : str_cmp((*a)->name, (*b)->name);
}

/* The claims that carry a launch, by launch and name; none if no claim waits for its launch. */
static int sort_claims(struct pass *pass, const struct node_claim ***ret, size_t *ret_n, struct err *err)
{
    const struct view *view = &pass->view;
    size_t n = 0;
    bool waits = false;
    for (uint32_t i = 0; i < view->n_claims; i++)
        waits |= view->claims[i].claim->phase == CLAIM_LAUNCHING;
    const struct node_claim **claims = arena_array(pass->arena, const struct node_claim *, waits ? view->n_claims : 0);
    if (!claims)
        return err_nomem(err);
    for (uint32_t i = 0; i < view->n_claims && waits; i++)
        if (view->claims[i].claim->launch_id.len)
            claims[n++] = view->claims[i].claim;
    qsort(claims, n, sizeof(const struct node_claim *), by_launch);
    *ret = claims;
    *ret_n = n;
    return 0;
}

static void note_claims(const struct pass *pass, const struct launch_part *part, struct launch *launch,
                        const struct launch_group *group)
{
    if (!launch->n_claims)
        launch->made = clock_after(pass->now, -age_ms(pass, part, group->created));
    if (group->n <= launch->n_claims)
        return;
    launch->grown = clock_after(pass->now, -age_ms(pass, part, group->newest));
    launch->n_claims = group->n;
}

static int take_group(struct pass *pass, struct launch_part *part, const struct launch_group *group, struct err *err)
{
    bool waits = false;
    for (size_t i = 0; i < group->n; i++)
        waits |= group->claims[i]->phase == CLAIM_LAUNCHING;
    if (!waits)
        return 0;
    struct launch *launch = find_or_add(pass, part, group->claims[0]->launch_id);
    if (!launch)
        return err_nomem(err);
    launch->wanted = true;
    note_claims(pass, part, launch, group);
    if (launch->state == LAUNCH_IDLE)
        return move_on(pass, part, launch, group, err);
    if (launch->state == LAUNCH_ANSWERED)
        return launch_settle(pass, launch, group, err);
    return 0;
}

int launch_pass(struct pass *pass, struct err *err)
{
    struct launch_part *part = control_part(pass->control, PART_LAUNCH, sizeof(*part), part_release);
    const struct node_claim **claims = NULL;
    size_t n = 0;
    if (!part)
        return err_nomem(err);
    int code = sort_claims(pass, &claims, &n, err);
    for (struct launch *launch = part->launches; launch; launch = launch->next)
        launch->wanted = false;
    for (size_t from = 0, to; from < n && !code; from = to) {
        struct launch_group group = {
            .claims = &claims[from], .created = claims[from]->created, .newest = claims[from]->created};
        for (to = from; to < n && str_eq(claims[to]->launch_id, claims[from]->launch_id); to++) {
            int64_t created_ns = claims[to]->created.ns;
            group.created.ns = created_ns < group.created.ns ? created_ns : group.created.ns;
            group.newest.ns = created_ns > group.newest.ns ? created_ns : group.newest.ns;
        }
        group.n = to - from;
        code = take_group(pass, part, &group, err);
    }
    part->passed = pass->now;
    if (!code)
        drop_finished(part);
    return code;
}

#include "cloud/aws/client.h"

#include <stdlib.h>

#include "cloud/aws/client_call.h"
#include "cloud/aws/credentials.h"
#include "cloud/aws/endpoints.h"
#include "cloud/aws/pace.h"
#include "cloud/aws/wire.h"

/* "Retry behavior", AWS SDKs and Tools Reference Guide: exponential, capped, and any part of it by chance. */
enum { BACKOFF_MS = 100, BACKOFF_THROTTLED_MS = 1000, BACKOFF_MOST_MS = 20 * 1000 };

struct aws_client {
    struct loop *loop;
    struct http http;
    const struct chance *chance;
    void (*called)(void *context, const char *api, int code, double ms);
    void *context;
    struct arena arena; /* settings and endpoints */
    struct aws_settings settings;
    struct aws_endpoints endpoints;
    struct aws_identity *identity;
    struct clock_mono identity_asked; /* when the providers were */
    struct aws_sigv4_key keys[AWS_SERVICES];
    struct aws_pace pace;
    struct pending *first; /* all calls that are not over */
};

/* What a call waits for. */
enum stage { STAGE_TIMER, STAGE_IDENTITY, STAGE_PACE, STAGE_ANSWER };

struct pending {
    struct aws_client *client;
    struct pending *next, *prev;
    struct arena arena;
    struct arena_mark mark; /* what an attempt makes is behind it */
    struct aws_call call;
    aws_answer_fn done;
    void (*dropped)(void *context);
    void *context;
    enum stage stage;
    struct loop_timer timer, limit;
    struct clock_mono deadline, sent;
    struct aws_identity_waiter waiter;
    struct aws_pace_ticket ticket;
    struct http_call *http_call;
    uint64_t generation; /* of the keys it was signed with */
    int attempts;
    bool paid;                    /* the pace's token of this attempt */
    bool renewed_keys, set_clock; /* each is tried once */
    struct err last;              /* why the attempts so far failed */
};

static enum aws_pace_class class_of(const struct pending *p)
{
    return aws_pace_class(p->call.service, p->call.action);
}

static void unlink_pending(struct pending *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        p->client->first = p->next;
    if (p->next)
        p->next->prev = p->prev;
}

/* Nothing will come back for it any more. */
static void detach(struct pending *p)
{
    struct aws_client *client = p->client;
    loop_timer_cancel(client->loop, &p->timer);
    loop_timer_cancel(client->loop, &p->limit);
    if (p->stage == STAGE_IDENTITY)
        aws_identity_forget(client->identity, &p->waiter);
    if (p->stage == STAGE_PACE)
        aws_pace_cancel(&client->pace, class_of(p), &p->ticket);
    if (p->stage == STAGE_ANSWER && p->http_call)
        client->http.cancel(client->http.context, p->http_call);
    unlink_pending(p);
}

static void free_pending(struct pending *p)
{
    arena_wipe(&p->arena);
    free(p);
}

static void finish(struct pending *p, const struct aws_answer *answer)
{
    detach(p);
    p->done(p->context, answer);
    free_pending(p);
}

static void fail(struct pending *p, enum aws_error_scope scope, const struct err *err)
{
    const struct aws_answer answer = {.err = err, .scope = scope, .arena = &p->arena};
    finish(p, &answer);
}

static int64_t left_ms(const struct pending *p)
{
    return (p->deadline.ns - loop_now(p->client->loop).ns) / 1000000;
}

static void report(const struct pending *p, int code)
{
    char name[AWS_WIRE_NAME_BYTES];
    struct aws_client *client = p->client;
    if (client->called)
        client->called(client->context, aws_wire_name(p->call.service, p->call.action, name), code,
                       clock_ms_between(p->sent, loop_now(client->loop)));
}

static void proceed(struct pending *p);

/* Again from the start, later. False if that is too late, or there is no memory for it. */
static bool again_after(struct pending *p, int64_t delay_ms)
{
    if (delay_ms >= left_ms(p) || loop_timer_after(p->client->loop, &p->timer, delay_ms, NULL))
        return false;
    p->stage = STAGE_TIMER;
    return true;
}

static bool back_off(struct pending *p, int code)
{
    if (p->call.no_retry || p->attempts >= AWS_CALL_ATTEMPTS)
        return false;
    int64_t base_ms = code == ERR_THROTTLED ? BACKOFF_THROTTLED_MS : BACKOFF_MS;
    int64_t most_ms = clock_back_off_ms(base_ms, (uint32_t)p->attempts, BACKOFF_MOST_MS);
    return again_after(p, (int64_t)chance_below(p->client->chance, (uint64_t)most_ms + 1));
}

/* A refusal for reasons that can be mended here, and where nothing was done: clock and keys, each once. */
static bool mend(struct pending *p, enum aws_error_scope scope, const struct http_response *response)
{
    struct aws_identity *identity = p->client->identity;
    struct clock_wall theirs;
    if (scope != AWS_SCOPE_CREDENTIALS || !response)
        return false;
    if (!p->set_clock && aws_wire_date(response, &theirs) && aws_identity_mend_clock(identity, theirs)) {
        p->set_clock = true;
        return again_after(p, 0);
    }
    if (p->renewed_keys)
        return false;
    p->renewed_keys = true;
    aws_identity_reject(identity, p->generation);
    return again_after(p, 0);
}

static void on_response(void *context, const struct http_response *response, const struct err *failed)
{
    struct pending *p = context;
    struct aws_wire_answer wire = {0};
    enum aws_error_scope scope = AWS_SCOPE_CALL;
    struct err err = {0};
    p->http_call = NULL;
    int rc = aws_wire_answer(p->call.service, p->call.action, response, failed, &p->arena, &wire, &scope, &err);
    report(p, rc);
    if (rc == 0) {
        const struct aws_answer answer = {
            .dry_run = wire.dry_run, .xml = wire.xml, .json = wire.json, .arena = &p->arena};
        finish(p, &answer);
        return;
    }
    if (rc == ERR_THROTTLED)
        aws_pace_drain(&p->client->pace, class_of(p));
    p->last = err;
    bool passing = rc == ERR_RETRY || rc == ERR_THROTTLED;
    if (!(passing ? back_off(p, rc) : mend(p, scope, response)))
        fail(p, scope, &err);
}

static int send(struct pending *p, const struct aws_credentials *credentials, struct err *err)
{
    struct aws_client *client = p->client;
    int64_t left = left_ms(p);
    arena_rewind(&p->arena, p->mark);
    const struct aws_wire_call call = {.service = p->call.service,
                                       .action = p->call.action,
                                       .body = p->call.body,
                                       .endpoint = &client->endpoints.of[p->call.service],
                                       .credentials = credentials,
                                       .key = &client->keys[p->call.service],
                                       .now = aws_identity_now(client->identity),
                                       .timeout_ms = left < p->call.attempt_timeout_ms ? (left > 0 ? left : 1)
                                                                                       : p->call.attempt_timeout_ms,
                                       .tls = client->endpoints.has_tls ? &client->endpoints.tls : NULL};
    const struct http_handler handler = {.done = on_response, .context = p};
    struct http_request request;
    int rc = aws_wire_request(&call, &p->arena, &request, err);
    if (rc)
        return rc;
    p->stage = STAGE_ANSWER;
    p->sent = loop_now(client->loop);
    p->attempts++;
    p->paid = false;
    return client->http.send(client->http.context, &request, &handler, &p->http_call, err);
}

/* Keys, then a place in the queue, then out. Comes back here after each wait, since keys may end meanwhile. */
static void proceed(struct pending *p)
{
    struct aws_client *client = p->client;
    struct err err = {0};
    p->stage = STAGE_TIMER; /* nothing to be undone */
    const struct aws_credentials *credentials = aws_identity_credentials(client->identity, &p->generation);
    int rc = 0;
    if (!credentials) {
        rc = aws_identity_wait(client->identity, &p->waiter, &err);
        if (!rc)
            p->stage = STAGE_IDENTITY;
    } else if (!p->paid) {
        rc = aws_pace_take(&client->pace, class_of(p), &p->ticket, &p->paid, &err);
        if (!rc && !p->paid)
            p->stage = STAGE_PACE;
    }
    if (!rc && credentials && p->paid)
        rc = send(p, credentials, &err);
    if (rc)
        fail(p, AWS_SCOPE_CALL, &err);
}

static void on_timer(void *context)
{
    proceed(context);
}

static void on_identity(void *context, const struct err *err)
{
    struct pending *p = context;
    p->stage = STAGE_TIMER;
    if (err)
        fail(p, AWS_SCOPE_CREDENTIALS, err);
    else
        proceed(p);
}

static void on_granted(void *context)
{
    struct pending *p = context;
    p->paid = true;
    proceed(p);
}

static void on_limit(void *context)
{
    struct pending *p = context;
    char name[AWS_WIRE_NAME_BYTES];
    struct err err = {0};
    aws_wire_name(p->call.service, p->call.action, name);
    if (p->stage == STAGE_ANSWER)
        report(p, ERR_RETRY);
    err_note(&err, ERR_RETRY, "%s: not done within %lld s%s%s", name, (long long)(p->call.deadline_ms / 1000),
             p->last.code ? "; at last " : "", p->last.message);
    fail(p, AWS_SCOPE_CALL, &err);
}

static int fill(struct pending *p, const struct aws_call *call, struct err *err)
{
    p->call = *call;
    p->call.body = str_dup(&p->arena, call->body);
    if (!p->call.body.ptr)
        return err_nomem(err);
    if (!call->attempt_timeout_ms)
        p->call.attempt_timeout_ms = AWS_CALL_ATTEMPT_MS;
    if (!call->deadline_ms)
        p->call.deadline_ms = AWS_CALL_DEADLINE_MS;
    p->mark = arena_mark(&p->arena);
    p->timer = LOOP_TIMER(on_timer, p);
    p->limit = LOOP_TIMER(on_limit, p);
    p->waiter = (struct aws_identity_waiter){.ready = on_identity, .context = p};
    p->ticket = (struct aws_pace_ticket){.granted = on_granted, .context = p, .urgent = call->urgent};
    p->deadline.ns = loop_now(p->client->loop).ns + p->call.deadline_ms * 1000000;
    int rc = loop_timer_set(p->client->loop, &p->limit, p->deadline, err);
    return rc ? rc : loop_timer_after(p->client->loop, &p->timer, 0, err);
}

int aws_client_call_owned(struct aws_client *client, const struct aws_call *call, aws_answer_fn done,
                          void (*dropped)(void *context), void *context, struct err *err)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (!p)
        return err_nomem(err);
    p->client = client;
    p->done = done;
    p->dropped = dropped;
    p->context = context;
    int rc = fill(p, call, err);
    p->next = client->first;
    if (p->next)
        p->next->prev = p;
    client->first = p;
    if (rc) {
        detach(p);
        free_pending(p);
    }
    return rc;
}

int aws_client_call(struct aws_client *client, const struct aws_call *call, aws_answer_fn done, void *context,
                    struct err *err)
{
    return aws_client_call_owned(client, call, done, NULL, context, err);
}

static void on_identity_moved(void *context, enum aws_identity_state from, enum aws_identity_state to,
                              const struct err *err)
{
    struct aws_client *client = context;
    bool asks = to == AWS_IDENTITY_LOADING || to == AWS_IDENTITY_RENEWING;
    bool asked = from == AWS_IDENTITY_LOADING || from == AWS_IDENTITY_RENEWING;
    if (asks && !asked)
        client->identity_asked = loop_now(client->loop);
    if (asked && !asks && client->called)
        client->called(client->context, "credentials", err ? err->code : 0,
                       clock_ms_between(client->identity_asked, loop_now(client->loop)));
}

static int set_up(struct aws_client *client, const struct aws_client_options *options, struct err *err)
{
    struct str region = str_dup(&client->arena, options->region);
    if (!region.ptr)
        return err_nomem(err);
    int rc = aws_settings_read(options->environment, &client->arena, &client->settings, err);
    if (!rc)
        rc = aws_endpoints_find(options->environment, &client->settings, region, &client->arena, &client->endpoints,
                                err);
    const struct aws_identity_options identity = {.loop = options->loop,
                                                  .http = options->http,
                                                  .chance = options->chance,
                                                  .environment = options->environment,
                                                  .endpoints = &client->endpoints,
                                                  .moved = on_identity_moved,
                                                  .context = client};
    return rc ? rc : aws_identity_open(&identity, &client->identity, err);
}

int aws_client_open(const struct aws_client_options *options, struct aws_client **ret, struct err *err)
{
    struct aws_client *client = calloc(1, sizeof(*client));
    if (!client)
        return err_nomem(err);
    client->loop = options->loop;
    client->http = options->http;
    client->chance = options->chance;
    client->called = options->called;
    client->context = options->context;
    aws_pace_init(&client->pace, client->loop);
    int rc = set_up(client, options, err);
    if (rc)
        aws_client_close(client);
    else
        *ret = client;
    return rc;
}

void aws_client_close(struct aws_client *client)
{
    if (!client)
        return;
    while (client->first) {
        struct pending *p = client->first;
        detach(p);
        if (p->dropped)
            p->dropped(p->context);
        free_pending(p);
    }
    aws_identity_close(client->identity);
    aws_pace_release(&client->pace);
    for (int i = 0; i < AWS_SERVICES; i++)
        aws_sigv4_key_clear(&client->keys[i]);
    arena_wipe(&client->arena);
    free(client);
}

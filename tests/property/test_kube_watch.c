/*
 * test_kube_watch.c - a small API server with a history that is compacted, pages that expire, streams that are cut
 * anywhere and refusals of every sort, all by a seed: what the sink was told is in the end what there is, and never
 * goes back in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/kube/kube.h"
#include "tests/support/virtual_time.h"

enum {
    SEEDS = 60,
    NAMES = 9,
    HISTORY = 4096,
    CALLS = 64,
    TEXT = 1 << 16,
    TICK_MS = 40,
    STORM_MS = 60000,
    CALM_MS = 400000
};

struct change {
    int name;
    bool deleted;
    int64_t version;
};

/* What there was at one version: pages are of it. */
struct snapshot {
    int64_t version;
    int64_t versions[NAMES]; /* 0: not there */
};

struct http_call {
    bool used, stream, begun;
    struct http_handler handler;
    char url[512];
    char text[TEXT]; /* of a stream: not sent yet */
    size_t sent, len;
    int64_t at; /* of a stream: told up to there */
};

struct server {
    uint64_t seed;
    struct chance chance;
    struct loop *loop;
    struct loop_timer timer;
    struct http_call calls[CALLS];
    int64_t versions[NAMES], version, compacted;
    struct change history[HISTORY];
    size_t n_history;
    struct snapshot snapshots[CALLS];
    size_t n_snapshots;
    bool calm;
    bool no_streaming;
    /* What the sink was told. */
    int64_t told[NAMES], newest[NAMES]; /* newest: deletions count */
    bool seen[NAMES], listing;
    int listed;
};

static bool chance_of(struct server *server, unsigned percent)
{
    return !server->calm && chance_below(&server->chance, 100) < percent;
}

static void change_something(struct server *server)
{
    int name = (int)chance_below(&server->chance, NAMES);
    bool deleted = server->versions[name] && chance_below(&server->chance, 3) == 0;
    assert_true(server->n_history < HISTORY);
    server->version++;
    server->versions[name] = deleted ? 0 : server->version;
    server->history[server->n_history++] = (struct change){name, deleted, server->version};
}

static void append(struct http_call *call, const char *fmt, ...) CC_PRINTF(2, 3);

static void append(struct http_call *call, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(call->text + call->len, TEXT - call->len, fmt, args);
    va_end(args);
    assert_true(n > 0 && (size_t)n < TEXT - call->len);
    call->len += (size_t)n;
}

static void append_event(struct http_call *call, const char *type, int name, int64_t version)
{
    append(call,
           "{\"type\":\"%s\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"n\",\"name\":\"%d\","
           "\"uid\":\"u\",\"resourceVersion\":\"%lld\"}}}\n",
           type, name, (long long)version);
}

static void append_bookmark(struct http_call *call, int64_t version, bool initial_end)
{
    append(call, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%lld\"%s}}}\n",
           (long long)version, initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
}

static void done(struct http_call *call, int status, const char *body)
{
    const struct http_response response = {.status = status, .body = str_of(body)};
    call->used = false;
    call->handler.done(call->handler.context, &response, NULL);
}

static void cut(struct http_call *call, int code)
{
    struct err err = {0};
    err_note(&err, code, "cut");
    call->used = false;
    call->handler.done(call->handler.context, NULL, &err);
}

/* The number behind `key` in the URL; -1 if it is not there. */
static int64_t number_in(const char *url, const char *key)
{
    const char *at = strstr(url, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static void answer_page(struct server *server, struct http_call *call)
{
    static char body[TEXT];
    int64_t token = number_in(call->url, "continue=");
    size_t which = token < 0 ? server->n_snapshots++ : (size_t)(token / 100),
           from = token < 0 ? 0 : (size_t)(token % 100);
    if (which >= CALLS) {
        server->n_snapshots = 0;
        which = server->n_snapshots++;
    }
    struct snapshot *snapshot = &server->snapshots[which];
    if (token < 0) {
        snapshot->version = server->version;
        memcpy(snapshot->versions, server->versions, sizeof(snapshot->versions));
    } else if (snapshot->version < server->compacted) {
        done(call, 410, "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}");
        return;
    }
    size_t to = from + 1 + (size_t)chance_below(&server->chance, 4);
    int at = snprintf(body, sizeof(body), "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[");
    const char *comma = "";
    for (size_t i = from; i < to && i < NAMES; i++)
        if (snapshot->versions[i]) {
            at += snprintf(body + at, sizeof(body) - (size_t)at,
                           "%s{\"metadata\":{\"name\":\"%zu\",\"resourceVersion\":\"%lld\"}}", comma, i,
                           (long long)snapshot->versions[i]);
            comma = ",";
        }
    at += snprintf(body + at, sizeof(body) - (size_t)at, "],\"metadata\":{\"resourceVersion\":\"%lld\"",
                   (long long)snapshot->version);
    if (to < NAMES)
        at += snprintf(body + at, sizeof(body) - (size_t)at, ",\"continue\":\"%zu\"", which * 100 + to);
    snprintf(body + at, sizeof(body) - (size_t)at, "}}");
    if (chance_of(server, 5))
        body[strlen(body) / 2] = '\0'; /* a body that was cut off, and nobody noticed */
    done(call, 200, body);
}

static void begin_stream(struct server *server, struct http_call *call)
{
    call->begun = true;
    call->at = number_in(call->url, "&resourceVersion=");
    if (call->at < 0) {
        for (int i = NAMES - 1; i >= 0; i--)
            if (server->versions[i])
                append_event(call, "ADDED", i, server->versions[i]);
        append_bookmark(call, server->version, true);
        call->at = server->version;
    } else if (call->at < server->compacted) {
        if (chance_below(&server->chance, 2)) {
            done(call, 410, "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}");
            return;
        }
        append(call, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n");
    }
}

static void tell_changes(struct server *server, struct http_call *call)
{
    for (size_t i = 0; i < server->n_history && call->len < TEXT / 2; i++) {
        const struct change *change = &server->history[i];
        if (change->version <= call->at)
            continue;
        append_event(call, change->deleted ? "DELETED" : "MODIFIED", change->name, change->version);
        call->at = change->version;
    }
    if (call->len < TEXT / 2 && chance_of(server, 10))
        append_bookmark(call, call->at, false);
}

/* Some of what waits, cut anywhere. */
static void push(struct server *server, struct http_call *call)
{
    struct err err = {0};
    size_t waiting = call->len - call->sent;
    size_t n = server->calm ? waiting : (size_t)chance_below(&server->chance, waiting + 1);
    if (n == 0)
        return;
    struct str piece = {call->text + call->sent, n};
    call->sent += n;
    if (call->handler.chunk(call->handler.context, piece, &err) < 0) {
        call->used = false;
        call->handler.done(call->handler.context, NULL, &err);
        return;
    }
    if (call->sent == call->len)
        call->sent = call->len = 0;
}

static void serve(struct server *server, struct http_call *call)
{
    static const int statuses[] = {500, 503, 429, 401, 403, 410, 404, 504};
    bool pods = strstr(call->url, "/api/v1/pods?") != NULL;
    if (!pods)
        return; /* the other kinds are never answered */
    if (chance_of(server, call->stream && call->begun ? 2 : 10))
        cut(call, ERR_RETRY);
    else if (!call->begun && chance_of(server, 15))
        done(call, statuses[chance_below(&server->chance, CC_COUNT(statuses))], "");
    else if (!call->stream)
        answer_page(server, call);
    else if (!call->begun && server->no_streaming && strstr(call->url, "sendInitialEvents"))
        done(call, 422, "");
    else if (!call->begun)
        begin_stream(server, call);
    else if (chance_of(server, 2))
        done(call, 200, "");
    else {
        tell_changes(server, call);
        push(server, call);
    }
}

static void tick(void *context)
{
    struct server *server = context;
    struct err err = {0};
    assert_int_equal(loop_timer_after(server->loop, &server->timer, TICK_MS, &err), 0);
    for (uint64_t n = server->calm ? 0 : chance_below(&server->chance, 3); n > 0; n--)
        change_something(server);
    if (chance_of(server, 3))
        server->compacted = server->version - (int64_t)chance_below(&server->chance, 4);
    for (size_t i = 0; i < CALLS; i++)
        if (server->calls[i].used && (server->calm || chance_below(&server->chance, 2)))
            serve(server, &server->calls[i]);
}

static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct server *server = context;
    size_t at = 0;
    while (at < CALLS && server->calls[at].used)
        at++;
    assert_true(at < CALLS);
    if (chance_of(server, 2))
        return err_set(err, ERR_RETRY, "not sent");
    struct http_call *call = &server->calls[at];
    call->used = true;
    call->begun = false;
    call->sent = call->len = 0;
    call->handler = *handler;
    call->stream = strstr(request->url, "watch=true") != NULL;
    snprintf(call->url, sizeof(call->url), "%s", request->url);
    *ret = call;
    return 0;
}

static void cancel(void *context, struct http_call *call)
{
    (void)context;
    assert_true(call->used);
    call->used = false;
}

static void relist(void *context, enum cluster_kind kind)
{
    struct server *server = context;
    if (kind != CLUSTER_POD)
        return;
    server->listing = true;
    memset(server->seen, 0, sizeof(server->seen));
}

static void put(void *context, enum cluster_kind kind, const struct doc *object)
{
    struct server *server = context;
    int64_t name, version;
    assert_int_equal(kind, CLUSTER_POD);
    assert_true(str_to_int64(doc_at(object, "metadata.name")->text, &name) && name >= 0 && name < NAMES);
    assert_true(str_to_int64(doc_at(object, "metadata.resourceVersion")->text, &version));
    assert_true(version >= server->newest[name]);
    server->told[name] = server->newest[name] = version;
    server->seen[name] = true;
}

static void gone(void *context, enum cluster_kind kind, struct str namespace_, struct str name_text, struct str uid)
{
    struct server *server = context;
    int64_t name;
    assert_int_equal(kind, CLUSTER_POD);
    assert_true(str_is(namespace_, "n") && str_is(uid, "u"));
    assert_true(str_to_int64(name_text, &name) && name >= 0 && name < NAMES);
    server->told[name] = 0;
}

static void listed(void *context, enum cluster_kind kind)
{
    struct server *server = context;
    if (kind != CLUSTER_POD)
        return;
    assert_true(server->listing);
    server->listing = false;
    server->listed++;
    for (size_t i = 0; i < NAMES; i++)
        server->told[i] = server->seen[i] ? server->told[i] : 0;
}

static void failed(void *context, enum cluster_kind kind, const struct err *err)
{
    (void)context;
    (void)kind;
    assert_true(err->code < 0 && err->message[0]);
}

static void run(uint64_t seed)
{
    struct server *server = calloc(1, sizeof(*server));
    struct virtual_time time;
    struct loop loop;
    struct kube_access access = {.server = "https://api", .token = STR("t")};
    struct kube *kube;
    struct err err = {0};
    assert_non_null(server);
    virtual_time_init(&time);
    loop_init(&loop, &time.clock, virtual_time_waiter(&time));
    server->seed = seed;
    server->chance = chance_seeded(&server->seed);
    server->loop = &loop;
    server->version = 100;
    server->no_streaming = seed % 2 != 0;
    server->timer = LOOP_TIMER(tick, server);
    struct kube_options options = {
        .loop = &loop, .http = {send, cancel, server}, .chance = &server->chance, .access = &access};
    struct cluster_sink sink = {relist, put, gone, listed, failed, server};
    assert_int_equal(kube_open(&options, &kube, &err), 0);
    struct cluster cluster = kube_cluster(kube);
    cluster.start(cluster.context, &sink);
    tick(server);
    virtual_time_run(&loop, STORM_MS);
    server->calm = true;
    virtual_time_run(&loop, CALM_MS);
    if (memcmp(server->told, server->versions, sizeof(server->told)) != 0 || server->listed == 0)
        fail_msg("seed %llu: the sink was told something else than there is", (unsigned long long)seed);
    kube_close(kube);
    loop_timer_cancel(&loop, &server->timer);
    loop_release(&loop);
    free(server);
}

static void told_is_what_there_is(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(told_is_what_there_is)};
    return cmocka_run_group_tests_name("kube_watch (property)", tests, NULL, NULL);
}

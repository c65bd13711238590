/*
 * watcher.c - one kind listed and then watched, without a gap, whatever the API server and the network do.
 *
 * 1. The sink is told `relist` only when the first words of a good answer are there: while the server is away the last
 *    known picture stays.
 * 2. `version` is where the watch stands: all that happened up to there has been told to the sink. It is taken from
 *    each event, but in a streaming list only from the bookmark at its end (what is told before is in no order).
 * 3. A watch that ends goes on from `version`. Where the server no longer knows it (410), or refuses the watch, all is
 *    listed anew; where a list breaks it begins again.
 * 4. An object that the sink could not keep is asked for by a list, which waits until the one under way is over.
 * 5. Failures in a row wait longer and longer; one is over when a watch told something, or stood for a while.
 */
#include <assert.h>
#include <stdio.h>

#include "base/vec.h"
#include "provisioner/kube/kube_internal.h"
#include "provisioner/kube/list_page.h"
#include "provisioner/kube/watch_event.h"

enum {
    PAGE_OBJECTS = 500,
    LIST_TIMEOUT_MS = 60000,
    WATCH_LEAST_S = 300,    /* and up to as much again: watches shall not all end at once */
    WATCH_IDLE_MS = 150000, /* the server sends a bookmark a minute */
    OVERDUE_MS = 60000,
    BACKOFF_LEAST_MS = 500,
    BACKOFF_MOST_MS = 10000,
    FORBIDDEN_MS = 30000,
    MISSING_MS = 5000,
    MISSING_OPTIONAL_MS = 30000,
    UNWANTED_MS = 3600000,
    STEADY_MS = 10000, /* a watch that stood so long was no failure */
    REFUSED_MOST = 3,  /* answers in a row that refuse to go on from a version, before all is listed */
    REPORT_AGAIN_MS = 60000,
    LOST_LEAST_MS = 1000, /* until a list for an object that the sink lost */
    LOST_MOST_MS = 60000,
    LOST_IN_A_ROW_MS = 300000
};

/* What may follow what. */
static bool move_allowed(enum watcher_state from, enum watcher_state to)
{
    static const unsigned allowed[] = {
        [WATCHER_OFF] = 1U << WATCHER_WAITING | 1U << WATCHER_OFF,
        [WATCHER_WAITING] =
            1U << WATCHER_LISTING | 1U << WATCHER_STREAMING | 1U << WATCHER_WATCHING | 1U << WATCHER_WAITING,
        [WATCHER_LISTING] = 1U << WATCHER_LISTING | 1U << WATCHER_WATCHING | 1U << WATCHER_WAITING,
        [WATCHER_STREAMING] = 1U << WATCHER_WATCHING | 1U << WATCHER_WAITING,
        [WATCHER_WATCHING] = 1U << WATCHER_WAITING,
    };
    return (allowed[from] >> to & 1) != 0;
}

static void move(struct watcher *watcher, enum watcher_state to)
{
    assert(move_allowed(watcher->state, to));
    watcher->state = to;
}

/* The timer is set from the start and again as soon as it has fired, so that this moves it and needs no memory. */
static void set_timer_at(struct watcher *watcher, struct clock_mono at)
{
    struct err err = {0};
    int rc = loop_timer_set(watcher->kube->options.loop, &watcher->timer, at, &err);
    assert(rc == 0);
    (void)rc;
}

static void set_timer(struct watcher *watcher, int64_t delay_ms)
{
    set_timer_at(watcher, clock_after(loop_now(watcher->kube->options.loop), delay_ms));
}

static void wait_for(struct watcher *watcher, int64_t delay_ms)
{
    kube_call_cancel(&watcher->call);
    lines_clear(&watcher->lines);
    move(watcher, WATCHER_WAITING);
    set_timer(watcher, delay_ms);
}

static int64_t backoff_ms(const struct watcher *watcher)
{
    return clock_back_off_ms(BACKOFF_LEAST_MS, watcher->failures + 1, BACKOFF_MOST_MS);
}

static void report(struct watcher *watcher, const struct err *err)
{
    const struct cluster_sink *sink = &watcher->kube->sink;
    struct clock_mono now = loop_now(watcher->kube->options.loop);
    bool same = watcher->reported_code == err->code && watcher->reported_status == err->http_status;
    if (same && clock_ms_between(watcher->reported_at, now) < REPORT_AGAIN_MS)
        return;
    watcher->reported_code = err->code;
    watcher->reported_status = err->http_status;
    watcher->reported_at = now;
    sink->failed(sink->context, watcher->kind, err);
}

/* An object that cannot be read: the others go on. */
static void report_unreadable(void *context, const struct err *why)
{
    struct watcher *watcher = context;
    const struct cluster_sink *sink = &watcher->kube->sink;
    struct err err = *why;
    err_wrap(&err, "a %s is left out: it cannot be read", cluster_kind_name(watcher->kind));
    sink->failed(sink->context, watcher->kind, &err);
}

/* All is well: the next failure is news. */
static void well(struct watcher *watcher)
{
    watcher->failures = 0;
    watcher->excused = false;
    watcher->reported_code = 0;
}

static void begin_relist(struct watcher *watcher)
{
    const struct cluster_sink *sink = &watcher->kube->sink;
    if (watcher->relisting)
        return;
    sink->relist(sink->context, watcher->kind);
    watcher->relisting = true;
    watcher->relist_asked = false; /* what is lost from here on is lost to this list */
}

static void end_relist(struct watcher *watcher)
{
    const struct cluster_sink *sink = &watcher->kube->sink;
    watcher->relisting = false;
    watcher->page_once = false;
    watcher->listed_once = true;
    watcher->reported_code = 0;
    sink->listed(sink->context, watcher->kind);
}

static void forget_list(struct watcher *watcher)
{
    free(watcher->next_page);
    watcher->next_page = NULL;
    watcher->version[0] = '\0';
    watcher->relisting = false; /* the next one begins with a relist of its own */
}

static int set_version(struct watcher *watcher, struct str version, struct err *err)
{
    if (version.len >= sizeof(watcher->version))
        return err_set(err, ERR_INVALID, "a resourceVersion of %zu bytes, allowed are %zu", version.len,
                       sizeof(watcher->version) - 1);
    memcpy(watcher->version, version.ptr, version.len);
    watcher->version[version.len] = '\0';
    return 0;
}

/* A kind whose CRD may be missing, or that nobody wants, counts as listed, and empty. */
static void tell_empty(struct watcher *watcher)
{
    forget_list(watcher);
    begin_relist(watcher);
    end_relist(watcher);
}

/* The timer of a watch stands at its end, or before it where a list was asked for. */
static void heed_relist(struct watcher *watcher)
{
    if (watcher->state == WATCHER_WATCHING && watcher->relist_asked && watcher->timer.at.ns > watcher->relist_at.ns)
        set_timer_at(watcher, watcher->relist_at);
}

void watcher_relist(struct watcher *watcher)
{
    struct clock_mono now = loop_now(watcher->kube->options.loop);
    if (watcher->relist_asked)
        return;
    if (clock_ms_between(watcher->relist_at, now) > LOST_IN_A_ROW_MS)
        watcher->losses = 0;
    int64_t delay_ms = clock_back_off_ms(LOST_LEAST_MS, ++watcher->losses, LOST_MOST_MS);
    watcher->relist_at = clock_after(now, chance_jitter_ms(watcher->kube->options.chance, delay_ms));
    watcher->relist_asked = true;
    heed_relist(watcher);
}

/* How long until the next try after this refusal. */
static int64_t pause_ms(struct watcher *watcher, const struct kube_refusal *refusal)
{
    if (refusal->retry_after_ms > 0)
        return refusal->retry_after_ms + (int64_t)chance_below(watcher->kube->options.chance, 1000);
    switch (refusal->err.http_status) {
    case 403: return chance_jitter_ms(watcher->kube->options.chance, FORBIDDEN_MS);
    case 404:
        return chance_jitter_ms(watcher->kube->options.chance,
                                kube_kind(watcher->kind)->karpenter ? MISSING_OPTIONAL_MS : MISSING_MS);
    default: return chance_jitter_ms(watcher->kube->options.chance, backoff_ms(watcher));
    }
}

static void missing_words(struct watcher *watcher, struct kube_refusal *refusal)
{
    const struct kube_kind *kind = kube_kind(watcher->kind);
    struct err err = refusal->err;
    err_note(&err, ERR_NOT_FOUND,
             "HTTP 404: the API server has no %s of %s: is its CustomResourceDefinition installed?", kind->resource,
             kind->group_version);
    err.http_status = refusal->err.http_status;
    refusal->err = err;
}

/* The server has no streaming lists, or not for this kind: lists by pages, now and from here on. */
static bool streaming_refused(const struct watcher *watcher, const struct kube_refusal *refusal)
{
    int status = refusal->err.http_status;
    return watcher->state == WATCHER_STREAMING && !watcher->relisting && (status == 400 || status == 422);
}

/* Must what is known of the list, or of the watch's place, be given up? */
static bool begins_anew(const struct watcher *watcher, int status)
{
    if (watcher->state == WATCHER_STREAMING)
        return true;
    if (status == 0 || status == 401 || status == 403 || status == 408 || status == 429)
        return false;
    return status < 500 || (watcher->version[0] && watcher->failures >= REFUSED_MOST);
}

/* A list or a watch did not go as it should. */
static void failed(struct watcher *watcher, struct kube_refusal *refusal)
{
    int status = refusal->err.http_status;
    if (streaming_refused(watcher, refusal)) {
        watcher->no_streaming = true;
        wait_for(watcher, 0);
        return;
    }
    watcher->failures++;
    watcher->page_once = watcher->page_once || (watcher->state == WATCHER_STREAMING && watcher->relisting);
    if (begins_anew(watcher, status))
        forget_list(watcher);
    if (status == 404) {
        missing_words(watcher, refusal);
        if (kube_kind(watcher->kind)->karpenter && !watcher->listed_once)
            tell_empty(watcher);
    }
    if ((status == 401 || status == 410) && !watcher->excused) {
        /* A token that ran out and a version that is too old are the way of the world: once. */
        watcher->excused = true;
        wait_for(watcher, 0);
        return;
    }
    report(watcher, &refusal->err);
    wait_for(watcher, pause_ms(watcher, refusal));
}

/* Something of our own: memory, mostly. */
static void failed_here(struct watcher *watcher, const struct err *err)
{
    struct kube_refusal refusal = {.err = *err};
    failed(watcher, &refusal);
}

/* An object as it is put: it must at least have a name. */
static bool named(const struct doc *object)
{
    const struct doc *name = doc_at(object, "metadata.name");
    return name && name->kind == DOC_STRING && name->text.len > 0;
}

static int put_item(void *context, const struct doc *object, struct err *err)
{
    struct watcher *watcher = context;
    const struct cluster_sink *sink = &watcher->kube->sink;
    (void)err;
    if (named(object))
        sink->put(sink->context, watcher->kind, object);
    return 0;
}

static int on_event(void *context, const struct watch_event *event, struct err *err)
{
    struct watcher *watcher = context;
    const struct cluster_sink *sink = &watcher->kube->sink;
    if (event->type == WATCH_ERROR) {
        watcher->refusal = (struct kube_refusal){.retry_after_ms = 0};
        kube_status_read(event->object, 0, &watcher->refusal);
        return err_set(err, ERR_RETRY, "the watch ended with an error");
    }
    if (event->type == WATCH_DELETED)
        sink->gone(sink->context, watcher->kind, event->namespace_, event->name, event->uid);
    else if (event->type != WATCH_BOOKMARK)
        sink->put(sink->context, watcher->kind, event->object);
    if (watcher->state == WATCHER_WATCHING) {
        well(watcher);
        return set_version(watcher, event->resource_version, err);
    }
    if (!event->initial_end)
        return 0;
    int rc = set_version(watcher, event->resource_version, err);
    if (rc < 0)
        return rc;
    move(watcher, WATCHER_WATCHING);
    end_relist(watcher);
    heed_relist(watcher);
    return 0;
}

static int on_line(void *context, struct str line, struct err *err)
{
    struct watcher *watcher = context;
    struct err why = {0};
    int rc = watch_event_read(line, on_event, watcher, &why);
    if (rc == ERR_INVALID) {
        report_unreadable(watcher, &why);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* The answer is a good one: 2xx. */
static int on_chunk(void *context, struct str bytes, struct err *err)
{
    struct watcher *watcher = context;
    if (watcher->state == WATCHER_STREAMING)
        begin_relist(watcher);
    return lines_feed(&watcher->lines, bytes, on_line, watcher, err);
}

static void on_watch_done(void *context, const struct http_response *response, const struct err *err)
{
    struct watcher *watcher = context;
    struct kube_refusal refusal;
    double lasted_ms = clock_ms_between(watcher->begun, loop_now(watcher->kube->options.loop));
    if (watcher->state == WATCHER_WATCHING && lasted_ms >= STEADY_MS)
        well(watcher);
    if (watcher->refusal.err.code) {
        refusal = watcher->refusal;
        failed(watcher, &refusal);
    } else if (!kube_accepted(response, err, &refusal)) {
        failed(watcher, &refusal);
    } else if (watcher->state == WATCHER_STREAMING) {
        refusal = (struct kube_refusal){.retry_after_ms = 0};
        err_note(&refusal.err, ERR_RETRY, "the streaming list ended before it was complete");
        failed(watcher, &refusal);
    } else {
        /* Watches end: that is no failure, unless it ends again and again at once. */
        watcher->failures += lasted_ms < STEADY_MS;
        wait_for(watcher,
                 watcher->failures > 1 ? chance_jitter_ms(watcher->kube->options.chance, backoff_ms(watcher)) : 0);
    }
}

static int watch_path(struct watcher *watcher, bool streaming, int64_t timeout_s, struct arena *arena, struct str *ret,
                      struct err *err)
{
    struct buf path = BUF_INIT(arena);
    char number[32];
    snprintf(number, sizeof(number), "%lld", (long long)timeout_s);
    kube_collection_path(&path, watcher->kind);
    buf_add(&path, STR("?watch=true&allowWatchBookmarks=true&timeoutSeconds="));
    buf_add(&path, str_of(number));
    if (streaming) {
        buf_add(&path, STR("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"));
    } else {
        buf_add(&path, STR("&resourceVersion="));
        kube_escape(&path, str_of(watcher->version));
    }
    return buf_str(&path, ret, err);
}

static void begin_watch(struct watcher *watcher, bool streaming)
{
    struct arena arena = ARENA_INIT;
    struct kube *kube = watcher->kube;
    struct http_handler handler = {on_chunk, on_watch_done, watcher};
    struct kube_ask ask = {.verb = "watch", .kind = watcher->kind, .method = STR("GET")};
    struct err err = {0};
    int64_t timeout_s = WATCH_LEAST_S + (int64_t)chance_below(kube->options.chance, WATCH_LEAST_S);
    ask.idle_timeout_ms = WATCH_IDLE_MS;
    move(watcher, streaming ? WATCHER_STREAMING : WATCHER_WATCHING);
    watcher->begun = loop_now(kube->options.loop);
    watcher->refusal.err.code = 0;
    int rc = watch_path(watcher, streaming, timeout_s, &arena, &ask.path, &err);
    if (rc == 0)
        rc = kube_call_send(kube, &watcher->call, &ask, &handler, &err);
    arena_release(&arena);
    if (rc < 0)
        failed_here(watcher, &err);
    else
        set_timer(watcher, timeout_s * 1000 + OVERDUE_MS);
    heed_relist(watcher);
}

static void begin_page(struct watcher *watcher);

static int take_page(struct watcher *watcher, struct str body, struct err *err)
{
    struct arena arena = ARENA_INIT;
    const struct kube_kind *kind = kube_kind(watcher->kind);
    struct list_page_reader reader = {kind->name, kind->group_version, put_item, report_unreadable, watcher};
    struct list_page page;
    char *next = NULL;
    int rc = list_page_read(body, &reader, &arena, &page, err);
    if (rc == 0 && page.next.len && !(next = strndup(page.next.ptr, page.next.len)))
        rc = err_nomem(err);
    if (rc == 0 && !next)
        rc = set_version(watcher, page.resource_version, err);
    arena_release(&arena);
    if (rc < 0)
        return rc;
    free(watcher->next_page);
    watcher->next_page = next;
    return 0;
}

static void on_page_done(void *context, const struct http_response *response, const struct err *err)
{
    struct watcher *watcher = context;
    struct kube_refusal refusal;
    struct err why = {0};
    if (!kube_accepted(response, err, &refusal)) {
        failed(watcher, &refusal);
        return;
    }
    begin_relist(watcher);
    if (take_page(watcher, response->body, &why) < 0) {
        failed_here(watcher, &why);
    } else if (watcher->next_page) {
        begin_page(watcher);
    } else {
        end_relist(watcher);
        begin_watch(watcher, false);
    }
}

static int page_path(struct watcher *watcher, struct arena *arena, struct str *ret, struct err *err)
{
    struct buf path = BUF_INIT(arena);
    char number[16];
    snprintf(number, sizeof(number), "%d", PAGE_OBJECTS);
    kube_collection_path(&path, watcher->kind);
    buf_add(&path, STR("?limit="));
    buf_add(&path, str_of(number));
    if (watcher->next_page) {
        buf_add(&path, STR("&continue="));
        kube_escape(&path, str_of(watcher->next_page));
    }
    return buf_str(&path, ret, err);
}

static void begin_page(struct watcher *watcher)
{
    struct arena arena = ARENA_INIT;
    struct http_handler handler = {NULL, on_page_done, watcher};
    struct kube_ask ask = {.verb = "list", .kind = watcher->kind, .method = STR("GET"), .timeout_ms = LIST_TIMEOUT_MS};
    struct err err = {0};
    move(watcher, WATCHER_LISTING);
    int rc = page_path(watcher, &arena, &ask.path, &err);
    if (rc == 0)
        rc = kube_call_send(watcher->kube, &watcher->call, &ask, &handler, &err);
    arena_release(&arena);
    if (rc < 0)
        failed_here(watcher, &err);
    else
        set_timer(watcher, LIST_TIMEOUT_MS + OVERDUE_MS);
}

static bool wanted(const struct watcher *watcher)
{
    return watcher->kube->options.karpenter_manifests || !kube_kind(watcher->kind)->karpenter;
}

static void overdue(struct watcher *watcher)
{
    struct err err = {0};
    err_note(&err, ERR_RETRY, "no end came of a call that is overdue");
    kube_call_cancel(&watcher->call);
    failed_here(watcher, &err);
}

static void on_timer(void *context)
{
    struct watcher *watcher = context;
    set_timer(watcher, OVERDUE_MS);
    switch (watcher->state) {
    case WATCHER_OFF: break;
    case WATCHER_WAITING:
        if (!wanted(watcher)) {
            set_timer(watcher, UNWANTED_MS);
            tell_empty(watcher);
        } else if (watcher->version[0]) {
            begin_watch(watcher, false);
        } else if (watcher->no_streaming || watcher->page_once) {
            begin_page(watcher);
        } else {
            begin_watch(watcher, true);
        }
        break;
    case WATCHER_LISTING:
    case WATCHER_STREAMING: overdue(watcher); break;
    case WATCHER_WATCHING:
        if (watcher->relist_asked && loop_now(watcher->kube->options.loop).ns >= watcher->relist_at.ns)
            watcher_rethink(watcher);
        else
            overdue(watcher);
        break;
    }
}

int watcher_init(struct watcher *watcher, struct kube *kube, enum cluster_kind kind, struct err *err)
{
    *watcher = (struct watcher){.kube = kube, .kind = kind};
    watcher->timer = LOOP_TIMER(on_timer, watcher);
    return loop_timer_after(kube->options.loop, &watcher->timer, OVERDUE_MS, err);
}

void watcher_release(struct watcher *watcher)
{
    if (!watcher->kube)
        return;
    kube_call_cancel(&watcher->call);
    loop_timer_cancel(watcher->kube->options.loop, &watcher->timer);
    lines_clear(&watcher->lines);
    free(watcher->next_page);
    watcher->next_page = NULL;
}

void watcher_start(struct watcher *watcher)
{
    wait_for(watcher, 0);
}

void watcher_rethink(struct watcher *watcher)
{
    if (watcher->state == WATCHER_OFF)
        return;
    forget_list(watcher);
    wait_for(watcher, 0);
}

#include "base/http_curl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/http_curl_internal.h"

enum { READY_AT_ONCE = 16, MAX_CONNECTIONS = 64, KEPT_BODY_BYTES = 65536, NS_PER_MS = 1000000 };

/* A descriptor that somebody wants to read. */
struct watch {
    int fd;
    uint64_t id; /* tells it from a later one of the same number */
    void (*ready)(void *context);
    void *context;
};

struct http_curl {
    struct http_curl_options options;
    char *user_agent;
    CURLM *multi;
    struct http_host *hosts;
    struct http_call *calls;
    struct http_call *ready_first, *ready_last;
    uint64_t calls_sent, watches_made;
    int64_t next_deadline_ns; /* none is over before; INT64_MAX: none is set */
    VEC(struct watch) watches;
    int watched_fd; /* epoll over what is watched: curl itself would not tell that the other end hung up */
};

/* Calls that have something to tell. */

void http_curl_is_ready(struct http_call *call)
{
    struct http_curl *curl = call->curl;
    if (call->ready)
        return;
    call->ready = true;
    call->ready_next = NULL;
    if (curl->ready_last)
        curl->ready_last->ready_next = call;
    else
        curl->ready_first = call;
    curl->ready_last = call;
}

static void forget_ready(struct http_call *call)
{
    struct http_curl *curl = call->curl;
    if (!call->ready)
        return;
    struct http_call *before = NULL, *at = curl->ready_first;
    while (at != call) {
        before = at;
        at = at->ready_next;
    }
    if (before)
        before->ready_next = call->ready_next;
    else
        curl->ready_first = call->ready_next;
    if (curl->ready_last == call)
        curl->ready_last = before;
    call->ready = false;
}

/* Queues of hosts. */

static int host_of(struct http_curl *curl, const char *name, struct http_host **ret, struct err *err)
{
    for (struct http_host *host = curl->hosts; host; host = host->next) {
        if (strcmp(host->name, name) == 0) {
            *ret = host;
            return 0;
        }
    }
    struct http_host *host = calloc(1, sizeof(*host));
    if (!host || !(host->name = strdup(name))) {
        free(host);
        return err_nomem(err);
    }
    host->next = curl->hosts;
    curl->hosts = host;
    *ret = host;
    return 0;
}

static void enqueue(struct http_call *call)
{
    struct http_host *host = call->host;
    call->queued = true;
    if (host->queue_last)
        host->queue_last->queue_next = call;
    else
        host->queue_first = call;
    host->queue_last = call;
}

static void dequeue(struct http_call *call)
{
    struct http_host *host = call->host;
    struct http_call *before = NULL, *at = host->queue_first;
    while (at != call) {
        before = at;
        at = at->queue_next;
    }
    if (before)
        before->queue_next = call->queue_next;
    else
        host->queue_first = call->queue_next;
    if (host->queue_last == call)
        host->queue_last = before;
    call->queue_next = NULL;
    call->queued = false;
}

static void probe(const struct http_curl *curl, const struct http_call *call, bool after)
{
    if (curl->options.probe)
        curl->options.probe(curl->options.probe_context, call->number, after, &call->request);
}

static void note_deadline(struct http_curl *curl, const struct http_call *call)
{
    int64_t at_ns = call->deadline_ns;
    int64_t idle_ms = call->request.idle_timeout_ms;
    if (idle_ms > 0 && call->active && call->last_byte_ns + idle_ms * NS_PER_MS < at_ns)
        at_ns = call->last_byte_ns + idle_ms * NS_PER_MS;
    if (at_ns < curl->next_deadline_ns)
        curl->next_deadline_ns = at_ns;
}

/* Hands the call to curl. */
static int start(struct http_call *call, struct err *err)
{
    struct http_curl *curl = call->curl;
    int code = http_call_prepare(call, curl->user_agent, err);
    if (code)
        return code;
    call->number = ++curl->calls_sent;
    probe(curl, call, false);
    call->last_byte_ns = clock_now(&clock_system).ns;
    CURLMcode result = curl_multi_add_handle(curl->multi, call->easy);
    if (result == CURLM_OUT_OF_MEMORY)
        return err_nomem(err);
    if (result)
        return err_set(err, ERR_FATAL, "%s: %s", call->what, curl_multi_strerror(result));
    call->active = true;
    call->host->active++;
    note_deadline(curl, call);
    return 0;
}

static void finish(struct http_call *call)
{
    call->finished = true;
    http_curl_is_ready(call);
}

static void start_queued(struct http_host *host, int64_t max_connections)
{
    while (host->queue_first && host->active < max_connections) {
        struct http_call *call = host->queue_first;
        dequeue(call);
        call->code = start(call, &call->err);
        if (call->code)
            finish(call);
    }
}

/* Takes the call out of curl's hands, or out of the queue; others may go then. */
static void stop(struct http_call *call)
{
    struct http_curl *curl = call->curl;
    if (call->queued)
        dequeue(call);
    if (!call->active)
        return;
    curl_multi_remove_handle(curl->multi, call->easy);
    call->active = false;
    call->host->active--;
}

static void unlink_call(struct http_call *call)
{
    struct http_curl *curl = call->curl;
    forget_ready(call);
    if (call->prev)
        call->prev->next = call->next;
    else
        curl->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

/* The effect: send and cancel. */

static int send_call(void *context, const struct http_request *request, const struct http_handler *handler,
                     struct http_call **ret, struct err *err)
{
    struct http_curl *curl = context;
    struct http_call *call = NULL;
    const char *host_name = NULL;
    int code = http_call_new(request, handler, &call, &host_name, err);
    if (code)
        return code;
    call->curl = curl;
    code = host_of(curl, host_name, &call->host, err);
    if (code)
        goto fail;
    int64_t now_ns = clock_now(&clock_system).ns;
    call->deadline_ns = request->timeout_ms > 0 ? now_ns + request->timeout_ms * NS_PER_MS : INT64_MAX;
    if (call->host->active < curl->options.max_connections) {
        code = start(call, err);
        if (code)
            goto fail;
    } else {
        enqueue(call);
    }
    call->next = curl->calls;
    if (call->next)
        call->next->prev = call;
    curl->calls = call;
    note_deadline(curl, call); /* queued or not */
    if (ret)
        *ret = call;
    return 0;
fail:
    http_call_free(call);
    return code;
}

static void discard(struct http_call *call)
{
    struct http_host *host = call->host;
    int64_t max_connections = call->curl->options.max_connections;
    stop(call);
    unlink_call(call);
    http_call_free(call);
    start_queued(host, max_connections);
}

static void cancel_call(void *context, struct http_call *call)
{
    (void)context;
    call->cancelled = true;
    if (!call->busy)
        discard(call);
}

/* Telling. */

static void tell_bytes(struct http_call *call)
{
    struct str bytes = {call->body, call->body_len};
    struct err err = {0};
    call->busy = true;
    int code = call->handler.chunk(call->handler.context, bytes, &err);
    call->busy = false;
    call->body_len = 0;
    if (call->body_cap > KEPT_BODY_BYTES) {
        free(call->body);
        call->body = NULL;
        call->body_cap = 0;
    }
    if (!code || call->cancelled)
        return;
    stop(call);
    if (!err.code)
        err_note(&err, code, "%s: refused by its reader", call->what);
    call->code = code;
    call->err = err;
    call->finished = true;
}

static void tell_done(struct http_call *call)
{
    struct http_response response = {
        .status = call->status,
        .headers = call->response_headers,
        .n_headers = call->n_response_headers,
        .body = {call->body ? call->body : "", call->body_len},
    };
    if (call->number)
        probe(call->curl, call, true);
    call->busy = true;
    if (call->code)
        call->handler.done(call->handler.context, NULL, &call->err);
    else
        call->handler.done(call->handler.context, &response, NULL);
    call->busy = false;
}

/* Callbacks may send and cancel as they like: what they send has nothing to tell yet, what they cancel leaves the list.
 */
static void tell(struct http_curl *curl)
{
    while (curl->ready_first) {
        struct http_call *call = curl->ready_first;
        forget_ready(call);
        bool streamed = call->handler.chunk && call->status >= 200 && call->status < 300;
        if (streamed && call->body_len)
            tell_bytes(call);
        if (call->finished && !call->cancelled)
            tell_done(call);
        if (call->finished || call->cancelled)
            discard(call);
    }
}

static void collect_finished(struct http_curl *curl)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(curl->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct http_call *call = (struct http_call *)(void *)private;
        http_call_conclude(call, result);
        stop(call);
        finish(call);
    }
}

static void expire(struct http_curl *curl)
{
    int64_t now_ns = clock_now(&clock_system).ns;
    if (now_ns < curl->next_deadline_ns)
        return;
    curl->next_deadline_ns = INT64_MAX;
    for (struct http_call *call = curl->calls; call; call = call->next) {
        if (call->finished)
            continue;
        int64_t idle_ms = call->request.idle_timeout_ms;
        if (now_ns >= call->deadline_ns) {
            call->code = ERR_RETRY;
            err_note(&call->err, ERR_RETRY, "%s: no answer within %lld ms", call->what,
                     (long long)call->request.timeout_ms);
        } else if (idle_ms > 0 && call->active && now_ns - call->last_byte_ns >= idle_ms * NS_PER_MS) {
            call->code = ERR_RETRY;
            err_note(&call->err, ERR_RETRY, "%s: not a byte for %lld ms", call->what, (long long)idle_ms);
        } else {
            note_deadline(curl, call);
            continue;
        }
        stop(call);
        finish(call);
    }
}

/* Waiting. */

static int poll_ms(const struct http_curl *curl, int64_t timeout_ns)
{
    if (curl->ready_first)
        return 0;
    if (curl->next_deadline_ns != INT64_MAX) {
        int64_t left_ns = curl->next_deadline_ns - clock_now(&clock_system).ns;
        if (left_ns < 0)
            left_ns = 0;
        if (timeout_ns < 0 || left_ns < timeout_ns)
            timeout_ns = left_ns;
    }
    if (timeout_ns < 0 || timeout_ns / NS_PER_MS >= INT_MAX)
        return INT_MAX;
    return (int)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS); /* upwards: never early, so never in circles */
}

static const struct watch *find_watch(const struct http_curl *curl, uint64_t id)
{
    for (size_t i = 0; i < curl->watches.len; i++)
        if (curl->watches.items[i].id == id)
            return &curl->watches.items[i];
    return NULL;
}

/* What does not fit is still ready at the next turn. A callback may end the watch of one that comes after it. */
static void tell_watches(struct http_curl *curl)
{
    struct epoll_event ready[READY_AT_ONCE];
    int n = epoll_wait(curl->watched_fd, ready, READY_AT_ONCE, 0);
    for (int i = 0; i < n; i++) {
        const struct watch *watch = find_watch(curl, ready[i].data.u64);
        if (watch)
            watch->ready(watch->context);
    }
}

static int wait_once(void *context, int64_t timeout_ns, struct err *err)
{
    struct http_curl *curl = context;
    struct curl_waitfd watched = {.fd = curl->watched_fd, .events = CURL_WAIT_POLLIN};
    int running;
    CURLMcode result = curl_multi_poll(curl->multi, &watched, 1, poll_ms(curl, timeout_ns), NULL);
    if (!result)
        result = curl_multi_perform(curl->multi, &running);
    if (result == CURLM_OUT_OF_MEMORY)
        return err_nomem(err);
    if (result)
        return err_set(err, ERR_FATAL, "waiting for the network: %s", curl_multi_strerror(result));
    collect_finished(curl);
    expire(curl);
    for (struct http_host *host = curl->hosts; host; host = host->next)
        start_queued(host, curl->options.max_connections);
    tell(curl);
    if (watched.revents)
        tell_watches(curl);
    return 0;
}

int http_curl_watch(struct http_curl *curl, int fd, void (*ready)(void *context), void *context, struct err *err)
{
    struct watch watch = {fd, ++curl->watches_made, ready, context};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = watch.id};
    if (!VEC_PUSH(&curl->watches, watch))
        return err_nomem(err);
    if (epoll_ctl(curl->watched_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    curl->watches.len--;
    return err_set(err, ERR_FATAL, "epoll: %s", strerror(errno));
}

void http_curl_unwatch(struct http_curl *curl, int fd)
{
    for (size_t i = 0; i < curl->watches.len; i++) {
        if (curl->watches.items[i].fd == fd) {
            epoll_ctl(curl->watched_fd, EPOLL_CTL_DEL, fd, NULL);
            curl->watches.items[i] = curl->watches.items[--curl->watches.len];
            return;
        }
    }
}

/* Opening and closing. */

int http_curl_open(const struct http_curl_options *options, struct http_curl **ret, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return err_set(err, ERR_FATAL, "libcurl cannot be initialised");
    struct http_curl *curl = calloc(1, sizeof(*curl));
    if (!curl) {
        curl_global_cleanup();
        return err_nomem(err);
    }
    curl->options = *options;
    curl->next_deadline_ns = INT64_MAX;
    if (curl->options.max_connections <= 0)
        curl->options.max_connections = MAX_CONNECTIONS;
    curl->user_agent = strdup(options->user_agent);
    curl->multi = curl_multi_init();
    curl->watched_fd = epoll_create1(EPOLL_CLOEXEC);
    int code = 0;
    if (!curl->user_agent || !curl->multi)
        code = err_nomem(err);
    else if (curl->watched_fd < 0)
        code = err_set(err, ERR_FATAL, "epoll: %s", strerror(errno));
    if (code) {
        http_curl_close(curl);
        return code;
    }
    *ret = curl;
    return 0;
}

void http_curl_close(struct http_curl *curl)
{
    if (!curl)
        return;
    while (curl->calls) {
        struct http_call *call = curl->calls;
        stop(call);
        unlink_call(call);
        http_call_free(call);
    }
    while (curl->hosts) {
        struct http_host *host = curl->hosts;
        curl->hosts = host->next;
        free(host->name);
        free(host);
    }
    curl_multi_cleanup(curl->multi);
    VEC_FREE(&curl->watches);
    if (curl->watched_fd >= 0)
        close(curl->watched_fd);
    free(curl->user_agent);
    free(curl);
    curl_global_cleanup();
}

struct http http_curl_http(struct http_curl *curl)
{
    return (struct http){send_call, cancel_call, curl};
}

struct loop_waiter http_curl_waiter(struct http_curl *curl)
{
    return (struct loop_waiter){wait_once, curl};
}

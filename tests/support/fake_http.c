#include "tests/support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/vec.h"

enum event_kind { EVENT_CHUNK, EVENT_END, EVENT_FAIL };

/* Something that a call is going to be told. */
struct event {
    enum event_kind kind;
    struct str bytes;
    int status; /* of END; the code of FAIL */
    const char *headers;
};

struct http_call {
    struct fake_request request;
    struct http_handler handler;
    VEC(struct event) events;
    size_t told;
};

struct script {
    const char *method, *url_part;
    struct event event;
    bool used;
};

struct fake_http {
    struct loop *loop;
    struct loop_timer timer;
    struct arena arena;
    VEC(struct http_call *) calls;
    VEC(struct script) scripts;
    size_t piece_bytes;
    size_t refuse_in;
    int refuse_code;
};

static bool contains(struct str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static bool matches(const struct fake_request *request, const char *method, const char *url_part)
{
    return (!method || str_is(request->method, method)) && contains(request->url, url_part);
}

static bool is_open(const struct http_call *call)
{
    return !call->request.over && !call->request.cancelled;
}

static void wake(struct fake_http *fake)
{
    struct err err = {0};
    assert_int_equal(loop_timer_after(fake->loop, &fake->timer, 0, &err), 0);
}

static void add_event(struct fake_http *fake, struct http_call *call, struct event event)
{
    assert_true(VEC_PUSH(&call->events, event));
    wake(fake);
}

/* Has the call's end been decided already? */
static bool decided(const struct http_call *call)
{
    return call->events.len > 0 && call->events.items[call->events.len - 1].kind != EVENT_CHUNK;
}

static void match_scripts(struct fake_http *fake, struct http_call *call)
{
    for (size_t i = 0; i < fake->scripts.len && is_open(call) && !decided(call); i++) {
        struct script *script = &fake->scripts.items[i];
        if (script->used || !matches(&call->request, script->method, script->url_part))
            continue;
        script->used = true;
        add_event(fake, call, script->event);
    }
}

/* "a: b\nc: d" to headers; returns how many. */
static size_t split_headers(const char *text, struct http_header *headers)
{
    struct str rest = str_of(text);
    size_t n = 0;
    while (rest.len) {
        struct str value = str_cut(&rest, '\n');
        struct str name = str_cut(&value, ':');
        assert_true(n < HTTP_MAX_HEADERS);
        headers[n++] = (struct http_header){str_trim(name), str_trim(value)};
    }
    return n;
}

static void tell_end(struct http_call *call, const struct event *event)
{
    struct http_header headers[HTTP_MAX_HEADERS];
    struct http_response response = {
        .status = event->status, .headers = headers, .n_headers = split_headers(event->headers, headers)};
    struct err err = {0};
    bool good = event->status >= 200 && event->status < 300;
    if (!good || !call->handler.chunk)
        response.body = event->bytes;
    else if (event->bytes.len && call->handler.chunk(call->handler.context, event->bytes, &err) < 0) {
        call->request.over = true;
        call->handler.done(call->handler.context, NULL, &err);
        return;
    }
    call->request.over = true;
    call->handler.done(call->handler.context, &response, NULL);
}

static void tell(struct http_call *call, const struct event *event)
{
    struct err err = {0};
    if (event->kind == EVENT_END) {
        tell_end(call, event);
    } else if (event->kind == EVENT_FAIL) {
        err_note(&err, event->status, "%.*s", STR_ARG(event->bytes));
        call->request.over = true;
        call->handler.done(call->handler.context, NULL, &err);
    } else if (call->handler.chunk(call->handler.context, event->bytes, &err) < 0) {
        call->request.over = true;
        call->handler.done(call->handler.context, NULL, &err);
    }
}

static void deliver(void *context)
{
    struct fake_http *fake = context;
    size_t n = fake->calls.len; /* what is sent meanwhile waits for the next turn */
    for (size_t i = 0; i < n; i++) {
        struct http_call *call = fake->calls.items[i];
        size_t most = call->events.len;
        while (call->told < most && is_open(call)) {
            struct event event = call->events.items[call->told++];
            tell(call, &event);
        }
        if (is_open(call) && call->told < call->events.len)
            wake(fake);
    }
}

static struct str keep(struct fake_http *fake, struct str text)
{
    struct str copy = str_dup(&fake->arena, text);
    assert_non_null(copy.ptr);
    return copy;
}

static int send_call(void *context, const struct http_request *request, const struct http_handler *handler,
                     struct http_call **ret, struct err *err)
{
    struct fake_http *fake = context;
    if (fake->refuse_in > 0 && --fake->refuse_in == 0)
        return err_set(err, fake->refuse_code, "send refused by the test");
    struct http_call *call = calloc(1, sizeof(*call));
    struct http_header *headers = arena_array(&fake->arena, struct http_header, request->n_headers);
    assert_non_null(call);
    assert_non_null(headers);
    assert_non_null(handler->done);
    for (size_t i = 0; i < request->n_headers; i++)
        headers[i] = (struct http_header){keep(fake, request->headers[i].name), keep(fake, request->headers[i].value)};
    call->request = (struct fake_request){.method = keep(fake, request->method),
                                          .url = keep(fake, str_of(request->url)),
                                          .body = keep(fake, request->body),
                                          .headers = headers,
                                          .n_headers = request->n_headers};
    call->handler = *handler;
    assert_true(VEC_PUSH(&fake->calls, call));
    match_scripts(fake, call);
    if (ret)
        *ret = call;
    return 0;
}

static void cancel_call(void *context, struct http_call *call)
{
    (void)context;
    assert_true(is_open(call));
    call->request.cancelled = true;
}

struct fake_http *fake_http_open(struct loop *loop)
{
    struct fake_http *fake = calloc(1, sizeof(*fake));
    assert_non_null(fake);
    fake->loop = loop;
    fake->timer = LOOP_TIMER(deliver, fake);
    return fake;
}

void fake_http_close(struct fake_http *fake)
{
    for (size_t i = 0; i < fake->scripts.len; i++)
        if (!fake->scripts.items[i].used)
            fail_msg("nobody asked for %s %s", fake->scripts.items[i].method, fake->scripts.items[i].url_part);
    for (size_t i = 0; i < fake->calls.len; i++) {
        VEC_FREE(&fake->calls.items[i]->events);
        free(fake->calls.items[i]);
    }
    loop_timer_cancel(fake->loop, &fake->timer);
    VEC_FREE(&fake->calls);
    VEC_FREE(&fake->scripts);
    arena_release(&fake->arena);
    free(fake);
}

struct http fake_http_http(struct fake_http *fake)
{
    return (struct http){send_call, cancel_call, fake};
}

static void add_script(struct fake_http *fake, const char *method, const char *url_part, struct event event)
{
    struct script script = {keep(fake, str_of(method)).ptr, keep(fake, str_of(url_part)).ptr, event, false};
    assert_true(VEC_PUSH(&fake->scripts, script));
    for (size_t i = 0; i < fake->calls.len; i++)
        match_scripts(fake, fake->calls.items[i]);
}

void fake_http_answer(struct fake_http *fake, const char *method, const char *url_part, int status, const char *headers,
                      const char *body)
{
    struct event event = {EVENT_END, keep(fake, str_of(body)), status, keep(fake, str_of(headers)).ptr};
    add_script(fake, method, url_part, event);
}

void fake_http_fail(struct fake_http *fake, const char *method, const char *url_part, int code, const char *message)
{
    add_script(fake, method, url_part, (struct event){EVENT_FAIL, keep(fake, str_of(message)), code, ""});
}

static struct http_call *latest_open(struct fake_http *fake, const char *url_part)
{
    for (size_t i = fake->calls.len; i-- > 0;) {
        struct http_call *call = fake->calls.items[i];
        if (is_open(call) && !decided(call) && matches(&call->request, NULL, url_part))
            return call;
    }
    fail_msg("no open request to %s", url_part);
    return NULL;
}

void fake_http_push(struct fake_http *fake, const char *url_part, const char *text)
{
    struct http_call *call = latest_open(fake, url_part);
    struct str rest = keep(fake, str_of(text));
    assert_non_null(call->handler.chunk);
    while (rest.len) {
        size_t n = fake->piece_bytes && fake->piece_bytes < rest.len ? fake->piece_bytes : rest.len;
        add_event(fake, call, (struct event){EVENT_CHUNK, {rest.ptr, n}, 0, ""});
        rest = (struct str){rest.ptr + n, rest.len - n};
    }
}

void fake_http_end(struct fake_http *fake, const char *url_part)
{
    add_event(fake, latest_open(fake, url_part), (struct event){EVENT_END, {"", 0}, 200, ""});
}

void fake_http_cut(struct fake_http *fake, const char *url_part, int code, const char *message)
{
    struct event event = {EVENT_FAIL, keep(fake, str_of(message)), code, ""};
    add_event(fake, latest_open(fake, url_part), event);
}

void fake_http_pieces(struct fake_http *fake, size_t bytes)
{
    fake->piece_bytes = bytes;
}

void fake_http_refuse_send(struct fake_http *fake, size_t n, int code)
{
    fake->refuse_in = n;
    fake->refuse_code = code;
}

size_t fake_http_count(const struct fake_http *fake)
{
    return fake->calls.len;
}

const struct fake_request *fake_http_request(const struct fake_http *fake, size_t i)
{
    assert_true(i < fake->calls.len);
    return &fake->calls.items[i]->request;
}

size_t fake_http_asked(const struct fake_http *fake, const char *method, const char *url_part)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->calls.len; i++)
        n += matches(&fake->calls.items[i]->request, method, url_part);
    return n;
}

const struct fake_request *fake_http_last(const struct fake_http *fake, const char *method, const char *url_part)
{
    for (size_t i = fake->calls.len; i-- > 0;)
        if (matches(&fake->calls.items[i]->request, method, url_part))
            return &fake->calls.items[i]->request;
    return NULL;
}

struct str fake_request_header(const struct fake_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        struct str text = request->headers[i].name;
        if (text.len == strlen(name) && strncasecmp(text.ptr, name, text.len) == 0)
            return request->headers[i].value;
    }
    return STR("");
}

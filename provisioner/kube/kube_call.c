/* kube_call.c - one call of the API server: its URL and headers, and how long it took. */
#include "provisioner/kube/kube_internal.h"

static int on_chunk(void *context, struct str bytes, struct err *err)
{
    struct kube_call *call = context;
    return call->handler.chunk(call->handler.context, bytes, err);
}

static void on_done(void *context, const struct http_response *response, const struct err *err)
{
    struct kube_call *call = context;
    const struct kube_options *options = &call->kube->options;
    int status = response ? response->status : 0;
    call->http = NULL;
    if (status == 401)
        kube_token_refused(call->kube->token);
    if (options->called)
        options->called(options->context, call->ask.verb, call->ask.kind, status,
                        clock_ms_between(call->started, loop_now(options->loop)));
    call->handler.done(call->handler.context, response, err);
}

static int send_with(struct kube_call *call, const struct kube_ask *ask, struct str authorization, struct arena *arena,
                     struct err *err)
{
    const struct kube_options *options = &call->kube->options;
    struct http_header headers[3] = {{STR("Accept"), STR("application/json")}};
    size_t n = 1;
    if (authorization.len)
        headers[n++] = (struct http_header){STR("Authorization"), authorization};
    if (ask->content_type)
        headers[n++] = (struct http_header){STR("Content-Type"), str_of(ask->content_type)};
    char *url = arena_printf(arena, "%s%.*s", options->access->server, STR_ARG(ask->path));
    if (!url)
        return err_nomem(err);
    struct http_request request = {.method = ask->method,
                                   .url = url,
                                   .headers = headers,
                                   .n_headers = n,
                                   .body = ask->body,
                                   .tls = &options->access->tls,
                                   .timeout_ms = ask->timeout_ms,
                                   .idle_timeout_ms = ask->idle_timeout_ms};
    struct http_handler handler = {call->handler.chunk ? on_chunk : NULL, on_done, call};
    return options->http.send(options->http.context, &request, &handler, &call->http, err);
}

/* KUBE_TOKEN_WAIT: nothing was sent yet. */
static int send_now(struct kube_call *call, const struct kube_ask *ask, struct err *err)
{
    struct kube_ask rest = *ask;
    struct str authorization;
    int rc = kube_token_get(call->kube->token, &authorization, err);
    if (rc)
        return rc;
    if (ask->timeout_ms > 0) {
        rest.timeout_ms -= (int64_t)clock_ms_between(call->started, loop_now(call->kube->options.loop));
        if (rest.timeout_ms <= 0)
            return err_set(err, ERR_RETRY, "no credentials within %lld ms", (long long)ask->timeout_ms);
    }
    struct arena arena = ARENA_INIT;
    rc = send_with(call, &rest, authorization, &arena, err);
    arena_release(&arena);
    return rc;
}

static void on_token(void *context)
{
    struct kube_call *call = context;
    struct err err = {0};
    int rc = send_now(call, &call->ask, &err);
    if (rc == KUBE_TOKEN_WAIT) {
        kube_token_wait(call->kube->token, &call->waiter);
        return;
    }
    arena_release(&call->arena);
    if (rc < 0)
        on_done(call, NULL, &err);
}

/* Until there is a token; nobody else keeps what is asked. */
static int wait_for_token(struct kube_call *call, struct err *err)
{
    call->ask.path = str_dup(&call->arena, call->ask.path);
    call->ask.body = str_dup(&call->arena, call->ask.body);
    if (!call->ask.path.ptr || !call->ask.body.ptr) {
        arena_release(&call->arena);
        return err_nomem(err);
    }
    call->waiter = (struct kube_token_waiter){.ready = on_token, .context = call};
    kube_token_wait(call->kube->token, &call->waiter);
    return 0;
}

int kube_call_send(struct kube *kube, struct kube_call *call, const struct kube_ask *ask,
                   const struct http_handler *handler, struct err *err)
{
    *call = (struct kube_call){.kube = kube, .started = loop_now(kube->options.loop), .handler = *handler, .ask = *ask};
    int rc = send_now(call, ask, err);
    return rc == KUBE_TOKEN_WAIT ? wait_for_token(call, err) : rc;
}

void kube_call_cancel(struct kube_call *call)
{
    if (call->http)
        call->kube->options.http.cancel(call->kube->options.http.context, call->http);
    call->http = NULL;
    kube_token_forget(&call->waiter);
    arena_release(&call->arena);
}

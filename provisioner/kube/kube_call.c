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
        options->called(options->context, call->verb, call->kind, status,
                        clock_ms_between(call->started, loop_now(options->loop)));
    call->handler.done(call->handler.context, response, err);
}

static int send_in(struct kube *kube, struct kube_call *call, const struct kube_ask *ask, struct arena *arena,
                   struct err *err)
{
    const struct kube_access *access = kube->options.access;
    struct http_header headers[3] = {{STR("Accept"), STR("application/json")}};
    size_t n = 1;
    struct str authorization;
    int rc = kube_token_get(kube->token, &authorization, err);
    if (rc < 0)
        return rc;
    if (authorization.len)
        headers[n++] = (struct http_header){STR("Authorization"), authorization};
    if (ask->content_type)
        headers[n++] = (struct http_header){STR("Content-Type"), str_of(ask->content_type)};
    char *url = arena_printf(arena, "%s%.*s", access->server, STR_ARG(ask->path));
    if (!url)
        return err_nomem(err);
    struct http_request request = {.method = ask->method,
                                   .url = url,
                                   .headers = headers,
                                   .n_headers = n,
                                   .body = ask->body,
                                   .tls = &access->tls,
                                   .timeout_ms = ask->timeout_ms,
                                   .idle_timeout_ms = ask->idle_timeout_ms};
    struct http_handler handler = {call->handler.chunk ? on_chunk : NULL, on_done, call};
    return kube->options.http.send(kube->options.http.context, &request, &handler, &call->http, err);
}

int kube_call_send(struct kube *kube, struct kube_call *call, const struct kube_ask *ask,
                   const struct http_handler *handler, struct err *err)
{
    struct arena arena = ARENA_INIT;
    *call = (struct kube_call){.kube = kube,
                               .verb = ask->verb,
                               .kind = ask->kind,
                               .started = loop_now(kube->options.loop),
                               .handler = *handler};
    int rc = send_in(kube, call, ask, &arena, err);
    arena_release(&arena);
    return rc;
}

void kube_call_cancel(struct kube_call *call)
{
    if (call->http)
        call->kube->options.http.cancel(call->kube->options.http.context, call->http);
    call->http = NULL;
}

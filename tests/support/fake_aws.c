#include "tests/support/fake_aws.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"
#include "base/vec.h"

struct script {
    const char *action, *body;
    int status;
    bool always, used;
};

struct http_call {
    struct fake_aws *fake;
    const char *action, *body;
    struct http_handler handler;
    struct loop_timer timer;
    const struct script *script;
    bool over;
};

struct fake_aws {
    struct loop *loop;
    struct arena arena;
    VEC(struct script *) scripts;
    VEC(struct http_call *) calls; /* all there ever were */
};

struct fake_aws *fake_aws_open(struct loop *loop)
{
    struct fake_aws *fake = calloc(1, sizeof(*fake));
    assert(fake);
    fake->loop = loop;
    return fake;
}

void fake_aws_close(struct fake_aws *fake)
{
    for (size_t i = 0; i < fake->calls.len; i++)
        loop_timer_cancel(fake->loop, &fake->calls.items[i]->timer);
    VEC_FREE(&fake->scripts);
    VEC_FREE(&fake->calls);
    arena_release(&fake->arena);
    free(fake);
}

/* "Action=X&…" of a form, or the end of x-amz-target. */
static const char *action_of(struct fake_aws *fake, const struct http_request *request)
{
    struct str action = request->body;
    for (size_t i = 0; i < request->n_headers; i++) {
        struct str target = request->headers[i].value;
        if (request->headers[i].name.len == 12 && strncasecmp(request->headers[i].name.ptr, "x-amz-target", 12) == 0) {
            str_cut(&target, '.');
            return str_dup(&fake->arena, target).ptr;
        }
    }
    while (action.len && !str_starts(action, "Action="))
        str_cut(&action, '&');
    str_cut(&action, '=');
    return str_dup(&fake->arena, str_cut(&action, '&')).ptr;
}

static void answer(void *context)
{
    struct http_call *call = context;
    call->over = true;
    if (call->script->status == 0) {
        struct err err = {0};
        err_note(&err, ERR_RETRY, "the connection broke");
        call->handler.done(call->handler.context, NULL, &err);
        return;
    }
    const struct http_response response = {.status = call->script->status, .body = str_of(call->script->body)};
    call->handler.done(call->handler.context, &response, NULL);
}

static struct script *find_script(struct fake_aws *fake, const char *action, bool always)
{
    for (size_t i = 0; i < fake->scripts.len; i++) {
        struct script *script = fake->scripts.items[i];
        if (strcmp(script->action, action) == 0 && script->always == always && !script->used)
            return script;
    }
    return NULL;
}

static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct fake_aws *fake = context;
    struct http_call *call = arena_new(&fake->arena, struct http_call);
    assert(call);
    *call = (struct http_call){.fake = fake, .handler = *handler, .action = action_of(fake, request)};
    call->body = str_dup(&fake->arena, request->body).ptr;
    assert(VEC_PUSH(&fake->calls, call));
    struct script *script = find_script(fake, call->action, false);
    if (script)
        script->used = true;
    call->script = script ? script : find_script(fake, call->action, true);
    call->timer = LOOP_TIMER(answer, call);
    if (ret)
        *ret = call;
    return call->script ? loop_timer_after(fake->loop, &call->timer, 0, err) : 0;
}

static void cancel(void *context, struct http_call *call)
{
    (void)context;
    assert(!call->over);
    loop_timer_cancel(call->fake->loop, &call->timer);
}

struct http fake_aws_http(struct fake_aws *fake)
{
    return (struct http){send, cancel, fake};
}

static void add(struct fake_aws *fake, const char *action, int status, const char *body, bool always)
{
    struct script *script = arena_new(&fake->arena, struct script);
    assert(script);
    *script = (struct script){.status = status, .always = always};
    script->action = str_dup(&fake->arena, str_of(action)).ptr;
    script->body = str_dup(&fake->arena, str_of(body)).ptr;
    assert(VEC_PUSH(&fake->scripts, script));
}

void fake_aws_once(struct fake_aws *fake, const char *action, int status, const char *body)
{
    add(fake, action, status, body, false);
}

void fake_aws_always(struct fake_aws *fake, const char *action, int status, const char *body)
{
    add(fake, action, status, body, true);
}

size_t fake_aws_count(const struct fake_aws *fake, const char *action)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->calls.len; i++)
        n += strcmp(fake->calls.items[i]->action, action) == 0;
    return n;
}

const char *fake_aws_body(const struct fake_aws *fake, const char *action, size_t n)
{
    for (size_t i = 0; i < fake->calls.len; i++)
        if (strcmp(fake->calls.items[i]->action, action) == 0 && n-- == 0)
            return fake->calls.items[i]->body;
    abort(); /* there was no such call */
}

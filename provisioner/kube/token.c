#include "provisioner/kube/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "provisioner/kube/exec_credential.h"

/* See token.h. A file is read after a minute, a plug-in runs a minute before the end, and neither more than each 5 s.
 */
static const int64_t renew_ns = 60 * NS_PER_S;
static const int64_t retry_ns = 5 * NS_PER_S;

enum token_source { SOURCE_NONE, SOURCE_FIXED, SOURCE_FILE, SOURCE_EXEC };

struct kube_token {
    const struct kube_access *access;
    const struct clock *clock;
    enum token_source source;
    char *header; /* NULL: none yet */
    struct commands commands;
    struct command_call *plugin; /* NULL: it does not run */
    struct kube_token_waiter *waiters;
    bool refused;
    bool tried;
    struct clock_mono tried_at;
    bool failed; /* the last try */
    struct err failure;
    bool ends;
    struct clock_wall end;
};

static enum token_source source_of(const struct kube_access *access)
{
    if (access->token_file)
        return SOURCE_FILE;
    if (access->token.len || access->username.len)
        return SOURCE_FIXED;
    return access->exec ? SOURCE_EXEC : SOURCE_NONE;
}

int kube_token_open(const struct kube_access *access, const struct clock *clock, struct commands commands,
                    struct kube_token **ret, struct err *err)
{
    struct kube_token *token = calloc(1, sizeof(*token));
    if (!token)
        return err_nomem(err);
    token->access = access;
    token->clock = clock;
    token->commands = commands;
    token->source = source_of(access);
    *ret = token;
    return 0;
}

static void set_header(struct kube_token *token, char *header)
{
    if (token->header) {
        explicit_bzero(token->header, strlen(token->header));
        free(token->header);
    }
    token->header = header;
}

void kube_token_close(struct kube_token *token)
{
    if (!token)
        return;
    if (token->plugin)
        token->commands.cancel(token->commands.context, token->plugin);
    while (token->waiters)
        kube_token_forget(token->waiters);
    set_header(token, NULL);
    free(token);
}

static int keep(struct kube_token *token, const char *scheme, struct str credential, struct err *err)
{
    size_t scheme_len = strlen(scheme);
    char *header = calloc(1, scheme_len + credential.len + 2);
    if (!header)
        return err_nomem(err);
    memcpy(header, scheme, scheme_len);
    header[scheme_len] = ' ';
    memcpy(header + scheme_len + 1, credential.ptr, credential.len);
    set_header(token, header);
    return 0;
}

static int keep_basic(struct kube_token *token, struct arena *arena, struct err *err)
{
    struct buf plain = BUF_INIT(arena);
    struct str text, encoded;
    buf_add(&plain, token->access->username);
    buf_byte(&plain, ':');
    buf_add(&plain, token->access->password);
    int code = buf_str(&plain, &text, err);
    if (!code)
        code = base64_encode(text, arena, &encoded, err);
    return code ? code : keep(token, "Basic", encoded, err);
}

static int keep_file(struct kube_token *token, struct arena *arena, struct err *err)
{
    const struct kube_io *io = token->access->io;
    struct str text;
    int code = io->read(io->context, token->access->token_file, arena, &text, err);
    if (code)
        return code;
    text = str_trim(text);
    if (!exec_credential_is_token(text))
        return err_set(err, ERR_AUTH, "%s holds no token", token->access->token_file);
    return keep(token, "Bearer", text, err);
}

static int keep_printed(struct kube_token *token, struct str printed, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct exec_credential credential = {0};
    int code = exec_credential_read(printed, &arena, &credential, err);
    if (!code)
        code = keep(token, "Bearer", credential.token, err);
    arena_wipe(&arena);
    if (code)
        return code;
    token->ends = credential.ends;
    token->end = credential.end;
    return 0;
}

/* From a source that answers at once. */
static int keep_new(struct kube_token *token, struct err *err)
{
    struct arena arena = ARENA_INIT;
    int code;
    if (token->source == SOURCE_FILE)
        code = keep_file(token, &arena, err);
    else if (token->access->token.len)
        code = keep(token, "Bearer", token->access->token, err);
    else
        code = keep_basic(token, &arena, err);
    arena_wipe(&arena);
    return code;
}

static bool is_over(const struct kube_token *token, int64_t early_ns)
{
    return token->ends && token->clock->wall(token->clock->context).ns >= token->end.ns - early_ns;
}

/* Is it time to ask the source again? */
static bool is_due(const struct kube_token *token)
{
    if (token->source == SOURCE_FIXED)
        return !token->header;
    int64_t since_ns = clock_now(token->clock).ns - token->tried_at.ns;
    if (token->tried && since_ns < retry_ns)
        return false;
    if (!token->header || token->refused || token->failed)
        return true;
    return token->source == SOURCE_FILE ? since_ns >= renew_ns : is_over(token, renew_ns);
}

static void end_try(struct kube_token *token, int code)
{
    token->tried = true;
    token->tried_at = clock_now(token->clock);
    token->failed = code != 0;
    if (!token->failed)
        token->refused = false;
}

static void unlink_waiter(struct kube_token_waiter *waiter)
{
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    waiter->link = NULL;
}

/* Those who wait now; one that has to wait again is not among them. */
static void tell_waiters(struct kube_token *token)
{
    struct kube_token_waiter *told = token->waiters;
    token->waiters = NULL;
    if (told)
        told->link = &told;
    while (told) {
        struct kube_token_waiter *waiter = told;
        unlink_waiter(waiter);
        waiter->ready(waiter->context);
    }
}

static void on_plugin(void *context, struct str output, const struct err *err)
{
    struct kube_token *token = context;
    token->plugin = NULL;
    end_try(token, err ? err_set(&token->failure, ERR_AUTH, "the plug-in %s", err->message)
                       : keep_printed(token, output, &token->failure));
    tell_waiters(token);
}

static void run_plugin(struct kube_token *token)
{
    const struct command command = {.argv = token->access->exec, .env = token->access->exec_env};
    struct err err = {0};
    int code = token->commands.start(token->commands.context, &command, on_plugin, token, &token->plugin, &err);
    if (code)
        end_try(token, code == ERR_NOMEM ? err_nomem(&token->failure)
                                         : err_set(&token->failure, ERR_AUTH, "the plug-in %s", err.message));
}

int kube_token_get(struct kube_token *token, struct str *ret, struct err *err)
{
    if (token->source == SOURCE_NONE) {
        *ret = STR("");
        return 0;
    }
    if (!token->plugin && is_due(token)) {
        if (token->source == SOURCE_EXEC)
            run_plugin(token);
        else
            end_try(token, keep_new(token, &token->failure));
    }
    if (token->plugin && (!token->header || token->refused || is_over(token, 0)))
        return KUBE_TOKEN_WAIT;
    if (!token->header || (token->failed && is_over(token, 0)))
        return err_set(err, token->failure.code == ERR_NOMEM ? ERR_NOMEM : ERR_AUTH, "%s", token->failure.message);
    *ret = str_of(token->header);
    return 0;
}

void kube_token_wait(struct kube_token *token, struct kube_token_waiter *waiter)
{
    struct kube_token_waiter **last = &token->waiters;
    while (*last)
        last = &(*last)->next;
    waiter->next = NULL;
    waiter->link = last;
    *last = waiter;
}

void kube_token_forget(struct kube_token_waiter *waiter)
{
    if (waiter->link)
        unlink_waiter(waiter);
}

void kube_token_refused(struct kube_token *token)
{
    /* So soon after a new one it is the one before that was refused. */
    if (!token->plugin && token->tried && clock_now(token->clock).ns - token->tried_at.ns < retry_ns)
        return;
    token->refused = true;
}

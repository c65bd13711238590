#include "provisioner/kube/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "provisioner/kube/exec_credential.h"

#define NS_PER_S INT64_C(1000000000)

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

int kube_token_open(const struct kube_access *access, const struct clock *clock, struct kube_token **ret,
                    struct err *err)
{
    struct kube_token *token = calloc(1, sizeof(*token));
    if (!token)
        return err_nomem(err);
    token->access = access;
    token->clock = clock;
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

static int keep_exec(struct kube_token *token, struct arena *arena, struct err *err)
{
    const struct kube_io *io = token->access->io;
    struct str text;
    struct exec_credential credential = {0};
    int code = io->run(io->context, token->access->exec, token->access->exec_env, arena, &text, err);
    if (!code)
        code = exec_credential_read(text, arena, &credential, err);
    if (!code)
        code = keep(token, "Bearer", credential.token, err);
    if (code)
        return code;
    token->ends = credential.ends;
    token->end = credential.end;
    return 0;
}

static int keep_new(struct kube_token *token, struct err *err)
{
    struct arena arena = ARENA_INIT;
    int code;
    if (token->source == SOURCE_FILE)
        code = keep_file(token, &arena, err);
    else if (token->source == SOURCE_EXEC)
        code = keep_exec(token, &arena, err);
    else if (token->access->token.len)
        code = keep(token, "Bearer", token->access->token, err);
    else
        code = keep_basic(token, &arena, err);
    arena_release(&arena);
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

static void try_source(struct kube_token *token)
{
    token->tried = true;
    token->tried_at = clock_now(token->clock);
    token->failed = keep_new(token, &token->failure) != 0;
    if (!token->failed)
        token->refused = false;
    /* The plug-in may have taken its time. */
    token->tried_at = clock_now(token->clock);
}

int kube_token_get(struct kube_token *token, struct str *ret, struct err *err)
{
    if (token->source == SOURCE_NONE) {
        *ret = STR("");
        return 0;
    }
    if (is_due(token))
        try_source(token);
    if (!token->header || (token->failed && is_over(token, 0))) {
        if (!token->failed)
            return err_set(err, ERR_AUTH, "the plug-in's token has ended");
        return err_set(err, token->failure.code == ERR_NOMEM ? ERR_NOMEM : ERR_AUTH, "%s", token->failure.message);
    }
    *ret = str_of(token->header);
    return 0;
}

void kube_token_refused(struct kube_token *token)
{
    /* So soon after a new one it is the one before that was refused. */
    if (token->tried && clock_now(token->clock).ns - token->tried_at.ns < retry_ns)
        return;
    token->refused = true;
}

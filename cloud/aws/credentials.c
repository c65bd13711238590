#include "cloud/aws/credentials.h"

#include <assert.h>
#include <stdlib.h>

#include "cloud/aws/credentials_load.h"

/* Clocks that differ by less are not to blame for anything. */
#define SKEW_NS (4 * 60 * NS_PER_S)
enum { BACKOFF_MS = 500, RENEW_AGAIN_MS = 30 * 1000 };

struct aws_identity {
    struct aws_identity_options options;
    enum aws_identity_state state;
    struct aws_credentials credentials; /* in `secret`; empty where there are none */
    char *secret;
    size_t secret_bytes;
    uint64_t generation;
    struct clock_wall renew_at, stop_at; /* 0: these keys do not end */
    int64_t skew_ns;                     /* AWS's clock less ours */
    struct aws_load load;
    bool load_open;
    int loads;                    /* failed in a row while somebody waits */
    struct clock_mono not_before; /* of the next renewal, after one that failed */
    struct loop_timer timer;      /* what was found is taken over; the load's limit; back-off */
    struct aws_identity_waiter *waiters, *told;
};

static const bool MOVES[AWS_IDENTITY_STATES][AWS_IDENTITY_STATES] = {
    [AWS_IDENTITY_EMPTY] = {[AWS_IDENTITY_LOADING] = true},
    [AWS_IDENTITY_LOADING] = {[AWS_IDENTITY_READY] = true, [AWS_IDENTITY_BACKOFF] = true, [AWS_IDENTITY_FAILED] = true},
    [AWS_IDENTITY_BACKOFF] = {[AWS_IDENTITY_LOADING] = true, [AWS_IDENTITY_FAILED] = true},
    [AWS_IDENTITY_FAILED] = {[AWS_IDENTITY_LOADING] = true},
    [AWS_IDENTITY_READY] = {[AWS_IDENTITY_RENEWING] = true, [AWS_IDENTITY_EMPTY] = true},
    [AWS_IDENTITY_RENEWING] = {[AWS_IDENTITY_READY] = true, [AWS_IDENTITY_OLD] = true, [AWS_IDENTITY_LOADING] = true},
    [AWS_IDENTITY_OLD] = {[AWS_IDENTITY_RENEWING] = true, [AWS_IDENTITY_EMPTY] = true},
};

const char *aws_identity_state_name(enum aws_identity_state state)
{
    static const char *const names[AWS_IDENTITY_STATES] = {"empty", "loading",  "backoff", "failed",
                                                           "ready", "renewing", "old"};
    return names[state];
}

static void move(struct aws_identity *identity, enum aws_identity_state to, const struct err *err)
{
    enum aws_identity_state from = identity->state;
    assert(MOVES[from][to]);
    identity->state = to;
    if (identity->options.moved)
        identity->options.moved(identity->options.context, from, to, err);
}

struct clock_wall aws_identity_now(const struct aws_identity *identity)
{
    const struct clock *clock = identity->options.loop->clock;
    return (struct clock_wall){clock->wall(clock->context).ns + identity->skew_ns};
}

bool aws_identity_mend_clock(struct aws_identity *identity, struct clock_wall date)
{
    int64_t off_ns = date.ns - aws_identity_now(identity).ns;
    bool off = off_ns > SKEW_NS || off_ns < -SKEW_NS;
    if (off)
        identity->skew_ns += off_ns;
    return off;
}

static void wipe(struct aws_identity *identity)
{
    if (identity->secret)
        explicit_bzero(identity->secret, identity->secret_bytes);
    free(identity->secret);
    identity->secret = NULL;
    identity->secret_bytes = 0;
    identity->credentials = (struct aws_credentials){0};
}

static void close_load(struct aws_identity *identity)
{
    if (identity->load_open)
        aws_load_release(&identity->load);
    identity->load_open = false;
}

static struct str put(char **at, struct str text)
{
    if (text.len)
        memcpy(*at, text.ptr, text.len);
    struct str copy = {*at, text.len};
    *at += text.len;
    return copy;
}

/* Takes what was found over, in place of what there was. */
static int keep(struct aws_identity *identity, const struct aws_found *found, struct err *err)
{
    const struct aws_credentials *new_ = &found->credentials;
    int64_t left_ns = found->expires.ns - aws_identity_now(identity).ns;
    if (found->expires.ns && left_ns <= 0)
        return err_set(err, ERR_RETRY, "no AWS credentials: what was given had expired %lld s ago",
                       (long long)(-left_ns / NS_PER_S));
    size_t bytes = new_->access_key_id.len + new_->secret_access_key.len + new_->session_token.len;
    char *secret = malloc(bytes + 1);
    if (!secret)
        return err_nomem(err);
    wipe(identity);
    identity->secret = secret;
    identity->secret_bytes = bytes;
    identity->credentials.access_key_id = put(&secret, new_->access_key_id);
    identity->credentials.secret_access_key = put(&secret, new_->secret_access_key);
    identity->credentials.session_token = put(&secret, new_->session_token);
    identity->generation++;
    identity->renew_at = identity->stop_at = (struct clock_wall){0};
    if (found->expires.ns) {
        /* Keys that come with little time left are used for half of it before new ones are asked for. */
        int64_t renew_before = AWS_IDENTITY_RENEW_BEFORE_S * NS_PER_S,
                stop_before = AWS_IDENTITY_STOP_BEFORE_S * NS_PER_S;
        identity->renew_at.ns = found->expires.ns - (left_ns > 2 * renew_before ? renew_before : left_ns / 2);
        identity->stop_at.ns = found->expires.ns - (left_ns > 2 * stop_before ? stop_before : 0);
    }
    return 0;
}

static bool has_load(const struct aws_identity *identity)
{
    return identity->state == AWS_IDENTITY_LOADING || identity->state == AWS_IDENTITY_RENEWING;
}

static bool has_keys(const struct aws_identity *identity)
{
    return identity->state >= AWS_IDENTITY_READY;
}

/* They ended, or AWS would not have them. */
static void drop_keys(struct aws_identity *identity)
{
    wipe(identity);
    move(identity, has_load(identity) ? AWS_IDENTITY_LOADING : AWS_IDENTITY_EMPTY, NULL);
}

static void drop_ended(struct aws_identity *identity)
{
    if (has_keys(identity) && identity->stop_at.ns && aws_identity_now(identity).ns >= identity->stop_at.ns)
        drop_keys(identity);
}

/* The providers are through: what they left is taken over from the loop. The timer is set: moving it needs no memory.
 */
static void on_load_over(void *context)
{
    struct aws_identity *identity = context;
    int rc = loop_timer_set(identity->options.loop, &identity->timer, loop_now(identity->options.loop), NULL);
    assert(rc == 0);
    (void)rc;
}

static int begin_load(struct aws_identity *identity, struct err *err)
{
    const struct aws_identity_options *options = &identity->options;
    int rc = loop_timer_after(options->loop, &identity->timer, AWS_IDENTITY_LOAD_LIMIT_MS, err);
    if (rc)
        return rc;
    move(identity, has_keys(identity) ? AWS_IDENTITY_RENEWING : AWS_IDENTITY_LOADING, NULL);
    identity->load = (struct aws_load){.http = options->http,
                                       .environment = options->environment,
                                       .endpoints = options->endpoints,
                                       .now = aws_identity_now(identity),
                                       .over = on_load_over,
                                       .context = identity};
    identity->load_open = true;
    aws_load_start(&identity->load);
    return 0;
}

static void tell_waiters(struct aws_identity *identity, const struct err *err)
{
    assert(!identity->told);
    identity->loads = 0;
    identity->told = identity->waiters;
    identity->waiters = NULL;
    while (identity->told) {
        struct aws_identity_waiter *waiter = identity->told;
        identity->told = waiter->next;
        waiter->next = NULL;
        waiter->ready(waiter->context, err);
    }
}

static int64_t jitter_ms(const struct aws_identity *identity, int64_t most_ms)
{
    return (int64_t)chance_below(identity->options.chance, (uint64_t)most_ms) + 1;
}

static void load_failed(struct aws_identity *identity, const struct err *err)
{
    struct loop *loop = identity->options.loop;
    if (has_keys(identity)) {
        identity->not_before.ns = loop_now(loop).ns + (RENEW_AGAIN_MS + jitter_ms(identity, RENEW_AGAIN_MS)) * 1000000;
        move(identity, AWS_IDENTITY_OLD, err);
        return;
    }
    bool may_pass = err->code == ERR_RETRY || err->code == ERR_THROTTLED;
    if (may_pass && identity->waiters && ++identity->loads < AWS_IDENTITY_LOADS &&
        loop_timer_after(loop, &identity->timer, jitter_ms(identity, (int64_t)BACKOFF_MS << identity->loads), NULL) ==
            0) {
        move(identity, AWS_IDENTITY_BACKOFF, err);
        return;
    }
    move(identity, AWS_IDENTITY_FAILED, err);
    tell_waiters(identity, err);
}

static void end_load(struct aws_identity *identity)
{
    struct err err = {0};
    bool mended = identity->load.date.ns && aws_identity_mend_clock(identity, identity->load.date);
    if (!identity->load.is_over)
        err_note(&err, ERR_RETRY, "no AWS credentials: no answer within %d s (%s)", AWS_IDENTITY_LOAD_LIMIT_MS / 1000,
                 identity->load.tried);
    else if (!identity->load.good)
        err = identity->load.err;
    else
        (void)keep(identity, &identity->load.found, &err);
    if (mended && err.code == ERR_AUTH)
        err.code = ERR_RETRY; /* the signature may have been refused for its time alone */
    close_load(identity);
    drop_ended(identity);
    if (err.code) {
        load_failed(identity, &err);
        return;
    }
    move(identity, AWS_IDENTITY_READY, NULL);
    tell_waiters(identity, NULL);
}

static void on_timer(void *context)
{
    struct aws_identity *identity = context;
    struct err err = {0};
    if (has_load(identity)) {
        end_load(identity);
    } else if (identity->state == AWS_IDENTITY_BACKOFF && begin_load(identity, &err)) {
        move(identity, AWS_IDENTITY_FAILED, &err);
        tell_waiters(identity, &err);
    }
}

int aws_identity_open(const struct aws_identity_options *options, struct aws_identity **ret, struct err *err)
{
    struct aws_identity *identity = calloc(1, sizeof(*identity));
    if (!identity)
        return err_nomem(err);
    identity->options = *options;
    identity->timer = LOOP_TIMER(on_timer, identity);
    *ret = identity;
    return 0;
}

void aws_identity_close(struct aws_identity *identity)
{
    if (!identity)
        return;
    loop_timer_cancel(identity->options.loop, &identity->timer);
    close_load(identity);
    wipe(identity);
    free(identity);
}

const struct aws_credentials *aws_identity_credentials(struct aws_identity *identity, uint64_t *ret_generation)
{
    drop_ended(identity);
    if (!has_keys(identity))
        return NULL;
    bool soon = identity->renew_at.ns && aws_identity_now(identity).ns >= identity->renew_at.ns;
    bool may = identity->state == AWS_IDENTITY_READY ||
               (identity->state == AWS_IDENTITY_OLD && loop_now(identity->options.loop).ns >= identity->not_before.ns);
    *ret_generation = identity->generation;
    if (soon && may && begin_load(identity, NULL))
        return &identity->credentials; /* no memory to begin with: the next who asks begins */
    return &identity->credentials;
}

int aws_identity_wait(struct aws_identity *identity, struct aws_identity_waiter *waiter, struct err *err)
{
    assert(!has_keys(identity));
    bool idle = identity->state == AWS_IDENTITY_EMPTY || identity->state == AWS_IDENTITY_FAILED;
    int rc = idle ? begin_load(identity, err) : 0;
    if (rc)
        return rc;
    struct aws_identity_waiter **last = &identity->waiters;
    while (*last)
        last = &(*last)->next;
    waiter->next = NULL;
    *last = waiter;
    return 0;
}

static void take_out(struct aws_identity_waiter **place, const struct aws_identity_waiter *waiter)
{
    while (*place && *place != waiter)
        place = &(*place)->next;
    if (*place)
        *place = waiter->next;
}

void aws_identity_forget(struct aws_identity *identity, struct aws_identity_waiter *waiter)
{
    take_out(&identity->waiters, waiter);
    take_out(&identity->told, waiter);
}

void aws_identity_reject(struct aws_identity *identity, uint64_t generation)
{
    if (has_keys(identity) && generation == identity->generation)
        drop_keys(identity);
}

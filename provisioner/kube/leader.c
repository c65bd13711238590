/*
 * What must hold, whatever the network and the clocks do:
 * 1. We act only while now < hold_until = renew_ms after a request was sent that the server then confirmed and that
 *    made, or kept, us the holder. All on our monotonic clock.
 * 2. We take a lease from another holder only after we have seen it unchanged (its resourceVersion) for lease_ms of
 *    our monotonic clock, or when its holder is "". The other's renewTime is never compared with our clock.
 * 3. Every write carries the resourceVersion that was read, so that between our look and our write nobody renewed.
 * The server saw the holder's last renewal after it was sent, and we saw it after that: so lease_ms > renew_ms keeps us
 * apart by the difference, as long as clocks run alike within lease_ms / renew_ms.
 */
#include "provisioner/kube/leader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"

enum {
    NS_PER_MS = 1000000,
    JITTER_PERCENT = 20,
    REPORT_AGAIN_MS = 60000,
    IDLE_MS = 3600000,
    VERSION_BYTES = 128,
    HOLDER_BYTES = 512
};

/* How the lease was when it was read or written last. Of one that is gone since, whose it was. */
struct record {
    bool fresh; /* nothing has gone wrong since: it can be acted on */
    bool exists;
    char version[VERSION_BYTES]; /* resourceVersion */
    char holder[HOLDER_BYTES];   /* "": nobody */
    int64_t transitions;
    int64_t lease_ms;
    struct clock_mono unchanged_since; /* when this version was seen first, or that the lease is gone */
};

struct leader {
    struct leader_options options;
    char *namespace_, *name, *identity;
    enum leader_state state;
    struct record record;
    struct loop_timer step_timer, hold_timer;
    bool asking; /* a request is under way */
    bool giving_up, given_up;
    struct clock_mono sent_at;    /* the request under way, or the last one */
    struct clock_mono hold_until; /* in LEADING and RELEASING */
    /* What was complained of last; code 0: since then the lease was written, or another's was read. */
    int reported_code, reported_status;
    struct clock_mono reported_at;
};

/* [from][to] */
static const bool allowed[4][4] = {
    [LEADER_FOLLOWER] = {[LEADER_ACQUIRING] = true},
    [LEADER_ACQUIRING] = {[LEADER_FOLLOWER] = true, [LEADER_LEADING] = true, [LEADER_RELEASING] = true},
    [LEADER_LEADING] = {[LEADER_FOLLOWER] = true, [LEADER_RELEASING] = true},
    [LEADER_RELEASING] = {[LEADER_FOLLOWER] = true},
};

static void move(struct leader *leader, enum leader_state to)
{
    assert(allowed[leader->state][to]);
    leader->state = to;
    leader->options.changed(leader->options.context, to);
}

static struct clock_mono now(const struct leader *leader)
{
    return loop_now(leader->options.loop);
}

static bool holds_by_time(const struct leader *leader)
{
    return now(leader).ns < leader->hold_until.ns;
}

static void complain(struct leader *leader, const struct err *err)
{
    bool same = leader->reported_code == err->code && leader->reported_status == err->http_status;
    if (same && clock_ms_between(leader->reported_at, now(leader)) < REPORT_AGAIN_MS)
        return;
    leader->reported_code = err->code;
    leader->reported_status = err->http_status;
    leader->reported_at = now(leader);
    if (leader->options.failed)
        leader->options.failed(leader->options.context, err);
}

/* Both timers are set from the start and again as soon as they fire, so that this moves them and needs no memory. */
static void set_timer(struct leader *leader, struct loop_timer *timer, struct clock_mono at)
{
    struct err err = {0};
    int rc = loop_timer_set(leader->options.loop, timer, at, &err);
    assert(rc == 0);
    (void)rc;
}

static void step_after(struct leader *leader, int64_t delay_ms)
{
    set_timer(leader, &leader->step_timer, clock_after(now(leader), delay_ms));
}

/* Followers that woke together do not stay together. */
static void step_later(struct leader *leader)
{
    int64_t most_ms = leader->options.retry_ms * JITTER_PERCENT / 100;
    int64_t extra_ms = (int64_t)chance_below(leader->options.chance, (uint64_t)most_ms + 1);
    step_after(leader, leader->options.retry_ms + extra_ms);
}

/* Reading a lease. */

static struct str text_at(const struct doc *object, const char *path)
{
    const struct doc *at = doc_at(object, path);
    return at && (at->kind == DOC_STRING || at->kind == DOC_NUMBER) ? at->text : STR("");
}

static int64_t int_at(const struct doc *object, const char *path)
{
    int64_t value;
    return str_to_int64(text_at(object, path), &value) && value >= 0 && value <= INT32_MAX ? value : 0;
}

/* A text that is too long is cut: as a version it then never matches the server's, as a holder it is not us. */
static void keep_text(char *room, size_t size, struct str text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    if (len)
        memcpy(room, text.ptr, len);
    room[len] = '\0';
}

static void note_record(struct leader *leader, const struct doc *object)
{
    struct record *record = &leader->record;
    struct record seen = {.fresh = true, .exists = object != NULL, .unchanged_since = now(leader)};
    if (!object) {
        if (!record->exists)
            seen.unchanged_since = record->unchanged_since;
        memcpy(seen.holder, record->holder, sizeof(seen.holder));
        seen.lease_ms = record->lease_ms;
        *record = seen;
        return;
    }
    keep_text(seen.version, sizeof(seen.version), text_at(object, "metadata.resourceVersion"));
    keep_text(seen.holder, sizeof(seen.holder), text_at(object, "spec.holderIdentity"));
    seen.transitions = int_at(object, "spec.leaseTransitions");
    seen.lease_ms = int_at(object, "spec.leaseDurationSeconds") * 1000;
    if (seen.lease_ms == 0)
        seen.lease_ms = leader->options.lease_ms;
    if (record->exists && strcmp(record->version, seen.version) == 0)
        seen.unchanged_since = record->unchanged_since;
    *record = seen;
}

static bool is_ours(const struct leader *leader)
{
    return leader->record.exists && strcmp(leader->record.holder, leader->identity) == 0;
}

/* Rule 2. A lease that somebody deletes was somebody's, who may not know yet. */
static bool is_free(const struct leader *leader)
{
    const struct record *record = &leader->record;
    if (!record->holder[0] || strcmp(record->holder, leader->identity) == 0)
        return true;
    return now(leader).ns - record->unchanged_since.ns >= record->lease_ms * NS_PER_MS;
}

/* Writing one. */

/* `holder` "" gives it up. */
static int write_body(const struct leader *leader, const char *holder, struct arena *arena, struct str *ret,
                      struct err *err)
{
    const struct clock *clock = leader->options.loop->clock;
    bool taking = leader->state == LEADER_ACQUIRING && !is_ours(leader);
    int64_t lease_s = (leader->options.lease_ms + 999) / 1000;
    char time[CLOCK_TEXT_BYTES];
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    clock_text_micro(clock->wall(clock->context), time);
    json_open_map(&json, NULL);
    json_str(&json, "apiVersion", STR("coordination.k8s.io/v1"));
    json_str(&json, "kind", STR("Lease"));
    json_open_map(&json, "metadata");
    json_str(&json, "namespace", leader->options.namespace_);
    json_str(&json, "name", leader->options.name);
    if (leader->record.exists)
        json_str(&json, "resourceVersion", str_of(leader->record.version));
    json_close_map(&json);
    json_open_map(&json, "spec");
    json_str(&json, "holderIdentity", str_of(holder));
    json_int(&json, "leaseDurationSeconds", holder[0] ? lease_s : 1);
    json_str(&json, "renewTime", str_of(time));
    if (taking) {
        json_str(&json, "acquireTime", str_of(time));
        json_int(&json, "leaseTransitions", leader->record.exists ? leader->record.transitions + 1 : 0);
    }
    json_close_map(&json);
    json_close_map(&json);
    return buf_str(&buf, ret, err);
}

static void failed(struct leader *leader, const struct cluster_answer *answer);

/* One request at a time. What fails at once is taken as an answer that says so. */
static void ask(struct leader *leader, enum cluster_verb verb, struct str body, cluster_done_fn done)
{
    const struct leader_options *options = &leader->options;
    struct cluster_request request = {verb, CLUSTER_LEASE, options->namespace_, options->name, body};
    struct err err = {0};
    if (verb == CLUSTER_CREATE)
        request.name = STR("");
    assert(!leader->asking);
    leader->asking = true;
    leader->sent_at = now(leader);
    if (options->cluster.request(options->cluster.context, &request, done, leader, &err)) {
        leader->asking = false;
        failed(leader, &(struct cluster_answer){.err = &err});
    }
}

static void on_read(void *context, const struct cluster_answer *answer);
static void on_written(void *context, const struct cluster_answer *answer);

static void read_lease(struct leader *leader)
{
    ask(leader, CLUSTER_GET, STR(""), on_read);
}

static void write_lease(struct leader *leader, const char *holder)
{
    struct arena arena = ARENA_INIT;
    struct str body;
    struct err err = {0};
    if (write_body(leader, holder, &arena, &body, &err))
        failed(leader, &(struct cluster_answer){.err = &err});
    else
        ask(leader, leader->record.exists ? CLUSTER_PATCH : CLUSTER_CREATE, body, on_written);
    arena_release(&arena);
}

/* Giving up ends here, whether the lease was given back or runs out. */
static void end(struct leader *leader)
{
    leader->given_up = true;
    loop_timer_cancel(leader->options.loop, &leader->step_timer);
    loop_timer_cancel(leader->options.loop, &leader->hold_timer);
    if (leader->state == LEADER_FOLLOWER)
        leader->options.changed(leader->options.context, LEADER_FOLLOWER);
    else
        move(leader, LEADER_FOLLOWER);
}

/* No answer, or a refusal: what is known of the lease may be out of date. */
static void failed(struct leader *leader, const struct cluster_answer *answer)
{
    leader->record.fresh = false;
    if (leader->given_up)
        return;
    if (answer->err->code != ERR_CONFLICT)
        complain(leader, answer->err);
    /* The lease is not there any more: nobody else waits for us. */
    bool lost = leader->state == LEADER_LEADING && answer->err->code == ERR_NOT_FOUND;
    if (lost || (leader->state == LEADER_ACQUIRING && !leader->giving_up))
        move(leader, LEADER_FOLLOWER);
    if (answer->err->code == ERR_CONFLICT && leader->state != LEADER_FOLLOWER)
        step_after(leader, 0);
    else if (answer->retry_after_ms > leader->options.retry_ms)
        step_after(leader, answer->retry_after_ms);
    else
        step_later(leader);
}

static void on_written(void *context, const struct cluster_answer *answer)
{
    struct leader *leader = context;
    leader->asking = false;
    if (answer->err) {
        failed(leader, answer);
        return;
    }
    if (leader->given_up)
        return;
    leader->reported_code = 0;
    note_record(leader, answer->object);
    if (leader->state == LEADER_RELEASING) {
        if (is_ours(leader))
            step_after(leader, 0); /* what was confirmed is our taking it, from before we gave up */
        else
            end(leader);
        return;
    }
    /* An answer so late that our time was over before it came, or one that makes no sense: we look again. */
    if (leader->state == LEADER_FOLLOWER || !is_ours(leader)) {
        step_later(leader);
        if (leader->state == LEADER_ACQUIRING)
            move(leader, LEADER_FOLLOWER);
        return;
    }
    leader->hold_until.ns = leader->sent_at.ns + leader->options.renew_ms * NS_PER_MS;
    set_timer(leader, &leader->hold_timer, leader->hold_until);
    if (leader->giving_up) {
        step_after(leader, 0);
        return;
    }
    step_after(leader, leader->options.retry_ms);
    if (leader->state == LEADER_ACQUIRING)
        move(leader, holds_by_time(leader) ? LEADER_LEADING : LEADER_FOLLOWER);
}

/* Until it may be free, and one look more than every retry_ms is not needed. */
static void wait_as_follower(struct leader *leader)
{
    const struct record *record = &leader->record;
    leader->reported_code = 0;
    int64_t left_ms = record->lease_ms - (now(leader).ns - record->unchanged_since.ns) / NS_PER_MS;
    if (left_ms < leader->options.retry_ms)
        step_after(leader, left_ms + 1);
    else
        step_later(leader);
}

static void act_on_record(struct leader *leader)
{
    switch (leader->state) {
    case LEADER_FOLLOWER:
        if (!is_free(leader)) {
            wait_as_follower(leader);
            return;
        }
        move(leader, LEADER_ACQUIRING);
        write_lease(leader, leader->identity);
        return;
    case LEADER_LEADING:
        if (is_ours(leader)) {
            write_lease(leader, leader->identity);
            return;
        }
        move(leader, LEADER_FOLLOWER);
        step_later(leader);
        return;
    case LEADER_ACQUIRING: assert(false); return; /* only its write is under way then */
    case LEADER_RELEASING:
        if (is_ours(leader))
            write_lease(leader, "");
        else
            end(leader);
        return;
    }
}

static void on_read(void *context, const struct cluster_answer *answer)
{
    struct leader *leader = context;
    leader->asking = false;
    if (leader->given_up)
        return;
    if (answer->err && answer->err->code != ERR_NOT_FOUND) {
        failed(leader, answer);
        return;
    }
    note_record(leader, answer->err ? NULL : answer->object);
    if (leader->giving_up)
        step_after(leader, 0);
    else
        act_on_record(leader);
}

/* A write of ours that is under way may still make us the holder: for renew_ms its answer is awaited, and undone. */
static void step_giving_up(struct leader *leader)
{
    if (leader->state == LEADER_FOLLOWER) {
        end(leader);
        return;
    }
    if (leader->state != LEADER_RELEASING) {
        int64_t until_ns = leader->sent_at.ns + leader->options.renew_ms * NS_PER_MS;
        if (until_ns > leader->hold_until.ns)
            leader->hold_until.ns = until_ns;
        set_timer(leader, &leader->hold_timer, leader->hold_until);
        move(leader, LEADER_RELEASING);
    }
    if (leader->asking)
        return;
    if (!holds_by_time(leader))
        end(leader);
    else if (leader->record.fresh)
        act_on_record(leader);
    else
        read_lease(leader);
}

static void step(void *context)
{
    struct leader *leader = context;
    step_later(leader);
    if (leader->giving_up)
        step_giving_up(leader);
    else if (leader->asking)
        return; /* the answer goes on */
    else if (leader->state == LEADER_LEADING && leader->record.fresh)
        act_on_record(leader);
    else
        read_lease(leader);
}

/* Our time is over: with a request under way too, whatever its answer will be. */
static void hold_ends(void *context)
{
    struct leader *leader = context;
    set_timer(leader, &leader->hold_timer, clock_after(now(leader), IDLE_MS));
    if (leader->state == LEADER_RELEASING) {
        end(leader);
    } else if (leader->state == LEADER_LEADING) {
        assert(!holds_by_time(leader));
        move(leader, LEADER_FOLLOWER);
    }
}

/* From outside. */

int leader_open(const struct leader_options *options, struct leader **ret, struct err *err)
{
    if (options->retry_ms <= 0 || options->renew_ms * 100 <= options->retry_ms * (100 + JITTER_PERCENT) ||
        options->lease_ms <= options->renew_ms)
        return err_set(err, ERR_INVALID,
                       "leader election: the lease (%lld ms) must be longer than the time to renew "
                       "it (%lld ms), and that longer than the time between two tries (%lld ms)",
                       (long long)options->lease_ms, (long long)options->renew_ms, (long long)options->retry_ms);
    if (!options->identity.len || options->identity.len >= HOLDER_BYTES)
        return err_set(err, ERR_INVALID, "leader election: an identity of 1 to %d bytes is needed", HOLDER_BYTES - 1);
    struct leader *leader = calloc(1, sizeof(*leader));
    if (!leader)
        return err_nomem(err);
    leader->options = *options;
    leader->namespace_ = strndup(options->namespace_.ptr, options->namespace_.len);
    leader->name = strndup(options->name.ptr, options->name.len);
    leader->identity = strndup(options->identity.ptr, options->identity.len);
    if (!leader->namespace_ || !leader->name || !leader->identity) {
        leader_close(leader);
        return err_nomem(err);
    }
    leader->options.namespace_ = str_of(leader->namespace_);
    leader->options.name = str_of(leader->name);
    leader->options.identity = str_of(leader->identity);
    leader->step_timer = LOOP_TIMER(step, leader);
    leader->hold_timer = LOOP_TIMER(hold_ends, leader);
    *ret = leader;
    return 0;
}

void leader_close(struct leader *leader)
{
    if (!leader)
        return;
    loop_timer_cancel(leader->options.loop, &leader->step_timer);
    loop_timer_cancel(leader->options.loop, &leader->hold_timer);
    free(leader->namespace_);
    free(leader->name);
    free(leader->identity);
    free(leader);
}

int leader_start(struct leader *leader, struct err *err)
{
    int code = loop_timer_after(leader->options.loop, &leader->hold_timer, IDLE_MS, err);
    return code ? code : loop_timer_after(leader->options.loop, &leader->step_timer, 0, err);
}

bool leader_holds(const struct leader *leader)
{
    return leader->state == LEADER_LEADING && !leader->giving_up && holds_by_time(leader);
}

const char *leader_holder(const struct leader *leader)
{
    return leader->record.holder;
}

void leader_give_up(struct leader *leader)
{
    if (leader->giving_up)
        return;
    leader->giving_up = true;
    step_after(leader, 0);
}

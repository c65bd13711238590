/* writes.c - one write about one object at a time: what is under way, what backs off, what an answer means. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "provisioner/lifecycle/control_internal.h"

enum {
    BACK_OFF_MS = 500,          /* doubled with each failure */
    BACK_OFF_MOST_MS = 60000,   /* up to this */
    REFUSED_MOST_MS = 300000,   /* or this, where only people can mend it */
    CONFLICT_MS = 1000,         /* by when the newer object should have come by itself */
    BUDGET_MS = 5000,           /* how often a PodDisruptionBudget is asked */
    FORGET_FAILURES_MS = 600000 /* after the end of a back-off */
};

struct write {
    struct control *control;
    struct write *next; /* in the bucket */
    enum cluster_verb verb;
    enum cluster_kind kind;
    struct str namespace_, name; /* in the same block */
    bool under_way;
    uint32_t failures;
    struct clock_mono until; /* of the back-off */
    const char *why;
    control_done_fn done;
    void *context;
};

static struct write **bucket_of(struct control *control, enum cluster_kind kind, struct str namespace_, struct str name)
{
    uint64_t hash = str_hash(name) * 31 + str_hash(namespace_) * 7 + (uint64_t)kind;
    return &control->writes.buckets[(hash ^ hash >> 32) % WRITE_BUCKETS];
}

static struct write *find(const struct control *control, enum cluster_kind kind, struct str namespace_, struct str name)
{
    struct write *write = *bucket_of((struct control *)control, kind, namespace_, name);
    while (write && !(write->kind == kind && str_eq(write->name, name) && str_eq(write->namespace_, namespace_)))
        write = write->next;
    return write;
}

static bool is_busy(const struct control *control, const struct write *write)
{
    return write && (write->under_way || loop_now(control->effects.loop).ns < write->until.ns);
}

bool control_busy(const struct control *control, enum cluster_kind kind, struct str namespace_, struct str name)
{
    return is_busy(control, find(control, kind, namespace_, name));
}

void control_end_back_off(struct control *control, enum cluster_verb verb, enum cluster_kind kind,
                          struct str namespace_, struct str name)
{
    struct write *write = find(control, kind, namespace_, name);
    if (write && !write->under_way && write->verb == verb)
        write->until = loop_now(control->effects.loop);
}

static struct write *write_new(struct control *control, const struct cluster_request *request)
{
    size_t namespace_len = request->namespace_.len, name_len = request->name.len;
    struct write *write = calloc(1, sizeof(*write) + namespace_len + name_len);
    if (!write)
        return NULL;
    char *text = (char *)(write + 1);
    if (namespace_len)
        memcpy(text, request->namespace_.ptr, namespace_len);
    if (name_len)
        memcpy(text + namespace_len, request->name.ptr, name_len);
    write->kind = request->kind;
    write->namespace_ = (struct str){text, namespace_len};
    write->name = (struct str){text + namespace_len, name_len};
    struct write **bucket = bucket_of(control, write->kind, write->namespace_, write->name);
    write->next = *bucket;
    *bucket = write;
    return write;
}

static void unlink_write(struct control *control, struct write *write)
{
    struct write **at = bucket_of(control, write->kind, write->namespace_, write->name);
    while (*at != write)
        at = &(*at)->next;
    *at = write->next;
}

void writes_release(struct control *control)
{
    for (size_t b = 0; b < WRITE_BUCKETS; b++) {
        while (control->writes.buckets[b]) {
            struct write *write = control->writes.buckets[b];
            control->writes.buckets[b] = write->next;
            free(write);
        }
    }
}

void writes_sweep(struct control *control)
{
    int64_t now_ns = loop_now(control->effects.loop).ns;
    for (size_t b = 0; b < WRITE_BUCKETS && control->writes.n_failed; b++) {
        struct write **at = &control->writes.buckets[b];
        while (*at) {
            struct write *write = *at;
            if (write->under_way || now_ns < clock_after(write->until, FORGET_FAILURES_MS).ns) {
                /* Each pass sets its timer anew: the end of a back-off must not be forgotten over it. */
                if (!write->under_way && now_ns < write->until.ns)
                    control_wake_at(control, write->until);
                at = &write->next;
                continue;
            }
            *at = write->next;
            free(write);
            control->writes.n_failed--;
        }
    }
}

static int64_t back_off_ms(const struct write *write, const struct cluster_answer *answer)
{
    int code = answer->err->code;
    if (answer->budget)
        return BUDGET_MS;
    if (answer->retry_after_ms > 0)
        return answer->retry_after_ms;
    int64_t most = code == ERR_INVALID || code == ERR_AUTH || code == ERR_FATAL ? REFUSED_MOST_MS : BACK_OFF_MOST_MS;
    int64_t wait_ms = clock_back_off_ms(BACK_OFF_MS, write->failures + 1, most);
    return chance_jitter_ms(write->control->effects.chance, wait_ms);
}

/* An object that is still there: not a Status, and not one whose last finalizer went with this write. */
static bool is_living(const struct doc *object)
{
    const struct doc *kind = doc_get(object, "kind");
    if (!object || (kind && str_is(kind->text, "Status")))
        return false;
    const struct doc *finalizers = doc_at(object, "metadata.finalizers");
    return !doc_at(object, "metadata.deletionTimestamp") || (finalizers && finalizers->count > 0);
}

static void log_failure(const struct write *write, const struct cluster_answer *answer, int64_t wait_ms)
{
    bool usual = answer->budget || answer->err->code == ERR_CONFLICT || answer->err->code == ERR_NOT_FOUND;
    log_event(write->control->effects.log, usual ? LOG_DEBUG : LOG_WARN, "write-failed", LOG_C("why", write->why),
              LOG_C("kind", cluster_kind_name(write->kind)), LOG_S("namespace", write->namespace_),
              LOG_S("name", write->name), LOG_ERR(answer->err), LOG_I("wait_ms", wait_ms));
}

/* A conflict is over as soon as the newer object is read, which wakes a pass; a missing object likewise. */
static void take_failure(struct control *control, struct write *write, const struct cluster_answer *answer)
{
    struct clock_mono now = loop_now(control->effects.loop);
    int code = answer->err->code;
    if (code == ERR_CONFLICT || code == ERR_NOT_FOUND) {
        log_failure(write, answer, 0);
        unlink_write(control, write);
        control_wake_at(control, clock_after(now, CONFLICT_MS));
        return;
    }
    int64_t wait_ms = back_off_ms(write, answer);
    log_failure(write, answer, wait_ms);
    write->failures += !answer->budget;
    write->until = clock_after(now, wait_ms);
    control->writes.n_failed++;
    control_wake_at(control, write->until);
}

static void on_answer(void *context, const struct cluster_answer *answer)
{
    struct write *write = context;
    struct control *control = write->control;
    control->writes.n_under_way--;
    write->under_way = false;
    control_done_fn done = write->done;
    void *done_context = write->context;
    if (answer->err) {
        take_failure(control, write, answer);
    } else {
        unlink_write(control, write);
        if (write->kind < CLUSTER_WATCHED && is_living(answer->object))
            state_put(control->state, write->kind, answer->object);
        control_wake_at(control, loop_now(control->effects.loop));
    }
    bool over = !answer->err || answer->err->code == ERR_CONFLICT || answer->err->code == ERR_NOT_FOUND;
    if (done)
        done(control, done_context, answer);
    if (over)
        free(write);
}

int control_write(struct control *control, const struct cluster_request *request, const char *why, control_done_fn done,
                  void *context, struct err *err)
{
    if (!control_may_act(control))
        return 0;
    struct write *write = find(control, request->kind, request->namespace_, request->name);
    if (is_busy(control, write))
        return 0;
    bool is_new = !write;
    if (is_new)
        write = write_new(control, request);
    if (!write)
        return err_nomem(err);
    write->control = control;
    write->verb = request->verb;
    write->why = why;
    write->done = done;
    write->context = context;
    struct cluster_request sent = *request;
    if (sent.verb == CLUSTER_CREATE)
        sent.name = STR("");
    int code = control->effects.cluster.request(control->effects.cluster.context, &sent, on_answer, write, err);
    if (code < 0) {
        if (is_new) {
            unlink_write(control, write);
            free(write);
        }
        return code;
    }
    if (!is_new)
        control->writes.n_failed--;
    write->under_way = true;
    control->writes.n_under_way++;
    return 0;
}

/* {"metadata":{"resourceVersion":"7"}, and the part that `fill` writes, as a merge patch. */
static int patch_claim(struct control *control, const struct node_claim *claim, enum cluster_verb verb, const char *key,
                       void (*fill)(const struct node_claim *claim, struct json_out *json, const char *key),
                       const char *why, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_open_map(&json, "metadata");
    json_str(&json, "resourceVersion", claim->resource_version);
    json_close_map(&json);
    fill(claim, &json, key);
    json_close_map(&json);
    struct cluster_request request = {.verb = verb, .kind = CLUSTER_NODE_CLAIM, .name = claim->name};
    int code = buf_str(&buf, &request.body, err);
    if (code == 0)
        code = control_write(control, &request, why, NULL, NULL, err);
    arena_release(&arena);
    return code;
}

int control_patch_status(struct control *control, const struct node_claim *claim, const char *why, struct err *err)
{
    return patch_claim(control, claim, CLUSTER_PATCH_STATUS, "status", claim_write_status, why, err);
}

int control_patch_spec(struct control *control, const struct node_claim *claim, const char *why, struct err *err)
{
    return patch_claim(control, claim, CLUSTER_PATCH, "spec", claim_write_spec, why, err);
}

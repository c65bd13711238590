/* events.c - Kubernetes events: what people see with kubectl describe; few of them, and none twice. */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "provisioner/lifecycle/control_internal.h"

enum { MESSAGE_MAX = 1000, SAME_MS = 600000 };

static const char *const API_VERSIONS[CLUSTER_KINDS] = {
    [CLUSTER_POD] = "v1",
    [CLUSTER_NODE] = "v1",
    [CLUSTER_PROVISIONER] = "stoker.sh/v1alpha1",
    [CLUSTER_NODE_TEMPLATE] = "stoker.sh/v1alpha1",
    [CLUSTER_NODE_CLAIM] = "stoker.sh/v1alpha1",
    [CLUSTER_KARPENTER_PROVISIONER] = "karpenter.sh/v1alpha5",
    [CLUSTER_KARPENTER_TEMPLATE] = "karpenter.k8s.aws/v1alpha1",
};

struct event {
    enum cluster_kind kind;
    struct str namespace_, name, uid;
    enum control_event_type type;
    const char *reason, *message;
};

/* Is it new, and may it be said? Tokens come back with time. */
static bool may_say(struct control *control, const struct event *event)
{
    struct clock_mono now = loop_now(control->effects.loop);
    uint64_t key = str_hash(event->uid) * 31 + str_hash(event->name);
    key = key * 31 + str_hash(event->namespace_) + (uint64_t)event->kind;
    key = (key * 31 + str_hash(str_of(event->reason))) * 31 + str_hash(str_of(event->message));
    struct sent_event *sent = &control->sent[(key ^ key >> 32) % EVENT_MEMORY];
    if (sent->key == key && now.ns < clock_after(sent->at, SAME_MS).ns)
        return false;
    double since_s = clock_ms_between(control->event_filled, now) / 1000;
    control->event_filled = now;
    control->event_tokens += since_s * EVENTS_PER_SECOND;
    if (control->event_tokens > EVENT_BURST)
        control->event_tokens = EVENT_BURST;
    if (control->event_tokens < (event->type == EVENT_NORMAL ? 1 + EVENT_RESERVE : 1))
        return false;
    control->event_tokens -= 1;
    *sent = (struct sent_event){key, now};
    return true;
}

static void write_body(struct control *control, const struct event *event, struct buf *buf)
{
    char at[CLOCK_TEXT_BYTES], suffix[11];
    clock_text_seconds(control->effects.loop->clock->wall(control->effects.loop->clock->context), at);
    chance_suffix(control->effects.chance, 10, suffix);
    char name[256]; /* a longer object name is cut: events' names are ours to choose */
    snprintf(name, sizeof(name), "%.*s.%s", event->name.len < 200 ? (int)event->name.len : 200, event->name.ptr,
             suffix);
    struct json_out json = JSON_OUT(buf);
    json_open_map(&json, NULL);
    json_str(&json, "apiVersion", STR("v1"));
    json_str(&json, "kind", STR("Event"));
    json_open_map(&json, "metadata");
    json_str(&json, "name", str_of(name));
    json_str(&json, "namespace", event->namespace_.len ? event->namespace_ : STR("default"));
    json_close_map(&json);
    json_open_map(&json, "involvedObject");
    json_str(&json, "apiVersion", str_of(API_VERSIONS[event->kind]));
    json_str(&json, "kind", str_of(cluster_kind_name(event->kind)));
    if (event->namespace_.len)
        json_str(&json, "namespace", event->namespace_);
    json_str(&json, "name", event->name);
    json_str(&json, "uid", event->uid);
    json_close_map(&json);
    json_str(&json, "type", event->type == EVENT_WARNING ? STR("Warning") : STR("Normal"));
    json_str(&json, "reason", str_of(event->reason));
    json_str(&json, "message", str_of(event->message));
    json_str(&json, "firstTimestamp", str_of(at));
    json_str(&json, "lastTimestamp", str_of(at));
    json_int(&json, "count", 1);
    json_open_map(&json, "source");
    json_str(&json, "component", STR("stoker"));
    json_close_map(&json);
    json_str(&json, "reportingComponent", STR("stoker"));
    json_close_map(&json);
}

static void on_answer(void *context, const struct cluster_answer *answer)
{
    const struct log *log = context; /* outlives the control */
    if (answer->err)
        log_event(log, LOG_DEBUG, "event-lost", LOG_ERR(answer->err));
}

/* Not through control_write: an event is about an object, not a write to it, and is not sent again. */
void control_event(struct control *control, enum cluster_kind kind, struct str namespace_, struct str name,
                   struct str uid, enum control_event_type type, const char *reason, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    struct event event = {kind, namespace_, name, uid, type, reason, message};
    if (!API_VERSIONS[kind] || !control_may_act(control) || !may_say(control, &event))
        return;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    write_body(control, &event, &buf);
    struct err err = {0};
    struct cluster_request request = {
        .verb = CLUSTER_CREATE, .kind = CLUSTER_EVENT, .namespace_ = namespace_.len ? namespace_ : STR("default")};
    int code = buf_str(&buf, &request.body, &err);
    if (code == 0)
        code = control->effects.cluster.request(control->effects.cluster.context, &request, on_answer,
                                                (void *)control->effects.log, &err);
    if (code < 0)
        log_event(control->effects.log, LOG_DEBUG, "event-lost", LOG_ERR(&err));
    arena_release(&arena);
}

void provisioner_event(struct control *control, const struct provisioner *provisioner, enum control_event_type type,
                       const char *reason, const char *message)
{
    control_event(control, provisioner->karpenter ? CLUSTER_KARPENTER_PROVISIONER : CLUSTER_PROVISIONER, STR(""),
                  provisioner->name, provisioner->uid, type, reason, "%s", message);
}

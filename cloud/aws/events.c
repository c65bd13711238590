#include "cloud/aws/events.h"

#include <stdlib.h>

#include "cloud/aws/client_call.h"
#include "cloud/aws/date.h"
#include "cloud/aws/json.h"
#include "cloud/aws/query.h"

enum { SPOT_NOTICE_S = 2 * 60, MAX_WRAPPINGS = 2 };

struct reading {
    struct arena *arena;
    struct aws_event *event;
    struct str *ids; /* [n_ids], room for AWS_EVENT_MAX_INSTANCES */
    size_t n_ids;
};

static int classify(struct reading *r, enum aws_event_class class_, const char *why)
{
    *r->event = (struct aws_event){.class_ = class_, .why = why};
    return 0;
}

static int malformed(struct reading *r)
{
    return classify(r, AWS_EVENT_MALFORMED, "malformed");
}

/* "i-" and 8 or 17 hex digits: it goes into calls. */
static bool is_instance_id(struct str id)
{
    if (!str_starts(id, "i-") || (id.len != 10 && id.len != 19))
        return false;
    for (size_t i = 2; i < id.len; i++) {
        if (!(id.ptr[i] >= '0' && id.ptr[i] <= '9') && !(id.ptr[i] >= 'a' && id.ptr[i] <= 'f'))
            return false;
    }
    return true;
}

static bool has_id(const struct reading *r, struct str id)
{
    for (size_t i = 0; i < r->n_ids; i++) {
        if (str_eq(r->ids[i], id))
            return true;
    }
    return false;
}

/* An id, or the ARN of an instance: "arn:aws:ec2:us-west-2:111122223333:instance/i-0123". Others are left out. */
static void add_id(struct reading *r, struct str text)
{
    struct str rest = text;
    struct str head = str_cut(&rest, '/');
    struct str id = str_starts(head, "arn:") ? rest : text;
    if (is_instance_id(id) && !has_id(r, id) && r->n_ids < AWS_EVENT_MAX_INSTANCES)
        r->ids[r->n_ids++] = id;
}

static int notice(struct reading *r, const struct doc *root, enum cloud_notice_kind kind)
{
    struct aws_event *event = r->event;
    struct str sent = aws_json_text(root, "time");
    if (!sent.len)
        sent = aws_json_text(root, "Time"); /* Auto Scaling's own */
    if (r->n_ids == 0)
        return malformed(r);
    if (!clock_parse(sent, &event->sent))
        event->sent = (struct clock_wall){0};
    event->class_ = AWS_EVENT_NOTICE;
    event->kind = kind;
    event->instance_ids = r->ids;
    event->n_instances = r->n_ids;
    return 0;
}

static int read_spot(struct reading *r, const struct doc *root)
{
    add_id(r, aws_json_text(root, "detail.instance-id"));
    int rc = notice(r, root, CLOUD_NOTICE_SPOT_INTERRUPTION);
    if (r->event->sent.ns)
        r->event->deadline.ns = r->event->sent.ns + SPOT_NOTICE_S * INT64_C(1000000000);
    return rc;
}

static int read_rebalance(struct reading *r, const struct doc *root)
{
    add_id(r, aws_json_text(root, "detail.instance-id"));
    return notice(r, root, CLOUD_NOTICE_REBALANCE);
}

static int read_state(struct reading *r, const struct doc *root)
{
    static const struct {
        const char *name;
        enum cloud_instance_state state;
    } states[] = {{"stopping", CLOUD_STOPPING},
                  {"stopped", CLOUD_STOPPED},
                  {"shutting-down", CLOUD_TERMINATED},
                  {"terminated", CLOUD_TERMINATED}};
    struct str state = aws_json_text(root, "detail.state");
    if (str_is(state, "pending") || str_is(state, "running"))
        return classify(r, AWS_EVENT_IGNORED, "state");
    for (size_t i = 0; i < CC_COUNT(states); i++) {
        if (!str_is(state, states[i].name))
            continue;
        add_id(r, aws_json_text(root, "detail.instance-id"));
        r->event->state = states[i].state;
        return notice(r, root, CLOUD_NOTICE_STATE_CHANGE);
    }
    return malformed(r);
}

static int read_health(struct reading *r, const struct doc *root)
{
    const struct doc *detail = doc_get(root, "detail");
    if (!str_is(aws_json_text(detail, "service"), "EC2") ||
        !str_is(aws_json_text(detail, "eventTypeCategory"), "scheduledChange"))
        return classify(r, AWS_EVENT_IGNORED, "health");
    if (str_is(aws_json_text(detail, "statusCode"), "closed"))
        return classify(r, AWS_EVENT_IGNORED, "health");
    DOC_EACH (entity, doc_get(detail, "affectedEntities"))
        add_id(r, aws_json_text(entity, "entityValue"));
    DOC_EACH (resource, doc_get(root, "resources"))
        add_id(r, resource->text);
    if (r->n_ids == 0) /* of volumes or of the account as a whole */
        return classify(r, AWS_EVENT_IGNORED, "health");
    if (!aws_date_read(aws_json_text(detail, "startTime"), &r->event->deadline))
        r->event->deadline = (struct clock_wall){0};
    return notice(r, root, CLOUD_NOTICE_MAINTENANCE);
}

/* `detail` has the action: EventBridge's member of that name, or Auto Scaling's own message as a whole. */
static int read_lifecycle(struct reading *r, const struct doc *root, const struct doc *detail)
{
    struct str transition = aws_json_text(detail, "LifecycleTransition");
    const struct aws_lifecycle found = {
        aws_json_text(detail, "AutoScalingGroupName"), aws_json_text(detail, "LifecycleHookName"),
        aws_json_text(detail, "LifecycleActionToken"), aws_json_text(detail, "EC2InstanceId")};
    if (str_is(transition, "autoscaling:EC2_INSTANCE_LAUNCHING"))
        return classify(r, AWS_EVENT_IGNORED, "lifecycle");
    if (!str_is(transition, "autoscaling:EC2_INSTANCE_TERMINATING") || !found.group.len || !found.hook.len ||
        !found.token.len)
        return malformed(r);
    add_id(r, found.instance_id);
    r->event->lifecycle = found;
    return notice(r, root, CLOUD_NOTICE_LIFECYCLE_TERMINATE);
}

static int read_lifecycle_event(struct reading *r, const struct doc *root)
{
    return read_lifecycle(r, root, doc_get(root, "detail"));
}

static const struct {
    const char *source, *detail_type;
    int (*read)(struct reading *r, const struct doc *root);
} KINDS[] = {
    {"aws.ec2", "EC2 Spot Instance Interruption Warning", read_spot},
    {"aws.ec2", "EC2 Instance Rebalance Recommendation", read_rebalance},
    {"aws.ec2", "EC2 Instance State-change Notification", read_state},
    {"aws.health", "AWS Health Event", read_health},
    {"aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", read_lifecycle_event},
};

static int read_object(struct reading *r, const struct doc *root)
{
    struct str source = aws_json_text(root, "source"), type = aws_json_text(root, "detail-type");
    for (size_t i = 0; i < CC_COUNT(KINDS); i++) {
        if (str_is(source, KINDS[i].source) && str_is(type, KINDS[i].detail_type))
            return KINDS[i].read(r, root);
    }
    if (str_is(aws_json_text(root, "Event"), "autoscaling:TEST_NOTIFICATION"))
        return classify(r, AWS_EVENT_IGNORED, "test");
    if (doc_get(root, "LifecycleTransition"))
        return read_lifecycle(r, root, root);
    return classify(r, AWS_EVENT_FOREIGN, "foreign");
}

/* The message that SNS wraps; "" if it is none of SNS's. */
static struct str wrapped(const struct doc *root)
{
    bool sns = str_is(aws_json_text(root, "Type"), "Notification") && aws_json_text(root, "TopicArn").len;
    return sns ? aws_json_text(root, "Message") : STR("");
}

int aws_event_read(struct str body, struct arena *arena, struct aws_event *ret, struct err *err)
{
    struct aws_event event = {0};
    struct reading r = {.arena = arena, .event = &event};
    const struct doc *root = NULL;
    r.ids = arena_array(arena, struct str, AWS_EVENT_MAX_INSTANCES);
    if (!r.ids)
        return err_nomem(err);
    for (int i = 0; i < MAX_WRAPPINGS && body.len; i++) {
        int rc = body.len > AWS_EVENT_MAX_BYTES ? ERR_INVALID : aws_json_read(body, arena, &root, NULL);
        if (rc == ERR_NOMEM)
            return err_nomem(err);
        body = rc ? STR("") : wrapped(root);
        if (rc)
            root = NULL;
    }
    int rc = root && root->kind == DOC_MAP ? read_object(&r, root) : malformed(&r);
    if (!rc)
        *ret = event;
    return rc;
}

struct completing {
    aws_lifecycle_fn done;
    void *context;
};

static void on_completed(void *context, const struct aws_answer *answer)
{
    struct completing *completing = context;
    /* "No active Lifecycle Action found": it timed out, or another has completed it. */
    bool over = answer->err && strcmp(answer->err->provider_code, "ValidationError") == 0;
    completing->done(completing->context, over ? NULL : answer->err);
    free(completing);
}

int aws_lifecycle_complete(struct aws_client *client, const struct aws_lifecycle *lifecycle, aws_lifecycle_fn done,
                           void *context, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    aws_query_str(&query, "AutoScalingGroupName", lifecycle->group);
    aws_query_str(&query, "LifecycleHookName", lifecycle->hook);
    aws_query_str(&query, "LifecycleActionToken", lifecycle->token);
    aws_query_str(&query, "InstanceId", lifecycle->instance_id);
    aws_query_str(&query, "LifecycleActionResult", STR("CONTINUE"));
    struct aws_call call = {.service = AWS_AUTOSCALING, .action = "CompleteLifecycleAction"};
    struct completing *completing = malloc(sizeof(*completing));
    int rc = completing ? buf_str(&buf, &call.body, err) : err_nomem(err);
    if (!rc) {
        *completing = (struct completing){done, context};
        rc = aws_client_call_owned(client, &call, on_completed, free, completing, err);
    }
    if (rc)
        free(completing);
    arena_release(&arena);
    return rc;
}

/* events.h - what a message of the interruption queue says: EventBridge's, SNS's wrapping of them, Auto Scaling's own.
 */
#ifndef STOKER_CLOUD_AWS_EVENTS_H
#define STOKER_CLOUD_AWS_EVENTS_H

#include "cloud/aws/client.h"
#include "cloud/provider.h"

enum aws_event_class {
    AWS_EVENT_NOTICE,   /* something happens to instances */
    AWS_EVENT_IGNORED,  /* one of ours that asks for nothing: an instance starts, a test notification */
    AWS_EVENT_FOREIGN,  /* JSON, but of another kind */
    AWS_EVENT_MALFORMED /* no JSON, or one of ours without what it must say */
};

enum { AWS_EVENT_MAX_INSTANCES = 1000, AWS_EVENT_MAX_BYTES = 1 << 20 /* SQS's own limit */ };

/* What completes an Auto Scaling group's wait. */
struct aws_lifecycle {
    struct str group, hook, token, instance_id;
};

struct aws_event {
    enum aws_event_class class_;
    const char *why; /* not a NOTICE: a word for metrics and logs, "foreign", "state", "test", "malformed" … */
    enum cloud_notice_kind kind;
    const struct str *instance_ids; /* [n_instances] "i-0123": lower-case hex, as EC2 gives them */
    size_t n_instances;
    enum cloud_instance_state state;
    struct clock_wall sent, deadline; /* 0: none. A spot notice's deadline: two minutes after it was sent */
    struct aws_lifecycle lifecycle;   /* of CLOUD_NOTICE_LIFECYCLE_TERMINATE */
};

/*
 * Texts are in `arena`. ERR_NOMEM is the only error: whatever is in a message has a class. Sources: "EventBridge events
 * for Amazon EC2", "AWS Health events", "Auto Scaling lifecycle hooks", "Amazon SNS message formats".
 */
CC_MUST_CHECK int aws_event_read(struct str body, struct arena *arena, struct aws_event *ret, struct err *err);

/* NULL: done, or nobody waits for it any more. */
typedef void (*aws_lifecycle_fn)(void *context, const struct err *err);
/* CompleteLifecycleAction with CONTINUE. */
CC_MUST_CHECK int aws_lifecycle_complete(struct aws_client *client, const struct aws_lifecycle *lifecycle,
                                         aws_lifecycle_fn done, void *context, struct err *err);

#endif

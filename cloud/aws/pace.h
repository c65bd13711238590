/* pace.h - how fast each kind of call may go out, so that AWS need not say "slow down". */
#ifndef STOKER_CLOUD_AWS_PACE_H
#define STOKER_CLOUD_AWS_PACE_H

#include "base/loop.h"
#include "cloud/aws/services.h"

enum aws_pace_class {
    AWS_PACE_DESCRIBE,     /* EC2: what changes nothing */
    AWS_PACE_CHANGE,       /* EC2: what changes something */
    AWS_PACE_CREATE_FLEET, /* EC2: launches, so that nothing else makes them wait */
    AWS_PACE_TERMINATE,    /* EC2: the same for giving back */
    AWS_PACE_SSM,
    AWS_PACE_PRICING,
    AWS_PACE_QUEUE, /* SQS: costs money, hardly limited */
    AWS_PACE_OTHER, /* STS, Auto Scaling */
    AWS_PACE_CLASSES
};

/* Who waits for its turn; owned by the waiter. */
struct aws_pace_ticket {
    void (*granted)(void *context); /* from the loop */
    void *context;
    bool urgent; /* before those that are not */
    struct aws_pace_ticket *next;
    bool waiting;
};

/*
 * Token buckets, each as the time at which it would be empty of debt (the generic cell rate algorithm): no fractions
 * of tokens, no clock that ticks.
 */
struct aws_pace_bucket {
    struct aws_pace *pace;
    int64_t due_ns; /* mono: when the tokens that were taken will have been made up for */
    struct aws_pace_ticket *first;
    struct loop_timer timer;
    enum aws_pace_class class_;
};

struct aws_pace {
    struct loop *loop;
    struct aws_pace_bucket buckets[AWS_PACE_CLASSES];
};

void aws_pace_init(struct aws_pace *pace, struct loop *loop); /* the pace may not be moved afterwards */
void aws_pace_release(struct aws_pace *pace);                 /* who waits is forgotten */

enum aws_pace_class aws_pace_class(enum aws_service service, const char *action);

/* Takes a token if there is one and nobody waits; else the ticket is granted later. ret_taken says which. ERR_NOMEM. */
CC_MUST_CHECK int aws_pace_take(struct aws_pace *pace, enum aws_pace_class class_, struct aws_pace_ticket *ticket,
                                bool *ret_taken, struct err *err);
void aws_pace_cancel(struct aws_pace *pace, enum aws_pace_class class_, struct aws_pace_ticket *ticket);

/* AWS said "slow down": the bucket is empty. */
void aws_pace_drain(struct aws_pace *pace, enum aws_pace_class class_);

#endif

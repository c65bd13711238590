#include "cloud/aws/pace.h"

#include <string.h>

struct rate {
    int64_t size;        /* calls at once */
    int64_t interval_ns; /* between two calls when the bucket is empty */
};

#define PER_SECOND(n) (INT64_C(1000000000) / (n))

/*
 * "Request throttling for the Amazon EC2 API", EC2 Developer Guide: a Describe* action has a bucket of 100 tokens, 20 a
 * second; those that change something have smaller ones, of each action by itself, that differ by account and are not
 * all published. Ours are a share of it: an account has other clients too. What is too fast all the same is answered
 * with RequestLimitExceeded, which empties the bucket. Pricing and SSM: well below their default quotas (10 and 40 a
 * second).
 */
static const struct rate RATES[AWS_PACE_CLASSES] = {
    [AWS_PACE_DESCRIBE] = {50, PER_SECOND(10)},    [AWS_PACE_CHANGE] = {20, PER_SECOND(5)},
    [AWS_PACE_CREATE_FLEET] = {50, PER_SECOND(5)}, [AWS_PACE_TERMINATE] = {50, PER_SECOND(5)},
    [AWS_PACE_SSM] = {20, PER_SECOND(10)},         [AWS_PACE_PRICING] = {10, PER_SECOND(5)},
    [AWS_PACE_QUEUE] = {100, PER_SECOND(50)},      [AWS_PACE_OTHER] = {20, PER_SECOND(5)},
};

static void serve(void *context);

void aws_pace_init(struct aws_pace *pace, struct loop *loop)
{
    *pace = (struct aws_pace){.loop = loop};
    for (int i = 0; i < AWS_PACE_CLASSES; i++) {
        struct aws_pace_bucket *bucket = &pace->buckets[i];
        bucket->pace = pace;
        bucket->class_ = (enum aws_pace_class)i;
        bucket->due_ns = INT64_MIN;
        bucket->timer = LOOP_TIMER(serve, bucket);
    }
}

void aws_pace_release(struct aws_pace *pace)
{
    for (int i = 0; i < AWS_PACE_CLASSES; i++)
        loop_timer_cancel(pace->loop, &pace->buckets[i].timer);
}

static bool begins(const char *action, const char *word)
{
    return strncmp(action, word, strlen(word)) == 0;
}

enum aws_pace_class aws_pace_class(enum aws_service service, const char *action)
{
    switch (service) {
    case AWS_SQS: return AWS_PACE_QUEUE;
    case AWS_SSM: return AWS_PACE_SSM;
    case AWS_PRICING: return AWS_PACE_PRICING;
    case AWS_EC2: break;
    case AWS_STS:
    case AWS_AUTOSCALING:
    case AWS_SERVICES: return AWS_PACE_OTHER;
    }
    if (strcmp(action, "CreateFleet") == 0)
        return AWS_PACE_CREATE_FLEET;
    if (strcmp(action, "TerminateInstances") == 0)
        return AWS_PACE_TERMINATE;
    return begins(action, "Describe") || begins(action, "Get") ? AWS_PACE_DESCRIBE : AWS_PACE_CHANGE;
}

/* The first moment at which there is a token. */
static int64_t ready_ns(const struct aws_pace_bucket *bucket)
{
    const struct rate *rate = &RATES[bucket->class_];
    return bucket->due_ns == INT64_MIN ? INT64_MIN : bucket->due_ns - (rate->size - 1) * rate->interval_ns;
}

static void take(struct aws_pace_bucket *bucket, int64_t now_ns)
{
    int64_t from = bucket->due_ns > now_ns ? bucket->due_ns : now_ns;
    bucket->due_ns = from + RATES[bucket->class_].interval_ns;
}

static int set_timer(struct aws_pace_bucket *bucket, struct err *err)
{
    return loop_timer_set(bucket->pace->loop, &bucket->timer, (struct clock_mono){ready_ns(bucket)}, err);
}

/* Grants one ticket; the timer comes back for the next. */
static void serve(void *context)
{
    struct aws_pace_bucket *bucket = context;
    struct aws_pace_ticket *ticket = bucket->first;
    if (!ticket)
        return;
    int64_t now_ns = loop_now(bucket->pace->loop).ns;
    if (ready_ns(bucket) <= now_ns) {
        bucket->first = ticket->next;
        ticket->waiting = false;
        take(bucket, now_ns);
    } else {
        ticket = NULL;
    }
    /* The slot that this timer had in the loop is free again: setting it needs no memory. */
    if (bucket->first && set_timer(bucket, NULL))
        return;
    if (ticket)
        ticket->granted(ticket->context);
}

static void enqueue(struct aws_pace_bucket *bucket, struct aws_pace_ticket *ticket)
{
    struct aws_pace_ticket **place = &bucket->first;
    while (*place && ((*place)->urgent || !ticket->urgent))
        place = &(*place)->next;
    ticket->next = *place;
    ticket->waiting = true;
    *place = ticket;
}

int aws_pace_take(struct aws_pace *pace, enum aws_pace_class class_, struct aws_pace_ticket *ticket, bool *ret_taken,
                  struct err *err)
{
    struct aws_pace_bucket *bucket = &pace->buckets[class_];
    int64_t now_ns = loop_now(pace->loop).ns;
    bool now = !bucket->first && ready_ns(bucket) <= now_ns;
    if (now) {
        take(bucket, now_ns);
    } else {
        int rc = set_timer(bucket, err);
        if (rc)
            return rc;
        enqueue(bucket, ticket);
    }
    *ret_taken = now;
    return 0;
}

void aws_pace_cancel(struct aws_pace *pace, enum aws_pace_class class_, struct aws_pace_ticket *ticket)
{
    struct aws_pace_ticket **place = &pace->buckets[class_].first;
    while (*place && *place != ticket)
        place = &(*place)->next;
    if (*place)
        *place = ticket->next;
    ticket->waiting = false;
}

void aws_pace_drain(struct aws_pace *pace, enum aws_pace_class class_)
{
    struct aws_pace_bucket *bucket = &pace->buckets[class_];
    int64_t empty = loop_now(pace->loop).ns + RATES[class_].size * RATES[class_].interval_ns;
    if (bucket->due_ns < empty)
        bucket->due_ns = empty;
}

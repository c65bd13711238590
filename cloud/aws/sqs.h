/* sqs.h - the queue that tells of interruptions: finding it, reading from it, deleting what was acted on. */
#ifndef STOKER_CLOUD_AWS_SQS_H
#define STOKER_CLOUD_AWS_SQS_H

#include "cloud/aws/client.h"

/* All call `done` once from the loop, never from within; what it is given is borrowed for the call. */

enum {
    AWS_SQS_BATCH = 10,  /* messages of one call, the most that SQS allows */
    AWS_SQS_WAIT_S = 20, /* a receive waits so long for the first message, the most that SQS allows */
    /*
     * Then a message that was not deleted comes again. A process that dies takes what it was just given with it, and of
     * a spot notice's two minutes the next one needs most.
     */
    AWS_SQS_VISIBILITY_S = 20,
};

/* `url` is "" where `err` says why: ERR_NOT_FOUND, ERR_AUTH … */
typedef void (*aws_sqs_url_fn)(void *context, struct str url, const struct err *err);
CC_MUST_CHECK int aws_sqs_find(struct aws_client *client, struct str queue_name, aws_sqs_url_fn done, void *context,
                               struct err *err);

struct aws_sqs_message {
    struct str id;      /* the same when it comes again */
    struct str receipt; /* another each time; deletes it */
    struct str body;
};

typedef void (*aws_sqs_messages_fn)(void *context, const struct aws_sqs_message *messages, size_t n,
                                    const struct err *err);
/* A long poll: up to AWS_SQS_BATCH messages; none is no error. A single attempt. */
CC_MUST_CHECK int aws_sqs_receive(struct aws_client *client, struct str queue_url, aws_sqs_messages_fn done,
                                  void *context, struct err *err);

/* `gone[i]`: the i-th is deleted. `err`: the whole call failed, `gone` is NULL. */
typedef void (*aws_sqs_deleted_fn)(void *context, const bool *gone, size_t n, const struct err *err);
/* 1 to AWS_SQS_BATCH receipts, else ERR_INVALID. */
CC_MUST_CHECK int aws_sqs_delete(struct aws_client *client, struct str queue_url, const struct str *receipts, size_t n,
                                 aws_sqs_deleted_fn done, void *context, struct err *err);

#endif

#include "cloud/aws/sqs.h"

#include <stdlib.h>

#include "base/json_out.h"
#include "cloud/aws/client_call.h"
#include "cloud/aws/json.h"

/* What waits for an answer. */
struct asking {
    aws_sqs_url_fn found;
    aws_sqs_messages_fn received;
    aws_sqs_deleted_fn deleted;
    void *context;
    size_t n; /* receipts to be deleted */
};

/* Sends what is in `buf`; `asking` is copied. */
static int ask(struct aws_client *client, const char *action, struct buf *buf, const struct asking *asking,
               aws_answer_fn done, struct err *err)
{
    struct aws_call call = {.service = AWS_SQS, .action = action};
    int rc = buf_str(buf, &call.body, err);
    if (rc)
        return rc;
    if (asking->received) {
        call.no_retry = true; /* the caller polls again anyway */
        call.attempt_timeout_ms = (AWS_SQS_WAIT_S + 10) * 1000;
        call.deadline_ms = 3 * call.attempt_timeout_ms;
    }
    struct asking *copy = malloc(sizeof(*copy));
    if (!copy)
        return err_nomem(err);
    *copy = *asking;
    rc = aws_client_call_owned(client, &call, done, free, copy, err);
    if (rc)
        free(copy);
    return rc;
}

static void on_found(void *context, const struct aws_answer *answer)
{
    struct asking *asking = context;
    struct err err = {0};
    struct str url = answer->err ? STR("") : aws_json_text(answer->json, "QueueUrl");
    if (!answer->err && !url.len)
        err_note(&err, ERR_RETRY, "sqs:GetQueueUrl: the answer has no QueueUrl");
    asking->found(asking->context, url, url.len ? NULL : (answer->err ? answer->err : &err));
    free(asking);
}

int aws_sqs_find(struct aws_client *client, struct str queue_name, aws_sqs_url_fn done, void *context, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "QueueName", queue_name);
    json_close_map(&json);
    int rc = ask(client, "GetQueueUrl", &buf, &(struct asking){.found = done, .context = context}, on_found, err);
    arena_release(&arena);
    return rc;
}

static void on_received(void *context, const struct aws_answer *answer)
{
    struct asking *asking = context;
    struct aws_sqs_message messages[AWS_SQS_BATCH];
    size_t n = 0;
    DOC_EACH (message, doc_get(answer->json, "Messages")) {
        if (n == AWS_SQS_BATCH)
            break;
        messages[n++] =
            (struct aws_sqs_message){aws_json_text(message, "MessageId"), aws_json_text(message, "ReceiptHandle"),
                                     aws_json_text(message, "Body")};
    }
    asking->received(asking->context, messages, n, answer->err);
    free(asking);
}

int aws_sqs_receive(struct aws_client *client, struct str queue_url, aws_sqs_messages_fn done, void *context,
                    struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "QueueUrl", queue_url);
    json_int(&json, "MaxNumberOfMessages", AWS_SQS_BATCH);
    json_int(&json, "WaitTimeSeconds", AWS_SQS_WAIT_S);
    json_int(&json, "VisibilityTimeout", AWS_SQS_VISIBILITY_S);
    json_close_map(&json);
    int rc =
        ask(client, "ReceiveMessage", &buf, &(struct asking){.received = done, .context = context}, on_received, err);
    arena_release(&arena);
    return rc;
}

static void on_deleted(void *context, const struct aws_answer *answer)
{
    struct asking *asking = context;
    bool gone[AWS_SQS_BATCH] = {false};
    DOC_EACH (entry, doc_get(answer->json, "Successful")) {
        int64_t place = 0;
        if (str_to_int64(aws_json_text(entry, "Id"), &place) && place >= 0 && (size_t)place < asking->n)
            gone[place] = true;
    }
    asking->deleted(asking->context, answer->err ? NULL : gone, answer->err ? 0 : asking->n, answer->err);
    free(asking);
}

int aws_sqs_delete(struct aws_client *client, struct str queue_url, const struct str *receipts, size_t n,
                   aws_sqs_deleted_fn done, void *context, struct err *err)
{
    if (n == 0 || n > AWS_SQS_BATCH)
        return err_set(err, ERR_INVALID, "sqs:DeleteMessageBatch: %zu messages, 1 to %d are allowed", n, AWS_SQS_BATCH);
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "QueueUrl", queue_url);
    json_open_list(&json, "Entries");
    for (size_t i = 0; i < n; i++) {
        char id[24];
        snprintf(id, sizeof(id), "%zu", i);
        json_open_map(&json, NULL);
        json_str(&json, "Id", str_of(id));
        json_str(&json, "ReceiptHandle", receipts[i]);
        json_close_map(&json);
    }
    json_close_list(&json);
    json_close_map(&json);
    int rc = ask(client, "DeleteMessageBatch", &buf, &(struct asking){.deleted = done, .context = context, .n = n},
                 on_deleted, err);
    arena_release(&arena);
    return rc;
}

/* test_aws_sqs.c - the queue: found, read, emptied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/sqs.h"
#include "tests/support/aws_world.h"

struct got {
    int times, code;
    size_t n;
    char text[128]; /* "id/receipt/body " of each, or the URL */
    bool gone[AWS_SQS_BATCH];
};

static void on_url(void *context, struct str url, const struct err *err)
{
    struct got *got = context;
    got->times++;
    got->code = err ? err->code : 0;
    snprintf(got->text, sizeof(got->text), "%.*s", STR_ARG(url));
}

static void found(void **state)
{
    struct aws_world *world = *state;
    struct got got = {0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{\"QueueUrl\":\"http://aws.test/1/q\"}");
    assert_int_equal(aws_sqs_find(world->client, STR("q\"1"), on_url, &got, NULL), 0);
    assert_int_equal(got.times, 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.times, 1);
    assert_string_equal(got.text, "http://aws.test/1/q");
    const struct fake_request *request = fake_http_request(world->http, 0);
    assert_true(str_is(request->body, "{\"QueueName\":\"q\\\"1\"}"));
    assert_true(str_is(fake_request_header(request, "x-amz-target"), "AmazonSQS.GetQueueUrl"));
    assert_true(str_is(fake_request_header(request, "content-type"), "application/x-amz-json-1.0"));
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{}");
    assert_int_equal(aws_sqs_find(world->client, STR("q"), on_url, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.code, ERR_RETRY);
    fake_http_answer(world->http, "POST", "aws.test", 400, NULL,
                     "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"none\"}");
    assert_int_equal(aws_sqs_find(world->client, STR("q"), on_url, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.code, ERR_NOT_FOUND);
}

static void on_messages(void *context, const struct aws_sqs_message *messages, size_t n, const struct err *err)
{
    struct got *got = context;
    got->times++;
    got->code = err ? err->code : 0;
    got->n = n;
    got->text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(got->text);
        snprintf(got->text + len, sizeof(got->text) - len, "%.*s/%.*s/%.*s ", STR_ARG(messages[i].id),
                 STR_ARG(messages[i].receipt), STR_ARG(messages[i].body));
    }
}

static void received(void **state)
{
    struct aws_world *world = *state;
    struct got got = {0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL,
                     "{\"Messages\":[{\"MessageId\":\"m1\",\"ReceiptHandle\":\"r1\",\"Body\":\"b1\"},"
                     "{\"MessageId\":\"m2\",\"ReceiptHandle\":\"r2\"}]}");
    assert_int_equal(aws_sqs_receive(world->client, STR("u"), on_messages, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.n, 2);
    assert_string_equal(got.text, "m1/r1/b1 m2/r2/ ");
    assert_true(str_is(fake_http_request(world->http, 0)->body,
                       "{\"QueueUrl\":\"u\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,"
                       "\"VisibilityTimeout\":20}"));
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{}");
    assert_int_equal(aws_sqs_receive(world->client, STR("u"), on_messages, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.times, 2);
    assert_int_equal(got.n, 0);
    assert_int_equal(got.code, 0);
    fake_http_answer(world->http, "POST", "aws.test", 500, NULL, "");
    assert_int_equal(aws_sqs_receive(world->client, STR("u"), on_messages, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.code, ERR_RETRY);
    assert_int_equal(aws_sqs_receive(world->client, STR("u"), on_messages, &got, NULL), 0); /* dropped at close */
}

static void on_deleted(void *context, const bool *gone, size_t n, const struct err *err)
{
    struct got *got = context;
    got->times++;
    got->code = err ? err->code : 0;
    got->n = n;
    for (size_t i = 0; i < n; i++)
        got->gone[i] = gone[i];
}

static void deleted(void **state)
{
    struct aws_world *world = *state;
    struct got got = {0};
    const struct str receipts[AWS_SQS_BATCH + 1] = {STR("r0"), STR("r1"), STR("r2")};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL,
                     "{\"Successful\":[{\"Id\":\"2\"},{\"Id\":\"0\"},{\"Id\":\"9\"},{\"Id\":\"x\"}],"
                     "\"Failed\":[{\"Id\":\"1\",\"Code\":\"InternalError\",\"SenderFault\":false}]}");
    assert_int_equal(aws_sqs_delete(world->client, STR("u"), receipts, 3, on_deleted, &got, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.n, 3);
    assert_true(got.gone[0] && !got.gone[1] && got.gone[2]);
    assert_true(str_is(fake_http_request(world->http, 0)->body,
                       "{\"QueueUrl\":\"u\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"r0\"},"
                       "{\"Id\":\"1\",\"ReceiptHandle\":\"r1\"},{\"Id\":\"2\",\"ReceiptHandle\":\"r2\"}]}"));
    assert_int_equal(aws_sqs_delete(world->client, STR("u"), receipts, 0, on_deleted, &got, NULL), ERR_INVALID);
    assert_int_equal(aws_sqs_delete(world->client, STR("u"), receipts, AWS_SQS_BATCH + 1, on_deleted, &got, NULL),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_AWS_WORLD(found), IN_AWS_WORLD(received), IN_AWS_WORLD(deleted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

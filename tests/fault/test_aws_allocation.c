/*
 * test_aws_allocation.c - memory runs out at the first allocation, at the second, … of a signed, paginated call of AWS
 * with credentials that have to be fetched first, and of reading the queue: each run ends, none crashes or leaks.
 *
 * Linked with --wrap=malloc,calloc,realloc as test_allocation.c; expat gets its memory through functions of ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/chance.h"
#include "cloud/aws/client.h"
#include "cloud/aws/events.h"
#include "cloud/aws/sqs.h"
#include "tests/fault/nth.h"
#include "tests/support/virtual_time.h"

/* HTTP that allocates nothing: one call at a time, its answer by the body that was sent. */
struct http_call {
    struct loop *loop;
    struct loop_timer timer;
    struct http_handler handler;
    const char *body;
};

static const char STS[] =
    "<A><B><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T"
    "</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></B></A>";
static const char MESSAGES[] =
    "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\",\"Body\":\"{\\\"source\\\":\\\"aws.ec2\\\","
    "\\\"detail-type\\\":\\\"EC2 Instance Rebalance Recommendation\\\",\\\"detail\\\":{\\\"instance-id\\\":"
    "\\\"i-11112222\\\"}}\"}]}";

static bool has(struct str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void answer(void *context)
{
    struct http_call *call = context;
    const struct http_response response = {.status = 200, .body = str_of(call->body)};
    call->handler.done(call->handler.context, &response, NULL);
}

static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct http_call *call = context;
    call->handler = *handler;
    if (has(request->body, "AssumeRoleWithWebIdentity"))
        call->body = STS;
    else if (has(request->body, "QueueUrl"))
        call->body = MESSAGES;
    else
        call->body = has(request->body, "NextToken") ? "<R><a>1</a></R>" : "<R><nextToken>t</nextToken></R>";
    *ret = call;
    return loop_timer_after(call->loop, &call->timer, 1, err);
}

static void cancel(void *context, struct http_call *call)
{
    (void)context;
    loop_timer_cancel(call->loop, &call->timer);
}

static const char *get(void *context, const char *name)
{
    (void)context;
    static const char *const variables[][2] = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                               {"AWS_ROLE_ARN", "arn:r"},
                                               {"AWS_CONFIG_FILE", "/config"},
                                               {"AWS_ENDPOINT_URL", "http://aws.test"}};
    for (size_t i = 0; i < CC_COUNT(variables); i++) {
        if (strcmp(variables[i][0], name) == 0)
            return variables[i][1];
    }
    return NULL;
}

static int read_file(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    (void)context;
    struct str text = str_dup(arena, strcmp(path, "/token") == 0 ? STR("jwt") : STR("[default]\nregion = x\n"));
    if (!text.ptr)
        return err_nomem(err);
    *ret = text;
    return 0;
}

struct work {
    struct virtual_time time;
    struct loop loop;
    struct http_call call;
    struct aws_client *client;
    bool over;
    int pages;
    struct err err;
};

static void note(struct work *work, const struct err *err)
{
    work->over = true;
    if (err)
        work->err = *err;
}

static int on_page(void *context, const struct aws_answer *page, struct err *err)
{
    (void)page;
    (void)err;
    ((struct work *)context)->pages++;
    return 0;
}

static void on_listed(void *context, const struct aws_answer *listed)
{
    note(context, listed->err);
}

static void on_messages(void *context, const struct aws_sqs_message *messages, size_t n, const struct err *err)
{
    struct work *work = context;
    struct arena arena = ARENA_INIT;
    struct aws_event event;
    struct err own = {0};
    if (!err && aws_event_read(n ? messages[0].body : STR(""), &arena, &event, &own))
        err = &own;
    if (!err && event.class_ != AWS_EVENT_NOTICE)
        fail_msg("the message was lost");
    arena_release(&arena);
    note(work, err);
}

static void turn_until_over(struct work *work)
{
    struct err err = {0};
    for (int i = 0; i < 1000 && !work->over; i++)
        assert_int_equal(loop_turn(&work->loop, &err), 0);
    assert_true(work->over);
}

static int make_calls(struct work *work, struct err *err)
{
    const struct aws_call list = {.service = AWS_EC2, .action = "DescribeX", .body = STR("A=b")};
    const struct aws_pages_handler handler = {.page = on_page, .done = on_listed, .context = work};
    int rc = aws_client_pages(work->client, &list, &handler, err);
    if (rc)
        return rc;
    turn_until_over(work);
    if (work->err.code)
        return work->err.code;
    assert_int_equal(work->pages, 2);
    work->over = false;
    rc = aws_sqs_receive(work->client, STR("u"), on_messages, work, err);
    if (rc)
        return rc;
    turn_until_over(work);
    return work->err.code;
}

static int run(struct err *err)
{
    struct work work = {.call = {.loop = &work.loop}};
    uint64_t seed = 1;
    struct chance chance = chance_seeded(&seed);
    const struct aws_environment environment = {.get = get, .read = read_file};
    virtual_time_init(&work.time);
    loop_init(&work.loop, &work.time.clock, virtual_time_waiter(&work.time));
    work.call.timer = LOOP_TIMER(answer, &work.call);
    const struct aws_client_options options = {.loop = &work.loop,
                                               .http = {send, cancel, &work.call},
                                               .chance = &chance,
                                               .environment = &environment,
                                               .region = STR("us-west-2")};
    int rc = aws_client_open(&options, &work.client, err);
    if (!rc) {
        rc = make_calls(&work, err);
        if (rc && work.err.code)
            *err = work.err;
        aws_client_close(work.client);
    }
    loop_release(&work.loop);
    return rc;
}

/* A run may also get through: the client does without what it only prefers to have. */
static void calls_survive(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 10000; n++) {
        struct err err = {0};
        nth_begin(n);
        int rc = run(&err);
        bool failed = nth_end();
        if (!failed) {
            assert_int_equal(rc, 0);
            assert_true(n > 50);
            return;
        }
        if (rc != 0 && (rc != ERR_NOMEM || !strstr(err.message, "out of memory")))
            fail_msg("allocation %d failed: returned %d: %s", (int)n + 1, rc, err.message);
    }
    fail_msg("it never gets through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_survive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

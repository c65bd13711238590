/* test_aws_client.c - calls of AWS: signed, repeated where that is safe, within their deadline, page by page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/aws_world.h"

#define FLEET_OK   "<CreateFleetResponse><fleetId>fleet-1</fleetId></CreateFleetResponse>"
#define FAILED(c)  "<Response><Errors><Error><Code>" c "</Code><Message>words</Message></Error></Errors></Response>"
#define FLEET_CALL ((struct aws_call){.service = AWS_EC2, .action = "CreateFleet", .body = STR("Type=instant")})

static void run(struct aws_world *world, const struct aws_call *call, struct aws_world_answer *answer)
{
    struct err err = {0};
    if (aws_client_call(world->client, call, aws_world_answered, answer, &err))
        fail_msg("%s", err.message);
    assert_int_equal(answer->times, 0);
    aws_world_wait(world, answer);
}

static void a_query_call(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {.path = "fleetId"};
    fake_http_answer(world->http, "POST", "http://aws.test/", 200, NULL, FLEET_OK);
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_string_equal(answer.text, "fleet-1");
    const struct fake_request *request = fake_http_request(world->http, 0);
    assert_true(str_is(request->body, "Action=CreateFleet&Version=2016-11-15&Type=instant"));
    assert_true(str_is(fake_request_header(request, "host"), "aws.test"));
    assert_true(str_is(fake_request_header(request, "x-amz-date"), "20260101T000000Z"));
    assert_true(str_starts(fake_request_header(request, "authorization"),
                           "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/ec2/aws4_request, "
                           "SignedHeaders=content-type;host;x-amz-date, Signature="));
    assert_string_equal(world->called, "credentials=0 ec2:CreateFleet=0 ");
}

static void a_json_call(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {.path = "Parameter.Value"};
    fake_http_answer(world->http, "POST", "http://aws.test/", 200, NULL, "{\"Parameter\": {\"Value\": \"ami-1\"}}");
    run(world, &(struct aws_call){.service = AWS_SSM, .action = "GetParameter", .body = STR("{\"Name\":\"x\"}")},
        &answer);
    assert_string_equal(answer.text, "ami-1");
    const struct fake_request *request = fake_http_request(world->http, 0);
    assert_true(str_is(request->body, "{\"Name\":\"x\"}"));
    assert_true(str_is(fake_request_header(request, "x-amz-target"), "AmazonSSM.GetParameter"));
    assert_true(str_is(fake_request_header(request, "content-type"), "application/x-amz-json-1.1"));
}

static void an_empty_json_answer(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {.path = "X"};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "");
    run(world, &(struct aws_call){.service = AWS_SQS, .action = "DeleteMessage"}, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_true(str_is(fake_http_request(world->http, 0)->body, "{}"));
}

static void refused(void **state)
{
    struct aws_world *world = *state;
    static const struct {
        enum aws_service service;
        int status;
        const char *headers, *body, *message;
        int code;
    } cases[] = {
        {AWS_EC2, 403, NULL, FAILED("UnauthorizedOperation"), "ec2:Act: UnauthorizedOperation: words", ERR_AUTH},
        {AWS_STS, 400, NULL,
         "<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>m</Message></Error>"
         "</ErrorResponse>",
         "sts:Act: ValidationError: m", ERR_INVALID},
        {AWS_SQS, 400, NULL, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"none\"}",
         "sqs:Act: QueueDoesNotExist: none", ERR_NOT_FOUND},
        {AWS_SSM, 400, "x-amzn-errortype: ParameterNotFound:http://x", "", "ssm:Act: ParameterNotFound", ERR_NOT_FOUND},
        {AWS_SSM, 400, NULL, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}",
         "ssm:Act: AccessDeniedException: no", ERR_AUTH},
        {AWS_SSM, 403, NULL, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
         "ssm:Act: AccessDenied", ERR_AUTH},
        {AWS_SQS, 403, NULL, "{\"message\":\"gateway\"}", "sqs:Act: gateway", ERR_AUTH},
        {AWS_EC2, 404, NULL, "<html>", "ec2:Act: HTTP status 404", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct aws_world_answer answer = {0};
        fake_http_answer(world->http, "POST", "aws.test", cases[i].status, cases[i].headers, cases[i].body);
        run(world, &(struct aws_call){.service = cases[i].service, .action = "Act"}, &answer);
        assert_int_equal(answer.err.code, cases[i].code);
        assert_int_equal(answer.err.http_status, cases[i].status);
        assert_string_equal(answer.err.message, cases[i].message);
    }
    assert_int_equal(fake_http_count(world->http), CC_COUNT(cases));
}

static void a_dry_run(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    fake_http_answer(world->http, "POST", "aws.test", 412, NULL, FAILED("DryRunOperation"));
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_true(answer.dry_run);
}

static void tried_again(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {.path = "fleetId"};
    fake_http_fail(world->http, "POST", "aws.test", ERR_RETRY, "connection reset");
    fake_http_answer(world->http, "POST", "aws.test", 503, NULL, "");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<CreateFleetResponse><fle");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, FLEET_OK);
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_string_equal(answer.text, "fleet-1");
    assert_string_equal(world->called,
                        "credentials=0 ec2:CreateFleet=-1 ec2:CreateFleet=-1 ec2:CreateFleet=-1 ec2:CreateFleet=0 ");
}

static void given_up(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    for (int i = 0; i < AWS_CALL_ATTEMPTS; i++)
        fake_http_answer(world->http, "POST", "aws.test", 500, NULL, FAILED("InternalError"));
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, ERR_RETRY);
    assert_string_equal(answer.err.provider_code, "InternalError");
    assert_int_equal(fake_http_count(world->http), AWS_CALL_ATTEMPTS);
}

static void launches_come_back_at_once(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    struct aws_call call = FLEET_CALL;
    call.no_retry = true;
    fake_http_answer(world->http, "POST", "aws.test", 503, NULL, FAILED("RequestLimitExceeded"));
    run(world, &call, &answer);
    assert_int_equal(answer.err.code, ERR_THROTTLED);
    assert_int_equal(fake_http_count(world->http), 1);
}

/* After "slow down" the bucket of that class is empty, and others go on. */
static void throttled(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0}, other = {0};
    struct aws_call call = {.service = AWS_EC2, .action = "DescribeInstances", .no_retry = true};
    fake_http_answer(world->http, "POST", "aws.test", 503, NULL, FAILED("RequestLimitExceeded"));
    run(world, &call, &answer);
    int64_t before_ns = world->time.mono_ns;
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, FLEET_OK);
    run(world, &FLEET_CALL, &other);
    assert_true(world->time.mono_ns - before_ns < 1000000);
    answer = (struct aws_world_answer){0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<DescribeInstancesResponse/>");
    run(world, &call, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_true(world->time.mono_ns - before_ns >= 90 * INT64_C(1000000));
}

static void the_deadline(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    struct aws_call call = FLEET_CALL;
    call.deadline_ms = 3000;
    int64_t before_ns = world->time.mono_ns;
    run(world, &call, &answer);
    assert_int_equal(answer.err.code, ERR_RETRY);
    assert_string_equal(answer.err.message, "ec2:CreateFleet: not done within 3 s");
    assert_int_equal((world->time.mono_ns - before_ns) / 1000000, 3000);
    assert_true(fake_http_request(world->http, 0)->cancelled);
    assert_string_equal(world->called, "credentials=0 ec2:CreateFleet=-1 ");
}

/* Our clock is an hour slow: AWS says so, and the next signature has AWS's time. */
static void a_wrong_clock(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    struct aws_call call = FLEET_CALL;
    call.no_retry = true;
    fake_http_answer(world->http, "POST", "aws.test", 400, "date: Thu, 01 Jan 2026 01:00:00 GMT",
                     FAILED("RequestExpired"));
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, FLEET_OK);
    run(world, &call, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_true(str_is(fake_request_header(fake_http_request(world->http, 1), "x-amz-date"), "20260101T010000Z"));
    answer = (struct aws_world_answer){0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, FLEET_OK);
    run(world, &call, &answer);
    assert_true(str_is(fake_request_header(fake_http_request(world->http, 2), "x-amz-date"), "20260101T010000Z"));
}

/* Keys that AWS refuses are read anew, once. */
static void expired_keys(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    fake_http_answer(world->http, "POST", "aws.test", 400, "date: Thu, 01 Jan 2026 00:00:07 GMT",
                     FAILED("ExpiredToken"));
    fake_http_answer(world->http, "POST", "aws.test", 400, NULL, FAILED("ExpiredToken"));
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, ERR_AUTH);
    assert_int_equal(answer.scope, AWS_SCOPE_CREDENTIALS);
    assert_int_equal(fake_http_count(world->http), 2);

    answer = (struct aws_world_answer){0};
    fake_environment_set(&world->fake, "AWS_ACCESS_KEY_ID", "AKIDNEW");
    fake_http_answer(world->http, "POST", "aws.test", 400, NULL, FAILED("ExpiredToken"));
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, FLEET_OK);
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, 0);
    assert_true(str_starts(fake_request_header(fake_http_request(world->http, 3), "authorization"),
                           "AWS4-HMAC-SHA256 Credential=AKIDNEW/"));
}

static void no_keys(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    fake_environment_set(&world->fake, "AWS_SECRET_ACCESS_KEY", NULL);
    run(world, &FLEET_CALL, &answer);
    assert_int_equal(answer.err.code, ERR_AUTH);
    assert_int_equal(answer.scope, AWS_SCOPE_CREDENTIALS);
    assert_non_null(strstr(answer.err.message, "only one is set"));
    assert_string_equal(world->called, "credentials=-6 ");
    assert_int_equal(fake_http_count(world->http), 0);
}

static void closed_meanwhile(void **state)
{
    struct aws_world *world = *state;
    struct aws_world_answer answer = {0};
    assert_int_equal(aws_client_call(world->client, &FLEET_CALL, aws_world_answered, &answer, NULL), 0);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(fake_http_count(world->http), 1);
    assert_int_equal(aws_client_call(world->client, &FLEET_CALL, aws_world_answered, &answer, NULL), 0);
    aws_client_close(world->client);
    world->client = NULL;
    virtual_time_run(&world->loop, 1000);
    assert_int_equal(answer.times, 0);
    assert_true(fake_http_request(world->http, 0)->cancelled);
}

struct listing {
    struct aws_world_answer answer;
    int pages, fail_at;
};

static int on_page(void *context, const struct aws_answer *answer, struct err *err)
{
    struct listing *listing = context;
    assert_true(answer->xml || answer->json);
    listing->pages++;
    return listing->pages == listing->fail_at ? err_set(err, ERR_INVALID, "page refused") : 0;
}

static void on_listed(void *context, const struct aws_answer *answer)
{
    struct listing *listing = context;
    aws_world_answered(&listing->answer, answer);
}

static void list(struct aws_world *world, const struct aws_call *call, struct listing *listing)
{
    const struct aws_pages_handler handler = {.page = on_page, .done = on_listed, .context = listing};
    assert_int_equal(aws_client_pages(world->client, call, &handler, NULL), 0);
    aws_world_wait(world, &listing->answer);
}

static void pages(void **state)
{
    struct aws_world *world = *state;
    struct listing listing = {0};
    const struct aws_call call = {.service = AWS_EC2, .action = "DescribeSubnets", .body = STR("MaxResults=5")};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>a/b=</nextToken></R>");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>c</nextToken></R>");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken/></R>");
    list(world, &call, &listing);
    assert_int_equal(listing.pages, 3);
    assert_int_equal(listing.answer.err.code, 0);
    assert_true(str_ends(fake_http_request(world->http, 1)->body, "&MaxResults=5&NextToken=a%2Fb%3D"));
    assert_true(str_ends(fake_http_request(world->http, 2)->body, "&MaxResults=5&NextToken=c"));
}

static void pages_of_json(void **state)
{
    struct aws_world *world = *state;
    struct listing listing = {0};
    struct aws_call call = {.service = AWS_PRICING, .action = "GetProducts", .body = STR(" {\"ServiceCode\":\"E\"} ")};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{\"NextToken\":\"a\\\"b\"}");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{\"NextToken\":null}");
    list(world, &call, &listing);
    assert_true(str_is(fake_http_request(world->http, 1)->body, "{\"ServiceCode\":\"E\",\"NextToken\":\"a\\\"b\"}"));
    listing = (struct listing){0};
    call.body = STR("");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{\"NextToken\":\"x\"}");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "{}");
    list(world, &call, &listing);
    assert_true(str_is(fake_http_request(world->http, 3)->body, "{\"NextToken\":\"x\"}"));
}

static void pages_that_go_wrong(void **state)
{
    struct aws_world *world = *state;
    const struct aws_call call = {.service = AWS_EC2, .action = "DescribeSubnets"};
    struct listing listing = {0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>a</nextToken></R>");
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>a</nextToken></R>");
    list(world, &call, &listing);
    assert_int_equal(listing.answer.err.code, ERR_INVALID);
    listing = (struct listing){.fail_at = 1};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>a</nextToken></R>");
    list(world, &call, &listing);
    assert_string_equal(listing.answer.err.message, "page refused");
    listing = (struct listing){0};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R><nextToken>a</nextToken></R>");
    fake_http_answer(world->http, "POST", "aws.test", 403, NULL, FAILED("UnauthorizedOperation"));
    list(world, &call, &listing);
    assert_int_equal(listing.answer.err.code, ERR_AUTH);
    assert_int_equal(listing.answer.scope, AWS_SCOPE_PERMISSION);
    const struct aws_pages_handler handler = {.page = on_page, .done = on_listed, .context = &listing};
    assert_int_equal(aws_client_pages(world->client, &call, &handler, NULL), 0); /* dropped at close */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_AWS_WORLD(a_query_call),
        IN_AWS_WORLD(a_json_call),
        IN_AWS_WORLD(an_empty_json_answer),
        IN_AWS_WORLD(refused),
        IN_AWS_WORLD(a_dry_run),
        IN_AWS_WORLD(tried_again),
        IN_AWS_WORLD(given_up),
        IN_AWS_WORLD(throttled),
        IN_AWS_WORLD(launches_come_back_at_once),
        IN_AWS_WORLD(the_deadline),
        IN_AWS_WORLD(a_wrong_clock),
        IN_AWS_WORLD(expired_keys),
        IN_AWS_WORLD(no_keys),
        IN_AWS_WORLD(pages),
        IN_AWS_WORLD(pages_of_json),
        IN_AWS_WORLD(pages_that_go_wrong),
        IN_AWS_WORLD(closed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

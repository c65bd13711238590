/* test_aws_events.c - messages of the interruption queue: what they say, and those that say nothing to us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/date.h"
#include "cloud/aws/events.h"
#include "tests/support/aws_world.h"

#define EVENT(source, type, detail)                                                                                 \
    "{\"version\":\"0\",\"id\":\"1e5527d7-bb36-4607-3370-4164db56a40e\",\"detail-type\":\"" type                    \
    "\",\"source\":\"" source "\",\"account\":\"111122223333\",\"time\":\"2026-01-01T00:00:00Z\","                  \
    "\"region\":\"us-west-2\",\"resources\":[\"arn:aws:ec2:us-west-2:111122223333:instance/i-0b662ef9931388ba0\"]," \
    "\"detail\":" detail "}"
#define SPOT(id)                                               \
    EVENT("aws.ec2", "EC2 Spot Instance Interruption Warning", \
          "{\"instance-id\":\"" id "\",\"instance-action\":\"terminate\"}")
#define ID       "i-0b662ef9931388ba0"
#define START_NS (VIRTUAL_TIME_START_S * 1000000000)

static struct aws_event read_event(const char *text, struct arena *arena)
{
    struct aws_event event = {.why = "untouched"};
    assert_int_equal(aws_event_read(str_of(text), arena, &event, NULL), 0);
    if (event.class_ == AWS_EVENT_NOTICE)
        assert_true(event.n_instances > 0 && !event.why);
    else
        assert_non_null(event.why);
    return event;
}

static void notices(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cloud_notice_kind kind;
        enum cloud_instance_state state;
        int64_t deadline_s;
    } cases[] = {
        {SPOT(ID), CLOUD_NOTICE_SPOT_INTERRUPTION, 0, 120},
        {EVENT("aws.ec2", "EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"" ID "\"}"),
         CLOUD_NOTICE_REBALANCE, 0, 0},
        {EVENT("aws.ec2", "EC2 Instance State-change Notification",
               "{\"instance-id\":\"" ID "\",\"state\":\"shutting-down\"}"),
         CLOUD_NOTICE_STATE_CHANGE, CLOUD_TERMINATED, 0},
        {EVENT("aws.ec2", "EC2 Instance State-change Notification",
               "{\"instance-id\":\"" ID "\",\"state\":\"stopping\"}"),
         CLOUD_NOTICE_STATE_CHANGE, CLOUD_STOPPING, 0},
        {EVENT("aws.health", "AWS Health Event",
               "{\"service\":\"EC2\",\"eventTypeCategory\":\"scheduledChange\","
               "\"startTime\":\"Thu, 01 Jan 2026 06:00:00 GMT\",\"affectedEntities\":[{\"entityValue\":\"" ID "\"}]}"),
         CLOUD_NOTICE_MAINTENANCE, 0, 6 * 3600},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct aws_event event = read_event(cases[i].text, &arena);
        assert_int_equal(event.class_, AWS_EVENT_NOTICE);
        assert_int_equal(event.kind, cases[i].kind);
        assert_int_equal(event.n_instances, 1);
        assert_true(str_is(event.instance_ids[0], ID));
        assert_int_equal(event.state, cases[i].state);
        assert_true(event.sent.ns == START_NS);
        assert_true(event.deadline.ns == (cases[i].deadline_s ? START_NS + cases[i].deadline_s * 1000000000 : 0));
        arena_release(&arena);
    }
}

#define LIFECYCLE                                                                                  \
    "\"LifecycleActionToken\":\"tok\",\"AutoScalingGroupName\":\"g\",\"LifecycleHookName\":\"h\"," \
    "\"EC2InstanceId\":\"" ID "\",\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_TERMINATING\""

static void lifecycle_actions(void **state)
{
    (void)state;
    static const char *const texts[] = {
        EVENT("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", "{" LIFECYCLE "}"),
        "{\"Service\":\"AWS Auto Scaling\",\"Time\":\"2026-01-01T00:00:00.000Z\"," LIFECYCLE "}",
        "{\"Type\":\"Notification\",\"TopicArn\":\"arn:aws:sns:x\",\"Message\":\"{\\\"Time\\\":"
        "\\\"2026-01-01T00:00:00Z\\\",\\\"LifecycleActionToken\\\":\\\"tok\\\",\\\"AutoScalingGroupName\\\":\\\"g\\\","
        "\\\"LifecycleHookName\\\":\\\"h\\\",\\\"EC2InstanceId\\\":\\\"" ID "\\\",\\\"LifecycleTransition\\\":"
        "\\\"autoscaling:EC2_INSTANCE_TERMINATING\\\"}\"}",
    };
    for (size_t i = 0; i < CC_COUNT(texts); i++) {
        struct arena arena = ARENA_INIT;
        struct aws_event event = read_event(texts[i], &arena);
        assert_int_equal(event.class_, AWS_EVENT_NOTICE);
        assert_int_equal(event.kind, CLOUD_NOTICE_LIFECYCLE_TERMINATE);
        assert_true(event.sent.ns == START_NS);
        assert_true(str_is(event.lifecycle.group, "g") && str_is(event.lifecycle.hook, "h"));
        assert_true(str_is(event.lifecycle.token, "tok") && str_is(event.lifecycle.instance_id, ID));
        arena_release(&arena);
    }
}

static void maintenance_of_several(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct aws_event event =
        read_event(EVENT("aws.health", "AWS Health Event",
                         "{\"service\":\"EC2\",\"eventTypeCategory\":\"scheduledChange\",\"startTime\":\"soon\","
                         "\"affectedEntities\":[{\"entityValue\":\"i-11112222\"},{\"entityValue\":\"vol-1\"},{},7]}"),
                   &arena);
    assert_int_equal(event.n_instances, 2);
    assert_true(str_is(event.instance_ids[0], "i-11112222"));
    assert_true(str_is(event.instance_ids[1], ID)); /* of "resources" */
    assert_true(event.deadline.ns == 0);
    arena_release(&arena);
}

static void not_for_us(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum aws_event_class class_;
        const char *why;
    } cases[] = {
        {"", AWS_EVENT_MALFORMED, "malformed"},
        {"hello", AWS_EVENT_MALFORMED, "malformed"},
        {"[1]", AWS_EVENT_MALFORMED, "malformed"},
        {"{\"source\":\"aws.ec2\"", AWS_EVENT_MALFORMED, "malformed"},
        {"{}", AWS_EVENT_FOREIGN, "foreign"},
        {EVENT("aws.s3", "Object Created", "{}"), AWS_EVENT_FOREIGN, "foreign"},
        {EVENT("com.evil", "EC2 Spot Instance Interruption Warning", "{}"), AWS_EVENT_FOREIGN, "foreign"},
        {EVENT("aws.ec2", "EC2 Spot Instance Interruption Warning", "{}"), AWS_EVENT_MALFORMED, "malformed"},
        {SPOT("i-0b662ef9931388ba0&Action=X"), AWS_EVENT_MALFORMED, "malformed"},
        {SPOT("i-0B662EF9"), AWS_EVENT_MALFORMED, "malformed"},
        {EVENT("aws.ec2", "EC2 Instance State-change Notification",
               "{\"instance-id\":\"" ID "\",\"state\":\"running\"}"),
         AWS_EVENT_IGNORED, "state"},
        {EVENT("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":\"" ID "\",\"state\":\"odd\"}"),
         AWS_EVENT_MALFORMED, "malformed"},
        {EVENT("aws.health", "AWS Health Event", "{\"service\":\"S3\",\"eventTypeCategory\":\"scheduledChange\"}"),
         AWS_EVENT_IGNORED, "health"},
        {EVENT("aws.health", "AWS Health Event", "{\"service\":\"EC2\",\"eventTypeCategory\":\"issue\"}"),
         AWS_EVENT_IGNORED, "health"},
        {EVENT("aws.health", "AWS Health Event",
               "{\"service\":\"EC2\",\"eventTypeCategory\":\"scheduledChange\",\"statusCode\":\"closed\"}"),
         AWS_EVENT_IGNORED, "health"},
        {"{\"Event\":\"autoscaling:TEST_NOTIFICATION\",\"AutoScalingGroupName\":\"g\"}", AWS_EVENT_IGNORED, "test"},
        {"{\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_LAUNCHING\"}", AWS_EVENT_IGNORED, "lifecycle"},
        {"{\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_TERMINATING\"}", AWS_EVENT_MALFORMED, "malformed"},
        {"{\"Type\":\"Notification\",\"TopicArn\":\"t\",\"Message\":\"hello\"}", AWS_EVENT_MALFORMED, "malformed"},
        {"{\"Type\":\"Notification\",\"TopicArn\":\"t\",\"Message\":\"{}\"}", AWS_EVENT_FOREIGN, "foreign"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct aws_event event = read_event(cases[i].text, &arena);
        if (event.class_ != cases[i].class_ || strcmp(event.why, cases[i].why) != 0)
            fail_msg("%s: %d, %s", cases[i].text, (int)event.class_, event.why);
        arena_release(&arena);
    }
}

static void dates(void **state)
{
    (void)state;
    struct clock_wall wall = {7};
    assert_true(aws_date_read(STR("Tue, 15 Nov 1994 08:12:31 GMT"), &wall));
    assert_true(wall.ns == INT64_C(784887151) * 1000000000);
    static const char *const bad[] = {"",
                                      "Tue, 15 Nov 1994 08:12:31",
                                      "Tue, 15 Nov 1994 08:12:31 GMT+1",
                                      "15 Nov 1994",
                                      "Tue, 15 Nov 1900 08:12:31 GMT",
                                      "Tue, 15 Nov 9999 08:12:31 GMT"};
    for (size_t i = 0; i < CC_COUNT(bad); i++)
        assert_false(aws_date_read(str_of(bad[i]), &wall));
}

struct completed {
    int times, code;
};

static void on_completed(void *context, const struct err *err)
{
    struct completed *completed = context;
    completed->times++;
    completed->code = err ? err->code : 0;
}

static void lifecycle_completed(void **state)
{
    struct aws_world *world = *state;
    struct completed completed = {0};
    const struct aws_lifecycle lifecycle = {STR("g"), STR("h"), STR("t"), STR(ID)};
    fake_http_answer(world->http, "POST", "aws.test", 200, NULL, "<R/>");
    assert_int_equal(aws_lifecycle_complete(world->client, &lifecycle, on_completed, &completed, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(completed.times, 1);
    assert_true(str_is(fake_http_request(world->http, 0)->body,
                       "Action=CompleteLifecycleAction&Version=2011-01-01&AutoScalingGroupName=g&LifecycleHookName=h"
                       "&LifecycleActionToken=t&InstanceId=" ID "&LifecycleActionResult=CONTINUE"));
    fake_http_answer(world->http, "POST", "aws.test", 400, NULL,
                     "<ErrorResponse><Error><Code>ValidationError</Code><Message>No active Lifecycle Action found"
                     "</Message></Error></ErrorResponse>");
    assert_int_equal(aws_lifecycle_complete(world->client, &lifecycle, on_completed, &completed, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(completed.times, 2);
    assert_int_equal(completed.code, 0);
    fake_http_answer(world->http, "POST", "aws.test", 403, NULL,
                     "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
    assert_int_equal(aws_lifecycle_complete(world->client, &lifecycle, on_completed, &completed, NULL), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(completed.times, 3);
    assert_int_equal(completed.code, ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices),
        cmocka_unit_test(lifecycle_actions),
        cmocka_unit_test(maintenance_of_several),
        cmocka_unit_test(not_for_us),
        cmocka_unit_test(dates),
        IN_AWS_WORLD(lifecycle_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

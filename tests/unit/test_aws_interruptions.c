/* test_aws_interruptions.c - the queue of interruptions: what is told, and when a message leaves the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/interruptions.h"
#include "tests/support/aws_world.h"

struct world {
    struct aws_world base;
    struct interruptions *interruptions;
    char told[1024]; /* "i-00000001 i-02 " */
    char handles[8][128];
    size_t notices, dropped, answers;
    struct cloud_notice last;
    int code;
};

static void on_notice(void *context, const struct cloud_notice *notice)
{
    struct world *world = context;
    size_t used = strlen(world->told);
    snprintf(world->told + used, sizeof(world->told) - used, "%.*s ", STR_ARG(notice->instance_id));
    snprintf(world->handles[world->notices % 8], sizeof(world->handles[0]), "%.*s", STR_ARG(notice->handle));
    world->notices++;
    world->last = *notice;
}

static void on_dropped(void *context, const char *why)
{
    assert_non_null(why);
    ((struct world *)context)->dropped++;
}

static void on_done(void *context, const struct err *err)
{
    struct world *world = context;
    world->answers++;
    world->code = err ? err->code : 0;
}

static struct world *world_open(void)
{
    struct world *world = calloc(1, sizeof(*world));
    struct err err = {0};
    aws_world_open_actions(&world->base);
    aws_world_connect(&world->base, "us-east-1");
    if (interruptions_open(&world->base.loop, world->base.client, &world->base.chance, STR("q"), &world->interruptions,
                           &err))
        fail_msg("%s", err.message);
    return world;
}

static void listen(struct world *world)
{
    const struct cloud_sink sink = {.notice = on_notice, .message_dropped = on_dropped, .context = world};
    fake_aws_always(world->base.aws, "GetQueueUrl", 200, "{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/1/q\"}");
    interruptions_start(world->interruptions, &sink);
    virtual_time_run(&world->base.loop, 2000);
}

static void world_close(struct world *world)
{
    interruptions_close(world->interruptions);
    aws_world_close(&world->base);
    free(world);
}

static void acknowledge(struct world *world, size_t notice)
{
    size_t before = world->answers;
    assert_int_equal(
        interruptions_acknowledge(world->interruptions, str_of(world->handles[notice]), true, on_done, world, NULL), 0);
    assert_int_equal(world->answers, before); /* never from within the call */
    virtual_time_run(&world->base.loop, 1000);
    assert_int_equal(world->answers, before + 1);
}

#define MESSAGE(id, receipt, body) "{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"" receipt "\",\"Body\":\"" body "\"}"
#define MESSAGES(list)             "{\"Messages\":[" list "]}"
#define EVENT(type, detail)                                                         \
    "{\\\"version\\\":\\\"0\\\",\\\"id\\\":\\\"e\\\",\\\"detail-type\\\":\\\"" type \
    "\\\",\\\"source\\\":\\\"aws.ec2\\\",\\\"time\\\":\\\"2026-01-01T00:00:00Z\\\",\\\"detail\\\":{" detail "}}"
#define SPOT(instance)                              \
    EVENT("EC2 Spot Instance Interruption Warning", \
          "\\\"instance-id\\\":\\\"" instance "\\\",\\\"instance-action\\\":\\\"terminate\\\"")
#define DELETED(n) "{\"Successful\":[{\"Id\":\"" n "\"}],\"Failed\":[]}"

static void nobody_listens_before_the_start(void **state)
{
    (void)state;
    struct world *world = world_open();
    virtual_time_run(&world->base.loop, 60 * 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "GetQueueUrl"), 0);
    world_close(world);
}

static void a_notice_stays_until_it_is_acted_on(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "ReceiveMessage", 200, MESSAGES(MESSAGE("m1", "r1", SPOT("i-00000001"))));
    listen(world);
    assert_string_equal(world->told, "i-00000001 ");
    assert_int_equal(world->last.kind, CLOUD_NOTICE_SPOT_INTERRUPTION);
    assert_true(world->last.deadline.ns == (VIRTUAL_TIME_START_S + 120) * 1000000000);
    virtual_time_run(&world->base.loop, 60 * 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 0);
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200, DELETED("0"));
    acknowledge(world, 0);
    assert_int_equal(world->code, 0);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "DeleteMessageBatch", 0), "\"r1\""));
    /* Once more is done already. */
    acknowledge(world, 0);
    assert_int_equal(world->code, 0);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    world_close(world);
}

/* One message of two instances: it stays until both were acted on. */
static void of_several_all_count(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(
        world->base.aws, "ReceiveMessage", 200,
        MESSAGES(
            MESSAGE("m1", "r1",
                    "{\\\"source\\\":\\\"aws.health\\\",\\\"detail-type\\\":\\\"AWS Health Event\\\",\\\"time\\\":"
                    "\\\"2026-01-01T00:00:00Z\\\",\\\"detail\\\":{\\\"service\\\":\\\"EC2\\\","
                    "\\\"eventTypeCategory\\\":\\\"scheduledChange\\\",\\\"affectedEntities\\\":[{\\\"entityValue\\\":"
                    "\\\"i-00000001\\\"},{\\\"entityValue\\\":\\\"i-00000002\\\"}]}}")));
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200, DELETED("0"));
    listen(world);
    assert_string_equal(world->told, "i-00000001 i-00000002 ");
    acknowledge(world, 0);
    assert_int_equal(world->code, 0);
    virtual_time_run(&world->base.loop, 10 * 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 0);
    acknowledge(world, 1);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    world_close(world);
}

static void it_comes_again_with_another_receipt(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "ReceiveMessage", 200, MESSAGES(MESSAGE("m1", "r1", SPOT("i-00000001"))));
    fake_aws_once(world->base.aws, "ReceiveMessage", 200, MESSAGES(MESSAGE("m1", "r2", SPOT("i-00000001"))));
    listen(world);
    assert_string_equal(world->told, "i-00000001 i-00000001 ");
    assert_string_equal(world->handles[0], world->handles[1]);
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 500, "");
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 500, "");
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 500, "");
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 500, "");
    assert_int_equal(
        interruptions_acknowledge(world->interruptions, str_of(world->handles[0]), true, on_done, world, NULL), 0);
    virtual_time_run(&world->base.loop, 100 * 1000);
    assert_int_equal(world->answers, 1);
    assert_int_equal(world->code, ERR_RETRY);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "DeleteMessageBatch", 0), "\"r2\""));
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200, DELETED("0"));
    acknowledge(world, 0);
    assert_int_equal(world->code, 0);
    world_close(world);
}

static void what_is_not_ours_goes(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "ReceiveMessage", 200,
                  MESSAGES(MESSAGE("m1", "r1", "junk") "," MESSAGE("m2", "r2", "{\\\"a\\\":1}") "," MESSAGE(
                      "m3", "r3", SPOT("i-00000003"))));
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200,
                  "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}],\"Failed\":[]}");
    listen(world);
    assert_int_equal(world->dropped, 2);
    assert_string_equal(world->told, "i-00000003 ");
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    assert_null(strstr(fake_aws_body(world->base.aws, "DeleteMessageBatch", 0), "\"r3\""));
    world_close(world);
}

#define LIFECYCLE_MESSAGE                                                                                             \
    MESSAGES(                                                                                                         \
        MESSAGE("m1", "r1",                                                                                           \
                "{\\\"version\\\":\\\"0\\\",\\\"id\\\":\\\"e\\\",\\\"detail-type\\\":"                                \
                "\\\"EC2 Instance-terminate Lifecycle Action\\\",\\\"source\\\":\\\"aws.autoscaling\\\","             \
                "\\\"time\\\":\\\"2026-01-01T00:00:00Z\\\",\\\"detail\\\":{\\\"EC2InstanceId\\\":\\\"i-00000001\\\"," \
                "\\\"LifecycleTransition\\\":\\\"autoscaling:EC2_INSTANCE_TERMINATING\\\","                           \
                "\\\"AutoScalingGroupName\\\":\\\"g\\\",\\\"LifecycleHookName\\\":\\\"h\\\","                         \
                "\\\"LifecycleActionToken\\\":\\\"t\\\"}}"))

static void a_scaling_group_is_let_go_first(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "ReceiveMessage", 200, LIFECYCLE_MESSAGE);
    listen(world);
    assert_string_equal(world->told, "i-00000001 ");
    assert_int_equal(world->last.kind, CLOUD_NOTICE_LIFECYCLE_TERMINATE);
    fake_aws_once(world->base.aws, "CompleteLifecycleAction", 403,
                  "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
    acknowledge(world, 0);
    assert_int_equal(world->code, ERR_AUTH);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 0);
    fake_aws_once(world->base.aws, "CompleteLifecycleAction", 200, "<CompleteLifecycleActionResponse/>");
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200, DELETED("0"));
    acknowledge(world, 0);
    assert_int_equal(world->code, 0);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    world_close(world);
}

/* Somebody else's machine: its group waits for whom it waits. */
static void a_foreign_scaling_group_waits_on(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "ReceiveMessage", 200, LIFECYCLE_MESSAGE);
    listen(world);
    fake_aws_once(world->base.aws, "DeleteMessageBatch", 200, DELETED("0"));
    assert_int_equal(
        interruptions_acknowledge(world->interruptions, str_of(world->handles[0]), false, on_done, world, NULL), 0);
    virtual_time_run(&world->base.loop, 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "CompleteLifecycleAction"), 0);
    assert_int_equal(fake_aws_count(world->base.aws, "DeleteMessageBatch"), 1);
    world_close(world);
}

static void the_queue_is_not_there_yet(void **state)
{
    (void)state;
    struct world *world = world_open();
    for (int i = 0; i < 3; i++)
        fake_aws_once(world->base.aws, "GetQueueUrl", 400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}");
    listen(world);
    virtual_time_run(&world->base.loop, 30 * 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "GetQueueUrl"), 4);
    assert_int_equal(fake_aws_count(world->base.aws, "ReceiveMessage"), 1); /* a long poll that waits */
    world_close(world);
}

static void an_empty_answer_at_once_is_not_asked_for_at_once(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_always(world->base.aws, "ReceiveMessage", 200, "{}");
    listen(world);
    virtual_time_run(&world->base.loop, 8000);
    size_t n = fake_aws_count(world->base.aws, "ReceiveMessage");
    assert_true(n >= 15 && n <= 21);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens_before_the_start),
        cmocka_unit_test(a_notice_stays_until_it_is_acted_on),
        cmocka_unit_test(of_several_all_count),
        cmocka_unit_test(it_comes_again_with_another_receipt),
        cmocka_unit_test(what_is_not_ours_goes),
        cmocka_unit_test(a_scaling_group_is_let_go_first),
        cmocka_unit_test(a_foreign_scaling_group_waits_on),
        cmocka_unit_test(the_queue_is_not_there_yet),
        cmocka_unit_test(an_empty_answer_at_once_is_not_asked_for_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_aws_pace.c - token buckets: a burst at once, the rest at the rate, urgent ones first, drained by throttling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/pace.h"
#include "tests/support/virtual_time.h"

struct rig {
    struct virtual_time time;
    struct loop loop;
    struct aws_pace pace;
    int granted;     /* tickets so far */
    int order[8];    /* which */
    int64_t last_ns; /* when the last one was */
};

struct caller {
    struct rig *rig;
    struct aws_pace_ticket ticket;
    int number;
};

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){0};
    virtual_time_init(&rig->time);
    loop_init(&rig->loop, &rig->time.clock, virtual_time_waiter(&rig->time));
    aws_pace_init(&rig->pace, &rig->loop);
}

static void rig_close(struct rig *rig)
{
    aws_pace_release(&rig->pace);
    loop_release(&rig->loop);
}

static void on_granted(void *context)
{
    struct caller *caller = context;
    caller->rig->order[caller->rig->granted++] = caller->number;
    caller->rig->last_ns = caller->rig->time.mono_ns;
}

static struct caller caller_of(struct rig *rig, int number, bool urgent)
{
    return (struct caller){.rig = rig, .ticket = {.granted = on_granted, .urgent = urgent}, .number = number};
}

/* Takes until one has to wait; returns how many did not. The ticket of the last one waits. */
static int burst(struct rig *rig, enum aws_pace_class class_, struct caller *last)
{
    bool taken = true;
    int n = -1;
    last->ticket.context = last;
    while (taken) {
        assert_int_equal(aws_pace_take(&rig->pace, class_, &last->ticket, &taken, NULL), 0);
        n++;
        assert_true(n < 1000);
    }
    return n;
}

static void a_burst_and_then_the_rate(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct caller first = caller_of(&rig, 1, false), second = caller_of(&rig, 2, false);
    int64_t start_ns = rig.time.mono_ns;
    assert_int_equal(burst(&rig, AWS_PACE_DESCRIBE, &first), 50);
    bool taken = true;
    second.ticket.context = &second;
    assert_int_equal(aws_pace_take(&rig.pace, AWS_PACE_DESCRIBE, &second.ticket, &taken, NULL), 0);
    assert_false(taken);
    assert_int_equal(rig.granted, 0);
    virtual_time_run(&rig.loop, 150);
    assert_int_equal(rig.granted, 1);
    assert_int_equal(rig.last_ns - start_ns, 100000000); /* ten a second */
    virtual_time_run(&rig.loop, 100);
    assert_int_equal(rig.granted, 2);
    assert_int_equal(rig.last_ns - start_ns, 200000000);
    /* A quiet minute fills the bucket, and not more than that. */
    virtual_time_run(&rig.loop, 60 * 1000);
    assert_int_equal(burst(&rig, AWS_PACE_DESCRIBE, &first), 50);
    rig_close(&rig);
}

static void urgent_ones_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct caller callers[] = {caller_of(&rig, 0, false), caller_of(&rig, 1, false), caller_of(&rig, 2, true),
                               caller_of(&rig, 3, true), caller_of(&rig, 4, false)};
    bool taken = true;
    burst(&rig, AWS_PACE_CHANGE, &callers[0]);
    for (size_t i = 1; i < CC_COUNT(callers); i++) {
        callers[i].ticket.context = &callers[i];
        assert_int_equal(aws_pace_take(&rig.pace, AWS_PACE_CHANGE, &callers[i].ticket, &taken, NULL), 0);
        assert_false(taken);
    }
    aws_pace_cancel(&rig.pace, AWS_PACE_CHANGE, &callers[1].ticket);
    virtual_time_run(&rig.loop, 10 * 1000);
    static const int want[] = {2, 3, 0, 4};
    assert_int_equal(rig.granted, CC_COUNT(want));
    for (size_t i = 0; i < CC_COUNT(want); i++)
        assert_int_equal(rig.order[i], want[i]);
    rig_close(&rig);
}

static void drained(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct caller one = caller_of(&rig, 1, false), other = caller_of(&rig, 2, false);
    aws_pace_drain(&rig.pace, AWS_PACE_CREATE_FLEET);
    assert_int_equal(burst(&rig, AWS_PACE_CREATE_FLEET, &one), 0);
    assert_true(burst(&rig, AWS_PACE_TERMINATE, &other) > 0); /* another bucket */
    virtual_time_run(&rig.loop, 1000);
    assert_int_equal(rig.granted, 2);
    rig_close(&rig);
}

static void classes(void **state)
{
    (void)state;
    assert_int_equal(aws_pace_class(AWS_EC2, "DescribeInstances"), AWS_PACE_DESCRIBE);
    assert_int_equal(aws_pace_class(AWS_EC2, "CreateFleet"), AWS_PACE_CREATE_FLEET);
    assert_int_equal(aws_pace_class(AWS_EC2, "TerminateInstances"), AWS_PACE_TERMINATE);
    assert_int_equal(aws_pace_class(AWS_EC2, "CreateLaunchTemplate"), AWS_PACE_CHANGE);
    assert_int_equal(aws_pace_class(AWS_SQS, "ReceiveMessage"), AWS_PACE_QUEUE);
    assert_int_equal(aws_pace_class(AWS_STS, "DescribeX"), AWS_PACE_OTHER);
    assert_int_equal(aws_pace_class(AWS_SSM, "GetParameter"), AWS_PACE_SSM);
    assert_int_equal(aws_pace_class(AWS_PRICING, "GetProducts"), AWS_PACE_PRICING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_the_rate),
        cmocka_unit_test(urgent_ones_first),
        cmocka_unit_test(drained),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

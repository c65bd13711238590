/*
 * test_provider_allocation.c - memory runs out once, at the first allocation, the second, … of a launch's whole life
 * with EC2: every call either says so at once or answers exactly once, and nothing leaks (the sanitizers look).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/provider.h"
#include "tests/fault/nth.h"
#include "tests/support/aws_world.h"

#define ID "1693a453-eed9-463c-80cb-1f072c09a711"

struct world {
    struct aws_world base;
    struct aws_provider *provider;
    struct cloud_provider cloud;
    int answers, code;
    char request[8192];
};

/* The network is not ours: what it needs is always there. */
static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct world *world = context;
    nth_pause(true);
    int rc = world->base.network.send(world->base.network.context, request, handler, ret, err);
    nth_pause(false);
    return rc;
}

static void cancel(void *context, struct http_call *call)
{
    struct world *world = context;
    world->base.network.cancel(world->base.network.context, call);
}

static void script(struct fake_aws *aws)
{
    fake_aws_always(aws, "DescribeSubnets", 200,
                    "<r><subnetSet><item><subnetId>subnet-a</subnetId><availabilityZone>us-east-1a</availabilityZone>"
                    "<availableIpAddressCount>100</availableIpAddressCount></item></subnetSet></r>");
    fake_aws_always(aws, "DescribeSecurityGroups", 200,
                    "<r><securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo></r>");
    fake_aws_always(aws, "GetParameter", 200, "{\"Parameter\":{\"Value\":\"ami-1\"}}");
    fake_aws_always(aws, "CreateLaunchTemplate", 200, "<r/>");
    fake_aws_always(aws, "DescribeLaunchTemplates", 200,
                    "<r><launchTemplates><item><launchTemplateName>stoker/old</launchTemplateName></item>"
                    "</launchTemplates></r>");
    fake_aws_always(aws, "CreateFleet", 200,
                    "<CreateFleetResponse><fleetInstanceSet><item><instanceIds><item>i-01</item></instanceIds>"
                    "</item></fleetInstanceSet></CreateFleetResponse>");
    fake_aws_always(aws, "DescribeInstances", 200,
                    "<r><reservationSet><item><instancesSet><item><instanceId>i-01</instanceId><instanceState>"
                    "<name>running</name></instanceState></item></instancesSet></item></reservationSet></r>");
    fake_aws_once(aws, "TerminateInstances", 400,
                  "<Response><Errors><Error><Code>OperationNotPermitted</Code></Error></Errors></Response>");
    fake_aws_once(aws, "TerminateInstances", 400,
                  "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>'i-02'</Message></Error>"
                  "</Errors></Response>");
    fake_aws_always(aws, "TerminateInstances", 200, "<r/>");
}

static void note(struct world *world, const struct err *err)
{
    world->answers++;
    world->code = err ? err->code : 0;
}

static void on_prepared(void *context, const struct cloud_prepared *prepared)
{
    struct world *world = context;
    note(world, prepared->err);
    if (!prepared->err)
        snprintf(world->request, sizeof(world->request), "%.*s", STR_ARG(prepared->request));
}

static void on_launched(void *context, const struct cloud_launched *launched)
{
    note(context, launched->err);
    /* Machines may be running: lack of memory is never a definite answer. */
    if (launched->err)
        assert_int_equal(launched->err->code, ERR_RETRY);
    else
        assert_int_equal(launched->n_instances, 1);
}

static void on_listed(void *context, const struct cloud_listed *listed)
{
    note(context, listed->err);
    if (!listed->err)
        assert_int_equal(listed->n, 1);
}

static void on_terminated(void *context, const struct cloud_terminated *terminated)
{
    note(context, terminated->err);
}

/* The call was taken: one answer comes. True: a good one. */
static bool answered(struct world *world, int rc)
{
    if (rc) {
        assert_int_equal(rc, ERR_NOMEM);
        assert_int_equal(world->answers, 0);
        return false;
    }
    virtual_time_run(&world->base.loop, 600 * 1000);
    assert_int_equal(world->answers, 1);
    world->answers = 0;
    return world->code == 0;
}

static bool use(struct world *world)
{
    const struct cloud_label selector = {STR("k8s"), STR("c1")};
    const struct cloud_pool pool = {STR("m5.large"), STR("us-east-1a"), 1};
    const struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    const struct cloud_bootstrap bootstrap = {.kubelet = &kubelet, .kubelet_json = STR("")};
    const struct cloud_template template_ = {.name = STR("t"),
                                             .family = STR("AL2"),
                                             .user_data = STR("#!/bin/sh\n"),
                                             .subnets = &selector,
                                             .n_subnets = 1,
                                             .security_groups = &selector,
                                             .n_security_groups = 1,
                                             .http_hop_limit = -1,
                                             .disk = CLOUD_DISK_INIT};
    const struct cloud_launch_plan plan = {.template_ = &template_,
                                           .bootstrap = &bootstrap,
                                           .provisioner = STR("p"),
                                           .pools = &pool,
                                           .n_pools = 1,
                                           .count = 1};
    const struct str ids[] = {STR("i-01"), STR("i-02")};
    struct cloud_provider *cloud = &world->cloud;
    bool good = answered(world, cloud->prepare(cloud->context, &plan, on_prepared, world, NULL));
    if (world->request[0])
        good &=
            answered(world, cloud->launch(cloud->context, STR(ID), str_of(world->request), on_launched, world, NULL));
    good &= answered(world, cloud->list(cloud->context, STR(""), on_listed, world, NULL));
    good &= answered(world, cloud->terminate(cloud->context, ids, 2, on_terminated, world, NULL));
    return good;
}

/* One life, with the n-th allocation failing. True: it was never reached. */
static bool live(int64_t n)
{
    struct world world = {0};
    aws_world_open_actions(&world.base);
    script(world.base.aws);
    const struct aws_provider_options options = {.loop = &world.base.loop,
                                                 .http = {send, cancel, &world},
                                                 .chance = &world.base.chance,
                                                 .environment = &world.base.environment,
                                                 .region = STR("us-east-1"),
                                                 .cluster = {.name = STR("c1"), .endpoint = STR("https://api")},
                                                 .kubernetes_version = STR("1.30"),
                                                 .instance_profile = STR("nodes")};
    bool good = true;
    nth_begin(n);
    int rc = aws_provider_open(&options, &world.provider, NULL);
    if (rc == 0) {
        world.cloud = aws_provider_provider(world.provider);
        good = use(&world);
    }
    bool reached = nth_end();
    assert_true(rc == 0 || rc == ERR_NOMEM);
    if (!reached)
        assert_true(rc == 0 && good);
    if (rc == 0)
        aws_provider_close(world.provider);
    aws_world_close(&world.base);
    return !reached;
}

static void any_allocation_fails(void **state)
{
    (void)state;
    int64_t n = 0;
    assert_true(live(-1));
    while (!live(n))
        n++;
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

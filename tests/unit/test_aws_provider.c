/* test_aws_provider.c - the provider against AWS in memory: launches, repeats, failures, look-ups, terminations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/discovery.h"
#include "cloud/aws/fleet.h"
#include "cloud/aws/images.h"
#include "cloud/aws/provider_internal.h"
#include "tests/support/aws_world.h"

#define ID "1693a453-eed9-463c-80cb-1f072c09a711"

struct world {
    struct aws_world base;
    struct aws_provider *provider;
    struct cloud_provider cloud;
    struct cloud_template template_;
    struct cloud_bootstrap bootstrap;
    struct cloud_kubelet kubelet;
    struct cloud_launch_plan plan;
    /* What was told. */
    int answers, code;
    char message[1024], reason[64], note[256], request[8192];
    size_t n_instances, n_failures, n_ids;
    struct cloud_instance first;
    char zone[32], ids[4096];
    bool whole_bucket;
};

static const struct cloud_label selector = {STR_INIT("k8s"), STR_INIT("c1")};
static const struct cloud_pool pools[] = {
    {STR_INIT("m5.large"), STR_INIT("us-east-1a"), 1},
    {STR_INIT("m6g.large"), STR_INIT("us-east-1b"), 1},
    {STR_INIT("m5.large"), STR_INIT("us-east-1b"), 1},
    {STR_INIT("m5.large"), STR_INIT("us-east-1c"), 1}, /* without a subnet */
};

static const char subnets_xml[] =
    "<DescribeSubnetsResponse><subnetSet>"
    "<item><subnetId>subnet-a1</subnetId><availabilityZone>us-east-1a</availabilityZone>"
    "<availableIpAddressCount>100</availableIpAddressCount></item>"
    "<item><subnetId>subnet-a2</subnetId><availabilityZone>us-east-1a</availabilityZone>"
    "<availableIpAddressCount>102</availableIpAddressCount></item>"
    "<item><subnetId>subnet-b1</subnetId><availabilityZone>us-east-1b</availabilityZone>"
    "<availableIpAddressCount>5</availableIpAddressCount></item></subnetSet></DescribeSubnetsResponse>";
static const char groups_xml[] =
    "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId></item>"
    "</securityGroupInfo></DescribeSecurityGroupsResponse>";
static const char images_xml[] = "<DescribeImagesResponse><imagesSet><item><imageId>ami-7</imageId>"
                                 "<architecture>x86_64</architecture></item></imagesSet></DescribeImagesResponse>";
static const char fleet_xml[] =
    "<CreateFleetResponse><fleetInstanceSet><item><launchTemplateAndOverrides><overrides>"
    "<instanceType>m5.large</instanceType><subnetId>subnet-a2</subnetId></overrides></launchTemplateAndOverrides>"
    "<instanceIds><item>i-02</item><item>i-01</item></instanceIds><instanceType>m5.large</instanceType></item>"
    "</fleetInstanceSet></CreateFleetResponse>";
#define EC2_ERROR(code, message) \
    "<Response><Errors><Error><Code>" code "</Code><Message>" message "</Message></Error></Errors></Response>"

static void open_provider(struct world *world, const char *endpoint, const char *instance_profile)
{
    struct aws_provider_options options = {
        .loop = &world->base.loop,
        .http = world->base.network,
        .chance = &world->base.chance,
        .environment = &world->base.environment,
        .region = STR("us-east-1"),
        .cluster = {STR("c1"), str_of(endpoint), STR("Q0E="), STR("10.100.0.0/16"), STR("")},
        .kubernetes_version = STR("v1.34.4-eks-1"),
        .instance_profile = str_of(instance_profile),
    };
    struct err err = {0};
    if (aws_provider_open(&options, &world->provider, &err))
        fail_msg("%s", err.message);
    world->cloud = aws_provider_provider(world->provider);
}

static struct world *world_open(void)
{
    struct world *world = calloc(1, sizeof(*world));
    aws_world_open_actions(&world->base);
    world->template_ = (struct cloud_template){.name = STR("default"),
                                               .family = STR("AL2023"),
                                               .launch_template = STR(""),
                                               .instance_profile = STR(""),
                                               .user_data = STR(""),
                                               .subnets = &selector,
                                               .n_subnets = 1,
                                               .security_groups = &selector,
                                               .n_security_groups = 1,
                                               .http_hop_limit = -1,
                                               .disk = CLOUD_DISK_INIT};
    world->kubelet = CLOUD_KUBELET_INIT;
    world->bootstrap = (struct cloud_bootstrap){.kubelet = &world->kubelet, .kubelet_json = STR("")};
    world->plan = (struct cloud_launch_plan){.template_ = &world->template_,
                                             .bootstrap = &world->bootstrap,
                                             .provisioner = STR("spark"),
                                             .capacity_type = CLOUD_SPOT,
                                             .strategy = STR(""),
                                             .pools = pools,
                                             .n_pools = 4,
                                             .count = 2};
    fake_aws_always(world->base.aws, "DescribeSubnets", 200, subnets_xml);
    fake_aws_always(world->base.aws, "DescribeSecurityGroups", 200, groups_xml);
    fake_aws_always(world->base.aws, "GetParameter", 200, "{\"Parameter\":{\"Value\":\"ami-1\"}}");
    fake_aws_always(world->base.aws, "CreateLaunchTemplate", 200, "<CreateLaunchTemplateResponse/>");
    fake_aws_always(world->base.aws, "DescribeLaunchTemplates", 200, "<DescribeLaunchTemplatesResponse/>");
    open_provider(world, "https://api", "nodes");
    return world;
}

static void world_close(struct world *world)
{
    aws_provider_close(world->provider);
    aws_world_close(&world->base);
    free(world);
}

static void keep(char *into, size_t size, struct str text)
{
    snprintf(into, size, "%.*s", STR_ARG(text));
}

static void keep_failure(struct world *world, const struct cloud_failure *failure)
{
    keep(world->reason, sizeof(world->reason), failure->reason);
    keep(world->zone, sizeof(world->zone), failure->zone);
    world->whole_bucket = failure->whole_bucket;
}

static void keep_err(struct world *world, const struct err *err)
{
    world->answers++;
    world->code = err ? err->code : 0;
    snprintf(world->message, sizeof(world->message), "%s", err ? err->message : "");
}

static void on_prepared(void *context, const struct cloud_prepared *prepared)
{
    struct world *world = context;
    keep_err(world, prepared->err);
    snprintf(world->note, sizeof(world->note), "%s", prepared->note ? prepared->note : "");
    if (prepared->err)
        keep_failure(world, &prepared->failure);
    else
        keep(world->request, sizeof(world->request), prepared->request);
}

static void on_launched(void *context, const struct cloud_launched *launched)
{
    struct world *world = context;
    keep_err(world, launched->err);
    world->n_instances = launched->n_instances;
    world->n_failures = launched->n_failures;
    if (launched->n_instances) {
        world->first = launched->instances[0];
        keep(world->ids, sizeof(world->ids), launched->instances[0].id);
        keep(world->zone, sizeof(world->zone), launched->instances[0].zone);
    }
    if (launched->n_failures)
        keep_failure(world, &launched->failures[0]);
}

static bool answered(void *context)
{
    return ((struct world *)context)->answers > 0;
}

static void wait_for_answer(struct world *world)
{
    assert_int_equal(world->answers, 0); /* never from within the call */
    assert_true(virtual_time_until(&world->base.loop, 600 * 1000, answered, world));
    assert_int_equal(world->answers, 1);
    world->answers = 0;
}

static void prepare(struct world *world)
{
    struct err err = {0};
    if (world->cloud.prepare(world->cloud.context, &world->plan, on_prepared, world, &err))
        fail_msg("%s", err.message);
    wait_for_answer(world);
}

static void launch(struct world *world)
{
    struct err err = {0};
    if (world->cloud.launch(world->cloud.context, STR(ID), str_of(world->request), on_launched, world, &err))
        fail_msg("%s", err.message);
    wait_for_answer(world);
}

static void what_is_asked_for(void **state)
{
    (void)state;
    struct world *world = world_open();
    struct arena arena = ARENA_INIT;
    struct fleet_request request;
    prepare(world);
    assert_string_equal(world->message, "");
    assert_int_equal(fleet_request_read(str_of(world->request), &arena, &request, NULL), 0);
    assert_int_equal(request.count, 2);
    assert_true(str_is(request.strategy, "capacity-optimized-prioritized"));
    assert_int_equal(request.n_subnets, 2); /* the one with more room in a; none in c */
    assert_true(str_is(request.subnets[0].id, "subnet-a2"));
    assert_true(str_is(request.subnets[1].id, "subnet-b1"));
    assert_int_equal(request.n_configs, 2); /* amd64, arm64 */
    assert_int_equal(request.configs[0].n_overrides, 2);
    assert_int_equal(request.configs[0].overrides[1].priority, 2);
    assert_int_equal(request.configs[1].n_overrides, 1);
    assert_true(str_is(request.configs[1].overrides[0].instance_type, "m6g.large"));
    assert_int_equal(fake_aws_count(world->base.aws, "GetParameter"), 2);
    assert_string_equal(fake_aws_body(world->base.aws, "GetParameter", 0),
                        "{\"Name\":\"/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/"
                        "image_id\"}");
    assert_non_null(strstr(fake_aws_body(world->base.aws, "CreateLaunchTemplate", 0), "IamInstanceProfile.Name=nodes"));
    /* All is known now: nothing more is asked for a minute, and the same comes out but for the fuller subnet. */
    prepare(world);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeSubnets"), 1);
    assert_non_null(strstr(world->request, "subnet-a1"));
    virtual_time_run(&world->base.loop, AWS_DISCOVERY_FRESH_MS + 1000);
    prepare(world);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeSubnets"), 2);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 1); /* both images are ami-1 here */
    arena_release(&arena);
    world_close(world);
}

/* Known once looked up, and not forgotten while the next look-up is under way. */
static void where_there_are_subnets(void **state)
{
    (void)state;
    struct world *world = world_open();
    struct arena arena = ARENA_INIT;
    struct str *zones;
    size_t n;
    assert_false(world->cloud.zones(world->cloud.context, &world->template_, &arena, &zones, &n));
    virtual_time_run(&world->base.loop, 1000);
    for (int i = 0; i < 2; i++) {
        assert_true(world->cloud.zones(world->cloud.context, &world->template_, &arena, &zones, &n));
        assert_int_equal(n, 2);
        assert_true(str_is(zones[0], "us-east-1a") && str_is(zones[1], "us-east-1b"));
        virtual_time_run(&world->base.loop, AWS_DISCOVERY_FRESH_MS + 1000);
    }
    arena_release(&arena);
    world_close(world);
}

/* Templates that come and go leave nothing behind that grows. */
static void selectors_without_end(void **state)
{
    (void)state;
    struct world *world = world_open();
    struct arena arena = ARENA_INIT;
    struct str *zones;
    size_t n;
    for (int i = 0; i < AWS_DISCOVERY_MAX + 10; i++) {
        struct cloud_label one = {STR("k"), str_of(arena_printf(&arena, "%d", i))};
        world->template_.subnets = &one;
        assert_false(world->cloud.zones(world->cloud.context, &world->template_, &arena, &zones, &n));
        virtual_time_run(&world->base.loop, 200);
        assert_true(world->cloud.zones(world->cloud.context, &world->template_, &arena, &zones, &n));
    }
    assert_int_equal(world->provider->zones.len, AWS_DISCOVERY_MAX);
    arena_release(&arena);
    world_close(world);
}

static void machines_come(void **state)
{
    (void)state;
    struct world *world = world_open();
    prepare(world);
    fake_aws_always(world->base.aws, "CreateFleet", 200, fleet_xml);
    launch(world);
    assert_int_equal(world->code, 0);
    assert_int_equal(world->n_instances, 2);
    assert_string_equal(world->ids, "i-01");
    assert_string_equal(world->zone, "us-east-1a");
    assert_true(world->first.price_microusd > 0);
    assert_int_equal(world->first.capacity_type, CLOUD_SPOT);
    launch(world);
    assert_string_equal(fake_aws_body(world->base.aws, "CreateFleet", 0),
                        fake_aws_body(world->base.aws, "CreateFleet", 1));
    assert_non_null(strstr(fake_aws_body(world->base.aws, "CreateFleet", 0), "ClientToken=" ID));
    world_close(world);
}

static void a_lost_answer_is_the_callers(void **state)
{
    (void)state;
    struct world *world = world_open();
    prepare(world);
    fake_aws_once(world->base.aws, "CreateFleet", 0, "");
    launch(world);
    assert_int_equal(world->code, ERR_RETRY);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateFleet"), 1);
    fake_aws_once(world->base.aws, "CreateFleet", 200, "<CreateFleetResponse><fleetInstanceSet>");
    launch(world);
    assert_int_not_equal(world->code, 0);
    fake_aws_once(world->base.aws, "CreateFleet", 200, "<SomethingElse/>");
    launch(world);
    assert_int_equal(world->code, ERR_RETRY); /* machines may have started */
    fake_aws_once(world->base.aws, "CreateFleet", 503, EC2_ERROR("RequestLimitExceeded", "slow"));
    launch(world);
    assert_int_equal(world->code, ERR_THROTTLED);
    fake_aws_once(world->base.aws, "CreateFleet", 400, EC2_ERROR("MaxSpotInstanceCountExceeded", "quota"));
    launch(world);
    assert_int_equal(world->code, ERR_NO_CAPACITY);
    assert_int_equal(world->n_failures, 1);
    assert_true(world->whole_bucket);
    assert_string_equal(world->reason, "MaxSpotInstanceCountExceeded");
    fake_aws_once(world->base.aws, "CreateFleet", 400, EC2_ERROR("IdempotentParameterMismatch", "other"));
    launch(world);
    assert_int_equal(world->code, ERR_CONFLICT);
    world_close(world);
}

static void a_template_that_is_gone_is_made_again_once(void **state)
{
    (void)state;
    struct world *world = world_open();
    static const char gone[] = EC2_ERROR("InvalidLaunchTemplateName.NotFoundException", "gone");
    prepare(world);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 1);
    fake_aws_once(world->base.aws, "CreateFleet", 400, gone);
    fake_aws_once(world->base.aws, "CreateFleet", 200, fleet_xml);
    launch(world);
    assert_int_equal(world->code, 0);
    assert_int_equal(world->n_instances, 2);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 2);
    assert_string_equal(fake_aws_body(world->base.aws, "CreateLaunchTemplate", 0),
                        fake_aws_body(world->base.aws, "CreateLaunchTemplate", 1));
    fake_aws_once(world->base.aws, "CreateFleet", 400, gone);
    fake_aws_once(world->base.aws, "CreateFleet", 400, gone);
    launch(world);
    assert_int_equal(world->code, ERR_NOT_FOUND);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateFleet"), 4);
    /* Another process does not know what was in it. */
    aws_provider_close(world->provider);
    open_provider(world, "https://api", "nodes");
    fake_aws_once(world->base.aws, "CreateFleet", 400, gone);
    launch(world);
    assert_int_equal(world->code, ERR_NOT_FOUND);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateFleet"), 5);
    world_close(world);
}

static void a_template_that_exists_is_used(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "CreateLaunchTemplate", 400,
                  EC2_ERROR("InvalidLaunchTemplateName.AlreadyExistsException", "there"));
    prepare(world);
    assert_int_equal(world->code, 0);
    world_close(world);
}

static void refused_with_words(void **state)
{
    (void)state;
    struct world *world = world_open();
    const struct cloud_label reserved = {STR("stoker.sh/cluster"), STR("other")};
    world->template_.tags = &reserved;
    world->template_.n_tags = 1;
    prepare(world);
    assert_int_equal(world->code, ERR_INVALID);
    assert_non_null(strstr(world->message, "template default: tag stoker.sh/cluster is reserved"));
    world->template_.n_tags = 0;
    world->plan.strategy = STR("cheapest");
    prepare(world);
    assert_int_equal(world->code, ERR_INVALID);
    world->plan.strategy = STR("");
    fake_aws_once(world->base.aws, "CreateLaunchTemplate", 403, EC2_ERROR("UnauthorizedOperation", "not you"));
    prepare(world);
    assert_int_equal(world->code, ERR_AUTH);
    assert_string_equal(world->reason, "UnauthorizedOperation");
    world->plan.pools = &pools[3];
    world->plan.n_pools = 1;
    prepare(world);
    assert_int_equal(world->code, ERR_NO_CAPACITY);
    assert_string_equal(world->zone, "us-east-1c");
    world_close(world);
}

static void no_image_for_that_kubernetes(void **state)
{
    (void)state;
    struct world *world = world_open();
    world->template_.family = STR("AL2");
    world->template_.user_data = STR("#!/bin/sh\n");
    fake_aws_once(world->base.aws, "GetParameter", 400, "{\"__type\":\"ParameterNotFound\"}");
    fake_aws_once(world->base.aws, "GetParameter", 400, "{\"__type\":\"ParameterNotFound\"}");
    prepare(world);
    assert_string_equal(world->note, "");
    assert_int_equal(world->code, ERR_INVALID);
    assert_non_null(strstr(world->message, "there is no AL2 image for Kubernetes 1.34"));
    assert_non_null(strstr(world->message, "use amiFamily AL2023"));
    /* Without one for arm64 alone, the others go ahead. */
    world->template_.family = STR("AL2023");
    world->template_.user_data = STR("");
    fake_aws_once(world->base.aws, "GetParameter", 200, "{\"Parameter\":{\"Value\":\"ami-1\"}}");
    fake_aws_once(world->base.aws, "GetParameter", 400, "{\"__type\":\"ParameterNotFound\"}");
    prepare(world);
    assert_int_equal(world->code, 0);
    assert_null(strstr(world->request, "m6g.large"));
    assert_non_null(strstr(world->request, "m5.large"));
    world_close(world);
}

static void what_is_missing_in_a_template_is_named(void **state)
{
    (void)state;
    struct world *world = world_open();
    world->template_.n_security_groups = 0; /* EC2 would take the network's default group, that no node joins from */
    prepare(world);
    assert_int_equal(world->code, ERR_INVALID);
    assert_string_equal(world->message,
                        "template default: securityGroupSelector: an empty selector would select everything");
    world->template_.n_subnets = 0;
    prepare(world);
    assert_int_equal(world->code, ERR_INVALID);
    assert_string_equal(world->message, "template default: subnetSelector: an empty selector would select everything");
    world->template_.name = STR("");
    prepare(world);
    assert_int_equal(world->code, ERR_INVALID);
    assert_string_equal(world->message, "no template: spec.providerRef or spec.provider says how nodes are made");
    world_close(world);
}

/* The default of v1alpha5 is AL2, which has no images any more: nobody wrote anything that is bound to it. */
static void al2_is_no_more(void **state)
{
    (void)state;
    struct world *world = world_open();
    world->template_.family = STR("AL2");
    prepare(world);
    assert_int_equal(world->code, 0);
    assert_string_equal(world->note, "template default: there is no AL2 image for Kubernetes 1.34: AL2023 is taken");
    assert_non_null(strstr(fake_aws_body(world->base.aws, "GetParameter", 0), "/1.34/amazon-linux-2023/x86_64/"));
    /* With an image of the user's own it is as the user says. */
    const struct cloud_label image = {STR("aws-ids"), STR("ami-7")};
    world->template_.images = &image;
    world->template_.n_images = 1;
    fake_aws_always(world->base.aws, "DescribeImages", 200,
                    "<R><imagesSet><item><imageId>ami-7</imageId><architecture>x86_64</architecture></item>"
                    "</imagesSet></R>");
    prepare(world);
    assert_int_equal(world->code, 0);
    assert_string_equal(world->note, "");
    world_close(world);
}

static void families_that_images_are_taken_of(void **state)
{
    (void)state;
    struct cloud_template template_ = {.family = STR("AL2"), .user_data = STR(" \n")};
    assert_true(str_is(aws_image_family(&template_, STR("1.33")), "AL2023"));
    assert_true(str_is(aws_image_family(&template_, STR("1.32")), "AL2"));
    assert_true(str_is(aws_image_family(&template_, STR("")), "AL2"));
    template_.user_data = STR("yum install x");
    assert_true(str_is(aws_image_family(&template_, STR("1.33")), "AL2"));
    template_ = (struct cloud_template){.family = STR("Ubuntu")};
    assert_true(str_is(aws_image_family(&template_, STR("1.33")), "Ubuntu"));
}

/* A machine that never joins costs what one costs that works: it is not bought. */
static void what_could_not_join_is_refused(void **state)
{
    static const struct {
        const char *endpoint, *instance_profile, *words;
    } cases[] = {
        {"", "nodes",
         "template default: the cluster's endpoint is not known, and a node of family AL2023 needs it: "
         "--cluster-endpoint says it"},
        {"https://api", "",
         "template default: no instance profile, and a node of family AL2023 cannot join without one: "
         "spec.instanceProfile or --instance-profile names it"},
    };
    (void)state;
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world *world = world_open();
        aws_provider_close(world->provider);
        open_provider(world, cases[i].endpoint, cases[i].instance_profile);
        prepare(world);
        assert_int_equal(world->code, ERR_INVALID);
        assert_string_equal(world->message, cases[i].words);
        /* Custom joins by its own user data. */
        world->template_.family = STR("Custom");
        world->template_.images = &selector;
        world->template_.n_images = 1;
        fake_aws_always(world->base.aws, "DescribeImages", 200, images_xml);
        prepare(world);
        assert_int_equal(world->code, 0);
        world_close(world);
    }
}

static void aws_is_away_for_a_while(void **state)
{
    (void)state;
    struct world *world = world_open();
    prepare(world);
    virtual_time_run(&world->base.loop, 2 * AWS_DISCOVERY_FRESH_MS);
    for (int i = 0; i < 4; i++)
        fake_aws_once(world->base.aws, "DescribeSubnets", 0, "");
    prepare(world);
    assert_int_equal(world->code, 0); /* what was known two minutes ago serves */
    virtual_time_run(&world->base.loop, AWS_DISCOVERY_STALE_MS + 1000);
    for (int i = 0; i < 4; i++)
        fake_aws_once(world->base.aws, "DescribeSubnets", 0, "");
    prepare(world);
    assert_int_equal(world->code, ERR_RETRY);
    virtual_time_run(&world->base.loop, 1);
    prepare(world);
    assert_int_equal(world->code, 0);
    world_close(world);
}

static void a_users_own_launch_template(void **state)
{
    (void)state;
    struct world *world = world_open();
    world->template_.launch_template = STR("mine");
    world->template_.family = STR("Custom");
    prepare(world);
    assert_int_equal(world->code, 0);
    assert_non_null(strstr(world->request, "{\"launchTemplate\":\"mine\",\"version\":\"$Latest\",\"overrides\":"
                                           "[[\"m5.large\",0,0],[\"m6g.large\",1,1],[\"m5.large\",1,2]]}"));
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 0);
    assert_int_equal(fake_aws_count(world->base.aws, "GetParameter"), 0);
    world_close(world);
}

static void a_full_subnet_is_left_out(void **state)
{
    (void)state;
    struct world *world = world_open();
    prepare(world);
    fake_aws_once(world->base.aws, "CreateFleet", 200,
                  "<CreateFleetResponse><errorSet><item><launchTemplateAndOverrides><overrides>"
                  "<instanceType>m5.large</instanceType><subnetId>subnet-b1</subnetId></overrides>"
                  "</launchTemplateAndOverrides><errorCode>InsufficientFreeAddressesInSubnet</errorCode></item>"
                  "</errorSet></CreateFleetResponse>");
    launch(world);
    assert_int_equal(world->code, 0);
    assert_int_equal(world->n_instances, 0);
    assert_int_equal(world->n_failures, 1);
    assert_string_equal(world->zone, "us-east-1b");
    prepare(world);
    assert_null(strstr(world->request, "subnet-b1"));
    virtual_time_run(&world->base.loop, AWS_DISCOVERY_DRY_MS);
    prepare(world);
    assert_non_null(strstr(world->request, "subnet-b1"));
    world_close(world);
}

static void on_terminated(void *context, const struct cloud_terminated *terminated)
{
    struct world *world = context;
    keep_err(world, terminated->err);
    world->n_ids += terminated->n;
}

static void terminate(struct world *world, const struct str *ids, size_t n)
{
    assert_int_equal(world->cloud.terminate(world->cloud.context, ids, n, on_terminated, world, NULL), 0);
}

static bool answered_twice(void *context)
{
    return ((struct world *)context)->answers == 2;
}

static void terminations_go_together(void **state)
{
    (void)state;
    struct world *world = world_open();
    const struct str one[] = {STR("i-01"), STR("i-02")}, two[] = {STR("i-03")};
    fake_aws_once(world->base.aws, "TerminateInstances", 400,
                  EC2_ERROR("InvalidInstanceID.NotFound", "The instance ID 'i-02' does not exist"));
    fake_aws_once(world->base.aws, "TerminateInstances", 200, "<TerminateInstancesResponse/>");
    terminate(world, one, 2);
    terminate(world, two, 1);
    assert_true(virtual_time_until(&world->base.loop, 1000, answered_twice, world));
    assert_int_equal(world->code, 0);
    assert_int_equal(world->n_ids, 3);
    assert_int_equal(fake_aws_count(world->base.aws, "TerminateInstances"), 2);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "TerminateInstances", 0),
                           "InstanceId.1=i-01&InstanceId.2=i-02&InstanceId.3=i-03"));
    assert_non_null(
        strstr(fake_aws_body(world->base.aws, "TerminateInstances", 1), "InstanceId.1=i-01&InstanceId.2=i-03"));
    world_close(world);
}

static void unknown_ones_that_are_not_named(void **state)
{
    (void)state;
    struct world *world = world_open();
    const struct str ids[] = {STR("i-01"), STR("i-02"), STR("i-03")};
    for (int i = 0; i < 2; i++)
        fake_aws_once(world->base.aws, "TerminateInstances", 400, EC2_ERROR("InvalidInstanceID.NotFound", "some"));
    fake_aws_always(world->base.aws, "TerminateInstances", 200, "<TerminateInstancesResponse/>");
    terminate(world, ids, 3);
    wait_for_answer(world);
    assert_int_equal(world->code, 0);
    assert_int_equal(world->n_ids, 3);
    world_close(world);
}

/* Two askers share a call: the one whose instance may not be terminated hears of it, the others' instances go. */
static void one_that_is_refused_spoils_nothing(void **state)
{
    (void)state;
    struct world *world = world_open();
    static const char protected[] =
        EC2_ERROR("OperationNotPermitted", "The instance may not be terminated: disableApiTermination");
    const struct str good[] = {STR("i-01"), STR("i-02")}, bad[] = {STR("i-03")};
    fake_aws_once(world->base.aws, "TerminateInstances", 400, protected);                       /* 01 02 03 */
    fake_aws_once(world->base.aws, "TerminateInstances", 400, protected);                       /* 02 03 */
    fake_aws_once(world->base.aws, "TerminateInstances", 200, "<TerminateInstancesResponse/>"); /* 01 */
    fake_aws_once(world->base.aws, "TerminateInstances", 400, protected);                       /* 03 */
    fake_aws_once(world->base.aws, "TerminateInstances", 200, "<TerminateInstancesResponse/>"); /* 02 */
    terminate(world, good, 2);
    terminate(world, bad, 1);
    assert_true(virtual_time_until(&world->base.loop, 5000, answered_twice, world));
    assert_int_equal(world->n_ids, 2);
    assert_int_equal(fake_aws_count(world->base.aws, "TerminateInstances"), 5);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "TerminateInstances", 3), "InstanceId.1=i-03"));
    assert_non_null(strstr(fake_aws_body(world->base.aws, "TerminateInstances", 4), "InstanceId.1=i-02"));
    world_close(world);
}

static void terminations_that_fail(void **state)
{
    (void)state;
    struct world *world = world_open();
    const struct str ids[] = {STR("i-01")};
    fake_aws_once(world->base.aws, "TerminateInstances", 403, EC2_ERROR("UnauthorizedOperation", "no"));
    terminate(world, ids, 1);
    wait_for_answer(world);
    assert_int_equal(world->code, ERR_AUTH);
    assert_int_equal(world->n_ids, 0);
    world_close(world);
}

static void no_more_than_a_batch(void **state)
{
    (void)state;
    struct world *world = world_open();
    struct arena arena = ARENA_INIT;
    struct str ids[1001];
    for (size_t i = 0; i < CC_COUNT(ids); i++)
        ids[i] = str_of(arena_printf(&arena, "i-%05zx", i));
    fake_aws_always(world->base.aws, "TerminateInstances", 200, "<TerminateInstancesResponse/>");
    terminate(world, ids, CC_COUNT(ids));
    wait_for_answer(world);
    assert_int_equal(world->n_ids, CC_COUNT(ids));
    assert_int_equal(fake_aws_count(world->base.aws, "TerminateInstances"), 3);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "TerminateInstances", 0), "InstanceId.500="));
    assert_null(strstr(fake_aws_body(world->base.aws, "TerminateInstances", 0), "InstanceId.501="));
    arena_release(&arena);
    world_close(world);
}

static void on_listed(void *context, const struct cloud_listed *listed)
{
    struct world *world = context;
    keep_err(world, listed->err);
    world->n_instances = listed->n;
    if (listed->n)
        world->first = listed->instances[0];
}

#define INSTANCE(id)                                                                                               \
    "<item><instancesSet><item><instanceId>" id "</instanceId><instanceState><name>running</name></instanceState>" \
    "<instanceType>m5.large</instanceType><placement><availabilityZone>us-east-1a</availabilityZone></placement>"  \
    "</item></instancesSet></item>"

static void all_pages_are_listed(void **state)
{
    (void)state;
    struct world *world = world_open();
    fake_aws_once(world->base.aws, "DescribeInstances", 200,
                  "<DescribeInstancesResponse><reservationSet>" INSTANCE(
                      "i-01") "</reservationSet>"
                              "<nextToken>more</nextToken></DescribeInstancesResponse>");
    fake_aws_once(world->base.aws, "DescribeInstances", 200,
                  "<DescribeInstancesResponse><reservationSet>" INSTANCE("i-02") "</reservationSet>"
                                                                                 "</DescribeInstancesResponse>");
    assert_int_equal(world->cloud.list(world->cloud.context, STR(ID), on_listed, world, NULL), 0);
    wait_for_answer(world);
    assert_int_equal(world->n_instances, 2);
    assert_true(world->first.price_microusd > 0);
    const char *body = fake_aws_body(world->base.aws, "DescribeInstances", 0);
    assert_non_null(strstr(body, "Filter.1.Name=tag%3Astoker.sh%2Fcluster&Filter.1.Value.1=c1&"));
    assert_non_null(strstr(body, "Filter.3.Name=tag%3Astoker.sh%2Flaunch&Filter.3.Value.1=" ID));
    assert_non_null(strstr(fake_aws_body(world->base.aws, "DescribeInstances", 1), "NextToken=more"));
    /* Half a list is none: what is missing in it would be taken for gone. */
    fake_aws_once(world->base.aws, "DescribeInstances", 200,
                  "<DescribeInstancesResponse><reservationSet>" INSTANCE(
                      "i-01") "</reservationSet>"
                              "<nextToken>more</nextToken></DescribeInstancesResponse>");
    fake_aws_once(world->base.aws, "DescribeInstances", 403, EC2_ERROR("UnauthorizedOperation", "no"));
    assert_int_equal(world->cloud.list(world->cloud.context, STR(""), on_listed, world, NULL), 0);
    wait_for_answer(world);
    assert_int_equal(world->code, ERR_AUTH);
    assert_int_equal(world->n_instances, 0);
    world_close(world);
}

static void closed_in_the_middle(void **state)
{
    (void)state;
    struct world *world = world_open();
    const struct str ids[] = {STR("i-01")};
    prepare(world);
    /* Nobody answers any of these; closing gives everything back and calls nobody. */
    assert_int_equal(
        world->cloud.launch(world->cloud.context, STR(ID), str_of(world->request), on_launched, world, NULL), 0);
    assert_int_equal(world->cloud.list(world->cloud.context, STR(""), on_listed, world, NULL), 0);
    terminate(world, ids, 1);
    virtual_time_run(&world->base.loop, 1000);
    terminate(world, ids, 1);
    assert_int_equal(world->cloud.prepare(world->cloud.context, &world->plan, on_prepared, world, NULL), 0);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for),
        cmocka_unit_test(where_there_are_subnets),
        cmocka_unit_test(selectors_without_end),
        cmocka_unit_test(machines_come),
        cmocka_unit_test(a_lost_answer_is_the_callers),
        cmocka_unit_test(a_template_that_is_gone_is_made_again_once),
        cmocka_unit_test(a_template_that_exists_is_used),
        cmocka_unit_test(refused_with_words),
        cmocka_unit_test(no_image_for_that_kubernetes),
        cmocka_unit_test(al2_is_no_more),
        cmocka_unit_test(families_that_images_are_taken_of),
        cmocka_unit_test(what_could_not_join_is_refused),
        cmocka_unit_test(what_is_missing_in_a_template_is_named),
        cmocka_unit_test(aws_is_away_for_a_while),
        cmocka_unit_test(a_users_own_launch_template),
        cmocka_unit_test(a_full_subnet_is_left_out),
        cmocka_unit_test(terminations_go_together),
        cmocka_unit_test(unknown_ones_that_are_not_named),
        cmocka_unit_test(one_that_is_refused_spoils_nothing),
        cmocka_unit_test(terminations_that_fail),
        cmocka_unit_test(no_more_than_a_batch),
        cmocka_unit_test(all_pages_are_listed),
        cmocka_unit_test(closed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

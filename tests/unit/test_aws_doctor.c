/* test_aws_doctor.c - what the provider tells a doctor of permissions, queue and templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "cloud/aws/provider.h"
#include "tests/support/aws_world.h"

#define EC2_ERROR(code, message) \
    "<Response><Errors><Error><Code>" code "</Code><Message>" message "</Message></Error></Errors></Response>"

struct world {
    struct aws_world base;
    struct aws_provider *provider;
    struct cloud_provider cloud;
    struct cloud_template template_;
    bool over;
    char told[4096];
};

static const struct cloud_label selector = {STR_INIT("k8s"), STR_INIT("c1")};

static struct world *world_open(const char *endpoint, const char *instance_profile)
{
    static const char allowed[] = EC2_ERROR("DryRunOperation", "would have succeeded");
    static const char *const dry[] = {"DescribeInstanceTypes", "DescribeInstanceTypeOfferings", "DescribeInstances",
                                      "RunInstances"};
    struct world *world = calloc(1, sizeof(*world));
    aws_world_open_actions(&world->base);
    const struct aws_provider_options options = {
        .loop = &world->base.loop,
        .http = world->base.network,
        .chance = &world->base.chance,
        .environment = &world->base.environment,
        .region = STR("us-east-1"),
        .cluster = {STR("c1"), str_of(endpoint), STR("Q0E="), STR("10.100.0.0/16"), STR("")},
        .kubernetes_version = STR("1.34"),
        .instance_profile = str_of(instance_profile),
    };
    assert_int_equal(aws_provider_open(&options, &world->provider, NULL), 0);
    world->cloud = aws_provider_provider(world->provider);
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
    for (size_t i = 0; i < CC_COUNT(dry); i++)
        fake_aws_always(world->base.aws, dry[i], 412, allowed);
    fake_aws_always(world->base.aws, "DescribeSpotPriceHistory", 403, EC2_ERROR("UnauthorizedOperation", "not you"));
    fake_aws_always(world->base.aws, "DescribeLaunchTemplates", 200, "<DescribeLaunchTemplatesResponse/>");
    fake_aws_always(world->base.aws, "CreateLaunchTemplate", 200, "<CreateLaunchTemplateResponse/>");
    fake_aws_always(world->base.aws, "CreateFleet", 400,
                    EC2_ERROR("InvalidLaunchTemplateName.NotFoundException", "there is no stoker/doctor"));
    fake_aws_always(world->base.aws, "GetProducts", 200, "{}");
    fake_aws_always(world->base.aws, "GetParameter", 200, "{\"Parameter\":{\"Value\":\"ami-1\"}}");
    fake_aws_always(world->base.aws, "DescribeSubnets", 200,
                    "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-a1</subnetId>"
                    "<availabilityZone>us-east-1a</availabilityZone><availableIpAddressCount>100"
                    "</availableIpAddressCount></item></subnetSet></DescribeSubnetsResponse>");
    fake_aws_always(world->base.aws, "DescribeSecurityGroups", 200,
                    "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId></item>"
                    "</securityGroupInfo></DescribeSecurityGroupsResponse>");
    return world;
}

static void world_close(struct world *world)
{
    aws_provider_close(world->provider);
    aws_world_close(&world->base);
    free(world);
}

static void on_check(void *context, const struct cloud_check *check)
{
    struct world *world = context;
    size_t used = strlen(world->told);
    world->over = !check;
    if (check)
        snprintf(world->told + used, sizeof(world->told) - used, "%s%s: %s\n", check->good ? "+" : "-", check->name,
                 check->message);
}

static bool is_over(void *context)
{
    return ((struct world *)context)->over;
}

static void examine(struct world *world)
{
    const struct cloud_template *templates[] = {&world->template_};
    world->told[0] = '\0';
    world->over = false;
    assert_int_equal(world->cloud.check(world->cloud.context, templates, 1, on_check, world, NULL), 0);
    assert_true(virtual_time_until(&world->base.loop, 600 * 1000, is_over, world));
}

static void assert_told(const struct world *world, const char *line)
{
    if (!strstr(world->told, line))
        fail_msg("\"%s\" is not in:\n%s", line, world->told);
}

static void what_is_there_and_what_is_forbidden(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "+ec2:DescribeInstanceTypes: would be allowed\n",
        ("-ec2:DescribeSpotPriceHistory: ec2:DescribeSpotPriceHistory: UnauthorizedOperation: not you; cloud/aws/"
         "iam-policy.json has what must be allowed\n"),
        "+ec2:CreateFleet: not refused\n",
        "+queue: none is named",
        "+subnets of default: subnet-a1 in us-east-1a, 100 addresses free\n",
        "+security groups of default: 1, the first is sg-1\n",
        "+image of default: ami-1 for amd64, of family AL2023\n",
        "+joining of default: AL2023, by https://api\n",
        "+launch of default: would be allowed\n",
    };
    struct world *world = world_open("https://api", "nodes");
    examine(world);
    for (size_t i = 0; i < CC_COUNT(lines); i++)
        assert_told(world, lines[i]);
    fake_aws_once(world->base.aws, "CreateFleet", 403, EC2_ERROR("UnauthorizedOperation", "not you"));
    examine(world);
    assert_told(world, "-ec2:CreateFleet: ec2:CreateFleet: UnauthorizedOperation");
    assert_non_null(strstr(fake_aws_body(world->base.aws, "CreateFleet", 0), "DryRun=true"));
    world_close(world);
}

/* Each has its line, and no launch is tried in vain. */
static void what_a_template_lacks(void **state)
{
    (void)state;
    struct world *world = world_open("", "nodes");
    examine(world);
    assert_told(world,
                "-joining of default: the cluster's endpoint is not known, and a node of family AL2023 needs it: "
                "--cluster-endpoint says it\n");
    assert_int_equal(fake_aws_count(world->base.aws, "RunInstances"), 0);
    world_close(world);
    world = world_open("https://api", "");
    world->template_.n_security_groups = 0;
    examine(world);
    assert_told(world, "-security groups of default: an empty selector would select everything\n");
    assert_told(world, "-joining of default: no instance profile, and a node of family AL2023 cannot join without one: "
                       "spec.instanceProfile or --instance-profile names it\n");
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_and_what_is_forbidden),
        cmocka_unit_test(what_a_template_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_aws_fleet.c - CreateFleet and its kin: requests as written down and sent, answers as understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/fleet.h"
#include "cloud/aws/images.h"
#include "cloud/aws/instances.h"
#include "cloud/aws/launch_template.h"
#include "cloud/aws/lookup.h"

#define ID "1693a453-eed9-463c-80cb-1f072c09a711"

static const struct cloud_label tags[] = {
    {STR_INIT("kubernetes.io/cluster/c1"), STR_INIT("owned")},
    {STR_INIT("stoker.sh/cluster"), STR_INIT("c1")},
};
static const struct fleet_subnet subnets[] = {
    {STR_INIT("subnet-1268b5455e5f259fb"), STR_INIT("us-east-1b")},
    {STR_INIT("subnet-ee9c46bb75706b506"), STR_INIT("us-east-1c")},
};
static const struct fleet_override intel[] = {
    {STR_INIT("r5.16xlarge"), 0, 0}, {STR_INIT("r5.16xlarge"), 1, 2}, {STR_INIT("m5.12xlarge"), 1, 3}};
static const struct fleet_override graviton[] = {{STR_INIT("r6g.16xlarge"), 0, 1}};
static const struct fleet_config configs[] = {
    {STR_INIT("stoker/aa"), STR_INIT("1"), intel, 3},
    {STR_INIT("stoker/bb"), STR_INIT("1"), graviton, 1},
};

static struct fleet_request request(void)
{
    return (struct fleet_request){.capacity_type = CLOUD_SPOT,
                                  .strategy = STR("capacity-optimized-prioritized"),
                                  .count = 3,
                                  .tags = tags,
                                  .n_tags = 2,
                                  .subnets = subnets,
                                  .n_subnets = 2,
                                  .configs = configs,
                                  .n_configs = 2};
}

static struct str form_of(const struct fleet_request *from, struct arena *arena)
{
    struct buf buf = BUF_INIT(arena);
    struct str form;
    fleet_form(from, STR(ID), &buf);
    assert_int_equal(buf_str(&buf, &form, NULL), 0);
    return form;
}

static void the_form(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct fleet_request from = request();
    from.n_tags = 1;
    from.n_configs = 1;
    const char *text = form_of(&from, &arena).ptr;
    assert_string_equal(
        text, "ClientToken=" ID "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=stoker%2Faa"
              "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1"
              "&LaunchTemplateConfigs.1.Overrides.1.AvailabilityZone=us-east-1b"
              "&LaunchTemplateConfigs.1.Overrides.1.InstanceType=r5.16xlarge"
              "&LaunchTemplateConfigs.1.Overrides.1.Priority=0"
              "&LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-1268b5455e5f259fb"
              "&LaunchTemplateConfigs.1.Overrides.2.AvailabilityZone=us-east-1c"
              "&LaunchTemplateConfigs.1.Overrides.2.InstanceType=r5.16xlarge"
              "&LaunchTemplateConfigs.1.Overrides.2.Priority=2"
              "&LaunchTemplateConfigs.1.Overrides.2.SubnetId=subnet-ee9c46bb75706b506"
              "&LaunchTemplateConfigs.1.Overrides.3.AvailabilityZone=us-east-1c"
              "&LaunchTemplateConfigs.1.Overrides.3.InstanceType=m5.12xlarge"
              "&LaunchTemplateConfigs.1.Overrides.3.Priority=3"
              "&LaunchTemplateConfigs.1.Overrides.3.SubnetId=subnet-ee9c46bb75706b506"
              "&SpotOptions.AllocationStrategy=capacity-optimized-prioritized"
              "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=kubernetes.io%2Fcluster%2Fc1"
              "&TagSpecification.1.Tag.1.Value=owned&TagSpecification.1.Tag.2.Key=stoker.sh%2Flaunch"
              "&TagSpecification.1.Tag.2.Value=" ID
              "&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=kubernetes.io%2Fcluster%2Fc1"
              "&TagSpecification.2.Tag.1.Value=owned&TagSpecification.2.Tag.2.Key=stoker.sh%2Flaunch"
              "&TagSpecification.2.Tag.2.Value=" ID
              "&TagSpecification.3.ResourceType=fleet&TagSpecification.3.Tag.1.Key=kubernetes.io%2Fcluster%2Fc1"
              "&TagSpecification.3.Tag.1.Value=owned&TagSpecification.3.Tag.2.Key=stoker.sh%2Flaunch"
              "&TagSpecification.3.Tag.2.Value=" ID "&TargetCapacitySpecification.DefaultTargetCapacityType=spot"
              "&TargetCapacitySpecification.TotalTargetCapacity=3&Type=instant");
    from.capacity_type = CLOUD_ON_DEMAND;
    text = form_of(&from, &arena).ptr;
    assert_non_null(strstr(text, "&OnDemandOptions.AllocationStrategy="));
    assert_non_null(strstr(text, "DefaultTargetCapacityType=on-demand&"));
    assert_null(strstr(text, "SpotOptions"));
    arena_release(&arena);
}

static void selectors(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct cloud_label several[] = {
        {STR("a"), STR("x, y,")}, {STR("b"), STR("*")}, {STR("aws::owners"), STR("123456789012")}};
    const struct cloud_label none = {STR("a"), STR(" , ")};
    struct str body;
    assert_int_equal(lookup_body(LOOKUP_IMAGES, (struct aws_selector){several, 3}, &arena, &body, NULL), 0);
    assert_string_equal(body.ptr, "Filter.1.Name=tag%3Aa&Filter.1.Value.1=x&Filter.1.Value.2=y&Filter.2.Name=tag-key"
                                  "&Filter.2.Value.1=b&Filter.3.Name=state&Filter.3.Value.1=available"
                                  "&IncludeDeprecated=true&Owner.1=123456789012&MaxResults=1000");
    assert_int_equal(lookup_body(LOOKUP_IMAGES, (struct aws_selector){several, 1}, &arena, &body, NULL), 0);
    assert_non_null(strstr(body.ptr, "&Owner.1=amazon&Owner.2=self&"));
    assert_int_equal(lookup_body(LOOKUP_SUBNETS, (struct aws_selector){&none, 1}, &arena, &body, NULL), ERR_INVALID);
    assert_int_equal(lookup_body(LOOKUP_SUBNETS, (struct aws_selector){NULL, 0}, &arena, &body, NULL), ERR_INVALID);
    arena_release(&arena);
}

static void written_down_and_read_again(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct fleet_request from = request(), back;
    struct str text, again;
    assert_int_equal(fleet_request_write(&from, &arena, &text, NULL), 0);
    assert_int_equal(fleet_request_read(text, &arena, &back, NULL), 0);
    assert_int_equal(fleet_request_write(&back, &arena, &again, NULL), 0);
    assert_string_equal(text.ptr, again.ptr);
    assert_string_equal(form_of(&from, &arena).ptr, form_of(&back, &arena).ptr);
    assert_int_equal(back.count, 3);
    arena_release(&arena);
}

static void what_is_no_request(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{} {}",
        "nonsense",
        ("{\"capacityType\":\"spot\",\"strategy\":\"x\",\"count\":1,"
         "\"tags\":{},\"subnets\":[[\"s\",\"z\"]],\"configs\":[{\"launchTemplate\":\"l\",\"version\":\"1\","
         "\"overrides\":[[\"t\",1,0]]}]}"),
        ("{\"capacityType\":\"spot\",\"strategy\":\"x\",\"count\":-1,"
         "\"tags\":{},\"subnets\":[],\"configs\":[]}")};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct fleet_request back;
        assert_int_equal(fleet_request_read(str_of(bad[i]), &arena, &back, NULL), ERR_INVALID);
        arena_release(&arena);
    }
}

static const char partial[] =
    "<CreateFleetResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
    "<fleetId>fleet-1</fleetId><errorSet>"
    "<item><launchTemplateAndOverrides><overrides><instanceType>m5.12xlarge</instanceType>"
    "<subnetId>subnet-ee9c46bb75706b506</subnetId></overrides></launchTemplateAndOverrides><lifecycle>spot</lifecycle>"
    "<errorCode>InsufficientInstanceCapacity</errorCode><errorMessage>none left</errorMessage></item>"
    "<item><launchTemplateAndOverrides><overrides><instanceType>r5.16xlarge</instanceType>"
    "<subnetId>subnet-ee9c46bb75706b506</subnetId></overrides></launchTemplateAndOverrides><lifecycle>spot</lifecycle>"
    "<errorCode>InsufficientFreeAddressesInSubnet</errorCode><errorMessage>full</errorMessage></item>"
    "<item><launchTemplateAndOverrides><overrides><instanceType>r5.16xlarge</instanceType></overrides>"
    "</launchTemplateAndOverrides><errorCode>MaxSpotInstanceCountExceeded</errorCode><errorMessage>quota"
    "</errorMessage></item>"
    "</errorSet><fleetInstanceSet>"
    "<item><launchTemplateAndOverrides><overrides><instanceType>r5.16xlarge</instanceType>"
    "<subnetId>subnet-1268b5455e5f259fb</subnetId></overrides></launchTemplateAndOverrides><lifecycle>spot</lifecycle>"
    "<instanceIds><item>i-0b</item><item>i-0a</item></instanceIds><instanceType>r5.16xlarge</instanceType></item>"
    "<item><launchTemplateAndOverrides><overrides><instanceType>r6g.16xlarge</instanceType>"
    "<availabilityZone>us-east-1b</availabilityZone></overrides></launchTemplateAndOverrides>"
    "<instanceIds><item>i-09</item></instanceIds></item></fleetInstanceSet></CreateFleetResponse>";

static int answered(const char *text, struct arena *arena, struct fleet_answer *ret)
{
    static struct fleet_request from;
    const struct xml *xml;
    from = request();
    assert_int_equal(xml_read(str_of(text), arena, &xml, NULL), 0);
    return fleet_answer_read(xml, &from, STR(ID), arena, ret, NULL);
}

static void some_came_and_some_did_not(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct fleet_answer answer;
    assert_int_equal(answered(partial, &arena, &answer), 0);
    assert_int_equal(answer.n_instances, 3);
    assert_true(str_is(answer.instances[0].id, "i-09"));
    assert_true(str_is(answer.instances[0].instance_type, "r6g.16xlarge"));
    assert_true(str_is(answer.instances[1].id, "i-0a"));
    assert_true(str_is(answer.instances[1].provider_id, "aws:///us-east-1b/i-0a"));
    assert_true(str_is(answer.instances[2].zone, "us-east-1b"));
    assert_true(str_is(answer.instances[2].launch_id, ID));
    assert_int_equal(answer.instances[2].capacity_type, CLOUD_SPOT);
    assert_int_equal(answer.n_failures, 3);
    assert_int_equal(answer.failures[0].code, ERR_NO_CAPACITY);
    assert_true(str_is(answer.failures[0].zone, "us-east-1c"));
    assert_true(str_is(answer.failures[0].instance_type, "m5.12xlarge"));
    assert_false(answer.failures[0].whole_bucket);
    assert_true(answer.failures[2].whole_bucket);
    assert_true(str_is(answer.failures[2].instance_type, "r5.16xlarge")); /* whose quota it is */
    assert_int_equal(answer.n_dry_subnets, 1);
    assert_true(str_is(answer.dry_subnets[0], "subnet-ee9c46bb75706b506"));
    assert_false(answer.template_missing);
    arena_release(&arena);
}

static void an_empty_answer_is_no_capacity(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct fleet_answer answer;
    assert_int_equal(answered("<CreateFleetResponse/>", &arena, &answer), 0);
    assert_int_equal(answer.n_instances, 0);
    assert_int_equal(answer.n_failures, 1);
    assert_int_equal(answer.failures[0].code, ERR_NO_CAPACITY);
    assert_int_equal(answered("<Other/>", &arena, &answer), ERR_INVALID);
    assert_int_equal(answered("<CreateFleetResponse><errorSet><item><errorCode>"
                              "InvalidLaunchTemplateName.NotFoundException</errorCode></item></errorSet>"
                              "</CreateFleetResponse>",
                              &arena, &answer),
                     0);
    assert_true(answer.template_missing);
    assert_int_equal(answer.failures[0].code, ERR_NOT_FOUND);
    /* This one holds whatever the type. */
    assert_int_equal(
        answered("<CreateFleetResponse><errorSet><item><launchTemplateAndOverrides><overrides>"
                 "<instanceType>m5.large</instanceType></overrides></launchTemplateAndOverrides><errorCode>"
                 "AuthFailure.ServiceLinkedRoleCreationNotPermitted</errorCode></item></errorSet>"
                 "</CreateFleetResponse>",
                 &arena, &answer),
        0);
    assert_true(answer.failures[0].whole_bucket);
    assert_int_equal(answer.failures[0].instance_type.len, 0);
    arena_release(&arena);
}

static void strategies(void **state)
{
    (void)state;
    struct str got;
    assert_int_equal(fleet_strategy(STR(""), CLOUD_SPOT, &got, NULL), 0);
    assert_true(str_is(got, "capacity-optimized-prioritized"));
    assert_int_equal(fleet_strategy(STR("diversified"), CLOUD_SPOT, &got, NULL), 0);
    assert_true(str_is(got, "diversified"));
    assert_int_equal(fleet_strategy(STR("cheapest"), CLOUD_SPOT, &got, NULL), ERR_INVALID);
    assert_int_equal(fleet_strategy(STR("diversified"), CLOUD_ON_DEMAND, &got, NULL), 0);
    assert_true(str_is(got, "prioritized"));
    assert_int_equal(fleet_strategy(STR("lowest-price"), CLOUD_ON_DEMAND, &got, NULL), 0);
    assert_true(str_is(got, "lowest-price"));
}

static const char described[] =
    "<DescribeInstancesResponse><reservationSet><item><instancesSet>"
    "<item><instanceId>i-01</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
    "<instanceType>m5.large</instanceType><launchTime>2026-01-01T00:00:10.000Z</launchTime>"
    "<placement><availabilityZone>us-east-1a</availabilityZone></placement><instanceLifecycle>spot</instanceLifecycle>"
    "<tagSet><item><key>Name</key><value>x</value></item><item><key>stoker.sh/launch</key><value>" ID "</value></item>"
    "</tagSet></item>"
    "<item><instanceId>i-02</instanceId><instanceState><name>shutting-down</name></instanceState></item>"
    "</instancesSet></item><item><instancesSet>"
    "<item><instanceId>i-03</instanceId><instanceState><name>pending</name></instanceState>"
    "<instanceType>m5.large</instanceType><placement><availabilityZone>us-east-1b</availabilityZone></placement></item>"
    "</instancesSet></item></reservationSet></DescribeInstancesResponse>";

static void instances_that_there_are(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct instance_list list = {0};
    const struct xml *xml;
    assert_int_equal(xml_read(str_of(described), &arena, &xml, NULL), 0);
    assert_int_equal(instances_read(xml, &arena, &list, NULL), 0);
    assert_int_equal(list.items.len, 2);
    const struct cloud_instance *one = &list.items.items[0], *two = &list.items.items[1];
    assert_true(str_is(one->provider_id, "aws:///us-east-1a/i-01"));
    assert_int_equal(one->capacity_type, CLOUD_SPOT);
    assert_int_equal(one->state, CLOUD_RUNNING);
    assert_true(one->launched.ns == INT64_C(1767225610) * 1000000000);
    assert_true(str_is(one->launch_id, ID));
    assert_int_equal(two->capacity_type, CLOUD_ON_DEMAND);
    assert_int_equal(two->state, CLOUD_PENDING);
    assert_int_equal(two->launch_id.len, 0);
    assert_true(two->launched.ns == 0);
    VEC_FREE(&list.items);
    assert_int_equal(xml_read(STR("<x><reservationSet><item><instancesSet><item><instanceState><name>running</name>"
                                  "</instanceState></item></instancesSet></item></reservationSet></x>"),
                              &arena, &xml, NULL),
                     0);
    assert_int_equal(instances_read(xml, &arena, &list, NULL), ERR_INVALID);
    VEC_FREE(&list.items);
    arena_release(&arena);
}

static void ids_in_a_message(void **state)
{
    (void)state;
    struct str rest = STR("The instance IDs 'i-0a1, i-ff' do not exist, i- neither"), id;
    assert_true(terminate_next_id(&rest, &id));
    assert_true(str_is(id, "i-0a1"));
    assert_true(terminate_next_id(&rest, &id));
    assert_true(str_is(id, "i-ff"));
    assert_false(terminate_next_id(&rest, &id));
}

static void a_launch_template_is_named_by_its_content(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct str groups[] = {STR("sg-1"), STR("sg-2")};
    struct cloud_template template_ = {.family = STR("AL2023"), .http_hop_limit = -1};
    struct launch_template_content content = {.image = STR("ami-1"),
                                              .user_data = STR("foo"),
                                              .instance_profile = STR("p"),
                                              .security_groups = groups,
                                              .n_security_groups = 2,
                                              .template_ = &template_,
                                              .tags = tags,
                                              .n_tags = 1,
                                              .spot = true,
                                              .cluster = STR("c1")};
    struct str name, form, other, other_form;
    assert_int_equal(launch_template_form(&content, &arena, &name, &form, NULL), 0);
#define D "LaunchTemplateData."
    assert_string_equal(
        form.ptr,
        D "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda&" D "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true&" D
          "BlockDeviceMapping.1.Ebs.Encrypted=true&" D "BlockDeviceMapping.1.Ebs.VolumeSize=20&" D
          "BlockDeviceMapping.1.Ebs.VolumeType=gp3&" D "IamInstanceProfile.Name=p&" D "ImageId=ami-1&" D
          "MetadataOptions.HttpEndpoint=enabled&" D "MetadataOptions.HttpProtocolIpv6=disabled&" D
          "MetadataOptions.HttpPutResponseHopLimit=2&" D "MetadataOptions.HttpTokens=required&" D
          "SecurityGroupId.1=sg-1&" D "SecurityGroupId.2=sg-2&" D "TagSpecification.1.ResourceType=network-interface&" D
          "TagSpecification.1.Tag.1.Key=kubernetes.io%2Fcluster%2Fc1&" D "TagSpecification.1.Tag.1.Value=owned&" D
          "TagSpecification.2.ResourceType=spot-instances-request&" D
          "TagSpecification.2.Tag.1.Key=kubernetes.io%2Fcluster%2Fc1&" D "TagSpecification.2.Tag.1.Value=owned&" D
          "UserData=Zm9v&TagSpecification.1.ResourceType=launch-template&"
          "TagSpecification.1.Tag.1.Key=stoker.sh%2Fcluster&TagSpecification.1.Tag.1.Value=c1");
    assert_int_equal(name.len, 7 + 32);
    assert_true(str_starts(name, "stoker/"));
    assert_int_equal(launch_template_form(&content, &arena, &other, &other_form, NULL), 0);
    assert_string_equal(name.ptr, other.ptr);
    content.user_data = STR("fop");
    assert_int_equal(launch_template_form(&content, &arena, &other, &other_form, NULL), 0);
    assert_string_not_equal(name.ptr, other.ptr);
    const struct cloud_volume volume = {
        STR("/dev/sdb"), STR("io2"), STR("k"), STR("snap-1"), (INT64_C(1) << 30) + 1, 500, -1, 0, -1};
    template_.volumes = &volume;
    template_.n_volumes = 1;
    template_.detailed_monitoring = true;
    content.spot = false;
    assert_int_equal(launch_template_form(&content, &arena, &other, &other_form, NULL), 0);
    assert_true(str_starts(other_form,
                           D "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsdb&" D
                             "BlockDeviceMapping.1.Ebs.Encrypted=false&" D "BlockDeviceMapping.1.Ebs.Iops=500&" D
                             "BlockDeviceMapping.1.Ebs.KmsKeyId=k&" D "BlockDeviceMapping.1.Ebs.SnapshotId=snap-1&" D
                             "BlockDeviceMapping.1.Ebs.VolumeSize=2&" D "BlockDeviceMapping.1.Ebs.VolumeType=io2&" D));
    assert_non_null(strstr(other_form.ptr, D "Monitoring.Enabled=true&"));
    assert_null(strstr(other_form.ptr, "spot-instances-request"));
    arena_release(&arena);
}

static void parameters_of_images(void **state)
{
    (void)state;
    static const struct {
        const char *family, *version;
        struct aws_variant variant;
        const char *parameter; /* NULL: refused */
    } cases[] = {
        {"AL2023",
         "1.34",
         {false, AWS_ACCELERATOR_NONE},
         "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id"},
        {"AL2023",
         "1.34",
         {true, AWS_ACCELERATOR_NVIDIA},
         "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/nvidia/recommended/image_id"},
        {"AL2023", "1.34", {true, AWS_ACCELERATOR_NEURON}, NULL},
        {"AL2",
         "1.30",
         {true, AWS_ACCELERATOR_NONE},
         "/aws/service/eks/optimized-ami/1.30/amazon-linux-2-arm64/recommended/image_id"},
        {"AL2",
         "1.30",
         {false, AWS_ACCELERATOR_NEURON},
         "/aws/service/eks/optimized-ami/1.30/amazon-linux-2-gpu/recommended/image_id"},
        {"AL2", "1.30", {true, AWS_ACCELERATOR_NVIDIA}, NULL},
        {"Bottlerocket",
         "1.33",
         {true, AWS_ACCELERATOR_NONE},
         "/aws/service/bottlerocket/aws-k8s-1.33/arm64/latest/image_id"},
        {"Bottlerocket",
         "1.33",
         {false, AWS_ACCELERATOR_NVIDIA},
         "/aws/service/bottlerocket/aws-k8s-1.33-nvidia/x86_64/latest/image_id"},
        {"Ubuntu",
         "1.28",
         {false, AWS_ACCELERATOR_NONE},
         "/aws/service/canonical/ubuntu/eks/20.04/1.28/stable/current/amd64/hvm/ebs-gp2/ami-id"},
        {"Custom", "1.34", {false, AWS_ACCELERATOR_NONE}, NULL},
        {"AL2023", "", {false, AWS_ACCELERATOR_NONE}, NULL},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct str name = STR("");
        int rc = aws_image_parameter(str_of(cases[i].family), str_of(cases[i].version), cases[i].variant, &arena, &name,
                                     NULL);
        assert_int_equal(rc, cases[i].parameter ? 0 : ERR_INVALID);
        if (cases[i].parameter)
            assert_string_equal(name.ptr, cases[i].parameter);
        arena_release(&arena);
    }
}

static void the_newest_image(void **state)
{
    (void)state;
    const struct aws_image images[] = {
        {STR("ami-1"), STR("amd64"), STR("2026-01-01T00:00:00.000Z"), STR("a")},
        {STR("ami-2"), STR("arm64"), STR("2026-03-01T00:00:00.000Z"), STR("a")},
        {STR("ami-3"), STR("amd64"), STR("2026-02-01T00:00:00.000Z"), STR("a")},
        {STR("ami-4"), STR("amd64"), STR("2026-02-01T00:00:00.000Z"), STR("b")},
    };
    assert_ptr_equal(aws_image_newest(images, 4, false), &images[3]);
    assert_ptr_equal(aws_image_newest(images, 4, true), &images[1]);
    assert_null(aws_image_newest(images, 1, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form),
        cmocka_unit_test(selectors),
        cmocka_unit_test(written_down_and_read_again),
        cmocka_unit_test(what_is_no_request),
        cmocka_unit_test(some_came_and_some_did_not),
        cmocka_unit_test(an_empty_answer_is_no_capacity),
        cmocka_unit_test(strategies),
        cmocka_unit_test(instances_that_there_are),
        cmocka_unit_test(ids_in_a_message),
        cmocka_unit_test(a_launch_template_is_named_by_its_content),
        cmocka_unit_test(parameters_of_images),
        cmocka_unit_test(the_newest_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

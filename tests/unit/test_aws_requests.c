/*
 * test_aws_requests.c - every request of ours that a real SDK's client makes too, held against a recording of that
 * (tests/fixtures/aws/requests.txt): the same protocol, and parameters of the same names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "base/file.h"
#include "cloud/aws/json.h"
#include "cloud/aws/provider.h"
#include "cloud/aws/uri.h"
#include "tests/support/aws_world.h"

#define ID "1693a453-eed9-463c-80cb-1f072c09a711"

enum { SENT_MAX = 64 };

struct sent {
    struct str content_type, target, body;
};

struct world {
    struct aws_world base;
    struct arena arena;
    struct str recording;
    struct aws_provider *provider;
    struct cloud_provider cloud;
    struct sent sent[SENT_MAX];
    size_t n;
    char request[8192];
    int answers;
};

static struct str header_of(const struct http_request *request, const char *name, struct arena *arena)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (request->headers[i].name.len == strlen(name) &&
            strncasecmp(request->headers[i].name.ptr, name, strlen(name)) == 0)
            return str_dup(arena, request->headers[i].value);
    return STR("");
}

static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct world *world = context;
    assert_true(world->n < SENT_MAX);
    world->sent[world->n++] =
        (struct sent){header_of(request, "content-type", &world->arena),
                      header_of(request, "x-amz-target", &world->arena), str_dup(&world->arena, request->body)};
    return world->base.network.send(world->base.network.context, request, handler, ret, err);
}

static void cancel(void *context, struct http_call *call)
{
    struct world *world = context;
    world->base.network.cancel(world->base.network.context, call);
}

static void on_prepared(void *context, const struct cloud_prepared *prepared)
{
    struct world *world = context;
    if (prepared->err)
        fail_msg("%s", prepared->err->message);
    snprintf(world->request, sizeof(world->request), "%.*s", STR_ARG(prepared->request));
}

static void on_launched(void *context, const struct cloud_launched *launched)
{
    assert_null(launched->err);
    ((struct world *)context)->answers++;
}

static void on_listed(void *context, const struct cloud_listed *listed)
{
    assert_null(listed->err);
    ((struct world *)context)->answers++;
}

static void on_terminated(void *context, const struct cloud_terminated *terminated)
{
    assert_null(terminated->err);
    ((struct world *)context)->answers++;
}

static void on_check(void *context, const struct cloud_check *check)
{
    ((struct world *)context)->answers += !check;
}

static void script(struct fake_aws *aws)
{
    static const char dry[] = "<R><Errors><Error><Code>DryRunOperation</Code></Error></Errors></R>";
    fake_aws_always(aws, "GetQueueUrl", 200, "{\"QueueUrl\":\"http://aws.test/1/q\"}");
    fake_aws_always(aws, "DescribeSubnets", 200,
                    "<R><subnetSet><item><subnetId>subnet-a</subnetId><availabilityZone>us-east-1a</availabilityZone>"
                    "<availableIpAddressCount>9</availableIpAddressCount></item></subnetSet></R>");
    fake_aws_always(aws, "DescribeSecurityGroups", 200,
                    "<R><securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo></R>");
    fake_aws_always(aws, "DescribeImages", 200,
                    "<R><imagesSet><item><imageId>ami-1</imageId><architecture>x86_64</architecture></item>"
                    "</imagesSet></R>");
    fake_aws_always(aws, "CreateLaunchTemplate", 200, "<R/>");
    fake_aws_always(aws, "DescribeLaunchTemplates", 200, "<R/>");
    fake_aws_always(aws, "CreateFleet", 200,
                    "<CreateFleetResponse><fleetInstanceSet><item><instanceIds><item>i-01</item></instanceIds></item>"
                    "</fleetInstanceSet></CreateFleetResponse>");
    fake_aws_always(aws, "DescribeInstances", 200, "<R/>");
    fake_aws_always(aws, "TerminateInstances", 200, "<R/>");
    fake_aws_always(aws, "DescribeInstanceTypes", 412, dry);
    fake_aws_always(aws, "DescribeInstanceTypeOfferings", 200, "<R/>");
    fake_aws_always(aws, "DescribeSpotPriceHistory", 200, "<R/>");
    fake_aws_always(aws, "GetProducts", 200, "{}");
}

/* A launch, a list, a termination, the doctor; and what a start looks up by itself. */
static void live(struct world *world)
{
    const struct cloud_label selector = {STR("karpenter.sh/discovery"), STR("c1")};
    const struct cloud_label image = {STR("aws-ids"), STR("ami-0ed094fb1304fd857")};
    const struct cloud_pool pool = {STR("m5.large"), STR("us-east-1a"), 1};
    const struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    const struct cloud_bootstrap bootstrap = {.kubelet = &kubelet, .kubelet_json = STR("")};
    const struct cloud_template template_ = {.name = STR("t"),
                                             .family = STR("Custom"),
                                             .subnets = &selector,
                                             .n_subnets = 1,
                                             .security_groups = &selector,
                                             .n_security_groups = 1,
                                             .images = &image,
                                             .n_images = 1,
                                             .http_hop_limit = -1,
                                             .disk = CLOUD_DISK_INIT};
    const struct cloud_template *const templates[] = {&template_};
    const struct cloud_launch_plan plan = {.template_ = &template_,
                                           .bootstrap = &bootstrap,
                                           .provisioner = STR("p"),
                                           .capacity_type = CLOUD_SPOT,
                                           .pools = &pool,
                                           .n_pools = 1,
                                           .count = 1};
    const struct str id = STR("i-01");
    const struct cloud_sink sink = {.context = world};
    const struct cloud_provider *cloud = &world->cloud;
    cloud->start(cloud->context, &sink);
    assert_int_equal(cloud->prepare(cloud->context, &plan, on_prepared, world, NULL), 0);
    virtual_time_run(&world->base.loop, 5000);
    assert_int_equal(cloud->launch(cloud->context, STR(ID), str_of(world->request), on_launched, world, NULL), 0);
    assert_int_equal(cloud->list(cloud->context, STR(""), on_listed, world, NULL), 0);
    assert_int_equal(cloud->terminate(cloud->context, &id, 1, on_terminated, world, NULL), 0);
    assert_int_equal(cloud->check(cloud->context, templates, 1, on_check, world, NULL), 0);
    virtual_time_run(&world->base.loop, 200 * 1000);
    assert_int_equal(world->answers, 4);
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    aws_world_open_actions(&world.base);
    script(world.base.aws);
    assert_int_equal(file_read("tests/fixtures/aws/requests.txt", 1 << 20, &world.recording, NULL), 0);
    const struct aws_provider_options options = {.loop = &world.base.loop,
                                                 .http = {send, cancel, &world},
                                                 .chance = &world.base.chance,
                                                 .environment = &world.base.environment,
                                                 .region = STR("us-east-1"),
                                                 .cluster = {.name = STR("c1"), .endpoint = STR("https://api")},
                                                 .kubernetes_version = STR("1.34"),
                                                 .queue = STR("kq")};
    assert_int_equal(aws_provider_open(&options, &world.provider, NULL), 0);
    world.cloud = aws_provider_provider(world.provider);
    live(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    aws_provider_close(world->provider);
    aws_world_close(&world->base);
    file_free(&world->recording);
    arena_release(&world->arena);
    return 0;
}

/* "Overrides.12.Priority" to "Overrides.N.Priority". */
static struct str shape_of(struct str name, struct arena *arena)
{
    struct buf buf = BUF_INIT(arena);
    struct str shape;
    bool behind_digit = false;
    for (size_t i = 0; i < name.len; i++) {
        bool digit = name.ptr[i] >= '0' && name.ptr[i] <= '9';
        if (!digit || !behind_digit)
            buf_byte(&buf, digit ? 'N' : name.ptr[i]);
        behind_digit = digit;
    }
    assert_int_equal(buf_str(&buf, &shape, NULL), 0);
    return shape;
}

/* Shapes of the names, each once. */
struct shapes {
    struct str items[64];
    size_t n;
};

static bool has(const struct shapes *shapes, struct str shape)
{
    for (size_t i = 0; i < shapes->n; i++)
        if (str_eq(shapes->items[i], shape))
            return true;
    return false;
}

static void add_name(struct shapes *shapes, struct str name, struct arena *arena)
{
    struct str shape = shape_of(name, arena);
    if (has(shapes, shape))
        return;
    assert_true(shapes->n < CC_COUNT(shapes->items));
    shapes->items[shapes->n++] = shape;
}

/* Of "a=1&b=2", or of lines; of a JSON object: its members. */
static struct shapes shapes_of(struct str body, char between, struct arena *arena)
{
    struct shapes shapes = {.n = 0};
    const struct doc *json = NULL;
    if (str_starts(body, "{")) {
        assert_int_equal(aws_json_read(body, arena, &json, NULL), 0);
        DOC_EACH (member, json)
            add_name(&shapes, member->key, arena);
        return shapes;
    }
    while (body.len) {
        struct str pair = str_cut(&body, between);
        add_name(&shapes, str_cut(&pair, '='), arena);
    }
    return shapes;
}

/* The recorded request of "DescribeImages" or "AmazonSQS.GetQueueUrl": its headers and its body. */
static struct sent recorded(struct str recording, const char *title, struct arena *arena)
{
    static const char type[] = "Content-Type: ", target[] = "X-Amz-Target: ";
    const char *start = strstr(recording.ptr, arena_printf(arena, "## %s\n", title));
    if (!start)
        fail_msg("%s was not recorded", title);
    struct sent found = {STR(""), STR(""), {start, 0}};
    const char *end = strstr(start, "\n\n");
    found.body.len = end ? (size_t)(end - start) : strlen(start);
    str_cut(&found.body, '\n');
    while (str_starts(found.body, type) || str_starts(found.body, target)) {
        struct str line = str_cut(&found.body, '\n'), value = line;
        str_cut(&value, ' ');
        *(str_starts(line, type) ? &found.content_type : &found.target) = value;
    }
    found.body = str_trim(found.body);
    const char *rest = memchr(found.body.ptr, '(', found.body.len); /* "(280 lines left out)" */
    if (rest && rest > found.body.ptr && rest[-1] == '\n')
        found.body.len = (size_t)(rest - found.body.ptr) - 1;
    return found;
}

/* The first of ours; the last part of the title is the action. */
static const struct sent *ours(const struct world *world, const char *title)
{
    const char *dot = strchr(title, '.');
    for (size_t i = 0; i < world->n; i++) {
        struct str body = world->sent[i].body, first = str_cut(&body, '&'), action = first;
        if (dot && str_is(world->sent[i].target, title))
            return &world->sent[i];
        str_cut(&action, '=');
        if (!dot && str_starts(first, "Action=") && str_is(action, title))
            return &world->sent[i];
    }
    fail_msg("%s was never sent", title);
    return NULL;
}

static void hold_to_the_recording(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *title;
        const char *not_ours[3]; /* what the other client sends and we do not need */
    } cases[] = {
        {"DescribeInstanceTypes", {NULL}},
        {"DescribeInstanceTypeOfferings", {NULL}},
        {"AmazonSQS.GetQueueUrl", {NULL}},
        {"DescribeInstances", {NULL}},
        {"DescribeLaunchTemplates", {NULL}},
        {"DescribeSpotPriceHistory", {NULL}},
        {"AmazonSQS.ReceiveMessage", {"AttributeNames", "MessageAttributeNames"}},
        {"DescribeImages", {NULL}},
        {"DescribeSubnets", {NULL}},
        {"DescribeSecurityGroups", {NULL}},
        /* The image is in our launch templates. */
        {"CreateFleet", {"LaunchTemplateConfigs.N.Overrides.N.ImageId"}},
        {"TerminateInstances", {NULL}},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        const struct sent *sent = ours(world, cases[i].title);
        struct sent wanted = recorded(world->recording, cases[i].title, &world->arena);
        struct shapes got = shapes_of(sent->body, '&', &world->arena);
        struct shapes want = shapes_of(wanted.body, '\n', &world->arena);
        assert_true(want.n > 0);
        for (size_t k = 0; k < got.n; k++)
            if (!has(&want, got.items[k]))
                fail_msg("%s: %s is not in the recorded request", cases[i].title, got.items[k].ptr);
        for (size_t k = 0; k < CC_COUNT(cases[i].not_ours) && cases[i].not_ours[k]; k++)
            add_name(&got, str_of(cases[i].not_ours[k]), &world->arena);
        for (size_t k = 0; k < want.n; k++)
            if (!has(&got, want.items[k]))
                fail_msg("%s: %s is not in ours", cases[i].title, want.items[k].ptr);
        assert_true(str_eq(sent->target, wanted.target));
        struct str type = sent->content_type;
        assert_true(str_eq(str_cut(&type, ';'), wanted.content_type)); /* ours may name the charset */
    }
}

static int by_line(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

/* What is found by a template's selectors: to the letter. */
static void look_ups_to_the_letter(void **state)
{
    struct world *world = *state;
    static const char *const titles[] = {"DescribeSubnets", "DescribeSecurityGroups", "DescribeImages"};
    for (size_t i = 0; i < CC_COUNT(titles); i++) {
        struct buf plain = BUF_INIT(&world->arena);
        struct str body, lines[32], wanted = recorded(world->recording, titles[i], &world->arena).body;
        size_t n = 0;
        aws_uri_decode(&plain, ours(world, titles[i])->body);
        assert_int_equal(buf_str(&plain, &body, NULL), 0);
        while (body.len)
            lines[n++] = str_cut(&body, '&');
        qsort(lines, n, sizeof(*lines), by_line);
        for (size_t k = 0; k < n; k++)
            assert_true(str_eq(str_cut(&wanted, '\n'), lines[k]));
        assert_int_equal(wanted.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hold_to_the_recording, set_up, tear_down),
        cmocka_unit_test_setup_teardown(look_ups_to_the_letter, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

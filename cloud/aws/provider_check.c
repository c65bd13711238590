/*
 * provider_check.c - what a doctor looks at: may we do what we need to, is there a queue, do the templates find their
 * subnets, groups and images, could an instance be started from them.
 */
#include <inttypes.h>

#include "cloud/aws/images.h"
#include "cloud/aws/plan_copy.h"
#include "cloud/aws/provider_internal.h"
#include "cloud/aws/query.h"
#include "cloud/aws/sqs.h"
#include "cloud/aws/uri.h"

struct checking {
    struct operation operation;
    struct cloud_template *templates; /* [n] */
    size_t n;
    size_t at;        /* the step: a probe, the queue, then the templates */
    bool waiting;     /* for an answer */
    const char *name; /* of what is waited for */
    cloud_check_fn done;
    void *context;
};

/*
 * A call that shows whether it is allowed without doing anything: as a dry run, or because it only reads. Those about
 * instances that there are not yet (TerminateInstances) cannot be asked so.
 */
struct probe {
    const char *name;
    struct aws_call call;
};

#define DRY STR_INIT("DryRun=true")
static const struct probe probes[] = {
    {"ec2:DescribeInstanceTypes", {.service = AWS_EC2, .action = "DescribeInstanceTypes", .body = DRY}},
    {"ec2:DescribeInstanceTypeOfferings", {.service = AWS_EC2, .action = "DescribeInstanceTypeOfferings", .body = DRY}},
    {"ec2:DescribeSpotPriceHistory", {.service = AWS_EC2, .action = "DescribeSpotPriceHistory", .body = DRY}},
    {"ec2:DescribeInstances", {.service = AWS_EC2, .action = "DescribeInstances", .body = DRY}},
    {"ec2:DescribeLaunchTemplates", {.service = AWS_EC2, .action = "DescribeLaunchTemplates", .body = DRY}},
    {"ec2:CreateLaunchTemplate",
     {.service = AWS_EC2,
      .action = "CreateLaunchTemplate",
      .body = STR_INIT("DryRun=true&LaunchTemplateName=stoker%2Fdoctor&LaunchTemplateData.EbsOptimized=true"
                       "&TagSpecification.1.ResourceType=launch-template"
                       "&TagSpecification.1.Tag.1.Key=stoker.sh%2Fcluster&TagSpecification.1.Tag.1.Value=")}},
    /* EC2 may miss the template before it asks whether we may: no refusal, either way. */
    {"ec2:CreateFleet",
     {.service = AWS_EC2,
      .action = "CreateFleet",
      .body = STR_INIT("DryRun=true&Type=instant"
                       "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=stoker%2Fdoctor"
                       "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1"
                       "&TargetCapacitySpecification.DefaultTargetCapacityType=spot"
                       "&TargetCapacitySpecification.TotalTargetCapacity=1&TagSpecification.1.ResourceType=fleet"
                       "&TagSpecification.1.Tag.1.Key=stoker.sh%2Fcluster&TagSpecification.1.Tag.1.Value=")}},
    {"pricing:GetProducts",
     {.service = AWS_PRICING,
      .action = "GetProducts",
      .body = STR_INIT("{\"ServiceCode\":\"AmazonEC2\",\"FormatVersion\":\"aws_v1\",\"MaxResults\":1}")}},
};

static void tell(struct checking *checking, const char *name, bool good, const char *message)
{
    const struct cloud_check check = {name, good, message ? message : "out of memory"};
    checking->done(checking->context, &check);
}

static void tell_error(struct checking *checking, const char *name, const struct err *err)
{
    const char *hint = err->code == ERR_AUTH ? "; cloud/aws/iam-policy.json has what must be allowed" : "";
    tell(checking, name, false, arena_printf(&checking->operation.arena, "%s%s", err->message, hint));
}

static void next(struct checking *checking)
{
    checking->waiting = false;
    checking->at++;
    operations_step(checking->operation.provider);
}

static void on_answer(void *context, const struct aws_answer *answer)
{
    struct checking *checking = context;
    if (answer->err && answer->scope == AWS_SCOPE_LAUNCH_TEMPLATE && checking->at < CC_COUNT(probes))
        tell(checking, checking->name, true, "not refused");
    else if (answer->err)
        tell_error(checking, checking->name, answer->err);
    else
        tell(checking, checking->name, true, answer->dry_run ? "would be allowed" : "allowed");
    next(checking);
}

static int ask(struct checking *checking, const char *name, const struct aws_call *call, struct err *err)
{
    checking->name = name;
    checking->waiting = true;
    return aws_client_call(checking->operation.provider->client, call, on_answer, checking, err);
}

static int probe(struct checking *checking, const struct probe *probe, struct err *err)
{
    struct aws_call call = probe->call;
    struct buf buf = BUF_INIT(&checking->operation.arena);
    buf_add(&buf, call.body);
    if (str_ends(call.body, "Value="))
        aws_uri_encode(&buf, checking->operation.provider->cluster.name);
    int rc = buf_str(&buf, &call.body, err);
    return rc ? rc : ask(checking, probe->name, &call, err);
}

static void on_queue(void *context, struct str url, const struct err *err)
{
    struct checking *checking = context;
    const char *name =
        arena_printf(&checking->operation.arena, "queue %.*s", STR_ARG(checking->operation.provider->queue));
    if (err)
        tell_error(checking, name ? name : "queue", err);
    else
        tell(checking, "queue", true, arena_printf(&checking->operation.arena, "%.*s", STR_ARG(url)));
    next(checking);
}

static int check_queue(struct checking *checking, struct err *err)
{
    struct aws_provider *provider = checking->operation.provider;
    checking->waiting = true;
    if (provider->queue.len)
        return aws_sqs_find(provider->client, provider->queue, on_queue, checking, err);
    checking->waiting = false;
    checking->at++;
    tell(checking, "queue", true, "none is named: spot interruptions come without a warning");
    return 0;
}

static const char *name_of(struct checking *checking, const char *what, const struct cloud_template *template_)
{
    const char *name = arena_printf(&checking->operation.arena, "%s of %.*s", what, STR_ARG(template_->name));
    return name ? name : what;
}

/* 0 found, told; PENDING; or negative, told. `ret` is the first subnet's id. */
static int check_subnets(struct checking *checking, const struct cloud_template *template_, struct str *ret)
{
    const char *name = name_of(checking, "subnets", template_);
    struct arena *arena = &checking->operation.arena;
    struct err err = {0};
    const struct aws_subnet *subnets;
    size_t n;
    int rc = aws_discovery_subnets(checking->operation.provider->discovery,
                                   (struct aws_selector){template_->subnets, template_->n_subnets},
                                   checking->operation.since, &subnets, &n, &err);
    if (rc == 0 && n == 0)
        rc = err_set(&err, ERR_INVALID, "subnetSelector finds none");
    if (rc < 0)
        tell_error(checking, name, &err);
    if (rc)
        return rc;
    struct buf buf = BUF_INIT(arena);
    struct str text = STR("");
    for (size_t i = 0; i < n; i++) {
        const char *one = arena_printf(arena, "%s%.*s in %.*s, %" PRId64 " addresses free", i ? "; " : "",
                                       STR_ARG(subnets[i].id), STR_ARG(subnets[i].zone), subnets[i].free_addresses);
        buf_add(&buf, str_of(one));
    }
    rc = buf_str(&buf, &text, NULL);
    tell(checking, name, true, rc ? NULL : text.ptr);
    *ret = subnets[0].id;
    return 0;
}

static int check_groups(struct checking *checking, const struct cloud_template *template_, const struct str **ret,
                        size_t *ret_count)
{
    const char *name = name_of(checking, "security groups", template_);
    struct err err = {0};
    int rc = aws_discovery_groups(checking->operation.provider->discovery,
                                  (struct aws_selector){template_->security_groups, template_->n_security_groups},
                                  checking->operation.since, ret, ret_count, &err);
    if (rc == 0 && *ret_count == 0)
        rc = err_set(&err, ERR_INVALID, "securityGroupSelector finds none");
    if (rc < 0)
        tell_error(checking, name, &err);
    if (rc == 0)
        tell(checking, name, true,
             arena_printf(&checking->operation.arena, "%zu, the first is %.*s", *ret_count, STR_ARG((*ret)[0])));
    return rc;
}

/* Of either architecture: one is enough. */
static int check_image(struct checking *checking, const struct cloud_template *template_, struct str *ret,
                       bool *ret_arm64)
{
    struct aws_provider *provider = checking->operation.provider;
    const char *name = name_of(checking, "image", template_);
    struct err err = {0};
    int rc = ERR_NOT_FOUND;
    for (int arm64 = 0; arm64 < 2 && rc < 0; arm64++) {
        const struct aws_variant variant = {.arm64 = arm64};
        *ret_arm64 = arm64;
        rc = aws_image_find(provider->discovery, template_, provider->version, variant, checking->operation.since,
                            &checking->operation.arena, ret, arm64 ? NULL : &err);
    }
    if (rc < 0)
        tell_error(checking, name, &err);
    if (rc == 0)
        tell(checking, name, true,
             arena_printf(&checking->operation.arena, "%.*s for %s, of family %.*s", STR_ARG(*ret),
                          *ret_arm64 ? "arm64" : "amd64", STR_ARG(template_->family)));
    return rc;
}

/* Would an instance start: image, subnet, groups, and the role that its profile passes on. */
static int dry_run(struct checking *checking, const struct cloud_template *template_, struct str image, bool arm64,
                   struct str subnet, const struct str *groups, size_t n_groups, struct err *err)
{
    struct aws_provider *provider = checking->operation.provider;
    struct str profile = provider_profile(provider, template_);
    struct buf buf = BUF_INIT(&checking->operation.arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = {.service = AWS_EC2, .action = "RunInstances"};
    aws_query_bool(&query, "DryRun", true);
    if (profile.len)
        aws_query_str(&query, "IamInstanceProfile.Name", profile);
    aws_query_str(&query, "ImageId", image);
    aws_query_str(&query, "InstanceType", arm64 ? STR("m6g.large") : STR("m5.large"));
    aws_query_int(&query, "MaxCount", 1);
    aws_query_int(&query, "MinCount", 1);
    aws_query_list(&query, "SecurityGroupId", groups, n_groups);
    aws_query_str(&query, "SubnetId", subnet);
    for (size_t i = 0; i < 2; i++) {
        aws_query_item(&query, "TagSpecification", i + 1);
        aws_query_str(&query, "ResourceType", i ? STR("volume") : STR("instance"));
        aws_query_str(&query, "Tag.1.Key", STR("stoker.sh/cluster"));
        aws_query_str(&query, "Tag.1.Value", provider->cluster.name);
        aws_query_close(&query);
    }
    int rc = buf_str(&buf, &call.body, err);
    return rc ? rc : ask(checking, name_of(checking, "launch", template_), &call, err);
}

/* Would the instance find its cluster, and be let in: endpoint, CA, service CIDR, instance profile, user data. */
static bool check_joining(struct checking *checking, const struct cloud_template *template_)
{
    const char *name = name_of(checking, "joining", template_);
    const struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    const struct cloud_bootstrap bootstrap = {.kubelet = &kubelet, .kubelet_json = STR("")};
    struct aws_provider *provider = checking->operation.provider;
    struct str user_data;
    struct err err = {0};
    if (provider_user_data(provider, template_, &bootstrap, &checking->operation.arena, &user_data, &err) < 0) {
        tell_error(checking, name, &err);
        return false;
    }
    tell(checking, name, true,
         arena_printf(&checking->operation.arena, "%.*s, by %.*s", STR_ARG(template_->family),
                      STR_ARG(provider->cluster.endpoint)));
    return true;
}

/* A user's own launch template: is it there? */
static int check_own(struct checking *checking, const struct cloud_template *template_, struct err *err)
{
    struct buf buf = BUF_INIT(&checking->operation.arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = {.service = AWS_EC2, .action = "DescribeLaunchTemplates"};
    aws_query_list(&query, "LaunchTemplateName", &template_->launch_template, 1);
    int rc = buf_str(&buf, &call.body, err);
    return rc ? rc : ask(checking, name_of(checking, "launch template", template_), &call, err);
}

/* Begins all look-ups of the template: true if one of them is under way. */
static bool look_up(struct checking *checking, const struct cloud_template *template_)
{
    struct aws_provider *provider = checking->operation.provider;
    struct clock_mono since = checking->operation.since;
    struct arena arena = ARENA_INIT;
    const struct aws_subnet *subnets;
    const struct str *groups;
    struct str image;
    size_t n;
    bool own = template_->launch_template.len, pending = false;
    struct aws_selector selector = {template_->subnets, template_->n_subnets};
    pending |= aws_discovery_subnets(provider->discovery, selector, since, &subnets, &n, NULL) > 0;
    selector = (struct aws_selector){template_->security_groups, template_->n_security_groups};
    if (!own)
        pending |= aws_discovery_groups(provider->discovery, selector, since, &groups, &n, NULL) > 0;
    for (int arm64 = 0; arm64 < 2 && !own; arm64++)
        pending |= aws_image_find(provider->discovery, template_, provider->version,
                                  (struct aws_variant){.arm64 = arm64}, since, &arena, &image, NULL) > 0;
    arena_release(&arena);
    return pending;
}

/* What it finds is told; a dry run or the like is under way afterwards, or the next one's turn has come. */
static int check_template(struct checking *checking, const struct cloud_template *template_, struct err *err)
{
    struct str subnet, image;
    const struct str *groups = NULL;
    size_t n_groups = 0;
    bool arm64 = false, good = check_subnets(checking, template_, &subnet) == 0;
    if (template_->launch_template.len)
        return check_own(checking, template_, err);
    good = check_groups(checking, template_, &groups, &n_groups) == 0 && good;
    good = check_image(checking, template_, &image, &arm64) == 0 && good;
    good = check_joining(checking, template_) && good;
    if (good)
        return dry_run(checking, template_, image, arm64, subnet, groups, n_groups, err);
    checking->at++;
    return 0;
}

/* One step; 1: nothing to do until something arrives. */
static int check_next(struct checking *checking, struct err *err)
{
    if (checking->at < CC_COUNT(probes))
        return probe(checking, &probes[checking->at], err);
    if (checking->at == CC_COUNT(probes))
        return check_queue(checking, err);
    const struct cloud_template *template_ = &checking->templates[checking->at - CC_COUNT(probes) - 1];
    return look_up(checking, template_) ? 1 : check_template(checking, template_, err);
}

static int step(struct operation *operation)
{
    struct checking *checking = (struct checking *)operation;
    struct err err = {0};
    int rc = 0;
    while (!checking->waiting && checking->at < CC_COUNT(probes) + 1 + checking->n && rc == 0)
        rc = check_next(checking, &err);
    if (rc < 0)
        tell_error(checking, "doctor", &err);
    return rc < 0 || (rc == 0 && !checking->waiting);
}

static void finish(struct operation *operation)
{
    struct checking *checking = (struct checking *)operation;
    checking->done(checking->context, NULL);
}

static const struct operation_kind kind = {step, finish, NULL};

int provider_check(void *context, const struct cloud_template *const *templates, size_t n, cloud_check_fn done,
                   void *done_context, struct err *err)
{
    struct checking *checking = operation_new(context, &kind, sizeof(*checking));
    if (!checking)
        return err_nomem(err);
    checking->done = done;
    checking->context = done_context;
    checking->n = n;
    checking->templates = arena_array(&checking->operation.arena, struct cloud_template, n);
    int rc = checking->templates ? 0 : err_nomem(err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = template_copy(templates[i], &checking->operation.arena, &checking->templates[i], err);
        if (!rc)
            checking->templates[i].family =
                aws_image_family(&checking->templates[i], checking->operation.provider->version);
    }
    if (!rc)
        rc = operation_begin(&checking->operation, err);
    if (rc)
        operation_free(&checking->operation);
    return rc;
}

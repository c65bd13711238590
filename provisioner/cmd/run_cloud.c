#include "provisioner/cmd/run_cloud.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/file.h"
#include "cloud/aws/region.h"
#include "provisioner/cmd/environment.h"

static int read_file(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    (void)context;
    return file_read_into(path, AWS_FILE_MAX_BYTES, arena, ret, err);
}

struct region_question {
    struct run_world *world;
    struct str region;
    struct err err;
    bool answered;
};

static void on_region(void *context, struct str region, const struct err *err)
{
    struct region_question *question = context;
    question->answered = true;
    if (err) {
        question->err = *err;
        return;
    }
    question->region = str_dup(&question->world->arena, region);
    if (!question->region.ptr)
        (void)err_nomem(&question->err);
}

static bool region_over(void *context)
{
    const struct region_question *question = context;
    return question->answered || question->world->loop.stopping;
}

static int find_region(struct run_cloud *cloud, struct run_world *world, struct str *ret, struct err *err)
{
    if (world->settings->region) {
        *ret = str_of(world->settings->region);
        return 0;
    }
    struct region_question question = {.world = world};
    struct aws_region_search *search;
    int code = aws_region_find(&world->loop, http_curl_http(world->curl), &cloud->environment, on_region, &question,
                               &search, err);
    if (!code)
        code = loop_turn_until(&world->loop, region_over, &question, -1, err);
    if (!question.answered && !code)
        aws_region_cancel(search);
    if (code || !question.answered)
        return code;
    if (question.err.code)
        return err_set(err, question.err.code, "no region; give --region: %s", question.err.message);
    *ret = question.region;
    return 0;
}

/* EKS gives Services a /16 unless it is told otherwise; the API server's own is the first address of it. */
static const char *service_cidr(struct run_world *world)
{
    unsigned a, b, c, d;
    const char *host = world->in_cluster ? environment_get(NULL, "KUBERNETES_SERVICE_HOST") : NULL;
    if (!host || sscanf(host, "%3u.%3u.%3u.%3u", &a, &b, &c, &d) != 4)
        return NULL;
    return arena_printf(&world->arena, "%u.%u.%u.0/16", a, b, c);
}

static struct str text_or(const char *text, struct str other)
{
    return text ? str_of(text) : other;
}

struct str run_cloud_endpoint(const struct run_world *world)
{
    return text_or(world->settings->cluster_endpoint, world->in_cluster ? STR("") : str_of(world->access.server));
}

static int open_provider(struct run_cloud *cloud, struct run_world *world, struct str region, struct err *err)
{
    const struct run_settings *settings = world->settings;
    const char *cidr = settings->cluster_cidr ? settings->cluster_cidr : service_cidr(world);
    struct str ca = text_or(settings->cluster_ca, STR(""));
    if (!ca.len && world->access.tls.ca_pem.len) {
        int code = base64_encode(world->access.tls.ca_pem, &world->arena, &ca, err);
        if (code)
            return code;
    }
    const struct aws_provider_options options = {
        .loop = &world->loop,
        .http = http_curl_http(world->curl),
        .chance = &chance_system,
        .environment = &cloud->environment,
        .region = region,
        .cluster = {.name = str_of(settings->cluster_name),
                    .endpoint = run_cloud_endpoint(world),
                    .ca_base64 = ca,
                    .cidr = text_or(cidr, STR("")),
                    .dns = text_or(settings->cluster_dns, STR(""))},
        .kubernetes_version = text_or(settings->kubernetes_version, str_of(world->kubernetes_version)),
        .instance_profile = text_or(settings->instance_profile, STR("")),
        .queue = text_or(settings->queue, STR("")),
    };
    return aws_provider_open(&options, &cloud->provider, err);
}

int run_cloud_open(struct run_cloud *ret, struct run_world *world, struct err *err)
{
    struct str region = {NULL, 0};
    *ret =
        (struct run_cloud){.environment = {environment_get, read_file, NULL, command_system_commands(world->commands)}};
    int code = find_region(ret, world, &region, err);
    if (code || world->asked_to_stop)
        return code;
    log_event(&world->log, LOG_INFO, "cloud", LOG_S("region", region),
              LOG_C("kubernetes_version", world->kubernetes_version));
    return open_provider(ret, world, region, err);
}

void run_cloud_close(struct run_cloud *cloud)
{
    if (cloud->provider)
        aws_provider_close(cloud->provider);
    cloud->provider = NULL;
}

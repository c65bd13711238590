#include "cloud/aws/provider.h"

#include "cloud/aws/provider_internal.h"

static void on_called(void *context, const char *api, int code, double ms)
{
    const struct aws_provider *provider = context;
    if (provider->sink.called)
        provider->sink.called(provider->sink.context, api, code, ms);
}

/* "v1.34.4-eks-113cf36" and "1.34+" to "1.34"; "" if it does not begin so. */
static struct str minor_version(struct str version)
{
    size_t start = version.len && version.ptr[0] == 'v', i = start, dots = 0;
    while (i < version.len) {
        char c = version.ptr[i];
        dots += c == '.';
        if (dots == 2 || !(c == '.' || (c >= '0' && c <= '9')))
            break;
        i++;
    }
    return dots ? (struct str){version.ptr + start, i - start} : STR("");
}

static int copy_text(struct aws_provider *provider, struct str from, struct str *ret, struct err *err)
{
    *ret = str_dup(&provider->arena, from);
    return ret->ptr ? 0 : err_nomem(err);
}

static int copy_options(struct aws_provider *provider, const struct aws_provider_options *options, struct err *err)
{
    const struct aws_cluster *from = &options->cluster;
    struct aws_cluster *to = &provider->cluster;
    if (from->name.len == 0)
        return err_set(err, ERR_INVALID, "the cluster has no name: nothing could be told to be ours");
    int rc = copy_text(provider, from->name, &to->name, err);
    if (!rc)
        rc = copy_text(provider, from->endpoint, &to->endpoint, err);
    if (!rc)
        rc = copy_text(provider, from->ca_base64, &to->ca_base64, err);
    if (!rc)
        rc = copy_text(provider, from->cidr, &to->cidr, err);
    if (!rc)
        rc = copy_text(provider, from->dns, &to->dns, err);
    if (!rc)
        rc = copy_text(provider, minor_version(options->kubernetes_version), &provider->version, err);
    if (!rc)
        rc = copy_text(provider, options->instance_profile, &provider->instance_profile, err);
    return rc ? rc : copy_text(provider, options->queue, &provider->queue, err);
}

static int open_client(struct aws_provider *provider, const struct aws_provider_options *options, struct err *err)
{
    const struct aws_client_options client = {
        .loop = options->loop,
        .http = options->http,
        .chance = options->chance,
        .environment = options->environment,
        .region = options->region,
        .called = on_called,
        .context = provider,
    };
    return aws_client_open(&client, &provider->client, err);
}

static int open_parts(struct aws_provider *provider, const struct aws_provider_options *options, struct err *err)
{
    struct loop *loop = provider->loop;
    int rc = copy_options(provider, options, err);
    if (!rc)
        rc = open_client(provider, options, err);
    if (!rc)
        rc = market_open(loop, provider->client, options->region, &provider->market, err);
    if (!rc)
        rc = aws_discovery_open(loop, provider->client, operations_step, provider, &provider->discovery, err);
    if (!rc)
        rc = launch_templates_open(loop, provider->client, provider->cluster.name, operations_step, provider,
                                   &provider->templates, err);
    if (!rc)
        rc = terminator_open(loop, provider->client, &provider->terminator, err);
    if (!rc && provider->queue.len)
        rc =
            interruptions_open(loop, provider->client, options->chance, provider->queue, &provider->interruptions, err);
    return rc;
}

int aws_provider_open(const struct aws_provider_options *options, struct aws_provider **ret, struct err *err)
{
    struct aws_provider *provider = calloc(1, sizeof(*provider));
    if (!provider)
        return err_nomem(err);
    provider->loop = options->loop;
    provider->soon = LOOP_TIMER(operations_step, provider);
    int rc = open_parts(provider, options, err);
    if (rc)
        aws_provider_close(provider);
    else
        *ret = provider;
    return rc;
}

void aws_provider_close(struct aws_provider *provider)
{
    if (!provider)
        return;
    if (provider->client)
        aws_client_close(provider->client); /* nobody is called any more */
    loop_timer_cancel(provider->loop, &provider->soon);
    for (size_t i = 0; i < provider->operations.len; i++)
        operation_free(provider->operations.items[i]);
    VEC_FREE(&provider->operations);
    VEC_FREE(&provider->zones);
    interruptions_close(provider->interruptions);
    terminator_close(provider->terminator);
    launch_templates_close(provider->templates);
    aws_discovery_close(provider->discovery);
    market_close(provider->market);
    arena_release(&provider->arena);
    free(provider);
}

static const struct cloud_catalogue *catalogue(void *context)
{
    return market_catalogue(((const struct aws_provider *)context)->market);
}

static void on_changed(void *context)
{
    const struct aws_provider *provider = context;
    if (provider->sink.catalogue_changed)
        provider->sink.catalogue_changed(provider->sink.context);
}

static void start(void *context, const struct cloud_sink *sink)
{
    struct aws_provider *provider = context;
    provider->sink = *sink;
    market_start(provider->market, on_changed, provider);
    if (provider->interruptions)
        interruptions_start(provider->interruptions, sink);
}

static int acknowledge(void *context, struct str handle, bool ours, cloud_done_fn done, void *done_context,
                       struct err *err)
{
    struct interruptions *interruptions = ((struct aws_provider *)context)->interruptions;
    if (!interruptions)
        return err_set(err, ERR_INVALID, "there is no queue that %.*s could have come from", STR_ARG(handle));
    return interruptions_acknowledge(interruptions, handle, ours, done, done_context, err);
}

static int terminate(void *context, const struct str *ids, size_t n, cloud_terminated_fn done, void *done_context,
                     struct err *err)
{
    return terminator_ask(((struct aws_provider *)context)->terminator, ids, n, done, done_context, err);
}

struct cloud_provider aws_provider_provider(struct aws_provider *provider)
{
    return (struct cloud_provider){
        .catalogue = catalogue,
        .start = start,
        .zones = provider_zones,
        .prepare = provider_prepare,
        .launch = provider_launch,
        .list = provider_list,
        .terminate = terminate,
        .acknowledge = acknowledge,
        .check = provider_check,
        .context = provider,
    };
}

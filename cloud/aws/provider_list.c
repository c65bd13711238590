/* provider_list.c - which instances of our cluster there are. */
#include "cloud/aws/provider_internal.h"

struct listing {
    struct operation operation;
    struct str launch_id;
    struct instance_list list;
    struct err err;
    bool asked;
    cloud_listed_fn done;
    void *context;
};

static int on_page(void *context, const struct aws_answer *answer, struct err *err)
{
    struct listing *listing = context;
    return instances_read(answer->xml, &listing->operation.arena, &listing->list, err);
}

static void on_done(void *context, const struct aws_answer *answer)
{
    struct listing *listing = context;
    if (answer->err)
        listing->err = *answer->err;
    listing->operation.over = true;
    operations_step(listing->operation.provider);
}

static int ask(struct listing *listing, struct err *err)
{
    struct aws_provider *provider = listing->operation.provider;
    struct aws_call call = {.service = AWS_EC2, .action = "DescribeInstances"};
    const struct aws_pages_handler handler = {on_page, on_done, listing};
    int rc = instances_form(provider->cluster.name, listing->launch_id, &listing->operation.arena, &call.body, err);
    return rc ? rc : aws_client_pages(provider->client, &call, &handler, err);
}

static int step(struct operation *operation)
{
    struct listing *listing = (struct listing *)operation;
    if (!listing->asked && ask(listing, &listing->err))
        return 1;
    listing->asked = true;
    return 0;
}

static void finish(struct operation *operation)
{
    struct listing *listing = (struct listing *)operation;
    struct cloud_listed listed = {.err = listing->err.code ? &listing->err : NULL};
    for (size_t i = 0; i < listing->list.items.len; i++) {
        struct cloud_instance *instance = &listing->list.items.items[i];
        instance->price_microusd =
            market_price(operation->provider->market, instance->instance_type, instance->zone, instance->capacity_type);
    }
    if (!listed.err) {
        listed.instances = listing->list.items.items;
        listed.n = listing->list.items.len;
    }
    listing->done(listing->context, &listed);
}

static void release(struct operation *operation)
{
    VEC_FREE(&((struct listing *)operation)->list.items);
}

static const struct operation_kind kind = {step, finish, release};

int provider_list(void *context, struct str launch_id, cloud_listed_fn done, void *done_context, struct err *err)
{
    struct listing *listing = operation_new(context, &kind, sizeof(*listing));
    if (!listing)
        return err_nomem(err);
    listing->done = done;
    listing->context = done_context;
    listing->launch_id = str_dup(&listing->operation.arena, launch_id);
    int rc = listing->launch_id.ptr ? operation_begin(&listing->operation, err) : err_nomem(err);
    if (rc)
        operation_free(&listing->operation);
    return rc;
}

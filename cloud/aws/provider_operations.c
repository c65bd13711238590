/* provider_operations.c - calls under way: each is stepped whenever something that it may wait for has arrived. */
#include <assert.h>

#include "cloud/aws/provider_internal.h"

void *operation_new(struct aws_provider *provider, const struct operation_kind *kind, size_t size)
{
    assert(size >= sizeof(struct operation));
    struct operation *operation = calloc(1, size);
    if (!operation)
        return NULL;
    operation->kind = kind;
    operation->provider = provider;
    operation->since = loop_now(provider->loop);
    return operation;
}

void operation_free(struct operation *operation)
{
    if (operation->kind->release)
        operation->kind->release(operation);
    arena_release(&operation->arena);
    free(operation);
}

int operation_begin(struct operation *operation, struct err *err)
{
    struct aws_provider *provider = operation->provider;
    if (!VEC_PUSH(&provider->operations, operation))
        return err_nomem(err);
    int rc = loop_timer_after(provider->loop, &provider->soon, 0, err);
    if (rc)
        provider->operations.len--;
    return rc;
}

static void take_out(struct aws_provider *provider, size_t index)
{
    for (size_t i = index + 1; i < provider->operations.len; i++)
        provider->operations.items[i - 1] = provider->operations.items[i];
    provider->operations.len--;
}

void operations_step(void *context)
{
    struct aws_provider *provider = context;
    size_t i = 0;
    /* Whoever is told may begin another one: it stands behind, and is stepped in the same round. */
    while (i < provider->operations.len) {
        struct operation *operation = provider->operations.items[i];
        if (!operation->over && !operation->kind->step(operation)) {
            i++;
            continue;
        }
        take_out(provider, i);
        operation->kind->finish(operation);
        operation_free(operation);
    }
}

struct cloud_failure failure_of(const struct err *err, enum aws_error_scope scope)
{
    return (struct cloud_failure){
        .code = err->code,
        .reason = str_of(err->provider_code[0] ? err->provider_code : err_code_name(err->code)),
        .message = str_of(err->message),
        .whole_bucket = scope == AWS_SCOPE_QUOTA || scope == AWS_SCOPE_ACCOUNT,
        .instance_type = STR(""),
        .zone = STR(""),
    };
}

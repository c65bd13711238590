/* provider_internal.h - for provider*.c: what the calls under way have in common. */
#ifndef STOKER_CLOUD_AWS_PROVIDER_INTERNAL_H
#define STOKER_CLOUD_AWS_PROVIDER_INTERNAL_H

#include "base/vec.h"
#include "cloud/aws/client.h"
#include "cloud/aws/discovery.h"
#include "cloud/aws/instances.h"
#include "cloud/aws/interruptions.h"
#include "cloud/aws/launch_template.h"
#include "cloud/aws/market.h"
#include "cloud/aws/provider.h"

struct operation;

/*
 * A call under way that waits for look-ups, launch templates or answers. `step` is called whenever one has arrived, and
 * does what can be done: 0 nothing more, it goes on waiting; 1 it is over, `finish` tells the caller.
 */
struct operation_kind {
    int (*step)(struct operation *operation);
    void (*finish)(struct operation *operation);
    void (*release)(struct operation *operation); /* what is not in its arena; NULL: nothing */
};

struct operation {
    const struct operation_kind *kind;
    struct aws_provider *provider;
    struct arena arena; /* its own; the operation itself is malloced */
    struct clock_mono since;
    bool over;
};

enum { KNOWN_ZONES_MAX = 16, ZONE_MAX_BYTES = 32 };

/* Where a subnet selector finds subnets with addresses left. */
struct known_zones {
    uint64_t selector; /* hash */
    char zones[KNOWN_ZONES_MAX][ZONE_MAX_BYTES];
    size_t n;
};

struct aws_provider {
    struct loop *loop;
    struct arena arena; /* of the texts below */
    struct aws_client *client;
    struct aws_cluster cluster;
    struct str version, instance_profile, queue;
    struct cloud_sink sink; /* all NULL before start */
    struct market *market;
    struct aws_discovery *discovery;
    struct launch_templates *templates;
    struct terminator *terminator;
    struct interruptions *interruptions; /* NULL: no queue */
    VEC(struct known_zones) zones;       /* by selector, as last looked up */
    VEC(struct operation *) operations;
    struct loop_timer soon; /* steps the operations from the loop */
};

/*
 * Begins an operation of `size` bytes, whose first member is a struct operation; it is stepped from the loop. Fill it
 * in, then call operation_begin. NULL: memory ran out.
 */
void *operation_new(struct aws_provider *provider, const struct operation_kind *kind, size_t size);
void operation_free(struct operation *operation);
/* The caller frees it where this fails. ERR_NOMEM. */
CC_MUST_CHECK int operation_begin(struct operation *operation, struct err *err);
/* Steps all that wait; from the loop. */
void operations_step(void *context);

/* Who is to blame, as the caller wants to know it. Texts are those of `err`. */
struct cloud_failure failure_of(const struct err *err, enum aws_error_scope scope);

/* In provider_prepare.c: the template's instance profile, else the one that --instance-profile names; "": neither. */
struct str provider_profile(const struct aws_provider *provider, const struct cloud_template *template_);
/* aws_user_data, and ERR_INVALID too where the node could not join for want of an instance profile. */
CC_MUST_CHECK int provider_user_data(const struct aws_provider *provider, const struct cloud_template *template_,
                                     const struct cloud_bootstrap *bootstrap, struct arena *arena, struct str *ret,
                                     struct err *err);

/* provider_prepare.c, provider_zones.c, provider_launch.c, provider_list.c, provider_check.c */
CC_MUST_CHECK int provider_prepare(void *context, const struct cloud_launch_plan *plan, cloud_prepared_fn done,
                                   void *done_context, struct err *err);
bool provider_zones(void *context, const struct cloud_template *template_, struct arena *arena, struct str **ret,
                    size_t *ret_n);
CC_MUST_CHECK int provider_launch(void *context, struct str launch_id, struct str request, cloud_launched_fn done,
                                  void *done_context, struct err *err);
CC_MUST_CHECK int provider_list(void *context, struct str launch_id, cloud_listed_fn done, void *done_context,
                                struct err *err);
CC_MUST_CHECK int provider_check(void *context, const struct cloud_template *const *templates, size_t n,
                                 cloud_check_fn done, void *done_context, struct err *err);

#endif

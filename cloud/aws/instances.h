/* instances.h - the instances of our cluster: which there are, and giving them back in batches. */
#ifndef STOKER_CLOUD_AWS_INSTANCES_H
#define STOKER_CLOUD_AWS_INSTANCES_H

#include "base/loop.h"
#include "base/vec.h"
#include "cloud/aws/client.h"
#include "cloud/provider.h"

/* The form of DescribeInstances for what carries our tag (and the launch's, unless "") and is not going. ERR_NOMEM. */
CC_MUST_CHECK int instances_form(struct str cluster, struct str launch_id, struct arena *arena, struct str *ret,
                                 struct err *err);

struct instance_list {
    VEC(struct cloud_instance) items; /* malloced */
};

/*
 * Appends what a page of DescribeInstances tells, texts in `arena`; price_microusd -1. Instances that are shutting
 * down or terminated are left out. ERR_INVALID: an instance without an id. ERR_NOMEM.
 */
CC_MUST_CHECK int instances_read(const struct xml *page, struct arena *arena, struct instance_list *list,
                                 struct err *err);

struct terminator;

enum {
    TERMINATE_WINDOW_MS = 10, /* what is asked for within it goes together */
    TERMINATE_BATCH_MAX = 500
};

/* Batches TerminateInstances. */
CC_MUST_CHECK int terminator_open(struct loop *loop, struct aws_client *client, struct terminator **ret,
                                  struct err *err);
void terminator_close(struct terminator *terminator); /* who waits is not called any more */

/*
 * As cloud_provider.terminate. Ids that EC2 does not know count as gone. Those that it refuses (malformed, protected
 * from termination) fail alone: all others of the batch go.
 */
CC_MUST_CHECK int terminator_ask(struct terminator *terminator, const struct str *ids, size_t n,
                                 cloud_terminated_fn done, void *context, struct err *err);

/* The ids that a message of InvalidInstanceID.NotFound names: "i-" and hex digits. Each as it comes. */
bool terminate_next_id(struct str *rest, struct str *ret);

#endif

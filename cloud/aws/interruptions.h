/* interruptions.h - listens to the queue of interruptions: notices go out, and stay in the queue until acted on. */
#ifndef STOKER_CLOUD_AWS_INTERRUPTIONS_H
#define STOKER_CLOUD_AWS_INTERRUPTIONS_H

#include "base/chance.h"
#include "base/loop.h"
#include "cloud/aws/client.h"
#include "cloud/provider.h"

enum {
    INTERRUPTIONS_MAX = 1000,      /* messages we wait for; the oldest are forgotten, and come again */
    INTERRUPTIONS_DELETE_MS = 20,  /* what is to be deleted within it goes together */
    INTERRUPTIONS_EMPTY_MS = 500,  /* between polls that answer at once with nothing */
    INTERRUPTIONS_RETRY_MS = 1000, /* after an error, doubled each time */
    INTERRUPTIONS_RETRY_MOST_MS = 30 * 1000
};

struct interruptions;

/* `queue` is its name. Calls nobody before start. */
CC_MUST_CHECK int interruptions_open(struct loop *loop, struct aws_client *client, const struct chance *chance,
                                     struct str queue, struct interruptions **ret, struct err *err);
void interruptions_close(struct interruptions *interruptions);

/*
 * Begins to listen: a process that may not act must not, for what it takes is hidden from all others for a while.
 * The sink is copied.
 */
void interruptions_start(struct interruptions *interruptions, const struct cloud_sink *sink);

/*
 * As cloud_provider.acknowledge. A message of several instances is deleted once all are acknowledged; before, a
 * scaling group's wait is completed, unless it was not ours. A handle that we do not know any more is done.
 */
CC_MUST_CHECK int interruptions_acknowledge(struct interruptions *interruptions, struct str handle, bool ours,
                                            cloud_done_fn done, void *context, struct err *err);

#endif

/* region.h - the region we are in, where nobody said it: the instance's own. */
#ifndef STOKER_CLOUD_AWS_REGION_H
#define STOKER_CLOUD_AWS_REGION_H

#include "base/http.h"
#include "base/loop.h"
#include "cloud/aws/environment.h"

/* `region` is borrowed for the call; "" where `err` says why. */
typedef void (*aws_region_fn)(void *context, struct str region, const struct err *err);

struct aws_region_search;

/*
 * AWS_REGION, AWS_DEFAULT_REGION, the profile's region, instance metadata. Calls `done` once from the loop, never from
 * within; the search is gone then. ERR_INVALID and ERR_AUTH: the shared files.
 */
CC_MUST_CHECK int aws_region_find(struct loop *loop, struct http http, const struct aws_environment *environment,
                                  aws_region_fn done, void *context, struct aws_region_search **ret, struct err *err);
void aws_region_cancel(struct aws_region_search *search);

#endif

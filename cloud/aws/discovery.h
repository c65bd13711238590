/* discovery.h - subnets, security groups and images that a template's selectors find, kept for a minute. */
#ifndef STOKER_CLOUD_AWS_DISCOVERY_H
#define STOKER_CLOUD_AWS_DISCOVERY_H

#include "base/loop.h"
#include "cloud/aws/client.h"
#include "cloud/provider.h"

struct aws_subnet {
    struct str id, zone;
    int64_t free_addresses;
};

struct aws_image {
    struct str id, arch; /* "amd64", "arm64" */
    struct str created;  /* ISO 8601: sorts as text */
    struct str name;
};

struct aws_discovery;

enum {
    AWS_DISCOVERY_FRESH_MS = 60 * 1000,        /* no new look-up while the answer is younger */
    AWS_DISCOVERY_STALE_MS = 10 * 60 * 1000,   /* an answer serves that long while AWS is away */
    AWS_DISCOVERY_MAX = 256,                   /* different look-ups; those not used for longest are forgotten */
    AWS_DISCOVERY_PROMISED_MS = 2 * 60 * 1000, /* addresses of machines that the next answer does not show yet */
    AWS_DISCOVERY_DRY_MS = 3 * 60 * 1000       /* a subnet without a free address is left out */
};

/* `arrived`: something that was pending is there now, or failed. Called from the loop. */
CC_MUST_CHECK int aws_discovery_open(struct loop *loop, struct aws_client *client, void (*arrived)(void *context),
                                     void *context, struct aws_discovery **ret, struct err *err);
void aws_discovery_close(struct aws_discovery *discovery); /* before the client is closed, or after it */

/*
 * Each returns 0 and what was found; or AWS_DISCOVERY_PENDING, having begun to look: ask again once `arrived` is
 * called; or an error. `since`: when the asker began: an answer, or failure, that came later counts as fresh. What is
 * returned holds until the loop goes on.
 *
 * A selector is a map as in a NodeTemplate: tag to value ("*": any; commas separate alternatives); "aws-ids" (and
 * "aws::ids") is a list of ids; images know "aws::name" and "aws::owners" too, and are Amazon's or the account's own
 * unless owners or ids are given. Source: Karpenter v0.29, docs of AWSNodeTemplate.
 */
enum { AWS_DISCOVERY_PENDING = 1 };
struct aws_selector {
    const struct cloud_label *items;
    size_t n;
};
CC_MUST_CHECK int aws_discovery_subnets(struct aws_discovery *discovery, struct aws_selector selector,
                                        struct clock_mono since, const struct aws_subnet **ret, size_t *ret_count,
                                        struct err *err);
CC_MUST_CHECK int aws_discovery_groups(struct aws_discovery *discovery, struct aws_selector selector,
                                       struct clock_mono since, const struct str **ret_ids, size_t *ret_count,
                                       struct err *err);
CC_MUST_CHECK int aws_discovery_images(struct aws_discovery *discovery, struct aws_selector selector,
                                       struct clock_mono since, const struct aws_image **ret, size_t *ret_count,
                                       struct err *err);
/* The value of an SSM parameter. */
CC_MUST_CHECK int aws_discovery_parameter(struct aws_discovery *discovery, struct str name, struct clock_mono since,
                                          struct str *ret, struct err *err);

/* The zone's subnet with the most addresses left, promised ones taken off; NULL if there is none with one left. */
const struct aws_subnet *aws_discovery_pick(const struct aws_discovery *discovery, const struct aws_subnet *subnets,
                                            size_t n, struct str zone);
/* Up to `count` machines will be made in that subnet. */
void aws_discovery_promise(struct aws_discovery *discovery, struct str subnet_id, uint32_t count);
/* EC2 said that it has no free address. */
void aws_discovery_dry(struct aws_discovery *discovery, struct str subnet_id);

#endif

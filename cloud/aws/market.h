/* market.h - what EC2 sells and for how much, as far as we know now: the built-in catalogue and what was looked up. */
#ifndef STOKER_CLOUD_AWS_MARKET_H
#define STOKER_CLOUD_AWS_MARKET_H

#include "base/loop.h"
#include "cloud/aws/catalogue.h"
#include "cloud/aws/client.h"

struct market;

/* Starts with the catalogue that is built in, or the user's prices. As aws_catalogue_load. */
CC_MUST_CHECK int market_open(struct loop *loop, struct aws_client *client, const struct aws_catalogue_source *source,
                              struct market **ret, struct err *err);
void market_close(struct market *market);

/* Always there; another one after `changed`, the old one valid for 10 min more. */
const struct cloud_catalogue *market_catalogue(const struct market *market);

/* The type of that name; NULL if it is not on sale. */
const struct cloud_type *market_type(const struct market *market, struct str name);
/* Micro-dollars per hour of a pool now; -1 if it is not on sale. */
int64_t market_price(const struct market *market, struct str type, struct str zone,
                     enum cloud_capacity_type capacity_type);

#endif

/* market.h - what EC2 sells and for how much, as far as we know now: the built-in catalogue and what was looked up. */
#ifndef STOKER_CLOUD_AWS_MARKET_H
#define STOKER_CLOUD_AWS_MARKET_H

#include "base/loop.h"
#include "cloud/aws/catalogue.h"
#include "cloud/aws/client.h"

struct market;

enum {
    MARKET_TYPES_MS = 12 * 3600 * 1000, /* types, places and On-Demand prices are looked up that often */
    MARKET_SPOT_MS = 5 * 60 * 1000,     /* spot prices */
    MARKET_RETRY_MS = 10 * 60 * 1000,   /* after a failure: what is known serves meanwhile */
    MARKET_EMPTY_RETRY_MS = 15 * 1000,  /* after a failure while nothing is known to be on sale */
    MARKET_OLD_MS = 10 * 60 * 1000      /* a catalogue that was replaced stays valid */
};

/*
 * Starts with the catalogue that is built in; an empty one for a region without built-in prices, until they are looked
 * up. ERR_NOMEM.
 */
CC_MUST_CHECK int market_open(struct loop *loop, struct aws_client *client, struct str region, struct market **ret,
                              struct err *err);
void market_close(struct market *market);

/* Begins to look up; `changed` is called from the loop after there is another catalogue. */
void market_start(struct market *market, void (*changed)(void *context), void *context);

/* Always there; another one after `changed`, the old one valid for MARKET_OLD_MS more. */
const struct cloud_catalogue *market_catalogue(const struct market *market);

/* The type of that name; NULL if it is not on sale. */
const struct cloud_type *market_type(const struct market *market, struct str name);
/* Micro-dollars per hour of a pool now; -1 if it is not on sale. */
int64_t market_price(const struct market *market, struct str type, struct str zone,
                     enum cloud_capacity_type capacity_type);

#endif

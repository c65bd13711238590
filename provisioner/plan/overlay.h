/* overlay.h - a user's prices over the list prices: Savings Plans, private discounts. */
#ifndef STOKER_PROVISIONER_PLAN_OVERLAY_H
#define STOKER_PROVISIONER_PLAN_OVERLAY_H

#include "base/diag.h"
#include "base/doc.h"
#include "base/err.h"
#include "provisioner/api/objects.h"

/*
 * A file (--price-overlay), documents of the form
 *   kind: PriceOverlay
 *   spec: {requirements: [{key, operator, values}], adjust: "-35%"}      or   price: "0.0421"
 * applied in file order: the last one that matches an offering wins. adjust is per cent of the list price in -100..1000
 * (exclusive at -100: a price stays above 0), price is USD per hour.
 */
struct overlay_rule {
    struct requirements requirements;
    bool absolute;
    int64_t price_microusd;   /* absolute */
    int64_t adjust_permyriad; /* hundredths of a per cent, signed */
};

/* A zeroed struct is an overlay without rules. */
struct overlay {
    VEC(struct overlay_rule) rules;
    struct objects kept; /* owns what the rules point to */
};

/*
 * Adds the rules of a file. What is wrong is a finding by file, line and field, and makes it ERR_INVALID; ERR_NOMEM.
 */
CC_MUST_CHECK int overlay_read(struct overlay *overlay, struct str bytes, const char *file, struct diag *diag,
                               struct err *err);

/* The price after one rule; at least 1 micro-dollar. */
int64_t overlay_price(const struct overlay_rule *rule, int64_t list_microusd);

void overlay_release(struct overlay *overlay);

#endif

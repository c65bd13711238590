/* facts.h - what was looked up about instance types, where they are sold and for how much; and the catalogue of it. */
#ifndef STOKER_CLOUD_AWS_FACTS_H
#define STOKER_CLOUD_AWS_FACTS_H

#include "base/clock.h"
#include "base/intern.h"
#include "base/vec.h"
#include "cloud/aws/catalogue.h"
#include "cloud/aws/xml.h"

struct fact {
    int64_t price_microusd; /* per hour; 0 where only the place is told */
    struct clock_wall at;   /* when it was set; 0 not said */
};

/* By name: "m5.large", or "m5.large\tus-west-2a". */
struct facts {
    struct intern names;
    VEC(struct fact) items; /* by id in names */
    bool known;             /* a look-up was completed */
};

struct type_facts {
    struct arena arena; /* of the texts */
    VEC(struct aws_type) items;
    bool known;
};

void facts_release(struct facts *facts);
void type_facts_release(struct type_facts *facts);

/* Sets a fact, unless a newer one of that name is there. ERR_NOMEM. */
CC_MUST_CHECK int facts_set(struct facts *facts, struct str name, int64_t price_microusd, struct clock_wall at,
                            struct err *err);
/* NULL if there is none. */
const struct fact *facts_get(const struct facts *facts, struct str name);

/* A spot price that is older is not today's: EC2 keeps 90 days. Nor is one of tomorrow. */
enum { FACTS_SPOT_MAX_AGE_DAYS = 90 };

/*
 * Read a page each: DescribeInstanceTypes, DescribeInstanceTypeOfferings, DescribeSpotPriceHistory. Items that make no
 * sense or that no node could use (another processor) are passed by; zones are those of the region itself
 * ("us-west-2a"): Local Zones have prices of their own, which are not looked up. ERR_NOMEM.
 */
CC_MUST_CHECK int facts_read_types(const struct xml *page, struct type_facts *facts, struct err *err);
CC_MUST_CHECK int facts_read_places(const struct xml *page, struct str region, struct facts *facts, struct err *err);
CC_MUST_CHECK int facts_read_spot(const struct xml *page, struct str region, struct clock_wall now, struct facts *facts,
                                  struct err *err);
/* One of GetProducts' PriceList: a JSON text. Source: AWS Price List, "Finding services and products". */
CC_MUST_CHECK int facts_read_product(struct str product, struct arena *arena, struct facts *on_demand, struct err *err);

/* Copies of the types, texts included, in `arena`. `to` has room for all. ERR_NOMEM. */
CC_MUST_CHECK int facts_copy_types(const struct type_facts *facts, struct arena *arena, struct aws_type *to,
                                   struct err *err);

struct facts_all {
    struct type_facts types;
    struct facts places, on_demand, spot;
};

/*
 * Prices as a table for aws_catalogue_load: those of `base` (which may be empty), and over them what is known. Where
 * places are known they alone say what is sold where. Text in `arena`.
 */
CC_MUST_CHECK int facts_merge(const struct facts_all *facts, const struct cloud_catalogue *base, struct arena *arena,
                              struct str *ret_prices_tsv, struct err *err);

#endif

/* decode_spark_policy.c - our own additions to a Provisioner: spec.spark and spec.spot. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/schema.h"

/* A price ratio above this is taken for a mistake. */
static const double RATIO_MAX = 1000;

static void decode_role(const struct field *spark, const char *name, enum role_capacity *ret)
{
    static const char *const types[] = {"any", "on-demand", "spot", NULL}; /* by enum role_capacity */
    struct field field = field_any(spark, name);
    int choice;
    if (field_choice(&field, types, &choice))
        *ret = (enum role_capacity)choice;
}

static void decode_spark(const struct field *spark, struct provisioner *ret)
{
    static const char *const zones[] = {"any", "prefer", "single", NULL}; /* by enum spark_zone_mode */
    struct field zone = field_any(spark, "zone"), premium = field_any(spark, "zonePremium"),
                 gang = field_any(spark, "gangMinShare"), look_ahead = field_map(spark, "lookAhead");
    int choice;
    (void)look_ahead; /* of the running controller only; that it is a map was checked */
    schema_only(spark, SCHEMA_PROVISIONER, "spec.spark");
    if (field_choice(&zone, zones, &choice))
        ret->zone_mode = (enum spark_zone_mode)choice;
    field_number(&premium, 0, 1, true, &ret->zone_premium);
    field_number(&gang, 0, 1, false, &ret->gang_min_share);
    decode_role(spark, "driverCapacityType", &ret->driver_capacity);
    decode_role(spark, "executorCapacityType", &ret->executor_capacity);
}

static void decode_spot(const struct field *spot, struct provisioner *ret)
{
    /* What a spot request of EC2 Fleet can say. Source: EC2 API, SpotOptionsRequest. */
    static const char *const strategies[] = {"capacity-optimized-prioritized",
                                             "capacity-optimized",
                                             "price-capacity-optimized",
                                             "lowest-price",
                                             "diversified",
                                             NULL};
    static const char *const actions[] = {"Record", "Replace", NULL};
    struct field ratio = field_any(spot, "maxPriceRatio"), share = field_any(spot, "maxPoolShare"),
                 action = field_any(spot, "onRebalance"), strategy = field_any(spot, "allocationStrategy");
    double value;
    int choice;
    schema_only(spot, SCHEMA_PROVISIONER, "spec.spot");
    if (field_choice(&action, actions, &choice))
        ret->replace_on_rebalance = choice == 1;
    if (field_choice(&strategy, strategies, &choice))
        ret->strategy = str_of(strategies[choice]);
    field_number(&ratio, 1, RATIO_MAX, false, &ret->max_price_ratio);
    if (!field_number(&share, 0, 1, false, &value))
        return;
    if (value > 0)
        ret->max_pool_share = value;
    else
        field_bad(&share, "is 0, allowed is a number above 0 and up to 1 (1 is off)");
}

void decode_spark_policy(const struct field *spec, struct provisioner *ret)
{
    struct field spark = field_map(spec, "spark"), spot = field_map(spec, "spot");
    decode_spark(&spark, ret);
    decode_spot(&spot, ret);
}

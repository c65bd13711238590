#include "cloud/aws/builtin.h"

#include <string.h>

#include "base/cc.h"

extern const char aws_builtin_types[], aws_builtin_types_end[];
extern const char aws_builtin_eu_west_1[], aws_builtin_eu_west_1_end[];
extern const char aws_builtin_us_east_1[], aws_builtin_us_east_1_end[];
extern const char aws_builtin_us_west_2[], aws_builtin_us_west_2_end[];

const struct builtin_table builtin_types = {"ec2-instance-types.tsv", NULL, aws_builtin_types, aws_builtin_types_end};

static const struct builtin_table prices[] = {
    {"ec2-prices-eu-west-1.tsv", "eu-west-1", aws_builtin_eu_west_1, aws_builtin_eu_west_1_end},
    {"ec2-prices-us-east-1.tsv", "us-east-1", aws_builtin_us_east_1, aws_builtin_us_east_1_end},
    {"ec2-prices-us-west-2.tsv", "us-west-2", aws_builtin_us_west_2, aws_builtin_us_west_2_end},
};

const char *const builtin_regions[] = {"eu-west-1", "us-east-1", "us-west-2", NULL};

const char builtin_price_note[] =
    "Built-in prices of 2026-07-20: On-Demand is the us-east-1 list price in every region; spot is On-Demand less the "
    "region's published saving, times a fixed 0.94 to 1.06 by type and zone, as zonal spot prices are not published.";

const struct builtin_table *builtin_prices(const char *region)
{
    for (size_t i = 0; i < CC_COUNT(prices); i++)
        if (strcmp(prices[i].region, region) == 0)
            return &prices[i];
    return NULL;
}

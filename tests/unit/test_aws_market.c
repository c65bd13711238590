/* test_aws_market.c - what is on sale: answers read into facts, facts over the built-in catalogue, looked up in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/facts.h"
#include "cloud/aws/market.h"
#include "tests/support/aws_world.h"

static const struct clock_wall now = {VIRTUAL_TIME_START_S * 1000000000};

#define TYPE(name, rest)                                                                                          \
    "<item><instanceType>" name "</instanceType><hypervisor>nitro</hypervisor><processorInfo><manufacturer>Intel" \
    "</manufacturer><supportedArchitectures><item>i386</item><item>x86_64</item></supportedArchitectures>"        \
    "</processorInfo><vCpuInfo><defaultVCpus>8</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>32768</sizeInMiB>" \
    "</memoryInfo><networkInfo><maximumNetworkInterfaces>8</maximumNetworkInterfaces><defaultNetworkCardIndex>0"  \
    "</defaultNetworkCardIndex><ipv4AddressesPerInterface>15</ipv4AddressesPerInterface><networkCards>"           \
    "<item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>4</maximumNetworkInterfaces>"          \
    "<baselineBandwidthInGbps>2.5</baselineBandwidthInGbps></item></networkCards>"                                \
    "<encryptionInTransitSupported>true</encryptionInTransitSupported></networkInfo>" rest "</item>"
static const char types_xml[] = "<DescribeInstanceTypesResponse><instanceTypeSet>" TYPE(
    "z9d.2xlarge", "<instanceStorageInfo><totalSizeInGB>300</totalSizeInGB></instanceStorageInfo><gpuInfo><gpus>"
                   "<item><count>2</count><manufacturer>NVIDIA</manufacturer><name>X1</name></item></gpus>"
                   "<totalGpuMemoryInMiB>4096</totalGpuMemoryInMiB></gpuInfo>")
    TYPE("bad name", "") "<item><instanceType>mac9.metal</instanceType></item>"
                         "</instanceTypeSet></DescribeInstanceTypesResponse>";
#define PLACE(type, zone) "<item><instanceType>" type "</instanceType><location>" zone "</location></item>"
static const char places_xml[] =
    "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet>" PLACE("m5.large", "us-east-1a")
        PLACE("m5.large", "us-east-1b") PLACE("z9d.2xlarge", "us-east-1b")
            PLACE("m5.large", "us-east-1-bos-1a") "</instanceTypeOfferingSet></DescribeInstanceTypeOfferingsResponse>";
#define SPOT(type, zone, price, at)                                                                            \
    "<item><instanceType>" type "</instanceType><spotPrice>" price "</spotPrice><timestamp>" at "</timestamp>" \
    "<availabilityZone>" zone "</availabilityZone></item>"
static const char spot_xml[] = "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet>" SPOT(
    "m5.large", "us-east-1a", "0.0310", "2025-12-30T00:00:00.000Z")
    SPOT("m5.large", "us-east-1a", "0.0410", "2025-12-31T00:00:00.000Z")
        SPOT("m5.large", "us-east-1a", "0.0210", "2025-12-29T00:00:00.000Z") SPOT("m5.large", "us-east-1b", "0.00001",
                                                                                  "2006-01-01T00:00:00.000Z")
            SPOT("z9d.2xlarge", "us-east-1b", "0.5", "2025-12-31T00:00:00.000Z")
                SPOT("z9d.2xlarge", "us-east-1b", "free", "2025-12-31T00:00:00.000Z")
                    SPOT("z9d.2xlarge", "us-east-1b", "9", "2027-12-31T00:00:00.000Z")
                        SPOT("q1.new", "us-east-1b", "0.5",
                             "2025-12-31T00:00:00.000Z") "</spotPriceHistorySet></DescribeSpotPriceHistoryResponse>";
#define PRODUCT(type, usd)                                                                            \
    "{\"product\":{\"attributes\":{\"instanceType\":\"" type "\"}},\"terms\":{\"OnDemand\":{\"A.B\":" \
    "{\"priceDimensions\":{\"A.B.C\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"USD\":\"" usd "\"}}}}}}}"
static const char products_json[] =
    "{\"PriceList\":[\"{\\\"product\\\":{\\\"attributes\\\":{\\\"instanceType\\\":\\\"z9d.2xlarge\\\"}},\\\"terms\\\":"
    "{\\\"OnDemand\\\":{\\\"A\\\":{\\\"priceDimensions\\\":{\\\"B\\\":{\\\"pricePerUnit\\\":{\\\"USD\\\":"
    "\\\"1.25\\\"}}}}}}}\"]}";

static const struct xml *xml_of(const char *text, struct arena *arena)
{
    const struct xml *xml;
    assert_int_equal(xml_read(str_of(text), arena, &xml, NULL), 0);
    return xml;
}

static void types_of_an_answer(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct type_facts facts = {0};
    const struct xml *page = xml_of(types_xml, &arena);
    assert_int_equal(facts_read_types(page, &facts, NULL), 0);
    assert_int_equal(facts_read_types(page, &facts, NULL), 0); /* once more: nothing twice */
    arena_release(&arena);
    assert_int_equal(facts.items.len, 1);
    const struct aws_type *type = &facts.items.items[0];
    assert_true(str_is(type->name, "z9d.2xlarge"));
    assert_true(str_is(type->arch, "amd64"));
    assert_true(str_is(type->gpu_manufacturer, "NVIDIA"));
    assert_int_equal(type->vcpu, 8);
    assert_int_equal(type->memory_mib, 32768);
    assert_int_equal(type->enis, 8);
    assert_int_equal(type->default_card_enis, 4);
    assert_int_equal(type->network_mbps, 2500);
    assert_int_equal(type->nvme_gb, 300);
    assert_int_equal(type->gpus, 2);
    assert_int_equal(type->gpu_memory_mib, 4096);
    assert_int_equal(type->encrypts, 1);
    type_facts_release(&facts);
}

static void only_prices_of_today(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct facts spot = {0};
    assert_int_equal(facts_read_spot(xml_of(spot_xml, &arena), STR("us-east-1"), now, &spot, NULL), 0);
    assert_int_equal(facts_get(&spot, STR("m5.large\tus-east-1a"))->price_microusd, 41000); /* the newest */
    assert_null(facts_get(&spot, STR("m5.large\tus-east-1b")));                             /* of 2006 */
    assert_int_equal(facts_get(&spot, STR("z9d.2xlarge\tus-east-1b"))->price_microusd, 500000);
    facts_release(&spot);
    arena_release(&arena);
}

static void products(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct facts prices = {0};
    assert_int_equal(facts_read_product(STR(PRODUCT("m5.large", "0.0960000000")), &arena, &prices, NULL), 0);
    assert_int_equal(facts_read_product(STR(PRODUCT("m5.free", "0.0000000000")), &arena, &prices, NULL), 0);
    assert_int_equal(facts_read_product(STR("{\"product\":{\"attributes\":{\"instanceType\":\"m5.xlarge\"}},"
                                            "\"terms\":{\"OnDemand\":{\"A\":{\"priceDimensions\":{\"B\":"
                                            "{\"pricePerUnit\":{\"CNY\":\"1.5\"}}}}}}}"),
                                        &arena, &prices, NULL),
                     0);
    assert_int_equal(facts_get(&prices, STR("m5.xlarge"))->price_microusd, 1500000); /* of China's regions */
    assert_int_equal(facts_read_product(STR("{\"product\":1}"), &arena, &prices, NULL), 0);
    assert_int_equal(facts_read_product(STR("no json"), &arena, &prices, NULL), 0);
    assert_int_equal(facts_get(&prices, STR("m5.large"))->price_microusd, 96000);
    assert_null(facts_get(&prices, STR("m5.free")));
    facts_release(&prices);
    arena_release(&arena);
}

struct world {
    struct aws_world base;
    struct market *market;
    size_t changes;
};

static void on_changed(void *context)
{
    ((struct world *)context)->changes++;
}

static struct world *world_open(const char *region)
{
    struct world *world = calloc(1, sizeof(*world));
    struct err err = {0};
    aws_world_open_actions(&world->base);
    aws_world_connect(&world->base, region);
    if (market_open(&world->base.loop, world->base.client, str_of(region), &world->market, &err))
        fail_msg("%s", err.message);
    return world;
}

static void world_close(struct world *world)
{
    market_close(world->market);
    aws_world_close(&world->base);
    free(world);
}

static void looked_up_over_what_is_built_in(void **state)
{
    (void)state;
    struct world *world = world_open("us-east-1");
    struct market *market = world->market;
    const struct cloud_catalogue *first = market_catalogue(market);
    int64_t listed = market_price(market, STR("m5.large"), STR("us-east-1b"), CLOUD_ON_DEMAND);
    int64_t spot = market_price(market, STR("m5.large"), STR("us-east-1b"), CLOUD_SPOT);
    assert_int_equal(listed, 96000);
    assert_null(market_type(market, STR("z9d.2xlarge")));
    assert_non_null(market_type(market, STR("c5.large")));
    assert_non_null(first->price_note);
    fake_aws_always(world->base.aws, "DescribeInstanceTypes", 200, types_xml);
    fake_aws_always(world->base.aws, "DescribeInstanceTypeOfferings", 200, places_xml);
    fake_aws_always(world->base.aws, "DescribeSpotPriceHistory", 200, spot_xml);
    fake_aws_always(world->base.aws, "GetProducts", 200, products_json);
    market_start(market, on_changed, world);
    virtual_time_run(&world->base.loop, 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeInstanceTypes"), 1);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "DescribeInstanceTypes", 0), "InstanceType.1=z9d.2xlarge"));
    assert_null(strstr(fake_aws_body(world->base.aws, "DescribeInstanceTypes", 0), "m5.large"));
    assert_true(world->changes >= 1);
    const struct cloud_type *type = market_type(market, STR("z9d.2xlarge"));
    assert_non_null(type);
    assert_int_equal(type->vcpu, 8);
    assert_int_equal(market_price(market, STR("z9d.2xlarge"), STR("us-east-1b"), CLOUD_ON_DEMAND), 1250000);
    assert_int_equal(market_price(market, STR("z9d.2xlarge"), STR("us-east-1b"), CLOUD_SPOT), 500000);
    assert_int_equal(market_price(market, STR("m5.large"), STR("us-east-1a"), CLOUD_SPOT), 41000);
    /* Not looked up: as it is built in. */
    assert_int_equal(market_price(market, STR("m5.large"), STR("us-east-1b"), CLOUD_ON_DEMAND), listed);
    assert_int_equal(market_price(market, STR("m5.large"), STR("us-east-1b"), CLOUD_SPOT), spot);
    /* Not offered. */
    assert_int_equal(market_price(market, STR("m5.large"), STR("us-east-1c"), CLOUD_ON_DEMAND), -1);
    assert_null(market_type(market, STR("c5.large")));
    assert_null(market_catalogue(market)->price_note);
    assert_int_equal(first->zones[0].len, 10); /* the old one is still there */
    world_close(world);
}

static void in_time_and_only_when_something_changed(void **state)
{
    (void)state;
    struct world *world = world_open("us-east-1");
    fake_aws_always(world->base.aws, "DescribeInstanceTypeOfferings", 200, places_xml);
    fake_aws_always(world->base.aws, "DescribeInstanceTypes", 200, types_xml);
    fake_aws_always(world->base.aws, "DescribeSpotPriceHistory", 200, spot_xml);
    fake_aws_always(world->base.aws, "GetProducts", 403, "{\"__type\":\"AccessDeniedException\"}");
    market_start(world->market, on_changed, world);
    virtual_time_run(&world->base.loop, 60 * 1000);
    size_t changes = world->changes;
    const struct cloud_catalogue *catalogue = market_catalogue(world->market);
    assert_true(changes >= 1);
    assert_non_null(catalogue->price_note); /* On-Demand prices are still the built-in ones */
    virtual_time_run(&world->base.loop, 3600 * 1000);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeSpotPriceHistory"), 13);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeInstanceTypeOfferings"), 1);
    assert_int_equal(fake_aws_count(world->base.aws, "GetProducts"), 7);
    assert_int_equal(world->changes, changes);
    assert_ptr_equal(market_catalogue(world->market), catalogue);
    virtual_time_run(&world->base.loop, MARKET_TYPES_MS);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeInstanceTypeOfferings"), 2);
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeInstanceTypes"), 1);
    world_close(world);
}

static void aws_is_away(void **state)
{
    (void)state;
    struct world *world = world_open("us-east-1");
    const struct cloud_catalogue *first = market_catalogue(world->market);
    fake_aws_always(world->base.aws, "DescribeInstanceTypeOfferings", 0, "");
    fake_aws_always(world->base.aws, "DescribeSpotPriceHistory", 500, "");
    fake_aws_always(world->base.aws, "GetProducts", 200, "{\"PriceList\":\"nonsense\"}");
    market_start(world->market, on_changed, world);
    virtual_time_run(&world->base.loop, 3600 * 1000);
    assert_int_equal(world->changes, 0);
    assert_ptr_equal(market_catalogue(world->market), first);
    world_close(world);
}

static void a_region_without_built_in_prices(void **state)
{
    (void)state;
    struct world *world = world_open("mars-east-1");
    assert_int_equal(market_catalogue(world->market)->n_types, 0);
    assert_null(market_type(world->market, STR("m5.large")));
    fake_aws_always(
        world->base.aws, "DescribeInstanceTypeOfferings", 200,
        "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet>" PLACE(
            "m5.large", "mars-east-1a") "</instanceTypeOfferingSet></DescribeInstanceTypeOfferingsResponse>");
    /* Nothing can be launched before prices are there: a failure is not waited out for long. */
    fake_aws_once(world->base.aws, "DescribeInstanceTypeOfferings", 403, "");
    fake_aws_once(world->base.aws, "DescribeSpotPriceHistory", 403, "");
    fake_aws_always(world->base.aws, "DescribeSpotPriceHistory", 200,
                    "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet>" SPOT(
                        "m5.large", "mars-east-1a", "0.07",
                        "2025-12-31T00:00:00.000Z") "</spotPriceHistorySet></DescribeSpotPriceHistoryResponse>");
    fake_aws_always(world->base.aws, "GetProducts", 200, "{}");
    market_start(world->market, on_changed, world);
    virtual_time_run(&world->base.loop, 1000);
    assert_int_equal(market_catalogue(world->market)->n_offerings, 0);
    virtual_time_run(&world->base.loop, MARKET_EMPTY_RETRY_MS);
    assert_int_equal(market_price(world->market, STR("m5.large"), STR("mars-east-1a"), CLOUD_SPOT), 70000);
    /* There is no price list: On-Demand is sold at that of us-east-1, which is said. */
    assert_int_equal(market_price(world->market, STR("m5.large"), STR("mars-east-1a"), CLOUD_ON_DEMAND), 96000);
    assert_int_equal(market_catalogue(world->market)->n_zones, 1);
    assert_non_null(market_catalogue(world->market)->price_note);
    assert_true(str_is(market_catalogue(world->market)->region, "mars-east-1"));
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_an_answer),
        cmocka_unit_test(only_prices_of_today),
        cmocka_unit_test(products),
        cmocka_unit_test(looked_up_over_what_is_built_in),
        cmocka_unit_test(in_time_and_only_when_something_changed),
        cmocka_unit_test(aws_is_away),
        cmocka_unit_test(a_region_without_built_in_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_output.c - a hand-made answer in every form of print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/cmd/output.h"

static const char json_expected[] =
    "{\n"
    "  \"pods\": 6,\n"
    "  \"scheduled\": 4,\n"
    "  \"unschedulable\": [\n"
    "    {\"pod\": \"spark/p4\", \"reason\": \"no \\\"room\\\"\"},\n"
    "    {\"pod\": \"spark/p5\", \"reason\": \"no \\\"room\\\"\"}\n"
    "  ],\n"
    "  \"existing\": [\n"
    "    {\n"
    "      \"node\": \"ip-10-0-1-7\",\n"
    "      \"pods\": [\"spark/p3\"]\n"
    "    }\n"
    "  ],\n"
    "  \"nodes\": [\n"
    "    {\n"
    "      \"provisioner\": \"default\",\n"
    "      \"instanceType\": \"c5.2xlarge\",\n"
    "      \"zone\": \"us-west-2a\",\n"
    "      \"capacityType\": \"spot\",\n"
    "      \"usdPerHour\": 0.1301,\n"
    "      \"pods\": [\"spark/p0\"],\n"
    "      \"alternatives\": [\n"
    "        {\"instanceType\": \"m5.2xlarge\", \"zone\": \"us-west-2b\", \"usdPerHour\": 0.140002}\n"
    "      ]\n"
    "    },\n"
    "    {\n"
    "      \"provisioner\": \"default\",\n"
    "      \"instanceType\": \"c5.2xlarge\",\n"
    "      \"zone\": \"us-west-2a\",\n"
    "      \"capacityType\": \"spot\",\n"
    "      \"usdPerHour\": 0.1301,\n"
    "      \"pods\": [\"spark/p1\"],\n"
    "      \"alternatives\": [\n"
    "        {\"instanceType\": \"m5.2xlarge\", \"zone\": \"us-west-2b\", \"usdPerHour\": 0.140002}\n"
    "      ]\n"
    "    },\n"
    "    {\n"
    "      \"provisioner\": \"default\",\n"
    "      \"instanceType\": \"m5.large\",\n"
    "      \"zone\": \"us-west-2a\",\n"
    "      \"capacityType\": \"on-demand\",\n"
    "      \"usdPerHour\": 0.0960,\n"
    "      \"pods\": [\"spark/p2\"],\n"
    "      \"alternatives\": []\n"
    "    }\n"
    "  ],\n"
    "  \"usdPerHour\": 0.3562,\n"
    "  \"worstUsdPerHour\": 0.376004,\n"
    "  \"lowerBoundUsdPerHour\": 0.3500,\n"
    "  \"onDemandUsdPerHour\": null,\n"
    "  \"solveMilliseconds\": 12.250,\n"
    "  \"method\": \"columns\",\n"
    "  \"region\": \"us-west-2\",\n"
    "  \"priceNote\": \"list prices\",\n"
    "  \"modes\": [\n"
    "    {\"mode\": \"spec.spark.zone=prefer\", \"usdPerHour\": 0.3562, \"withoutUsdPerHour\": 0.3500}\n"
    "  ],\n"
    "  \"limits\": [\n"
    "    {\"provisioner\": \"default\", \"resource\": \"cpu\", \"used\": 18.000, \"limit\": 20.500}\n"
    "  ],\n"
    "  \"boundPods\": 1,\n"
    "  \"ignoredPods\": 2,\n"
    "  \"ignoredKinds\": [\n"
    "    {\"kind\": \"ConfigMap\", \"count\": 3}\n"
    "  ]\n"
    "}\n";

static const char table_expected[] =
    "NODES  TYPE        ZONE        CAPACITY   PODS  CPU              MEMORY              $/H  TOTAL $/H\n"
    "    2  c5.2xlarge  us-west-2a  spot          1  #####.....  50%  ##########  98%  0.1301     0.2602\n"
    "    1  m5.large    us-west-2a  on-demand     1  ########## 100%  -                0.0960     0.0960\n"
    "\n"
    "4 of 6 pods placed on 3 new nodes; 1 of them fit 1 existing node (us-west-2)\n"
    "\n"
    "planned                 0.3562 $/h\n"
    "lower bound             0.3500 $/h   gap 1.77 %\n"
    "dearest pools           0.3760 $/h\n"
    "all On-Demand     cannot be had\n"
    "limits            default cpu: 18 of 20500m\n"
    "spec.spark.zone=prefer costs 0.3562 $/h, without it 0.3500 $/h (+1.77 %)\n"
    "2 pods cannot be placed:\n"
    "  2 pods: no \"room\"\n"
    "    spark/p4, spark/p5\n"
    "1 pod is bound already\n"
    "2 pods are not planned for: ended, being deleted, gated, or a DaemonSet's\n"
    "ignored: 3 ConfigMap\n"
    "\n"
    "list prices\n";

enum { PODS = 6 };

struct fixture {
    struct objects objects;
    struct answer answer;
};

static const uint32_t ids[PODS] = {0, 1, 2, 3, 4, 5};
static const struct answer_pool other[] = {{STR_INIT("m5.2xlarge"), STR_INIT("us-west-2b"), 140002}};
static struct answer_node nodes[] = {
    {0, STR_INIT("default"), STR_INIT("c5.2xlarge"), STR_INIT("us-west-2a"), CLOUD_SPOT, 130100, &ids[0], 1, other, 1,
     8000, 4000, 100, 98, NULL},
    {0, STR_INIT("default"), STR_INIT("c5.2xlarge"), STR_INIT("us-west-2a"), CLOUD_SPOT, 130100, &ids[1], 1, other, 1,
     8000, 4000, 100, 98, NULL},
    {1, STR_INIT("default"), STR_INIT("m5.large"), STR_INIT("us-west-2a"), CLOUD_ON_DEMAND, 96000, &ids[2], 1, NULL, 0,
     1930, 1930, 0, 0, NULL},
};
static struct answer_existing existing[] = {{STR_INIT("ip-10-0-1-7"), &ids[3], 1}};
static struct answer_unschedulable refused[] = {{4, "no \"room\""}, {5, "no \"room\""}};
static struct answer_mode modes[] = {{"spec.spark.zone=prefer", 356200, 350000}};
static struct answer_limit limits[] = {{STR_INIT("default"), STR_INIT("cpu"), 18000, 20500}};

static int setup(void **state)
{
    static const char *const names[PODS] = {"p0", "p1", "p2", "p3", "p4", "p5"};
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    for (size_t i = 0; i < PODS; i++)
        if (!VEC_PUSH(&f->objects.pods, ((struct pod){.namespace_ = STR("spark"), .name = str_of(names[i])})))
            return -1;
    uint32_t id;
    if (intern_add(&f->objects.ignored, STR("ConfigMap"), &id, NULL) || !VEC_PUSH(&f->objects.ignored_counts, 3))
        return -1;
    f->answer = (struct answer){
        .n_pods = PODS,
        .n_scheduled = 4,
        .nodes = nodes,
        .n_nodes = 3,
        .existing = existing,
        .n_existing = 1,
        .unschedulable = refused,
        .n_unschedulable = 2,
        .modes = modes,
        .n_modes = 1,
        .limits = limits,
        .n_limits = 1,
        .cost_microusd = 356200,
        .worst_microusd = 376004,
        .lower_bound_microusd = 350000,
        .on_demand_microusd = -1,
        .solve_ms = 12.25,
        .method = "columns",
        .price_note = "list prices",
        .region = STR("us-west-2"),
        .n_bound = 1,
        .n_ignored_pods = 2,
    };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    intern_release(&f->objects.ignored);
    VEC_FREE(&f->objects.ignored_counts);
    VEC_FREE(&f->objects.pods);
    free(f);
    return 0;
}

static void json(void **state)
{
    const struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    assert_int_equal(output_json(&f->answer, &f->objects, EMIT_JSON, file, NULL), 0);
    fclose(file);
    assert_string_equal(text, json_expected);
    free(text);
}

static char *table_text(const struct fixture *f, bool wide)
{
    static const struct cloud_type types[] = {{.name = STR_INIT("c5.2xlarge")}, {.name = STR_INIT("m5.large")}};
    static const struct str zones[] = {STR_INIT("us-west-2a")};
    static const struct cloud_offering offerings[] = {{0, 0, CLOUD_SPOT, 130100, 1}};
    const struct cloud_catalogue catalogue = {
        .zones = zones, .n_zones = 1, .types = types, .n_types = 2, .offerings = offerings, .n_offerings = 1};
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    assert_int_equal(output_table(&f->answer, &f->objects, &catalogue, wide, (struct terminal){0}, file, NULL), 0);
    fclose(file);
    return text;
}

static void table(void **state)
{
    char *text = table_text(*state, false);
    assert_string_equal(text, table_expected);
    free(text);
}

static void wide_table_says_more(void **state)
{
    char *text = table_text(*state, true);
    static const char *const says[] = {"OTHER POOLS", "DEAREST $/H", "0.1400", "5-10%", "8 cpu 100", "ip-10-0-1-7"};
    for (size_t i = 0; i < CC_COUNT(says); i++)
        if (!strstr(text, says[i]))
            fail_msg("no \"%s\" in\n%s", says[i], text);
    free(text);
}

static void nothing_planned(void **state)
{
    (void)state;
    struct fixture f = {.answer = {.method = "exact", .region = STR("us-west-2")}};
    char *text = table_text(&f, false);
    assert_string_equal(text, "0 of 0 pods placed on 0 new nodes (us-west-2)\n\n"
                              "planned                 0.0000 $/h\n"
                              "lower bound             0.0000 $/h   gap 0.00 %\n"
                              "dearest pools           0.0000 $/h\n"
                              "all On-Demand           0.0000 $/h   the plan saves 0.0 %\n");
    free(text);
}

static void explanation(void **state)
{
    (void)state;
    struct explain_step steps[] = {{"capacity type spot", 1000, 2477}, {"size", 2000, 477}};
    const struct explanation e = {"spark/p0", steps, 2, "on new node c5.2xlarge", "next best: m5.2xlarge"};
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    assert_int_equal(output_explanation(&e, (struct terminal){0}, file, NULL), 0);
    fclose(file);
    assert_string_equal(text, "spark/p0: the offerings that each requirement leaves\n\n"
                              "REQUIREMENT         REMOVED  LEFT\n"
                              "capacity type spot     1000  2477\n"
                              "size                   2000   477\n"
                              "\non new node c5.2xlarge\nnext best: m5.2xlarge\n");
    free(text);
}

static void formats(void **state)
{
    (void)state;
    enum output_format format = OUTPUT_TABLE;
    assert_int_equal(output_format_set(&format, "yaml", NULL), 0);
    assert_int_equal(format, OUTPUT_YAML);
    struct err err = {0};
    assert_int_equal(output_format_set(&format, "xml", &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "table, wide, json, yaml"));
    assert_int_equal(format, OUTPUT_YAML);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(table),
        cmocka_unit_test(wide_table_says_more),
        cmocka_unit_test(nothing_planned),
        cmocka_unit_test(explanation),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

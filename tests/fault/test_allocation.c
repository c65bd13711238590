/*
 * test_allocation.c - memory runs out at the first allocation, at the second, … of reading, planning and explaining,
 * until one run gets through: each says so, none crashes, none leaks (the sanitizers look).
 *
 * Linked with --wrap=malloc,calloc,realloc: calls in our own objects fail, those inside libraries do not, but
 * for cJSON's, which is told what to call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/doc.h"
#include "cloud/aws/catalogue.h"
#include "provisioner/api/decode.h"
#include "provisioner/cmd/instances.h"
#include "provisioner/plan/planner.h"
#include "provisioner/plan/topology.h"
#include "provisioner/spark/spark.h"
#include "tests/fault/nth.h"

static int load_catalogue(const void *context, struct err *err)
{
    (void)context;
    struct arena arena = ARENA_INIT;
    static struct diag diag;
    struct cloud_catalogue catalogue;
    const struct aws_catalogue_source source = {0};
    int rc = aws_catalogue_load(&source, &arena, &diag, &catalogue, err);
    arena_release(&arena);
    diag_release(&diag);
    return rc;
}

static void the_catalogue_survives(void **state)
{
    (void)state;
    assert_true(nth_survive(load_catalogue, NULL, false) > 0);
}

struct case_ {
    const struct cloud_catalogue *catalogue;
    const char *const *paths;
    const char *pod;
};

static int read_all(const char *const *paths, struct objects *objects, struct diag *diag, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; paths[i] && !rc; i++)
        rc = objects_read_path(objects, paths[i], (struct str){NULL, 0}, diag, err);
    return rc ? rc : spark_expand(objects, diag, err);
}

static int read_only(const void *context, struct err *err)
{
    const struct case_ *c = context;
    struct objects objects = {0};
    static struct diag diag;
    int rc = read_all(c->paths, &objects, &diag, err);
    objects_release(&objects);
    diag_release(&diag);
    return rc;
}

/* A clock that stands still: the budget never ends, each run allocates the same. */
static struct clock_mono still(void *context)
{
    (void)context;
    return (struct clock_mono){0};
}

static int read_plan_explain(const void *context, struct err *err)
{
    static const struct clock clock = {.mono = still};
    const struct case_ *c = context;
    struct objects objects = {0};
    static struct diag diag;
    struct arena arena = ARENA_INIT;
    struct planner_result result;
    struct explanation explanation;
    const struct planner_options options = {.clock = &clock, .budget_ms = 60000};
    int rc = read_all(c->paths, &objects, &diag, err);
    if (!rc)
        rc = planner_plan(&objects, c->catalogue, &options, &arena, &result, err);
    if (!rc)
        rc = planner_explain(&result, c->pod, &arena, &explanation, err);
    arena_release(&arena);
    objects_release(&objects);
    diag_release(&diag);
    return rc;
}

static const char *const existing_paths[] = {"examples/existing-nodes", NULL};
static const char *const kinds_paths[] = {"tests/fixtures/kinds", NULL};
static const char *const spark_paths[] = {"examples/two-provisioners", NULL};

static const char *const json_paths[] = {"tests/fixtures/spark/3.5-templates-pvc-executor-1.json", NULL};

static void reading_survives(void **state)
{
    (void)state;
    const struct case_ existing = {NULL, existing_paths, NULL}, spark = {NULL, spark_paths, NULL};
    const struct case_ kinds = {NULL, kinds_paths, NULL};
    assert_true(nth_survive(read_only, &kinds, false) > 0);
    const struct case_ json = {NULL, json_paths, NULL};
    assert_true(nth_survive(read_only, &json, false) > 0);
    assert_true(nth_survive(read_only, &existing, false) > 0);
    assert_true(nth_survive(read_only, &spark, false) > 0);
}

static int ignore_object(void *context, const struct doc *object, struct err *err)
{
    (void)context, (void)object, (void)err;
    return 0;
}

static int read_json_list(const void *context, struct err *err)
{
    const char *text = context;
    return doc_read(str_of(text), "list.json", ignore_object, NULL, err);
}

static void json_lists_survive(void **state)
{
    (void)state;
    static const char text[] =
        "{\"apiVersion\": \"v1\", \"items\": [{\"a\": [1, \"\\u00e9\", true, null]}, {\"b\": {}}], "
        "\"kind\": \"PodList\", \"metadata\": {\"continue\": \"\"}}";
    assert_true(nth_survive(read_json_list, text, false) > 20);
}

static int read_properties(const void *context, struct err *err)
{
    const char *text = context;
    struct objects objects = {0};
    static struct diag diag;
    int rc = spark_properties_read(&objects, str_of(text), "tests/fixtures/spark/app.properties", &diag, err);
    if (!rc)
        rc = spark_expand(&objects, &diag, err);
    objects_release(&objects);
    diag_release(&diag);
    return rc;
}

static void properties_survive(void **state)
{
    (void)state;
    static const char text[] =
        "spark.app.name=etl\\\n daily\nspark.executor.instances=3\n"
        "spark.kubernetes.executor.podTemplateFile=s3://bucket/pod-spec-template.yml\n"
        "spark.executor.resource.gpu.amount=1\nspark.executor.resource.gpu.vendor=nvidia.com\n"
        "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.claimName=x-SPARK_EXECUTOR_ID\n";
    assert_true(nth_survive(read_properties, text, false) > 0);
}

static void planning_survives(void **state)
{
    const struct case_ existing = {*state, existing_paths, "spark/job-1-exec-2"};
    const struct case_ spark = {*state, spark_paths, "spark/etl-driver"};
    static const char *const modes_paths[] = {"tests/fault/modes.yaml", NULL};
    const struct case_ modes = {*state, modes_paths, "spark/b-1"};
    assert_true(nth_survive(read_plan_explain, &existing, true) > 0);
    assert_true(nth_survive(read_plan_explain, &modes, true) > 0);
    assert_true(nth_survive(read_plan_explain, &spark, true) > 0);
}

/* Labels to choose among, daemon pods and an overlay: all that makes a supply. */
static int read_overlay_list(const void *context, struct err *err)
{
    static const char overlay_text[] = "kind: PriceOverlay\nspec: {adjust: '-5%', requirements: [{key: team, operator: "
                                       "In, values: [red]}]}\n";
    const struct case_ *c = context;
    struct objects objects = {0};
    struct overlay overlay = {0};
    static struct diag diag;
    struct arena arena = ARENA_INIT;
    struct instances instances;
    const struct instances_query query = {
        .pod = {.items = {{STR("cpu"), 1000}}, .n = 1, .count = 1}, .overlay = &overlay, .max_rows = 5};
    int rc = read_all(c->paths, &objects, &diag, err);
    if (!rc)
        rc = overlay_read(&overlay, str_of(overlay_text), "overlay.yaml", &diag, err);
    if (!rc)
        rc = instances_find(&objects, c->catalogue, &query, &arena, &instances, err);
    overlay_release(&overlay);
    arena_release(&arena);
    objects_release(&objects);
    diag_release(&diag);
    return rc;
}

static void listing_survives(void **state)
{
    static const char *const paths[] = {"tests/fault/open-labels.yaml", NULL};
    const struct case_ open_labels = {*state, paths, NULL};
    assert_true(nth_survive(read_overlay_list, &open_labels, false) > 0);
}

/* Every constraint there is, as far as the solver's question. */
static int read_topology(const void *context, struct err *err)
{
    const struct case_ *c = context;
    const struct supply_options supply_options = {0};
    const struct demand_options demand_options = {.by_app = true};
    const uint32_t zone_of_app[] = {1};
    struct objects objects = {0};
    static struct diag diag;
    struct arena arena = ARENA_INIT;
    struct dims dims;
    struct supply supply;
    struct demand demand;
    struct topology topology;
    int rc = read_all(c->paths, &objects, &diag, err);
    if (!rc)
        rc = dims_of(&objects, &dims, err);
    if (!rc)
        rc = supply_build(&objects, c->catalogue, &dims, &supply_options, &arena, &supply, err);
    if (!rc)
        rc = demand_build(&objects, &supply, &demand_options, &arena, &demand, err);
    if (!rc)
        rc = topology_build(&demand, zone_of_app, &arena, &topology, err);
    arena_release(&arena);
    objects_release(&objects);
    diag_release(&diag);
    return rc;
}

static void constraints_survive(void **state)
{
    static const char *const paths[] = {"tests/fault/constraints.yaml", NULL};
    const struct case_ constraints = {*state, paths, NULL};
    assert_true(nth_survive(read_topology, &constraints, false) > 0);
}

static struct arena market;
static struct cloud_catalogue catalogue;

static int setup(void **state)
{
    static struct diag diag;
    const struct aws_catalogue_source source = {0};
    *state = &catalogue;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = malloc, .free_fn = free});
    return aws_catalogue_load(&source, &market, &diag, &catalogue, NULL);
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&market);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_survives), cmocka_unit_test(reading_survives),
        cmocka_unit_test(properties_survive),     cmocka_unit_test(planning_survives),
        cmocka_unit_test(listing_survives),       cmocka_unit_test(constraints_survive),
        cmocka_unit_test(json_lists_survive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

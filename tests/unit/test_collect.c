/* Tests of provisioner/lifecycle/collect.c: what is left in the cluster or in the cloud by one who did not finish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

static enum fake_fate refuse_launches(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_REFUSED : FAKE_SERVED;
}

/* Lists every 10 s, for a claim is always on its way. */
static int set_up(void **state)
{
    stage_set_up(state);
    struct stage *stage = *state;
    stage->settings.collect_ms = 10000;
    stage->settings.consistency_ms = 30000;
    stage->cloud->on_call = refuse_launches;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    stage_kill(stage);
    stage->cloud->calls[FAKE_LIST] = 0;
    return 0;
}

static bool is_there(struct stage *stage, const char *node)
{
    return fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node) != NULL;
}

/* A node of a machine that the cloud does not list. */
static void join(struct stage *stage, const char *name, bool placing)
{
    struct fake_node node = {.name = name,
                             .provider_id = "aws:///us-west-2a/i-0gone",
                             .instance_type = "c4.large",
                             .zone = "us-west-2a",
                             .placing = placing};
    fake_cluster_join(stage->cluster, &node);
}

static void a_machine_that_is_collected_takes_its_node_along(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = 1000;
    const char *node = fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a").ptr;
    stage_start(stage);
    stage_run(stage, 25000);
    assert_true(is_there(stage, node));
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 10000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    assert_true(is_there(stage, node));
    stage_run(stage, 11000); /* the next list confirms it */
    assert_false(is_there(stage, node));
}

/* One terminated the machine and ended; another one finds the node. */
static void a_node_without_a_machine_goes_whoever_terminated_it(void **state)
{
    struct stage *stage = *state;
    join(stage, "unregistered", true);
    join(stage, "registered", false);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", "registered",
                       "{\"metadata\": {\"labels\": {\"stoker.sh/nodeclaim\": \"default-0\"}}}");
    stage_run(stage, 60000);
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(stage->cloud->calls[FAKE_LIST], 1);
    assert_true(is_there(stage, "unregistered") && is_there(stage, "registered"));
    stage_run(stage, 10000);
    assert_false(is_there(stage, "unregistered") || is_there(stage, "registered"));
}

static void a_node_of_others_stays(void **state)
{
    struct stage *stage = *state;
    join(stage, "theirs", false);
    fake_cluster_patch(stage->cluster, CLUSTER_NODE, "", "theirs",
                       "{\"metadata\": {\"labels\": {\"karpenter.sh/provisioner-name\": \"default\"}}}");
    stage_start(stage);
    stage_run(stage, 200000);
    assert_true(stage->cloud->calls[FAKE_LIST] > 10);
    assert_true(is_there(stage, "theirs"));
}

/* The list may not show its machine yet. */
static void a_young_node_stays(void **state)
{
    struct stage *stage = *state;
    stage_start(stage);
    stage_run(stage, 20000);
    join(stage, "young", true);
    stage_run(stage, 25000);
    assert_true(is_there(stage, "young"));
    stage_run(stage, 30000);
    assert_false(is_there(stage, "young"));
}

/* It is another node now: that one is judged by itself. */
static enum fake_fate replace_before_deletion(void *context, const struct cluster_request *request, uint64_t number)
{
    struct stage *stage = context;
    (void)number;
    if (request->verb == CLUSTER_DELETE && request->kind == CLUSTER_NODE && stage->boot_ms < 0) {
        stage->boot_ms = 0; /* once */
        fake_cluster_remove(stage->cluster, CLUSTER_NODE, "", "again");
        join(stage, "again", false);
    }
    return FAKE_SERVED;
}

static void a_node_that_joins_anew_is_not_deleted_for_the_old_one(void **state)
{
    struct stage *stage = *state;
    stage->cluster->on_call = replace_before_deletion;
    stage->cluster->on_call_context = stage;
    join(stage, "again", true);
    stage_start(stage);
    stage_run(stage, 120000);
    assert_int_equal(stage->boot_ms, 0);
    assert_true(is_there(stage, "again"));
}

/* Registered nodes say whose they are, and stay while their claims and machines are there. */
static void a_registered_node_names_its_claim(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage->cloud->on_call = NULL;
    stage->boot_ms = 5000;
    stage->cluster->start_ms = 300;
    stage_start(stage);
    stage_run(stage, 20000);
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    const char *node = fake_cloud_machines(stage->cloud, &n)[0].instance.id.ptr;
    const struct doc *labels = doc_at(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", node), "metadata.labels");
    struct str claim = doc_get(labels, "stoker.sh/nodeclaim")->text;
    char name[64];
    snprintf(name, sizeof(name), "%.*s", STR_ARG(claim));
    assert_non_null(fake_cluster_get(stage->cluster, CLUSTER_NODE_CLAIM, "", name));
    stage_run(stage, 900000);
    assert_true(is_there(stage, node));
}

/* With nothing else to do lists are 5 minutes apart, but for one who is suspected. */
static void a_suspect_is_looked_at_again_soon(void **state)
{
    struct stage *stage = *state;
    fake_cluster_remove(stage->cluster, CLUSTER_POD, "spark", "app-exec-0");
    stage->settings.consistency_ms = 1000;
    stage_start(stage);
    stage_run(stage, 400000);
    assert_int_equal(stage_claims(stage, NULL), 0);
    stage_kill(stage);
    fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a");
    stage_run(stage, 10000);
    stage->cloud->calls[FAKE_LIST] = 0;
    stage_start(stage);
    stage_run(stage, 15000);
    assert_int_equal(stage->cloud->calls[FAKE_LIST], 2);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
}

static enum fake_fate lose_launches(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_LOST : FAKE_SERVED;
}

/* Nobody knows yet whose it will be. */
static void a_machine_of_a_launch_under_way_stays(void **state)
{
    struct stage *stage = *state;
    stage->cloud->on_call = lose_launches;
    stage_start(stage);
    stage_run(stage, 200000);
    assert_true(stage->cloud->calls[FAKE_LIST] > 10);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage->cloud->on_call = NULL;
    stage_run(stage, 60000);
    stage_check_owners(stage);
    assert_int_equal(stage->cloud->n_launches, 1);
}

/* It drains in its own way: pods end as they like. */
static void a_node_with_a_claim_is_the_claims(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage->cloud->on_call = NULL;
    stage->boot_ms = 5000;
    stage->cluster->start_ms = 300;
    stage->cluster->stop_ms = -1;
    stage_start(stage);
    stage_run(stage, 60000);
    struct str node = fake_cloud_machines(stage->cloud, &n)[0].instance.id;
    fake_cloud_lose(stage->cloud, node);
    for (int i = 0; i < 400 && !stage_claims(stage, "Draining"); i++)
        stage_run(stage, 1000);
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 10000);
    assert_true(is_there(stage, node.ptr));
    stage_run(stage, 40000);
    assert_false(is_there(stage, node.ptr));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_machine_that_is_collected_takes_its_node_along),
        TEST(a_node_without_a_machine_goes_whoever_terminated_it),
        TEST(a_node_of_others_stays),
        TEST(a_young_node_stays),
        TEST(a_node_that_joins_anew_is_not_deleted_for_the_old_one),
        TEST(a_suspect_is_looked_at_again_soon),
        TEST(a_machine_of_a_launch_under_way_stays),
        TEST(a_node_with_a_claim_is_the_claims),
        TEST(a_registered_node_names_its_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

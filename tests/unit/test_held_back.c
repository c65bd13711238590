/* test_held_back.c - what must not be done, or not yet: nodes that stay, notices that wait, instances that are too
 * young. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/lifecycle/controllers.h"
#include "tests/support/stage.h"

/* Pods. */

static const char *why_blocked(struct pod pod)
{
    struct view view = {.objects = {.pods = {.items = &pod, .len = 1, .cap = 1}}};
    return disruption_blocked(&view, 0);
}

static void each_reason_not_to_disturb_a_pod_holds_alone(void **state)
{
    (void)state;
    const struct pod executor = {.role = SPARK_EXECUTOR, .phase = POD_RUNNING};
    assert_null(why_blocked(executor));
    assert_null(why_blocked((struct pod){.has_controller = true, .phase = POD_RUNNING}));
    assert_non_null(strstr(why_blocked((struct pod){.role = SPARK_DRIVER, .has_controller = true}), "driver"));
    assert_non_null(strstr(why_blocked((struct pod){.phase = POD_RUNNING}), "no controller"));
    assert_non_null(strstr(why_blocked((struct pod){.role = SPARK_EXECUTOR, .do_not_disrupt = true}), "marked"));
    assert_null(why_blocked((struct pod){.role = SPARK_DRIVER, .phase = POD_SUCCEEDED}));
    assert_null(why_blocked((struct pod){.role = SPARK_DRIVER, .phase = POD_RUNNING, .deleting = true}));
    assert_null(why_blocked((struct pod){.daemon = true, .do_not_disrupt = true}));
}

static bool is_forbidden(struct pod pod, const char *namespace_, bool unhealthy_may_go, int64_t allowed)
{
    const struct budget budget = {.namespace_ = str_of(namespace_),
                                  .selector = {.present = true}, /* matches all */
                                  .disruptions_allowed = allowed,
                                  .unhealthy_may_go = unhealthy_may_go};
    pod.namespace_ = STR("spark");
    struct view view = {.objects = {.pods = {.items = &pod, .len = 1, .cap = 1}}, .budgets = &budget, .n_budgets = 1};
    return disruption_forbidden(&view, 0) != NULL;
}

static void a_budget_forbids_what_the_api_server_would_refuse(void **state)
{
    (void)state;
    const struct pod sick = {.phase = POD_RUNNING}, well = {.phase = POD_RUNNING, .ready = true};
    assert_true(is_forbidden(well, "spark", false, 0));
    assert_false(is_forbidden(well, "spark", false, 1));
    assert_false(is_forbidden(well, "other", false, 0));
    assert_true(is_forbidden(well, "spark", true, 0));
    assert_true(is_forbidden(sick, "spark", false, 0));
    assert_false(is_forbidden(sick, "spark", true, 0));
    assert_false(is_forbidden((struct pod){.phase = POD_PENDING}, "spark", false, 0));
    assert_false(is_forbidden((struct pod){.phase = POD_RUNNING, .deleting = true}, "spark", false, 0));
}

/* Nodes. */

static void an_empty_node_is_open_until_its_second(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    stage_run(stage, 1000 - stage->time.wall_ns / 1000000 % 1000);
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 29500);
    control_wake(stage->control, CLUSTER_POD); /* a pass that comes for another reason */
    stage_run(stage, 300);
    assert_text(stage_node(stage, 0, "spec.unschedulable"), "");
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
    stage_run(stage, 2000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
}

/* Notices. */

static void an_instance_that_runs_is_no_reason_to_drain(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_STATE_CHANGE, 0, "running");
    notice.state = CLOUD_RUNNING;
    fake_cloud_notify(stage->cloud, &notice);
    notice.state = CLOUD_PENDING;
    notice.handle = STR("pending");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 60000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("running")));
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("pending")));
    assert_int_equal(stage_claims(stage, "Initialized"), 1);
}

static enum fake_fate refuse_acknowledgements(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_ACKNOWLEDGE ? FAKE_REFUSED : FAKE_SERVED;
}

static void a_foreign_notice_is_counted_once(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cloud->on_call = refuse_acknowledgements;
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    notice.instance_id = STR("i-0123456789abcdef0");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 30000);
    assert_true(stage->cloud->calls[FAKE_ACKNOWLEDGE] > 2);
    stage_metric(stage, "stoker_messages_dropped_total{why=\"foreign\"} 1\n");
}

static enum fake_fate refuse_closing(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->verb == CLUSTER_PATCH && request->kind == CLUSTER_NODE ? FAKE_REFUSED : FAKE_SERVED;
}

static void a_notice_waits_until_the_node_is_closed(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage->cluster->on_call = refuse_closing;
    stage->cluster->stop_ms = -1;
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 10000);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    stage->cluster->on_call = NULL;
    stage_run(stage, 30000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
}

static void maintenance_without_a_date_is_no_reason_to_hurry(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "driver", 0, 1);
    stage_start(stage);
    stage_run(stage, 20000);
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_MAINTENANCE, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 3600000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    assert_text(stage_pod(stage, "app-driver-0", "status.phase"), "Running");
    assert_text(stage_pod(stage, "app-driver-0", "metadata.deletionTimestamp"), "");
}

static enum fake_fate keep_nodes(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->verb == CLUSTER_DELETE && request->kind == CLUSTER_NODE ? FAKE_REFUSED : FAKE_SERVED;
}

/* The cloud tells of every end, of those too that we asked for. */
static void an_end_of_our_own_making_keeps_its_reason(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "ttlSecondsAfterEmpty: 30", 1);
    stage->cluster->on_call = keep_nodes;
    fake_cluster_finish(stage->cluster, "spark", "app-exec-0", "Succeeded");
    stage_run(stage, 33000);
    assert_true(stage_is_terminated(stage, 0));
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_STATE_CHANGE, 0, "m1");
    notice.state = CLOUD_TERMINATED;
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 2000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    assert_text(stage_claim(stage, "status.drainReason"), "Empty");
    assert_int_equal(fake_cluster_events(stage->cluster, "", "StateChange"), 0);
}

static void a_recommendation_for_a_node_that_starts_is_recorded(void **state)
{
    struct stage *stage = *state;
    stage->boot_ms = -1;
    stage_launch(stage, "spot: {onRebalance: Replace}", 1);
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_REBALANCE, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 2000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    assert_int_equal(stage_claims(stage, "Launched"), 1);
    assert_int_equal(fake_cluster_events(stage->cluster, "", "RebalanceRecommended"), 1);
}

static void a_spot_notice_leaves_two_minutes_and_marks_the_offering(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    const struct cloud_instance got = stage_machine(stage, 0)->instance;
    stage->cluster->stop_ms = -1; /* the executor uses all of its grace */
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    struct clock_wall end, told = clock_wall_after(notice.sent, 120000);
    fake_cloud_notify(stage->cloud, &notice);
    assert_false(control_unavailable(stage->control, got.instance_type, got.zone, CLOUD_SPOT));
    stage_run(stage, 150);
    assert_int_equal(stage_claims(stage, NULL), 1); /* the next plan is on its way */
    assert_true(control_unavailable(stage->control, got.instance_type, got.zone, CLOUD_SPOT));
    assert_true(clock_parse(stage_claim(stage, "status.drainDeadline"), &end));
    assert_in_range(end.ns, told.ns - NS_PER_S, told.ns + NS_PER_S);
}

static void only_a_nearer_deadline_is_news(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "spark: {gangMinShare: 0}, limits: {resources: {cpu: 2}}", 1); /* no room for another claim */
    stage->cluster->stop_ms = -1;
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_MAINTENANCE, 0, "m1");
    struct clock_wall end, near = clock_wall_after(notice.sent, 1800000);
    static const int64_t deadlines_ms[] = {3600000, 1800000, 2700000};
    static const char *const handles[] = {"m1", "m2", "m3"};
    for (size_t i = 0; i < CC_COUNT(handles); i++) {
        notice.handle = str_of(handles[i]);
        notice.deadline = clock_wall_after(notice.sent, deadlines_ms[i]);
        fake_cloud_notify(stage->cloud, &notice);
        stage_run(stage, 1000);
        assert_true(fake_cloud_acknowledged(stage->cloud, notice.handle));
    }
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    assert_true(clock_parse(stage_claim(stage, "status.drainDeadline"), &end));
    assert_in_range(end.ns, near.ns - NS_PER_S, near.ns + NS_PER_S);
}

static enum fake_fate refuse_launches(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_REFUSED : FAKE_SERVED;
}

/* While a launch is open its answer may say that the instance is ours. */
static void a_notice_for_nobody_waits_for_launches_that_are_open(void **state)
{
    struct stage *stage = *state;
    stage->cloud->on_call = refuse_launches;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(stage_claims(stage, "Launching"), 1);
    struct cloud_notice notice = {.kind = CLOUD_NOTICE_SPOT_INTERRUPTION,
                                  .instance_id = STR("i-0123456789abcdef0"),
                                  .sent = {stage->time.wall_ns},
                                  .handle = STR("m1")};
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 60000);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    stage_run(stage, 70000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
}

/* However far its node has come: it goes in time, its pod has another, and the notice is acknowledged. */
static void a_spot_notice_is_acted_on_in_every_phase(void **state)
{
    (void)state;
    static const struct {
        int64_t run_ms;
        const char *phase;
        bool bound;
    } times[] = {{3000, "Launched", false},
                 {12000, "Registered", false},
                 {13500, "Registered", true},
                 {20000, "Initialized", true}};
    for (size_t i = 0; i < CC_COUNT(times); i++) {
        void *opened;
        stage_set_up_alive(&opened);
        struct stage *stage = opened;
        stage_provisioner(stage, "");
        stage_pods(stage, "app", "executor", 0, 1);
        stage_start(stage);
        stage_run(stage, times[i].run_ms);
        assert_int_equal(stage_claims(stage, times[i].phase), 1);
        assert_int_equal(stage_pods_bound(stage), times[i].bound);
        struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
        fake_cloud_notify(stage->cloud, &notice);
        stage_run(stage, 1000);
        assert_int_equal(fake_cluster_count(stage->cluster, CLUSTER_POD), 1);
        stage_run(stage, 4000);
        assert_true(stage_is_terminated(stage, 0));
        assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
        assert_false(stage_is_terminated(stage, 1));
        stage_run(stage, 20000);
        assert_int_equal(fake_cloud_running(stage->cloud), 1);
        stage_check_owners(stage);
        stage_tear_down(&opened);
    }
}

static enum fake_fate lose_first_launch(void *context, enum fake_cloud_api api, uint64_t number)
{
    const struct stage *stage = context;
    (void)number;
    return api == FAKE_LAUNCH && stage->cloud->calls[FAKE_LAUNCH] <= 3 ? FAKE_LOST : FAKE_SERVED;
}

/* There is the machine, but no claim knows yet that it is its own. */
static void a_notice_for_a_launch_whose_answer_was_lost_is_kept(void **state)
{
    struct stage *stage = *state;
    stage->cloud->on_call = lose_first_launch;
    stage->cloud->on_call_context = stage;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
    stage_start(stage);
    stage_run(stage, 1500);
    assert_int_equal(stage_claims(stage, "Launching"), 1);
    struct cloud_notice notice = stage_notice(stage, CLOUD_NOTICE_SPOT_INTERRUPTION, 0, "m1");
    fake_cloud_notify(stage->cloud, &notice);
    stage_run(stage, 500);
    assert_false(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    stage_run(stage, 30000);
    assert_true(fake_cloud_acknowledged(stage->cloud, STR("m1")));
    assert_true(stage_is_terminated(stage, 0));
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_check_owners(stage);
}

/* Instances that no claim owns. */

/* Something is under way: the cloud is listed every collect_ms. */
static void be_busy(struct stage *stage)
{
    stage->cloud->on_call = refuse_launches;
    stage_provisioner(stage, "");
    stage_pods(stage, "app", "executor", 0, 1);
}

static void a_young_instance_is_nobodys_leak(void **state)
{
    struct stage *stage = *state;
    stage->settings.collect_ms = 10000;
    stage_start(stage);
    stage_run(stage, 290000); /* with nothing to do, it is listed every 5 minutes */
    be_busy(stage);
    fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a");
    stage_run(stage, 110000);
    assert_true(stage->cloud->calls[FAKE_LIST] > 5);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 30000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
}

static void an_instance_is_seen_twice_before_it_goes(void **state)
{
    struct stage *stage = *state;
    be_busy(stage);
    fake_cloud_stray(stage->cloud, "c4.large", "us-west-2a");
    stage_run(stage, 600000); /* it is old when the controllers begin */
    stage_start(stage);
    stage_run(stage, 60000);
    assert_int_equal(stage->cloud->calls[FAKE_LIST], 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 620000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
}

/* Nobody says that a machine is gone: its node does, by falling silent, long before the five minutes are over. */
static void a_machine_that_is_gone_without_a_word_is_missed(void **state)
{
    struct stage *stage = *state;
    stage_run_app(stage, "", 1);
    stage_run(stage, 600000); /* all is well: it is listed every 5 minutes */
    const struct str gone = stage_machine(stage, 0)->instance.id;
    fake_cloud_lose(stage->cloud, gone);
    fake_cluster_ready(stage->cluster, gone.ptr, false);
    stage_run(stage, 250000); /* two lists, 2 minutes apart */
    assert_null(fake_cluster_get(stage->cluster, CLUSTER_NODE, "", gone.ptr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_not_to_disturb_a_pod_holds_alone),
        cmocka_unit_test(a_budget_forbids_what_the_api_server_would_refuse),
        cmocka_unit_test(a_spot_notice_is_acted_on_in_every_phase),
        STAGE_TEST_ALIVE(a_notice_for_a_launch_whose_answer_was_lost_is_kept),
        STAGE_TEST_ALIVE(a_notice_waits_until_the_node_is_closed),
        STAGE_TEST_ALIVE(a_foreign_notice_is_counted_once),
        STAGE_TEST_ALIVE(an_empty_node_is_open_until_its_second),
        STAGE_TEST_ALIVE(an_instance_that_runs_is_no_reason_to_drain),
        STAGE_TEST_ALIVE(a_spot_notice_leaves_two_minutes_and_marks_the_offering),
        STAGE_TEST_ALIVE(only_a_nearer_deadline_is_news),
        STAGE_TEST_ALIVE(maintenance_without_a_date_is_no_reason_to_hurry),
        STAGE_TEST_ALIVE(an_end_of_our_own_making_keeps_its_reason),
        STAGE_TEST_ALIVE(a_recommendation_for_a_node_that_starts_is_recorded),
        STAGE_TEST_ALIVE(a_notice_for_nobody_waits_for_launches_that_are_open),
        STAGE_TEST_ALIVE(a_young_instance_is_nobodys_leak),
        STAGE_TEST_ALIVE(an_instance_is_seen_twice_before_it_goes),
        STAGE_TEST_ALIVE(a_machine_that_is_gone_without_a_word_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

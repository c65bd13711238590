/* Tests of provisioner/lifecycle's way to machines where it goes wrong: nothing is launched twice, nothing is leaked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

/* Executors, four to a c4.2xlarge: `nodes` claims of one launch. */
static void begin(struct stage *stage, int nodes)
{
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 4 * nodes);
    stage_start(stage);
}

static void check_slots(struct stage *stage, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char pod[64];
        snprintf(pod, sizeof(pod), "spark/a-exec-%d", i);
        assert_int_equal(stage_slots(stage, pod), 1);
    }
}

static void keep_name(void *context, const struct doc *object)
{
    snprintf(context, 64, "%.*s", STR_ARG(doc_at(object, "metadata.name")->text));
}

static void last_claim(struct stage *stage, char name[64])
{
    name[0] = '\0';
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, keep_name, name);
    assert_true(name[0] != '\0');
}

/* A switch for the cloud's answers to launches. */
struct fates {
    enum fake_fate fate;
    int left; /* launches that it is for */
};

static enum fake_fate next_fate(void *context, enum fake_cloud_api api, uint64_t number)
{
    struct fates *fates = context;
    (void)number;
    if (api != FAKE_LAUNCH || fates->left <= 0)
        return FAKE_SERVED;
    fates->left--;
    return fates->fate;
}

static void set_fates(struct stage *stage, struct fates *fates)
{
    stage->cloud->on_call = next_fate;
    stage->cloud->on_call_context = fates;
}

/* Its machines run, though none of its answers came: they are its claims', and nothing else is launched. */
static void a_launch_whose_answers_are_all_lost_is_looked_for(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_LOST, 1000};
    set_fates(stage, &fates);
    begin(stage, 2);
    stage_run(stage, 290000);
    assert_int_equal(stage_claims(stage, "Launching"), 2);
    stage_run(stage, 40000);
    assert_int_equal(stage_claims(stage, "Launched"), 2);
    assert_int_equal(stage->cluster->calls[CLUSTER_CREATE][CLUSTER_NODE_CLAIM], 2);
    assert_int_equal(stage->cloud->n_launches, 1);
    check_slots(stage, 1, 8);
    stage_check_owners(stage);
}

/* What is asked for again is not charged again to the bucket of launches. */
static void a_launch_that_is_throttled_is_charged_once(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_THROTTLED, 3};
    stage->settings.launches_per_minute = 4;
    set_fates(stage, &fates);
    begin(stage, 4);
    stage_run(stage, 20000);
    assert_int_equal(fates.left, 0);
    assert_int_equal(fake_cloud_running(stage->cloud), 4);
    stage_check_owners(stage);
}

/* Throttled for longer than a launch may take: nothing is launched, and all of it once the cloud listens again. */
static void minutes_of_throttling_leave_nothing_behind(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_THROTTLED, 1000};
    set_fates(stage, &fates);
    begin(stage, 2);
    stage_run(stage, 720000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    assert_int_equal(stage_claims(stage, NULL), 2);
    fates.left = 0;
    stage_run(stage, 60000);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    check_slots(stage, 1, 8);
    stage_check_owners(stage);
}

/* Its instance is known before it drains: no orphan that somebody must find. */
static void a_claim_deleted_during_its_launch_gives_its_machine_back(void **state)
{
    struct stage *stage = *state;
    char name[64];
    stage->cloud->answer_ms = 3000;
    begin(stage, 2);
    stage_run(stage, 6500);
    assert_int_equal(stage->cloud->calls[FAKE_LAUNCH], 1);
    assert_int_equal(stage_claims(stage, "Launching"), 2);
    last_claim(stage, name);
    fake_cluster_delete(stage->cluster, CLUSTER_NODE_CLAIM, "", name);
    stage_run(stage, 20000);
    stage_check_owners(stage);
    assert_int_equal(fake_cloud_running(stage->cloud), 2); /* one of them for the same pods */
    assert_int_equal(stage->cloud->calls[FAKE_TERMINATE], 1);
    check_slots(stage, 1, 8);
}

/* The answer was lost with the process, and a claim of the launch with it: the others get what it gave. */
static void a_launch_that_lost_a_claim_is_looked_for(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_UNANSWERED, 1};
    char name[64];
    size_t n;
    set_fates(stage, &fates);
    begin(stage, 4);
    stage_run(stage, 5000);
    assert_int_equal(fates.left, 0);
    stage_kill(stage);
    last_claim(stage, name);
    fake_cluster_remove(stage->cluster, CLUSTER_NODE_CLAIM, "", name);
    stage_start(stage);
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Launched"), 4);
    check_slots(stage, 1, 16);
    fake_cloud_machines(stage->cloud, &n);
    assert_int_equal(n, 5);
    stage_run(stage, 900000);
    assert_int_equal(fake_cloud_running(stage->cloud), 4);
    stage_check_owners(stage);
}

/* The process ends with the answer to its only launch, `away_ms` go by, and another one begins. */
static void lose_the_process(struct stage *stage, int64_t away_ms, const char *patch)
{
    struct fates fates = {FAKE_UNANSWERED, 1};
    char name[64];
    set_fates(stage, &fates);
    begin(stage, 1);
    stage_run(stage, 5000);
    assert_int_equal(fates.left, 0);
    stage->cloud->on_call = NULL;
    stage_kill(stage);
    last_claim(stage, name);
    if (patch)
        fake_cluster_patch(stage->cluster, CLUSTER_NODE_CLAIM, "", name, "%s", patch);
    stage_run(stage, away_ms);
    stage_start(stage);
}

/* What it gave is its claim's, once it is in lists, and nothing else is launched; `calls` more are made at most. */
static void check_that_it_was_found(struct stage *stage, uint64_t calls)
{
    stage_run(stage, 100000);
    assert_int_equal(stage_claims(stage, "Launched"), 0); /* lists are not trusted yet */
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Launched"), 1);
    assert_int_equal(stage->cloud->n_launches, 1);
    assert_int_equal(stage->cloud->calls[FAKE_LAUNCH], 1 + calls);
    check_slots(stage, 1, 4);
    stage_check_owners(stage);
}

static void an_old_launch_is_looked_for_when_lists_can_be_trusted(void **state)
{
    struct stage *stage = *state;
    stage->cloud->visible_ms = 450000;
    lose_the_process(stage, 400000, NULL);
    check_that_it_was_found(stage, 0);
}

static void a_launch_without_its_request_is_not_called(void **state)
{
    struct stage *stage = *state;
    stage->cloud->visible_ms = 60000;
    lose_the_process(stage, 1000, "{\"spec\": {\"launch\": {\"request\": null}}}");
    check_that_it_was_found(stage, 0);
}

static void a_launch_with_another_request_is_looked_for(void **state)
{
    struct stage *stage = *state;
    stage->cloud->visible_ms = 60000;
    lose_the_process(stage, 1000, "{\"spec\": {\"launch\": {\"request\": \"{}\"}}}");
    check_that_it_was_found(stage, 1);
}

/* A quiet hour does not save up launches. */
static void the_bucket_of_launches_holds_a_minute(void **state)
{
    struct stage *stage = *state;
    stage->settings.launches_per_minute = 4;
    begin(stage, 1);
    stage_run(stage, 600000);
    stage_pods(stage, "b", "executor", 1, 16);
    stage_run(stage, 5000);
    assert_int_equal(fake_cloud_running(stage->cloud), 5);
    stage_pods(stage, "c", "executor", 1, 16);
    stage_run(stage, 5000);
    assert_int_equal(fake_cloud_running(stage->cloud), 5);
    stage_run(stage, 60000);
    assert_int_equal(fake_cloud_running(stage->cloud), 9);
}

static enum fake_fate answer_in_turn(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)request;
    ((struct stage *)context)->cluster->answer_ms = 1 + (int64_t)(number % 4) * 30;
    return FAKE_SERVED;
}

/* Claims that are not all there yet, on a clock that says that they should have been long ago. */
static void a_server_whose_clock_is_behind_is_no_reason_to_give_up(void **state)
{
    struct stage *stage = *state;
    stage->cluster->clock_ms = -400000;
    stage->cluster->on_call = answer_in_turn;
    stage->cluster->on_call_context = stage;
    begin(stage, 4);
    stage_run(stage, 5000);
    assert_int_equal(stage_claims(stage, "Launched"), 4);
    assert_int_equal(control_status(stage->control).plans, 1);
    assert_int_equal(stage->cloud->n_launches, 1);
    stage_check_owners(stage);
}

static void our_clock_that_jumps_is_no_reason_to_give_up(void **state)
{
    struct stage *stage = *state;
    struct fates fates = {FAKE_THROTTLED, 3};
    set_fates(stage, &fates);
    begin(stage, 2);
    stage_run(stage, 4000);
    assert_int_equal(stage_claims(stage, "Launching"), 2);
    stage->time.wall_ns += INT64_C(3600) * 1000000000;
    stage_run(stage, 20000);
    assert_int_equal(stage_claims(stage, "Launched"), 2);
    assert_int_equal(control_status(stage->control).plans, 1);
}

static enum fake_fate lose_first_claim(void *context, const struct cluster_request *request, uint64_t number)
{
    int *left = context;
    (void)number;
    if (request->verb != CLUSTER_CREATE || request->kind != CLUSTER_NODE_CLAIM || *left == 0)
        return FAKE_SERVED;
    (*left)--;
    return FAKE_LOST;
}

/* It is there already, says the second try, but the watch is late: nobody plans before it is seen. */
static void a_claim_whose_answer_was_lost_is_waited_for(void **state)
{
    struct stage *stage = *state;
    int left = 1;
    stage->cluster->watch_ms = 3000;
    stage->cluster->on_call = lose_first_claim;
    stage->cluster->on_call_context = &left;
    stage_provisioner(stage, "");
    stage_start(stage);
    stage_run(stage, 5000);
    stage_pods(stage, "a", "executor", 1, 1);
    stage_run(stage, 1700);
    stage_pods(stage, "a", "executor", 2, 1);
    stage_run(stage, 20000);
    assert_int_equal(left, 0);
    check_slots(stage, 1, 2);
    stage_check_owners(stage);
}

static enum fake_fate refuse_terminations(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_TERMINATE ? FAKE_REFUSED : FAKE_SERVED;
}

/* Its node never came and is not expected any more; the machine is there until it is terminated. */
static void a_machine_without_a_node_counts_for_the_limit(void **state)
{
    struct stage *stage = *state;
    stage->settings.register_timeout_ms = 60000;
    stage->cloud->on_call = refuse_terminations;
    stage_provisioner(stage, "limits: {resources: {cpu: 2}}");
    stage_pods(stage, "a", "executor", 1, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    stage_run(stage, 80000);
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    assert_true(
        str_is(fake_cluster_text(stage->cluster, CLUSTER_PROVISIONER, "", "default", "status.resources.cpu"), "2"));
    stage->cloud->on_call = NULL;
    stage_run(stage, 40000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1); /* another one */
    assert_int_equal(stage_claims(stage, "Launched"), 1);
    check_slots(stage, 1, 1);
}

/* One part of a pass that fails each time keeps no other from its work. */
static void machines_that_cannot_be_given_back_keep_none_from_coming(void **state)
{
    struct stage *stage = *state;
    stage->settings.register_timeout_ms = 60000;
    stage->cloud->terminate_fails = true;
    begin(stage, 1);
    stage_run(stage, 65000);
    assert_int_equal(stage_claims(stage, "Draining"), 1);
    stage_run(stage, 10000);
    check_slots(stage, 1, 4);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    stage->cloud->terminate_fails = false;
    stage_run(stage, 10000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

static struct str cpus_used(struct stage *stage, const char *provisioner)
{
    return fake_cluster_text(stage->cluster, CLUSTER_PROVISIONER, "", provisioner, "status.resources.cpu");
}

/* Nodes, and machines without one, are charged to their own Provisioner. */
static void limits_are_of_one_provisioner(void **state)
{
    struct stage *stage = *state;
    stage->settings.register_timeout_ms = 60000;
    stage->cloud->on_call = refuse_terminations;
    for (int i = 0; i < 2; i++)
        fake_cluster_applyf(
            stage->cluster,
            "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: of-%d}, spec: {labels: "
            "{team: of-%d}, limits: {resources: {cpu: 2}}}}\n---\n{apiVersion: v1, kind: Pod, metadata: "
            "{name: p-%d, namespace: spark, uid: p-%d}, spec: {nodeSelector: {team: of-%d}, containers: "
            "[{name: c, image: i, resources: {requests: {cpu: 1500m}}}]}, status: {phase: Pending}}",
            i, i, i, i, i);
    stage_start(stage);
    stage_run(stage, 15000);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    assert_true(str_is(cpus_used(stage, "of-0"), "2") && str_is(cpus_used(stage, "of-1"), "2"));
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Draining"), 2);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
    assert_true(str_is(cpus_used(stage, "of-0"), "2") && str_is(cpus_used(stage, "of-1"), "2"));
}

static struct stage *on_stage; /* for on_act, which is told nothing */
static int64_t lower_at_ns;

static void lower_limit(void)
{
    if (loop_now(&on_stage->loop).ns < lower_at_ns)
        return;
    lower_at_ns = INT64_MAX;
    fake_cluster_patch(on_stage->cluster, CLUSTER_PROVISIONER, "", "default",
                       "{\"metadata\": {\"generation\": 2}, \"spec\": {\"limits\": {\"resources\": {\"cpu\": 2}}}}");
}

/* It is lowered while the solver is at work: what the plan buys is cut, all purchases together. */
static void a_limit_that_was_lowered_meanwhile_holds(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "limits: {resources: {cpu: 100}}, spark: {gangMinShare: 0}");
    stage_pods(stage, "a", "driver", 1, 1);
    stage_pods(stage, "a", "executor", 1, 1);
    on_stage = stage;
    lower_at_ns = loop_now(&stage->loop).ns + 1001 * INT64_C(1000000);
    stage->on_act = lower_limit;
    stage_start(stage);
    stage_run(stage, 20000);
    assert_int_equal(lower_at_ns, INT64_MAX);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    assert_true(str_is(cpus_used(stage, "default"), "2"));
}

static void limit_cpus(struct stage *stage, int generation, int cpus)
{
    char patch[160];
    snprintf(patch, sizeof(patch),
             "{\"metadata\": {\"generation\": %d}, \"spec\": {\"limits\": {\"resources\": {\"cpu\": %d}}}}", generation,
             cpus);
    fake_cluster_patch(stage->cluster, CLUSTER_PROVISIONER, "", "default", "%s", patch);
    stage_run(stage, 1000);
}

/* Who raises it looks on: what was in vain a moment ago is not waited out. */
static void a_limit_that_was_raised_is_planned_with_at_once(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "limits: {resources: {cpu: 2}}, spark: {gangMinShare: 0}");
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 600000);
    limit_cpus(stage, 2, 3);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
    limit_cpus(stage, 3, 4);
    assert_int_equal(fake_cloud_running(stage->cloud), 2);
}

static double metric(struct stage *stage, const char *start)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text;
    double sum = 0;
    metrics_write(stage->metrics, &buf);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    for (const char *at = strstr(text.ptr, start); at; at = strstr(at + 1, start))
        sum += strtod(strchr(at, '}') + 1, NULL);
    arena_release(&arena);
    return sum;
}

static enum fake_fate lose_status(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    return request->verb == CLUSTER_PATCH_STATUS && number % 2 ? FAKE_REFUSED : FAKE_SERVED;
}

static void instances_are_counted_once(void **state)
{
    struct stage *stage = *state;
    stage->cluster->on_call = lose_status;
    begin(stage, 4);
    stage_run(stage, 60000);
    assert_int_equal(stage_claims(stage, "Launched"), 4);
    assert_true(metric(stage, "stoker_instances_launched_total{") == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_UNJOINED(a_launch_whose_answers_are_all_lost_is_looked_for),
        STAGE_TEST_UNJOINED(a_launch_that_is_throttled_is_charged_once),
        STAGE_TEST_UNJOINED(minutes_of_throttling_leave_nothing_behind),
        STAGE_TEST_UNJOINED(a_claim_deleted_during_its_launch_gives_its_machine_back),
        STAGE_TEST_UNJOINED(a_launch_that_lost_a_claim_is_looked_for),
        STAGE_TEST_UNJOINED(an_old_launch_is_looked_for_when_lists_can_be_trusted),
        STAGE_TEST_UNJOINED(a_launch_without_its_request_is_not_called),
        STAGE_TEST_UNJOINED(a_launch_with_another_request_is_looked_for),
        STAGE_TEST_UNJOINED(the_bucket_of_launches_holds_a_minute),
        STAGE_TEST_UNJOINED(a_server_whose_clock_is_behind_is_no_reason_to_give_up),
        STAGE_TEST_UNJOINED(our_clock_that_jumps_is_no_reason_to_give_up),
        STAGE_TEST_UNJOINED(a_claim_whose_answer_was_lost_is_waited_for),
        STAGE_TEST_UNJOINED(a_machine_without_a_node_counts_for_the_limit),
        STAGE_TEST_UNJOINED(machines_that_cannot_be_given_back_keep_none_from_coming),
        STAGE_TEST_UNJOINED(limits_are_of_one_provisioner),
        STAGE_TEST_UNJOINED(a_limit_that_was_lowered_meanwhile_holds),
        STAGE_TEST_UNJOINED(a_limit_that_was_raised_is_planned_with_at_once),
        STAGE_TEST_UNJOINED(instances_are_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of what controllers share: writes, events, marks, holds, notices, phases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/lifecycle/controllers.h"
#include "tests/support/stage.h"

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    if (!stage)
        return -1;
    stage_open(stage);
    stage_start(stage);
    stage_run(stage, 1000);
    stage->cluster->n_calls = 0;
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    stage_close(*state);
    free(*state);
    return 0;
}

static void count_done(struct control *control, void *context, const struct cluster_answer *answer)
{
    (void)control;
    (void)answer;
    (*(int *)context)++;
}

static void patch(struct stage *stage, const char *node, const char *body, int *done)
{
    struct err err = {0};
    const struct cluster_request request = {
        .verb = CLUSTER_PATCH, .kind = CLUSTER_NODE, .name = str_of(node), .body = str_of(body)};
    assert_int_equal(control_write(stage->control, &request, "test", done ? count_done : NULL, done, &err), 0);
}

static bool busy(const struct stage *stage, const char *node)
{
    return control_busy(stage->control, CLUSTER_NODE, STR(""), str_of(node));
}

static void join(struct stage *stage, const char *name)
{
    struct fake_node node = {.name = name, .provider_id = name, .instance_type = "c4.large", .zone = "us-west-2a"};
    fake_cluster_join(stage->cluster, &node);
    stage_run(stage, 100);
}

static void test_one_write_at_a_time(void **state)
{
    struct stage *stage = *state;
    int done = 0;
    join(stage, "n1");
    join(stage, "n2");
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", &done);
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":false}}", &done);
    patch(stage, "n2", "{\"spec\":{\"unschedulable\":true}}", &done);
    assert_int_equal(stage->cluster->n_calls, 2);
    assert_true(busy(stage, "n1"));
    assert_false(busy(stage, "n3"));
    stage_run(stage, 10);
    assert_int_equal(done, 2);
    assert_false(busy(stage, "n1"));
    /* The answer is in the state before the watch tells. */
    assert_true(state_node(stage->state, STR("n1"))->unschedulable);
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":false}}", &done);
    stage_run(stage, 10);
    assert_int_equal(done, 3);
    assert_false(state_node(stage->state, STR("n1"))->unschedulable);
}

static enum fake_fate refuse(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)request;
    (void)number;
    return FAKE_REFUSED;
}

/* How long it is busy, from now. */
static int64_t busy_ms(struct stage *stage, const char *node)
{
    int64_t ms = 0;
    for (; busy(stage, node); ms += 10)
        stage_run(stage, 10);
    return ms;
}

static void test_back_off_doubles_and_ends_with_success(void **state)
{
    struct stage *stage = *state;
    join(stage, "n1");
    stage->cluster->on_call = refuse;
    for (int64_t most = 500; most <= 4000; most *= 2) {
        patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", NULL);
        assert_in_range(busy_ms(stage, "n1"), most / 2, most + 20);
    }
    stage->cluster->on_call = NULL;
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", NULL);
    assert_true(busy_ms(stage, "n1") <= 20);
    stage->cluster->on_call = refuse;
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", NULL);
    assert_in_range(busy_ms(stage, "n1"), 250, 520);
}

static enum fake_fate throttle(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)request;
    (void)number;
    return FAKE_THROTTLED;
}

static void test_a_server_says_when_to_come_back(void **state)
{
    struct stage *stage = *state;
    join(stage, "n1");
    stage->cluster->on_call = throttle;
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", NULL);
    assert_in_range(busy_ms(stage, "n1"), 1000, 1040);
}

static void test_a_conflict_waits_for_nothing(void **state)
{
    struct stage *stage = *state;
    int done = 0;
    join(stage, "n1");
    patch(stage, "n1", "{\"metadata\":{\"resourceVersion\":\"999999\"},\"spec\":{\"unschedulable\":true}}", &done);
    stage_run(stage, 5);
    assert_int_equal(done, 1);
    assert_false(busy(stage, "n1"));
}

static void test_who_may_not_act_writes_nothing(void **state)
{
    struct stage *stage = *state;
    join(stage, "n1");
    stage->leads = false;
    patch(stage, "n1", "{\"spec\":{\"unschedulable\":true}}", NULL);
    control_event(stage->control, CLUSTER_NODE, STR(""), STR("n1"), STR("u"), EVENT_NORMAL, "Test", "x");
    assert_int_equal(stage->cluster->n_calls, 0);
}

static void say(struct stage *stage, const char *name, const char *message)
{
    control_event(stage->control, CLUSTER_POD, STR("spark"), str_of(name), str_of(name), EVENT_WARNING, "Test", "%s",
                  message);
}

static void test_events_are_said_once(void **state)
{
    struct stage *stage = *state;
    say(stage, "p1", "one");
    say(stage, "p1", "one");
    say(stage, "p1", "two");
    say(stage, "p2", "one");
    stage_run(stage, 590000);
    say(stage, "p1", "one");
    assert_int_equal(fake_cluster_events(stage->cluster, "p1", "Test"), 2);
    assert_int_equal(fake_cluster_events(stage->cluster, "p2", "Test"), 1);
    stage_run(stage, 20000);
    say(stage, "p1", "one");
    assert_int_equal(fake_cluster_events(stage->cluster, "p1", "Test"), 3);
}

static void test_events_are_few(void **state)
{
    struct stage *stage = *state;
    char name[16];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        say(stage, name, "one");
    }
    assert_int_equal(fake_cluster_events(stage->cluster, "", "Test"), 500);
    stage_run(stage, 1000);
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        say(stage, name, "one");
    }
    assert_in_range(fake_cluster_events(stage->cluster, "", "Test"), 519, 521);
}

static void test_good_news_leave_room_for_warnings(void **state)
{
    struct stage *stage = *state;
    char name[16];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        control_event(stage->control, CLUSTER_POD, STR("spark"), str_of(name), str_of(name), EVENT_NORMAL, "Fine",
                      "one");
    }
    assert_int_equal(fake_cluster_events(stage->cluster, "", "Fine"), 250);
    say(stage, "p1", "one");
    assert_int_equal(fake_cluster_events(stage->cluster, "p1", "Test"), 1);
}

static size_t on_sale(struct stage *stage)
{
    struct arena arena = ARENA_INIT;
    struct cloud_catalogue catalogue;
    struct err err = {0};
    assert_int_equal(control_catalogue(stage->control, &arena, &catalogue, &err), 0);
    size_t n = catalogue.n_offerings;
    for (size_t i = 0; i < n; i++)
        assert_false(control_unavailable(stage->control, catalogue.types[catalogue.offerings[i].type].name,
                                         catalogue.zones[catalogue.offerings[i].zone],
                                         catalogue.offerings[i].capacity_type));
    arena_release(&arena);
    return n;
}

/* What a quota leaves out is what counts against it: other classes of types are still bought. */
static void test_a_quota_is_of_its_class(void **state)
{
    struct stage *stage = *state;
    struct cloud_catalogue *market = &stage->market.catalogue;
    const struct cloud_type *before = market->types;
    struct cloud_type types[8];
    assert_in_range(market->n_types, 2, CC_COUNT(types));
    memcpy(types, market->types, market->n_types * sizeof(types[0]));
    assert_true(str_is(types[0].name, "c4.2xlarge"));
    types[0].quota = STR("P");
    market->types = types;
    assert_int_equal(on_sale(stage), 20);
    control_mark_quota(stage->control, STR("c4.large"), CLOUD_ON_DEMAND, STR("VcpuLimitExceeded"));
    assert_int_equal(on_sale(stage), 12);
    assert_false(control_unavailable(stage->control, STR("c4.2xlarge"), STR("us-west-2a"), CLOUD_ON_DEMAND));
    assert_true(control_unavailable(stage->control, STR("m4.xlarge"), STR("us-west-2b"), CLOUD_ON_DEMAND));
    assert_false(control_unavailable(stage->control, STR("m4.xlarge"), STR("us-west-2b"), CLOUD_SPOT));
    uint64_t marked = control_marks(stage->control);
    control_mark_quota(stage->control, STR("m4.xlarge"), CLOUD_ON_DEMAND, STR("VcpuLimitExceeded"));
    assert_true(control_marks(stage->control) == marked); /* the same quota */
    control_mark_quota(stage->control, STR("c4.2xlarge"), CLOUD_ON_DEMAND, STR("VcpuLimitExceeded"));
    assert_int_equal(on_sale(stage), 10);
    market->types = before;
}

/* The market: five types in two zones, On-Demand and spot. */
static void test_marks_take_offerings_out_for_a_while(void **state)
{
    struct stage *stage = *state;
    uint64_t first = control_marks(stage->control);
    assert_int_equal(on_sale(stage), 20);
    control_mark_unavailable(stage->control, STR("c4.large"), STR("us-west-2a"), CLOUD_SPOT, STR("ICE"));
    assert_int_equal(on_sale(stage), 19);
    assert_true(control_unavailable(stage->control, STR("c4.large"), STR("us-west-2a"), CLOUD_SPOT));
    assert_false(control_unavailable(stage->control, STR("c4.large"), STR("us-west-2b"), CLOUD_SPOT));
    assert_false(control_unavailable(stage->control, STR("c4.large"), STR("us-west-2a"), CLOUD_ON_DEMAND));
    control_mark_unavailable(stage->control, STR("not.sold"), STR("us-west-2a"), CLOUD_SPOT, STR("ICE"));
    assert_int_equal(on_sale(stage), 19);
    stage_run(stage, 100000);
    control_mark_unavailable(stage->control, STR(""), STR("us-west-2b"), CLOUD_SPOT, STR("no addresses"));
    assert_int_equal(on_sale(stage), 14);
    control_mark_unavailable(stage->control, STR(""), STR(""), CLOUD_ON_DEMAND, STR("VcpuLimitExceeded"));
    assert_int_equal(on_sale(stage), 4);
    uint64_t marked = control_marks(stage->control);
    assert_true(marked != first);
    stage_run(stage, 79000);
    assert_int_equal(on_sale(stage), 4);
    stage_run(stage, 2000);
    assert_int_equal(on_sale(stage), 5);
    assert_true(control_marks(stage->control) != marked);
    stage_run(stage, 100000);
    assert_int_equal(on_sale(stage), 20);
}

static const struct provisioner DEFAULT = {.name = {"default", 7}, .generation = 1},
                                OTHER = {.name = {"other", 5}, .generation = 1};

static void hold(struct stage *stage, int code)
{
    provisioner_hold(stage->control, &DEFAULT, code, "LaunchFailed", "not %s", "allowed");
}

static int64_t held_ms(struct stage *stage)
{
    int64_t ms = 0;
    for (; control_held(stage->control, &DEFAULT); ms += 100)
        stage_run(stage, 100);
    return ms;
}

static void test_holds_grow(void **state)
{
    struct stage *stage = *state;
    for (int64_t most = 10000; most <= 600000; most *= 2) {
        hold(stage, ERR_AUTH);
        hold(stage, ERR_AUTH); /* of the same attempt */
        int64_t bound = most < 300000 ? most : 300000;
        assert_in_range(held_ms(stage), bound / 2, bound + 100);
    }
    control_hold_end(stage->control, STR("default"));
    assert_false(control_held(stage->control, &DEFAULT));
    hold(stage, ERR_AUTH);
    assert_in_range(held_ms(stage), 5000, 10100);
    assert_false(control_held(stage->control, &OTHER));
}

/* What passes by itself is tried sooner, and a document that was changed at once. */
static void test_holds_end(void **state)
{
    struct stage *stage = *state;
    const char *reason, *message;
    struct provisioner mended = DEFAULT;
    mended.generation = 2;
    for (int i = 0; i < 8; i++) {
        hold(stage, ERR_THROTTLED);
        assert_in_range(held_ms(stage), 0, 30100);
    }
    hold(stage, ERR_AUTH);
    assert_true(control_held(stage->control, &DEFAULT));
    assert_true(control_hold_reason(stage->control, &DEFAULT, &reason, &message));
    assert_string_equal(reason, "LaunchFailed");
    assert_string_equal(message, "not allowed");
    assert_false(control_held(stage->control, &mended));
    assert_false(control_hold_reason(stage->control, &mended, &reason, &message));
    control_wake(stage->control, CLUSTER_POD);
    assert_true(control_held(stage->control, &DEFAULT));
    control_wake(stage->control, CLUSTER_NODE_TEMPLATE);
    assert_false(control_held(stage->control, &DEFAULT));
    assert_true(control_hold_reason(stage->control, &DEFAULT, &reason, &message));
    stage_run(stage, 601000); /* nothing was launched since: nothing is known */
    assert_false(control_hold_reason(stage->control, &DEFAULT, &reason, &message));
}

static void test_allowed_moves(void **state)
{
    static const char *const allowed[] = {
        "Planned>Launching",    "Planned>Draining",  "Launching>Launched",     "Launching>Draining",
        "Launched>Registered",  "Launched>Draining", "Registered>Initialized", "Registered>Draining",
        "Initialized>Draining", "Draining>Gone",
    };
    size_t n = 0;
    (void)state;
    for (int from = CLAIM_PLANNED; from <= CLAIM_GONE; from++) {
        for (int to = CLAIM_PLANNED; to <= CLAIM_GONE; to++) {
            char move[64];
            bool found = false;
            snprintf(move, sizeof(move), "%s>%s", claim_phase_name((enum claim_phase)from),
                     claim_phase_name((enum claim_phase)to));
            for (size_t i = 0; i < CC_COUNT(allowed); i++)
                found |= strcmp(move, allowed[i]) == 0;
            assert_int_equal(claim_may_move((enum claim_phase)from, (enum claim_phase)to), found);
            n += found;
        }
    }
    assert_int_equal(n, CC_COUNT(allowed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_write_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_back_off_doubles_and_ends_with_success, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_server_says_when_to_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conflict_waits_for_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_not_act_writes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events_are_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_good_news_leave_room_for_warnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_quota_is_of_its_class, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks_take_offerings_out_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_holds_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_holds_end, set_up, tear_down),
        cmocka_unit_test(test_allowed_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

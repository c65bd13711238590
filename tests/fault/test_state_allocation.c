/*
 * test_state_allocation.c - memory runs out at the first allocation, at the second, … of hearing of objects and of
 * looking at them: nothing is lost silently, nothing leaks, and what is told again is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "provisioner/state/state.h"
#include "tests/fault/nth.h"
#include "tests/support/state_yaml.h"

enum { MOST_ALLOCATIONS = 5000 };

static struct clock_wall noon(void *context)
{
    (void)context;
    return (struct clock_wall){INT64_C(1000) * 1000000000};
}

static const struct clock CLOCK = {.wall = noon};

/* One object of each kind that holds much, as JSON maps, so that each is a document of its own. */
static const char *const OBJECTS[] = {
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: jobs, uid: u1, labels: {spark-role: executor, "
    "spark-app-selector: app}}, spec: {nodeName: n, tolerations: [{key: x}], volumes: [{name: v, ephemeral: "
    "{volumeClaimTemplate: {spec: {}}}}], containers: [{resources: {requests: {cpu: 1}}}]}}",
    "{apiVersion: v1, kind: Node, metadata: {name: n, uid: u2, labels: {a: b}}, spec: {providerID: 'aws:///z/i', "
    "taints: [{key: k, effect: NoSchedule}]}, status: {capacity: {cpu: 4}}}",
    "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: c, uid: u3}, spec: {provisioner: p, "
    "capacityType: spot, launch: {id: l}, slots: [{namespace: jobs, name: b, uid: u4}]}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: jobs, uid: u4}, spec: {containers: [{}]}}",
    "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: p, uid: u5}, spec: {provider: "
    "{subnetSelector: {a: b}}, kubeletConfiguration: {systemReserved: {cpu: 1}}}}",
    "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: bad, uid: u6}, spec: {weight: 1000}}",
    "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: d, namespace: jobs, uid: u7}, spec: "
    "{selector: {matchLabels: {a: b}}}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: odd, namespace: jobs, uid: u8}, spec: {nodeName: n, containers: "
    "[{resources: {requests: {cpu: 1000000P}}}]}}",
};

struct heard {
    size_t out_of_memory;
};

static void on_failed(void *context, enum cluster_kind kind, struct str name, const struct err *err)
{
    struct heard *heard = context;
    (void)kind, (void)name;
    heard->out_of_memory += err->code == ERR_NOMEM;
}

/* Reading the text must not fail, only what is done with it. */
struct telling {
    struct state *state;
    int64_t fail_at; /* -1: never */
    bool failed;
};

static int tell(void *context, const struct doc *object, struct err *err)
{
    struct telling *telling = context;
    (void)err;
    nth_begin(telling->fail_at);
    state_tell(telling->state, object);
    telling->failed = nth_end();
    return 0;
}

static bool tell_one(struct state *state, const char *text, int64_t fail_at)
{
    struct telling telling = {state, fail_at, false};
    assert_int_equal(doc_read(str_of(text), "object.yaml", tell, &telling, NULL), 0);
    return telling.failed;
}

static void check_all(const struct state *state)
{
    assert_non_null(state_pod(state, STR("jobs"), STR("a")));
    assert_non_null(state_pod(state, STR("jobs"), STR("b")));
    assert_non_null(state_pod(state, STR("jobs"), STR("odd")));
    assert_non_null(state_node_by_provider_id(state, STR("aws:///z/i")));
    assert_non_null(state_claim(state, STR("c")));
    assert_non_null(state_provisioner(state, STR("p")));
    assert_true(state_findings(state, CLUSTER_PROVISIONER, STR("bad")).len > 0);
}

/* Each object at its n-th allocation; then once more, as the next list brings it. */
static void no_object_is_lost_silently(void **cmocka_state)
{
    (void)cmocka_state;
    size_t failures = 0;
    for (size_t i = 0; i < CC_COUNT(OBJECTS); i++) {
        bool failed = true;
        for (int64_t n = 0; failed && n < MOST_ALLOCATIONS; n++) {
            struct heard heard = {0};
            struct state *state;
            const struct state_options options = {.clock = &CLOCK, .failed = on_failed, .context = &heard};
            assert_int_equal(state_open(&options, &state, NULL), 0);
            state_list_all(state);
            for (size_t k = 0; k < i; k++)
                tell_one(state, OBJECTS[k], -1);
            assert_true(state_synced(state, NULL));
            failed = tell_one(state, OBJECTS[i], n);
            if (failed) {
                assert_int_equal(heard.out_of_memory, 1);
                assert_false(state_synced(state, NULL));
            }
            for (size_t k = i; k < CC_COUNT(OBJECTS); k++)
                tell_one(state, OBJECTS[k], -1);
            check_all(state);
            failures += failed;
            state_close(state);
        }
        assert_false(failed);
    }
    assert_true(failures > 20);
}

static void a_view_is_whole_or_not_there(void **cmocka_state)
{
    (void)cmocka_state;
    struct state *state;
    const struct state_options options = {.clock = &CLOCK};
    assert_int_equal(state_open(&options, &state, NULL), 0);
    for (size_t k = 0; k < CC_COUNT(OBJECTS); k++)
        tell_one(state, OBJECTS[k], -1);
    int rc = ERR_NOMEM;
    int64_t n = 0;
    for (; rc == ERR_NOMEM && n < MOST_ALLOCATIONS; n++) {
        struct arena arena = ARENA_INIT;
        struct view view;
        nth_begin(n);
        rc = state_view(state, &arena, &view, NULL);
        (void)nth_end();
        if (rc == 0) {
            assert_int_equal(view.objects.pods.len, 3);
            state_view_release(state, &view);
        }
        arena_release(&arena);
    }
    assert_int_equal(rc, 0);
    assert_true(n > 1);
    state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_object_is_lost_silently),
        cmocka_unit_test(a_view_is_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

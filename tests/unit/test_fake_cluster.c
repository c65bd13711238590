/* The API server that tests talk to: what controllers rely on must hold there as it does on the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/doc_edit.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/virtual_time.h"

struct fixture {
    struct virtual_time time;
    struct loop loop;
    struct fake_cluster *fake;
    /* what was told */
    int relists, puts, gones, listed;
    char last_name[64];
    /* the last answer */
    int answers, code, status;
    bool budget;
    int64_t retry_after_ms;
    char version[32];
    enum fake_fate fate;
};

static void on_relist(void *context, enum cluster_kind kind)
{
    struct fixture *f = context;
    f->relists += kind == CLUSTER_POD;
}

static void on_put(void *context, enum cluster_kind kind, const struct doc *object)
{
    struct fixture *f = context;
    f->puts += kind == CLUSTER_POD;
    struct str name = doc_text_at(object, "metadata.name");
    snprintf(f->last_name, sizeof(f->last_name), "%.*s", STR_ARG(name));
}

static void on_gone(void *context, enum cluster_kind kind, struct str namespace_, struct str name, struct str uid)
{
    struct fixture *f = context;
    assert_true(uid.len > 0);
    assert_int_equal(namespace_.len > 0, kind == CLUSTER_POD);
    f->gones++;
    snprintf(f->last_name, sizeof(f->last_name), "%.*s", STR_ARG(name));
}

static void on_listed(void *context, enum cluster_kind kind)
{
    struct fixture *f = context;
    f->listed += kind == CLUSTER_POD;
}

static void on_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    (void)context;
    (void)kind;
    fail_msg("%s", err->message);
}

static void start(struct fixture *f)
{
    struct cluster cluster = fake_cluster_cluster(f->fake);
    const struct cluster_sink sink = {on_relist, on_put, on_gone, on_listed, on_failed, f};
    cluster.start(cluster.context, &sink);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    virtual_time_init(&f->time);
    loop_init(&f->loop, &f->time.clock, virtual_time_waiter(&f->time));
    f->fake = fake_cluster_open(&f->loop);
    *state = f;
    fake_cluster_apply(f->fake, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: jobs, labels: {app: x}}\n"
                                "spec: {containers: [{name: main}]}\n");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_cluster_close(f->fake);
    loop_release(&f->loop);
    free(f);
    return 0;
}

static void on_answer(void *context, const struct cluster_answer *answer)
{
    struct fixture *f = context;
    f->answers++;
    f->code = answer->err ? answer->err->code : 0;
    f->status = answer->err ? answer->err->http_status : 200;
    f->budget = answer->budget;
    f->retry_after_ms = answer->retry_after_ms;
    assert_true(answer->err || answer->object);
    struct str version = answer->object ? doc_text_at(answer->object, "metadata.resourceVersion") : STR("");
    snprintf(f->version, sizeof(f->version), "%.*s", STR_ARG(version));
}

/* Asks, and waits for the answer; returns its code. */
static int ask_kind(struct fixture *f, enum cluster_verb verb, enum cluster_kind kind, const char *name,
                    const char *body)
{
    struct cluster cluster = fake_cluster_cluster(f->fake);
    const struct cluster_request request = {verb, kind, kind == CLUSTER_POD ? STR("jobs") : STR(""), str_of(name),
                                            str_of(body)};
    struct err err = {0};
    int before = f->answers;
    assert_int_equal(cluster.request(cluster.context, &request, on_answer, f, &err), 0);
    assert_int_equal(f->answers, before);
    virtual_time_run(&f->loop, 10);
    return f->answers == before ? 1 : f->code;
}

static int ask(struct fixture *f, enum cluster_verb verb, const char *name, const char *body)
{
    return ask_kind(f, verb, CLUSTER_POD, name, body);
}

static struct str pod_text(struct fixture *f, const char *path)
{
    return fake_cluster_text(f->fake, CLUSTER_POD, "jobs", "a", path);
}

#define assert_text(actual, expected) assert_true(str_is((actual), (expected)))

static void lists_then_tells_changes(void **state)
{
    struct fixture *f = *state;
    start(f);
    assert_int_equal(f->relists, 0);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->relists, 1);
    assert_int_equal(f->puts, 1);
    assert_int_equal(f->listed, 1);
    fake_cluster_apply(f->fake, "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: jobs}\nspec: {}\n");
    assert_int_equal(f->puts, 1);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->puts, 2);
    assert_string_equal(f->last_name, "b");
    fake_cluster_delete(f->fake, CLUSTER_POD, "jobs", "b");
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->gones, 1);
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_POD), 1);
}

static void a_gap_is_told_by_a_list(void **state)
{
    struct fixture *f = *state;
    start(f);
    virtual_time_run(&f->loop, 10);
    fake_cluster_remove(f->fake, CLUSTER_POD, "jobs", "a");
    fake_cluster_gap(f->fake, CLUSTER_POD);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->gones, 0);
    assert_int_equal(f->relists, 2);
    assert_int_equal(f->puts, 1);
    assert_int_equal(f->listed, 2);
}

static void merge_patches_follow_the_rules(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, CLUSTER_PATCH, "a",
                         "{\"metadata\": {\"labels\": {\"app\": null, \"y\": \"1\"}, \"uid\": null}, \"spec\": "
                         "{\"containers\": [{\"name\": \"other\"}]}, \"status\": {\"phase\": \"Failed\"}}"),
                     ERR_CONFLICT);
    assert_int_equal(ask(f, CLUSTER_PATCH, "a",
                         "{\"metadata\": {\"labels\": {\"app\": null, \"y\": \"1\"}}, \"spec\": {\"containers\": "
                         "[{\"name\": \"other\"}]}, \"status\": {\"phase\": \"Failed\"}}"),
                     0);
    assert_text(pod_text(f, "metadata.labels.app"), "");
    assert_text(pod_text(f, "metadata.labels.y"), "1");
    assert_text(pod_text(f, "status.phase"), "Pending"); /* a subresource: not by this way */
    assert_text(pod_text(f, "metadata.uid"), "uid-1");
    assert_int_equal(ask(f, CLUSTER_PATCH_STATUS, "a",
                         "{\"metadata\": {\"labels\": {\"z\": \"1\"}}, \"status\": {\"phase\": \"Failed\"}}"),
                     0);
    assert_text(pod_text(f, "status.phase"), "Failed");
    assert_text(pod_text(f, "metadata.labels.z"), "");
    assert_int_equal(ask(f, CLUSTER_PATCH, "nobody", "{}"), ERR_NOT_FOUND);
}

static void versions_are_an_optimistic_lock(void **state)
{
    struct fixture *f = *state;
    char body[128];
    assert_int_equal(ask(f, CLUSTER_PATCH, "a", "{\"metadata\": {\"labels\": {\"y\": \"1\"}}}"), 0);
    char first[32];
    memcpy(first, f->version, sizeof(first));
    snprintf(body, sizeof(body), "{\"metadata\": {\"resourceVersion\": \"%s\", \"labels\": {\"y\": \"2\"}}}", first);
    assert_int_equal(ask(f, CLUSTER_PATCH, "a", body), 0);
    assert_string_not_equal(f->version, first);
    assert_int_equal(ask(f, CLUSTER_PATCH, "a", body), ERR_CONFLICT);
    assert_int_equal(f->status, 409);
    /* The same once more changes nothing. */
    memcpy(first, f->version, sizeof(first));
    assert_int_equal(ask(f, CLUSTER_PATCH, "a", "{\"metadata\": {\"labels\": {\"y\": \"2\"}}}"), 0);
    assert_text(pod_text(f, "metadata.labels.y"), "2");
}

static void creation_is_once(void **state)
{
    struct fixture *f = *state;
    const char *claim = "{\"apiVersion\": \"stoker.sh/v1alpha1\", \"kind\": \"NodeClaim\", \"metadata\": {\"name\": "
                        "\"n\", \"finalizers\": [\"stoker.sh/instance\"]}, \"status\": {\"phase\": \"Gone\"}}";
    assert_int_equal(ask_kind(f, CLUSTER_CREATE, CLUSTER_NODE_CLAIM, "", claim), 0);
    assert_int_equal(ask_kind(f, CLUSTER_CREATE, CLUSTER_NODE_CLAIM, "", claim), ERR_CONFLICT);
    assert_text(fake_cluster_text(f->fake, CLUSTER_NODE_CLAIM, "", "n", "status.phase"), "");
    assert_text(fake_cluster_text(f->fake, CLUSTER_NODE_CLAIM, "", "n", "metadata.creationTimestamp"),
                "2026-01-01T00:00:00Z");
    /* A finalizer keeps it until it is taken off. */
    assert_int_equal(ask_kind(f, CLUSTER_DELETE, CLUSTER_NODE_CLAIM, "n", ""), 0);
    assert_true(fake_cluster_text(f->fake, CLUSTER_NODE_CLAIM, "", "n", "metadata.deletionTimestamp").len > 0);
    assert_int_equal(ask_kind(f, CLUSTER_PATCH, CLUSTER_NODE_CLAIM, "n", "{\"metadata\": {\"finalizers\": null}}"), 0);
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_NODE_CLAIM), 0);
}

static const char bind_a[] = "{\"metadata\": {\"name\": \"a\", \"uid\": \"uid-1\"}, \"target\": {\"name\": \"node\"}}";

static void a_pod_is_bound_once(void **state)
{
    struct fixture *f = *state;
    f->fake->start_ms = 500;
    assert_int_equal(ask(f, CLUSTER_BIND, "a", "{\"metadata\": {\"uid\": \"other\"}, \"target\": {\"name\": \"n\"}}"),
                     ERR_CONFLICT);
    assert_int_equal(ask(f, CLUSTER_BIND, "a", bind_a), 0);
    assert_text(pod_text(f, "spec.nodeName"), "node");
    assert_int_equal(ask(f, CLUSTER_BIND, "a", bind_a), ERR_CONFLICT);
    virtual_time_run(&f->loop, 600);
    assert_text(pod_text(f, "status.phase"), "Running");
}

static void evictions_wait_for_budgets_and_grace(void **state)
{
    struct fixture *f = *state;
    const char *evict = "{\"apiVersion\": \"policy/v1\", \"kind\": \"Eviction\", \"metadata\": {\"name\": \"a\"}, "
                        "\"deleteOptions\": {\"gracePeriodSeconds\": 40}}";
    f->fake->start_ms = 0;
    f->fake->stop_ms = -1;
    fake_cluster_apply(f->fake, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: "
                                "jobs}\nspec: {selector: {matchLabels: {app: x}}}\nstatus: {disruptionsAllowed: 0}\n");
    assert_int_equal(ask(f, CLUSTER_BIND, "a", bind_a), 0);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(ask(f, CLUSTER_EVICT, "a", evict), ERR_THROTTLED);
    assert_int_equal(f->status, 429);
    assert_true(f->budget);
    fake_cluster_patch(f->fake, CLUSTER_DISRUPTION_BUDGET, "jobs", "b", "{\"status\": {\"disruptionsAllowed\": 1}}");
    assert_int_equal(ask(f, CLUSTER_EVICT, "a", evict), 0);
    assert_text(fake_cluster_text(f->fake, CLUSTER_DISRUPTION_BUDGET, "jobs", "b", "status.disruptionsAllowed"), "0");
    assert_text(pod_text(f, "metadata.deletionGracePeriodSeconds"), "40");
    virtual_time_run(&f->loop, 39000);
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_POD), 1);
    virtual_time_run(&f->loop, 1000);
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_POD), 0);
}

static enum fake_fate choose(void *context, const struct cluster_request *request, uint64_t number)
{
    struct fixture *f = context;
    assert_int_equal(number, f->fake->n_calls);
    assert_int_equal(request->kind, CLUSTER_POD);
    return f->fate;
}

static void faults_are_as_asked_for(void **state)
{
    struct fixture *f = *state;
    f->fake->on_call = choose;
    f->fake->on_call_context = f;
    const struct {
        enum fake_fate fate;
        int code;
        bool done;
    } cases[] = {{FAKE_SERVED, 0, true},
                 {FAKE_LOST, ERR_RETRY, true},
                 {FAKE_REFUSED, ERR_RETRY, false},
                 {FAKE_FORBIDDEN, ERR_AUTH, false},
                 {FAKE_UNSENT, 1, false},
                 {FAKE_UNANSWERED, 1, true},
                 {FAKE_THROTTLED, ERR_THROTTLED, false}};
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        char body[64], value[8];
        snprintf(value, sizeof(value), "%zu", i);
        snprintf(body, sizeof(body), "{\"metadata\": {\"labels\": {\"n\": \"%zu\"}}}", i);
        f->fate = cases[i].fate;
        assert_int_equal(ask(f, CLUSTER_PATCH, "a", body), cases[i].code);
        assert_int_equal(str_is(pod_text(f, "metadata.labels.n"), value), cases[i].done);
    }
    assert_int_equal(f->retry_after_ms, 1000);
    assert_false(f->budget);
    assert_int_equal(f->fake->calls[CLUSTER_PATCH][CLUSTER_POD], CC_COUNT(cases));
}

static void a_client_that_is_gone_hears_nothing(void **state)
{
    struct fixture *f = *state;
    struct cluster cluster = fake_cluster_cluster(f->fake);
    const struct cluster_request request = {CLUSTER_BIND, CLUSTER_POD, STR("jobs"), STR("a"), str_of(bind_a)};
    struct err err = {0};
    start(f);
    virtual_time_run(&f->loop, 10);
    int puts = f->puts;
    assert_int_equal(cluster.request(cluster.context, &request, on_answer, f, &err), 0);
    fake_cluster_cut(f->fake);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->answers, 0);
    assert_int_equal(f->puts, puts);
    assert_text(pod_text(f, "spec.nodeName"), "node");
    start(f);
    virtual_time_run(&f->loop, 10);
    assert_int_equal(f->relists, 2);
}

static void nodes_join_and_become_ready(void **state)
{
    struct fixture *f = *state;
    fake_cluster_join(f->fake, &(struct fake_node){.name = "n",
                                                   .provider_id = "aws:///us-west-2a/i-1",
                                                   .instance_type = "m5.xlarge",
                                                   .zone = "us-west-2a",
                                                   .placing = true});
    const struct doc *node = fake_cluster_get(f->fake, CLUSTER_NODE, "", "n");
    assert_int_equal(doc_at(node, "spec.taints")->count, 2);
    fake_cluster_ready(f->fake, "n", true);
    node = fake_cluster_get(f->fake, CLUSTER_NODE, "", "n");
    assert_int_equal(doc_at(node, "spec.taints")->count, 1);
    assert_text(doc_text_at(doc_at(node, "status.conditions")->first, "status"), "True");
    assert_int_equal(ask(f, CLUSTER_BIND, "a", "{\"target\": {\"name\": \"n\"}}"), 0);
    fake_cluster_delete(f->fake, CLUSTER_NODE, "", "n");
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_NODE), 0);
    assert_int_equal(fake_cluster_count(f->fake, CLUSTER_POD), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_then_tells_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gap_is_told_by_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merge_patches_follow_the_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_are_an_optimistic_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(creation_is_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pod_is_bound_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evictions_wait_for_budgets_and_grace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_are_as_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_is_gone_hears_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_join_and_become_ready, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

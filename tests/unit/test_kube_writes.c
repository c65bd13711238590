/* test_kube_writes.c - requests about one object: paths, answers, errors by what to do, and how many at once. */
#include "tests/unit/kube_world.h"

struct got {
    int answers, code, status;
    int64_t retry_after_ms;
    bool budget, object;
    char name[64], words[256], order[64];
};

static void on_answer(void *context, const struct cluster_answer *answer)
{
    struct got *got = context;
    const struct doc *name = doc_at(answer->object, "metadata.name");
    got->answers++;
    got->code = answer->err ? answer->err->code : 0;
    got->status = answer->err ? answer->err->http_status : 0;
    got->retry_after_ms = answer->retry_after_ms;
    got->budget = answer->budget;
    got->object = answer->object != NULL;
    snprintf(got->name, sizeof(got->name), "%s", name ? name->text.ptr : "");
    snprintf(got->words, sizeof(got->words), "%s", answer->err ? answer->err->message : "");
}

static int ask(struct kube_world *world, enum cluster_verb verb, enum cluster_kind kind, const char *namespace_,
               const char *name, const char *body, struct got *got)
{
    struct cluster_request request = {verb, kind, str_of(namespace_), str_of(name), str_of(body)};
    struct err err = {0};
    return world->cluster.request(world->cluster.context, &request, on_answer, got, &err);
}

static int open_world(void **state)
{
    struct kube_world *world = calloc(1, sizeof(*world));
    kube_world_open(world, false);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    kube_world_close(*state);
    free(*state);
    return 0;
}

static void paths_and_bodies(void **state)
{
    struct kube_world *world = *state;
    static const struct {
        enum cluster_verb verb;
        enum cluster_kind kind;
        const char *namespace_, *name, *body, *method, *url, *type;
    } cases[] = {
        {CLUSTER_GET, CLUSTER_POD, "ns", "a", "", "GET", "https://api:6443/api/v1/namespaces/ns/pods/a", ""},
        {CLUSTER_GET, CLUSTER_CRD, "", "nodeclaims.stoker.sh", "", "GET",
         "https://api:6443/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodeclaims.stoker.sh", ""},
        {CLUSTER_GET, CLUSTER_VERSION, "", "version", "", "GET", "https://api:6443/version", ""},
        {CLUSTER_CREATE, CLUSTER_EVENT, "ns", "", "{}", "POST", "https://api:6443/api/v1/namespaces/ns/events",
         "application/json"},
        {CLUSTER_CREATE, CLUSTER_NODE_CLAIM, "", "", "{}", "POST",
         "https://api:6443/apis/stoker.sh/v1alpha1/nodeclaims?fieldValidation=Strict", "application/json"},
        {CLUSTER_PATCH, CLUSTER_NODE, "", "n%/x", "{\"a\":1}", "PATCH", "https://api:6443/api/v1/nodes/n%25%2Fx",
         "application/merge-patch+json"},
        {CLUSTER_PATCH_STATUS, CLUSTER_NODE_CLAIM, "", "c", "{}", "PATCH",
         "https://api:6443/apis/stoker.sh/v1alpha1/nodeclaims/c/status?fieldValidation=Strict",
         "application/merge-patch+json"},
        {CLUSTER_DELETE, CLUSTER_NODE, "", "n", "", "DELETE", "https://api:6443/api/v1/nodes/n", ""},
        {CLUSTER_DELETE, CLUSTER_NODE, "", "n", "{\"kind\":\"DeleteOptions\"}", "DELETE",
         "https://api:6443/api/v1/nodes/n", "application/json"},
        {CLUSTER_EVICT, CLUSTER_POD, "ns", "a", "{}", "POST", "https://api:6443/api/v1/namespaces/ns/pods/a/eviction",
         "application/json"},
        {CLUSTER_BIND, CLUSTER_POD, "ns", "a", "{}", "POST", "https://api:6443/api/v1/namespaces/ns/pods/a/binding",
         "application/json"},
        {CLUSTER_PATCH, CLUSTER_LEASE, "kube-system", "stoker", "{}", "PATCH",
         "https://api:6443/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/stoker",
         "application/merge-patch+json"},
    };
    struct got got = {0};
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        assert_int_equal(
            ask(world, cases[i].verb, cases[i].kind, cases[i].namespace_, cases[i].name, cases[i].body, &got), 0);
        const struct fake_request *request = fake_http_request(world->http, i);
        assert_string_equal(request->method.ptr, cases[i].method);
        assert_string_equal(request->url.ptr, cases[i].url);
        assert_string_equal(request->body.ptr, cases[i].body);
        assert_string_equal(fake_request_header(request, "content-type").ptr, cases[i].type);
        assert_string_equal(fake_request_header(request, "authorization").ptr, "Bearer secret");
    }
    assert_int_equal(got.answers, 0);
}

static void names_that_cannot_be(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0};
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_POD, "", "a", "", &got), ERR_INVALID);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_POD, "..", "a", "", &got), ERR_INVALID);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_POD, "ns", "", "", &got), ERR_INVALID);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_POD, "ns", ".", "", &got), ERR_INVALID);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "ns", "a", "", &got), ERR_INVALID);
    assert_int_equal(fake_http_count(world->http), 0);
    virtual_time_run(&world->loop, 100);
    assert_int_equal(got.answers, 0);
}

static void answers(void **state)
{
    struct kube_world *world = *state;
    static const struct {
        int status;
        const char *headers, *body;
        int code;
        int64_t retry_after_ms;
        bool budget;
        const char *name, *words;
    } cases[] = {
        {200, NULL, "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}", 0, 0, false, "a", ""},
        {201, NULL, "", 0, 0, false, "", ""},
        {200, NULL, "{\"kind\":\"Pod\",\"meta", ERR_RETRY, 0, false, "", "the answer cannot be read"},
        {200, NULL, "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}} rest", 0, 0, false, "a", ""},
        {409, NULL, STATUS("409", "Conflict"), ERR_CONFLICT, 0, false, "", "HTTP 409: words"},
        {404, NULL, STATUS("404", "NotFound"), ERR_NOT_FOUND, 0, false, "", "HTTP 404: words"},
        {422, NULL, STATUS("422", "Invalid"), ERR_INVALID, 0, false, "", "HTTP 422: words"},
        {400, NULL, "broken", ERR_INVALID, 0, false, "", "HTTP 400, without a Status"},
        {403, NULL, STATUS("403", "Forbidden"), ERR_AUTH, 0, false, "", "HTTP 403: words"},
        {429, "retry-after: 10",
         "{\"kind\":\"Status\",\"message\":\"m\",\"details\":{\"causes\":[{\"reason\":\"DisruptionBudget\"}]}}",
         ERR_THROTTLED, 10000, true, "", "HTTP 429: m"},
        {429, NULL, "{\"kind\":\"Status\",\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":3}}",
         ERR_THROTTLED, 3000, false, "", "HTTP 429: TooManyRequests"},
        {503, "retry-after: 999999", "<html>", ERR_RETRY, 600000, false, "", "HTTP 503, without a Status"},
        {500, "retry-after: soon", STATUS("500", "InternalError"), ERR_RETRY, 0, false, "", "HTTP 500: words"},
        {302, NULL, "", ERR_INVALID, 0, false, "", "HTTP 302, without a Status"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct got got = {0};
        fake_http_answer(world->http, "POST", "/eviction", cases[i].status, cases[i].headers, cases[i].body);
        assert_int_equal(ask(world, CLUSTER_EVICT, CLUSTER_POD, "ns", "a", "{}", &got), 0);
        assert_int_equal(got.answers, 0); /* never from within */
        virtual_time_run(&world->loop, 10);
        assert_int_equal(got.answers, 1);
        assert_int_equal(got.code, cases[i].code);
        assert_int_equal(got.status, cases[i].code && cases[i].status >= 300 ? cases[i].status : 0);
        assert_int_equal(got.retry_after_ms, cases[i].retry_after_ms);
        assert_int_equal(got.budget, cases[i].budget);
        assert_string_equal(got.name, cases[i].name);
        assert_memory_equal(got.words, cases[i].words, strlen(cases[i].words));
        assert_int_equal(world->last_status, cases[i].status);
    }
    assert_int_equal(world->calls, CC_COUNT(cases));
}

static void lost_answer(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0};
    fake_http_fail(world->http, "DELETE", "/nodes/n", ERR_RETRY, "connection reset");
    assert_int_equal(ask(world, CLUSTER_DELETE, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.code, ERR_RETRY);
    assert_string_equal(got.words, "connection reset");
    assert_int_equal(fake_http_count(world->http), 1); /* the caller decides whether to ask again */
}

/* 401: not carried out, so it is asked once more. */
static void another_token(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0};
    fake_http_answer(world->http, "GET", "/nodes/n", 401, NULL, STATUS("401", "Unauthorized"));
    fake_http_answer(world->http, "GET", "/nodes/n", 200, NULL, "{\"metadata\":{\"name\":\"n\"}}");
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(got.answers, 1);
    assert_string_equal(got.name, "n");
    fake_http_answer(world->http, "GET", "/nodes/n", 401, NULL, STATUS("401", "Unauthorized"));
    fake_http_answer(world->http, "GET", "/nodes/n", 401, NULL, STATUS("401", "Unauthorized"));
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(got.answers, 2);
    assert_int_equal(got.code, ERR_AUTH);
}

enum { AT_ONCE = 32, WAITING = 8192 };

/* No more than 32 at once; the others in order; beyond that a word instead of memory. */
static void many_at_once(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0}, lease = {0};
    char name[32];
    for (int i = 0; i < AT_ONCE + WAITING; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", name, "", &got), 0);
    }
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "more", "", &got), ERR_THROTTLED);
    assert_int_equal(fake_http_count(world->http), AT_ONCE);
    for (int i = 0; i < 10; i++)
        fake_http_answer(world->http, "GET", "/nodes/n", 200, NULL, "{}");
    /* But a lease does not wait: one more is under way, and one answer more comes before the next is sent. */
    assert_int_equal(ask(world, CLUSTER_PATCH, CLUSTER_LEASE, "kube-system", "stoker", "{}", &lease), 0);
    assert_true(str_ends(fake_http_request(world->http, AT_ONCE)->url, "/leases/stoker"));
    fake_http_refuse_send(world->http, 3, ERR_NOMEM);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(got.answers, 11); /* one could not be sent: answered so, and the next had its turn */
    assert_int_equal(fake_http_count(world->http), AT_ONCE + 10);
    for (size_t i = 0; i < AT_ONCE + 2; i++) {
        struct str url = fake_http_request(world->http, i < AT_ONCE ? i : i + 1)->url;
        snprintf(name, sizeof(name), "/nodes/n%zu", i);
        assert_true(str_ends(url, name));
    }
    assert_true(str_ends(fake_http_request(world->http, AT_ONCE + 3)->url, "/nodes/n35"));
}

/* Whoever is answered may ask again from within. */
static void ask_again(void *context, const struct cluster_answer *answer)
{
    struct kube_world *world = context;
    struct cluster_request request = {CLUSTER_GET, CLUSTER_NODE, STR(""), STR("m"), STR("")};
    struct err err = {0};
    (void)answer;
    if (fake_http_count(world->http) < 3)
        assert_int_equal(world->cluster.request(world->cluster.context, &request, ask_again, world, &err), 0);
}

static void from_within(void **state)
{
    struct kube_world *world = *state;
    for (int i = 0; i < 3; i++)
        fake_http_answer(world->http, "GET", "/nodes/m", 200, NULL, "{\"metadata\":{}}");
    ask_again(world, NULL);
    virtual_time_run(&world->loop, 10);
    assert_int_equal(fake_http_count(world->http), 3);
    assert_int_equal(world->calls, 3);
}

static const char *const plugin_argv[] = {"get-token", NULL}, *const plugin_env[] = {NULL};

static void with_plugin(struct kube_world *world, const char *printed, int64_t takes_ms)
{
    world->access.token = STR("");
    world->access.exec = plugin_argv;
    world->access.exec_env = plugin_env;
    world->plugin.printed = printed;
    world->plugin.takes_ms = takes_ms;
    kube_world_reopen(world);
}

#define TOKEN(token)                                                                                                 \
    "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"" token \
    "\"}}"

/* The loop turns, what is asked waits, and the time that it waits is part of what it may take. */
static void a_slow_plug_in(void **state)
{
    struct kube_world *world = *state;
    struct got first = {0}, second = {0}, lease = {0};
    char body[] = "{\"a\":1}";
    with_plugin(world, TOKEN("t"), 7000);
    assert_int_equal(ask(world, CLUSTER_PATCH, CLUSTER_NODE, "", "n", body, &first), 0);
    memset(body, 'x', sizeof(body) - 1);
    assert_int_equal(ask(world, CLUSTER_PATCH, CLUSTER_NODE, "", "n", "{\"b\":2}", &second), 0);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_LEASE, "ns", "l", "", &lease), 0);
    virtual_time_run(&world->loop, 6900);
    assert_int_equal(fake_http_count(world->http), 0);
    fake_http_answer(world->http, "PATCH", "/nodes/n", 200, NULL, "{\"metadata\":{}}");
    fake_http_answer(world->http, "PATCH", "/nodes/n", 200, NULL, "{\"metadata\":{}}");
    virtual_time_run(&world->loop, 200);
    assert_int_equal(world->plugin.starts, 1);
    assert_int_equal(fake_http_count(world->http), 2);
    assert_string_equal(fake_http_request(world->http, 0)->body.ptr, "{\"a\":1}");
    assert_string_equal(fake_http_request(world->http, 1)->body.ptr, "{\"b\":2}");
    assert_string_equal(fake_request_header(fake_http_request(world->http, 1), "Authorization").ptr, "Bearer t");
    assert_int_equal(first.answers + second.answers, 2);
    assert_int_equal(first.code, 0);
    assert_int_equal(lease.code, ERR_RETRY);
    assert_string_equal(lease.words, "no credentials within 4000 ms");
    assert_int_equal(world->calls, 3);
}

static void a_plug_in_that_fails(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0};
    with_plugin(world, NULL, 1000);
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 1100);
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.code, ERR_AUTH);
    assert_string_equal(got.words, "the plug-in the command fails");
    assert_int_equal(fake_http_count(world->http), 0);
}

/* 401: what was refused waits for the plug-in and is sent again. */
static void a_plug_in_after_401(void **state)
{
    struct kube_world *world = *state;
    struct got got = {0};
    with_plugin(world, TOKEN("old"), 1000);
    fake_http_answer(world->http, "GET", "/nodes/n", 200, NULL, "{}");
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 10000);
    assert_int_equal(got.answers, 1);
    world->plugin.printed = TOKEN("new");
    fake_http_answer(world->http, "GET", "/nodes/n", 401, NULL, STATUS("401", "Unauthorized"));
    assert_int_equal(ask(world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world->loop, 900);
    assert_int_equal(got.answers, 1);
    fake_http_answer(world->http, "GET", "/nodes/n", 200, NULL, "{}");
    virtual_time_run(&world->loop, 200);
    assert_int_equal(got.answers, 2);
    assert_int_equal(got.code, 0);
    assert_string_equal(fake_request_header(fake_http_last(world->http, "GET", "/nodes/n"), "Authorization").ptr,
                        "Bearer new");
}

/* Closed while a plug-in runs: it is ended, nobody is told. */
static void closed_before_the_token(void **state)
{
    struct kube_world world;
    struct got got = {0};
    (void)state;
    kube_world_open(&world, false);
    with_plugin(&world, TOKEN("t"), 1000);
    kube_world_start(&world);
    assert_int_equal(ask(&world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    virtual_time_run(&world.loop, 10);
    kube_close(world.kube);
    world.kube = NULL;
    assert_int_equal(world.plugin.cancelled, 1);
    assert_int_equal(got.answers, 0);
    kube_world_close(&world);
}

/* What is under way, or waits, when all is closed: cancelled, nobody is told, nothing leaks. */
static void closed_meanwhile(void **state)
{
    struct kube_world world;
    struct got got = {0};
    (void)state;
    kube_world_open(&world, false);
    kube_world_start(&world);
    virtual_time_run(&world.loop, 10);
    for (int i = 0; i < 2 * AT_ONCE; i++)
        assert_int_equal(ask(&world, CLUSTER_GET, CLUSTER_NODE, "", "n", "", &got), 0);
    size_t n = fake_http_count(world.http);
    kube_close(world.kube);
    world.kube = NULL;
    for (size_t i = 0; i < n; i++)
        assert_true(fake_http_request(world.http, i)->cancelled);
    assert_int_equal(got.answers, 0);
    kube_world_close(&world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(paths_and_bodies),
        TEST(names_that_cannot_be),
        TEST(answers),
        TEST(lost_answer),
        TEST(a_slow_plug_in),
        TEST(a_plug_in_that_fails),
        TEST(a_plug_in_after_401),
        cmocka_unit_test(closed_before_the_token),
        TEST(another_token),
        TEST(many_at_once),
        TEST(from_within),
        cmocka_unit_test(closed_meanwhile),
    };
    return cmocka_run_group_tests_name("kube_writes", tests, NULL, NULL);
}

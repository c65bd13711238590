/* test_kube_watch.c - list and watch: no gap, no early relist, and patience, whatever the server does. */
#include "tests/unit/kube_world.h"

#define STREAM "sendInitialEvents=true"

/* A watch that stood so long was no failure. */
enum { STEADY_MS = 11000 };

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

static size_t pods_asked(struct kube_world *world, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < fake_http_count(world->http); i++) {
        struct str url = fake_http_request(world->http, i)->url;
        n += memmem(url.ptr, url.len, PODS, strlen(PODS)) && memmem(url.ptr, url.len, part, strlen(part));
    }
    return n;
}

/* A watch that stands at version 10 and knows pod a. */
static void stand(struct kube_world *world)
{
    kube_world_start(world);
    world_expect(world, 10, "");
    fake_http_push(world->http, PODS, EVENT("ADDED", "a", "10") INITIAL_END("10"));
    world_expect(world, 10, "relist put:a@10 listed");
}

static void streaming_list(void **state)
{
    struct kube_world *world = *state;
    kube_world_start(world);
    world_expect(world, 10, "");
    const struct fake_request *request = fake_http_last(world->http, "GET", PODS);
    assert_non_null(memmem(request->url.ptr, request->url.len, STREAM, strlen(STREAM)));
    assert_non_null(strstr(request->url.ptr, "resourceVersionMatch=NotOlderThan"));
    assert_non_null(strstr(request->url.ptr, "allowWatchBookmarks=true"));
    assert_null(strstr(request->url.ptr, "resourceVersion="));
    assert_string_equal(fake_request_header(request, "Authorization").ptr, "Bearer secret");
    assert_string_equal(fake_request_header(request, "Accept").ptr, "application/json");
    fake_http_pieces(world->http, 7);
    fake_http_push(world->http, PODS, EVENT("ADDED", "b", "9") EVENT("ADDED", "a", "3"));
    world_expect(world, 10, "relist put:b@9 put:a@3");
    fake_http_push(world->http, PODS,
                   INITIAL_END("12") EVENT("MODIFIED", "a", "13") EVENT("DELETED", "b", "14") BOOKMARK("20"));
    world_expect(world, 10, "listed put:a@13 gone:n/b/u-b");
    /* The watch goes on from the bookmark. */
    fake_http_end(world->http, PODS);
    world_expect(world, 10, "");
    assert_int_equal(pods_asked(world, "resourceVersion=20"), 1);
}

/* The same bytes in every cut give the same. */
static void any_cut(void **state)
{
    for (size_t bytes = 1; bytes < 60; bytes++) {
        struct kube_world world;
        kube_world_open(&world, false);
        kube_world_start(&world);
        world_expect(&world, 10, "");
        fake_http_pieces(world.http, bytes);
        fake_http_push(world.http, PODS,
                       "\n" EVENT("ADDED", "a", "1") "\r\n" INITIAL_END("2") EVENT("DELETED", "a", "3"));
        world_expect(&world, 10, "relist put:a@1 listed gone:n/a/u-a");
        kube_world_close(&world);
    }
    (void)state;
}

static void by_pages_where_there_is_no_streaming(void **state)
{
    struct kube_world *world = *state;
    fake_http_answer(world->http, "GET", PODS "watch", 422, NULL, STATUS("422", "Invalid"));
    kube_world_start(world);
    fake_http_answer(world->http, "GET", PODS "limit=500", 200, NULL,
                     PAGE("5", "to+ken/", ITEM("a", "1") "," ITEM("b", "2")));
    world_expect(world, 0, "");
    world_expect(world, 10, "relist put:a@1 put:b@2");
    assert_int_equal(pods_asked(world, "limit=500&continue=to%2Bken%2F"), 1);
    fake_http_answer(world->http, "GET", "continue=to", 200, NULL, PAGE("5", "", ITEM("c", "3")));
    world_expect(world, 10, "put:c@3 listed");
    assert_int_equal(pods_asked(world, "resourceVersion=5"), 1);
    /* Never asked for again. */
    fake_http_push(world->http, PODS, "{\"type\":\"ERROR\",\"object\":" STATUS("410", "Expired") "}\n");
    world_expect(world, 2000, "");
    assert_int_equal(pods_asked(world, STREAM), 1);
    assert_int_equal(pods_asked(world, "limit=500"), 3);
}

/* A page that fails is asked for again; one whose token is too old begins the list anew. */
static void broken_pages(void **state)
{
    struct kube_world *world = *state;
    fake_http_answer(world->http, "GET", PODS "watch", 400, NULL, "no such parameter");
    fake_http_answer(world->http, "GET", PODS "limit=500", 200, NULL, PAGE("5", "two", ITEM("a", "1")));
    fake_http_answer(world->http, "GET", "continue=two", 503, NULL, "");
    fake_http_fail(world->http, "GET", "continue=two", ERR_RETRY, "connection reset");
    fake_http_answer(world->http, "GET", "continue=two", 200, NULL,
                     "{\"kind\":\"PodList\",\"items\":[" ITEM("b", "2") ",{\"meta");
    fake_http_answer(world->http, "GET", "continue=two", 200, NULL, PAGE("5", "three", ITEM("b", "2")));
    fake_http_answer(world->http, "GET", "continue=three", 410, NULL, STATUS("410", "Expired"));
    fake_http_answer(world->http, "GET", PODS "limit=500", 200, NULL, PAGE("9", "", ITEM("c", "8")));
    kube_world_start(world);
    world_expect(world, 60000,
                 "relist put:a@1 failed:retry:503 failed:retry:0 put:b@2 failed:invalid:0 put:b@2 "
                 "relist put:c@8 listed");
    assert_int_equal(pods_asked(world, "resourceVersion=9"), 1);
}

/* Without an answer nothing that is known is taken back; the tries are further and further apart. */
static void server_away(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    fake_http_cut(world->http, PODS, ERR_RETRY, "connection reset");
    for (int i = 0; i < 20; i++)
        fake_http_fail(world->http, "GET", PODS, ERR_RETRY, "connection refused");
    size_t before = pods_asked(world, "watch");
    world_expect(world, 1000, "failed:retry:0");
    size_t first = pods_asked(world, "watch") - before;
    assert_in_range(first, 1, 3);
    world_expect(world, 29000, "");
    size_t later = pods_asked(world, "watch") - before - first;
    assert_in_range(later, 3, 8);
    /* Reported again once a minute. */
    world_expect(world, 60000, "failed:retry:0");
    /* All of them went on from where the watch stood. */
    assert_int_equal(pods_asked(world, "watch"), 1 + pods_asked(world, "resourceVersion=10"));
    while (pods_asked(world, "watch") - before < 21)
        virtual_time_run(&world->loop, 1000);
    world->told[0] = '\0';
    fake_http_push(world->http, PODS, EVENT("ADDED", "b", "11"));
    world_expect(world, 10, "put:b@11");
}

static void too_old(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    fake_http_push(world->http, PODS,
                   "{\"type\":\"ERROR\",\"object\":" STATUS("410", "Expired") "}\n" EVENT("ADDED", "x", "99"));
    world_expect(world, 10, "");
    assert_int_equal(pods_asked(world, STREAM), 2);
    fake_http_push(world->http, PODS, EVENT("ADDED", "b", "40") INITIAL_END("41"));
    world_expect(world, 10, "relist put:b@40 listed");
    /* The same as an answer, of a watch that stood for a while. */
    world_expect(world, STEADY_MS, "");
    fake_http_end(world->http, PODS);
    fake_http_answer(world->http, "GET", "resourceVersion=41", 410, NULL, STATUS("410", "Gone"));
    world_expect(world, 10, "");
    assert_int_equal(pods_asked(world, STREAM), 3);
    /* The second in a row waits. */
    fake_http_push(world->http, PODS,
                   INITIAL_END("50") "{\"type\":\"ERROR\",\"object\":" STATUS("410", "Expired") "}\n");
    world_expect(world, 10, "relist listed failed:retry:410");
    assert_int_equal(pods_asked(world, STREAM), 3);
    world_expect(world, 3000, "");
    assert_int_equal(pods_asked(world, STREAM), 4);
}

/* A streaming list that breaks off is no list: once by pages. */
static void streaming_list_breaks(void **state)
{
    struct kube_world *world = *state;
    kube_world_start(world);
    world_expect(world, 10, "");
    fake_http_push(world->http, PODS, EVENT("ADDED", "a", "10"));
    fake_http_end(world->http, PODS);
    fake_http_answer(world->http, "GET", PODS "limit", 200, NULL, PAGE("5", "", ITEM("b", "1")));
    world_expect(world, 2000, "relist put:a@10 failed:retry:0 relist put:b@1 listed");
    assert_int_equal(pods_asked(world, "resourceVersion=5"), 1);
}

/* Errors of the server for one version, again and again: all is listed. */
static void version_that_is_not_taken(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    world_expect(world, STEADY_MS, "");
    fake_http_end(world->http, PODS);
    for (int i = 0; i < 3; i++)
        fake_http_answer(world->http, "GET", "resourceVersion=10", 504, NULL, STATUS("504", "Timeout"));
    world_expect(world, 20000, "failed:retry:504");
    assert_int_equal(pods_asked(world, STREAM), 2);
}

static void refusals(void **state)
{
    static const struct {
        int status;
        const char *headers, *told;
        int64_t least_ms, most_ms;
    } cases[] = {
        {429, "retry-after: 7", "failed:throttled:429", 7000, 8000},
        {403, NULL, "failed:not allowed:403", 15000, 30000},
        {404, NULL, "failed:not found:404", 2500, 5000},
        {401, NULL, "", 0, 10},
        {500, NULL, "failed:retry:500", 250, 1000},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct kube_world world;
        kube_world_open(&world, false);
        fake_http_answer(world.http, "GET", PODS, cases[i].status, cases[i].headers, "");
        kube_world_start(&world);
        if (cases[i].least_ms)
            world_expect(&world, cases[i].least_ms - 5, cases[i].told);
        assert_int_equal(pods_asked(&world, "?"), cases[i].least_ms ? 1 : 0);
        virtual_time_run(&world.loop, cases[i].most_ms - cases[i].least_ms + 20);
        assert_int_equal(pods_asked(&world, "?"), 2);
        kube_world_close(&world);
    }
    (void)state;
}

static void missing_kind_has_words(void **state)
{
    struct kube_world *world = *state;
    world->only = CLUSTER_NODE_CLAIM;
    fake_http_answer(world->http, "GET", "/apis/stoker.sh/v1alpha1/nodeclaims", 404, NULL, "404 page not found\n");
    kube_world_start(world);
    world_expect(world, 100, "failed:not found:404");
    assert_non_null(strstr(world->words, "CustomResourceDefinition"));
    assert_non_null(strstr(world->words, "nodeclaims"));
}

/* Nobody's: never asked for, empty from the start. */
static void karpenter_not_wanted(void **state)
{
    struct kube_world *world = *state;
    world->only = CLUSTER_KARPENTER_PROVISIONER;
    kube_world_start(world);
    world_expect(world, 100000, "relist listed");
    assert_int_equal(fake_http_asked(world->http, NULL, "karpenter"), 0);
}

/* Karpenter has gone, and comes back. */
static void karpenter_wanted_later(void **state)
{
    struct kube_world *world = *state;
    world->only = CLUSTER_KARPENTER_PROVISIONER;
    kube_world_start(world);
    world_expect(world, 100, "relist listed");
    kube_want_karpenter(world->kube, true);
    world_expect(world, 10, "");
    fake_http_push(world->http, "karpenter.sh/v1alpha5/provisioners",
                   "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Provisioner\",\"apiVersion\":\"karpenter.sh/v1alpha5\","
                   "\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}}\n" INITIAL_END("2"));
    world_expect(world, 10, "relist put:a@1 listed");
    kube_want_karpenter(world->kube, false);
    world_expect(world, 10, "relist listed");
    world_expect(world, 100000, "");
}

static void karpenter_wanted_but_not_there(void **state)
{
    struct kube_world world;
    kube_world_open(&world, true);
    world.only = CLUSTER_KARPENTER_TEMPLATE;
    fake_http_answer(world.http, "GET", "/apis/karpenter.k8s.aws/v1alpha1/awsnodetemplates", 404, NULL, "");
    kube_world_start(&world);
    world_expect(&world, 100, "relist listed failed:not found:404");
    virtual_time_run(&world.loop, 40000);
    fake_http_push(world.http, "awsnodetemplates", INITIAL_END("3"));
    world_expect(&world, STEADY_MS, "relist listed");
    /* It goes for a moment, as while the server starts: what was listed stays. */
    fake_http_end(world.http, "awsnodetemplates");
    fake_http_answer(world.http, "GET", "awsnodetemplates", 404, NULL, "");
    world_expect(&world, 100, "failed:not found:404");
    kube_world_close(&world);
    (void)state;
}

/* What cannot be read costs itself only. */
static void unreadable(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    fake_http_push(world->http, PODS, "{\"type\":\"ADDED\",\"object\":{}}\nnonsense\n" EVENT("ADDED", "b", "11"));
    world_expect(world, 10, "failed:invalid:0 failed:invalid:0 put:b@11");
    assert_non_null(strstr(world->words, "cannot be read"));
}

static void unreadable_items(void **state)
{
    struct kube_world *world = *state;
    fake_http_answer(world->http, "GET", PODS "watch", 422, NULL, "");
    fake_http_answer(world->http, "GET", PODS "limit", 200, NULL,
                     PAGE("5", "",
                          ITEM("a", "1") ",{\"metadata\":{\"name\":\"\\u0000\"}},{},7,{\"kind\":\"Pod\",\"metadata\":{"
                                         "\"name\":\"b\",\"resourceVersion\":\"2\"}}"));
    kube_world_start(world);
    world_expect(world, 10, "relist put:a@1 failed:invalid:0 failed:invalid:0 put:b@2 listed");
}

/* A watch that is silent beyond its time is given up, and goes on. */
static void overdue(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    world_expect(world, 800000, "failed:retry:0");
    assert_true(fake_http_request(world->http, 0)->cancelled);
    assert_int_equal(pods_asked(world, "resourceVersion=10"), 1);
}

/* Watches that end at once, every time, are not asked for without end. */
static void ends_at_once(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    fake_http_end(world->http, PODS);
    for (int i = 0; i < 30; i++)
        fake_http_answer(world->http, "GET", "resourceVersion=10", 200, NULL, "");
    virtual_time_run(&world->loop, 10000);
    assert_in_range(pods_asked(world, "resourceVersion=10"), 3, 10);
    virtual_time_run(&world->loop, 400000);
    world->told[0] = '\0';
}

static void send_refused(void **state)
{
    struct kube_world *world = *state;
    fake_http_refuse_send(world->http, 1, ERR_NOMEM);
    kube_world_start(world);
    world_expect(world, 2000, "failed:out of memory:0");
    assert_int_equal(pods_asked(world, "?"), 1);
}

static int read_token(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    const char **token = context;
    assert_string_equal(path, "/token");
    *ret = str_dup(arena, str_of(*token));
    return ret->ptr ? 0 : err_nomem(err);
}

/* What the sink could not keep comes again by a list: after a while, and not in the middle of another. */
static void lost_to_the_sink(void **state)
{
    struct kube_world *world = *state;
    stand(world);
    world->loses = true;
    fake_http_push(world->http, PODS, EVENT("MODIFIED", "a", "11") EVENT("ADDED", "b", "12"));
    world_expect(world, 400, "put:a@11 put:b@12");
    assert_int_equal(pods_asked(world, STREAM), 1);
    world_expect(world, 700, "");
    assert_int_equal(pods_asked(world, STREAM), 2);
    /* Lost again in the list: that is awaited, however long it takes. */
    fake_http_push(world->http, PODS, EVENT("ADDED", "a", "11"));
    world_expect(world, 20000, "relist put:a@11");
    world->loses = false;
    fake_http_push(world->http, PODS, EVENT("ADDED", "b", "12") INITIAL_END("13"));
    world_expect(world, 10, "put:b@12 listed");
    assert_int_equal(pods_asked(world, STREAM), 3);
    fake_http_push(world->http, PODS, EVENT("ADDED", "a", "11") EVENT("ADDED", "b", "12") INITIAL_END("14"));
    world_expect(world, 120000, "relist put:a@11 put:b@12 listed");
    assert_int_equal(pods_asked(world, STREAM), 3); /* all is well */
}

/* The same by pages; where it does not help the lists become seldom. */
static void lost_again_and_again(void **state)
{
    struct kube_world *world = *state;
    size_t lists = 0;
    kube_world_start(world);
    world_expect(world, 10, "");
    fake_http_answer(world->http, "GET", STREAM, 422, NULL, "");
    world->loses = true;
    for (int s = 0; s < 600; s++) {
        if (pods_asked(world, "limit=") > lists) {
            lists = pods_asked(world, "limit=");
            fake_http_answer(world->http, "GET", "/pods?limit=", 200, NULL, PAGE("5", "", ITEM("a", "1")));
        }
        virtual_time_run(&world->loop, 1000);
        world->told[0] = '\0';
    }
    assert_in_range(lists, 10, 25);
}

/* 401: the file is read again, and no more is said of it. */
static void token_renewed(void **state)
{
    struct kube_world world;
    const char *token = "old\n";
    struct kube_io io = {.read = read_token, .context = &token};
    (void)state;
    kube_world_open(&world, false);
    world.access.token = STR("");
    world.access.token_file = "/token";
    world.access.io = &io;
    /* Opened anew, since a client takes its access as it was when it was opened. */
    kube_world_reopen(&world);
    kube_world_start(&world);
    virtual_time_run(&world.loop, 10000);
    assert_string_equal(fake_request_header(fake_http_last(world.http, "GET", PODS), "Authorization").ptr,
                        "Bearer old");
    token = "new\n";
    fake_http_end(world.http, PODS);
    fake_http_answer(world.http, "GET", PODS, 401, NULL, STATUS("401", "Unauthorized"));
    world_expect(&world, 6000, "failed:retry:0");
    fake_http_push(world.http, PODS, INITIAL_END("5"));
    world_expect(&world, 10, "relist listed");
    assert_string_equal(fake_request_header(fake_http_last(world.http, "GET", PODS), "Authorization").ptr,
                        "Bearer new");
    kube_world_close(&world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(streaming_list),
        cmocka_unit_test(any_cut),
        TEST(by_pages_where_there_is_no_streaming),
        TEST(broken_pages),
        TEST(server_away),
        TEST(too_old),
        TEST(streaming_list_breaks),
        TEST(version_that_is_not_taken),
        cmocka_unit_test(refusals),
        TEST(missing_kind_has_words),
        TEST(karpenter_not_wanted),
        TEST(karpenter_wanted_later),
        cmocka_unit_test(karpenter_wanted_but_not_there),
        TEST(unreadable),
        TEST(unreadable_items),
        TEST(overdue),
        TEST(ends_at_once),
        TEST(send_refused),
        TEST(lost_to_the_sink),
        TEST(lost_again_and_again),
        cmocka_unit_test(token_renewed),
    };
    return cmocka_run_group_tests_name("kube_watch", tests, NULL, NULL);
}

/*
 * test_kube_allocation.c - memory runs out once, at the first allocation, at the second, … while an API server's
 * objects are listed by stream and by page, watched, and written to: whatever it hits, in the end everything is there.
 *
 * Linked with --wrap=malloc,calloc,realloc as test_allocation.c.
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

#include "provisioner/kube/kube.h"
#include "tests/fault/nth.h"
#include "tests/support/virtual_time.h"

/* An API server that allocates nothing but what the loop's timers need: one answer a call, by its URL. */
struct http_call {
    struct loop_timer timer;
    struct http_handler handler;
    const struct loop *loop;
    const char *chunks[2]; /* of a stream, which then stays open */
    const char *body;      /* of an answer */
    int status;
    bool used;
};

enum { CALLS = 32, MOST_TURNS = 20000, MOST_ALLOCATIONS = 20000 };

#define POD(name) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"3\"}}"
static const char FIRST_PAGE[] = "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"5\","
                                 "\"continue\":\"next\"},\"items\":[" POD("a") "]}";
static const char LAST_PAGE[] =
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" POD("b") "]}";
static const char ADDED_BEGUN[] = "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"na";
static const char ADDED_ENDED[] = "me\":\"c\",\"resourceVersion\":\"6\"}}}\n";
static const char INITIAL_END[] = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"4\","
                                  "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";
static const char NODE[] = "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"}}";

struct work {
    struct virtual_time time;
    struct loop loop;
    struct http_call calls[CALLS];
    bool listed[CLUSTER_WATCHED];
    bool pods[3]; /* a, b, c */
    int answers, answer_code;
};

static void answer(void *context)
{
    struct http_call *call = context;
    struct err err = {0};
    for (size_t i = 0; i < CC_COUNT(call->chunks) && call->chunks[i]; i++)
        if (call->handler.chunk(call->handler.context, str_of(call->chunks[i]), &err) < 0) {
            call->used = false;
            call->handler.done(call->handler.context, NULL, &err);
            return;
        }
    if (!call->status)
        return; /* an open stream */
    const struct http_response response = {.status = call->status, .body = str_of(call->body)};
    call->used = false;
    call->handler.done(call->handler.context, &response, NULL);
}

static void decide(struct http_call *call, const char *url)
{
    bool pods = strstr(url, "/pods") != NULL;
    if (strstr(url, "/nodes/n")) {
        call->status = 200;
        call->body = NODE;
    } else if (pods && strstr(url, "sendInitialEvents")) {
        call->status = 422;
        call->body = "";
    } else if (strstr(url, "limit=")) {
        call->status = 200;
        call->body = pods && !strstr(url, "continue=") ? FIRST_PAGE : LAST_PAGE;
    } else if (strstr(url, "sendInitialEvents")) {
        call->chunks[0] = INITIAL_END;
    } else if (pods) {
        call->chunks[0] = ADDED_BEGUN;
        call->chunks[1] = ADDED_ENDED;
    }
}

static int send(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err)
{
    struct work *work = context;
    size_t at = 0;
    while (at < CALLS && work->calls[at].used)
        at++;
    assert_true(at < CALLS);
    struct http_call *call = &work->calls[at];
    *call = (struct http_call){.handler = *handler, .loop = &work->loop};
    call->timer = LOOP_TIMER(answer, call);
    decide(call, request->url);
    int rc = loop_timer_after(&work->loop, &call->timer, 1, err);
    call->used = rc == 0;
    if (rc == 0)
        *ret = call;
    return rc;
}

static void cancel(void *context, struct http_call *call)
{
    struct work *work = context;
    assert_true(call->used);
    loop_timer_cancel(&work->loop, &call->timer);
    call->used = false;
}

static void relist(void *context, enum cluster_kind kind)
{
    struct work *work = context;
    work->listed[kind] = false;
    if (kind == CLUSTER_POD)
        work->pods[0] = work->pods[1] = work->pods[2] = false;
}

static void put(void *context, enum cluster_kind kind, const struct doc *object)
{
    struct work *work = context;
    const struct doc *name = doc_at(object, "metadata.name");
    if (kind == CLUSTER_POD)
        work->pods[name->text.ptr[0] - 'a'] = true;
}

static void gone(void *context, enum cluster_kind kind, struct str namespace_, struct str name, struct str uid)
{
    (void)context;
    (void)kind;
    (void)namespace_;
    (void)name;
    (void)uid;
    fail_msg("nothing was deleted");
}

static void listed(void *context, enum cluster_kind kind)
{
    ((struct work *)context)->listed[kind] = true;
}

static void failed(void *context, enum cluster_kind kind, const struct err *err)
{
    (void)context;
    (void)kind;
    assert_int_equal(err->code, ERR_NOMEM);
}

static void on_answer(void *context, const struct cluster_answer *said)
{
    struct work *work = context;
    work->answers++;
    work->answer_code = said->err ? said->err->code : 0;
    assert_true(said->err || said->object);
}

static bool complete(const struct work *work)
{
    bool all = work->pods[0] && work->pods[1] && work->pods[2];
    for (size_t i = 0; i < CLUSTER_WATCHED; i++)
        all = all && work->listed[i];
    return all;
}

static void use(struct work *work, struct kube *kube)
{
    struct cluster cluster = kube_cluster(kube);
    struct cluster_sink sink = {relist, put, gone, listed, failed, work};
    struct cluster_request get = {CLUSTER_GET, CLUSTER_NODE, STR(""), STR("n"), STR("")};
    struct err err = {0};
    cluster.start(cluster.context, &sink);
    int rc = cluster.request(cluster.context, &get, on_answer, work, &err);
    assert_true(rc == 0 || rc == ERR_NOMEM);
    int turns = 0;
    for (; turns < MOST_TURNS && !(complete(work) && (rc < 0 || work->answers)); turns++)
        assert_int_equal(loop_turn(&work->loop, &err), 0);
    assert_true(turns < MOST_TURNS);
    assert_int_equal(work->answers, rc == 0);
    /* A lost answer, where there was no room to read it: it may or may not have happened. */
    assert_true(work->answer_code == 0 || work->answer_code == ERR_NOMEM);
}

/* Everything from nothing to nothing. */
static void run(void)
{
    nth_pause(true);
    struct work *work = calloc(1, sizeof(*work));
    nth_pause(false);
    uint64_t seed = 3;
    struct chance chance = chance_seeded(&seed);
    struct kube_access access = {.server = "https://api", .token = STR("t")};
    struct kube *kube = NULL;
    struct err err = {0};
    assert_non_null(work);
    virtual_time_init(&work->time);
    loop_init(&work->loop, &work->time.clock, virtual_time_waiter(&work->time));
    struct kube_options options = {
        .loop = &work->loop, .http = {send, cancel, work}, .chance = &chance, .access = &access};
    if (kube_open(&options, &kube, &err) == 0) {
        use(work, kube);
        kube_close(kube);
        for (size_t i = 0; i < CALLS; i++)
            assert_false(work->calls[i].used);
    } else {
        assert_int_equal(err.code, ERR_NOMEM);
        assert_null(kube);
    }
    loop_release(&work->loop);
    free(work);
}

static void any_allocation_fails(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {malloc, free};
    cJSON_InitHooks(&hooks);
    int64_t n = 0;
    for (bool hit = true; hit; n++) {
        assert_true(n < MOST_ALLOCATIONS);
        nth_begin(n);
        run();
        hit = nth_end();
    }
    assert_true(n > 100);
    cJSON_InitHooks(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_fails)};
    return cmocka_run_group_tests_name("kube_allocation", tests, NULL, NULL);
}

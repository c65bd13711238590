/*
 * test_effects_allocation.c - memory runs out at the first allocation, at the second, … of writing JSON, setting
 * timers, calling over HTTP, reading a kubeconfig and electing a leader: each says so, or goes on and says so to its
 * caller; none crashes, none leaks (the sanitizers look).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/chance.h"
#include "base/command.h"
#include "base/http_curl.h"
#include "base/json_out.h"
#include "base/worker.h"
#include "provisioner/kube/leader.h"
#include "provisioner/kube/token.h"
#include "tests/fault/nth.h"
#include "tests/support/fake_commands.h"
#include "tests/support/http_server.h"
#include "tests/support/virtual_time.h"

static int write_json(const void *context, struct err *err)
{
    (void)context;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    struct str text = {0};
    json_open_list(&json, NULL);
    for (int i = 0; i < 5000; i++)
        json_str(&json, NULL, STR("some \"text\""));
    json_close_list(&json);
    int rc = buf_str(&buf, &text, err);
    assert_true(rc ? !text.ptr : text.len == 5000 * 16 + 1);
    arena_release(&arena);
    return rc;
}

static void writing_json(void **state)
{
    (void)state;
    assert_true(nth_survive(write_json, NULL, false) > 3);
}

static void nothing(void *context)
{
    (void)context;
}

static int no_wait(void *context, int64_t timeout_ns, struct err *err)
{
    (void)context, (void)timeout_ns, (void)err;
    return 0;
}

static int set_timers(const void *context, struct err *err)
{
    (void)context;
    enum { TIMERS = 100 };
    struct loop loop;
    struct loop_timer timers[TIMERS];
    struct worker_inline *worker = NULL;
    int rc = 0;
    loop_init(&loop, &clock_system, (struct loop_waiter){no_wait, NULL});
    for (int i = 0; i < TIMERS && !rc; i++) {
        timers[i] = LOOP_TIMER(nothing, NULL);
        rc = loop_timer_after(&loop, &timers[i], 1000 + i, err);
        assert_true(!rc == (timers[i].place != 0));
    }
    if (!rc)
        rc = worker_inline_open(&loop, &worker, err);
    worker_inline_close(worker);
    loop_release(&loop);
    return rc;
}

static void setting_timers(void **state)
{
    (void)state;
    assert_true(nth_survive(set_timers, NULL, false) > 3);
}

/* Calls to a server in a process of its own, whose memory does not run out. */

struct calls {
    int open, answered;
    struct err failure;
};

static void call_done(void *context, const struct http_response *response, const struct err *err)
{
    struct calls *calls = context;
    calls->open--;
    if (response && response->status == 200)
        calls->answered++;
    else if (err)
        calls->failure = *err;
}

static int call_chunk(void *context, struct str bytes, struct err *err)
{
    (void)context, (void)err;
    assert_true(bytes.len > 0);
    return 0;
}

static int send_calls(struct http http, const char *base, struct calls *calls, struct err *err)
{
    static const char *const paths[] = {"/hello", "/bytes/50000", "/lines/3", "/hello"};
    const struct http_header headers[] = {{STR_INIT("Accept"), STR_INIT("text/plain")}};
    for (size_t i = 0; i < CC_COUNT(paths); i++) {
        char url[128];
        snprintf(url, sizeof(url), "%s%s", base, paths[i]);
        struct http_request request = {
            .method = STR("POST"), .url = url, .headers = headers, .n_headers = 1, .body = STR("abc")};
        struct http_handler handler = {i == 2 ? call_chunk : NULL, call_done, calls};
        int rc = http.send(http.context, &request, &handler, NULL, err);
        if (rc)
            return rc;
        calls->open++;
    }
    return 0;
}

static int call_all(const void *context, struct err *err)
{
    struct http_curl *curl;
    struct loop loop;
    struct calls calls = {0};
    const struct http_curl_options options = {.user_agent = "x", .max_connections = 2};
    int rc = http_curl_open(&options, &curl, err);
    if (rc)
        return rc;
    loop_init(&loop, &clock_system, http_curl_waiter(curl));
    int watched = eventfd(0, EFD_CLOEXEC);
    rc = http_curl_watch(curl, watched, nothing, NULL, err);
    if (!rc)
        rc = send_calls(http_curl_http(curl), context, &calls, err);
    while (!rc && calls.open)
        rc = loop_turn(&loop, err);
    if (!rc && calls.failure.code) {
        *err = calls.failure;
        rc = calls.failure.code;
    }
    assert_true(rc || calls.answered == 4);
    http_curl_close(curl);
    close(watched);
    loop_release(&loop);
    return rc;
}

struct commanded {
    bool over;
    struct err err;
};

static void command_over(void *context, struct str output, const struct err *err)
{
    struct commanded *commanded = context;
    commanded->over = true;
    if (err)
        commanded->err = *err;
    else
        assert_true(str_is(output, "told\n"));
}

static int run_command(const void *context, struct err *err)
{
    struct http_curl *curl;
    struct loop loop;
    struct command_system *system = NULL;
    struct commanded commanded = {.over = false};
    const char *const argv[] = {"sh", "-c", "echo told", NULL};
    const struct command command = {.argv = argv};
    const struct http_curl_options options = {.user_agent = "x"};
    (void)context;
    int rc = http_curl_open(&options, &curl, err);
    if (rc)
        return rc;
    loop_init(&loop, &clock_system, http_curl_waiter(curl));
    rc = command_system_open(&loop, curl, &system, err);
    if (!rc) {
        struct commands commands = command_system_commands(system);
        rc = commands.start(commands.context, &command, command_over, &commanded, NULL, err);
    }
    while (!rc && !commanded.over)
        rc = loop_turn(&loop, err);
    if (!rc && commanded.err.code) {
        *err = commanded.err;
        rc = commanded.err.code;
    }
    command_system_close(system);
    loop_release(&loop);
    http_curl_close(curl);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    return rc;
}

static void commanding(void **state)
{
    (void)state;
    assert_true(nth_survive(run_command, NULL, false) > 5);
}

static void calling(void **state)
{
    (void)state;
    int ends[2], port = 0;
    char base[64];
    assert_int_equal(pipe(ends), 0);
    pid_t server = fork();
    if (server == 0) {
        port = http_server_port(http_server_start(NULL));
        if (write(ends[1], &port, sizeof(port)) == (ssize_t)sizeof(port))
            pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &port, sizeof(port)), sizeof(port));
    snprintf(base, sizeof(base), "http://127.0.0.1:%d", port);
    int64_t allocations = nth_survive(call_all, base, false);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    assert_in_range(allocations, 12, 200);
}

static int read_config(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    (void)context, (void)path;
    *ret = str_dup(arena, STR("clusters: [{name: c, cluster: {server: 'https://h', certificate-authority-data: "
                              "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==}}]\n"
                              "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: "
                              "./p, args: [a], env: [{name: A, value: b}]}}}]\n"
                              "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"));
    return ret->ptr ? 0 : err_nomem(err);
}

static void token_ready(void *context)
{
    *(bool *)context = true;
}

static int wait_for_plugin(struct kube_token *token, struct loop *loop, struct err *err)
{
    bool ready = false;
    struct kube_token_waiter waiter = {.ready = token_ready, .context = &ready};
    int rc = 0;
    kube_token_wait(token, &waiter);
    while (!ready && !rc)
        rc = loop_turn(loop, err);
    return rc;
}

static int find_access(const void *context, struct err *err)
{
    (void)context;
    struct virtual_time time;
    struct loop loop;
    const struct kube_io io = {.read = read_config};
    struct arena arena = ARENA_INIT;
    struct kube_access access;
    struct kube_token *token = NULL;
    struct str header;
    virtual_time_init(&time);
    loop_init(&loop, &time.clock, virtual_time_waiter(&time));
    struct fake_commands plugin = {
        .loop = &loop,
        .printed = "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                   "\"status\":{\"token\":\"t\"}}"};
    int rc = kube_access_from_config("/k/config", NULL, &io, &arena, &access, err);
    if (!rc)
        rc = kube_token_open(&access, &time.clock, fake_commands_commands(&plugin), &token, err);
    if (!rc)
        rc = kube_token_get(token, &header, err);
    if (rc == KUBE_TOKEN_WAIT) {
        assert_non_null(strstr(plugin.line, " a "));
        assert_non_null(strstr(plugin.line, " A=b"));
        rc = wait_for_plugin(token, &loop, err);
        if (!rc)
            rc = kube_token_get(token, &header, err);
    }
    assert_true(rc || str_is(header, "Bearer t"));
    kube_token_close(token);
    loop_release(&loop);
    arena_release(&arena);
    return rc;
}

static void finding_access(void **state)
{
    (void)state;
    assert_true(nth_survive(find_access, NULL, false) > 5);
}

/* A lease at a server that answers in the next turn; time goes by itself. */
struct election {
    struct clock clock;
    struct loop loop;
    int64_t now_ns;
    cluster_done_fn done;
    void *done_context;
    bool writes, exists;
    int complaints;
};

static struct clock_mono election_mono(void *context)
{
    return (struct clock_mono){((struct election *)context)->now_ns};
}

static struct clock_wall election_wall(void *context)
{
    return (struct clock_wall){((struct election *)context)->now_ns};
}

static int election_request(void *context, const struct cluster_request *request, cluster_done_fn done,
                            void *done_context, struct err *err)
{
    struct election *election = context;
    (void)err;
    assert_null(election->done);
    election->done = done;
    election->done_context = done_context;
    election->writes = request->verb != CLUSTER_GET;
    return 0;
}

static int election_answer(void *context, const struct doc *object, struct err *err)
{
    struct election *election = context;
    (void)err;
    election->done(election->done_context, &(struct cluster_answer){.object = object});
    return 0;
}

static int election_wait(void *context, int64_t timeout_ns, struct err *err)
{
    struct election *election = context;
    if (!election->done) {
        election->now_ns += timeout_ns > 0 ? timeout_ns : 0;
        return 0;
    }
    struct election copy = *election;
    election->done = NULL;
    election->exists = copy.exists || copy.writes;
    if (!election->exists) {
        struct err missing = {.code = ERR_NOT_FOUND};
        copy.done(copy.done_context, &(struct cluster_answer){.err = &missing});
        return 0;
    }
    return doc_read(STR("{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"holderIdentity\":\"me\"}}"), "l.json",
                    election_answer, &copy, err);
}

static void election_failed(void *context, const struct err *err)
{
    (void)err;
    ((struct election *)context)->complaints++;
}

static void election_changed(void *context, enum leader_state state)
{
    (void)context, (void)state;
}

static int elect(const void *context, struct err *err)
{
    (void)context;
    uint64_t seed = 1;
    struct chance chance = chance_seeded(&seed);
    struct election election = {.now_ns = 1};
    struct leader *leader = NULL;
    election.clock = (struct clock){election_mono, election_wall, &election};
    loop_init(&election.loop, &election.clock, (struct loop_waiter){election_wait, &election});
    struct leader_options options = {.loop = &election.loop,
                                     .chance = &chance,
                                     .cluster = {.request = election_request, .context = &election},
                                     .namespace_ = STR("ns"),
                                     .name = STR("l"),
                                     .identity = STR("me"),
                                     .lease_ms = 15000,
                                     .renew_ms = 10000,
                                     .retry_ms = 2000,
                                     .changed = election_changed,
                                     .failed = election_failed,
                                     .context = &election};
    int rc = leader_open(&options, &leader, err);
    if (!rc)
        rc = leader_start(leader, err);
    for (int turns = 0; turns < 40 && !rc; turns++)
        rc = loop_turn(&election.loop, err);
    assert_true(rc || leader_holds(leader));
    leader_close(leader);
    loop_release(&election.loop);
    return rc;
}

static void electing(void **state)
{
    (void)state;
    assert_true(nth_survive(elect, NULL, true) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_json), cmocka_unit_test(setting_timers), cmocka_unit_test(calling),
        cmocka_unit_test(commanding),   cmocka_unit_test(finding_access), cmocka_unit_test(electing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_http_curl.c - calls against a real server on another thread: answers, streams, cancelling, time, trust, crowds.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/signals.h"
#include "base/worker.h"
#include "tests/support/http_rig.h"

/* Names end in .slow where the name server does not answer for a while. libcurl calls this one, from its threads. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    union {
        void *found;
        int (*call)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    } real = {.found = dlsym(RTLD_NEXT, "getaddrinfo")};
    if (node && strstr(node, ".slow"))
        usleep(1500000);
    return real.call(node, service, hints, ret);
}

static void answers(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen hello = {.want_header = "x-test"}, echo = {0}, missing = {0}, head = {0}, moved = {0};
    rig_get(&rig, &hello, "/hello?secret=1");
    rig_start(&rig, &echo,
              &(struct http_request){
                  .method = STR("PATCH"), .url = http_server_url(rig.server, "/echo"), .body = STR("a\0b")},
              false);
    rig_get(&rig, &missing, "/status/404");
    rig_start(&rig, &head, &(struct http_request){.method = STR("HEAD"), .url = http_server_url(rig.server, "/hello")},
              false);
    rig_get(&rig, &moved, "/redirect");
    rig_turn_until_done(&rig);
    assert_int_equal(hello.status, 200);
    rig_body_is(&hello, "hello");
    assert_string_equal(hello.header, "Some Value");
    assert_int_equal(echo.body_len, 3);
    assert_memory_equal(echo.body, "a\0b", 3);
    assert_int_equal(missing.status, 404);
    rig_body_is(&missing, "status");
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body_len, 0);
    assert_int_equal(moved.status, 302);
    rig_close(&rig);
}

/* A name server that does not answer costs the call its time limit, and nobody else anything. */
static void names_that_are_slow(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen slow = {0}, hello = {0};
    rig_start(&rig, &slow, &(struct http_request){.method = STR("GET"), .url = "http://api.slow/", .timeout_ms = 100},
              false);
    int64_t begin = loop_now(&rig.loop).ns;
    rig_turn_until_done(&rig);
    rig_get(&rig, &hello, "/hello");
    rig_turn_until_done(&rig);
    assert_in_range((loop_now(&rig.loop).ns - begin) / 1000000, 95, 1000);
    assert_int_equal(slow.err.code, ERR_RETRY);
    assert_int_equal(hello.status, 200);
    rig_close(&rig);
    assert_in_range((loop_now(&rig.loop).ns - begin) / 1000000, 95, 1000);
}

/* What the server sees of a request is what was asked for, and no more. */
static void requests_are_as_asked(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    static const struct {
        const char *method, *want, *expected;
    } cases[] = {
        {"POST", "x-method", "POST"}, {"DELETE", "x-method", "DELETE"}, {"PUT", "x-method", "PUT"},
        {"POST", "x-type", "none"},   {"POST", "x-had-empty", "yes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen seen = {.want_header = cases[i].want};
        const struct http_header headers[] = {{STR("X-Empty"), STR("")}, {STR("Accept"), STR("text/plain")}};
        rig_start(&rig, &seen,
                  &(struct http_request){.method = str_of(cases[i].method),
                                         .url = http_server_url(rig.server, "/hello"),
                                         .headers = headers,
                                         .n_headers = 2},
                  false);
        rig_turn_until_done(&rig);
        assert_string_equal(seen.header, cases[i].expected);
    }
    assert_int_equal(http_server_connections(rig.server), 1); /* one after the other: one connection */
    rig_close(&rig);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    static const char *const urls[] = {"",
                                       "nonsense",
                                       "file:///etc/passwd",
                                       "ftp://127.0.0.1/",
                                       "http://user:secret@127.0.0.1/",
                                       "http://127.0.0.1/a b",
                                       "http://127.0.0.1/\r\nX: y",
                                       "http://127.0.0.1:99999/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct seen seen = {0};
        struct err err = {0};
        int code = rig_send(&rig, &seen, &(struct http_request){.method = STR("GET"), .url = urls[i]}, false, &err);
        if (code != ERR_INVALID)
            fail_msg("%s: %d", urls[i], code);
        assert_null(strstr(err.message, "secret"));
    }
    static const struct http_header headers[] = {{STR_INIT("A"), STR_INIT("b\r\nC: d")},
                                                 {STR_INIT("A b"), STR_INIT("c")},
                                                 {STR_INIT(""), STR_INIT("c")},
                                                 {STR_INIT("A"), STR_INIT("b\0c")}};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct seen seen = {0};
        const struct http_request request = {
            .method = STR("GET"), .url = http_server_url(rig.server, "/hello"), .headers = &headers[i], .n_headers = 1};
        assert_int_equal(rig_send(&rig, &seen, &request, false, NULL), ERR_INVALID);
    }
    struct seen seen = {0};
    const struct http_request request = {.method = STR("GET x"), .url = http_server_url(rig.server, "/hello")};
    assert_int_equal(rig_send(&rig, &seen, &request, false, NULL), ERR_INVALID);
    rig_close(&rig);
}

static void no_answer(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen cut = {0}, refused = {0}, nowhere = {0};
    rig_get(&rig, &cut, "/truncated");
    struct http_server *gone = http_server_start(NULL);
    char url[64];
    snprintf(url, sizeof(url), "%s?token=secret", http_server_url(gone, "/x"));
    http_server_stop(gone);
    rig_start(&rig, &refused, &(struct http_request){.method = STR("GET"), .url = url}, false);
    rig_start(&rig, &nowhere, &(struct http_request){.method = STR("GET"), .url = "http://no-such-host.invalid/"},
              false);
    rig_turn_until_done(&rig);
    struct seen *all[] = {&cut, &refused, &nowhere};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(all[i]->done, 1);
        assert_int_equal(all[i]->status, 0);
        assert_int_equal(all[i]->err.code, ERR_RETRY);
        assert_true(strncmp(all[i]->err.message, "GET http://", 11) == 0);
        assert_null(strstr(all[i]->err.message, "secret"));
    }
    rig_close(&rig);
}

static void streams(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen lines = {0}, error = {0};
    rig_start(&rig, &lines,
              &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/lines/20")}, true);
    rig_start(&rig, &error,
              &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/status/410")}, true);
    rig_turn_until_done(&rig);
    assert_int_equal(lines.status, 200);
    assert_int_equal(lines.body_len, 0);
    assert_true(lines.chunks > 1);
    assert_memory_equal(lines.streamed, "line 0\nline 1\nline 2\n", 21);
    assert_memory_equal(lines.streamed + lines.streamed_len - 8, "line 19\n", 8);
    assert_int_equal(lines.streamed_len, 10 * 7 + 10 * 8);
    /* What is no success is not for the reader of the stream. */
    assert_int_equal(error.status, 410);
    assert_int_equal(error.chunks, 0);
    rig_body_is(&error, "status");
    rig_close(&rig);
}

static void a_reader_that_refuses_ends_the_call(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen seen = {.chunk_code = ERR_CONFLICT};
    rig_start(&rig, &seen, &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/stall")},
              true);
    rig_turn_until_done(&rig);
    assert_int_equal(seen.err.code, ERR_CONFLICT);
    assert_string_equal(seen.err.message, "the reader has had enough");
    assert_int_equal(seen.chunks, 1);
    assert_int_equal(seen.done, 1);
    rig_close(&rig);
}

static void sizes(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen fits = {0}, not = {0}, large = {0};
    rig_start(&rig, &fits,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/bytes/3000"), .max_response_bytes = 3000},
              false);
    rig_start(&rig, &not,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/bytes/3001"), .max_response_bytes = 3000},
              false);
    rig_get(&rig, &large, "/bytes/5000000");
    rig_turn_until_done(&rig);
    assert_int_equal(fits.body_len, 3000);
    assert_int_equal(not .status, 0);
    assert_int_equal(not .err.code, ERR_INVALID);
    assert_non_null(strstr(not .err.message, "more than 3000 bytes"));
    assert_int_equal(large.body_len, 5000000);
    rig_close(&rig);
}

static void time_limits(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen whole = {0}, idle = {0}, lively = {0};
    int64_t begin = loop_now(&rig.loop).ns;
    rig_start(&rig, &whole,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/slow/3000"), .timeout_ms = 150},
              false);
    rig_start(&rig, &idle,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/stall"), .idle_timeout_ms = 700},
              true);
    /* 400 ms in all, but never 1,500 without a byte. */
    rig_start(&rig, &lively,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/lines/80"), .idle_timeout_ms = 1500},
              true);
    rig_turn_until_done(&rig);
    assert_true(loop_now(&rig.loop).ns - begin < INT64_C(2900000000));
    assert_int_equal(whole.err.code, ERR_RETRY);
    assert_non_null(strstr(whole.err.message, "no answer within 150 ms"));
    assert_int_equal(idle.err.code, ERR_RETRY);
    assert_non_null(strstr(idle.err.message, "not a byte for 700 ms"));
    assert_memory_equal(idle.streamed, "begin\n", 6);
    assert_int_equal(lively.status, 200);
    rig_close(&rig);
}

/* Time runs for those that wait for a connection, too. */
static void time_limits_in_the_queue(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_with(&rig, NULL, 1);
    struct seen first = {0}, waiting = {0}, last = {0};
    rig_get(&rig, &first, "/slow/400");
    rig_start(
        &rig, &waiting,
        &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/hello"), .timeout_ms = 100},
        false);
    rig_start(&rig, &last,
              &(struct http_request){
                  .method = STR("GET"), .url = http_server_url(rig.server, "/stall"), .idle_timeout_ms = 100},
              true);
    rig_turn_until_done(&rig);
    rig_body_is(&first, "slow");
    assert_int_equal(waiting.err.code, ERR_RETRY);
    assert_memory_equal(last.streamed, "begin\n", 6);
    assert_int_equal(last.err.code, ERR_RETRY);
    rig_close(&rig);
}

static void cancel_itself(struct seen *seen)
{
    rig_cancel(seen);
}

static void cancel_the_other(struct seen *seen)
{
    if (seen->other->call && !seen->other->done) {
        rig_cancel(seen->other);
        seen->other->call = NULL;
    }
}

static void cancelling(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen at_once = {0}, later = {0}, in_chunk = {.on_chunk = cancel_itself}, after = {0};
    rig_get(&rig, &at_once, "/hello");
    rig_cancel(&at_once);
    rig_get(&rig, &later, "/slow/1000");
    for (int i = 0; i < 3; i++)
        assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    rig_cancel(&later);
    rig_start(&rig, &in_chunk,
              &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/stall")}, true);
    rig_turn_until_done(&rig);
    rig_get(&rig, &after, "/hello");
    rig_turn_until_done(&rig);
    rig_body_is(&after, "hello");
    assert_int_equal(at_once.done + later.done + in_chunk.done, 0);
    assert_int_equal(in_chunk.chunks, 1);
    rig_close(&rig);
}

/* Two that end in the same turn, of which the first told cancels the other; and a stream that cancels a call. */
static void cancelling_another_from_a_callback(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    for (int round = 0; round < 20; round++) {
        struct seen a = {.then = cancel_the_other}, b = {.then = cancel_the_other};
        a.other = &b;
        b.other = &a;
        rig_get(&rig, &a, "/hello");
        rig_get(&rig, &b, "/hello");
        if (round % 2)
            usleep(3000); /* both are there when the loop looks */
        rig_turn_until_done(&rig);
        assert_int_equal(a.done + b.done, 1);
    }
    struct seen slow = {0}, stream = {.on_chunk = cancel_the_other, .other = &slow};
    rig_get(&rig, &slow, "/slow/2000");
    rig_start(&rig, &stream,
              &(struct http_request){.method = STR("GET"), .url = http_server_url(rig.server, "/lines/3")}, true);
    rig_turn_until_done(&rig);
    assert_int_equal(slow.done, 0);
    assert_int_equal(stream.status, 200);
    rig_close(&rig);
}

static void send_the_other(struct seen *seen)
{
    rig_get(seen->rig, seen->other, "/hello");
    assert_int_equal(seen->other->done, 0);
}

static void sending_from_a_callback(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen third = {0}, second = {.then = send_the_other, .other = &third},
                first = {.then = send_the_other, .other = &second};
    rig_get(&rig, &first, "/hello");
    rig_turn_until_done(&rig);
    rig_body_is(&third, "hello");
    assert_int_equal(first.done + second.done + third.done, 3);
    rig_close(&rig);
}

enum { CROWD = 400, AT_ONCE = 24 };

static void a_crowd_of_calls(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_with(&rig, NULL, AT_ONCE);
    struct seen *crowd = calloc(CROWD, sizeof(*crowd));
    assert_non_null(crowd);
    for (int i = 0; i < CROWD; i++) {
        char body[32];
        int len = snprintf(body, sizeof(body), "call %d", i);
        rig_start(&rig, &crowd[i],
                  &(struct http_request){.method = STR("POST"),
                                         .url = http_server_url(rig.server, "/echo"),
                                         .body = {body, (size_t)len},
                                         .timeout_ms = 30000},
                  false);
    }
    rig_cancel(&crowd[CROWD - 1]); /* from the queue's end, */
    rig_cancel(&crowd[CROWD / 2]); /* its middle */
    rig_cancel(&crowd[0]);         /* and what is under way */
    rig_turn_until_done(&rig);
    for (int i = 1; i < CROWD - 1; i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "call %d", i);
        if (i != CROWD / 2)
            rig_body_is(&crowd[i], expected);
    }
    assert_int_equal(crowd[0].done + crowd[CROWD / 2].done + crowd[CROWD - 1].done, 0);
    assert_true(http_server_most_at_once(rig.server) <= AT_ONCE + 1); /* a cancelled one may linger at the server */
    assert_true(http_server_connections(rig.server) <= AT_ONCE + 1);
    free(crowd);
    rig_close(&rig);
}

static void closing_with_calls_under_way(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_with(&rig, NULL, 2);
    struct seen seen[5] = {{0}};
    for (int i = 0; i < 5; i++)
        rig_get(&rig, &seen[i], "/slow/200");
    assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    rig_close(&rig);
    for (int i = 0; i < 5; i++)
        assert_int_equal(seen[i].done, 0);
}

static void trust(void **state)
{
    (void)state;
    struct tls_pair authority, stranger, for_address, for_name;
    tls_authority(&authority);
    tls_authority(&stranger);
    tls_issue(&authority, "127.0.0.1", &for_address);
    tls_issue(&authority, "kubernetes.default", &for_name);
    const struct http_tls good = {.ca_pem = str_of(authority.cert)}, bad = {.ca_pem = str_of(stranger.cert)},
                          named = {.ca_pem = str_of(authority.cert), .server_name = "kubernetes.default"},
                          broken = {.ca_pem = STR("-----BEGIN NOTHING-----\n")};
    static const struct {
        bool by_name;
        int tls; /* NULL, good, bad, named, broken */
        int code;
    } cases[] = {{false, 0, ERR_AUTH}, {false, 1, 0},       {false, 2, ERR_AUTH}, {false, 3, ERR_AUTH},
                 {false, 4, ERR_AUTH}, {true, 1, ERR_AUTH}, {true, 2, ERR_AUTH},  {true, 3, 0}};
    const struct http_tls *const choices[] = {NULL, &good, &bad, &named, &broken};
    struct rig rigs[2];
    rig_open_with(&rigs[0], &for_address, 0);
    rig_open_with(&rigs[1], &for_name, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig *rig = &rigs[cases[i].by_name];
        struct seen seen = {.want_header = "x-host"};
        rig_start(rig, &seen,
                  &(struct http_request){.method = STR("GET"),
                                         .url = http_server_url(rig->server, "/hello"),
                                         .tls = choices[cases[i].tls]},
                  false);
        rig_turn_until_done(rig);
        if (seen.err.code != cases[i].code)
            fail_msg("case %zu: %d %s", i, seen.err.code, seen.err.message);
        if (cases[i].code)
            continue;
        rig_body_is(&seen, "hello");
        char host[32];
        snprintf(host, sizeof(host), "127.0.0.1:%d", http_server_port(rig->server));
        assert_string_equal(seen.header, host);
    }
    rig_close(&rigs[0]);
    rig_close(&rigs[1]);
    tls_free(&authority);
    tls_free(&stranger);
    tls_free(&for_address);
    tls_free(&for_name);
}

static void client_certificates(void **state)
{
    (void)state;
    struct tls_pair authority, stranger, server_pair, client, foreign;
    tls_authority(&authority);
    tls_authority(&stranger);
    tls_issue(&authority, "127.0.0.1", &server_pair);
    tls_issue(&authority, "someone", &client);
    tls_issue(&stranger, "someone", &foreign);
    struct rig rig;
    rig_open(&rig);
    const struct http_tls all[] = {
        {.ca_pem = str_of(authority.cert), .cert_pem = str_of(client.cert), .key_pem = str_of(client.key)},
        {.ca_pem = str_of(authority.cert), .cert_pem = str_of(foreign.cert), .key_pem = str_of(foreign.key)},
        {.ca_pem = str_of(authority.cert)},
        /* not a pair: refused here, before anything is sent */
        {.ca_pem = str_of(authority.cert), .cert_pem = str_of(client.cert), .key_pem = str_of(foreign.key)},
    };
    struct tls_asking *asking = tls_asking_start(&server_pair, &authority, 4);
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", tls_asking_port(asking));
    for (size_t i = 0; i < 4; i++) {
        struct seen seen = {0};
        rig_start(&rig, &seen, &(struct http_request){.method = STR("GET"), .url = url, .tls = &all[i]}, false);
        rig_turn_until_done(&rig);
        assert_int_equal(seen.status, i == 0 ? 200 : 0);
        if (i == 0)
            rig_body_is(&seen, "known");
        if (i == 3)
            assert_int_equal(seen.err.code, ERR_AUTH);
    }
    tls_asking_join(asking);
    rig_close(&rig);
    tls_free(&authority);
    tls_free(&stranger);
    tls_free(&server_pair);
    tls_free(&client);
    tls_free(&foreign);
}

/* A proxy that is nowhere: what is on this machine is reached all the same, what is not is not. */
static void proxies(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    struct rig rig;
    rig_open(&rig);
    struct seen here = {0}, named = {0}, elsewhere = {0}, keys = {0};
    char url[64];
    rig_get(&rig, &here, "/hello");
    snprintf(url, sizeof(url), "http://localhost:%d/hello", http_server_port(rig.server));
    rig_start(&rig, &named, &(struct http_request){.method = STR("GET"), .url = url}, false);
    rig_start(&rig, &elsewhere, &(struct http_request){.method = STR("GET"), .url = "http://192.0.2.1/"}, false);
    /* EKS's credentials: whether there is a way to them or not, it is not the proxy. */
    rig_start(&rig, &keys,
              &(struct http_request){.method = STR("GET"), .url = "http://[fd00:ec2::23]/", .connect_timeout_ms = 300},
              false);
    rig_turn_until_done(&rig);
    unsetenv("http_proxy");
    assert_null(strstr(keys.err.message, "port 9"));
    rig_body_is(&here, "hello");
    rig_body_is(&named, "hello");
    assert_int_equal(elsewhere.err.code, ERR_RETRY);
    assert_non_null(strstr(elsewhere.err.message, "port 9"));
    rig_close(&rig);
}

struct probed {
    char trace[64];
};

static void on_probe(void *context, uint64_t n, bool after, const struct http_request *request)
{
    struct probed *probed = context;
    size_t len = strlen(probed->trace);
    snprintf(probed->trace + len, sizeof(probed->trace) - len, "%d%s ", (int)n, after ? "<" : ">");
    assert_true(str_is(request->method, "GET"));
    assert_non_null(strstr(request->url, "/hello"));
}

static void probes(void **state)
{
    (void)state;
    struct probed probed = {""};
    const struct http_curl_options options = {
        .user_agent = "x", .max_connections = 1, .probe = on_probe, .probe_context = &probed};
    struct rig rig = {0};
    assert_int_equal(http_curl_open(&options, &rig.curl, NULL), 0);
    rig.http = http_curl_http(rig.curl);
    loop_init(&rig.loop, &clock_system, http_curl_waiter(rig.curl));
    rig.server = http_server_start(NULL);
    struct seen a = {0}, b = {0};
    rig_get(&rig, &a, "/hello");
    rig_get(&rig, &b, "/hello");
    assert_string_equal(probed.trace, "1> ");
    rig_turn_until_done(&rig);
    assert_true(strcmp(probed.trace, "1> 1< 2> 2< ") == 0 || strcmp(probed.trace, "1> 2> 1< 2< ") == 0);
    rig_close(&rig);
}

struct piped {
    struct http_curl *curl;
    int fd;
    char text[32];
    bool unwatch;
};

static void pipe_ready(void *context)
{
    struct piped *piped = context;
    ssize_t got = read(piped->fd, piped->text, sizeof(piped->text) - 1);
    assert_true(got > 0);
    piped->text[got] = '\0';
    if (piped->unwatch)
        http_curl_unwatch(piped->curl, piped->fd);
}

static double cpu_ms(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
}

static void nothing(void *context)
{
    (void)context;
}

/* Waiting with open streams: the loop sleeps until its timer, in one turn or few, without work. */
static void idle_costs_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen stalled[8] = {{0}};
    for (int i = 0; i < 8; i++)
        rig_start(&rig, &stalled[i],
                  &(struct http_request){
                      .method = STR("GET"), .url = http_server_url(rig.server, "/stall"), .idle_timeout_ms = 60000},
                  true);
    for (bool all = false; !all;) {
        assert_int_equal(loop_turn(&rig.loop, NULL), 0);
        all = true;
        for (int i = 0; i < 8; i++)
            all = all && stalled[i].chunks;
    }
    struct loop_timer timer = LOOP_TIMER(nothing, NULL);
    uint64_t turns = 0;
    /* curl's timers of connecting (Happy Eyeballs: 200 ms) run out first. */
    for (int round = 0; round < 2; round++) {
        turns = rig.loop.turns;
        assert_int_equal(loop_timer_after(&rig.loop, &timer, 1000, NULL), 0);
        while (timer.place)
            assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    }
    assert_in_range(rig.loop.turns - turns, 1, 2);
    rig_close(&rig);
}

static void watches_descriptors(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct piped piped = {.curl = rig.curl, .fd = ends[0]};
    assert_int_equal(http_curl_watch(rig.curl, ends[0], pipe_ready, &piped, NULL), 0);
    assert_int_equal(write(ends[1], "one", 3), 3);
    assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    assert_string_equal(piped.text, "one");
    piped.unwatch = true;
    assert_int_equal(write(ends[1], "two", 3), 3);
    assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    assert_string_equal(piped.text, "two");
    assert_int_equal(write(ends[1], "three", 5), 5);
    struct loop_timer timer = LOOP_TIMER(nothing, NULL);
    assert_int_equal(loop_timer_after(&rig.loop, &timer, 20, NULL), 0);
    double before = cpu_ms();
    while (timer.place)
        assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    assert_string_equal(piped.text, "two");
    assert_true(cpu_ms() - before < 100);
    close(ends[0]);
    close(ends[1]);
    rig_close(&rig);
}

struct long_job {
    struct rig *rig;
    int sum;
    bool done;
};

static void long_work(void *context)
{
    struct long_job *job = context;
    usleep(30000);
    job->sum = 42;
}

static void long_done(void *context)
{
    struct long_job *job = context;
    assert_int_equal(job->sum, 42);
    job->done = true;
}

static void the_worker_thread(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct worker_thread *thread;
    assert_int_equal(worker_thread_open(rig.curl, &thread, NULL), 0);
    struct worker worker = worker_thread_worker(thread);
    for (int round = 0; round < 3; round++) {
        struct long_job job = {.rig = &rig};
        assert_int_equal(worker.submit(worker.context, long_work, long_done, &job, NULL), 0);
        assert_int_equal(worker.submit(worker.context, long_work, long_done, &job, NULL), ERR_CONFLICT);
        struct seen seen = {0};
        rig_get(&rig, &seen, "/hello"); /* the loop goes on meanwhile */
        rig_turn_until_done(&rig);
        assert_false(job.done);
        while (!job.done)
            assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    }
    struct long_job last = {.rig = &rig};
    assert_int_equal(worker.submit(worker.context, long_work, long_done, &last, NULL), 0);
    worker_thread_close(thread);
    assert_int_equal(last.sum, 42); /* close waited */
    assert_false(last.done);
    rig_close(&rig);
}

static void on_signal(void *context, int number)
{
    *(int *)context = *(int *)context * 100 + number;
}

static void signals_come_through_the_loop(void **state)
{
    (void)state;
    struct rig rig = {0};
    const struct http_curl_options options = {.user_agent = "x"};
    assert_int_equal(http_curl_open(&options, &rig.curl, NULL), 0);
    loop_init(&rig.loop, &clock_system, http_curl_waiter(rig.curl));
    int got = 0;
    struct signals *signals;
    assert_int_equal(signals_open(rig.curl, on_signal, &got, &signals, NULL), 0);
    rig.server = http_server_start(NULL); /* its threads take no signals now */
    kill(getpid(), SIGTERM);
    assert_int_equal(got, 0);
    assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    assert_int_equal(got, SIGTERM);
    kill(getpid(), SIGHUP);
    assert_int_equal(loop_turn(&rig.loop, NULL), 0);
    assert_int_equal(got, SIGTERM * 100 + SIGHUP);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1); /* and not our end */
    close(ends[1]);
    signals_close(signals);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGTERM));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(names_that_are_slow),
        cmocka_unit_test(requests_are_as_asked),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(streams),
        cmocka_unit_test(a_reader_that_refuses_ends_the_call),
        cmocka_unit_test(sizes),
        cmocka_unit_test(time_limits),
        cmocka_unit_test(time_limits_in_the_queue),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(cancelling_another_from_a_callback),
        cmocka_unit_test(sending_from_a_callback),
        cmocka_unit_test(a_crowd_of_calls),
        cmocka_unit_test(closing_with_calls_under_way),
        cmocka_unit_test(trust),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(proxies),
        cmocka_unit_test(probes),
        cmocka_unit_test(idle_costs_nothing),
        cmocka_unit_test(watches_descriptors),
        cmocka_unit_test(the_worker_thread),
        cmocka_unit_test(signals_come_through_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

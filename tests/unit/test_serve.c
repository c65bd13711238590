/* test_serve.c - what the controller shows of itself, asked over real sockets on one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/serve/serve.h"

struct bench {
    struct http_curl *curl;
    struct loop loop;
    struct metrics *metrics;
    struct serve *serve;
    const char *why; /* it is not ready */
    int status;
    char body[20000];
    bool done;
};

static const char *not_ready(void *context)
{
    return ((struct bench *)context)->why;
}

static void bench_open(struct bench *bench)
{
    *bench = (struct bench){0};
    const struct http_curl_options options = {.user_agent = "test"};
    assert_int_equal(http_curl_open(&options, &bench->curl, NULL), 0);
    loop_init(&bench->loop, &clock_system, http_curl_waiter(bench->curl));
    assert_int_equal(metrics_open(&bench->metrics, NULL), 0);
    const struct serve_options serve = {.listen = "127.0.0.1:0",
                                        .loop = &bench->loop,
                                        .curl = bench->curl,
                                        .metrics = bench->metrics,
                                        .not_ready = not_ready,
                                        .context = bench};
    assert_int_equal(serve_open(&serve, &bench->serve, NULL), 0);
}

static void bench_close(struct bench *bench)
{
    serve_close(bench->serve);
    metrics_close(bench->metrics);
    loop_release(&bench->loop);
    http_curl_close(bench->curl);
}

static void answered(void *context, const struct http_response *response, const struct err *err)
{
    struct bench *bench = context;
    assert_null(err);
    bench->status = response->status;
    snprintf(bench->body, sizeof(bench->body), "%.*s", STR_ARG(response->body));
    bench->done = true;
}

static int ask(struct bench *bench, const char *method, const char *path)
{
    char url[100];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", serve_port(bench->serve), path);
    const struct http_request request = {.method = str_of(method), .url = url, .timeout_ms = 5000};
    const struct http_handler handler = {NULL, answered, bench};
    const struct http http = http_curl_http(bench->curl);
    bench->done = false;
    assert_int_equal(http.send(http.context, &request, &handler, NULL, NULL), 0);
    while (!bench->done)
        assert_int_equal(loop_turn(&bench->loop, NULL), 0);
    return bench->status;
}

static void shows_health_readiness_and_metrics(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(ask(&bench, "GET", "/healthz"), 200);
    assert_int_equal(ask(&bench, "GET", "/readyz"), 200);
    bench.why = "Pod objects are not listed yet\n";
    assert_int_equal(ask(&bench, "GET", "/readyz"), 503);
    assert_string_equal(bench.body, bench.why);
    metrics_set(bench.metrics, METRIC_LEADER, NULL, 1);
    assert_int_equal(ask(&bench, "GET", "/metrics"), 200);
    assert_non_null(strstr(bench.body, "\nstoker_leader 1\n"));
    assert_int_equal(ask(&bench, "GET", "/secrets"), 404);
    assert_int_equal(ask(&bench, "DELETE", "/metrics"), 405);
    bench_close(&bench);
}

static void wrong_addresses_are_refused_with_words(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "8080",    "localhost:80", ":99999", "1.2.3:80",
        "[::1:80", ":x",           "[]:1",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1"};
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct serve_options options = {.listen = wrong[i], .loop = &bench.loop, .curl = bench.curl};
        struct serve *serve;
        struct err err = {0};
        assert_int_equal(serve_open(&options, &serve, &err), ERR_INVALID);
        assert_non_null(strstr(err.message, "is no "));
    }
    char taken[30];
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", serve_port(bench.serve));
    const struct serve_options options = {.listen = taken, .loop = &bench.loop, .curl = bench.curl};
    struct serve *serve;
    assert_int_equal(serve_open(&options, &serve, NULL), ERR_FATAL);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_health_readiness_and_metrics),
        cmocka_unit_test(wrong_addresses_are_refused_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

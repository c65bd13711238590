#include "tests/support/http_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void rig_open_with(struct rig *rig, const struct tls_pair *tls, int64_t max_connections)
{
    const struct http_curl_options options = {.user_agent = "stoker-test", .max_connections = max_connections};
    *rig = (struct rig){0};
    assert_int_equal(http_curl_open(&options, &rig->curl, NULL), 0);
    rig->http = http_curl_http(rig->curl);
    loop_init(&rig->loop, &clock_system, http_curl_waiter(rig->curl));
    rig->server = http_server_start(tls);
}

void rig_open(struct rig *rig)
{
    rig_open_with(rig, NULL, 0);
}

void rig_close(struct rig *rig)
{
    loop_release(&rig->loop);
    http_curl_close(rig->curl);
    http_server_stop(rig->server);
}

static void seen_done(void *context, const struct http_response *response, const struct err *err)
{
    struct seen *seen = context;
    seen->done++;
    seen->rig->open--;
    assert_true(!response == !!err);
    if (err) {
        seen->err = *err;
    } else {
        seen->status = response->status;
        seen->body_len = response->body.len;
        assert_non_null(response->body.ptr);
        memcpy(seen->body, response->body.ptr,
               response->body.len < sizeof(seen->body) ? response->body.len : sizeof(seen->body));
        const struct str *header = seen->want_header ? http_header_get(response, seen->want_header) : NULL;
        if (header)
            snprintf(seen->header, sizeof(seen->header), "%.*s", STR_ARG(*header));
    }
    if (seen->then)
        seen->then(seen);
}

static int seen_chunk(void *context, struct str bytes, struct err *err)
{
    struct seen *seen = context;
    seen->chunks++;
    assert_true(bytes.len > 0);
    if (bytes.len <= sizeof(seen->streamed) - seen->streamed_len) {
        memcpy(seen->streamed + seen->streamed_len, bytes.ptr, bytes.len);
        seen->streamed_len += bytes.len;
    }
    if (seen->on_chunk)
        seen->on_chunk(seen);
    return seen->chunk_code ? err_set(err, seen->chunk_code, "the reader has had enough") : 0;
}

int rig_send(struct rig *rig, struct seen *seen, const struct http_request *request, bool stream, struct err *err)
{
    struct http_handler handler = {stream ? seen_chunk : NULL, seen_done, seen};
    seen->rig = rig;
    int code = rig->http.send(rig->http.context, request, &handler, &seen->call, err);
    if (!code)
        rig->open++;
    assert_int_equal(seen->done, 0);
    return code;
}

void rig_start(struct rig *rig, struct seen *seen, const struct http_request *request, bool stream)
{
    struct err err = {0};
    if (rig_send(rig, seen, request, stream, &err))
        fail_msg("%s", err.message);
}

void rig_get(struct rig *rig, struct seen *seen, const char *path)
{
    rig_start(rig, seen, &(struct http_request){.method = STR("GET"), .url = http_server_url(rig->server, path)},
              false);
}

void rig_turn_until_done(struct rig *rig)
{
    int64_t begin = loop_now(&rig->loop).ns;
    while (rig->open) {
        assert_int_equal(loop_turn(&rig->loop, NULL), 0);
        assert_true(loop_now(&rig->loop).ns - begin < INT64_C(60000000000));
    }
}

void rig_body_is(const struct seen *seen, const char *expected)
{
    if (!seen->status)
        fail_msg("no answer: %s", seen->err.message);
    assert_int_equal(seen->body_len, strlen(expected));
    assert_memory_equal(seen->body, expected, seen->body_len);
}

void rig_cancel(struct seen *seen)
{
    struct rig *rig = seen->rig;
    rig->http.cancel(rig->http.context, seen->call);
    rig->open--;
}

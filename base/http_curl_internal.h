/* http_curl_internal.h - what the two halves of http_curl share: one call, and the hosts that calls wait for. */
#ifndef STOKER_BASE_HTTP_CURL_INTERNAL_H
#define STOKER_BASE_HTTP_CURL_INTERNAL_H

#include <curl/curl.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/http_curl.h"

/* Calls to one host and port: as many as there may be connections are under way, the others wait in order. */
struct http_host {
    struct http_host *next;
    char *name; /* "https://10.0.0.1:443" */
    int64_t active;
    struct http_call *queue_first, *queue_last; /* by queue_next */
};

/*
 * States of a call: queued → active → finished → (done called) freed. `ready` links those that have something to tell:
 * bytes for `chunk`, or that they are finished.
 */
struct http_call {
    struct http_curl *curl;
    struct http_host *host;
    struct http_call *prev, *next; /* all calls */
    struct http_call *queue_next, *ready_next;
    bool queued, active, ready, finished;
    bool busy;      /* one of its callbacks runs: it is freed afterwards */
    bool cancelled; /* meanwhile */

    struct arena arena; /* request, and headers of the response */
    struct http_handler handler;
    struct http_request request; /* in the arena; headers are in `headers` */
    const char *what;            /* "GET https://host/path", for messages: no query, no headers */
    uint64_t number;             /* among all that went out */
    int64_t deadline_ns;         /* INT64_MAX: none */
    int64_t last_byte_ns;

    CURL *easy; /* NULL unless active */
    struct curl_slist *headers, *connect_to;
    char error_text[CURL_ERROR_SIZE];

    struct http_header response_headers[HTTP_MAX_HEADERS];
    size_t n_response_headers;
    int status;
    char *body; /* all of it, or what `chunk` was not given yet */
    size_t body_len, body_cap;
    int code; /* an err_code: no answer, `err` says why */
    struct err err;
};

/* http_curl_call.c */

/* Copies the request; the call is in no list yet. ret_host: as in http_host.name, in the call's arena. */
CC_MUST_CHECK int http_call_new(const struct http_request *request, const struct http_handler *handler,
                                struct http_call **ret, const char **ret_host, struct err *err);
void http_call_free(struct http_call *call); /* NULL is fine; not one that is in a list, or in curl's hands */

/* Makes the handle that curl works with: call->easy. `user_agent` outlives the call. ERR_NOMEM, ERR_INVALID. */
CC_MUST_CHECK int http_call_prepare(struct http_call *call, const char *user_agent, struct err *err);

/* curl is done with it: sets status, or code and err. */
void http_call_conclude(struct http_call *call, CURLcode result);

/* http_curl.c: bytes came in. */
void http_curl_is_ready(struct http_call *call);

#endif

/* http_curl.h - HTTP over libcurl's multi interface, and the loop's way of waiting: sockets and other descriptors. */
#ifndef STOKER_BASE_HTTP_CURL_H
#define STOKER_BASE_HTTP_CURL_H

#include "base/http.h"
#include "base/loop.h"

struct http_curl;

struct http_curl_options {
    const char *user_agent;  /* "stoker/0.1" */
    int64_t max_connections; /* and calls under way, to one host; more wait in order; 0: 64 */
    /*
     * For tests that stop the process at every effect: called before the n-th outgoing call (from 1) goes to the
     * network, and `after` it is over, before `done` hears of it; NULL in normal use.
     */
    void (*probe)(void *context, uint64_t n, bool after, const struct http_request *request);
    void *probe_context;
};

/*
 * HTTP/1.1, connections are kept and used again, redirects are not followed. The proxy variables of the environment
 * are honoured as libcurl does, but never for loopback and link-local addresses (a cloud's metadata and credentials).
 * A call that an old connection swallows without a byte of answer is sent once more on a new one.
 */
CC_MUST_CHECK int http_curl_open(const struct http_curl_options *options, struct http_curl **ret, struct err *err);
void http_curl_close(struct http_curl *curl); /* cancels what is under way; not from within a callback */

struct http http_curl_http(struct http_curl *curl);
struct loop_waiter http_curl_waiter(struct http_curl *curl);

/*
 * Calls `ready` from the loop whenever `fd` can be read or its other end has hung up. One watch a descriptor; it ends
 * before the descriptor is closed. No plain files.
 */
CC_MUST_CHECK int http_curl_watch(struct http_curl *curl, int fd, void (*ready)(void *context), void *context,
                                  struct err *err);
void http_curl_unwatch(struct http_curl *curl, int fd);

#endif

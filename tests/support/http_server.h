/* http_server.h - test helper: a small HTTP server on threads of its own, whose paths say how it shall answer. */
#ifndef STOKER_TESTS_SUPPORT_HTTP_SERVER_H
#define STOKER_TESTS_SUPPORT_HTTP_SERVER_H

#include <stddef.h>

#include "tests/support/tls.h"

struct http_server;

/*
 * On 127.0.0.1; `tls` NULL: plain. Paths:
 *   /hello            "hello", headers X-Test: "Some Value" and X-Method, X-Host, X-Type, X-Had-Empty of the request
 *   /echo             the request's body
 *   /status/N         that status, body "status"
 *   /redirect         302 to /hello
 *   /bytes/N          N times 'b'
 *   /slow/MS          "slow" after so long
 *   /lines/N          N lines "line i\n", 5 ms apart, in chunks
 *   /stall            "begin\n", then nothing until the server stops
 *   /truncated        10 bytes of 1000, then the end
 */
struct http_server *http_server_start(const struct tls_pair *tls);
void http_server_stop(struct http_server *server);

/* "http://127.0.0.1:PORT" + path, good until the next call. */
const char *http_server_url(struct http_server *server, const char *path);
int http_server_port(const struct http_server *server);

int http_server_connections(struct http_server *server);  /* made so far */
int http_server_most_at_once(struct http_server *server); /* requests */

#endif

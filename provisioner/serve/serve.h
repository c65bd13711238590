/* serve.h - what the controller shows of itself over HTTP: /metrics, /healthz, /readyz. */
#ifndef STOKER_PROVISIONER_SERVE_SERVE_H
#define STOKER_PROVISIONER_SERVE_SERVE_H

#include <stdint.h>

#include "base/http_curl.h"
#include "base/loop.h"
#include "provisioner/serve/metrics.h"

struct serve;

struct serve_options {
    const char *listen; /* "0.0.0.0:8080", "[::]:8080", ":8080"; port 0: any free one */
    struct loop *loop;
    struct http_curl *curl; /* whose loop waits for the sockets */
    const struct metrics *metrics;
    /* NULL: ready; else why not, borrowed for the call. Asked from the loop. */
    const char *(*not_ready)(void *context);
    void *context;
};

enum { SERVE_MAX_CONNECTIONS = 64 };

/*
 * Serves from the loop's own thread: an answer from /healthz proves that the loop turns. ERR_INVALID: `listen` is no
 * address; ERR_FATAL: it cannot be listened on.
 */
CC_MUST_CHECK int serve_open(const struct serve_options *options, struct serve **ret, struct err *err);
void serve_close(struct serve *serve);

uint16_t serve_port(const struct serve *serve); /* the one that is listened on */

#endif

/* fake_http.h - HTTP for tests: scripted answers, streams cut wherever it hurts, and every request remembered. */
#ifndef STOKER_TESTS_SUPPORT_FAKE_HTTP_H
#define STOKER_TESTS_SUPPORT_FAKE_HTTP_H

#include "base/http.h"
#include "base/loop.h"

struct fake_http;

/* What was asked, in the order of send(). Texts live as long as the fake. */
struct fake_request {
    struct str method, url, body;
    const struct http_header *headers; /* [n_headers] as sent */
    size_t n_headers;
    bool over; /* done was called */
    bool cancelled;
};

/*
 * Answers come from the loop, by a timer that is due at once: use it with a waiter of virtual time. Failures of its
 * own assert.
 */
struct fake_http *fake_http_open(struct loop *loop);
void fake_http_close(struct fake_http *fake); /* fails the test if an answer was scripted that nobody asked for */
struct http fake_http_http(struct fake_http *fake);

/*
 * The first request not yet answered whose method is `method` and whose URL contains `url_part` gets this answer, be
 * it sent already or still to come. Each answers one request, in the order in which they were scripted; requests
 * without an answer stay open. `headers`: "retry-after: 3\nx-y: z" (lower case), NULL for none.
 */
void fake_http_answer(struct fake_http *fake, const char *method, const char *url_part, int status, const char *headers,
                      const char *body);
/* No complete answer comes: done gets this error. */
void fake_http_fail(struct fake_http *fake, const char *method, const char *url_part, int code, const char *message);

/*
 * A stream, answered piece by piece. The latest open request that matches is meant; it fails the test if there is none.
 * push: a 2xx body goes on, given to chunk() in pieces. end: the answer is complete. cut: the connection breaks.
 */
void fake_http_push(struct fake_http *fake, const char *url_part, const char *text);
void fake_http_end(struct fake_http *fake, const char *url_part);
void fake_http_cut(struct fake_http *fake, const char *url_part, int code, const char *message);

/* Pieces of a pushed text are this long; 0 (the default): whole. */
void fake_http_pieces(struct fake_http *fake, size_t bytes);
/* The n-th send() from now (1: the next) fails with this code; 0 none. */
void fake_http_refuse_send(struct fake_http *fake, size_t n, int code);

size_t fake_http_count(const struct fake_http *fake);
const struct fake_request *fake_http_request(const struct fake_http *fake, size_t i);
/* How many there were of these, and the last of them, NULL if there was none. `method` NULL: any. */
size_t fake_http_asked(const struct fake_http *fake, const char *method, const char *url_part);
const struct fake_request *fake_http_last(const struct fake_http *fake, const char *method, const char *url_part);
/* "" if it was not sent; the name in any case. */
struct str fake_request_header(const struct fake_request *request, const char *name);

#endif

/* http_rig.h - test helper: http_curl, its loop and a server, and calls that remember what became of them. */
#ifndef STOKER_TESTS_SUPPORT_HTTP_RIG_H
#define STOKER_TESTS_SUPPORT_HTTP_RIG_H

#include "base/http_curl.h"
#include "tests/support/http_server.h"

struct rig {
    struct http_curl *curl;
    struct http http;
    struct loop loop;
    struct http_server *server;
    int open; /* calls whose done has not come */
};

void rig_open(struct rig *rig);
/* `tls`: of the server, NULL for plain HTTP; max_connections 0: the usual. */
void rig_open_with(struct rig *rig, const struct tls_pair *tls, int64_t max_connections);
void rig_close(struct rig *rig);

/* One call and what became of it. */
struct seen {
    struct rig *rig;
    struct http_call *call;
    int done, status;
    struct err err;
    char body[4096];
    size_t body_len;
    char header[256]; /* the one asked for */
    const char *want_header;
    int chunks;
    char streamed[4096];
    size_t streamed_len;
    void (*then)(struct seen *seen); /* from done */
    void (*on_chunk)(struct seen *seen);
    int chunk_code;
    struct seen *other;
};

/* What send answers; fails the test if done is called from within. */
int rig_send(struct rig *rig, struct seen *seen, const struct http_request *request, bool stream, struct err *err);
/* The same where it must succeed. */
void rig_start(struct rig *rig, struct seen *seen, const struct http_request *request, bool stream);
void rig_get(struct rig *rig, struct seen *seen, const char *path);
void rig_cancel(struct seen *seen);
void rig_turn_until_done(struct rig *rig);
void rig_body_is(const struct seen *seen, const char *expected);

#endif

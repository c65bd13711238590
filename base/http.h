/* http.h - HTTP as an injected effect: requests go out, answers come back on the loop. */
#ifndef STOKER_BASE_HTTP_H
#define STOKER_BASE_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct http_header {
    struct str name, value;
};

/* Whom to trust and who we are. PEM text, not paths. Servers are always verified. */
struct http_tls {
    struct str ca_pem;            /* "": the system's */
    struct str cert_pem, key_pem; /* "": no client certificate */
    const char *server_name;      /* NULL: the URL's host; else the name that the certificate must have */
};

enum { HTTP_MAX_RESPONSE_BYTES = 64 << 20, HTTP_MAX_HEADERS = 64 };

struct http_request {
    struct str method; /* "GET" */
    const char *url;
    const struct http_header *headers; /* [n_headers] */
    size_t n_headers;
    struct str body;
    const struct http_tls *tls; /* NULL: the system's trust; must outlive the call */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t timeout_ms;         /* of the whole call, waiting for a connection included; 0: none (streams) */
    int64_t idle_timeout_ms;    /* without a byte; 0: none */
    size_t max_response_bytes;  /* of what is kept, not of what goes to `chunk`; 0: HTTP_MAX_RESPONSE_BYTES */
};

struct http_response {
    int status;
    const struct http_header *headers; /* [n_headers] names in lower case */
    size_t n_headers;
    struct str body; /* what went to `chunk` is not in it */
};

/* All are called from the loop, never from within send(). What they are given is borrowed for the call. */
struct http_handler {
    /* NULL, or given each piece of a 2xx body as it arrives. A negative code ends the call (done says so). */
    int (*chunk)(void *context, struct str bytes, struct err *err);
    /*
     * Exactly once, unless the call is cancelled. `response` is NULL where no complete answer came: `err` then says
     * why (ERR_RETRY: network; ERR_INVALID: URL or answer too large; ERR_AUTH: TLS refused; or chunk's own).
     */
    void (*done)(void *context, const struct http_response *response, const struct err *err);
    void *context;
};

struct http_call;

struct http {
    /* Copies the request. The returned call is valid until done or cancel. `ret` may be NULL. */
    int (*send)(void *context, const struct http_request *request, const struct http_handler *handler,
                struct http_call **ret, struct err *err);
    void (*cancel)(void *context, struct http_call *call); /* done is not called any more */
    void *context;
};

/* A header of a response by its lower-case name; NULL if it is not there. */
const struct str *http_header_get(const struct http_response *response, const char *name);

#endif

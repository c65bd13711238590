/* sigv4.h - AWS Signature Version 4: proves to AWS who sends a request, in headers or in the URL. */
#ifndef STOKER_CLOUD_AWS_SIGV4_H
#define STOKER_CLOUD_AWS_SIGV4_H

#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Source: "Signature Version 4 signing process", IAM User Guide; held to AWS's published vectors
 * (tests/fixtures/sigv4). Nothing here asks for the time, the environment or the network.
 */

enum {
    AWS_SIGV4_MAX_HEADERS = 64,
    AWS_SIGV4_MAX_PARAMETERS = 256,
    AWS_SIGV4_MAX_EXPIRES_S = 7 * 24 * 3600,
    AWS_SIGV4_MAX_SECRET_BYTES = 256, /* they have 40 */
    AWS_SIGV4_DIGEST_BYTES = 32
};

struct aws_header {
    struct str name, value;
};

struct aws_credentials {
    struct str access_key_id, secret_access_key;
    struct str session_token; /* "" for long-lived keys */
};

/* A request as it will be sent. */
struct aws_sigv4_request {
    struct str method; /* "POST" */
    struct str path;   /* as on the wire; "" is "/" */
    struct str query;  /* as on the wire, without '?'; "a" is "a=" */
    /*
     * Must hold Host, and none of what signing adds. A name may stand several times. A value may be folded over lines.
     * Those that proxies change (Connection, User-Agent, …) are left out of the signature.
     */
    const struct aws_header *headers;
    size_t n_headers;
    struct str body;
};

enum aws_sigv4_payload {
    AWS_SIGV4_PAYLOAD_HASHED,           /* the body's digest is signed */
    AWS_SIGV4_PAYLOAD_HASHED_IN_HEADER, /* and sent as x-amz-content-sha256, which is signed too (S3 asks for it) */
    AWS_SIGV4_PAYLOAD_UNSIGNED          /* UNSIGNED-PAYLOAD, in x-amz-content-sha256 too: the body may be anything */
};

struct aws_sigv4_options {
    struct str region, service; /* "us-west-2", "ec2" */
    struct clock_wall now;
    bool keep_path;           /* S3: "//", "." and ".." in the path mean themselves */
    bool encode_once;         /* S3: the path is signed as it is sent; other services sign it encoded once more */
    bool token_after_signing; /* the session token is sent, but is not part of what is signed */
    enum aws_sigv4_payload payload;
};

/*
 * The signing key of a day, region and service, kept by the caller from one request to the next: {0}, then whatever the
 * last call left. It is used again while it is made of the same things, else derived anew. Holds a secret.
 */
struct aws_sigv4_key {
    uint8_t bytes[AWS_SIGV4_DIGEST_BYTES];
    uint8_t made_of[AWS_SIGV4_DIGEST_BYTES]; /* digest of secret, day, region, service */
};

/* Wipes the key in a way that the compiler does not leave out. */
void aws_sigv4_key_clear(struct aws_sigv4_key *key);

enum { AWS_SIGV4_MAX_ADDED = 4 };

/* All text is in the arena that the call was given. */
struct aws_sigv4_signed {
    struct str canonical_request, string_to_sign;
    struct str signed_headers; /* "host;x-amz-date" */
    struct str signature;      /* 64 hex digits */
    /* Header form: to be sent beside the request's own; Authorization is the last one. */
    struct aws_header added[AWS_SIGV4_MAX_ADDED];
    size_t n_added;
    /* Query form: the whole query to send instead of the request's, without '?'. */
    struct str query;
};

/*
 * Signs in headers. `key` may be NULL. ERR_INVALID: no Host, a header that is none or that signing itself adds,
 * too many, credentials, region or service empty or not fit for a header, a time before year 0 or after 9999.
 * ERR_NOMEM. ERR_FATAL: libcrypto failed. No message holds a secret.
 */
CC_MUST_CHECK int aws_sigv4_sign(const struct aws_sigv4_request *request, const struct aws_credentials *credentials,
                                 const struct aws_sigv4_options *options, struct aws_sigv4_key *key,
                                 struct arena *arena, struct aws_sigv4_signed *ret, struct err *err);

/*
 * Signs in the URL (presigned), good for `expires_s` seconds, 1 to AWS_SIGV4_MAX_EXPIRES_S. As aws_sigv4_sign, and
 * ERR_INVALID for a query that already has parameters of a signature.
 */
CC_MUST_CHECK int aws_sigv4_presign(const struct aws_sigv4_request *request, const struct aws_credentials *credentials,
                                    const struct aws_sigv4_options *options, int64_t expires_s,
                                    struct aws_sigv4_key *key, struct arena *arena, struct aws_sigv4_signed *ret,
                                    struct err *err);

#endif

/* client.h - calls of AWS's services: signed, at a pace, tried again where that is safe, answered on the loop. */
#ifndef STOKER_CLOUD_AWS_CLIENT_H
#define STOKER_CLOUD_AWS_CLIENT_H

#include "base/chance.h"
#include "base/doc.h"
#include "base/http.h"
#include "base/loop.h"
#include "cloud/aws/environment.h"
#include "cloud/aws/errors.h"
#include "cloud/aws/services.h"
#include "cloud/aws/xml.h"

struct aws_client;

struct aws_client_options {
    struct loop *loop;
    struct http http;
    const struct chance *chance;
    /* Credentials, endpoints and trust come from there (credentials.h, endpoints.h). Must outlive the client. */
    const struct aws_environment *environment;
    struct str region; /* "us-west-2"; see region.h */
    /*
     * One outgoing call is over, each attempt by itself: `api` is "ec2:CreateFleet", code 0 or an err_code. Looking for
     * credentials is told as "credentials", so that a renewal that fails is seen before the old ones end.
     */
    void (*called)(void *context, const char *api, int code, double ms);
    void *context;
};

/* ERR_INVALID: the environment or the shared files say something that makes no sense. */
CC_MUST_CHECK int aws_client_open(const struct aws_client_options *options, struct aws_client **ret, struct err *err);
/* What is under way is cancelled: its `done` is not called any more. Not to be called from within a `done`. */
void aws_client_close(struct aws_client *client);

/* Attempts of one call, and how long it may take in all, where the call says nothing. */
enum { AWS_CALL_ATTEMPTS = 4, AWS_CALL_ATTEMPT_MS = 30 * 1000, AWS_CALL_DEADLINE_MS = 90 * 1000 };

struct aws_call {
    enum aws_service service;
    const char *action; /* "CreateFleet"; must outlive the call */
    /*
     * Query protocol (EC2, STS, Auto Scaling): a form without Action and Version, as query.h writes it. JSON
     * protocol (SQS, SSM, Pricing): an object; "" is "{}". Copied.
     */
    struct str body;
    /*
     * One attempt only: RETRY and THROTTLED come back to the caller, who knows better when to repeat (launches). What
     * was surely not done (the clock was wrong, the credentials had expired) is still tried once more.
     */
    bool no_retry;
    bool urgent;                /* first in the queue where the pace makes calls wait */
    int64_t attempt_timeout_ms; /* 0: AWS_CALL_ATTEMPT_MS */
    int64_t deadline_ms;        /* in all, waiting included; 0: AWS_CALL_DEADLINE_MS */
};

struct aws_answer {
    /* NULL: success. Message "ec2:CreateFleet: <code>: <words>", provider_code, http_status; nothing secret in it. */
    const struct err *err;
    enum aws_error_scope scope; /* where err: what it is about */
    bool dry_run;               /* success of a DryRun: it would have been allowed; no tree */
    const struct xml *xml;      /* Query: the root, "CreateFleetResponse"; NULL where err */
    const struct doc *json;     /* JSON: the object; NULL where err or the answer was empty */
    struct arena *arena;        /* where they live; may be used until `done` returns */
};

typedef void (*aws_answer_fn)(void *context, const struct aws_answer *answer);

/* Calls `done` once from the loop, never from within; what it is given is borrowed for the call. ERR_NOMEM. */
CC_MUST_CHECK int aws_client_call(struct aws_client *client, const struct aws_call *call, aws_answer_fn done,
                                  void *context, struct err *err);

enum { AWS_PAGES_MAX = 1000 };

/*
 * Calls again with the answer's NextToken until there is none. `page` is given each page in turn; a negative return
 * ends it. `done` once afterwards: `answer->err` NULL, or the first failure (also page's own).
 */
struct aws_pages_handler {
    int (*page)(void *context, const struct aws_answer *answer, struct err *err);
    aws_answer_fn done; /* trees are NULL in it */
    void *context;
};

CC_MUST_CHECK int aws_client_pages(struct aws_client *client, const struct aws_call *call,
                                   const struct aws_pages_handler *handler, struct err *err);

#endif

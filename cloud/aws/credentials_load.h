/* credentials_load.h - one run through the credential providers; for credentials.c and the providers themselves. */
#ifndef STOKER_CLOUD_AWS_CREDENTIALS_LOAD_H
#define STOKER_CLOUD_AWS_CREDENTIALS_LOAD_H

#include "base/http.h"
#include "cloud/aws/endpoints.h"
#include "cloud/aws/environment.h"
#include "cloud/aws/imds.h"
#include "cloud/aws/sigv4.h"

struct aws_load;

/*
 * A provider. `start` ends, at once or later from the loop, in exactly one of aws_load_next (it is not set up here),
 * aws_load_fail (it is, and failed) and aws_load_found.
 */
struct aws_provider {
    const char *name;
    void (*start)(struct aws_load *load);
};

extern const struct aws_provider aws_provider_environment, aws_provider_web_identity, aws_provider_container,
    aws_provider_profile, aws_provider_imds;

struct aws_found {
    struct aws_credentials credentials; /* in the load's arena */
    struct clock_wall expires;          /* 0: never */
};

/* A role to be assumed with what was found. */
struct aws_role {
    struct str arn, session_name, external_id;
    struct str duration_s; /* digits, "" for STS's default */
};

enum { AWS_LOAD_MAX_ROLES = 5 };

struct aws_load {
    struct http http;
    const struct aws_environment *environment;
    const struct aws_endpoints *endpoints;
    struct clock_wall now;
    void (*over)(void *context); /* called once, when `found` or `err` is set; touches nothing of the load */
    void *context;
    /* From here on it is the load's own. */
    struct arena arena;
    size_t place;                              /* in the table of providers */
    char tried[ERR_MESSAGE_MAX];               /* "environment: AWS_ACCESS_KEY_ID is not set; …" */
    struct aws_role roles[AWS_LOAD_MAX_ROLES]; /* the last one is assumed first */
    size_t n_roles;
    struct http_call *call; /* under way */
    void (*answered)(struct aws_load *load, const struct http_response *response, const struct err *err);
    const char *sts_action;
    struct aws_imds imds;
    struct command_call *command; /* credential_process, under way */
    struct str profile;           /* whose it is */
    struct clock_wall date;       /* of the last answer, as its sender's clock has it; 0: none said */
    bool is_over, good;
    struct aws_found found; /* where good */
    struct err err;         /* where not */
};

/* Begins with the first provider; the fields above `over` are set, all others 0. */
void aws_load_start(struct aws_load *load);
/* Ends it wherever it is, and wipes what it read. */
void aws_load_release(struct aws_load *load);

/* For providers: */
void aws_load_next(struct aws_load *load, const char *fmt, ...) CC_PRINTF(2, 3);
void aws_load_fail(struct aws_load *load, const struct err *err);
void aws_load_found(struct aws_load *load, const struct aws_found *found); /* roles, if any, are assumed with it */
/* `answered` is called as http's done. */
void aws_load_ask(struct aws_load *load, const struct http_request *request,
                  void (*answered)(struct aws_load *load, const struct http_response *response, const struct err *err));
/* Calls STS and takes the Credentials of its answer. `credentials` NULL: unsigned. */
void aws_load_sts(struct aws_load *load, const char *action, struct str form,
                  const struct aws_credentials *credentials);
/* AssumeRoleWithWebIdentity. */
void aws_load_web_identity(struct aws_load *load, const struct aws_role *role, const char *token_file);
/* "stoker-<seconds>" in the arena; ptr NULL if memory ran out. */
struct str aws_load_session_name(struct aws_load *load);

/*
 * The JSON that containers, instance metadata and credential processes answer; the session token's member is named
 * `token_key`. ERR_INVALID naming what is missing; the texts are in `arena`.
 */
CC_MUST_CHECK int aws_found_read(struct str json, const char *token_key, struct arena *arena, struct aws_found *ret,
                                 struct err *err);

#endif

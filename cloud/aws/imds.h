/* imds.h - an instance's metadata (IMDSv2): a token first, then what is asked for. */
#ifndef STOKER_CLOUD_AWS_IMDS_H
#define STOKER_CLOUD_AWS_IMDS_H

#include "base/http.h"
#include "cloud/aws/environment.h"

/* `body` is NULL where `err` says why: ERR_NOT_FOUND (404), ERR_RETRY (no answer, 5xx), ERR_AUTH, ERR_INVALID. */
typedef void (*aws_imds_fn)(void *context, const struct str *body, const struct err *err);

struct aws_imds {
    struct http http;
    struct arena *arena;
    const char *endpoint; /* "http://169.254.169.254" */
    const char *token, *path;
    struct http_call *call;
    aws_imds_fn done;
    void *context;
};

/*
 * Source: "Use the Instance Metadata Service", EC2 User Guide. AWS_EC2_METADATA_DISABLED: ERR_NOT_FOUND;
 * AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv4, IPv6) say where it is.
 */
CC_MUST_CHECK int aws_imds_init(struct aws_imds *imds, struct http http, const struct aws_environment *environment,
                                struct arena *arena, struct err *err);

/*
 * "/latest/meta-data/placement/region"; `path` must outlive the call. One at a time. The first call fetches a token,
 * which serves those that follow. `done` is called from the loop; the body is in the arena.
 */
CC_MUST_CHECK int aws_imds_get(struct aws_imds *imds, const char *path, aws_imds_fn done, void *context,
                               struct err *err);
void aws_imds_cancel(struct aws_imds *imds); /* also if nothing is under way, or after {0} */

#endif

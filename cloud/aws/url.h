/* url.h - the parts of an http or https URL, for what they decide: whom to trust, and what to sign. */
#ifndef STOKER_CLOUD_AWS_URL_H
#define STOKER_CLOUD_AWS_URL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct aws_url {
    bool https;
    struct str authority; /* as the Host header has it: without a default port */
    struct str host;      /* without port and brackets */
    struct str path;      /* with its first '/', without query; "" if there is none */
    struct str query;     /* without '?' */
};

/*
 * ERR_INVALID: another scheme, a user's name in it (which hides the true host), an empty host or one with other
 * characters than hosts have, a fragment, control characters or spaces. The URL is not repeated in the message.
 * All points into `url`.
 */
CC_MUST_CHECK int aws_url_read(struct str url, struct aws_url *ret, struct err *err);

/* Is it this machine: localhost, 127.0.0.0/8 or ::1 as numbers? */
bool aws_url_is_loopback(const struct aws_url *url);

#endif

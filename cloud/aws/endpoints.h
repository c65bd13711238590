/* endpoints.h - where each service of a region is, and whom to trust there. */
#ifndef STOKER_CLOUD_AWS_ENDPOINTS_H
#define STOKER_CLOUD_AWS_ENDPOINTS_H

#include "base/http.h"
#include "cloud/aws/services.h"
#include "cloud/aws/settings.h"
#include "cloud/aws/url.h"

struct aws_endpoint {
    const char *url; /* ends in '/' */
    struct aws_url parts;
    struct str signing_region; /* not always the region asked for: Pricing is in three */
};

struct aws_endpoints {
    struct str region;
    struct aws_endpoint of[AWS_SERVICES]; /* url NULL: this partition does not have it */
    struct http_tls tls;                  /* AWS_CA_BUNDLE, or the profile's ca_bundle */
    bool has_tls;
};

/*
 * For each service the first of: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services section, the
 * profile's endpoint_url (none of these where AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true), and AWS's own, by the
 * region's partition, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. Sources: "Service-specific endpoints", AWS
 * SDKs and Tools Reference Guide; "Service endpoints and quotas", AWS General Reference.
 * ERR_INVALID naming what is wrong: a region that is no word, a URL that is none, a bundle that cannot be read.
 * All is in `arena`.
 */
CC_MUST_CHECK int aws_endpoints_find(const struct aws_environment *environment, const struct aws_settings *settings,
                                     struct str region, struct arena *arena, struct aws_endpoints *ret,
                                     struct err *err);

/* Region from AWS_REGION, AWS_DEFAULT_REGION or the profile; "" if none says. */
struct str aws_endpoints_region(const struct aws_environment *environment, const struct aws_settings *settings);

#endif

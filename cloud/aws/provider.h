/* provider.h - machines from EC2: struct cloud_provider over AWS's APIs. */
#ifndef STOKER_CLOUD_AWS_PROVIDER_H
#define STOKER_CLOUD_AWS_PROVIDER_H

#include "base/chance.h"
#include "base/http.h"
#include "base/loop.h"
#include "cloud/aws/catalogue.h"
#include "cloud/aws/environment.h"
#include "cloud/aws/user_data.h"
#include "cloud/provider.h"

struct aws_provider;

/* Texts are copied; what is pointed to must outlive the provider. */
struct aws_provider_options {
    struct loop *loop;
    struct http http;
    const struct chance *chance;
    const struct aws_environment *environment; /* credentials and endpoints come from there */
    struct str region;                         /* "us-west-2"; see aws_region_find */
    /*
     * The name marks everything of ours (tag stoker.sh/cluster) and must not change. The endpoint is where a machine
     * outside the cluster reaches the API server: the kubeconfig's, but not that of a pod's service account.
     */
    struct aws_cluster cluster;
    struct str kubernetes_version; /* the API server's, "1.34" or "v1.34.4-eks-1": which images are looked for */
    struct str instance_profile;   /* for templates that name none; "" */
    struct str queue;              /* name of the SQS queue that interruptions come from; "": none is listened to */
};

/* ERR_INVALID: settings that make no sense; ERR_NOMEM. Calls nobody yet. */
CC_MUST_CHECK int aws_provider_open(const struct aws_provider_options *options, struct aws_provider **ret,
                                    struct err *err);
/* What is under way is cancelled: nobody is called any more. */
void aws_provider_close(struct aws_provider *provider);

struct cloud_provider aws_provider_provider(struct aws_provider *provider);

#endif

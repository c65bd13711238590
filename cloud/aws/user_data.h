/* user_data.h - what an instance is told at its first boot, so that it becomes a node of the cluster. */
#ifndef STOKER_CLOUD_AWS_USER_DATA_H
#define STOKER_CLOUD_AWS_USER_DATA_H

#include "base/buf.h"
#include "cloud/provider.h"

/* How a node finds its cluster. */
struct aws_cluster {
    struct str name;
    struct str endpoint;  /* "https://…" */
    struct str ca_base64; /* the API server's CA: PEM in base64, as EKS gives it */
    struct str cidr;      /* of the services, "10.100.0.0/16"; AL2023 asks for it */
    struct str dns;       /* address of the cluster's DNS service; "" = the node derives it */
};

enum { AWS_MAX_USER_DATA_BYTES = 16384 }; /* EC2's limit, before base64 */

/*
 * The user data for the template's family in `arena`, not in base64. The user's own comes first for AL2, AL2023 and
 * Ubuntu (as MIME parts), is merged for Bottlerocket (TOML), and is all there is for Custom. Deterministic.
 * ERR_INVALID with words: a family we do not know, a cluster setting that the family needs and nobody gave, user data
 * that cannot be merged or is too long. Sources: docs of nodeadm, EKS's bootstrap.sh, Bottlerocket's settings.
 */
CC_MUST_CHECK int aws_user_data(const struct aws_cluster *cluster, const struct cloud_template *template_,
                                const struct cloud_bootstrap *bootstrap, struct arena *arena, struct str *ret,
                                struct err *err);

/* For user_data.c: Bottlerocket's settings with the user's own. In bottlerocket.c. */
CC_MUST_CHECK int aws_bottlerocket(const struct aws_cluster *cluster, const struct cloud_template *template_,
                                   const struct cloud_bootstrap *bootstrap, struct arena *arena, struct buf *buf,
                                   struct err *err);

#endif

/* actions.h - every call that we make of AWS, and the IAM permissions it takes: what the policy and the doctor go by.
 */
#ifndef STOKER_CLOUD_AWS_ACTIONS_H
#define STOKER_CLOUD_AWS_ACTIONS_H

#include <stddef.h>

#include "cloud/aws/services.h"

enum { AWS_ACTION_PERMISSIONS = 4 };

struct aws_action {
    enum aws_service service;
    const char *name;                                /* "CreateFleet" */
    const char *permissions[AWS_ACTION_PERMISSIONS]; /* "ec2:CreateFleet", …; NULL behind the last */
};

/* iam-policy.json allows what is here and nothing else; a test holds it, and the sources, against this table. */
extern const struct aws_action aws_actions[];
extern const size_t n_aws_actions;

#endif

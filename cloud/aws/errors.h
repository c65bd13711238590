/* errors.h - what AWS's services say when they refuse, by what to do about it. */
#ifndef STOKER_CLOUD_AWS_ERRORS_H
#define STOKER_CLOUD_AWS_ERRORS_H

#include "base/err.h"
#include "base/str.h"

/* What an error is about: what to leave out, or to make anew, before the next call. */
enum aws_error_scope {
    AWS_SCOPE_CALL,            /* this call alone */
    AWS_SCOPE_OFFERING,        /* instance type, zone, capacity type: out of capacity for a while */
    AWS_SCOPE_SUBNET,          /* it has no free addresses */
    AWS_SCOPE_QUOTA,           /* the account's for that class of types and capacity type (aws_type_quota) */
    AWS_SCOPE_ACCOUNT,         /* it can have no more, or nothing, of that capacity type, whatever the instance type */
    AWS_SCOPE_LAUNCH_TEMPLATE, /* make it again, retry once */
    AWS_SCOPE_CREDENTIALS,     /* get new ones, retry once */
    AWS_SCOPE_PERMISSION       /* somebody has to allow it */
};

struct aws_verdict {
    int code; /* an err_code; 0 for DryRunOperation: the call would have been allowed */
    enum aws_error_scope scope;
};

/* A service's answer that is no success. */
struct aws_failure {
    int http_status;    /* 0: no answer came */
    struct str code;    /* Code in XML, __type in JSON, x-amzn-errortype: as received; "" if none */
    struct str message; /* as received */
};

/* The name alone of "com.amazonaws.sqs#QueueDoesNotExist", "Name:http://…", "AWS.X.Name;Sender". */
struct str aws_error_name(struct str code);

/*
 * Judges a service's error by its code; by its HTTP status where the code is not known (0: no answer came, RETRY; the
 * launch's token makes the repeat safe). Sources: EC2 "Error codes", SQS, SSM, STS, Pricing "Common errors".
 */
struct aws_verdict aws_error_judge(struct str code, int http_status);

/*
 * Fills *err ("<call>: <name>: <message>") and returns the verdict's code; 0, and *err untouched, for DryRunOperation.
 * Of the message only the first line is kept: behind it SignatureDoesNotMatch repeats the request with its session
 * token. `ret_scope` may be NULL.
 */
CC_MUST_CHECK int aws_error_set(const struct aws_failure *failure, const char *call, enum aws_error_scope *ret_scope,
                                struct err *err);

#endif

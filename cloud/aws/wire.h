/* wire.h - one call of a service as bytes: the request, signed or not, and what the answer says. */
#ifndef STOKER_CLOUD_AWS_WIRE_H
#define STOKER_CLOUD_AWS_WIRE_H

#include "base/doc.h"
#include "base/http.h"
#include "cloud/aws/endpoints.h"
#include "cloud/aws/errors.h"
#include "cloud/aws/sigv4.h"
#include "cloud/aws/xml.h"

struct aws_wire_call {
    enum aws_service service;
    const char *action;
    struct str body; /* as in struct aws_call */
    const struct aws_endpoint *endpoint;
    const struct aws_credentials *credentials; /* NULL: unsigned */
    struct aws_sigv4_key *key;                 /* kept from call to call of one service, or NULL */
    struct clock_wall now;                     /* as AWS's clock has it */
    int64_t timeout_ms;
    const struct http_tls *tls;
};

/* The request in `arena`. ERR_NOT_FOUND: the partition has no such service; others as aws_sigv4_sign. */
CC_MUST_CHECK int aws_wire_request(const struct aws_wire_call *call, struct arena *arena, struct http_request *ret,
                                   struct err *err);

struct aws_wire_answer {
    bool dry_run;
    const struct xml *xml;
    const struct doc *json;
};

/*
 * What the service answered: `response`, or NULL and `failed` where nothing complete came. Negative: a refusal or a
 * failure, *ret_scope and err set, the message beginning with "ec2:CreateFleet: ". A success whose body makes no sense
 * is ERR_RETRY: it was cut or mangled on its way. The tree is in `arena`.
 */
CC_MUST_CHECK int aws_wire_answer(enum aws_service service, const char *action, const struct http_response *response,
                                  const struct err *failed, struct arena *arena, struct aws_wire_answer *ret,
                                  enum aws_error_scope *ret_scope, struct err *err);

/* The time of an answer's Date header ("Tue, 15 Nov 1994 08:12:31 GMT"); false if it has none. */
bool aws_wire_date(const struct http_response *response, struct clock_wall *ret);

enum { AWS_WIRE_NAME_BYTES = 96 };
/* "ec2:CreateFleet", cut if need be. */
const char *aws_wire_name(enum aws_service service, const char *action, char ret[AWS_WIRE_NAME_BYTES]);

#endif

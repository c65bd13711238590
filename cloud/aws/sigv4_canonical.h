/* sigv4_canonical.h - for sigv4.c: the parts of a canonical request, which is text alone and needs no cryptography. */
#ifndef STOKER_CLOUD_AWS_SIGV4_CANONICAL_H
#define STOKER_CLOUD_AWS_SIGV4_CANONICAL_H

#include "base/buf.h"
#include "cloud/aws/sigv4.h"

/* A query's parameter, encoded. */
struct aws_sigv4_parameter {
    struct str name, value;
};

struct aws_sigv4_parameters {
    struct aws_sigv4_parameter items[AWS_SIGV4_MAX_PARAMETERS];
    size_t len;
};

/* Appends the path: "." and ".." resolved and "//" made "/" unless `keep`, then encoded (see aws_sigv4_options). */
CC_MUST_CHECK int aws_sigv4_path(struct str path, bool keep, bool encode_once, struct arena *arena, struct buf *buf,
                                 struct err *err);

/* Reads a query as sent: decoded and encoded again, so that it does not matter how much of it was encoded. */
CC_MUST_CHECK int aws_sigv4_parameters_read(struct str query, struct arena *arena,
                                            struct aws_sigv4_parameters *parameters, struct err *err);

/* Adds a parameter that is not encoded yet. ERR_INVALID beyond AWS_SIGV4_MAX_PARAMETERS. */
CC_MUST_CHECK int aws_sigv4_parameters_add(struct aws_sigv4_parameters *parameters, struct str name, struct str value,
                                           struct arena *arena, struct err *err);

/* Sorts by name, then value, and appends "a=1&b=2". */
void aws_sigv4_parameters_write(struct aws_sigv4_parameters *parameters, struct buf *buf);

/*
 * Appends to `lines` "name:value\n" of each header, to `names` the names with ';' between: names in lower case, sorted;
 * values trimmed, runs of white space made one space, those of one name joined by ','. `headers` has at most
 * AWS_SIGV4_MAX_HEADERS + AWS_SIGV4_MAX_ADDED items. ERR_INVALID as aws_sigv4_sign.
 */
CC_MUST_CHECK int aws_sigv4_headers(const struct aws_header *headers, size_t count, struct arena *arena,
                                    struct buf *lines, struct buf *names, struct err *err);

#endif

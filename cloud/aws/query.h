/* query.h - the form that AWS's Query protocol asks for: nested structures and lists as dotted names. */
#ifndef STOKER_CLOUD_AWS_QUERY_H
#define STOKER_CLOUD_AWS_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * aws_query_item(&query, "Filter", 1); aws_query_str(&query, "Name", STR("zone")); aws_query_close(&query);
 * writes "Filter.1.Name=zone". Action and Version are not written here: the client adds them (client.h).
 * Sources: EC2 API Reference "Query parameters"; EC2's lists are "Name.1", those of STS and Auto Scaling
 * "Name.member.1", which is a list named "Name.member" here.
 */
enum { AWS_QUERY_MAX_DEPTH = 8, AWS_QUERY_MAX_PREFIX_BYTES = 256 };

struct aws_query {
    struct buf *buf; /* memory that runs out is remembered there */
    char prefix[AWS_QUERY_MAX_PREFIX_BYTES];
    size_t ends[AWS_QUERY_MAX_DEPTH + 1]; /* of the prefix, by depth */
    size_t depth;
};

#define AWS_QUERY(into) ((struct aws_query){.buf = (into)})

/* Names are our own literals; deeper or longer than the limits is a bug. */
void aws_query_open(struct aws_query *query, const char *name);           /* what follows is in "name." */
void aws_query_item(struct aws_query *query, const char *list, size_t n); /* in "list.n."; n from 1 */
void aws_query_close(struct aws_query *query);                            /* what was opened last */

void aws_query_str(struct aws_query *query, const char *name, struct str value);
void aws_query_int(struct aws_query *query, const char *name, int64_t value);
void aws_query_bool(struct aws_query *query, const char *name, bool value);
/* name.1, name.2 … */
void aws_query_list(struct aws_query *query, const char *name, const struct str *values, size_t n);

#endif

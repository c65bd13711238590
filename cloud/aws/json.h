/* json.h - a JSON answer as one tree in an arena. */
#ifndef STOKER_CLOUD_AWS_JSON_H
#define STOKER_CLOUD_AWS_JSON_H

#include "base/doc.h"

/* The first value of `bytes`, an object or a list; NULL if there is nothing at all. ERR_INVALID "line N: what". */
CC_MUST_CHECK int aws_json_read(struct str bytes, struct arena *arena, const struct doc **ret, struct err *err);

/* A string or number of an object by its path; "" if it is not there, or null. */
struct str aws_json_text(const struct doc *doc, const char *path);

#endif

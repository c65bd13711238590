/* schema_check.h - does a document that we write hold what its CRD takes, and nothing else? */
#ifndef STOKER_TESTS_SUPPORT_SCHEMA_CHECK_H
#define STOKER_TESTS_SUPPORT_SCHEMA_CHECK_H

#include "provisioner/api/schema.h"

/*
 * The first thing that a strict API server would refuse: a field that is not in the table, of another type, beyond its
 * range or not among its values (patterns and CEL rules are left to a real server). NULL if there is none. Nulls, which
 * a merge patch takes away, are good only with `patch`. The text is static and overwritten by the next call.
 */
const char *schema_check(const struct doc *object, enum schema_document document, bool patch);

#endif

/* decode_status.h - what the API server and other controllers write into objects: read leniently, never a finding. */
#ifndef STOKER_PROVISIONER_API_DECODE_STATUS_H
#define STOKER_PROVISIONER_API_DECODE_STATUS_H

#include "base/clock.h"
#include "provisioner/api/field.h"

/* A string member, borrowed from the document; "" where there is none. */
struct str status_text(const struct doc *map, const char *key);

/* An integer; 0 where there is none. */
int64_t status_int(const struct doc *map, const char *key);

/* A time; 0 where there is none. */
struct clock_wall status_time(const struct doc *map, const char *key);

/* Does the condition `type` of status.conditions have this status ("True")? `reason` NULL: any. */
bool status_condition(const struct doc *object, const char *type, const char *status, const char *reason);

/* Does metadata.annotations[key] have this value? */
bool status_annotated(const struct doc *object, const char *key, const char *value);

/* The annotations that keep a pod, or a node, from being disturbed of our own will. Source: Karpenter, autoscaler. */
bool status_do_not_disrupt(const struct doc *object);

/* A kept copy, not interned: such texts do not repeat. */
CC_MUST_CHECK int status_keep(const struct field *object, struct str text, struct str *ret, struct err *err);

#endif

/* schema_tables.h - the tables of schema.h, and what several of them have in common; private to schema*.c. */
#ifndef STOKER_PROVISIONER_API_SCHEMA_TABLES_H
#define STOKER_PROVISIONER_API_SCHEMA_TABLES_H

#include "provisioner/api/schema.h"

extern const struct schema schema_provisioner, schema_template, schema_claim;

#define SCHEMA_LABEL_VALUE "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
#define SCHEMA_LABEL_SOME  "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
#define SCHEMA_LABEL_KEY   "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
#define SCHEMA_MONEY       "^[0-9]+(\\.[0-9]+)?$"
#define SCHEMA_SECONDS_MAX 1099511627776.0
#define SCHEMA_SIGNALS \
    "memory.available|nodefs.available|nodefs.inodesFree|imagefs.available|imagefs.inodesFree|pid.available"

/* clang-format off */
#define SCHEMA_TAINT(at)                                                                                              \
    {.path = at, .type = SCHEMA_MAP, .about = "One taint."},                                                          \
    {.path = at ".key", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .max = 316, .pattern = SCHEMA_LABEL_KEY,     \
     .about = "Its key."},                                                                                            \
    {.path = at ".value", .type = SCHEMA_STRING, .max = 63, .pattern = SCHEMA_LABEL_VALUE, .about = "Its value."},    \
    {.path = at ".effect", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED,                                           \
     .values = "NoSchedule|PreferNoSchedule|NoExecute", .about = "What it does to pods that do not tolerate it."},    \
    {.path = at ".timeAdded", .type = SCHEMA_TIME, .about = "Not read."}

#define SCHEMA_CONDITIONS(what)                                                                                       \
    {.path = "status.conditions", .type = SCHEMA_LIST, .max = 50, .about = what},                                     \
    {.path = "status.conditions[]", .type = SCHEMA_MAP, .about = "One condition."},                                   \
    {.path = "status.conditions[].type", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .max = 316,                 \
     .about = "Its name."},                                                                                           \
    {.path = "status.conditions[].status", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED,                           \
     .values = "True|False|Unknown", .about = "Whether it holds."},                                                   \
    {.path = "status.conditions[].reason", .type = SCHEMA_STRING, .max = 1024, .about = "Why, in a word."},           \
    {.path = "status.conditions[].message", .type = SCHEMA_STRING, .max = 32768, .about = "Why, for people."},        \
    {.path = "status.conditions[].lastTransitionTime", .type = SCHEMA_TIME, .about = "Since when."},                  \
    {.path = "status.conditions[].severity", .type = SCHEMA_STRING, .flags = SCHEMA_FOREIGN,                          \
     .about = "Karpenter's; not read."}
/* clang-format on */

#endif

/* rules.h - what a Spark configuration asks for: amounts of a driver and an executor, and how many at start. */
#ifndef STOKER_PROVISIONER_SPARK_RULES_H
#define STOKER_PROVISIONER_SPARK_RULES_H

#include "provisioner/spark/conf.h"

/* An application that wants more executors at start is taken for a mistake. */
enum { RULES_MAX_EXECUTORS = 100000 };

/* Where the configuration of a role is found. */
struct role_keys {
    const char *name; /* "driver", "executor" */
    const char *container;
    const char *cores, *request_cores;
    const char *memory, *overhead, *overhead_factor, *min_overhead;
    const char *scheduler, *template_file, *template_container;
    const char *node_selectors, *labels, *resources, *volumes; /* prefixes */
};

extern const struct role_keys rules_driver, rules_executor;

struct role_amounts {
    struct str cpu;     /* a quantity */
    int64_t memory_mib; /* heap, overhead, off-heap and Python's */
};

/* Findings go to the configuration's diag. */
struct role_amounts rules_amounts(const struct conf *conf, const struct role_keys *keys);

/* Executors that exist once the application has started, before dynamic allocation asks for more or less. */
int64_t rules_executors(const struct conf *conf);

/* Do executors come and go with the work? */
bool rules_dynamic(const struct conf *conf);

#endif

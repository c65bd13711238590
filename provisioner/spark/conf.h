/* conf.h - a Spark configuration: keys and values, each with the place it was read from. */
#ifndef STOKER_PROVISIONER_SPARK_CONF_H
#define STOKER_PROVISIONER_SPARK_CONF_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct conf_entry {
    struct str key, value; /* value without white space at its ends, as Spark takes it */
    int line;
    const char *field; /* for findings: "spark.executor.memory", or "spec.executor.memory" in an application */
    bool reported;     /* one finding for an entry is enough */
};

/* A configuration of more entries is taken for a mistake. */
enum { CONF_MAX_ENTRIES = 20000 };

/* Texts are borrowed, or live in `arena`. A key that is set again counts as set last. */
struct conf {
    struct arena *arena;
    const char *file;
    struct diag *diag;
    VEC(struct conf_entry) entries;
    bool full; /* there was more */
};

/* `field` NULL: the key itself. Beyond CONF_MAX_ENTRIES: a finding, and nothing is set. */
CC_MUST_CHECK int conf_set(struct conf *conf, struct str key, struct str value, int line, const char *field,
                           struct err *err);
void conf_release(struct conf *conf);

/* Reads Java properties (see properties.c) into the configuration. Findings go to conf->diag; only ERR_NOMEM. */
CC_MUST_CHECK int conf_read_properties(struct conf *conf, struct str bytes, struct err *err);

/* NULL if it is not set. An empty value is a value. */
const struct conf_entry *conf_find(const struct conf *conf, const char *key);

/*
 * The i-th entry, if it is the one that counts for its key and the key begins with `prefix`: true, and *ret_rest is
 * the rest of the key.
 */
bool conf_under(const struct conf *conf, size_t i, const char *prefix, struct str *ret_rest);

/* A finding at this entry; the first one only. */
void conf_bad(const struct conf *conf, const struct conf_entry *entry, const char *fmt, ...) CC_PRINTF(3, 4);

/* The value, or `other` if it is not set. */
struct str conf_text(const struct conf *conf, const char *key, struct str other);

/* As conf_text. What is no such value, or beyond the limits, is a finding, and `other` is returned. */
int64_t conf_int(const struct conf *conf, const char *key, int64_t min, int64_t max, int64_t other);
bool conf_bool(const struct conf *conf, const char *key, bool other);
double conf_number(const struct conf *conf, const char *key, double min, double max, double other);

/*
 * A size such as 512m or 4g, in whole MiB, rounded down. `unit_bytes` is what a bare number means: 1 or CONF_MIB.
 * Source: org.apache.spark.network.util.JavaUtils.byteStringAs.
 */
#define CONF_MIB (INT64_C(1) << 20)
int64_t conf_size_mib(const struct conf *conf, const char *key, int64_t unit_bytes, int64_t other);

#endif

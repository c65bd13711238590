/* instances.h - what is on sale for a pod: the offerings that Provisioners admit, filtered, valued and sorted. */
#ifndef STOKER_PROVISIONER_CMD_INSTANCES_H
#define STOKER_PROVISIONER_CMD_INSTANCES_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/cmd/emit.h"
#include "provisioner/cmd/flags.h"
#include "provisioner/cmd/terminal.h"
#include "provisioner/plan/overlay.h"

enum { INSTANCES_MAX_RESOURCES = 12 };

/* --fits: resources of one pod, and how many such pods a node must hold at least. */
struct instances_pod {
    struct cloud_resource items[INSTANCES_MAX_RESOURCES]; /* [n] names borrowed; n 0: not asked for */
    size_t n;
    int64_t count; /* 1 if not said */
};

enum instances_sort {
    SORT_DEFAULT, /* usd-per-pod with --fits, usd without */
    SORT_USD,
    SORT_USD_PER_POD,
    SORT_USD_PER_VCPU,
    SORT_USD_PER_GIB,
    SORT_NAME,
    SORT_INTERRUPTION
};

struct instances_query {
    struct instances_pod pod;
    enum instances_sort sort;
    struct flag_list arches, capacity_types, families; /* empty: all */
    int64_t max_rows;                                  /* 0: all */
    const char *const *zones;                          /* [n_zones]; NULL = all */
    size_t n_zones;
    const struct overlay *overlay; /* NULL = none */
};

struct instances_zone {
    struct str name;
    int64_t price_microusd;   /* per hour */
    int64_t per_pod_microusd; /* rounded up; 0 without --fits */
    int interruption_bucket;  /* -1: none, or unknown */
};

/* A type that a Provisioner admits, On-Demand or on spot, with the zones where it offers the same room. */
struct instances_row {
    const struct provisioner *provisioner;
    const struct cloud_type *type;
    enum cloud_capacity_type capacity_type;
    struct instances_zone *zones; /* [n_zones] cheapest first; never none */
    size_t n_zones;
    int64_t cpu_milli, memory_bytes, pods; /* left for pods after daemon pods */
    int64_t fits;                          /* pods of --fits; 0 without */
};

struct instances {
    struct instances_row *rows; /* [n_rows] sorted and cut */
    size_t n_rows, n_found;     /* n_found: before the cut */
    const struct cloud_catalogue *catalogue;
    bool has_pod;
};

/* For struct flag: "cpu=4,memory=15Gi,count=3" into a struct instances_pod; a word into an enum instances_sort. */
CC_MUST_CHECK int instances_pod_set(void *target, const char *value, struct err *err);
CC_MUST_CHECK int instances_sort_set(void *target, const char *value, struct err *err);

/*
 * Everything in `arena`. `objects` gives Provisioners, templates and DaemonSets; its pods are replaced by the query's.
 * Without a Provisioner everything on sale is listed. ERR_INVALID for a filter that names what there is not; ERR_NOMEM.
 */
CC_MUST_CHECK int instances_find(struct objects *objects, const struct cloud_catalogue *catalogue,
                                 const struct instances_query *query, struct arena *arena, struct instances *ret,
                                 struct err *err);

/* "<5%" … ">20%" a month; "-" if unknown or not spot. */
const char *instances_interruption(int bucket);

/* A line a row, and what is to be said of the prices. `wide`: a line a zone, more columns. ERR_NOMEM, ERR_FATAL. */
CC_MUST_CHECK int instances_table(const struct instances *instances, bool wide, struct terminal terminal, FILE *file,
                                  struct err *err);

/* The contract of docs/prices.md. ERR_FATAL. */
CC_MUST_CHECK int instances_json(const struct instances *instances, enum emit_syntax syntax, FILE *file,
                                 struct err *err);

#endif

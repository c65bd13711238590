/* answer.h - a finished plan in the terms of its readers: nodes, pods, money, reasons. What printing works from. */
#ifndef STOKER_PROVISIONER_PLAN_ANSWER_H
#define STOKER_PROVISIONER_PLAN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "cloud/cloud.h"

struct answer_pool {
    struct str instance_type, zone;
    int64_t price_microusd;
};

/* What a new node will be, whichever of its pools it comes from. Shared by equal nodes. */
struct answer_machine {
    uint32_t provisioner; /* index into objects->provisioners */
    /* [n_labels] sorted by key: those that the Provisioner gives, and those that all of its pools share; zone, type and
     * hostname are not among them. */
    const struct cloud_label *labels;
    size_t n_labels;
    const struct cloud_label *given; /* [n_given] of them, what the Provisioner gives and pods may have chosen */
    size_t n_given;
    const struct cloud_resource *allocatable; /* [n_allocatable] the least over the pools, daemon pods not taken off */
    size_t n_allocatable;
    const struct cloud_resource *capacity; /* [n_capacity] the most over the pools: what limits are charged with */
    size_t n_capacity;
    int64_t worst_microusd; /* the dearest pool */
};

/* A new node. Equal nodes stand next to each other; `group` numbers the runs. */
struct answer_node {
    uint32_t group;
    struct str provisioner, instance_type, zone;
    enum cloud_capacity_type capacity_type;
    int64_t price_microusd;
    const uint32_t *pods; /* [n_pods] indices into objects->pods */
    uint32_t n_pods;
    const struct answer_pool
        *alternatives; /* [n_alternatives] by price; without the chosen one; shared by equal nodes */
    size_t n_alternatives;
    int64_t cpu_milli, cpu_used_milli; /* allocatable less daemon pods, and what the pods ask of it */
    int64_t memory_bytes, memory_used_bytes;
    const struct answer_machine *machine;
};

struct answer_existing {
    struct str node;
    const uint32_t *pods;
    uint32_t n_pods;
};

struct answer_unschedulable {
    uint32_t pod;
    const char *reason;
};

/* A mode that costs something, against the plan without it. */
struct answer_mode {
    const char *name; /* "spec.spark.zone=prefer", "spec.spot.maxPoolShare=0.3" */
    int64_t with_microusd, without_microusd;
};

/* Limits of a Provisioner after the plan. */
struct answer_limit {
    struct str provisioner, resource;
    int64_t used,
        limit; /* cpu in milli, others in units; existing nodes counted; new ones at their largest alternative */
};

struct answer {
    size_t n_pods; /* to be placed: scheduled + unschedulable */
    size_t n_scheduled;
    struct answer_node *nodes;
    size_t n_nodes;
    struct answer_existing *existing;
    size_t n_existing;
    struct answer_unschedulable *unschedulable;
    size_t n_unschedulable;
    struct answer_mode *modes;
    size_t n_modes;
    struct answer_limit *limits;
    size_t n_limits;
    int64_t cost_microusd, worst_microusd, lower_bound_microusd;
    int64_t on_demand_microusd; /* -1: cannot be had all On-Demand */
    double solve_ms;
    const char *method;
    const char *price_note;
    struct str region;
    size_t n_bound, n_ignored_pods; /* pods that were bound; ended, gated, daemon ones */
};

#endif

/* demand.h - pods that need a place, grouped into shapes; existing nodes with the room they have. */
#ifndef STOKER_PROVISIONER_PLAN_DEMAND_H
#define STOKER_PROVISIONER_PLAN_DEMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/dims.h"
#include "provisioner/plan/supply.h"

/* A pod selector that some pod's spread or (anti-)affinity names, with the namespaces it looks at. */
struct demand_selector {
    const struct selector *selector;
    const struct str *namespaces; /* [n_namespaces] resolved; none and not all: counts no pod */
    size_t n_namespaces;
    bool all_namespaces;
};

/* Pods to place that are alike in everything that decides where they can go. */
struct demand_shape {
    const struct pod_spec *spec;
    struct str namespace_;
    enum spark_role role;
    const uint32_t *pods; /* [n_pods] indices into objects->pods, in input order */
    uint32_t n_pods;
    uint32_t relaxed;             /* node affinity terms let go from the start: see demand_relaxations */
    uint32_t app;                 /* dense id, SOLVER_NONE; only told apart if demand_options.by_app */
    const int64_t *req;           /* [dims->n], "pods" = 1 */
    const uint64_t *admits;       /* [supply->n] labels, affinity, taints, volumes, Spark's defaults and size */
    const uint64_t *admits_nodes; /* [n_nodes] the same for existing nodes */
    const uint64_t *matches;      /* [n_selectors] which selectors count these pods */
    uint32_t dropped_preferences; /* lightest first, until something admitted it */
    const char *reason;           /* NULL, or why nothing can ever host it */
};

/* An existing node. */
struct demand_node {
    const struct node *node;
    int64_t free[SOLVER_MAX_DIMS]; /* allocatable less bound pods, their volumes and daemon pods still to come; never
                                      negative */
    uint32_t zone;                 /* index into catalogue->zones, SOLVER_NONE if unknown */
    const uint32_t *pods;          /* [n_pods] bound, not ended: indices into objects->pods */
    uint32_t n_pods;
    uint32_t provisioner; /* whose it is, for limits; SOLVER_NONE if none's */
};

struct demand_terms;

struct demand_options {
    bool by_app;        /* shapes of different applications are kept apart */
    uint32_t drop_soft; /* 0: soft pod (anti-)affinity and spread are kept; 1: dropped */
    /*
     * Bitset [objects->pods.len] of pods that are left out as if they were not there: those that wait for their gang,
     * or found no room within a limit, so that zones are balanced over the others. NULL = none.
     */
    const uint64_t *skip;
    const uint8_t
        *relaxed;        /* [objects->pods.len] preferred node terms that a pod lets go, lightest first; NULL: none */
    bool no_preferences; /* all pods let all of theirs go: what no plan can do without */
};

struct demand {
    const struct objects *objects;
    const struct dims *dims;
    struct supply *supply;
    struct demand_shape *shapes; /* [n_shapes] */
    size_t n_shapes;
    struct demand_node *nodes; /* [n_nodes] usable existing nodes */
    size_t n_nodes;
    struct demand_selector *selectors; /* [n_selectors] */
    size_t n_selectors;
    const struct demand_terms *terms; /* spec and namespace -> ids in selectors: see demand_spread_selector */
    const struct str *apps;           /* [n_apps] by dense id */
    size_t n_apps;
    uint32_t *pod_app;        /* [objects->pods.len] dense app id or SOLVER_NONE */
    const uint32_t *pod_node; /* [objects->pods.len] where a bound pod runs: index into objects->nodes, SOLVER_NONE */
    const uint32_t *usable;   /* [objects->nodes.len] index into nodes; SOLVER_NONE: cordoned or deleting */
    bool drop_soft;           /* as in the options */
    size_t n_ignored;         /* pods that are neither bound nor demand: ended, deleting, gated, daemon, skipped */
};

/*
 * Demand is every pod without a node that has not ended, is not being deleted, has no scheduling gate and belongs to
 * no DaemonSet or node (static pods), whoever its scheduler is: Volcano's and YuniKorn's pods need nodes as well.
 * A shape's constraints are narrowed in this order: taints, node selector, volumes, the first required node affinity
 * term that leaves an offering large enough, Spark's default capacity type, preferred node affinity.
 * docs/placement-constraints.md has the rules and their sources. Everything in `arena`. ERR_NOMEM.
 */
CC_MUST_CHECK int demand_build(const struct objects *objects, struct supply *supply,
                               const struct demand_options *options, struct arena *arena, struct demand *ret,
                               struct err *err);

/*
 * Dense ids of the selectors of a shape's spreads, affinity and anti_affinity terms, for pods in its namespace.
 * SOLVER_NONE if neither a pod to place nor a bound pod with anti-affinity has that spec in that namespace.
 */
uint32_t demand_spread_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                size_t spread);
uint32_t demand_affinity_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                  size_t term);
uint32_t demand_anti_affinity_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                       size_t term);

/* demand_shape.relaxed where no_preferences is set. */
#define DEMAND_ALL_RELAXED UINT32_MAX

/*
 * How many node affinity terms pods of a spec can let go, one after the other: the preferred ones, lightest first, then
 * required ones from the first on, all but the last.
 */
size_t demand_relaxations(const struct pod_spec *spec);

/* Does the selector count this (bound or pending) pod? */
bool demand_selector_counts(const struct demand_selector *selector, const struct pod *pod);

#endif

/* topology.h - spread, affinity and anti-affinity: zones are chosen for pods, nodes get caps and conflicts. */
#ifndef STOKER_PROVISIONER_PLAN_TOPOLOGY_H
#define STOKER_PROVISIONER_PLAN_TOPOLOGY_H

#include "base/arena.h"
#include "base/err.h"
#include "provisioner/plan/demand.h"
#include "solver/problem.h"

/* Some of a demand shape's pods, with the domains that topology leaves them. */
struct topology_part {
    uint32_t shape;               /* index into demand->shapes */
    uint32_t n_pods;              /* how many of its pods */
    const uint64_t *admits;       /* [supply->n] the shape's, narrowed to the chosen zones and capacity types */
    const uint64_t *admits_nodes; /* [n_nodes] narrowed likewise */
};

/* Pods that topology leaves no place, with the reason in words for people. */
struct topology_refusal {
    uint32_t shape;
    uint32_t n_pods;
    const char *reason;
};

struct topology {
    struct topology_part *parts; /* [n_parts]; sum over parts and refusals of a shape = its n_pods */
    size_t n_parts;
    struct topology_refusal *refusals;
    size_t n_refusals;
    /* Per-node rules over demand shapes (a part inherits its shape's). */
    struct solver_group *groups; /* [n_groups], shapes = demand shape indices */
    size_t n_groups;
    struct solver_conflict *conflicts; /* [n_conflicts], bitsets over demand shapes */
    size_t n_conflicts;
    int32_t *group_room; /* [n_nodes][n_groups] what existing nodes still take, bound pods counted */
    bool narrowed; /* some part's domains are narrower than its shape's: the bound needs the shapes as they were */
};

/*
 * zone_of_app: [demand->n_apps] zone index that an application is kept in (spec.spark.zone), SOLVER_NONE = any;
 * NULL = none is. Needs demand_options.by_app then.
 */
CC_MUST_CHECK int topology_build(const struct demand *demand, const uint32_t *zone_of_app, struct arena *arena,
                                 struct topology *ret, struct err *err);

#endif

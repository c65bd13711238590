/* problem.h - the solver's question: how many pods of which shapes, which offerings, what room there is already. */
#ifndef STOKER_SOLVER_PROBLEM_H
#define STOKER_SOLVER_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

enum { SOLVER_MAX_DIMS = 16 };

#define SOLVER_NONE      UINT32_MAX
#define SOLVER_UNLIMITED INT64_MAX
/* No amount but an unlimited limit is larger, so that a double can hold it and come back. */
#define SOLVER_MAX_AMOUNT (INT64_C(1) << 62)

/*
 * Integers only. Resources are dense vectors of `n_dims` non-negative int64 (cpu in milli, memory in bytes, pods,
 * devices, …: the solver does not care). All arrays are borrowed and must outlive the solve.
 */

/* Pods that differ in identity only. */
struct solver_shape {
    int64_t count;                /* pods to place, > 0 */
    const int64_t *req;           /* [n_dims] of one pod */
    const uint64_t *admits;       /* bitset [n_offerings]: where its labels, taints and volumes let it go */
    const uint64_t *admits_nodes; /* bitset [n_nodes]: the same for existing nodes; NULL = none */
    int32_t priority;             /* higher first when limits bind */
};

/* One (Provisioner, instance type, zone, capacity type). */
struct solver_offering {
    const int64_t *alloc;    /* [n_dims] room for pods, daemon pods already taken off */
    const int64_t *capacity; /* [n_dims] what counts against the owner's limit */
    int64_t price_microusd;  /* per hour, > 0 */
    uint32_t owner;          /* dense id < n_owners */
};

/* A Provisioner: its weight tier and what it may still launch. */
struct solver_owner {
    const int64_t *limit; /* [n_dims] of capacity still to give, SOLVER_UNLIMITED where there is none */
    uint32_t tier;        /* 0 is tried first; dense */
};

/* At most `cap` pods of the member shapes together on one node (host ports, hostname spread, self anti-affinity). */
struct solver_group {
    const uint32_t *shapes; /* [n_shapes] members, ascending */
    uint32_t n_shapes;
    int32_t cap; /* >= 1 */
};

/* No node holds a member of `a` together with a member of `b` (anti-affinity between different pods). */
struct solver_conflict {
    const uint64_t *a, *b; /* bitsets [n_shapes]; disjoint */
};

/* A node that exists: costs nothing more, is used first. */
struct solver_node {
    const int64_t *free;       /* [n_dims] */
    const int32_t *group_room; /* [n_groups] members it can still take; NULL = every group's cap */
};

struct solver_problem {
    uint32_t n_dims, n_shapes, n_offerings, n_owners, n_groups, n_conflicts, n_nodes;
    const struct solver_shape *shapes;
    const struct solver_offering *offerings;
    const struct solver_owner *owners;
    const struct solver_group *groups;
    const struct solver_conflict *conflicts;
    const struct solver_node *nodes;
};

#endif

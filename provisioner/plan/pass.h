/* pass.h - one round of planning: demand, topology, problem, solve, check; who got a place and why others did not. */
#ifndef STOKER_PROVISIONER_PLAN_PASS_H
#define STOKER_PROVISIONER_PLAN_PASS_H

#include "base/clock.h"
#include "provisioner/plan/compile.h"
#include "solver/plan.h"

/* What a pass works on; the same for all passes of one planning. */
struct pass_input {
    const struct objects *objects;
    struct supply *supply;
    const struct market *market;
    const struct clock *clock;
    int64_t budget_ms; /* of the solve */
};

/* What sets one pass apart from another. All arrays are [objects->pods.len]; NULL where there is nothing to say. */
struct pass_rules {
    const uint64_t *skip;         /* bitset: pods that are left out */
    const uint32_t *zone_of_pod;  /* zone that the pod's application is kept in, SOLVER_NONE: any */
    const uint32_t *class_of_pod; /* index into classes: pools that the pod is kept to; SOLVER_NONE: none */
    uint64_t *const *classes;     /* [n_classes] bitsets [supply->n] */
    uint32_t n_classes;
    const uint8_t *relaxed; /* as in demand_options */
    bool no_preferences;
};

/* The pods of one solver shape in the order in which they get places: application by application, driver first. */
struct pass_list {
    uint32_t *pods; /* [n_pods], those that were given a place come first */
    size_t n_pods, n_placed;
};

struct pass {
    struct demand demand;
    struct topology topology;
    struct compile_part *parts; /* [n_parts] */
    const uint32_t **part_pods; /* [n_parts] the pods of each part */
    size_t n_parts;
    uint32_t *dealt; /* [demand.n_shapes] pods that have their part or refusal */
    struct compiled compiled;
    struct compiled relaxed;       /* what the duals are about; the same as `compiled` unless `narrowed` */
    const uint32_t *relaxed_shape; /* [compiled's shapes] */
    bool narrowed;
    struct solver_plan plan;
    uint32_t *shape_of_pod;  /* [pods.len] the solver's shape, SOLVER_NONE */
    struct pass_list *lists; /* [compiled's shapes] */
    const char **reasons;    /* [pods.len] why a pod of the demand has no place; NULL: it has one, or is no demand */
    size_t n_unplaced;       /* pods with a reason */
    size_t n_leftover;       /* those of them that the solver left over */
};

/* Everything in `arena`. The solver's plan was verified: a violation is ERR_FATAL. */
CC_MUST_CHECK int pass_run(const struct pass_input *input, const struct pass_rules *rules, struct arena *arena,
                           struct pass *ret, struct err *err);

/* solver_check_plan, where a violation is our own mistake: ERR_FATAL "internal: <what> is not valid: …". */
CC_MUST_CHECK int pass_verify(const struct solver_problem *problem, const struct solver_plan *plan, const char *what,
                              struct err *err);

/*
 * The problem that bounds are proved for: each demand shape whole, with the places it had before topology chose zones
 * and modes narrowed it. `plain`: a pass without rules whose demand is used; NULL: it is built. Nothing is solved: of
 * `ret`, demand, topology, parts, compiled and shape_of_pod are filled.
 */
CC_MUST_CHECK int pass_bound_problem(const struct pass_input *input, const struct pass *plain, struct arena *arena,
                                     struct pass *ret, struct err *err);

/* Is there a pod that the limit of a Provisioner leaves over? ret_owner: of the first such leftover; may be NULL. */
bool pass_limited(const struct pass *pass, uint32_t *ret_owner);

#endif

/* planner.h - objects and a catalogue in, an answer out: the one code path of `plan` and `run`. */
#ifndef STOKER_PROVISIONER_PLAN_PLANNER_H
#define STOKER_PROVISIONER_PLAN_PLANNER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/answer.h"
#include "provisioner/plan/demand.h"
#include "provisioner/plan/overlay.h"
#include "provisioner/plan/supply.h"
#include "solver/solve.h"

struct planner_options {
    const struct clock *clock;
    int64_t budget_ms;             /* of one solve */
    const struct overlay *overlay; /* NULL = none */
    const char *const *zones;      /* [n_zones] that may be used; NULL = all of the region */
    size_t n_zones;
    bool skip_on_demand;                               /* leave the comparison out */
    void (*progress)(void *context, const char *what); /* NULL, or told what is being done */
    void *progress_context;
};

/* The problem that the bound is about, with what is needed to talk of it: for --certificate, verify and --explain. */
struct planner_result {
    struct answer answer;
    const struct solver_problem *bound_problem;
    const int64_t *placed;        /* [bound_problem->n_shapes] pods that the bound covers */
    const int64_t *duals_nanousd; /* [bound_problem->n_shapes] */
    const char *const
        *shape_keys; /* [n_shapes] stable text that names a shape, for the certificate; no two are equal */
    const uint32_t
        *pod_shapes; /* [objects->pods.len] bound shape of each pod to place; SOLVER_NONE: bound, ignored, refused */
    const struct supply *supply;     /* offering i of the bound's problem is offering i of this */
    const struct demand *demand;     /* node i of the bound's problem is node i of this */
    struct planner_context *context; /* for explain */
};

/* Everything in `arena`. The plan was verified by solver_check before this returns. */
CC_MUST_CHECK int planner_plan(const struct objects *objects, const struct cloud_catalogue *catalogue,
                               const struct planner_options *options, struct arena *arena, struct planner_result *ret,
                               struct err *err);

/*
 * Builds the bound's problem alone, nothing solved (for `stoker verify`). The shapes' keys are the same as
 * planner_plan's on the same input.
 */
CC_MUST_CHECK int planner_bound_problem(const struct objects *objects, const struct cloud_catalogue *catalogue,
                                        const struct planner_options *options, struct arena *arena,
                                        struct planner_result *ret, struct err *err);

/* One step of an explanation. */
struct explain_step {
    const char *what;     /* "Provisioner default: karpenter.sh/capacity-type In [spot]" */
    size_t removed, left; /* offerings */
};

struct explanation {
    const char *pod;
    struct explain_step *steps;
    size_t n_steps;
    const char *outcome;   /* "on new node m5.4xlarge …", "on existing node …", "cannot be placed: …" */
    const char *next_best; /* NULL, or what the second best would have cost */
};

/* ERR_NOT_FOUND if there is no such pod among those to be placed ("namespace/name"). */
CC_MUST_CHECK int planner_explain(const struct planner_result *result, const char *pod, struct arena *arena,
                                  struct explanation *ret, struct err *err);

#endif

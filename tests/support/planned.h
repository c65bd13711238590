/* planned.h - plans of small inputs written as YAML, on a small market of round numbers; and what any plan must keep.
 */
#ifndef STOKER_TESTS_PLANNED_H
#define STOKER_TESTS_PLANNED_H

#include "base/diag.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/plan/planner.h"

struct planned {
    struct arena arena;
    struct diag diag;
    struct err err;
    struct cloud_catalogue catalogue;
    struct objects objects;
    struct planner_options options; /* a clock that stands still, no budget's end */
    struct planner_result result;
};

/*
 * The market: c4.large (2 vCPU, 4 GiB), c4.xlarge (4, 8), c4.2xlarge (8, 16), m4.xlarge (4, 16), m4.2xlarge (8, 32),
 * in us-west-2a and us-west-2b. On-Demand $0.05 per vCPU for c4 and $0.06 for m4 in both; spot 40 % of that, one tenth
 * dearer in us-west-2b. `prices` replaces the prices file; NULL: the one described.
 */
int planned_open(struct planned *planned, const char *prices);
void planned_close(struct planned *planned);

/* Adds objects, as the command would read them. Findings are printed, and make it negative. */
int planned_read(struct planned *planned, const char *yaml);

/* Adds `n` pods `<app>-exec-<i>` (role executor, app `app`) or, with another role, `<app>-<role>-<i>`; namespace spark.
 * `more` is YAML of further spec fields in flow style ("priority: 5, tolerations: []"), "" for none. */
int planned_pods(struct planned *planned, const char *app, const char *role, int n, const char *cpu, const char *memory,
                 const char *more);

/* Plans; the result lives until the next run or close. */
int planned_run(struct planned *planned);

/*
 * What every answer must keep, found out without the planner's own means: each pod to place is on exactly one node or
 * has a reason; nodes' pods fit; sums are right; alternatives are sorted, within the ratio, of at most 60 types, none
 * the chosen one, and large enough; the bound is no more than the cost, worst no less. Prints and returns -1 if not.
 */
int planned_verify(const struct planned *planned);

/* Executors of `app` that could at worst be in one pool, whichever alternatives are taken. */
int planned_most_in_a_pool(const struct planned *planned, const char *app);

/* The reason of a pod "namespace/name"; NULL if it is scheduled or unknown. */
const char *planned_reason(const struct planned *planned, const char *pod);

#endif

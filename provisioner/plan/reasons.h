/* reasons.h - why a pod has no place, in words for people. */
#ifndef STOKER_PROVISIONER_PLAN_REASONS_H
#define STOKER_PROVISIONER_PLAN_REASONS_H

#include "base/arena.h"
#include "provisioner/plan/market.h"
#include "solver/plan.h"

enum { AMOUNT_TEXT_MAX = 32 };

/* An amount of a dimension as people write it: "3920m", "14.5Gi", "2". */
const char *amount_text(const struct dims *dims, uint32_t dim, int64_t amount, char text[AMOUNT_TEXT_MAX]);

/* "Provisioner default (cpu 96 of 100 used)": the limit of `owner` that a plan comes closest to. NULL: no memory. */
const char *reason_limit_name(const struct market *market, const struct solver_plan *plan, uint32_t owner,
                              struct arena *arena);

/* Why the solver left pods over. NULL if memory ran out. */
const char *reason_leftover(const struct market *market, const struct solver_plan *plan,
                            const struct solver_leftover *leftover, struct arena *arena);

/* One word of a bounded set for a reason that the planner gives, for metrics: "limit", "gang", "topology", … "other".
 */
const char *reason_word(const char *reason);

#endif

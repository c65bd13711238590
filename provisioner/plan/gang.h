/* gang.h - applications that a limit would leave with too few executors wait, rather than hold nodes. */
#ifndef STOKER_PROVISIONER_PLAN_GANG_H
#define STOKER_PROVISIONER_PLAN_GANG_H

#include "provisioner/plan/pass.h"

/*
 * Finds the applications that a pass leaves, because of a limit, without their driver or with less than
 * gang_min_share of their executors (bound ones counted) while some of their pods hold a place. The least of them
 * (lowest priority, then latest in the input) wait first, so that their room can complete the others: all but the
 * first, or that one if it is alone; with `all`, each of them and those that hold nothing too. Their pods are added to
 * `skip` [pods.len] and get a reason in `reasons` [pods.len]; ret_n counts the applications.
 */
CC_MUST_CHECK int gang_wait(const struct pass_input *input, const struct pass *pass, bool all, uint64_t *skip,
                            const char **reasons, struct arena *arena, size_t *ret_n, struct err *err);

#endif

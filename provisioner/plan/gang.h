/* gang.h - applications that a limit would leave with too few executors wait, rather than hold nodes. */
#ifndef STOKER_PROVISIONER_PLAN_GANG_H
#define STOKER_PROVISIONER_PLAN_GANG_H

#include "provisioner/plan/pass.h"

/*
 * Finds the applications that a pass leaves, because of a limit, without their driver or with less than
 * gang_min_share of their executors (bound ones counted) while some of their pods hold a place. The least of them
 * (lowest priority, then latest in the input) wait first, so that their room can complete the others: all but the
 * first yield to it. One that is larger than all the room there is waits for good before that. If one that is alone
 * falls short nevertheless, it waits for good, and those that yielded are asked for again. With `all`, each of them
 * waits for good, and those that hold nothing too. Pods that wait are added to `skip` and get a reason in `reasons`;
 * `yielded` keeps those of them that may come back (all [pods.len]). ret_n counts the applications that began to wait.
 */
CC_MUST_CHECK int gang_wait(const struct pass_input *input, const struct pass *pass, bool all, uint64_t *skip,
                            uint64_t *yielded, const char **reasons, struct arena *arena, size_t *ret_n,
                            struct err *err);

#endif

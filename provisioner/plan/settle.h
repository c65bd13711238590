/* settle.h - passes repeated until what is scheduled holds together: whole gangs, balanced zones. */
#ifndef STOKER_PROVISIONER_PLAN_SETTLE_H
#define STOKER_PROVISIONER_PLAN_SETTLE_H

#include "provisioner/plan/pass.h"

struct settled {
    struct pass pass;     /* the last one */
    const char **reasons; /* [pods.len] why a pod of the demand has no place, those skipped included; NULL: it has */
    size_t n_unplaced;
    bool first; /* one pass was enough: pass.demand is the whole demand */
};

/*
 * rules->skip: pods that are left out from the start, with start_reasons [pods.len] (NULL: none are). Most demands
 * need one pass; where limits bind, a few.
 */
CC_MUST_CHECK int settle(const struct pass_input *input, const struct pass_rules *rules,
                         const char *const *start_reasons, struct arena *arena, struct settled *ret, struct err *err);

#endif

/* plan_copy.h - a launch plan with all its texts, copied: what is passed to prepare may go away. */
#ifndef STOKER_CLOUD_AWS_PLAN_COPY_H
#define STOKER_CLOUD_AWS_PLAN_COPY_H

#include "cloud/provider.h"

/* A deep copy in `arena`. ERR_NOMEM. */
CC_MUST_CHECK int launch_plan_copy(const struct cloud_launch_plan *plan, struct arena *arena,
                                   struct cloud_launch_plan *ret, struct err *err);

/* Likewise of a template alone. */
CC_MUST_CHECK int template_copy(const struct cloud_template *template_, struct arena *arena, struct cloud_template *ret,
                                struct err *err);

#endif

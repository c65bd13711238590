/* usage.h - what a Provisioner's limits are charged with. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_USAGE_H
#define STOKER_PROVISIONER_LIFECYCLE_USAGE_H

#include "provisioner/lifecycle/controllers.h"

/*
 * The capacity of all nodes of a Provisioner: those that are there, those that are coming as planned, and machines that
 * have not gone yet though their nodes have, or never came. In the pass's arena. ERR_NOMEM.
 */
CC_MUST_CHECK int provisioner_usage(const struct pass *pass, struct str provisioner, struct resources *ret,
                                    struct err *err);

#endif

/* ready.h - whether nodes can be had by a Provisioner, and if not why; and where its template has subnets. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_READY_H
#define STOKER_PROVISIONER_LIFECYCLE_READY_H

#include "provisioner/lifecycle/controllers.h"

/* Why no node can be had. */
struct trouble {
    const char *reason; /* NULL: nothing is known that is in the way. A literal: also of the event */
    const char *message;
    bool may_pass;  /* nobody tells when it is over: look again */
    bool not_known; /* yet: where the subnets are; look again soon */
};

/* What is wrong with a Provisioner that could be read. Messages in the pass's arena. ERR_NOMEM. */
CC_MUST_CHECK int provisioner_trouble(struct pass *pass, const struct provisioner *provisioner, struct trouble *ret,
                                      struct err *err);

/* The template that a Provisioner's nodes are made by; NULL if it names one that is not there. */
const struct cloud_template *provisioner_template(const struct objects *objects, const struct provisioner *provisioner);

/*
 * Copies a Provisioner; if it is known where its template has subnets, with the requirement that nodes are there.
 * Where it is not known the look-up begins, and *ret_known is false. Texts in `arena`, or the Provisioner's. ERR_NOMEM.
 */
CC_MUST_CHECK int provisioner_in_its_zones(struct pass *pass, const struct objects *objects,
                                           const struct provisioner *provisioner, struct arena *arena,
                                           struct provisioner *ret, bool *ret_known, struct err *err);

/* Another number where it is known to have subnets in other zones, or its disks are others. */
uint64_t provisioner_template_hash(struct pass *pass, const struct provisioner *provisioner);

#endif

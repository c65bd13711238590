/* estimate.h - what a pod would cost on a node that others fill up: price times the largest share of it that it takes.
 */
#ifndef STOKER_PROVISIONER_PLAN_ESTIMATE_H
#define STOKER_PROVISIONER_PLAN_ESTIMATE_H

#include <stdint.h>

/*
 * The largest part of `alloc` that `req` takes in any of n_dims dimensions, in (0, 1]; infinite if it does not fit.
 * Times a price it is the least that a pod of this size can cost on such nodes (the bound of one dimension).
 */
double estimate_share(const int64_t *req, const int64_t *alloc, uint32_t n_dims);

#endif

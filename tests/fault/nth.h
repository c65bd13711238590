/* nth.h - the n-th allocation fails: what the programs of this folder share. They are linked with --wrap=malloc,… */
#ifndef STOKER_TESTS_FAULT_NTH_H
#define STOKER_TESTS_FAULT_NTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* From now on, the allocation after `n` others fails, once; negative: none does. Not paused. */
void nth_begin(int64_t n);
/* No more do. Has it come to the one that failed? */
bool nth_end(void);
/* Allocations that do not count, as those of the test's own parts. */
void nth_pause(bool paused);

/*
 * The work, from nothing to nothing, with a failure of its first allocation, its second, … until one run gets through:
 * each must end with ERR_NOMEM and say so. Returns how many allocations it makes. `copes`: it may also succeed (what
 * failed is tried again, or done without).
 */
typedef int (*nth_work_fn)(const void *context, struct err *err);
int64_t nth_survive(nth_work_fn work, const void *context, bool copes);

#endif

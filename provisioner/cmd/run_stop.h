/* run_stop.h - for tests: the process stops dead, as in a power cut, before or after its n-th call or n-th effect. */
#ifndef STOKER_PROVISIONER_CMD_RUN_STOP_H
#define STOKER_PROVISIONER_CMD_RUN_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http.h"

struct run_stop {
    int64_t at;        /* 0: never; n: before, -n: after the n-th */
    bool effects_only; /* what only reads is not counted */
    uint64_t met;      /* so far */
    uint64_t number;   /* the call after which to stop, once it is under way; 0: it is not */
};

/* Does the request change anything, in the cluster or in the cloud? In doubt, yes. */
bool run_stop_is_effect(const struct http_request *request);

/* Is it now? Told of the `call`-th call (from 1) before it goes out and after it is over, as http_curl's probe is. */
bool run_stop_now(struct run_stop *stop, uint64_t call, bool after, const struct http_request *request);

#endif

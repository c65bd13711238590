/* status.h - what the API server says when it refuses: an answer's status and Status object as an error. */
#ifndef STOKER_PROVISIONER_KUBE_STATUS_H
#define STOKER_PROVISIONER_KUBE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/http.h"

struct kube_refusal {
    struct err err;         /* code by what to do, http_status, provider_code = the Status' reason */
    int64_t retry_after_ms; /* 0: not said */
    bool budget;            /* a PodDisruptionBudget is in the way */
};

/* Is this an answer with a status of 2xx? Otherwise *ret says why not; `failed` is used where there is no answer. */
bool kube_accepted(const struct http_response *response, const struct err *failed, struct kube_refusal *ret);

/* A Status object, as it stands in an ERROR event too. `http_status` 0: its own code counts. */
void kube_status_read(const struct doc *status, int http_status, struct kube_refusal *ret);

/* The error code for a status of HTTP, as cluster.h has them. */
int kube_code_of(int http_status);

#endif

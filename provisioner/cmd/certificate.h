/* certificate.h - the proof of a lower bound as a file: what each shape of pod is worth at least. */
#ifndef STOKER_PROVISIONER_CMD_CERTIFICATE_H
#define STOKER_PROVISIONER_CMD_CERTIFICATE_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/intern.h"
#include "base/str.h"
#include "provisioner/plan/planner.h"

/* One shape: `placed` pods of it are covered by the bound, each worth `worth_nanousd` (1e-9 USD per hour). */
struct certificate_shape {
    int64_t placed, worth_nanousd;
};

/* A zeroed struct is empty. */
struct certificate {
    struct arena arena;
    struct str region;                /* in `arena` */
    int64_t bound_microusd;           /* what it claims to prove */
    struct intern keys;               /* names of shapes */
    struct certificate_shape *shapes; /* [keys.len], in `arena` */
};

/* JSON, documented in docs/json.md. ERR_FATAL if writing failed. */
CC_MUST_CHECK int certificate_write(const struct planner_result *result, FILE *file, struct err *err);

/* `name` stands in messages. ERR_INVALID: "NAME: line: field: what is wrong"; ERR_NOMEM. */
CC_MUST_CHECK int certificate_read(struct certificate *certificate, struct str bytes, const char *name,
                                   struct err *err);

void certificate_release(struct certificate *certificate);

#endif

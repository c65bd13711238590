/* output.h - a finished plan in print: a table for people, JSON or YAML for programs, an explanation of one pod. */
#ifndef STOKER_PROVISIONER_CMD_OUTPUT_H
#define STOKER_PROVISIONER_CMD_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/cmd/emit.h"
#include "provisioner/cmd/terminal.h"
#include "provisioner/plan/answer.h"
#include "provisioner/plan/planner.h"

enum output_format { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML };

/* For struct flag: "table", "wide", "json" or "yaml" into an enum output_format. */
CC_MUST_CHECK int output_format_set(void *target, const char *value, struct err *err);

/* The contract of docs/json.md. Streams: nothing of the size of the plan is allocated. ERR_FATAL if writing failed. */
CC_MUST_CHECK int output_json(const struct answer *answer, const struct objects *objects, enum emit_syntax syntax,
                              FILE *file, struct err *err);

/* A line per group of equal nodes, then totals, reasons and notes. `wide` adds columns. ERR_NOMEM, ERR_FATAL. */
CC_MUST_CHECK int output_table(const struct answer *answer, const struct objects *objects,
                               const struct cloud_catalogue *catalogue, bool wide, struct terminal terminal, FILE *file,
                               struct err *err);

/* The totals block of the above alone, written as text. ERR_NOMEM. */
CC_MUST_CHECK int output_totals(const struct answer *answer, const struct objects *objects, struct terminal terminal,
                                FILE *file, struct err *err);

/* Which requirement removed how many offerings, where the pod ended, what the next best would have cost. */
CC_MUST_CHECK int output_explanation(const struct explanation *explanation, struct terminal terminal, FILE *file,
                                     struct err *err);

/* The same for programs. */
CC_MUST_CHECK int output_explanation_json(const struct explanation *explanation, enum emit_syntax syntax, FILE *file,
                                          struct err *err);

#endif

/* input.h - what the verbs work on: manifests, Spark properties, catalogue, prices, read from where the options say. */
#ifndef STOKER_PROVISIONER_CMD_INPUT_H
#define STOKER_PROVISIONER_CMD_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "cloud/cloud.h"
#include "provisioner/api/objects.h"
#include "provisioner/cmd/flags.h"
#include "provisioner/plan/overlay.h"

struct input_options {
    struct flag_list files, spark_confs, zones;
    const char *region, *catalog, *prices, *price_overlay; /* NULL = the built-in ones */
    bool skip_invalid;                                     /* go on with what is right */
};

enum { INPUT_FLAGS = 8 };

/* The options above as flags[0..INPUT_FLAGS), the same words for every verb. */
void input_flags(struct input_options *options, struct flag flags[INPUT_FLAGS]);

void input_options_release(struct input_options *options);

/* Texts of files that the model borrows from. */
struct input_texts {
    struct str catalog, prices;
};

struct input {
    struct objects objects;
    struct cloud_catalogue catalogue;
    struct overlay overlay;
    struct arena arena; /* the catalogue's */
    struct input_texts texts;
    struct diag diag; /* what was found wrong */
    size_t n_zones;
    const char *const *zones; /* as options.zones; NULL = all */
};

/*
 * Reads everything; `input` is zeroed by the caller and given to input_release whatever is returned. Findings go to
 * standard error as `file:line: field: what`. Returns 0, ERR_INVALID if something was found wrong (with skip_invalid
 * only where a catalogue, prices, zones or an overlay are wrong: those are never read by halves), or another error.
 */
CC_MUST_CHECK int input_read(const struct input_options *options, struct input *input, struct err *err);

/*
 * ERR_INVALID with a word if no Provisioner was read. A Provisioner whose node template was not read is noted on
 * standard error: default disks are assumed for its nodes.
 */
CC_MUST_CHECK int input_need_provisioner(const struct input *input, struct err *err);

void input_release(struct input *input);

/* "stoker: message" on standard error, and the exit status for the error's code. */
int input_fail(const struct err *err);

#endif

/* flags.h - a verb's options as a table: parsed by getopt_long, explained by --help from the same lines. */
#ifndef STOKER_PROVISIONER_CMD_FLAGS_H
#define STOKER_PROVISIONER_CMD_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

/* Puts one value into the option's target; the message of an error says what is allowed. `value` outlives it. */
typedef int (*flag_set_fn)(void *target, const char *value, struct err *err);

struct flag {
    const char *name;  /* long form, without dashes */
    char letter;       /* short form, 0 if none */
    const char *value; /* what stands for its argument in the help; NULL: takes none, and set's value is NULL */
    const char *help;  /* one line */
    flag_set_fn set;
    void *target;
};

/* A verb's command line. */
struct flag_set {
    const char *verb;     /* "plan" */
    const char *operands; /* what comes behind the options, "" if nothing may */
    const char *summary;  /* one sentence */
    const struct flag *flags;
    size_t n_flags;
    const char *notes; /* printed behind the options; may be NULL */
};

enum { FLAGS_MAX = 32 };

enum { FLAGS_HELP_ASKED = 1 };

/*
 * Parses argv[1..argc). Returns 0 with *ret_first the index of the first operand (argv may be permuted),
 * FLAGS_HELP_ASKED if -h or --help was among them, or ERR_INVALID: unknown option, missing or wrong value, operands
 * where none may be.
 */
CC_MUST_CHECK int flags_parse(const struct flag_set *set, int argc, char **argv, int *ret_first, struct err *err);

void flags_help(const struct flag_set *set, FILE *file);

/* Texts in the order given, for options that may be repeated. */
struct flag_list {
    VEC(const char *) values;
    struct arena arena; /* of pieces of cut texts */
};

void flag_list_release(struct flag_list *list);

int flag_true(void *target, const char *value, struct err *err);        /* bool */
int flag_text(void *target, const char *value, struct err *err);        /* const char *, not empty */
int flag_append(void *target, const char *value, struct err *err);      /* struct flag_list */
int flag_append_cut(void *target, const char *value, struct err *err);  /* struct flag_list, "a,b" as two */
int flag_duration_ms(void *target, const char *value, struct err *err); /* int64_t; "1s", "500ms", "2m", > 0 */

#endif

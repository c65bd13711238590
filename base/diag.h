/* diag.h - what is wrong with the input, said where: `file:line: field: what is wrong, what is allowed`. */
#ifndef STOKER_BASE_DIAG_H
#define STOKER_BASE_DIAG_H

#include <stddef.h>

#include "base/arena.h"
#include "base/cc.h"

/* More findings than this are only counted. */
enum { DIAG_MAX = 100 };

struct diag_finding {
    const char *file; /* "-" for standard input */
    int line;         /* 1-based; 0 if no line can be named */
    const char *text; /* "spec.limits.resources.cpu: \"-1\" is negative, allowed is …" */
};

struct diag {
    struct arena arena; /* owns the texts */
    struct diag_finding findings[DIAG_MAX];
    size_t len;     /* findings kept */
    size_t dropped; /* findings beyond DIAG_MAX */
};

/*
 * Adds a finding. `field` is a path such as "spec.requirements[2].operator", "" if the document as a whole is meant.
 * Control characters become '?'.
 */
void diag_add(struct diag *diag, const char *file, int line, const char *field, const char *fmt, ...) CC_PRINTF(5, 6);

/* Adds a finding from a reader's message: "line N: what" is put at line N, any other at no line. */
void diag_add_message(struct diag *diag, const char *file, const char *message);

/* Kept and dropped. */
size_t diag_count(const struct diag *diag);

void diag_release(struct diag *diag);

#endif

/* lines.h - a stream of bytes, given on line by line however it was cut. */
#ifndef STOKER_PROVISIONER_KUBE_LINES_H
#define STOKER_PROVISIONER_KUBE_LINES_H

#include "base/cc.h"
#include "base/err.h"
#include "base/str.h"

/* etcd takes objects of up to 1.5 MiB; escaped for JSON they can be several times as long. */
enum { LINES_MAX_BYTES = 16 << 20 };

/* All zero: nothing was read. Holds no more than the line that has begun. */
struct lines {
    char *ptr; /* the beginning of a line whose end has not come */
    size_t len, cap;
};

/* A negative return ends the feeding and is passed on. `line` is without its end, and is borrowed for the call. */
typedef int lines_fn(void *context, struct str line, struct err *err);

/* Empty lines are passed over. ERR_INVALID for a line longer than LINES_MAX_BYTES; ERR_NOMEM. */
CC_MUST_CHECK int lines_feed(struct lines *lines, struct str bytes, lines_fn *on_line, void *context, struct err *err);

/* Forgets what has begun and frees its memory. */
void lines_clear(struct lines *lines);

#endif

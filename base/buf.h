/* buf.h - text that grows piece by piece in an arena; failure is remembered, so that it is asked about once, at the
 * end. */
#ifndef STOKER_BASE_BUF_H
#define STOKER_BASE_BUF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len, cap;
    bool failed; /* memory ran out: nothing is added any more */
};

#define BUF_INIT(in_arena) ((struct buf){.arena = (in_arena)})

void buf_add(struct buf *buf, struct str text);
void buf_byte(struct buf *buf, char byte);

/*
 * All that was added, in the arena, a NUL behind it. Adding may go on: what was returned before keeps its bytes, but
 * for that NUL. ERR_NOMEM if memory ran out in any call before.
 */
CC_MUST_CHECK int buf_str(struct buf *buf, struct str *ret, struct err *err);

#endif

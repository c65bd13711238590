/*
 * owned.h - memory of one object: an arena of just the size, which carries its own record, so that giving it back never
 * fails. While a view is out that may see it, it waits.
 */
#ifndef STOKER_PROVISIONER_STATE_OWNED_H
#define STOKER_PROVISIONER_STATE_OWNED_H

#include <stdint.h>

#include "base/arena.h"

struct owned {
    struct arena arena; /* this record is in it too */
    struct owned *next; /* while it waits */
    uint64_t seen_by;   /* the last view that can see it */
};

/* A view that is out, in the memory of whoever has it. */
struct owned_view {
    struct owned_view *older, *newer;
    uint64_t number;
};

/* What waits, oldest first, and the views it waits for. A zeroed struct has neither. */
struct owned_limbo {
    struct owned *first, *last;
    struct owned_view *oldest, *newest;
    uint64_t numbers; /* of views so far */
    size_t n_waiting;
};

/* An arena with room for `size` bytes (sums of arena_cost) beside the record. NULL if memory ran out. */
struct owned *owned_new(size_t size);

/* Gives it back, now or when no view can see it any more. NULL: nothing. */
void owned_drop(struct owned *owned, struct owned_limbo *limbo);

void owned_view_begin(struct owned_limbo *limbo, struct owned_view *view);
void owned_view_end(struct owned_limbo *limbo, struct owned_view *view);

/* Gives all that waits back; there must be no view any more. */
void owned_limbo_release(struct owned_limbo *limbo);

#endif

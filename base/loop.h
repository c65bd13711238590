/* loop.h - one thread that waits for sockets and timers; how it waits is injected, so that time can be simulated. */
#ifndef STOKER_BASE_LOOP_H
#define STOKER_BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"

/* Waits until something has happened (its callbacks have run) or `timeout_ns` is over; -1 waits without end. */
struct loop_waiter {
    int (*wait)(void *context, int64_t timeout_ns, struct err *err);
    void *context;
};

/* Owned by whoever sets it, who cancels it before it goes away. */
struct loop_timer {
    void (*fire)(void *context);
    void *context;
    struct clock_mono at;
    uint64_t order; /* of being set, among all of the loop's timers */
    size_t place;   /* in the loop's heap, from 1; 0: not set */
};

#define LOOP_TIMER(fire_fn, fire_context) ((struct loop_timer){.fire = (fire_fn), .context = (fire_context)})

struct loop {
    const struct clock *clock;
    struct loop_waiter waiter;
    VEC(struct loop_timer *) timers; /* heap by `at`, then by when they were set */
    uint64_t last_order;
    struct clock_mono fired_at; /* when timers were fired last: none is set to be due before that */
    bool stopping;
    uint64_t turns; /* since the start: what /healthz looks at */
};

void loop_init(struct loop *loop, const struct clock *clock, struct loop_waiter waiter);
void loop_release(struct loop *loop); /* timers that are set are forgotten, not fired */

/* Sets or moves a timer. It fires once, from loop_turn, never from within this call. ERR_NOMEM. */
CC_MUST_CHECK int loop_timer_set(struct loop *loop, struct loop_timer *timer, struct clock_mono at, struct err *err);
CC_MUST_CHECK int loop_timer_after(struct loop *loop, struct loop_timer *timer, int64_t delay_ms, struct err *err);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer); /* also one that is not set */

/*
 * Waits for the next thing to happen and fires the timers that are due, in the order of `at`; what they set fires in a
 * later turn. What the waiter fails with.
 */
CC_MUST_CHECK int loop_turn(struct loop *loop, struct err *err);

/*
 * Turns until `over`, asked before each turn, says so, or `most_ms` have passed (-1: without end). What a turn fails
 * with; ERR_NOMEM.
 */
CC_MUST_CHECK int loop_turn_until(struct loop *loop, bool (*over)(void *context), void *context, int64_t most_ms,
                                  struct err *err);

/* Turns until loop_stop. */
CC_MUST_CHECK int loop_run(struct loop *loop, struct err *err);
void loop_stop(struct loop *loop);

static inline struct clock_mono loop_now(const struct loop *loop)
{
    return clock_now(loop->clock);
}

#endif

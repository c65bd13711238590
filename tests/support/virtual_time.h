/* virtual_time.h - a clock that moves only when the loop waits, so that hours pass in no time and always alike. */
#ifndef STOKER_TESTS_SUPPORT_VIRTUAL_TIME_H
#define STOKER_TESTS_SUPPORT_VIRTUAL_TIME_H

#include "base/loop.h"

#define VIRTUAL_TIME_START_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

/* Must stay where it is: clock and waiter point to it. */
struct virtual_time {
    int64_t mono_ns, wall_ns; /* a test may move the wall alone, as an operator does */
    struct clock clock;
};

/* Starts at VIRTUAL_TIME_START_S, monotonic 1,000 s. */
void virtual_time_init(struct virtual_time *time);
/* A waiter that advances the clock by the timeout; a wait without end fails the test. */
struct loop_waiter virtual_time_waiter(struct virtual_time *time);

/* Turns the loop for so long. */
void virtual_time_run(struct loop *loop, int64_t ms);
/* Turns it until `met` says yes, asked after each turn; false if that took longer than `most_ms`. */
bool virtual_time_until(struct loop *loop, int64_t most_ms, bool (*met)(void *context), void *context);

#endif

/* clock.h - time as an injected effect; monotonic and wall time are different types. */
#ifndef STOKER_BASE_CLOCK_H
#define STOKER_BASE_CLOCK_H

#include <stdint.h>

struct clock_mono {
    int64_t ns; /* since an unspecified start; never goes back */
};

struct clock_wall {
    int64_t ns; /* since 1970-01-01T00:00:00Z */
};

struct clock {
    struct clock_mono (*mono)(void *context);
    struct clock_wall (*wall)(void *context);
    void *context;
};

/* The machine's own clock. The only place that asks the system for the time. */
extern const struct clock clock_system;

static inline struct clock_mono clock_now(const struct clock *clock)
{
    return clock->mono(clock->context);
}

static inline double clock_ms_between(struct clock_mono from, struct clock_mono to)
{
    return (double)(to.ns - from.ns) / 1e6;
}

#endif

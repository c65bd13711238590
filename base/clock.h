/* clock.h - time as an injected effect; monotonic and wall time are different types. */
#ifndef STOKER_BASE_CLOCK_H
#define STOKER_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define NS_PER_S INT64_C(1000000000)

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

/*
 * The machine's own clock. The only place that asks the system for the time. Its monotonic time goes on while the
 * machine is suspended (CLOCK_BOOTTIME): what is held for 15 s is not held any more after an hour's sleep. A virtual
 * machine that is stopped from outside and resumed may still lose time on every clock it has.
 */
extern const struct clock clock_system;

/* "2026-01-31T10:00:00.123456Z", as Kubernetes writes a MicroTime, or without the fraction, as it writes a Time. */
enum { CLOCK_TEXT_BYTES = 32 };
void clock_text_micro(struct clock_wall wall, char ret[CLOCK_TEXT_BYTES]);
void clock_text_seconds(struct clock_wall wall, char ret[CLOCK_TEXT_BYTES]);
/* RFC 3339, any fraction and offset, years 1970 to 2261; false for anything else. A leap second is the one before. */
bool clock_parse(struct str text, struct clock_wall *ret);

static inline struct clock_mono clock_now(const struct clock *clock)
{
    return clock->mono(clock->context);
}

/* `ms` later; negative: earlier. */
static inline struct clock_mono clock_after(struct clock_mono at, int64_t ms)
{
    return (struct clock_mono){at.ns + ms * 1000000};
}

static inline struct clock_wall clock_wall_after(struct clock_wall at, int64_t ms)
{
    return (struct clock_wall){at.ns + ms * 1000000};
}

/* How long to wait after `failures` failures: first_ms, doubled with each after the first, at most most_ms. */
int64_t clock_back_off_ms(int64_t first_ms, uint32_t failures, int64_t most_ms);

static inline double clock_ms_between(struct clock_mono from, struct clock_mono to)
{
    return (double)(to.ns - from.ns) / 1e6;
}

#endif

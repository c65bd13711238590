#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct clock_mono system_mono(void *context)
{
    (void)context;
    return (struct clock_mono){read_ns(CLOCK_BOOTTIME)};
}

static struct clock_wall system_wall(void *context)
{
    (void)context;
    return (struct clock_wall){read_ns(CLOCK_REALTIME)};
}

const struct clock clock_system = {system_mono, system_wall, NULL};

int64_t clock_back_off_ms(int64_t first_ms, uint32_t failures, int64_t most_ms)
{
    int64_t wait_ms = first_ms;
    for (uint32_t i = 1; i < failures && wait_ms < most_ms; i++)
        wait_ms *= 2;
    return wait_ms < most_ms ? wait_ms : most_ms;
}

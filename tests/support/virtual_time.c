#include "tests/support/virtual_time.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct clock_mono now_mono(void *context)
{
    const struct virtual_time *time = context;
    return (struct clock_mono){time->mono_ns};
}

static struct clock_wall now_wall(void *context)
{
    const struct virtual_time *time = context;
    return (struct clock_wall){time->wall_ns};
}

void virtual_time_init(struct virtual_time *time)
{
    *time = (struct virtual_time){.mono_ns = INT64_C(1000) * 1000000000,
                                  .wall_ns = VIRTUAL_TIME_START_S * 1000000000,
                                  .clock = {now_mono, now_wall, time}};
}

static int wait_virtually(void *context, int64_t timeout_ns, struct err *err)
{
    struct virtual_time *time = context;
    (void)err;
    assert_true(timeout_ns >= 0);
    time->mono_ns += timeout_ns;
    time->wall_ns += timeout_ns;
    return 0;
}

struct loop_waiter virtual_time_waiter(struct virtual_time *time)
{
    return (struct loop_waiter){wait_virtually, time};
}

static bool never(void *context)
{
    (void)context;
    return false;
}

bool virtual_time_until(struct loop *loop, int64_t most_ms, bool (*met)(void *context), void *context)
{
    struct err err = {0};
    assert_int_equal(loop_turn_until(loop, met, context, most_ms, &err), 0);
    return met(context);
}

void virtual_time_run(struct loop *loop, int64_t ms)
{
    virtual_time_until(loop, ms, never, NULL);
}

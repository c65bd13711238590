#include "base/loop.h"

#include <assert.h>
#include <stdlib.h>

void loop_init(struct loop *loop, const struct clock *clock, struct loop_waiter waiter)
{
    *loop = (struct loop){.clock = clock, .waiter = waiter};
}

void loop_release(struct loop *loop)
{
    for (size_t i = 0; i < loop->timers.len; i++)
        loop->timers.items[i]->place = 0;
    VEC_FREE(&loop->timers);
}

/* Places in the heap count from 1: the children of p are 2p and 2p + 1. */

static bool sooner(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static struct loop_timer *at_place(const struct loop *loop, size_t place)
{
    return loop->timers.items[place - 1];
}

static void put(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->timers.items[place - 1] = timer;
    timer->place = place;
}

static void rise(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    while (place > 1 && sooner(timer, at_place(loop, place / 2))) {
        put(loop, place, at_place(loop, place / 2));
        place /= 2;
    }
    put(loop, place, timer);
}

static void sink(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    for (;;) {
        size_t child = 2 * place;
        if (child > loop->timers.len)
            break;
        if (child < loop->timers.len && sooner(at_place(loop, child + 1), at_place(loop, child)))
            child++;
        if (!sooner(at_place(loop, child), timer))
            break;
        put(loop, place, at_place(loop, child));
        place = child;
    }
    put(loop, place, timer);
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, struct clock_mono at, struct err *err)
{
    if (!timer->place) {
        if (!VEC_PUSH(&loop->timers, timer))
            return err_nomem(err);
        timer->place = loop->timers.len;
    }
    /*
     * Nothing is due before what is being fired: else a timer that sets itself to the past again and again would stand
     * before all others for ever.
     */
    timer->at = at.ns < loop->fired_at.ns ? loop->fired_at : at;
    timer->order = ++loop->last_order;
    rise(loop, timer);
    sink(loop, timer);
    return 0;
}

int loop_timer_after(struct loop *loop, struct loop_timer *timer, int64_t delay_ms, struct err *err)
{
    const int64_t ns_per_ms = 1000000;
    int64_t now_ns = loop_now(loop).ns;
    int64_t most_ms = (INT64_MAX - now_ns) / ns_per_ms;
    if (delay_ms < 0)
        delay_ms = 0;
    if (delay_ms > most_ms)
        delay_ms = most_ms;
    return loop_timer_set(loop, timer, (struct clock_mono){now_ns + delay_ms * ns_per_ms}, err);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    if (!place)
        return;
    assert(place <= loop->timers.len && at_place(loop, place) == timer);
    struct loop_timer *last = at_place(loop, loop->timers.len);
    loop->timers.len--;
    timer->place = 0;
    if (last == timer)
        return;
    put(loop, place, last);
    rise(loop, last);
    sink(loop, last);
}

/* What is set while others fire waits for the next turn, however soon it is due: sockets have their turn in between. */
static void fire_due(struct loop *loop)
{
    loop->fired_at = loop_now(loop);
    uint64_t last_order = loop->last_order;
    while (loop->timers.len) {
        struct loop_timer *timer = at_place(loop, 1);
        if (timer->at.ns > loop->fired_at.ns || timer->order > last_order)
            break;
        loop_timer_cancel(loop, timer);
        timer->fire(timer->context);
    }
}

int loop_turn(struct loop *loop, struct err *err)
{
    int64_t timeout_ns = -1;
    if (loop->timers.len) {
        int64_t now_ns = loop_now(loop).ns;
        int64_t at_ns = at_place(loop, 1)->at.ns;
        timeout_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    }
    int code = loop->waiter.wait(loop->waiter.context, timeout_ns, err);
    if (code)
        return code;
    loop->turns++;
    fire_due(loop);
    return 0;
}

static void note_late(void *context)
{
    *(bool *)context = true;
}

int loop_turn_until(struct loop *loop, bool (*over)(void *context), void *context, int64_t most_ms, struct err *err)
{
    bool late = false;
    struct loop_timer limit = LOOP_TIMER(note_late, &late);
    int code = most_ms >= 0 ? loop_timer_after(loop, &limit, most_ms, err) : 0;
    while (!code && !late && !over(context))
        code = loop_turn(loop, err);
    loop_timer_cancel(loop, &limit);
    return code;
}

int loop_run(struct loop *loop, struct err *err)
{
    while (!loop->stopping) {
        int code = loop_turn(loop, err);
        if (code)
            return code;
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

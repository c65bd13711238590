/* test_loop.c - timers on a simulated clock: order, moves, cancelling, what is set while others fire, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/chance.h"
#include "base/loop.h"
#include "base/worker.h"

enum { MS = 1000000, PROBES = 4 };

/* A timer that writes its letter, and may do something to another. */
struct probe {
    struct loop_timer timer;
    struct sim *sim;
    char letter;
    struct probe *cancels, *sets;
    int64_t delay_ms;
    bool stops;
};

/* Waiting is what moves this clock. */
struct sim {
    struct clock clock;
    struct loop loop;
    struct probe p[PROBES]; /* a, b, c, d */
    char trace[64];         /* of the probes */
    int64_t now_ns;
    int64_t waited_ns; /* what the waiter was last asked for */
    int waits;
    int fail_with;
};

static struct clock_mono sim_mono(void *context)
{
    return (struct clock_mono){((struct sim *)context)->now_ns};
}

static struct clock_wall sim_wall(void *context)
{
    (void)context;
    return (struct clock_wall){0};
}

static int sim_wait(void *context, int64_t timeout_ns, struct err *err)
{
    struct sim *sim = context;
    sim->waits++;
    sim->waited_ns = timeout_ns;
    if (sim->fail_with)
        return err_set(err, sim->fail_with, "the waiter fails");
    if (timeout_ns > 0)
        sim->now_ns += timeout_ns;
    return 0;
}

static void sim_open(struct sim *sim)
{
    *sim = (struct sim){.now_ns = 1000 * MS};
    sim->clock = (struct clock){sim_mono, sim_wall, sim};
    loop_init(&sim->loop, &sim->clock, (struct loop_waiter){sim_wait, sim});
}

static void probe_fire(void *context)
{
    struct probe *probe = context;
    assert_int_equal(probe->timer.place, 0);
    size_t len = strlen(probe->sim->trace);
    probe->sim->trace[len] = probe->letter;
    probe->sim->trace[len + 1] = '\0';
    if (probe->cancels)
        loop_timer_cancel(&probe->sim->loop, &probe->cancels->timer);
    if (probe->sets)
        assert_int_equal(loop_timer_after(&probe->sim->loop, &probe->sets->timer, probe->delay_ms, NULL), 0);
    if (probe->stops)
        loop_stop(&probe->sim->loop);
}

static int set_up(void **state)
{
    struct sim *sim = malloc(sizeof(*sim));
    assert_non_null(sim);
    sim_open(sim);
    for (int i = 0; i < PROBES; i++) {
        sim->p[i] = (struct probe){.sim = sim, .letter = (char)('a' + i)};
        sim->p[i].timer = LOOP_TIMER(probe_fire, &sim->p[i]);
    }
    *state = sim;
    return 0;
}

static int tear_down(void **state)
{
    struct sim *sim = *state;
    loop_release(&sim->loop);
    free(sim);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void after(struct probe *probe, int64_t delay_ms)
{
    assert_int_equal(loop_timer_after(&probe->sim->loop, &probe->timer, delay_ms, NULL), 0);
}

static void turn(struct sim *sim, int times)
{
    while (times-- > 0)
        assert_int_equal(loop_turn(&sim->loop, NULL), 0);
}

static void fires_in_order(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    after(&p[2], 30);
    after(&p[0], 10);
    after(&p[1], 10); /* as soon as a, but set later */
    after(&p[3], 40);
    turn(sim, 1);
    assert_string_equal(sim->trace, "ab");
    assert_int_equal(sim->now_ns, 1010 * MS);
    after(&p[3], 5); /* moved forward */
    turn(sim, 2);
    assert_string_equal(sim->trace, "abdc");
    assert_int_equal(sim->loop.turns, 3);
    turn(sim, 1); /* nothing is set: waits without end */
    assert_int_equal(sim->waited_ns, -1);
    assert_string_equal(sim->trace, "abdc");
}

static void moving_back_and_cancelling(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    loop_timer_cancel(&sim->loop, &p[0].timer); /* not set: nothing happens */
    after(&p[0], 10);
    after(&p[1], 20);
    after(&p[2], 30);
    after(&p[0], 25);
    loop_timer_cancel(&sim->loop, &p[1].timer);
    turn(sim, 1);
    assert_string_equal(sim->trace, "a");
    assert_int_equal(sim->now_ns, 1025 * MS);
    loop_release(&sim->loop);
    assert_int_equal(p[2].timer.place, 0);
    loop_timer_cancel(&sim->loop, &p[2].timer);
}

static void cancels_one_that_is_due_with_it(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    p[0].cancels = &p[1];
    after(&p[0], 10);
    after(&p[1], 10);
    after(&p[2], 10);
    turn(sim, 1);
    assert_string_equal(sim->trace, "ac");
}

/* A timer that sets itself for now again and again neither hangs a turn nor keeps others from their turn. */
static void setting_oneself_starves_nobody(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    p[0].sets = &p[0];
    p[0].delay_ms = 0;
    after(&p[0], 0);
    turn(sim, 3);
    assert_string_equal(sim->trace, "aaa");
    assert_int_equal(sim->waited_ns, 0);
    assert_int_equal(loop_timer_set(&sim->loop, &p[1].timer, (struct clock_mono){-5}, NULL), 0);
    turn(sim, 1);
    assert_string_equal(sim->trace, "aaaab");
}

static void delays_out_of_range(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    after(&p[0], INT64_MAX);
    after(&p[1], INT64_MIN);
    turn(sim, 1);
    assert_string_equal(sim->trace, "b");
    assert_int_equal(sim->now_ns, 1000 * MS);
    assert_true(p[0].timer.at.ns > INT64_MAX - 2 * MS);
}

static void runs_until_stopped(void **state)
{
    struct sim *sim = *state;
    struct probe *p = sim->p;
    p[0].sets = &p[0];
    p[0].delay_ms = 10;
    p[1].stops = true;
    after(&p[0], 10);
    after(&p[1], 35);
    assert_int_equal(loop_run(&sim->loop, NULL), 0);
    assert_string_equal(sim->trace, "aaab");
}

static bool third_time(void *context)
{
    return ++*(int *)context == 3;
}

static bool not_yet(void *context)
{
    (void)context;
    return false;
}

/* Also where nothing else is set that would end a wait. */
static void turns_until_it_is_over_or_late(void **state)
{
    (void)state;
    struct sim sim;
    int asked = 0;
    sim_open(&sim);
    int64_t begin_ns = loop_now(&sim.loop).ns;
    assert_int_equal(loop_turn_until(&sim.loop, not_yet, NULL, 1500, NULL), 0);
    assert_int_equal(loop_now(&sim.loop).ns - begin_ns, INT64_C(1500000000));
    assert_int_equal(loop_turn_until(&sim.loop, third_time, &asked, -1, NULL), 0);
    assert_int_equal(asked, 3);
    asked = 0;
    assert_int_equal(loop_turn_until(&sim.loop, third_time, &asked, 1500, NULL), 0);
    assert_int_equal(asked, 1); /* before the only turn, after which it was late */
    assert_int_equal(sim.loop.timers.len, 0);
    loop_release(&sim.loop);
}

static void the_waiters_failure_is_passed_on(void **state)
{
    (void)state;
    struct sim sim;
    struct err err = {0};
    sim_open(&sim);
    sim.fail_with = ERR_FATAL;
    assert_int_equal(loop_run(&sim.loop, &err), ERR_FATAL);
    assert_string_equal(err.message, "the waiter fails");
    assert_int_equal(sim.loop.turns, 0);
    loop_release(&sim.loop);
}

enum { MANY = 300 };

struct many {
    struct sim sim;
    struct one {
        struct loop_timer timer;
        struct many *all;
        int64_t due_ns; /* 0: is not set */
    } one[MANY];
    int fired;
};

static void one_fires(void *context)
{
    struct one *one = context;
    assert_true(one->due_ns != 0 && one->due_ns <= one->all->sim.now_ns);
    one->due_ns = 0;
    one->all->fired++;
}

/* Random sets, moves and cancels against the plain rule: whoever is due fires, nobody else. */
static void a_crowd_of_timers(void **state)
{
    (void)state;
    struct many *many = calloc(1, sizeof(*many));
    assert_non_null(many);
    sim_open(&many->sim);
    uint64_t seed = 7;
    struct chance chance = chance_seeded(&seed);
    for (int i = 0; i < MANY; i++) {
        many->one[i].all = many;
        many->one[i].timer = LOOP_TIMER(one_fires, &many->one[i]);
    }
    for (int step = 0; step < 20000; step++) {
        struct one *one = &many->one[chance_below(&chance, MANY)];
        switch (chance_below(&chance, 4)) {
        case 0:
            loop_timer_cancel(&many->sim.loop, &one->timer);
            one->due_ns = 0;
            break;
        case 1:
            turn(&many->sim, 1);
            for (int i = 0; i < MANY; i++)
                assert_true(many->one[i].due_ns == 0 || many->one[i].due_ns > many->sim.now_ns);
            break;
        default:
            one->due_ns = many->sim.now_ns + 1 + (int64_t)chance_below(&chance, 1000);
            assert_int_equal(loop_timer_set(&many->sim.loop, &one->timer, (struct clock_mono){one->due_ns}, NULL), 0);
            break;
        }
    }
    assert_true(many->fired > 1000);
    loop_release(&many->sim.loop);
    free(many);
}

struct job {
    char trace[16];
    struct worker worker;
    bool again;
};

static void add(void *job, char letter)
{
    char *trace = ((struct job *)job)->trace;
    size_t len = strlen(trace);
    trace[len] = letter;
    trace[len + 1] = '\0';
}

static void job_work(void *job)
{
    add(job, 'w');
}

static void job_done(void *job)
{
    struct job *self = job;
    add(job, 'd');
    if (self->again) {
        self->again = false;
        assert_int_equal(self->worker.submit(self->worker.context, job_work, job_done, job, NULL), 0);
    }
}

static void the_inline_worker(void **state)
{
    (void)state;
    struct sim sim;
    struct worker_inline *inline_worker;
    sim_open(&sim);
    assert_int_equal(worker_inline_open(&sim.loop, &inline_worker, NULL), 0);
    struct job job = {.worker = worker_inline_worker(inline_worker), .again = true};
    struct err err;
    assert_int_equal(job.worker.submit(job.worker.context, job_work, job_done, &job, &err), 0);
    assert_string_equal(job.trace, "w");
    assert_int_equal(job.worker.submit(job.worker.context, job_work, job_done, &job, &err), ERR_CONFLICT);
    turn(&sim, 1);
    assert_string_equal(job.trace, "wdw");
    turn(&sim, 1);
    assert_string_equal(job.trace, "wdwd");
    worker_inline_close(inline_worker);
    loop_release(&sim.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(fires_in_order),
        test(moving_back_and_cancelling),
        test(cancels_one_that_is_due_with_it),
        test(setting_oneself_starves_nobody),
        test(delays_out_of_range),
        test(runs_until_stopped),
        cmocka_unit_test(turns_until_it_is_over_or_late),
        cmocka_unit_test(the_waiters_failure_is_passed_on),
        cmocka_unit_test(a_crowd_of_timers),
        cmocka_unit_test(the_inline_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

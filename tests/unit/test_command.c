/* Real commands beside a real loop. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/command.h"
#include "base/http_curl.h"
#include "base/loop.h"

struct world {
    struct http_curl *curl;
    struct loop loop;
    struct command_system *system;
    struct commands commands;
};

struct told {
    struct command_call *call;
    int times;
    char output[256];
    size_t len;
    struct err err;
    void (*then)(struct told *told);
    struct world *world;
};

static void world_open(struct world *world)
{
    const struct http_curl_options options = {.user_agent = "x"};
    assert_int_equal(http_curl_open(&options, &world->curl, NULL), 0);
    loop_init(&world->loop, &clock_system, http_curl_waiter(world->curl));
    assert_int_equal(command_system_open(&world->loop, world->curl, &world->system, NULL), 0);
    world->commands = command_system_commands(world->system);
}

/* Nothing is left: no timer, no child. */
static void world_close(struct world *world)
{
    command_system_close(world->system);
    assert_int_equal(world->loop.timers.len, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    loop_release(&world->loop);
    http_curl_close(world->curl);
}

static void on_done(void *context, struct str output, const struct err *err)
{
    struct told *told = context;
    told->times++;
    told->len = output.len;
    assert_int_equal(output.ptr[output.len], '\0');
    snprintf(told->output, sizeof(told->output), "%.*s", STR_ARG(output));
    if (err)
        told->err = *err;
    if (told->then)
        told->then(told);
}

static void start(struct world *world, struct told *told, struct command command, const char *script)
{
    struct err err = {0};
    const char *const argv[] = {"sh", "-c", script, "sh", "a b", NULL};
    command.argv = argv;
    told->world = world;
    if (world->commands.start(world->commands.context, &command, on_done, told, &told->call, &err))
        fail_msg("%s", err.message);
    assert_int_equal(told->times, 0);
}

static void await(struct world *world, const struct told *told)
{
    struct clock_mono begun = loop_now(&world->loop);
    while (!told->times) {
        assert_int_equal(loop_turn(&world->loop, NULL), 0);
        assert_true(clock_ms_between(begun, loop_now(&world->loop)) < 20000);
    }
    assert_int_equal(told->times, 1);
}

static void prints(struct world *world, struct command command, const char *script, const char *output)
{
    struct told told = {0};
    start(world, &told, command, script);
    await(world, &told);
    assert_string_equal(told.err.message, "");
    assert_string_equal(told.output, output);
}

static void fails(struct world *world, struct command command, const char *script, int code, const char *words)
{
    struct told told = {0};
    start(world, &told, command, script);
    await(world, &told);
    assert_int_equal(told.err.code, code);
    assert_string_equal(told.err.message, words);
    assert_int_equal(told.len, 0);
}

static void what_it_prints(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    setenv("STOKER_TEST_A", "old", 1);
    setenv("STOKER_TEST_B", "kept", 1);
    const char *const env[] = {"STOKER_TEST_A=new", NULL};
    const struct command plain = {0};
    prints(&world, (struct command){.env = env}, "printf '%s|%s|%s' \"$1\" $STOKER_TEST_A $STOKER_TEST_B",
           "a b|new|kept");
    prints(&world, plain, "cat; sleep 0.05; echo late", "late\n"); /* there is no input: cat ends */
    prints(&world, plain, "echo out > /dev/stdout", "out\n");
    prints(&world, plain, "exec 1>&-; sleep 0.03", "");
    prints(&world, (struct command){.max_output_bytes = 5}, "printf 12345", "12345");
    world_close(&world);
}

static void how_it_fails(void **state)
{
    (void)state;
    struct world world;
    struct err err = {0};
    struct told told = {0};
    const char *const missing[] = {"/nowhere/plug-in", NULL};
    const struct command plain = {0};
    world_open(&world);
    fails(&world, plain, "echo secret; exit 3", ERR_FATAL, "sh failed with status 3");
    fails(&world, plain, "exec 1>&-; sleep 0.03; exit 4", ERR_FATAL, "sh failed with status 4");
    fails(&world, plain, "kill -9 $$", ERR_FATAL, "sh was ended by signal 9");
    fails(&world, plain, "head -c 2000000 /dev/zero", ERR_FATAL, "sh prints more than 1048576 bytes");
    fails(&world, (struct command){.max_output_bytes = 5}, "printf 123456; sleep 20", ERR_FATAL,
          "sh prints more than 5 bytes");
    const struct command command = {.argv = missing};
    assert_int_equal(world.commands.start(world.commands.context, &command, on_done, &told, &told.call, &err),
                     ERR_FATAL);
    assert_string_equal(err.message, "/nowhere/plug-in cannot be run: No such file or directory");
    world_close(&world);
    assert_int_equal(told.times, 0);
}

/* Its children hold the pipe open: they go as well, and the loop does not wait for them. */
static void a_time_limit(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct clock_mono begun = loop_now(&world.loop);
    fails(&world, (struct command){.timeout_ms = 50}, "echo secret; sleep 20 & sleep 20", ERR_RETRY,
          "sh did not end within 50 ms");
    fails(&world, (struct command){.timeout_ms = 50}, "exec 1>&-; sleep 20", ERR_RETRY, "sh did not end within 50 ms");
    assert_true(clock_ms_between(begun, loop_now(&world.loop)) < 10000);
    world_close(&world);
}

static void note(void *context)
{
    ++*(int *)context;
}

/* What it is for: the loop goes on. */
static void the_loop_turns_meanwhile(void **state)
{
    (void)state;
    struct world world;
    struct told slow = {0}, quick = {0};
    int fired = 0;
    struct loop_timer timer = LOOP_TIMER(note, &fired);
    world_open(&world);
    start(&world, &slow, (struct command){0}, "sleep 0.3; echo slow");
    start(&world, &quick, (struct command){0}, "echo quick");
    assert_int_equal(loop_timer_after(&world.loop, &timer, 20, NULL), 0);
    await(&world, &quick);
    while (!fired)
        assert_int_equal(loop_turn(&world.loop, NULL), 0);
    assert_int_equal(slow.times, 0);
    uint64_t turns = world.loop.turns;
    await(&world, &slow);
    assert_string_equal(slow.output, "slow\n");
    assert_in_range(world.loop.turns - turns, 1, 10); /* it waits, it does not spin */
    world_close(&world);
}

static void start_another(struct told *told)
{
    told->then = NULL;
    told->times = 0;
    start(told->world, told, (struct command){0}, "echo again");
}

static void callbacks_start_others(void **state)
{
    (void)state;
    struct world world;
    struct told told = {.then = start_another};
    world_open(&world);
    start(&world, &told, (struct command){0}, "echo first");
    await(&world, &told);
    assert_string_equal(told.output, "again\n");
    world_close(&world);
}

static void cancelled_ones_are_not_told(void **state)
{
    (void)state;
    struct world world;
    struct told one = {0}, other = {0};
    world_open(&world);
    start(&world, &one, (struct command){0}, "sleep 20");
    start(&world, &other, (struct command){0}, "echo other");
    world.commands.cancel(world.commands.context, one.call);
    await(&world, &other);
    struct told closing = {0};
    start(&world, &closing, (struct command){0}, "sleep 20");
    world_close(&world);
    assert_int_equal(one.times, 0);
    assert_int_equal(closing.times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_prints),         cmocka_unit_test(how_it_fails),
        cmocka_unit_test(a_time_limit),           cmocka_unit_test(the_loop_turns_meanwhile),
        cmocka_unit_test(callbacks_start_others), cmocka_unit_test(cancelled_ones_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/support/fake_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void over(void *context)
{
    struct command_call *call = context;
    struct err err = {0};
    command_done_fn done = call->done;
    call->done = NULL;
    call->fake->running--;
    if (!call->printed)
        err_note(&err, ERR_FATAL, "the command fails");
    done(call->context, call->printed ? str_of(call->printed) : STR(""), call->printed ? NULL : &err);
}

static void add_words(struct fake_commands *fake, const char *const *words)
{
    for (; words && *words; words++) {
        size_t len = strlen(fake->line);
        snprintf(fake->line + len, sizeof(fake->line) - len, "%s%s", len ? " " : "", *words);
    }
}

static int start(void *context, const struct command *command, command_done_fn done, void *done_context,
                 struct command_call **ret, struct err *err)
{
    struct fake_commands *fake = context;
    struct command_call *call = fake->calls;
    while (call < fake->calls + FAKE_COMMANDS_MAX && call->done)
        call++;
    assert_true(call < fake->calls + FAKE_COMMANDS_MAX);
    *call = (struct command_call){.fake = fake, .timer = LOOP_TIMER(over, call), .context = done_context};
    int code = loop_timer_after(fake->loop, &call->timer, fake->takes_ms, err);
    if (code)
        return code;
    call->done = done;
    call->printed = fake->printed;
    fake->line[0] = '\0';
    add_words(fake, command->argv);
    add_words(fake, command->env);
    fake->starts++;
    fake->running++;
    if (ret)
        *ret = call;
    return 0;
}

static void cancel(void *context, struct command_call *call)
{
    struct fake_commands *fake = context;
    assert_non_null(call->done);
    call->done = NULL;
    loop_timer_cancel(fake->loop, &call->timer);
    fake->running--;
    fake->cancelled++;
}

struct commands fake_commands_commands(struct fake_commands *fake)
{
    return (struct commands){start, cancel, fake};
}

/* fake_commands.h - commands that a test answers: each takes its time on the loop's clock and prints what it is told.
 */
#ifndef STOKER_TESTS_SUPPORT_FAKE_COMMANDS_H
#define STOKER_TESTS_SUPPORT_FAKE_COMMANDS_H

#include "base/command.h"
#include "base/loop.h"

enum { FAKE_COMMANDS_MAX = 8 };

struct fake_commands;

struct command_call {
    struct fake_commands *fake;
    struct loop_timer timer;
    command_done_fn done; /* NULL: free */
    void *context;
    const char *printed;
};

/* {.loop = &loop} prints "" at the loop's next turn. */
struct fake_commands {
    struct loop *loop;
    int64_t takes_ms;
    const char *printed; /* by those that start from now on; NULL: they fail */
    int starts, running, cancelled;
    char line[1024]; /* of the last: its words and what is added to its environment */
    struct command_call calls[FAKE_COMMANDS_MAX];
};

struct commands fake_commands_commands(struct fake_commands *fake);

#endif

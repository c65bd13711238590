/* terminal.h - what the other end of a stream can show: colour, block characters; and a progress line. */
#ifndef STOKER_PROVISIONER_CMD_TERMINAL_H
#define STOKER_PROVISIONER_CMD_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"

struct terminal {
    bool is_terminal;
    bool colour; /* a terminal, not TERM=dumb, and NO_COLOR unset or empty (https://no-color.org) */
    bool blocks; /* a terminal whose locale is UTF-8 */
};

struct terminal terminal_of(FILE *file);

/* A line on standard error that says what is being done once work has taken more than a second; a terminal's only. */
struct progress {
    const struct clock *clock;
    struct clock_mono start;
    bool enabled; /* standard error is a terminal */
    bool shown;
};

void progress_start(struct progress *progress, const struct clock *clock);

/* For planner_options.progress; `context` is the struct progress. */
void progress_say(void *context, const char *what);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif

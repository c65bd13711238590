/* command.h - other programs as an injected effect: run beside the loop, and what they print is collected. */
#ifndef STOKER_BASE_COMMAND_H
#define STOKER_BASE_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { COMMAND_TIMEOUT_MS = 60000, COMMAND_MAX_OUTPUT_BYTES = 1 << 20 };

/* It has nothing to read, and writes its errors where we do. Where it must be ended, so are the children it has. */
struct command {
    const char *const *argv; /* NULL-terminated; argv[0] is looked for in PATH */
    const char *const *env;  /* "NAME=value" added to ours, NULL-terminated; NULL: none */
    int64_t timeout_ms;      /* 0: COMMAND_TIMEOUT_MS */
    size_t max_output_bytes; /* 0: COMMAND_MAX_OUTPUT_BYTES */
};

/*
 * Once, from the loop. NULL: it ended with status 0; `output` is borrowed for the call, NUL behind it, and is wiped
 * afterwards. Else ERR_RETRY: not within its time; ERR_FATAL: another status, a signal, or too much output. Messages
 * name argv[0] and quote nothing of the output.
 */
typedef void (*command_done_fn)(void *context, struct str output, const struct err *err);

struct command_call; /* valid until done or cancel */

struct commands {
    /* Copies the command. `ret` may be NULL. ERR_FATAL: it cannot be run; ERR_NOMEM. */
    int (*start)(void *context, const struct command *command, command_done_fn done, void *done_context,
                 struct command_call **ret, struct err *err);
    void (*cancel)(void *context, struct command_call *call); /* ends it; done is not called any more */
    void *context;
};

/* Child processes of ours, as the system runs them. */
struct http_curl;
struct loop;
struct command_system;
CC_MUST_CHECK int command_system_open(struct loop *loop, struct http_curl *curl, struct command_system **ret,
                                      struct err *err);
struct commands command_system_commands(struct command_system *system);
void command_system_close(struct command_system *system); /* cancels what is under way; not from within a callback */

#endif

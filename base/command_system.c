/*
 * A command is reading → ending → over: its output is read from a pipe that the loop watches; once that is closed, or
 * the command was killed, the loop's timer looks whether it has ended. The timer is set from the start (to the time
 * limit) and again as soon as it fires, so that moving it needs no memory.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/command.h"
#include "base/http_curl.h"
#include "base/vec.h"

/* A program that has closed its output is about to end: it is looked for so often, seldom more than once. */
enum { LOOK_MS = 10 };

struct command_call {
    struct command_system *system;
    struct command_call *prev, *next;
    command_done_fn done; /* NULL: told already, or cancelled: only its end is waited for */
    void *context;
    char *name; /* argv[0] */
    struct loop_timer timer;
    struct clock_mono deadline;
    int64_t timeout_ms;
    pid_t pid;
    int out;    /* -1: closed */
    char *text; /* [max + 2]: taken whole, so that growing leaves no copies of secrets behind */
    size_t len, max;
};

struct command_system {
    struct loop *loop;
    struct http_curl *curl;
    struct command_call *calls;
};

static void set_timer(struct command_call *call, struct clock_mono at)
{
    struct err err = {0};
    int rc = loop_timer_set(call->system->loop, &call->timer, at, &err);
    assert(rc == 0);
    (void)rc;
}

static void stop_reading(struct command_call *call)
{
    if (call->out < 0)
        return;
    http_curl_unwatch(call->system->curl, call->out);
    close(call->out);
    call->out = -1;
}

/* Not in the list any more, and its process is gone or was never made. */
static void free_call(struct command_call *call)
{
    stop_reading(call);
    loop_timer_cancel(call->system->loop, &call->timer);
    if (call->text)
        explicit_bzero(call->text, call->len);
    free(call->text);
    free(call->name);
    free(call);
}

static void unlink_call(struct command_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->system->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

static void tell(struct command_call *call, const struct err *err)
{
    command_done_fn done = call->done;
    call->done = NULL; /* from here on it is nobody's to cancel */
    if (done)
        done(call->context, err ? STR("") : (struct str){call->text, call->len}, err);
}

/* The whole group: a shell's children too. What becomes of it is of interest to nobody but the timer. */
static void kill_group(struct command_call *call)
{
    kill(-call->pid, SIGKILL);
    stop_reading(call);
    set_timer(call, loop_now(call->system->loop));
}

static void give_up(struct command_call *call, const struct err *err)
{
    kill_group(call);
    tell(call, err);
}

static void judge(const struct command_call *call, int status, struct err *ret)
{
    if (WIFEXITED(status) && WEXITSTATUS(status))
        err_note(ret, ERR_FATAL, "%s failed with status %d", call->name, WEXITSTATUS(status));
    else if (!WIFEXITED(status))
        err_note(ret, ERR_FATAL, "%s was ended by signal %d", call->name, WTERMSIG(status));
}

/* It has closed its output, or was killed: has it ended? */
static void look(struct command_call *call)
{
    struct err err = {0};
    int status = 0;
    pid_t ended = waitpid(call->pid, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return;
    if (ended < 0)
        err_note(&err, ERR_FATAL, "%s: %s", call->name, strerror(errno));
    else
        judge(call, status, &err);
    unlink_call(call);
    tell(call, err.code ? &err : NULL);
    free_call(call);
}

static void on_timer(void *context)
{
    struct command_call *call = context;
    struct clock_mono now = loop_now(call->system->loop);
    struct clock_mono next = {now.ns + LOOK_MS * INT64_C(1000000)};
    set_timer(call, next);
    if (call->done && now.ns >= call->deadline.ns) {
        struct err err = {0};
        err_note(&err, ERR_RETRY, "%s did not end within %lld ms", call->name, (long long)call->timeout_ms);
        give_up(call, &err);
    } else {
        look(call);
    }
}

/* As much as the pipe has at once: what is left is told again. */
static void on_output(void *context)
{
    struct command_call *call = context;
    struct err err = {0};
    ssize_t got = read(call->out, call->text + call->len, call->max + 1 - call->len);
    if (got > 0)
        call->len += (size_t)got;
    call->text[call->len] = '\0';
    if (got == 0) {
        stop_reading(call);
        set_timer(call, loop_now(call->system->loop));
    } else if (got < 0 && errno != EINTR && errno != EAGAIN) {
        err_note(&err, ERR_FATAL, "%s: %s", call->name, strerror(errno));
        give_up(call, &err);
    } else if (call->len > call->max) {
        err_note(&err, ERR_FATAL, "%s prints more than %zu bytes", call->name, call->max);
        give_up(call, &err);
    }
}

/* Starting. */

/* posix_spawn takes `char *const[]` for what it does not change. */
static char *const *unconst(const char *const *words)
{
    union {
        const char *const *in;
        char *const *out;
    } both = {.in = words};
    return both.out;
}

/* Nothing to read, a pipe to write to, our own stderr; signals as a new process expects them. */
static int spawn_with(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const struct command *command,
                      const char *const *env, int out, pid_t *ret)
{
    sigset_t none, broken_pipe;
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    int failure = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failure)
        failure = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (!failure)
        failure = posix_spawnattr_setflags(attributes,
                                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!failure)
        failure = posix_spawnattr_setsigmask(attributes, &none);
    if (!failure)
        failure = posix_spawnattr_setsigdefault(attributes, &broken_pipe);
    if (!failure)
        failure = posix_spawnp(ret, command->argv[0], actions, attributes, unconst(command->argv), unconst(env));
    return failure;
}

static int spawn(const struct command *command, const char *const *env, int out, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (!failure) {
        failure = spawn_with(&actions, &attributes, command, env, out, ret);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Our environment without what `added` replaces, then `added`; the list is from malloc, its words are not. */
static const char **environment_with(const char *const *added)
{
    VEC(const char *) words = {0};
    bool good = true;
    for (char **word = environ; word && *word && good; word++) {
        bool replaced = false;
        for (const char *const *at = added; at && *at && !replaced; at++) {
            size_t name_len = strcspn(*at, "=");
            replaced = strncmp(*word, *at, name_len) == 0 && (*word)[name_len] == '=';
        }
        if (!replaced)
            good = VEC_PUSH(&words, *word);
    }
    for (const char *const *at = added; at && *at && good; at++)
        good = VEC_PUSH(&words, *at);
    if (good && VEC_PUSH(&words, NULL))
        return words.items;
    VEC_FREE(&words);
    return NULL;
}

/* The pipe, watched by the loop, and the process that writes to it. Last of all the process: nothing fails after it. */
static int run(struct command_call *call, const struct command *command, const char *const *env, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return err_set(err, ERR_FATAL, "%s: %s", call->name, strerror(errno));
    call->out = ends[0];
    int code = 0, failure = fcntl(ends[0], F_SETFL, O_NONBLOCK) ? errno : 0;
    if (!failure)
        code = http_curl_watch(call->system->curl, ends[0], on_output, call, err);
    if (!failure && !code)
        failure = spawn(command, env, ends[1], &call->pid);
    close(ends[1]);
    return failure ? err_set(err, ERR_FATAL, "%s cannot be run: %s", call->name, strerror(failure)) : code;
}

static int new_call(struct command_system *system, const struct command *command, struct command_call **ret,
                    struct err *err)
{
    struct command_call *call = calloc(1, sizeof(*call));
    if (!call)
        return err_nomem(err);
    *call = (struct command_call){.system = system, .out = -1, .timer = LOOP_TIMER(on_timer, call)};
    call->timeout_ms = command->timeout_ms > 0 ? command->timeout_ms : COMMAND_TIMEOUT_MS;
    call->max = command->max_output_bytes ? command->max_output_bytes : COMMAND_MAX_OUTPUT_BYTES;
    call->name = strdup(command->argv[0]);
    call->text = malloc(call->max + 2);
    int code = call->name && call->text ? 0 : err_nomem(err);
    if (!code)
        code = loop_timer_after(system->loop, &call->timer, call->timeout_ms, err);
    if (code) {
        free_call(call);
        return code;
    }
    call->text[0] = '\0';
    call->deadline = call->timer.at;
    *ret = call;
    return 0;
}

static int start(void *context, const struct command *command, command_done_fn done, void *done_context,
                 struct command_call **ret, struct err *err)
{
    struct command_system *system = context;
    struct command_call *call = NULL;
    const char **env = environment_with(command->env);
    int code = env ? new_call(system, command, &call, err) : err_nomem(err);
    if (!code)
        code = run(call, command, env, err);
    free(env);
    if (code) {
        if (call)
            free_call(call);
        return code;
    }
    call->done = done;
    call->context = done_context;
    call->next = system->calls;
    if (call->next)
        call->next->prev = call;
    system->calls = call;
    if (ret)
        *ret = call;
    return 0;
}

static void cancel(void *context, struct command_call *call)
{
    (void)context;
    assert(call->done);
    call->done = NULL;
    kill_group(call);
}

int command_system_open(struct loop *loop, struct http_curl *curl, struct command_system **ret, struct err *err)
{
    struct command_system *system = calloc(1, sizeof(*system));
    if (!system)
        return err_nomem(err);
    system->loop = loop;
    system->curl = curl;
    *ret = system;
    return 0;
}

struct commands command_system_commands(struct command_system *system)
{
    return (struct commands){start, cancel, system};
}

void command_system_close(struct command_system *system)
{
    if (!system)
        return;
    while (system->calls) {
        struct command_call *call = system->calls;
        kill(-call->pid, SIGKILL);
        waitpid(call->pid, NULL, 0); /* which ends at once now */
        unlink_call(call);
        free_call(call);
    }
    free(system);
}

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"
#include "provisioner/kube/kubeconfig.h"

enum { MAX_FILE_BYTES = 1 << 20, RUN_MS = 60000, LOOK_MS = 10, NS_PER_MS = 1000000 };

static int system_read(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    (void)context;
    struct str text;
    int code = file_read(path, MAX_FILE_BYTES, &text, err);
    if (code)
        return code;
    struct str copy = str_dup(arena, text);
    file_free(&text);
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

/* A plug-in that runs, in a process group of its own. */
struct plugin {
    const char *name;
    pid_t pid;
    int out;
    int64_t deadline_ns;
    VEC(char) text;
};

static int64_t left_ms(const struct plugin *plugin)
{
    int64_t left_ns = plugin->deadline_ns - clock_now(&clock_system).ns;
    return left_ns > 0 ? left_ns / NS_PER_MS + 1 : 0;
}

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
static int spawn(struct plugin *plugin, const char *const *argv, const char *const *env, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, broken_pipe;
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure) {
        posix_spawn_file_actions_destroy(&actions);
        return failure;
    }
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failure)
        failure = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!failure)
        failure = posix_spawnattr_setflags(&attributes,
                                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!failure)
        failure = posix_spawnattr_setsigmask(&attributes, &none);
    if (!failure)
        failure = posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
    if (!failure)
        failure = posix_spawnp(&plugin->pid, argv[0], &actions, &attributes, unconst(argv), unconst(env));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static int too_long(const struct plugin *plugin, struct err *err)
{
    return err_set(err, ERR_AUTH, "the plug-in %s did not end within %d s", plugin->name, RUN_MS / 1000);
}

static int collect(struct plugin *plugin, struct err *err)
{
    char piece[4096];
    for (;;) {
        struct pollfd pollfd = {.fd = plugin->out, .events = POLLIN};
        int64_t wait_ms = left_ms(plugin);
        if (wait_ms == 0)
            return too_long(plugin, err);
        if (poll(&pollfd, 1, (int)wait_ms) <= 0)
            continue;
        ssize_t got = read(plugin->out, piece, sizeof(piece));
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return err_set(err, ERR_AUTH, "the plug-in %s: %s", plugin->name, strerror(errno));
        for (ssize_t i = 0; i < got; i++)
            if (!VEC_PUSH(&plugin->text, piece[i]))
                return err_nomem(err);
        if (plugin->text.len > MAX_FILE_BYTES)
            return err_set(err, ERR_AUTH, "the plug-in %s says too much", plugin->name);
    }
}

/* It has closed its output and is about to end: looked for a hundred times a second, which is seldom more than once. */
static int await_end(struct plugin *plugin, struct err *err)
{
    int status;
    for (;;) {
        pid_t ended = waitpid(plugin->pid, &status, WNOHANG);
        if (ended == plugin->pid)
            break;
        if (ended < 0 && errno != EINTR)
            return err_set(err, ERR_AUTH, "the plug-in %s: %s", plugin->name, strerror(errno));
        if (left_ms(plugin) == 0)
            return too_long(plugin, err);
        poll(NULL, 0, LOOK_MS);
    }
    plugin->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return err_set(err, ERR_AUTH, "the plug-in %s failed with status %d", plugin->name, WEXITSTATUS(status));
    return err_set(err, ERR_AUTH, "the plug-in %s was ended by signal %d", plugin->name, WTERMSIG(status));
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

static int run(struct plugin *plugin, const char *const *argv, const char *const *env, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return err_set(err, ERR_FATAL, "the plug-in %s: %s", plugin->name, strerror(errno));
    plugin->out = ends[0];
    plugin->deadline_ns = clock_now(&clock_system).ns + (int64_t)RUN_MS * NS_PER_MS;
    int failure = spawn(plugin, argv, env, ends[1]);
    close(ends[1]);
    int code;
    if (failure)
        code = err_set(err, ERR_AUTH, "the plug-in %s cannot be run: %s", plugin->name, strerror(failure));
    else
        code = collect(plugin, err);
    if (!code)
        code = await_end(plugin, err);
    if (plugin->pid > 0) {
        kill(-plugin->pid, SIGKILL);
        waitpid(plugin->pid, NULL, 0);
    }
    close(plugin->out);
    return code;
}

static int system_run(void *context, const char *const *argv, const char *const *env, struct arena *arena,
                      struct str *ret, struct err *err)
{
    (void)context;
    const char **whole_env = environment_with(env);
    if (!whole_env)
        return err_nomem(err);
    struct plugin plugin = {.name = argv[0]};
    int code = run(&plugin, argv, whole_env, err);
    if (!code) {
        struct str copy = str_dup(arena, (struct str){plugin.text.items, plugin.text.len});
        if (copy.ptr)
            *ret = copy;
        else
            code = err_nomem(err);
    }
    if (plugin.text.items)
        explicit_bzero(plugin.text.items, plugin.text.len);
    VEC_FREE(&plugin.text);
    free(whole_env);
    return code;
}

const struct kube_io kube_io_system = {system_read, system_run, NULL};

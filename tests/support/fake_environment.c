#include "tests/support/fake_environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *find(const struct fake_named *named, const char *name)
{
    for (size_t i = 0; i < FAKE_ENVIRONMENT_MAX; i++) {
        if (named[i].name && strcmp(named[i].name, name) == 0)
            return named[i].value;
    }
    return NULL;
}

static void set(struct fake_named *named, const char *name, const char *value)
{
    for (size_t i = 0; i < FAKE_ENVIRONMENT_MAX; i++) {
        if (!named[i].name || strcmp(named[i].name, name) == 0) {
            named[i] = (struct fake_named){name, value};
            return;
        }
    }
    fail_msg("no room for %s", name);
}

void fake_environment_set(struct fake_environment *fake, const char *name, const char *value)
{
    set(fake->variables, name, value);
}

void fake_environment_file(struct fake_environment *fake, const char *path, const char *text)
{
    set(fake->files, path, text);
}

void fake_environment_command(struct fake_environment *fake, const char *command, const char *output)
{
    set(fake->commands, command, output);
}

static const char *get_variable(void *context, const char *name)
{
    const struct fake_environment *fake = context;
    return find(fake->variables, name);
}

static int give(const char *text, int missing, const char *name, struct arena *arena, struct str *ret, struct err *err)
{
    if (!text)
        return err_set(err, missing, "%s: there is none", name);
    struct str copy = str_dup(arena, str_of(text));
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

static int read_file(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    struct fake_environment *fake = context;
    fake->reads++;
    if (fake->forbidden && strcmp(path, fake->forbidden) == 0)
        return err_set(err, ERR_AUTH, "%s: permission denied", path);
    return give(find(fake->files, path), ERR_NOT_FOUND, path, arena, ret, err);
}

static int run_command(void *context, const char *command, struct arena *arena, struct str *ret, struct err *err)
{
    const struct fake_environment *fake = context;
    return give(find(fake->commands, command), ERR_FATAL, "the command", arena, ret, err);
}

struct aws_environment fake_environment_environment(struct fake_environment *fake)
{
    return (struct aws_environment){get_variable, read_file, run_command, fake};
}

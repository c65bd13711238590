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

static const char *get_variable(void *context, const char *name)
{
    const struct fake_environment *fake = context;
    return find(fake->variables, name);
}

static int read_file(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    struct fake_environment *fake = context;
    const char *text = find(fake->files, path);
    fake->reads++;
    if (fake->forbidden && strcmp(path, fake->forbidden) == 0)
        return err_set(err, ERR_AUTH, "%s: permission denied", path);
    if (!text)
        return err_set(err, ERR_NOT_FOUND, "%s: there is none", path);
    struct str copy = str_dup(arena, str_of(text));
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

struct aws_environment fake_environment_environment(struct fake_environment *fake)
{
    return (struct aws_environment){.get = get_variable, .read = read_file, .context = fake};
}

/* environment.h - what AWS's clients read from around them, injected: variables, files, processes. */
#ifndef STOKER_CLOUD_AWS_ENVIRONMENT_H
#define STOKER_CLOUD_AWS_ENVIRONMENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/command.h"
#include "base/err.h"
#include "base/str.h"

enum { AWS_FILE_MAX_BYTES = 1 << 20 };

struct aws_environment {
    const char *(*get)(void *context, const char *name); /* a variable; NULL if it is not set */
    /* The bytes of a file, in `arena`. ERR_NOT_FOUND, ERR_AUTH, ERR_INVALID beyond AWS_FILE_MAX_BYTES. */
    int (*read)(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err);
    void *context;
    struct commands commands; /* credential_process */
};

/* Variable `name`, NULL where it is not set or empty. */
const char *aws_environment_get(const struct aws_environment *environment, const char *name);
/* Is it set to "true" (in any case)? */
bool aws_environment_is_true(const struct aws_environment *environment, const char *name);

#endif

/* fake_environment.h - variables and files for tests of what reads AWS's environment. */
#ifndef STOKER_TESTS_SUPPORT_FAKE_ENVIRONMENT_H
#define STOKER_TESTS_SUPPORT_FAKE_ENVIRONMENT_H

#include "cloud/aws/environment.h"

enum { FAKE_ENVIRONMENT_MAX = 16 };

struct fake_named {
    const char *name, *value;
};

/* {0} is empty. Names and values are borrowed. */
struct fake_environment {
    struct fake_named variables[FAKE_ENVIRONMENT_MAX], files[FAKE_ENVIRONMENT_MAX];
    const char *forbidden; /* the path of a file that may not be read, or NULL */
    size_t reads;          /* of files */
};

/* Sets a variable or a file's text anew; NULL takes it away. */
void fake_environment_set(struct fake_environment *fake, const char *name, const char *value);
void fake_environment_file(struct fake_environment *fake, const char *path, const char *text);

/* Without commands. */
struct aws_environment fake_environment_environment(struct fake_environment *fake);

#endif

#include "cloud/aws/environment.h"

#include <strings.h>

const char *aws_environment_get(const struct aws_environment *environment, const char *name)
{
    const char *value = environment->get(environment->context, name);
    return value && value[0] ? value : NULL;
}

bool aws_environment_is_true(const struct aws_environment *environment, const char *name)
{
    const char *value = aws_environment_get(environment, name);
    return value && strcasecmp(value, "true") == 0;
}

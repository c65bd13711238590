#include "provisioner/cmd/environment.h"

#include <stdlib.h>

const char *environment_get(void *context, const char *name)
{
    (void)context;
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

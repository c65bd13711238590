/* environment.h - the only place that reads the process's environment. */
#ifndef STOKER_PROVISIONER_CMD_ENVIRONMENT_H
#define STOKER_PROVISIONER_CMD_ENVIRONMENT_H

/* The variable's value, NULL where it is not set or empty. `context` is not used: the form is that of injected
 * look-ups. */
const char *environment_get(void *context, const char *name);

#endif

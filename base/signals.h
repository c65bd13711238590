/* signals.h - SIGTERM, SIGINT and SIGHUP as events of the loop. */
#ifndef STOKER_BASE_SIGNALS_H
#define STOKER_BASE_SIGNALS_H

#include "base/err.h"
#include "base/http_curl.h"

struct signals;

/*
 * From now on the three are told to `received`, from the loop, and SIGPIPE is ignored (a connection that breaks is an
 * error of its call). To be opened before any thread is made, since threads inherit what is blocked. ERR_FATAL,
 * ERR_NOMEM.
 */
CC_MUST_CHECK int signals_open(struct http_curl *curl, void (*received)(void *context, int signal), void *context,
                               struct signals **ret, struct err *err);

/* The signals do again what they did before. */
void signals_close(struct signals *signals);

#endif

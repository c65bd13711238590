/* err.h - how a function says that it failed: a code for what the caller can do, and a chain of words for people. */
#ifndef STOKER_BASE_ERR_H
#define STOKER_BASE_ERR_H

#include "base/cc.h"

/*
 * Every fallible function returns 0 or one of these (all negative) and takes `struct err *err` as its last
 * parameter. `err` may be NULL; it is untouched on success. Outputs are named ret_* and are untouched on failure.
 */
enum err_code {
    ERR_RETRY = -1,       /* the same call may succeed later */
    ERR_THROTTLED = -2,   /* slow down, then the same call */
    ERR_NO_CAPACITY = -3, /* choose something else */
    ERR_NOT_FOUND = -4,
    ERR_CONFLICT = -5, /* read again, then decide again */
    ERR_AUTH = -6,     /* credentials or permissions */
    ERR_INVALID = -7,  /* the input is wrong: repeat only after it was mended */
    ERR_NOMEM = -8,    /* memory ran out; nothing was changed */
    ERR_FATAL = -9     /* nothing the caller can do */
};

enum { ERR_MESSAGE_MAX = 1024 };

struct err {
    int code;                      /* an err_code, 0 while unset */
    int http_status;               /* 0 if none */
    char provider_code[64];        /* the provider's own word ("InsufficientInstanceCapacity"), "" if none */
    char message[ERR_MESSAGE_MAX]; /* outermost context first, truncated at the end */
};

/* Sets *err, unless err is NULL. */
void err_note(struct err *err, int code, const char *fmt, ...) CC_PRINTF(3, 4);

/*
 * The same with `code` as its value, so that `return err_set(err, ERR_INVALID, "…", …);` reads well. A macro, so that
 * compiler and analysers see that it is not 0.
 */
#define err_set(err, code, ...) (err_note((err), (code), __VA_ARGS__), (code))

/* Puts "context: " before the message of an error that rises; returns err's code (ERR_FATAL if err is NULL). */
int err_wrap(struct err *err, const char *fmt, ...) CC_PRINTF(2, 3);

/* Memory ran out. Never allocates. */
void err_note_nomem(struct err *err);

static inline int err_nomem(struct err *err)
{
    err_note_nomem(err);
    return ERR_NOMEM;
}

/* "invalid", "no capacity", ...: a stable word for logs and metrics. */
const char *err_code_name(int code);

#endif

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_note(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return;
    err->code = code;
    err->http_status = 0;
    err->provider_code[0] = '\0';
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof(err->message), fmt, args);
    va_end(args);
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return ERR_FATAL;
    char context[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(context, sizeof(context), fmt, args);
    va_end(args);
    if (len < 0)
        return err->code;
    char inner[ERR_MESSAGE_MAX];
    memcpy(inner, err->message, sizeof(inner));
    size_t used = (size_t)len < sizeof(context) - 1 ? (size_t)len : sizeof(context) - 1;
    memcpy(err->message, context, used);
    snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
    return err->code;
}

void err_note_nomem(struct err *err)
{
    if (err) {
        static const char message[] = "out of memory";
        err->code = ERR_NOMEM;
        err->http_status = 0;
        err->provider_code[0] = '\0';
        memcpy(err->message, message, sizeof(message));
    }
}

const char *err_code_name(int code)
{
    switch (code) {
    case 0: return "ok";
    case ERR_RETRY: return "retry";
    case ERR_THROTTLED: return "throttled";
    case ERR_NO_CAPACITY: return "no capacity";
    case ERR_NOT_FOUND: return "not found";
    case ERR_CONFLICT: return "conflict";
    case ERR_AUTH: return "not allowed";
    case ERR_INVALID: return "invalid";
    case ERR_NOMEM: return "out of memory";
    default: return "fatal";
    }
}

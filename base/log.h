/* log.h - what happened, one line an event: JSON, or text on a terminal. Written by controllers, not by libraries. */
#ifndef STOKER_BASE_LOG_H
#define STOKER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    FILE *file; /* NULL: silent */
    const struct clock *clock;
    enum log_level level; /* what is below is left out */
    bool text;
};

enum log_kind { LOG_END, LOG_STR, LOG_INT, LOG_FLOAT, LOG_BOOL };

struct log_field {
    enum log_kind kind;
    const char *name;
    struct str text;
    int64_t number;
    double real;
};

#define LOG_S(field_name, s) ((struct log_field){LOG_STR, (field_name), (s), 0, 0})
#define LOG_C(field_name, c) LOG_S((field_name), str_of(c))
#define LOG_I(field_name, n) ((struct log_field){LOG_INT, (field_name), {NULL, 0}, (int64_t)(n), 0})
#define LOG_F(field_name, x) ((struct log_field){LOG_FLOAT, (field_name), {NULL, 0}, 0, (x)})
#define LOG_B(field_name, b) ((struct log_field){LOG_BOOL, (field_name), {NULL, 0}, (b), 0})
#define LOG_ERR(error)       LOG_C("error", (error)->message)

/*
 * `event` is a stable name, "claim-launched"; at least one field follows:
 * log_event(&log, LOG_INFO, "pass", LOG_I("pods", 3), LOG_F("ms", 2.5));
 */
#define log_event(log, level, event, ...) \
    log_fields((log), (level), (event), (const struct log_field[]){__VA_ARGS__, {LOG_END, NULL, {NULL, 0}, 0, 0}})

/* Texts are escaped; broken UTF-8 becomes U+FFFD; a field longer than 4 KiB is cut. */
void log_fields(const struct log *log, enum log_level level, const char *event, const struct log_field *fields);

/* "debug", "info", "warn", "error"; false if it is none of them. */
bool log_level_parse(struct str text, enum log_level *ret);

#endif

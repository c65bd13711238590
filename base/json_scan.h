/* json_scan.h - the text of JSON without its values: is it valid, where does a value end, on which line is a token. */
#ifndef STOKER_BASE_JSON_SCAN_H
#define STOKER_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Many releases of cJSON have a buffer of 64 bytes for a number; no amount needs more. */
enum { JSON_MAX_NUMBER_BYTES = 63 };

/* A place in UTF-8 text; a copy of it is a place to come back to. Nothing is allocated and nothing is owned. */
struct json_scan {
    const char *at, *end;
    int line;      /* 1-based */
    size_t values; /* that json_check has passed, those inside others included */
};

/* The next character that is not white space; '\0' at the end (a raw NUL is never valid JSON, so nothing is lost). */
char json_peek(struct json_scan *scan);

/* Refuses what is at the cursor: "line N: unexpected 'x', expected is <wanted>". Returns ERR_INVALID. */
int json_unexpected(const struct json_scan *scan, const char *wanted, struct err *err);

/*
 * Passes one value and refuses all that is not the grammar of RFC 8259 or beyond the limits of doc.h: depth (`depth`
 * is that of the value itself, 1 for a whole object), values in all (scan->values), bytes of a scalar. Escapes must
 * stand for a character, and not for NUL. The bytes were found to be UTF-8 before. ERR_INVALID: "line N: what".
 */
CC_MUST_CHECK int json_check(struct json_scan *scan, int depth, struct err *err);

/* Before a member's key, and behind it. ERR_INVALID if it does not begin with a quote, or no colon follows. */
CC_MUST_CHECK int json_check_quote(struct json_scan *scan, struct err *err);
CC_MUST_CHECK int json_take_colon(struct json_scan *scan, struct err *err);

/* Takes the opening bracket that is at the cursor, and the closing one if nothing is inside: then false. */
bool json_open(struct json_scan *scan, char close);

/* After a member: takes a comma, or the closing bracket. ERR_INVALID for anything else. */
CC_MUST_CHECK int json_take_separator(struct json_scan *scan, char close, bool *ret_more, struct err *err);

/*
 * Takes the next token: a string with its quotes and its escapes as they are, a number or a word, or one other
 * character; "" at the end. Judges nothing: in broken text it finds what it finds. scan->line is then the token's.
 */
struct str json_token(struct json_scan *scan);

#endif

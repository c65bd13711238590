/* utf8.h - UTF-8 checked and made, and the \uXXXX escapes of JSON and Java. */
#ifndef STOKER_BASE_UTF8_H
#define STOKER_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { UTF8_MAX = 4 };

/* The offset of the first byte that is not UTF-8 (RFC 3629: shortest form, no surrogates, to U+10FFFF), or text.len. */
size_t utf8_check(struct str text);

/* Writes 1 to UTF8_MAX bytes; returns behind them. `code` is a character up to U+10FFFF and no surrogate. */
char *utf8_put(char *out, uint32_t code);

/*
 * Turns the XXXX of a \uXXXX, or of the pair of escapes that a character beyond U+FFFF takes, into UTF-8. `*at` is
 * behind the first 'u' and is moved behind the last digit. NULL, and *at as it was, for anything else, NUL included.
 */
char *utf8_unescape(const char **at, const char *end, char *out);

#endif

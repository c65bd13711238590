/* emit.h - JSON or block YAML from one stream of events, written as it comes: nothing is held but the nesting. */
#ifndef STOKER_PROVISIONER_CMD_EMIT_H
#define STOKER_PROVISIONER_CMD_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

enum emit_syntax { EMIT_JSON, EMIT_YAML };

enum { EMIT_MAX_DEPTH = 16 };

struct emit_level {
    bool list;
    bool compact; /* JSON: on one line */
    bool started; /* has a member */
};

/*
 * Misuse (a value without a key in a map, more than EMIT_MAX_DEPTH levels) is asserted. Write errors stay in the
 * stream: ask ferror() or emit_end.
 */
struct emit {
    FILE *file;
    enum emit_syntax syntax;
    int depth;
    struct emit_level levels[EMIT_MAX_DEPTH];
    bool has_key; /* a key was written, its value is due */
    bool on_dash; /* YAML: "- " was written, the next key goes on the same line */
};

struct emit emit_to(FILE *file, enum emit_syntax syntax);

void emit_map(struct emit *emit);
void emit_map_compact(struct emit *emit); /* JSON: one line */
void emit_list(struct emit *emit);
void emit_list_compact(struct emit *emit);
void emit_close(struct emit *emit); /* the innermost map or list */

void emit_key(struct emit *emit, const char *key);
void emit_text(struct emit *emit, struct str text); /* broken UTF-8 becomes U+FFFD */
void emit_int(struct emit *emit, int64_t value);
void emit_money(struct emit *emit, int64_t microusd);             /* exact, four to six decimals */
void emit_decimal(struct emit *emit, double value, int decimals); /* finite */
void emit_bool(struct emit *emit, bool value);
void emit_null(struct emit *emit);

/* Key and value in one. */
void emit_text_at(struct emit *emit, const char *key, struct str text);
void emit_int_at(struct emit *emit, const char *key, int64_t value);
void emit_money_at(struct emit *emit, const char *key, int64_t microusd);

/* The last newline. False if anything could not be written. */
bool emit_end(struct emit *emit);

#endif

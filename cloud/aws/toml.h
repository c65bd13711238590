/* toml.h - just enough of TOML to put settings of ours beside a user's: statements with their full paths. */
#ifndef STOKER_CLOUD_AWS_TOML_H
#define STOKER_CLOUD_AWS_TOML_H

#include "base/buf.h"

/* `settings.kubernetes."max.pods" = 20`: the path written in one way only, so that equal paths are equal text. */
struct toml_statement {
    struct str path;  /* keys with '.' between, in quotes where they need them */
    struct str value; /* as it stands, comments behind it included */
};

/* Called for each statement in order; `path` is in the arena, `value` in the text. A negative return ends the reading.
 */
typedef int (*toml_fn)(void *context, const struct toml_statement *statement, struct err *err);

/*
 * Reads `text` statement by statement. Values are not judged beyond where they end. ERR_INVALID, "line N: what": no
 * statement, a string or bracket that does not end, an array of tables ([[x]]), which cannot be merged.
 */
CC_MUST_CHECK int toml_read(struct str text, struct arena *arena, toml_fn each, void *context, struct err *err);

/* Appends a key: bare if it can be, else as a basic string. */
void toml_put_key(struct buf *buf, struct str key);

/* Appends a basic string with its quotes. */
void toml_put_string(struct buf *buf, struct str text);

#endif

/* json_out.h - writing JSON piece by piece into a buf: commas, quotes and escapes are its business. */
#ifndef STOKER_BASE_JSON_OUT_H
#define STOKER_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_OUT_MAX_DEPTH = 32 };

struct json_out {
    struct buf *buf;
    uint32_t comma; /* bit d: something stands before at depth d */
    int depth;
};

#define JSON_OUT(into) ((struct json_out){.buf = (into)})

/*
 * `key` is NULL in a list and at the top. Memory that runs out is remembered by the buf. Texts are escaped; NUL and
 * bytes that are not UTF-8 become U+FFFD, so that what is written can always be read.
 */
void json_open_map(struct json_out *json, const char *key);
void json_close_map(struct json_out *json);
void json_open_list(struct json_out *json, const char *key);
void json_close_list(struct json_out *json);
void json_str(struct json_out *json, const char *key, struct str value);
void json_int(struct json_out *json, const char *key, int64_t value);
void json_bool(struct json_out *json, const char *key, bool value);
void json_null(struct json_out *json, const char *key);
/* A member whose key is not a literal (label keys). */
void json_str_by(struct json_out *json, struct str key, struct str value);
/* `value` is JSON already. */
void json_raw(struct json_out *json, const char *key, struct str value);

/*
 * For those who write elsewhere than into a buf: takes a piece, at least a byte, from the beginning of *rest, and
 * returns it as it stands between quotes: a part of *rest's memory, of `room`, or a constant. "" when *rest is empty.
 */
enum { JSON_ESCAPE_BYTES = 8 };
struct str json_escaped(struct str *rest, char room[JSON_ESCAPE_BYTES]);

#endif

/* mime.h - user data of several parts: what the user wrote and what we add, as one MIME multipart archive. */
#ifndef STOKER_CLOUD_AWS_MIME_H
#define STOKER_CLOUD_AWS_MIME_H

#include <stdbool.h>

#include "base/buf.h"

enum { MIME_MAX_PARTS = 32 };

/* One part: its header lines and its body as they stand, without the line end that belongs to the boundary. */
struct mime_part {
    struct str text;
};

/* Does the text begin as a multipart archive does: with a header MIME-Version or Content-Type: multipart? */
bool mime_is_archive(struct str text);

/*
 * Takes an archive apart; parts point into `text`. Lines may end in CRLF. What stands before the first boundary and
 * behind the last is passed by; a missing last boundary ends at the end. ERR_INVALID: no boundary is named, none of the
 * parts is there, or there are more than MIME_MAX_PARTS.
 */
CC_MUST_CHECK int mime_split(struct str text, struct mime_part ret_parts[MIME_MAX_PARTS], size_t *ret_count,
                             struct err *err);

/* Appends the archive of the parts, under a boundary that none of them contains. */
CC_MUST_CHECK int mime_join(const struct mime_part *parts, size_t n, struct buf *buf, struct err *err);

#endif

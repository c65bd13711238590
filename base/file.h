/* file.h - whole files as text, up to a limit. */
#ifndef STOKER_BASE_FILE_H
#define STOKER_BASE_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Reads everything behind `fd` (a file, a pipe, a terminal) up to its end; `fd` stays open. ret_text->ptr is from
 * malloc, the caller's to give to file_free, and has a NUL behind it that len does not count. More than `max_bytes`
 * is ERR_INVALID; a read error ERR_FATAL, a folder ERR_INVALID; ERR_NOMEM.
 */
CC_MUST_CHECK int file_read_fd(int fd, size_t max_bytes, struct str *ret_text, struct err *err);

/* The same for a path: ERR_NOT_FOUND if there is none, ERR_AUTH if it may not be read. The message names the path. */
CC_MUST_CHECK int file_read(const char *path, size_t max_bytes, struct str *ret_text, struct err *err);

void file_free(struct str *text);

/* The same as file_read, into `arena`. */
struct arena;
CC_MUST_CHECK int file_read_into(const char *path, size_t max_bytes, struct arena *arena, struct str *ret_text,
                                 struct err *err);

#endif

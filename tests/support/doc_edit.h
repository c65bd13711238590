/* doc_edit.h - trees made from trees: JSON merge patches (RFC 7386), for a server that keeps objects as trees. */
#ifndef STOKER_TESTS_SUPPORT_DOC_EDIT_H
#define STOKER_TESTS_SUPPORT_DOC_EDIT_H

#include "base/doc.h"

/* All of these fail the test where memory runs out. Results live in `arena` and share nothing with what was given. */

/* `patch` applied to `target` (NULL: to nothing). Members in the patch's order come behind those that were there. */
struct doc *doc_merge(struct arena *arena, const struct doc *target, const struct doc *patch);
/* The one object of a text; a broken one fails the test. */
struct doc *doc_parse(struct arena *arena, struct str text);
struct doc *doc_parsef(struct arena *arena, const char *fmt, ...) CC_PRINTF(2, 3);
/* A map with the named members of `from` alone. */
struct doc *doc_pick(struct arena *arena, const struct doc *from, const char *const *keys, size_t n);
/* The same content, whatever the lines and the order of members. */
bool doc_equal(const struct doc *a, const struct doc *b);
/* The scalar at a path, "" if there is none. */
struct str doc_text_at(const struct doc *doc, const char *path);

#endif

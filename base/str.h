/* str.h - borrowed text: a pointer and a length, never owned, not necessarily NUL-terminated. */
#ifndef STOKER_BASE_STR_H
#define STOKER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same where an initializer must be constant. */
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

struct str str_of(const char *text); /* NULL gives the empty str */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *text);
int str_cmp(struct str a, struct str b); /* by bytes; for sorting */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct str s); /* without ASCII white space at both ends */

/* Cuts *rest at the first `sep`: returns what is before it and leaves what is behind (all, and "", if none). */
struct str str_cut(struct str *rest, char sep);

/* A copy in the arena, NUL behind it; ptr is NULL if memory ran out. */
struct str str_dup(struct arena *arena, struct str s);

/* FNV-1a, for hash tables only. */
uint64_t str_hash(struct str s);

/* Decimal, optional sign, nothing else, within int64; false otherwise. */
bool str_to_int64(struct str s, int64_t *ret);

#endif

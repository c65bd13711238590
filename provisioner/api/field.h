/* field.h - a value in a document and the way to it, so that a finding can say which field of which line it means. */
#ifndef STOKER_PROVISIONER_API_FIELD_H
#define STOKER_PROVISIONER_API_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/doc.h"
#include "base/err.h"
#include "provisioner/api/objects.h"

/* What the decoding of one object needs to know. */
struct decode {
    struct objects *objects;
    const char *file; /* lives as long as the objects */
    struct diag *diag;
};

/*
 * A field that is absent, or null, or of the wrong type (then a finding was made) has doc == NULL; asking it for its
 * members gives absent fields again. A field points to its parent, which must stay in scope; its path is put together
 * only when something is found wrong. Findings do not stop a decoder: whoever wants to know whether there were any
 * compares diag_count() before and after.
 */
struct field {
    const struct decode *decode;
    const struct field *parent; /* NULL: the object itself */
    const struct doc *doc;
    struct str name; /* of a map's member; ptr NULL for an item of a list */
    size_t index;    /* of an item of a list */
};

/* The object itself. */
struct field field_root(const struct decode *decode, const struct doc *object);

/* An item of a list, or a member of a map, while walking `parent->doc` with DOC_EACH. `index` counts from 0. */
struct field field_child(const struct field *parent, const struct doc *child, size_t index);

/* The member `name`, of any type, of that type, or absent. `name` must stay valid. */
struct field field_any(const struct field *map, const char *name);
struct field field_map(const struct field *map, const char *name);
struct field field_list(const struct field *map, const char *name);

/* The field itself if it is of that type; otherwise a finding, unless it is absent, and false. */
bool field_is_map(const struct field *field);
bool field_is_list(const struct field *field);

/* Adds a finding at this field; an absent field is reported at its parent's line. */
void field_bad(const struct field *field, const char *fmt, ...) CC_PRINTF(2, 3);

/* The value as a string, borrowed from the document. False, and *ret as it was, if it is absent or (finding) none. */
bool field_text(const struct field *field, struct str *ret);

/* As field_text, for an integer within [min, max] and for a bool. */
bool field_int(const struct field *field, int64_t min, int64_t max, int64_t *ret);
bool field_bool(const struct field *field, bool *ret);

/* A decimal number within [min, max]; with `percent`, also a string such as "2%", which gives 0.02. */
bool field_number(const struct field *field, double min, double max, bool percent, double *ret);

/* The index in `choices` (NULL-terminated) of the string that the field holds. False if absent or (finding) none. */
bool field_choice(const struct field *field, const char *const *choices, int *ret);

/* A quantity, cpu in milli and everything else in units. False if absent or (finding) no quantity or absurd. */
bool field_quantity(const struct field *field, struct str resource, int64_t *ret);

/* A finding for each member of `map` that is not among `names` (NULL-terminated). */
void field_only(const struct field *map, const char *const *names);

/* Amounts above this are taken for a mistake; small enough that a pod's sums stay within int64. */
#define FIELD_MAX_AMOUNT (INT64_C(1) << 53)

/* Is the member there at all? (A member of the wrong type is not.) */
static inline bool field_here(const struct field *field)
{
    return field->doc != NULL;
}

/* Shared text that lives as long as the objects, with a NUL behind it. */
CC_MUST_CHECK int decode_keep(const struct decode *decode, struct str text, struct str *ret, struct err *err);

/* field_text and decode_keep: *ret stays as it was if the field is absent or wrong. */
CC_MUST_CHECK int field_keep(const struct field *field, struct str *ret, struct err *err);

/* A list of strings, kept. Absent: none. */
CC_MUST_CHECK int field_keep_texts(const struct field *list, const struct str **ret, size_t *ret_n, struct err *err);

/* For messages: printf("%.*s", FIELD_SHOW(text)) shows at most 80 bytes of a text, whole characters of UTF-8. */
enum { FIELD_SHOW_MAX = 80 };

static inline int field_show_len(struct str text)
{
    size_t len = text.len < FIELD_SHOW_MAX ? text.len : FIELD_SHOW_MAX;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

#define FIELD_SHOW(s) field_show_len(s), (s).ptr ? (s).ptr : ""

#endif

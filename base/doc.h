/* doc.h - YAML and JSON as one kind of tree that knows its line numbers; libyaml and cJSON stay behind it. */
#ifndef STOKER_BASE_DOC_H
#define STOKER_BASE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* What a file may hold before it is refused as an attack or a mistake. */
#define DOC_MAX_INPUT_BYTES ((size_t)512 << 20)
enum {
    DOC_MAX_DEPTH = 100,            /* nesting */
    DOC_MAX_OBJECT_NODES = 2000000, /* nodes of one object, aliases counted as often as they are used */
    DOC_MAX_TEXT_BYTES = 8 << 20    /* one scalar; JSON_MAX_NUMBER_BYTES for a number in JSON */
};

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_STRING, DOC_LIST, DOC_MAP };

struct doc {
    enum doc_kind kind;
    int line;        /* 1-based, of the value */
    struct str key;  /* of a map's member; "" otherwise */
    struct str text; /* scalars: the text as written (numbers keep every digit), unescaped; "true"/"false" for bools */
    size_t count;    /* children of a list or map */
    struct doc *first, *next;
};

/* The member `key` of a map; NULL if `doc` is NULL, no map, or has none. Duplicate keys are refused when reading. */
const struct doc *doc_get(const struct doc *doc, const char *key);
/* A walk: doc_at(d, "spec.template.spec"). NULL as soon as one step is missing. No list indices. */
const struct doc *doc_at(const struct doc *doc, const char *path);

#define DOC_EACH(child, parent) \
    for (const struct doc *child = (parent) ? (parent)->first : NULL; child; child = child->next)

/*
 * Called for each object of the input: a document, or each item of a `kind: List` (or of any `*List` with `items`).
 * `object` lives in an arena that is rewound after the call: copy what is kept. A negative return stops the reading
 * and is passed on; ERR_INVALID must have been reported by the callee.
 */
typedef int (*doc_object_fn)(void *context, const struct doc *object, struct err *err);

/*
 * Reads all objects of `bytes`. JSON (one or several values) if `name` ends in .json or the first byte that is not
 * white space is '{' or '['; where that fails and the name does not end in .json, YAML 1.1 as kubectl reads it.
 * Plain scalars follow the YAML 1.1 core rules that Kubernetes uses (yes/no/on/off are strings, true/false bools).
 * Broken UTF-8, syntax errors, duplicate keys, too deep or too large input: ERR_INVALID, the message
 * "line N: what": the caller knows the file. Empty documents are skipped.
 */
CC_MUST_CHECK int doc_read(struct str bytes, const char *name, doc_object_fn on_object, void *context, struct err *err);

#endif

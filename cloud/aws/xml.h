/* xml.h - an XML answer as a small tree; expat stays behind it. */
#ifndef STOKER_CLOUD_AWS_XML_H
#define STOKER_CLOUD_AWS_XML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* What an answer may hold before it is refused as an attack or a mistake. The largest we ask for is DescribeInstances
 * of 1,000 instances: some 20,000 nodes. */
#define XML_MAX_INPUT_BYTES ((size_t)64 << 20)
enum { XML_MAX_DEPTH = 64, XML_MAX_NODES = 1000000 };

struct xml {
    struct str name; /* without its namespace prefix */
    struct str text; /* of the element itself, entities resolved, trimmed; "" where it has children */
    size_t count;    /* children */
    struct xml *first, *next;
};

/*
 * Reads a document; the tree and its texts are in `arena`. Attributes, comments and processing instructions are left
 * out. ERR_INVALID ("line N: what") for what is not well-formed, not UTF-8 or UTF-16, beyond the limits, or has a
 * DOCTYPE (entities of its own are a way to attack). ERR_NOMEM.
 */
CC_MUST_CHECK int xml_read(struct str bytes, struct arena *arena, const struct xml **ret, struct err *err);

/* The first child of that name; NULL if `xml` is NULL or has none. */
const struct xml *xml_get(const struct xml *xml, const char *name);
/* A walk: xml_at(x, "placement.availabilityZone"). NULL as soon as one step is missing. */
const struct xml *xml_at(const struct xml *xml, const char *path);
/* The text at the end of that walk; "" if a step is missing. */
struct str xml_text(const struct xml *xml, const char *path);

#define XML_EACH(child, parent) \
    for (const struct xml *child = (parent) ? (parent)->first : NULL; child; child = child->next)

#endif

/* schema.h - every field of our documents in one table: decoding, the CRDs and the reference are made from it. */
#ifndef STOKER_PROVISIONER_API_SCHEMA_H
#define STOKER_PROVISIONER_API_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "provisioner/api/field.h"

enum schema_document { SCHEMA_PROVISIONER, SCHEMA_TEMPLATE, SCHEMA_CLAIM };

enum schema_type {
    SCHEMA_MAP,     /* of known members: the fields whose path begins with this one */
    SCHEMA_LIST,    /* the field path[] is an item */
    SCHEMA_STRING,  /* `values`: allowed are these alone */
    SCHEMA_INT,     /* within min and max */
    SCHEMA_NUMBER,  /* within min and max */
    SCHEMA_PERCENT, /* the same, or a string such as "2%" */
    SCHEMA_BOOL,
    SCHEMA_QUANTITY,
    SCHEMA_STRINGS,    /* a map of strings; `values`: its keys */
    SCHEMA_QUANTITIES, /* a map of quantities; `values`: its keys */
    SCHEMA_TIME,
    SCHEMA_TEMPLATE_SPEC, /* the members of a template's spec that are not SCHEMA_NOT_INLINE, and these */
    SCHEMA_ANYTHING       /* known to Karpenter and not to us: taken and not read */
};

enum schema_flag {
    SCHEMA_REQUIRED = 1,
    SCHEMA_OWN = 2,       /* only in stoker.sh documents */
    SCHEMA_FOREIGN = 4,   /* only in karpenter.sh documents */
    SCHEMA_NOT_INLINE = 8 /* not in a Provisioner's spec.provider */
};

struct schema_field {
    const char *path; /* "spec.requirements[].key" */
    enum schema_type type;
    unsigned flags;
    double min, max;     /* numbers: both 0 where there is no range; lists and strings: max is the most of them */
    const char *values;  /* "In|NotIn", NULL: any */
    const char *pattern; /* of a string, as a regular expression; NULL: any */
    const char *preset;  /* what holds where it is left out, for people; NULL: nothing */
    const char *about;   /* one sentence or more, for people */
};

/* What cannot be said of one field alone, as a CEL expression over the map or value at `path`. */
struct schema_rule {
    const char *path;
    const char *rule, *message;
    unsigned flags; /* SCHEMA_OWN, SCHEMA_FOREIGN */
};

struct schema {
    const struct schema_field *fields; /* [n_fields] a parent before its members */
    size_t n_fields;
    const struct schema_rule *rules; /* [n_rules] */
    size_t n_rules;
};

const struct schema *schema_of(enum schema_document document);

/* What follows `parent` in the path of a member or an item of it: "key", "[]". NULL where it is neither. */
const char *schema_child(const char *parent, const char *path);

/*
 * A finding for each member of `map` that is not a field of the document below `path` ("spec.requirements[]"), or, of
 * a map of strings or quantities, not among its keys.
 */
void schema_only(const struct field *map, enum schema_document document, const char *path);
/* The same for a Provisioner's spec.provider. */
void schema_only_inline(const struct field *map);
/* A finding for each member of `map` that stoker.sh documents alone have. */
void schema_not_own(const struct field *map, enum schema_document document, const char *path);

/* A kind as the cluster knows it. */
struct schema_kind {
    const char *group, *version, *kind, *plural;
    const char *short_name; /* NULL: none */
    enum schema_document document;
    bool karpenter;
    const char *about;
};
extern const struct schema_kind schema_kinds[];
extern const size_t schema_n_kinds;

/* The CustomResourceDefinition as YAML (schema_crd.c); the fields as tables in Markdown (schema_reference.c). */
void schema_write_crd(const struct schema_kind *kind, struct buf *buf);
void schema_write_reference(struct buf *buf);

#endif

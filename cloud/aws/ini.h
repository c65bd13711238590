/* ini.h - the text of AWS's shared config and credentials files: sections, keys, and properties nested under a key. */
#ifndef STOKER_CLOUD_AWS_INI_H
#define STOKER_CLOUD_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { AWS_INI_MAX_ENTRIES = 100000 };

/* A section's line (key "") or a setting. Texts point into the file's. */
struct aws_ini_entry {
    struct str kind;    /* of the section: "profile" in [profile dev], "" in [dev] */
    struct str section; /* "dev" */
    struct str parent;  /* "ec2" of a property that is nested under `ec2 =`; "" otherwise */
    struct str key, value;
    struct aws_ini_entry *next;
};

struct aws_ini {
    const struct aws_ini_entry *first;
};

/*
 * Comments: lines that begin with '#' or ';', and what follows either behind white space in a value. White space before
 * a key makes it a property of the key above, if that has no value of its own. Lines that are none of it are
 * ERR_INVALID, "line N: what", without their text: it may be a secret. ERR_NOMEM. Source: "Shared config and
 * credentials files", AWS SDKs and Tools Reference Guide.
 */
CC_MUST_CHECK int aws_ini_read(struct str text, struct arena *arena, struct aws_ini *ret, struct err *err);

/* Is there such a section? */
bool aws_ini_has(const struct aws_ini *ini, const char *kind, struct str section);

/* The last value that was given to the key; "" if none. `parent` "" for keys that are not nested. */
struct str aws_ini_get(const struct aws_ini *ini, const char *kind, struct str section, const char *parent,
                       const char *key);

#endif

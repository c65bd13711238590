/* builtin.h - the instance types and prices that are part of the program (tables.S, data/README.md). */
#ifndef STOKER_CLOUD_AWS_BUILTIN_H
#define STOKER_CLOUD_AWS_BUILTIN_H

#include <stddef.h>

struct builtin_table {
    const char *name;   /* the file's, for findings; the region of a price table in `region` */
    const char *region; /* NULL for the types */
    const char *start, *end;
};

extern const struct builtin_table builtin_types;

/* By region; NULL if there is none. */
const struct builtin_table *builtin_prices(const char *region);

/* Regions that builtin_prices knows, NULL-terminated. */
extern const char *const builtin_regions[];

/* What has to be said wherever these prices are shown; data/README.md tells the whole story. */
extern const char builtin_price_note[];

#endif

/* catalogue.h - EC2's instance types, zones and prices from TSV (built in, or a user's file), as a cloud_catalogue. */
#ifndef STOKER_CLOUD_AWS_CATALOGUE_H
#define STOKER_CLOUD_AWS_CATALOGUE_H

#include "base/diag.h"
#include "cloud/aws/types.h"
#include "cloud/cloud.h"

struct aws_catalogue_source {
    const char *region; /* "us-west-2" if NULL */
    /* Contents and names of the user's files; ptr NULL = the built-in data. */
    struct str types_tsv, prices_tsv;
    const char *types_name, *prices_name;
    const struct aws_type *more_types; /* [n_more_types] beside those of the table, which holds where both have one */
    size_t n_more_types;
    bool skip_unknown; /* prices of types that are in neither are passed by */
};

/*
 * Builds the catalogue; everything in it lives in `arena` (texts may point into the sources, which must outlive it).
 * Types without a price in the region are left out. Wrong rows are findings in `diag` with file and line, and make
 * it ERR_INVALID; a region without built-in prices is ERR_NOT_FOUND, the message listing those there are.
 * With a user's prices file the region is derived from the zones' common prefix unless given.
 */
CC_MUST_CHECK int aws_catalogue_load(const struct aws_catalogue_source *source, struct arena *arena, struct diag *diag,
                                     struct cloud_catalogue *ret, struct err *err);

#endif

/* tsv.h - tab-separated tables whose first line names the columns: rows as borrowed text, findings by file and line. */
#ifndef STOKER_CLOUD_AWS_TSV_H
#define STOKER_CLOUD_AWS_TSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"

enum { TSV_MAX_COLUMNS = 64 };

struct tsv_column {
    const char *name;
    bool required; /* false: "" in every row of a table without it */
};

struct tsv {
    const char *file;
    struct diag *diag;
    struct str rest;                  /* lines that were not read yet */
    int line;                         /* 1-based, of the row read last */
    const struct tsv_column *columns; /* [n_columns] what the caller wants */
    size_t n_columns;
    size_t n_cells;               /* of the header, hence of every row */
    int cell_of[TSV_MAX_COLUMNS]; /* by wanted column; -1 if the table does not have it */
};

/*
 * Reads the header. Lines that are empty or begin with '#' are skipped; CRLF ends a line too; columns stand in any
 * order and those nobody wants are ignored. False, with findings, if a required column is missing, one stands twice, or
 * there is no header. `bytes` and `columns` must outlive the table.
 */
bool tsv_open(struct tsv *tsv, struct str bytes, const char *file, const struct tsv_column *columns, size_t n_columns,
              struct diag *diag);

/* The next row, cells[n_columns] in the order of the wanted columns; false at the end. Rows of a wrong width are
 * findings. */
bool tsv_next(struct tsv *tsv, struct str *cells);

/* Says what is wrong with a cell of the current row: `file:line: column: …`. */
#define tsv_finding(tsv, column, ...) diag_add((tsv)->diag, (tsv)->file, (tsv)->line, (column), __VA_ARGS__)

/* A whole number in min..max; "" is 0 if that is in the range. False, with a finding, otherwise. */
bool tsv_number(const struct tsv *tsv, const char *column, struct str cell, int64_t min, int64_t max, int64_t *ret);

/* A name: 1 to 63 of a-z, A-Z, 0-9, '-', '_', '.', as Kubernetes allows in a label value. */
bool tsv_name(const struct tsv *tsv, const char *column, struct str cell);

#endif

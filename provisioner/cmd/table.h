/* table.h - aligned columns for people: cells are collected, widths follow from what is in them. */
#ifndef STOKER_PROVISIONER_CMD_TABLE_H
#define STOKER_PROVISIONER_CMD_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/cc.h"
#include "base/err.h"
#include "provisioner/cmd/terminal.h"

enum { TABLE_MAX_COLUMNS = 24 };

struct table_column {
    const char *title;
    char align; /* '<' or '>' */
};

struct table_row; /* a cell for each column */

/* A zeroed struct with columns set is an empty table. */
struct table {
    const struct table_column *columns; /* [n_columns] */
    size_t n_columns;
    struct arena arena;
    struct table_row *first, *last;
    size_t cells; /* written so far */
};

/* The next cell, left to right, row after row. ERR_NOMEM. */
CC_MUST_CHECK int table_cell(struct table *table, struct err *err, const char *fmt, ...) CC_PRINTF(3, 4);

/* A bar of ten and its per cent: "########..  82%"; `whole` 0 gives "-". */
CC_MUST_CHECK int table_bar(struct table *table, struct terminal terminal, int64_t part, int64_t whole,
                            struct err *err);

/* Writes the header (bold if the terminal has colour) and all full rows; no white space at the ends of lines. */
void table_print(const struct table *table, struct terminal terminal, FILE *file);

void table_release(struct table *table);

#endif

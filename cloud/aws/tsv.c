#include "cloud/aws/tsv.h"

#include <inttypes.h>

/* Foreign text in a message is cut here. */
enum { SHOWN = 60 };

#define SHOW_ARG(s) (int)((s).len < SHOWN ? (s).len : SHOWN), (s).len ? (s).ptr : ""

/* The next line that carries something; false at the end. */
static bool next_line(struct tsv *tsv, struct str *ret)
{
    while (tsv->rest.len) {
        struct str line = str_cut(&tsv->rest, '\n');
        tsv->line++;
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len && line.ptr[0] != '#') {
            *ret = line;
            return true;
        }
    }
    return false;
}

/* Places one header cell; false if the column stands there for the second time. */
static bool place_column(struct tsv *tsv, struct str name, int cell)
{
    for (size_t i = 0; i < tsv->n_columns; i++) {
        if (!str_is(name, tsv->columns[i].name))
            continue;
        if (tsv->cell_of[i] >= 0) {
            tsv_finding(tsv, tsv->columns[i].name, "the header names this column twice");
            return false;
        }
        tsv->cell_of[i] = cell;
    }
    return true;
}

static bool required_present(struct tsv *tsv)
{
    bool complete = true;
    for (size_t i = 0; i < tsv->n_columns; i++) {
        if (tsv->cell_of[i] >= 0 || !tsv->columns[i].required)
            continue;
        tsv_finding(tsv, tsv->columns[i].name, "the header does not name this column, which is required");
        complete = false;
    }
    return complete;
}

/* Cuts a row; returns how many cells it has, counting on beyond TSV_MAX_COLUMNS. */
static size_t cut_row(struct str row, struct str all[TSV_MAX_COLUMNS])
{
    size_t n = 0;
    bool more = true;
    while (more) {
        struct str cell = str_cut(&row, '\t');
        more = row.ptr > cell.ptr + cell.len;
        if (n < TSV_MAX_COLUMNS)
            all[n] = cell;
        n++;
    }
    return n;
}

bool tsv_open(struct tsv *tsv, struct str bytes, const char *file, const struct tsv_column *columns, size_t n_columns,
              struct diag *diag)
{
    *tsv = (struct tsv){.file = file, .diag = diag, .rest = bytes, .columns = columns, .n_columns = n_columns};
    for (size_t i = 0; i < TSV_MAX_COLUMNS; i++)
        tsv->cell_of[i] = -1;
    struct str header, names[TSV_MAX_COLUMNS];
    if (str_starts(bytes, "\xef\xbb\xbf")) /* a byte order mark, as spreadsheets write it */
        tsv->rest = (struct str){bytes.ptr + 3, bytes.len - 3};
    if (!next_line(tsv, &header)) {
        diag_add(diag, file, 0, "", "the table is empty, its first line must name the columns");
        return false;
    }
    tsv->n_cells = cut_row(header, names);
    if (tsv->n_cells > TSV_MAX_COLUMNS) {
        tsv_finding(tsv, "", "%zu columns, at most %d are allowed", tsv->n_cells, TSV_MAX_COLUMNS);
        return false;
    }
    for (size_t i = 0; i < tsv->n_cells; i++)
        if (!place_column(tsv, names[i], (int)i))
            return false;
    return required_present(tsv);
}

bool tsv_next(struct tsv *tsv, struct str *cells)
{
    struct str row, all[TSV_MAX_COLUMNS];
    while (next_line(tsv, &row)) {
        size_t n = cut_row(row, all);
        if (n != tsv->n_cells) {
            tsv_finding(tsv, "", "the row has %zu columns, the header has %zu", n, tsv->n_cells);
            continue;
        }
        for (size_t i = 0; i < tsv->n_columns; i++)
            cells[i] = tsv->cell_of[i] < 0 ? STR("") : all[tsv->cell_of[i]];
        return true;
    }
    return false;
}

bool tsv_number(const struct tsv *tsv, const char *column, struct str cell, int64_t min, int64_t max, int64_t *ret)
{
    int64_t value = 0;
    bool read = cell.len == 0 ? min <= 0 : str_to_int64(cell, &value);
    if (!read || value < min || value > max) {
        tsv_finding(tsv, column, "\"%.*s\" is not allowed, allowed is a whole number from %" PRId64 " to %" PRId64,
                    SHOW_ARG(cell), min, max);
        return false;
    }
    *ret = value;
    return true;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

bool tsv_name(const struct tsv *tsv, const char *column, struct str cell)
{
    bool good = cell.len >= 1 && cell.len <= 63;
    for (size_t i = 0; good && i < cell.len; i++)
        good = name_char(cell.ptr[i]);
    if (!good)
        tsv_finding(tsv, column, "\"%.*s\" is no name, allowed are 1 to 63 of a-z, A-Z, 0-9, '-', '_' and '.'",
                    SHOW_ARG(cell));
    return good;
}

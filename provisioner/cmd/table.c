#include "provisioner/cmd/table.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { BAR_CELLS = 10, GAP = 2, CELL_MAX = 1024 };

struct table_row {
    struct table_row *next;
    const char *cells[TABLE_MAX_COLUMNS];
};

static struct table_row *row_for_next_cell(struct table *table)
{
    assert(table->n_columns > 0 && table->n_columns <= TABLE_MAX_COLUMNS);
    if (table->cells % table->n_columns)
        return table->last;
    struct table_row *row = arena_new(&table->arena, struct table_row);
    if (!row)
        return NULL;
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
    return row;
}

int table_cell(struct table *table, struct err *err, const char *fmt, ...)
{
    char text[CELL_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char *copy = arena_copy(&table->arena, text, len < 0 ? 0 : strlen(text));
    struct table_row *row = copy ? row_for_next_cell(table) : NULL;
    if (!row)
        return err_nomem(err);
    row->cells[table->cells++ % table->n_columns] = copy;
    return 0;
}

int table_bar(struct table *table, struct terminal terminal, int64_t part, int64_t whole, struct err *err)
{
    if (whole <= 0)
        return table_cell(table, err, "-");
    double share = (double)part / (double)whole;
    int filled = (int)(share * BAR_CELLS + 0.5);
    filled = filled < 0 ? 0 : filled > BAR_CELLS ? BAR_CELLS : filled;
    char bar[BAR_CELLS * 3 + 1] = "";
    size_t used = 0;
    for (int i = 0; i < BAR_CELLS; i++) {
        const char *cell = terminal.blocks ? (i < filled ? "█" : "░") : (i < filled ? "#" : ".");
        size_t len = strlen(cell);
        memcpy(bar + used, cell, len + 1);
        used += len;
    }
    return table_cell(table, err, "%s %3.0f%%", bar, share * 100);
}

/* Columns on the screen: UTF-8 sequences count as one. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static bool is_full(const struct table *table, const struct table_row *row)
{
    return row && row->cells[table->n_columns - 1];
}

static void measure(const struct table *table, size_t widths[])
{
    for (size_t c = 0; c < table->n_columns; c++)
        widths[c] = width_of(table->columns[c].title);
    for (const struct table_row *row = table->first; is_full(table, row); row = row->next)
        for (size_t c = 0; c < table->n_columns; c++) {
            size_t width = width_of(row->cells[c]);
            if (width > widths[c])
                widths[c] = width;
        }
}

static void print_row(const struct table *table, const size_t widths[], const char *const cells[], FILE *file)
{
    for (size_t c = 0; c < table->n_columns; c++) {
        int pad = (int)(widths[c] - width_of(cells[c]));
        bool last = c + 1 == table->n_columns;
        if (table->columns[c].align == '>')
            fprintf(file, "%*s%s", pad, "", cells[c]);
        else
            fprintf(file, "%s%*s", cells[c], last ? 0 : pad, "");
        if (!last)
            fprintf(file, "%*s", GAP, "");
    }
    fputc('\n', file);
}

void table_print(const struct table *table, struct terminal terminal, FILE *file)
{
    size_t widths[TABLE_MAX_COLUMNS];
    const char *titles[TABLE_MAX_COLUMNS];
    measure(table, widths);
    for (size_t c = 0; c < table->n_columns; c++)
        titles[c] = table->columns[c].title;
    if (terminal.colour)
        fputs("\033[1m", file);
    print_row(table, widths, titles, file);
    if (terminal.colour)
        fputs("\033[0m", file);
    for (const struct table_row *row = table->first; is_full(table, row); row = row->next)
        print_row(table, widths, row->cells, file);
}

void table_release(struct table *table)
{
    arena_release(&table->arena);
    table->first = table->last = NULL;
    table->cells = 0;
}

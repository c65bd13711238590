#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_add(struct diag *diag, const char *file, int line, const char *field, const char *fmt, ...)
{
    if (diag->len == DIAG_MAX) {
        diag->dropped++;
        return;
    }
    char what[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    char *text = arena_printf(&diag->arena, "%s%s%s", field, field[0] ? ": " : "", what);
    char *name = arena_printf(&diag->arena, "%s", file);
    if (!text || !name) {
        diag->dropped++;
        return;
    }
    diag->findings[diag->len++] = (struct diag_finding){name, line, text};
}

size_t diag_count(const struct diag *diag)
{
    return diag->len + diag->dropped;
}

void diag_release(struct diag *diag)
{
    arena_release(&diag->arena);
    diag->len = diag->dropped = 0;
}

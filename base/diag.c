#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Input that is quoted may hold anything: nothing of it reaches a terminal as a command. */
static void hide_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

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
    hide_controls(what);
    char *text = arena_printf(&diag->arena, "%s%s%s", field, field[0] ? ": " : "", what);
    char *name = arena_printf(&diag->arena, "%s", file);
    if (!text || !name) {
        diag->dropped++;
        return;
    }
    diag->findings[diag->len++] = (struct diag_finding){name, line, text};
}

void diag_add_message(struct diag *diag, const char *file, const char *message)
{
    static const char prefix[] = "line ";
    const size_t skip = sizeof(prefix) - 1;
    const char *colon = strstr(message, ": ");
    int64_t line;
    bool placed = colon && strncmp(message, prefix, skip) == 0 &&
                  str_to_int64((struct str){message + skip, (size_t)(colon - message) - skip}, &line) && line > 0 &&
                  line <= INT32_MAX;
    if (placed)
        diag_add(diag, file, (int)line, "", "%s", colon + 2);
    else
        diag_add(diag, file, 0, "", "%s", message);
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

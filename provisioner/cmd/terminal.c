#include "provisioner/cmd/terminal.h"

#include <string.h>
#include <unistd.h>

#include "provisioner/cmd/environment.h"

enum { PROGRESS_AFTER_MS = 1000 };

/* The first of the three that is set decides, as setlocale(LC_CTYPE, "") would have it. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = environment_get(NULL, names[i]);
        if (!value)
            continue;
        return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "utf-8");
    }
    return false;
}

struct terminal terminal_of(FILE *file)
{
    struct terminal terminal = {.is_terminal = isatty(fileno(file)) == 1};
    const char *kind = environment_get(NULL, "TERM");
    bool dumb = kind && strcmp(kind, "dumb") == 0;
    terminal.colour = terminal.is_terminal && !dumb && !environment_get(NULL, "NO_COLOR");
    terminal.blocks = terminal.is_terminal && !dumb && locale_is_utf8();
    return terminal;
}

void progress_start(struct progress *progress, const struct clock *clock)
{
    *progress = (struct progress){clock, clock_now(clock), terminal_of(stderr).is_terminal, false};
}

void progress_say(void *context, const char *what)
{
    struct progress *progress = context;
    if (!progress->enabled)
        return;
    double ms = clock_ms_between(progress->start, clock_now(progress->clock));
    if (ms < PROGRESS_AFTER_MS)
        return;
    fprintf(stderr, "\r\033[K%s ... %.0f s", what, ms / 1000);
    fflush(stderr);
    progress->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

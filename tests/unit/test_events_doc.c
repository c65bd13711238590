/* test_events_doc.c - docs/events.md against the sources: every event that can be said is explained, and no other. */
#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "base/file.h"

enum { NAMES_MAX = 128 };

struct names {
    char items[NAMES_MAX][64];
    size_t n;
};

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void add(struct names *names, const char *text, size_t len)
{
    char name[64];
    assert_true(len < sizeof(name));
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    if (has(names, name))
        return;
    assert_true(names->n < NAMES_MAX);
    memcpy(names->items[names->n++], name, sizeof(name));
}

/* What stands between two `quote`s and consists of letters and `joint` alone, starting in upper case or not. */
static void add_quoted(struct names *names, const char *from, const char *to, char quote, char joint, bool upper)
{
    for (const char *at = from; at < to; at++) {
        if (*at != quote)
            continue;
        const char *start = ++at;
        while (at < to && (isalpha((unsigned char)*at) || (joint && *at == joint)))
            at++;
        if (at < to && *at == quote && at > start && !isupper((unsigned char)*start) == !upper)
            add(names, start, (size_t)(at - start));
        while (at < to && *at != quote)
            at++;
    }
}

/* Reasons in the calls that say an event, or of a status that is told in one: the first of their arguments in quotes
 * that is one word in upper case. */
static void find_reasons(struct names *names, const char *text)
{
    static const char *const calls[] = {"control_event(",     "claim_drain(",      "drain_for(", "drain_when_late(",
                                        "provisioner_event(", "provisioner_hold(", ".reason = ", "->reason = "};
    for (size_t i = 0; i < CC_COUNT(calls); i++)
        for (const char *at = strstr(text, calls[i]); at; at = strstr(at + 1, calls[i])) {
            struct names words = {0};
            add_quoted(&words, at, strchr(at, ';'), '"', '\0', true);
            if (words.n)
                add(names, words.items[0], strlen(words.items[0]));
        }
}

/* The names of log lines stand before the first field. */
static void find_lines(struct names *names, const char *text)
{
    for (const char *at = strstr(text, "log_event("); at; at = strstr(at + 1, "log_event(")) {
        const char *end = strchr(at, ';');
        for (const char *field = strstr(at, "LOG_"); field && field < end; field = strstr(field + 1, "LOG_"))
            if (field[5] == '(' || strncmp(field, "LOG_ERR(", 8) == 0)
                end = field;
        add_quoted(names, at, end, '"', '-', false);
    }
}

static void read_sources(void (*find)(struct names *names, const char *text), struct names *names)
{
    glob_t sources;
    assert_int_equal(glob("provisioner/*/*.c", 0, NULL, &sources), 0);
    for (size_t i = 0; i < sources.gl_pathc; i++) {
        struct str text;
        assert_int_equal(file_read(sources.gl_pathv[i], 1 << 20, &text, NULL), 0);
        find(names, text.ptr);
        file_free(&text);
    }
    globfree(&sources);
}

/* The first cells of the table behind a heading. */
static void read_table(const char *heading, struct names *names, bool upper)
{
    struct str text;
    assert_int_equal(file_read("docs/events.md", 1 << 20, &text, NULL), 0);
    const char *at = strstr(text.ptr, heading);
    assert_non_null(at);
    const char *end = strstr(at + 1, "\n## ");
    end = end ? end : text.ptr + text.len;
    while ((at = strstr(at, "\n| `")) && at < end) {
        const char *cell = at + 3;
        add_quoted(names, cell, strchr(cell, '|'), '`', '-', upper);
        at = cell;
    }
    file_free(&text);
}

static void assert_same(const struct names *said, const struct names *told)
{
    for (size_t i = 0; i < said->n; i++)
        if (!has(told, said->items[i]))
            fail_msg("docs/events.md does not tell of %s", said->items[i]);
    for (size_t i = 0; i < told->n; i++)
        if (!has(said, told->items[i]))
            fail_msg("docs/events.md tells of %s, which nothing says", told->items[i]);
}

static void every_reason_is_explained(void **state)
{
    struct names said = {0}, told = {0};
    (void)state;
    read_sources(find_reasons, &said);
    read_table("## Kubernetes events", &told, true);
    assert_true(said.n >= 20);
    assert_same(&said, &told);
}

static void every_log_line_is_explained(void **state)
{
    struct names said = {0}, told = {0};
    (void)state;
    read_sources(find_lines, &said);
    read_table("## Log lines", &told, false);
    assert_true(said.n >= 40);
    assert_same(&said, &told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_explained),
        cmocka_unit_test(every_log_line_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

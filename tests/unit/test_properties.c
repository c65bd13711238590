/* Java properties, by the examples of java.util.Properties.load and beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "provisioner/spark/conf.h"

struct reading {
    struct arena arena;
    struct diag diag;
    struct conf conf;
};

static void read_bytes(struct reading *reading, struct str bytes)
{
    *reading = (struct reading){.arena = ARENA_INIT};
    reading->conf = (struct conf){.arena = &reading->arena, .file = "f", .diag = &reading->diag};
    assert_int_equal(conf_read_properties(&reading->conf, bytes, NULL), 0);
}

static void release(struct reading *reading)
{
    conf_release(&reading->conf);
    diag_release(&reading->diag);
    arena_release(&reading->arena);
}

/* Entries as "line:key=value|". */
static void expect(const char *text, const char *want)
{
    struct reading reading;
    char got[1024] = "";
    read_bytes(&reading, str_of(text));
    for (size_t i = 0; i < reading.conf.entries.len; i++) {
        const struct conf_entry *entry = &reading.conf.entries.items[i];
        size_t len = strlen(got);
        snprintf(got + len, sizeof(got) - len, "%d:%.*s=%.*s|", entry->line, STR_ARG(entry->key),
                 STR_ARG(entry->value));
    }
    assert_int_equal(diag_count(&reading.diag), 0);
    release(&reading);
    assert_string_equal(got, want);
}

static void separators(void **state)
{
    (void)state;
    expect("Truth = Beauty\n Truth:Beauty\nTruth\t\t\t:Beauty", "1:Truth=Beauty|2:Truth=Beauty|3:Truth=Beauty|");
    expect("a b\nc\td\ne\ff", "1:a=b|2:c=d|3:e=f|");
    expect("a==b\na=:b\na = = b\na: b: c\na  b=c", "1:a==b|2:a=:b|3:a== b|4:a=b: c|5:a=b=c|");
    expect("cheeses\nempty=\n=x\n:\n", "1:cheeses=|2:empty=|3:=x|4:=|");
    expect("a\\=b=c\na\\:b:c\na\\ b c", "1:a=b=c|2:a:b=c|3:a b=c|");
    expect("a=b  \t", "1:a=b|");
}

static void lines(void **state)
{
    (void)state;
    expect("", "");
    expect("\n\r\n  \t\n", "");
    expect("# a=b\n  ! c=d\n\n\t#\ne=f # g", "5:e=f # g|");
    expect("a=1\rb=2\r\nc=3", "1:a=1|2:b=2|3:c=3|");
    expect("fruits  apple, banana, \\\n        pear, \\\n        mango\nx=y",
           "1:fruits=apple, banana, pear, mango|4:x=y|");
    expect("a=b\\\r\n  c\n", "1:a=bc|");
    expect("a=b\\\\\nc=d", "1:a=b\\|2:c=d|");
    expect("a=b\\\n# no comment\nc=d", "1:a=b# no comment|3:c=d|");
    expect("# comment \\\na=b", "2:a=b|");
    expect("a=b\\", "1:a=b|");
    expect("a\\\nb=c", "1:ab=c|");
    expect("\xef\xbb\xbf"
           "a=b",
           "1:a=b|");
}

static void escapes(void **state)
{
    (void)state;
    expect("a=\\tb\\n\\r\\fc", "1:a=b\n\r\fc|");
    expect("a=\\u0041\\u00e9\\ud83d\\uDE00", "1:a=A\xc3\xa9\xf0\x9f\x98\x80|");
    expect("a=k8s\\://https\\://x\\z\\\\", "1:a=k8s://https://xz\\|");
    expect("\\u0061\\u003d=b", "1:a==b|");
    expect("a=\xc3\xa9", "1:a=\xc3\xa9|");
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        int line;
        const char *finding;
    } samples[] = {
        {{"a=b\nkey=secret\\u12", 18}, 2, "key: broken escape"}, {{"key=\\ud800", 10}, 1, "key: broken escape"},
        {{"key=\\u0000", 10}, 1, "key: broken escape"},          {{"k\\uzzzz=b", 9}, 1, "broken escape"},
        {{"a=b\n\xff=c", 6}, 2, "byte 0xff is not UTF-8"},       {{"a=b\0", 4}, 1, "byte 0x00 is not UTF-8"},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct reading reading;
        read_bytes(&reading, samples[i].text);
        assert_int_equal(reading.diag.len, 1);
        assert_int_equal(reading.diag.findings[0].line, samples[i].line);
        assert_ptr_equal(strstr(reading.diag.findings[0].text, samples[i].finding), reading.diag.findings[0].text);
        assert_null(strstr(reading.diag.findings[0].text, "secret"));
        release(&reading);
    }
}

static void too_many_entries(void **state)
{
    (void)state;
    static char text[2 * (CONF_MAX_ENTRIES + 5)];
    for (size_t i = 0; i < sizeof(text); i += 2) {
        text[i] = 'a';
        text[i + 1] = '\n';
    }
    struct reading reading;
    read_bytes(&reading, (struct str){text, sizeof(text)});
    assert_int_equal(reading.conf.entries.len, CONF_MAX_ENTRIES);
    assert_int_equal(reading.diag.len, 1);
    assert_int_equal(reading.diag.findings[0].line, CONF_MAX_ENTRIES + 1);
    release(&reading);
}

static void the_last_one_counts(void **state)
{
    (void)state;
    struct reading reading;
    struct str rest;
    read_bytes(&reading, STR("p.a=1\np.b=2\np.a=3\np.=4"));
    assert_true(str_is(conf_text(&reading.conf, "p.a", STR("")), "3"));
    assert_null(conf_find(&reading.conf, "p.c"));
    assert_true(str_is(conf_text(&reading.conf, "p.c", STR("x")), "x"));
    assert_false(conf_under(&reading.conf, 0, "p.", &rest));
    assert_true(conf_under(&reading.conf, 2, "p.", &rest) && str_is(rest, "a"));
    assert_false(conf_under(&reading.conf, 3, "p.", &rest));
    assert_false(conf_under(&reading.conf, 2, "q.", &rest));
    release(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators),       cmocka_unit_test(lines),
        cmocka_unit_test(escapes),          cmocka_unit_test(refused),
        cmocka_unit_test(too_many_entries), cmocka_unit_test(the_last_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_flags.c - command lines: what is taken, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/cmd/flags.h"

struct target {
    struct flag_list files, zones;
    const char *region;
    bool dry;
    int64_t budget_ms;
};

enum { MAX_ARGS = 8 };

static int parse(struct target *target, const char *const args[], const char *operands, int *ret_first, struct err *err)
{
    const struct flag flags[] = {
        {"filename", 'f', "PATH", "files", flag_append, &target->files},
        {"zones", 0, "A,B", "zones", flag_append_cut, &target->zones},
        {"region", 0, "REGION", "region", flag_text, &target->region},
        {"dry", 'd', NULL, "dry", flag_true, &target->dry},
        {"budget", 0, "DURATION", "budget", flag_duration_ms, &target->budget_ms},
    };
    const struct flag_set set = {"test", operands, "A test.", flags, 5, NULL};
    char words[MAX_ARGS][32];
    char *argv[MAX_ARGS + 1] = {NULL};
    int argc = 0;
    for (; args[argc]; argc++) {
        assert_in_range(argc, 0, MAX_ARGS - 1);
        snprintf(words[argc], sizeof(words[argc]), "%s", args[argc]);
        argv[argc] = words[argc];
    }
    int rc = flags_parse(&set, argc, argv, ret_first, err);
    for (size_t i = 0; i < target->files.values.len; i++) /* the words end with this frame */
        target->files.values.items[i] = strcmp(target->files.values.items[i], "a.yaml") == 0 ? "a.yaml" : "other";
    return rc;
}

static void release(struct target *target)
{
    flag_list_release(&target->files);
    flag_list_release(&target->zones);
}

static void takes_every_kind(void **state)
{
    (void)state;
    struct target target = {0};
    int first = -1;
    const char *const args[] = {"test", "-f", "a.yaml", "--zones=a, b", "-d", "--filename", "-", "--budget=2s", NULL};
    assert_int_equal(parse(&target, args, "", &first, NULL), 0);
    assert_int_equal(first, 8);
    assert_int_equal(target.files.values.len, 2);
    assert_string_equal(target.files.values.items[0], "a.yaml");
    assert_int_equal(target.zones.values.len, 2);
    assert_string_equal(target.zones.values.items[1], "b");
    assert_true(target.dry);
    assert_int_equal(target.budget_ms, 2000);
    release(&target);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1ms", 1}, {"500ms", 500}, {"2s", 2000}, {"3m", 180000}, {"24h", 86400000}};
    (void)state;
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct target target = {0};
        struct err err = {0};
        int first = -1;
        const char *const args[] = {"test", "--budget", cases[i].text, NULL};
        assert_int_equal(parse(&target, args, "", &first, &err), 0);
        assert_int_equal(target.budget_ms, cases[i].ms);
        release(&target);
    }
}

static void refuses(const char *word, const char *value, const char *said)
{
    struct target target = {0};
    struct err err = {0};
    int first = -1;
    const char *const args[] = {"test", word, value, NULL};
    assert_int_equal(parse(&target, args, "", &first, &err), ERR_INVALID);
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
    assert_int_equal(first, -1);
    release(&target);
}

static void refusals_name_the_word_and_what_is_allowed(void **state)
{
    (void)state;
    refuses("--nonsense", NULL, "--nonsense: no such option of stoker test; allowed are --filename, --zones");
    refuses("-x", NULL, "-x: no such option");
    refuses("--region", NULL, "--region: needs a value");
    refuses("-f", NULL, "-f: needs a value");
    refuses("--dry=yes", NULL, "--dry=yes: takes no value");
    refuses("--region", "", "--region: may not be empty");
    refuses("--zones", "a,,b", "empty part");
    refuses("--budget", "1", "500ms");
    refuses("--budget", "-1s", "no duration");
    refuses("--budget", "0ms", "no duration");
    refuses("--budget", "1.5s", "no duration");
    refuses("--budget", "25h", "up to 24h");
    refuses("--budget", "9223372036854775807m", "no duration");
    refuses("operand", NULL, "takes options only");
}

static void operands_and_help(void **state)
{
    (void)state;
    struct target target = {0};
    int first = -1;
    const char *const args[] = {"test", "plan.json", "--region", "r", NULL};
    assert_int_equal(parse(&target, args, "PLAN", &first, NULL), 0);
    assert_int_equal(first, 3); /* operands are moved behind the options */
    const char *const help[] = {"test", "--help", NULL};
    assert_int_equal(parse(&target, help, "", &first, NULL), FLAGS_HELP_ASKED);
    const char *const letter[] = {"test", "-h", NULL};
    assert_int_equal(parse(&target, letter, "", &first, NULL), FLAGS_HELP_ASKED);
    release(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_kind),
        cmocka_unit_test(durations),
        cmocka_unit_test(refusals_name_the_word_and_what_is_allowed),
        cmocka_unit_test(operands_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_aws_policy.c - the IAM policy against the table of calls, and the table against the calls in the sources. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/doc.h"
#include "base/file.h"
#include "base/vec.h"
#include "cloud/aws/actions.h"

enum { MAX_NAMES = 64 };

struct names {
    char items[MAX_NAMES][64];
    size_t n;
};

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void add(struct names *names, struct str name)
{
    char text[64];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
    if (has(names, text))
        return;
    assert_true(names->n < MAX_NAMES);
    memcpy(names->items[names->n++], text, sizeof(text));
}

static void assert_same(const struct names *left, const struct names *right, const char *what)
{
    for (size_t i = 0; i < left->n; i++)
        if (!has(right, left->items[i]))
            fail_msg("%s: %s is on one side only", what, left->items[i]);
    for (size_t i = 0; i < right->n; i++)
        if (!has(left, right->items[i]))
            fail_msg("%s: %s is on one side only", what, right->items[i]);
    assert_true(left->n > 0);
}

static int read_policy(void *context, const struct doc *policy, struct err *err)
{
    (void)err;
    DOC_EACH (statement, doc_get(policy, "Statement")) {
        const struct doc *action = doc_get(statement, "Action"), *resource = doc_get(statement, "Resource");
        assert_true(str_is(doc_get(statement, "Effect")->text, "Allow"));
        assert_non_null(action);
        assert_non_null(resource);
        if (action->kind == DOC_STRING)
            add(context, action->text);
        DOC_EACH (item, action)
            add(context, item->text);
        /* What changes anything is bound to a resource. */
        bool everywhere = resource->kind == DOC_STRING && str_is(resource->text, "*");
        DOC_EACH (item, action)
            if (everywhere)
                assert_true(str_starts(item->text, "ec2:Describe") || str_starts(item->text, "pricing:Get"));
    }
    return 0;
}

static void the_policy_allows_what_we_call(void **state)
{
    (void)state;
    struct names allowed = {0}, needed = {0};
    struct str text;
    assert_int_equal(file_read("cloud/aws/iam-policy.json", 1 << 20, &text, NULL), 0);
    assert_int_equal(doc_read(text, "iam-policy.json", read_policy, &allowed, NULL), 0);
    for (size_t i = 0; i < n_aws_actions; i++)
        for (size_t k = 0; k < AWS_ACTION_PERMISSIONS && aws_actions[i].permissions[k]; k++)
            add(&needed, str_of(aws_actions[i].permissions[k]));
    assert_same(&allowed, &needed, "iam-policy.json and actions.c");
    file_free(&text);
}

/* The text between quotes behind each `mark`. */
static void find_quoted(struct str text, const char *mark, struct names *names)
{
    for (const char *at = strstr(text.ptr, mark); at; at = strstr(at + 1, mark)) {
        const char *start = at + strlen(mark), *end = strchr(start, '"');
        assert_non_null(end);
        add(names, (struct str){start, (size_t)(end - start)});
    }
}

static void the_table_has_the_calls_of_the_sources(void **state)
{
    (void)state;
    struct names called = {0}, known = {0};
    glob_t files;
    assert_int_equal(glob("cloud/aws/*.c", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct str text;
        const char *path = files.gl_pathv[i];
        /* Those of credentials need no permission: STS knows who asks. */
        if (strstr(path, "/actions.c") || strstr(path, "/credentials"))
            continue;
        assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
        find_quoted(text, ".action = \"", &called);
        find_quoted(text, "{AWS_EC2, \"", &called);
        find_quoted(text, "{AWS_SSM, \"", &called);
        find_quoted(text, "ask(client, \"", &called);
        file_free(&text);
    }
    globfree(&files);
    for (size_t i = 0; i < n_aws_actions; i++)
        add(&known, str_of(aws_actions[i].name));
    assert_same(&called, &known, "the sources and actions.c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_allows_what_we_call),
        cmocka_unit_test(the_table_has_the_calls_of_the_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

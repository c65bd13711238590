/* The small modules of base: errors, interned text, growing arrays, findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/intern.h"
#include "base/vec.h"

static void errors_gain_context_as_they_rise(void **state)
{
    (void)state;
    struct err err = {.http_status = 500, .provider_code = "Old"};
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no %s", "queue"), ERR_NOT_FOUND);
    assert_int_equal(err.http_status, 0);
    assert_string_equal(err.provider_code, "");
    assert_int_equal(err_wrap(&err, "reading %d", 7), ERR_NOT_FOUND);
    assert_string_equal(err.message, "reading 7: no queue");
    assert_int_equal(err_nomem(&err), ERR_NOMEM);
    assert_string_equal(err.message, "out of memory");
    assert_int_equal(err_set(NULL, ERR_AUTH, "x"), ERR_AUTH);
    assert_int_equal(err_wrap(NULL, "x"), ERR_FATAL);
    assert_int_equal(err_nomem(NULL), ERR_NOMEM);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char text[2 * ERR_MESSAGE_MAX];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_INVALID, "%s", text), ERR_INVALID);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    err_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    assert_int_equal(err.code, ERR_INVALID);
}

static void codes_have_names(void **state)
{
    (void)state;
    for (int code = ERR_FATAL; code <= 0; code++)
        for (int other = code + 1; other <= 0; other++)
            assert_string_not_equal(err_code_name(code), err_code_name(other));
}

static void equal_texts_have_equal_ids(void **state)
{
    (void)state;
    struct intern table = {0};
    assert_int_equal(intern_find(&table, STR("0")), INTERN_NONE);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            char text[16];
            uint32_t id = INTERN_NONE;
            snprintf(text, sizeof(text), "%u", (unsigned)i);
            assert_int_equal(intern_add(&table, str_of(text), &id, NULL), 0);
            assert_int_equal(id, i);
            assert_int_equal(intern_find(&table, str_of(text)), i);
            assert_string_equal(intern_text(&table, i).ptr, text);
        }
    }
    assert_int_equal(table.len, 1000);
    assert_int_equal(intern_find(&table, STR("1000")), INTERN_NONE);
    uint32_t empty, nul;
    assert_int_equal(intern_add(&table, STR(""), &empty, NULL), 0);
    assert_int_equal(intern_add(&table, (struct str){"\0", 1}, &nul, NULL), 0);
    assert_int_not_equal(empty, nul);
    intern_release(&table);
    assert_int_equal(table.len, 0);
}

static void arrays_grow(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(VEC_PUSH(&numbers, i));
    assert_int_equal(numbers.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i);
    VEC_FREE(&numbers);
    assert_null(numbers.items);
    void *items = NULL;
    size_t cap = 0;
    assert_false(vec_grow(&items, &cap, 0, SIZE_MAX));
    assert_null(items);
}

static void findings_are_kept_then_counted(void **state)
{
    (void)state;
    struct diag diag = {0};
    char file[] = "a.yaml";
    diag_add(&diag, file, 7, "spec.x", "is %d, allowed is %d", 1, 2);
    memset(file, 'z', sizeof(file) - 1);
    assert_string_equal(diag.findings[0].file, "a.yaml");
    assert_string_equal(diag.findings[0].text, "spec.x: is 1, allowed is 2");
    assert_int_equal(diag.findings[0].line, 7);
    diag_add(&diag, "-", 0, "", "is empty");
    assert_string_equal(diag.findings[1].text, "is empty");
    for (int i = 0; i < DIAG_MAX; i++)
        diag_add(&diag, "-", i, "", "more");
    assert_int_equal(diag.len, DIAG_MAX);
    assert_int_equal(diag.dropped, 2);
    assert_int_equal(diag_count(&diag), DIAG_MAX + 2);
    diag_release(&diag);
    assert_int_equal(diag_count(&diag), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_gain_context_as_they_rise),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(codes_have_names),
        cmocka_unit_test(equal_texts_have_equal_ids),
        cmocka_unit_test(arrays_grow),
        cmocka_unit_test(findings_are_kept_then_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_table.c - columns line up, bars are as long as they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/cmd/table.h"

static const struct table_column columns[] = {{"TYPE", '<'}, {"CPU", '<'}, {"USD", '>'}};

static void prints(struct terminal terminal, const struct table *table, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    table_print(table, terminal, file);
    fclose(file);
    assert_string_equal(text, expected);
    free(text);
}

static void fill(struct table *table, struct terminal terminal)
{
    assert_int_equal(table_cell(table, NULL, "%s", "c5.large"), 0);
    assert_int_equal(table_bar(table, terminal, 5, 10, NULL), 0);
    assert_int_equal(table_cell(table, NULL, "0.1"), 0);
    assert_int_equal(table_cell(table, NULL, "m5"), 0);
    assert_int_equal(table_bar(table, terminal, 1, 0, NULL), 0);
    assert_int_equal(table_cell(table, NULL, "12.25"), 0);
    assert_int_equal(table_cell(table, NULL, "a row that is not full"), 0);
}

static void plain(void **state)
{
    (void)state;
    struct terminal terminal = {0};
    struct table table = {.columns = columns, .n_columns = 3};
    fill(&table, terminal);
    prints(terminal, &table,
           "TYPE      CPU                USD\n"
           "c5.large  #####.....  50%    0.1\n"
           "m5        -                12.25\n");
    table_release(&table);
}

static void blocks_and_colour(void **state)
{
    (void)state;
    struct terminal terminal = {true, true, true};
    struct table table = {.columns = columns, .n_columns = 3};
    assert_int_equal(table_cell(&table, NULL, "x"), 0);
    assert_int_equal(table_bar(&table, terminal, 20, 10, NULL), 0);
    assert_int_equal(table_cell(&table, NULL, "1"), 0);
    prints(terminal, &table,
           "\033[1mTYPE  CPU              USD\n\033[0m"
           "x     ██████████ 200%    1\n");
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(blocks_and_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

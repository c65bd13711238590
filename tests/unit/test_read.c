/* test_read.c - files, folders and standard input, and what is said of those that cannot be read. */
#include "tests/unit/api_helper.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static void folder_make(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "build/read-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static void path_in(const struct folder *folder, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder->path, name);
}

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    char path[256];
    path_in(folder, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void drop(const struct folder *folder, const char *name)
{
    char path[256];
    path_in(folder, name, path);
    assert_int_equal(remove(path), 0);
}

static int read_path(struct world *world, const char *path, const char *standard_input)
{
    return objects_read_path(&world->objects, path, str_of(standard_input), &world->diag, &world->err);
}

#define POD(name) "{apiVersion: v1, kind: Pod, metadata: {name: " name "}, spec: {containers: [{}]}}\n"

static void folders_are_read_in_name_order(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    struct folder folder;
    char path[256];
    folder_make(&folder);
    put_file(&folder, "2.yml", POD("b"));
    put_file(&folder, "1.yaml", POD("a"));
    put_file(&folder, "3.json",
             "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"c\"},\"spec\":"
             "{\"containers\":[{}]}}");
    put_file(&folder, "4.txt", "not yaml: [");
    path_in(&folder, "deeper.yaml", path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(read_path(&world, folder.path, ""), 0);
    assert_int_equal(world.objects.pods.len, 3);
    assert_text(world.objects.pods.items[0].name, "a");
    assert_text(world.objects.pods.items[1].name, "b");
    assert_text(world.objects.pods.items[2].name, "c");
    path_in(&folder, "1.yaml", path);
    assert_string_equal(world.objects.pods.items[0].origin.file, path);
    world_release(&world);
    static const char *const names[] = {"2.yml", "1.yaml", "3.json", "4.txt", "deeper.yaml", ""};
    for (size_t i = 0; i < CC_COUNT(names); i++)
        drop(&folder, names[i]);
}

static void an_empty_folder_is_found(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    struct folder folder;
    folder_make(&folder);
    assert_int_equal(read_path(&world, folder.path, ""), ERR_INVALID);
    assert_true(world_found(&world, 0, "", "has no *.yaml"));
    world_release(&world);
    drop(&folder, "");
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    assert_int_equal(read_path(&world, "build/no-such-file.yaml", ""), ERR_NOT_FOUND);
    assert_non_null(strstr(world.err.message, "build/no-such-file.yaml"));
    assert_int_equal(diag_count(&world.diag), 0);
    world_release(&world);
}

static void a_file_that_may_not_be_read_is_found(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* root may read everything */
    struct world world = {.err = {.code = 0}};
    struct folder folder;
    char path[256];
    folder_make(&folder);
    put_file(&folder, "a.yaml", POD("a"));
    path_in(&folder, "a.yaml", path);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(read_path(&world, folder.path, ""), ERR_INVALID);
    assert_true(world_found(&world, 0, "", "Permission denied"));
    world_release(&world);
    drop(&folder, "a.yaml");
    drop(&folder, "");
}

static void standard_input_is_a_dash(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    assert_int_equal(read_path(&world, "-", POD("a") "---\n" POD("b")), 0);
    assert_int_equal(world.objects.pods.len, 2);
    assert_string_equal(world.objects.pods.items[1].origin.file, "-");
    assert_int_equal(world.objects.pods.items[1].origin.line, 3);
    world_release(&world);
    assert_int_equal(read_path(&world, "-", ""), 0);
    assert_int_equal(world.objects.pods.len, 0);
    world_release(&world);
}

static void broken_documents_are_findings_with_a_line(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    assert_int_equal(read_path(&world, "-", "---\n" POD("a") "---\nkind: Pod\n  bad: [\n"), ERR_INVALID);
    assert_int_equal(world.diag.len, 1);
    assert_true(world.diag.findings[0].line >= 3);
    assert_string_equal(world.diag.findings[0].file, "-");
    assert_null(strstr(world.diag.findings[0].text, "line "));
    assert_string_equal(world.err.message, "-: 1 finding");
    world_release(&world);
}

static void a_broken_file_does_not_hide_the_next(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    struct folder folder;
    folder_make(&folder);
    put_file(&folder, "1.json", "{\"kind\":");
    put_file(&folder, "2.yaml", "{kind: Pod, apiVersion: v1}");
    assert_int_equal(read_path(&world, folder.path, ""), ERR_INVALID);
    assert_int_equal(world.diag.len, 2);
    assert_true(world_found(&world, 1, "metadata.name", "is missing"));
    world_release(&world);
    drop(&folder, "1.json");
    drop(&folder, "2.yaml");
    drop(&folder, "");
}

static void lists_are_unpacked(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    assert_int_equal(
        read_path(&world, "-",
                  "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
                  "\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{}]}},{\"apiVersion\":\"v1\","
                  "\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}]}"),
        0);
    assert_int_equal(world.objects.pods.len, 1);
    assert_int_equal(world.objects.nodes.len, 1);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_read_in_name_order),
        cmocka_unit_test(an_empty_folder_is_found),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(a_file_that_may_not_be_read_is_found),
        cmocka_unit_test(standard_input_is_a_dash),
        cmocka_unit_test(broken_documents_are_findings_with_a_line),
        cmocka_unit_test(a_broken_file_does_not_hide_the_next),
        cmocka_unit_test(lists_are_unpacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

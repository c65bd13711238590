/* test_file.c - reading whole files: contents, ends, limits, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static void write_all(int fd, const char *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

static void reads_what_was_written(void **state)
{
    (void)state;
    char path[] = "/tmp/stoker-file-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_all(fd, "one\0two\n", 8);
    close(fd);
    struct str text;
    assert_int_equal(file_read(path, 8, &text, NULL), 0);
    assert_int_equal(text.len, 8);
    assert_memory_equal(text.ptr, "one\0two\n", 9);
    file_free(&text);
    assert_null(text.ptr);

    struct err err = {0};
    assert_int_equal(file_read(path, 7, &text, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, path));
    unlink(path);
    assert_int_equal(file_read(path, 8, &text, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, path));
}

static void reads_a_pipe_beyond_the_first_buffer(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    enum { ROUNDS = 50, CHUNK = 4096 };
    if (fork() == 0) {
        char chunk[CHUNK];
        memset(chunk, 'x', sizeof(chunk));
        for (int i = 0; i < ROUNDS; i++)
            if (write(ends[1], chunk, sizeof(chunk)) != (ssize_t)sizeof(chunk))
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    struct str text;
    assert_int_equal(file_read_fd(ends[0], 1 << 20, &text, NULL), 0);
    assert_int_equal(text.len, ROUNDS * CHUNK);
    assert_int_equal(text.ptr[text.len - 1], 'x');
    file_free(&text);
    close(ends[0]);
}

static void empty_and_folder(void **state)
{
    (void)state;
    struct str text;
    assert_int_equal(file_read("/dev/null", 10, &text, NULL), 0);
    assert_int_equal(text.len, 0);
    file_free(&text);
    struct err err = {0};
    assert_int_equal(file_read("/", 10, &text, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(reads_a_pipe_beyond_the_first_buffer),
        cmocka_unit_test(empty_and_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

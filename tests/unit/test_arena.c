/* Arenas: aligned, zeroed, rewound; and what cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    unsigned char *last = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *memory = arena_alloc(&arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
        assert_ptr_not_equal(memory, last);
        last = memory;
    }
    arena_release(&arena);
    assert_null(arena.head);
    assert_int_equal(arena.used_bytes, 0);
}

static void rewinding(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char *first = arena_copy(&arena, "first", 5);
    struct arena_mark mark = arena_mark(&arena);
    char *second = arena_copy(&arena, "second", 6);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 1000));
    arena_rewind(&arena, mark);
    assert_string_equal(first, "first");
    assert_ptr_equal(arena_alloc(&arena, 6), second);
    assert_int_equal(*second, 0);
    arena_rewind(&arena, (struct arena_mark){0});
    assert_null(arena.head);
    arena_release(&arena);
}

static void larger_than_a_block(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char *large = arena_alloc(&arena, 5 << 20);
    assert_non_null(large);
    large[(5 << 20) - 1] = 1;
    assert_non_null(arena_alloc(&arena, 1));
    arena_release(&arena);
}

static void absurd_sizes_give_null(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 16));
    assert_null(arena_copy(&arena, "", SIZE_MAX));
    assert_null(arena.head);
    assert_non_null(arena_calloc(&arena, 0, 16));
    arena_release(&arena);
}

static void printing(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    assert_string_equal(arena_printf(&arena, "%s-%d", "exec", 7), "exec-7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(rewinding),
        cmocka_unit_test(larger_than_a_block),
        cmocka_unit_test(absurd_sizes_give_null),
        cmocka_unit_test(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

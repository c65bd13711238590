#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_STEP = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[];
};

size_t arena_cost(size_t size)
{
    const size_t step = _Alignof(max_align_t);
    return ((size ? size : 1) + step - 1) / step * step;
}

/* A block on top of the others. */
static struct arena_block *block_push(const struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    block->next = arena->head;
    block->size = size;
    block->used = 0;
    return block;
}

static struct arena_block *block_new(const struct arena *arena, size_t need)
{
    size_t size = arena->head ? arena->head->size * 2 : FIRST_BLOCK;
    if (size > LARGEST_STEP)
        size = LARGEST_STEP;
    return block_push(arena, size < need ? need : size);
}

bool arena_reserve(struct arena *arena, size_t size)
{
    assert(!arena->head);
    if (size > SIZE_MAX / 2)
        return false;
    arena->head = block_push(arena, arena_cost(size));
    return arena->head != NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t need = arena_cost(size);
    if (!arena->head || arena->head->size - arena->head->used < need) {
        struct arena_block *block = block_new(arena, need);
        if (!block)
            return NULL;
        arena->head = block;
    }
    void *memory = arena->head->bytes + arena->head->used;
    arena->head->used += need;
    arena->used_bytes += need;
    return memset(memory, 0, need);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size)
        return NULL;
    return arena_alloc(arena, count * size);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, size + 1);
    if (copy && size)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->head, arena->head ? arena->head->used : 0, arena->used_bytes};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->head != mark.block) {
        struct arena_block *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
    if (arena->head)
        arena->head->used = mark.block_used;
    arena->used_bytes = mark.used_bytes;
}

void arena_release(struct arena *arena)
{
    arena_rewind(arena, (struct arena_mark){0});
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->head; block; block = block->next)
        explicit_bzero(block->bytes, block->size);
    arena_release(arena);
}

/* arena.h - memory that is given back all at once: one arena per pass, solve or response. */
#ifndef STOKER_BASE_ARENA_H
#define STOKER_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cc.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_bytes; /* handed out so far, for tests and metrics */
};

/* A place in an arena to which it can be rewound. */
struct arena_mark {
    struct arena_block *block;
    size_t block_used;
    size_t used_bytes;
};

#define ARENA_INIT ((struct arena){0})

/* Zeroed memory, aligned for any type; NULL if memory ran out (arena unchanged). size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/*
 * Makes room for `size` bytes of an empty arena in one block of just that size, for those whose use is known before;
 * more can be had all the same. False if memory ran out.
 */
bool arena_reserve(struct arena *arena, size_t size);

/* What arena_alloc(size) takes of an arena. */
size_t arena_cost(size_t size);

/* As arena_alloc for count * size bytes; NULL on overflow too. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

#define arena_new(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

/* A copy of `size` bytes with a NUL behind them; NULL if memory ran out. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);

/* printf into the arena; NULL if memory ran out. */
char *arena_printf(struct arena *arena, const char *fmt, ...) CC_PRINTF(2, 3);

struct arena_mark arena_mark(const struct arena *arena);

/* Frees everything that was handed out since the mark. */
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Frees everything; the arena can be used again. */
void arena_release(struct arena *arena);

/* The same, and its bytes are overwritten first: for what held secrets. */
void arena_wipe(struct arena *arena);

#endif

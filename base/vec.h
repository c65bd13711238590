/* vec.h - a growing array of one type: VEC(int) v = {0}; VEC_PUSH(&v, 7). Freed with VEC_FREE. */
#ifndef STOKER_BASE_VEC_H
#define STOKER_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

/* Room for one more element; false if memory ran out (nothing changed). For the macros below. */
bool vec_grow(void **items, size_t *cap, size_t len, size_t item_size);

#define VEC(type)        \
    struct {             \
        type *items;     \
        size_t len, cap; \
    }

/* Appends a value; evaluates to false if memory ran out. */
#define VEC_PUSH(vec, value)                                                                                          \
    (((vec)->len < (vec)->cap || vec_grow((void **)&(vec)->items, &(vec)->cap, (vec)->len, sizeof(*(vec)->items))) && \
     ((vec)->items[(vec)->len++] = (value), true))

#define VEC_FREE(vec) (free((vec)->items), (vec)->items = NULL, (vec)->len = (vec)->cap = 0)

#endif

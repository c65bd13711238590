#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

bool vec_grow(void **items, size_t *cap, size_t len, size_t item_size)
{
    if (len < *cap)
        return true;
    size_t want = *cap ? *cap * 2 : 8;
    if (want < *cap || want > SIZE_MAX / item_size)
        return false;
    void *grown = realloc(*items, want * item_size);
    if (!grown)
        return false;
    *items = grown;
    *cap = want;
    return true;
}

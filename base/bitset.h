/* bitset.h - fixed-size sets over dense ids, as arrays of 64-bit words. */
#ifndef STOKER_BASE_BITSET_H
#define STOKER_BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITSET_WORDS(bits) (((size_t)(bits) + 63) / 64)

static inline bool bitset_has(const uint64_t *set, size_t bit)
{
    return (set[bit / 64] >> (bit % 64)) & 1u;
}

static inline void bitset_add(uint64_t *set, size_t bit)
{
    set[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static inline void bitset_remove(uint64_t *set, size_t bit)
{
    set[bit / 64] &= ~((uint64_t)1 << (bit % 64));
}

/* All functions below take the number of bits; bits beyond it are kept zero. */
void bitset_fill(uint64_t *set, size_t bits);
void bitset_clear(uint64_t *set, size_t bits);
void bitset_copy(uint64_t *into, const uint64_t *from, size_t bits);
void bitset_and(uint64_t *into, const uint64_t *with, size_t bits);
void bitset_or(uint64_t *into, const uint64_t *with, size_t bits);
void bitset_and_not(uint64_t *into, const uint64_t *without, size_t bits);
size_t bitset_count(const uint64_t *set, size_t bits);
bool bitset_empty(const uint64_t *set, size_t bits);
bool bitset_subset(const uint64_t *part, const uint64_t *whole, size_t bits);
bool bitset_intersects(const uint64_t *a, const uint64_t *b, size_t bits);
bool bitset_equal(const uint64_t *a, const uint64_t *b, size_t bits);

/* The first member at or behind `from`, or `bits` if there is none. */
size_t bitset_next(const uint64_t *set, size_t bits, size_t from);

#define BITSET_EACH(i, set, bits) \
    for (size_t i = bitset_next((set), (bits), 0); i < (bits); i = bitset_next((set), (bits), i + 1))

#endif

#include "base/bitset.h"

#include <string.h>

void bitset_fill(uint64_t *set, size_t bits)
{
    size_t words = BITSET_WORDS(bits);
    for (size_t i = 0; i < words; i++)
        set[i] = UINT64_MAX;
    if (bits % 64)
        set[words - 1] = ((uint64_t)1 << (bits % 64)) - 1;
}

void bitset_clear(uint64_t *set, size_t bits)
{
    memset(set, 0, BITSET_WORDS(bits) * sizeof(*set));
}

void bitset_copy(uint64_t *into, const uint64_t *from, size_t bits)
{
    memcpy(into, from, BITSET_WORDS(bits) * sizeof(*into));
}

void bitset_and(uint64_t *into, const uint64_t *with, size_t bits)
{
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        into[i] &= with[i];
}

void bitset_or(uint64_t *into, const uint64_t *with, size_t bits)
{
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        into[i] |= with[i];
}

void bitset_and_not(uint64_t *into, const uint64_t *without, size_t bits)
{
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        into[i] &= ~without[i];
}

size_t bitset_count(const uint64_t *set, size_t bits)
{
    size_t count = 0;
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        count += (size_t)__builtin_popcountll(set[i]);
    return count;
}

bool bitset_empty(const uint64_t *set, size_t bits)
{
    return bitset_next(set, bits, 0) == bits;
}

bool bitset_subset(const uint64_t *part, const uint64_t *whole, size_t bits)
{
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        if (part[i] & ~whole[i])
            return false;
    return true;
}

bool bitset_intersects(const uint64_t *a, const uint64_t *b, size_t bits)
{
    for (size_t i = 0; i < BITSET_WORDS(bits); i++)
        if (a[i] & b[i])
            return true;
    return false;
}

bool bitset_equal(const uint64_t *a, const uint64_t *b, size_t bits)
{
    return memcmp(a, b, BITSET_WORDS(bits) * sizeof(*a)) == 0;
}

size_t bitset_next(const uint64_t *set, size_t bits, size_t from)
{
    if (from >= bits)
        return bits;
    size_t word = from / 64;
    uint64_t rest = set[word] & (UINT64_MAX << (from % 64));
    while (!rest) {
        if (++word >= BITSET_WORDS(bits))
            return bits;
        rest = set[word];
    }
    return word * 64 + (size_t)__builtin_ctzll(rest);
}

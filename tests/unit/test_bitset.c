/* Bitsets of every length around a word's end, held against arrays of bools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"

enum { MOST_BITS = 200, WORDS = BITSET_WORDS(MOST_BITS) };

/* A set with a simple pattern, and the same as bools. */
static void make(uint64_t *set, bool *plain, size_t bits, size_t seed)
{
    bitset_clear(set, bits);
    for (size_t i = 0; i < bits; i++) {
        plain[i] = (i * 7 + seed * 13) % (seed + 2) == 0;
        if (plain[i])
            bitset_add(set, i);
    }
}

static void operations_are_those_of_sets(void **state)
{
    (void)state;
    for (size_t bits = 1; bits <= MOST_BITS; bits++) {
        for (size_t seed = 0; seed < 4; seed++) {
            uint64_t a[WORDS], b[WORDS], both[WORDS], either[WORDS], rest[WORDS];
            bool in_a[MOST_BITS], in_b[MOST_BITS];
            make(a, in_a, bits, seed);
            make(b, in_b, bits, seed + 1);
            bitset_copy(both, a, bits);
            bitset_and(both, b, bits);
            bitset_copy(either, a, bits);
            bitset_or(either, b, bits);
            bitset_copy(rest, a, bits);
            bitset_and_not(rest, b, bits);
            size_t count = 0, common = 0;
            bool subset = true, equal = true;
            for (size_t i = 0; i < bits; i++) {
                assert_int_equal(bitset_has(both, i), in_a[i] && in_b[i]);
                assert_int_equal(bitset_has(either, i), in_a[i] || in_b[i]);
                assert_int_equal(bitset_has(rest, i), in_a[i] && !in_b[i]);
                count += in_a[i];
                common += in_a[i] && in_b[i];
                subset = subset && (!in_a[i] || in_b[i]);
                equal = equal && in_a[i] == in_b[i];
            }
            assert_int_equal(bitset_count(a, bits), count);
            assert_int_equal(bitset_empty(a, bits), count == 0);
            assert_int_equal(bitset_intersects(a, b, bits), common > 0);
            assert_int_equal(bitset_subset(a, b, bits), subset);
            assert_int_equal(bitset_equal(a, b, bits), equal);
            assert_true(bitset_subset(both, a, bits) && bitset_subset(a, either, bits));
        }
    }
}

static void walking(void **state)
{
    (void)state;
    for (size_t bits = 1; bits <= MOST_BITS; bits++) {
        uint64_t set[WORDS];
        bool plain[MOST_BITS];
        make(set, plain, bits, 3);
        size_t seen = 0;
        BITSET_EACH (i, set, bits) {
            assert_true(plain[i]);
            seen++;
        }
        assert_int_equal(seen, bitset_count(set, bits));
        assert_int_equal(bitset_next(set, bits, bits), bits);
    }
}

static void filling_keeps_the_tail_zero(void **state)
{
    (void)state;
    for (size_t bits = 1; bits <= MOST_BITS; bits++) {
        uint64_t set[WORDS];
        memset(set, 0xaa, sizeof(set));
        bitset_fill(set, bits);
        assert_int_equal(bitset_count(set, bits), bits);
        if (bits % 64)
            assert_true(set[BITSET_WORDS(bits) - 1] >> (bits % 64) == 0);
        bitset_remove(set, bits - 1);
        assert_int_equal(bitset_count(set, bits), bits - 1);
        bitset_clear(set, bits);
        assert_true(bitset_empty(set, bits));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_those_of_sets),
        cmocka_unit_test(walking),
        cmocka_unit_test(filling_keeps_the_tail_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

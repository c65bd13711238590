/* test_check_pattern.c - the bound on one node's worth, against all its patterns, however little work is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "solver/check_pattern.h"
#include "tests/support/random_problem.h"

enum { ITEMS = 6, ROWS = 3, MOST = 4 };

/* A node with its arrays; shapes are 0 … ITEMS - 1 and at most one conflict. */
struct fixture {
    int64_t room[ROWS], load[ITEMS * ROWS], worth[ITEMS];
    int32_t most[ITEMS];
    uint32_t shape[ITEMS];
    uint64_t a, b;
    struct solver_conflict conflict;
    struct check_node node;
};

static void fixture_init(struct fixture *f, struct rng *rng)
{
    *f = (struct fixture){0};
    int64_t grain = rng_chance(rng, 50) ? 1 : 100;
    for (uint32_t r = 0; r < ROWS; r++)
        f->room[r] = grain * rng_between(rng, 5, 60) + rng_between(rng, 0, grain - 1);
    for (uint32_t i = 0; i < ITEMS; i++) {
        int64_t size = 0;
        for (uint32_t r = 0; r < ROWS; r++)
            size += f->load[i * ROWS + r] = grain * rng_between(rng, rng_chance(rng, 10) ? 0 : 1, 16);
        f->worth[i] = 1 + size * 1000000 * rng_between(rng, 90, 110) / 100;
        f->most[i] = (int32_t)rng_between(rng, 0, MOST);
        f->shape[i] = i;
    }
    f->a = rng_next(rng) & 0x15;
    f->b = rng_next(rng) & 0x2a;
    f->conflict = (struct solver_conflict){&f->a, &f->b};
    f->node = (struct check_node){
        ROWS, ITEMS, (uint32_t)rng_between(rng, 0, 1), f->room, f->load, f->worth, f->most, f->shape, &f->conflict};
}

/* The best worth of all patterns from item `i` on; with[i] is, for each item, the best of those that have it. */
static void enumerate(const struct fixture *f, uint32_t i, const int64_t *room, int64_t worth, uint64_t has,
                      int64_t *best, int64_t with[ITEMS])
{
    if (i == ITEMS) {
        if (f->node.n_conflicts && (has & f->a) && (has & f->b))
            return;
        *best = worth > *best ? worth : *best;
        for (uint32_t k = 0; k < ITEMS; k++)
            if ((has >> k & 1) && worth > with[k])
                with[k] = worth;
        return;
    }
    int64_t left[ROWS];
    memcpy(left, room, sizeof(left));
    for (int32_t count = 0; count <= f->most[i]; count++) {
        enumerate(f, i + 1, left, worth + count * f->worth[i], has | (uint64_t)(count > 0) << i, best, with);
        for (uint32_t r = 0; r < ROWS; r++) {
            left[r] -= f->load[i * ROWS + r];
            if (left[r] < 0)
                return;
        }
    }
}

static void test_against_all_patterns(void **state)
{
    (void)state;
    static const uint32_t budgets[] = {0, 1, 3, 9, 1000};
    struct rng rng = {21};
    int exact = 0, loose = 0, harmless_ones = 0;
    for (int round = 0; round < 600; round++) {
        struct fixture f;
        fixture_init(&f, &rng);
        int64_t best = 0, with[ITEMS] = {0};
        enumerate(&f, 0, f.room, 0, 0, &best, with);
        int64_t enough = rng_chance(&rng, 50) ? 0 : best * rng_between(&rng, 90, 105) / 100;
        uint32_t allowed = budgets[rng_between(&rng, 0, 4)], budget = allowed;
        struct arena arena = ARENA_INIT;
        bool harmless[ITEMS];
        int128 worth;
        assert_int_equal(check_pattern_bound(&f.node, enough, &budget, &arena, &worth, harmless, NULL), 0);
        assert_true(worth >= best && worth >= enough && budget <= allowed);
        for (uint32_t i = 0; i < ITEMS; i++) {
            assert_true(!harmless[i] || with[i] <= enough);
            harmless_ones += harmless[i] && f.most[i] > 0;
        }
        if (allowed == 1000) {
            int64_t target = best > enough ? best : enough;
            assert_true(worth <= target + target / 1000000);
            exact++;
        }
        loose += allowed < 9 && worth > best + best / 1000;
        arena_release(&arena);
    }
    assert_true(exact > 50 && loose > 50 && harmless_ones > 50);
}

/* The largest numbers that are allowed stay within the integers used. */
static void test_extremes(void **state)
{
    (void)state;
    struct fixture f = {.room = {INT64_MAX, INT64_MAX, 0}, .shape = {0, 1}};
    f.worth[0] = f.worth[1] = CHECK_MAX_WORTH;
    f.most[0] = INT32_MAX - 1;
    f.most[1] = 1;
    f.load[0] = INT64_MAX / (INT32_MAX - 1);
    f.load[ROWS + 1] = INT64_MAX;
    f.node = (struct check_node){ROWS, 2, 0, f.room, f.load, f.worth, f.most, f.shape, NULL};
    struct arena arena = ARENA_INIT;
    uint32_t budget = 100;
    bool harmless[2];
    int128 worth;
    assert_int_equal(check_pattern_bound(&f.node, 0, &budget, &arena, &worth, harmless, NULL), 0);
    assert_true(worth == (int128)CHECK_MAX_WORTH * INT32_MAX);
    assert_true(!harmless[0] && !harmless[1]);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_all_patterns),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_plans.c - the checker accepts plans that are right and rejects each way in which one can be broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "solver/check.h"
#include "tests/support/brute.h"
#include "tests/support/random_problem.h"

enum { ROUNDS = 3000, SPARE = 2 };

static const struct random_kind kind = {
    .pods = 14, .shapes = 5, .offerings = 5, .groups = 3, .conflicts = 2, .nodes = 3, .owners = 2};

static struct solver_take *copy_takes(const struct solver_take *takes, uint32_t n, struct arena *arena)
{
    struct solver_take *copy = must_alloc(arena, n + SPARE, sizeof(*copy));
    if (n > 0)
        memcpy(copy, takes, n * sizeof(*copy));
    return copy;
}

/* A copy with room for more, so that it can be broken without harm to the original. */
static struct solver_plan copy_plan(const struct solver_plan *plan, struct arena *arena)
{
    struct solver_plan copy = *plan;
    copy.purchases = must_alloc(arena, plan->n_purchases + SPARE, sizeof(*copy.purchases));
    copy.fillings = must_alloc(arena, plan->n_fillings + SPARE, sizeof(*copy.fillings));
    copy.leftovers = must_alloc(arena, plan->n_leftovers + SPARE, sizeof(*copy.leftovers));
    for (size_t i = 0; i < plan->n_purchases; i++) {
        copy.purchases[i] = plan->purchases[i];
        copy.purchases[i].takes = copy_takes(plan->purchases[i].takes, plan->purchases[i].n_takes, arena);
    }
    for (size_t i = 0; i < plan->n_fillings; i++) {
        copy.fillings[i] = plan->fillings[i];
        copy.fillings[i].takes = copy_takes(plan->fillings[i].takes, plan->fillings[i].n_takes, arena);
    }
    for (size_t i = 0; i < plan->n_leftovers; i++)
        copy.leftovers[i] = plan->leftovers[i];
    return copy;
}

/* The takes of a copy are our own. */
static struct solver_take *own(const struct solver_take *takes)
{
    return (struct solver_take *)(uintptr_t)takes;
}

/* ---- A second opinion on the checker: short, by brute_holds ---- */

static bool count_place(const struct solver_problem *p, const struct brute_place *place,
                        const struct solver_take *takes, uint32_t n, int64_t copies, int64_t *placed)
{
    int32_t counts[16] = {0};
    if (n == 0 || copies < 1 || place->id >= (place->exists ? p->n_nodes : p->n_offerings))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (takes[i].shape >= p->n_shapes || takes[i].count < 1 || takes[i].count > 100 ||
            (i && takes[i].shape <= takes[i - 1].shape))
            return false;
        counts[takes[i].shape] = takes[i].count;
        placed[takes[i].shape] += copies * takes[i].count;
    }
    return brute_holds(p, place, counts);
}

static bool is_right(const struct solver_problem *p, const struct solver_plan *plan)
{
    int64_t placed[16] = {0}, cost = 0;
    for (size_t i = 0; i < plan->n_purchases; i++) {
        const struct solver_purchase *b = &plan->purchases[i];
        if (b->copies > 100 ||
            !count_place(p, &(struct brute_place){false, b->offering}, b->takes, b->n_takes, b->copies, placed))
            return false;
        cost += b->copies * p->offerings[b->offering].price_microusd;
    }
    for (size_t i = 0; i < plan->n_fillings; i++) {
        const struct solver_filling *f = &plan->fillings[i];
        if (!count_place(p, &(struct brute_place){true, f->node}, f->takes, f->n_takes, 1, placed))
            return false;
        for (size_t k = 0; k < i; k++)
            if (plan->fillings[k].node == f->node)
                return false;
    }
    for (size_t i = 0; i < plan->n_leftovers; i++) {
        const struct solver_leftover *l = &plan->leftovers[i];
        if (l->shape >= p->n_shapes || l->count < 1 || l->count > 100 || l->why != SOLVER_NO_OFFERING ||
            l->owner != SOLVER_NONE)
            return false;
        int32_t one[16] = {0};
        one[l->shape] = 1;
        for (uint32_t j = 0; j < p->n_offerings; j++)
            if (brute_holds(p, &(struct brute_place){false, j}, one))
                return false;
        placed[l->shape] += l->count;
    }
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (placed[s] != p->shapes[s].count)
            return false;
    return cost == plan->cost_microusd && plan->lower_bound_microusd >= 0 && plan->lower_bound_microusd <= cost;
}

/* ---- Ways to break a plan; false if this one cannot be broken in that way ---- */

typedef bool (*breaker)(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan);

static struct solver_purchase *any_purchase(struct rng *rng, const struct solver_plan *plan)
{
    return plan->n_purchases ? &plan->purchases[rng_between(rng, 0, (int64_t)plan->n_purchases - 1)] : NULL;
}

static struct solver_filling *any_filling(struct rng *rng, const struct solver_plan *plan)
{
    return plan->n_fillings ? &plan->fillings[rng_between(rng, 0, (int64_t)plan->n_fillings - 1)] : NULL;
}

static bool drop_purchase(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)rng;
    if (!plan->n_purchases)
        return false;
    plan->n_purchases--;
    plan->cost_microusd -= p->offerings[plan->purchases[plan->n_purchases].offering].price_microusd;
    return true;
}

static bool drop_take(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b || b->n_takes < 2)
        return false;
    b->n_takes--;
    return true;
}

static bool add_pod(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b)
        return false;
    own(b->takes)[0].count++;
    return true;
}

static bool remove_pod(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    struct solver_filling *f = any_filling(rng, plan);
    if (!f)
        return false;
    own(f->takes)[f->n_takes - 1].count--;
    return true;
}

static bool move_where_not_admitted(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    for (uint32_t j = 0; b && j < p->n_offerings; j++) {
        if (bitset_has(p->shapes[b->takes[0].shape].admits, j))
            continue;
        plan->cost_microusd += p->offerings[j].price_microusd - p->offerings[b->offering].price_microusd;
        b->offering = j;
        return true;
    }
    return false;
}

/* Puts one node's pods on another as well, all sums kept right: breaks room, a cap or a conflict if it breaks. */
static bool merge_nodes(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    int32_t counts[16] = {0};
    struct solver_purchase *b = any_purchase(rng, plan);
    struct solver_purchase *last = plan->n_purchases > 1 ? &plan->purchases[plan->n_purchases - 1] : b;
    if (b == last)
        return false;
    for (uint32_t i = 0; i < b->n_takes; i++)
        counts[b->takes[i].shape] += b->takes[i].count;
    for (uint32_t i = 0; i < last->n_takes; i++)
        counts[last->takes[i].shape] += last->takes[i].count;
    if (brute_holds(p, &(struct brute_place){false, b->offering}, counts))
        return false;
    struct solver_take *takes = calloc(p->n_shapes, sizeof(*takes));
    uint32_t n = 0;
    for (uint32_t s = 0; takes && s < p->n_shapes; s++)
        if (counts[s] > 0)
            takes[n++] = (struct solver_take){s, counts[s]};
    /* Takes that do not fit in the copy's room cannot be tried. */
    bool possible = takes && n <= b->n_takes + SPARE;
    if (possible) {
        memcpy(own(b->takes), takes, n * sizeof(*takes));
        b->n_takes = n;
        plan->cost_microusd -= p->offerings[last->offering].price_microusd;
        plan->n_purchases--;
    }
    free(takes);
    return possible;
}

static bool wrong_cost(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    plan->cost_microusd += rng_chance(rng, 50) ? 1 : -1;
    return true;
}

static bool twice_the_purchase(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b)
        return false;
    plan->cost_microusd += p->offerings[b->offering].price_microusd;
    plan->purchases[plan->n_purchases++] = *b;
    return true;
}

static bool one_copy_more(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b)
        return false;
    plan->cost_microusd += p->offerings[b->offering].price_microusd;
    b->copies++;
    return true;
}

/* Fills a node twice with one half each: every sum is right. */
static bool node_used_twice(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    struct solver_filling *f = any_filling(rng, plan);
    if (!f || f->n_takes < 2)
        return false;
    f->n_takes--;
    plan->fillings[plan->n_fillings++] = (struct solver_filling){f->node, &f->takes[f->n_takes], 1};
    return true;
}

/* One pod more here, one less there, below zero: the sums are right. */
static bool negative_count(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    uint32_t s = b ? b->takes[b->n_takes - 1].shape : 0;
    if (!b || s + 1 == p->n_shapes)
        return false;
    own(b->takes)[b->n_takes] = (struct solver_take){s + 1, -1};
    for (uint32_t i = 0; i < plan->purchases[0].n_takes; i++)
        if (plan->purchases[0].takes[i].shape == s + 1)
            own(plan->purchases[0].takes)[i].count++;
    b->n_takes++;
    return true;
}

static bool id_out_of_range(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    struct solver_filling *f = any_filling(rng, plan);
    switch (rng_between(rng, 0, 2)) {
    case 0:
        if (b)
            b->offering = p->n_offerings + (uint32_t)rng_between(rng, 0, 64);
        return b;
    case 1:
        if (f)
            f->node = p->n_nodes + (uint32_t)rng_between(rng, 0, 64);
        return f;
    default:
        if (b)
            own(b->takes)[b->n_takes - 1].shape = p->n_shapes + (uint32_t)rng_between(rng, 0, 64);
        return b;
    }
}

static bool pod_twice_in_takes(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)p;
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b || b->takes[b->n_takes - 1].count < 2)
        return false;
    struct solver_take *last = &own(b->takes)[b->n_takes - 1];
    last[1] = (struct solver_take){last->shape, 1};
    last->count--;
    b->n_takes++;
    return true;
}

static bool wrong_leftover(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    if (plan->n_leftovers && rng_chance(rng, 30)) {
        plan->leftovers[0].count++;
        return true;
    }
    if (plan->n_leftovers && rng_chance(rng, 50)) {
        plan->n_leftovers--;
        return true;
    }
    struct solver_purchase *b = any_purchase(rng, plan);
    if (!b || b->n_takes != 1 || b->copies != 1)
        return false;
    plan->cost_microusd -= p->offerings[b->offering].price_microusd;
    plan->leftovers[plan->n_leftovers++] =
        (struct solver_leftover){b->takes[0].shape, b->takes[0].count, SOLVER_NO_OFFERING, SOLVER_NONE};
    *b = plan->purchases[--plan->n_purchases];
    return true;
}

static bool bound_above_cost(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    (void)rng;
    (void)p;
    plan->lower_bound_microusd = plan->cost_microusd + 1;
    return true;
}

#define BREAKER(name) \
    {                 \
        name, #name   \
    }
static const struct {
    breaker apply;
    const char *name;
} breakers[] = {
    BREAKER(drop_purchase),           BREAKER(drop_take),       BREAKER(add_pod),          BREAKER(remove_pod),
    BREAKER(move_where_not_admitted), BREAKER(merge_nodes),     BREAKER(wrong_cost),       BREAKER(twice_the_purchase),
    BREAKER(one_copy_more),           BREAKER(node_used_twice), BREAKER(negative_count),   BREAKER(id_out_of_range),
    BREAKER(pod_twice_in_takes),      BREAKER(wrong_leftover),  BREAKER(bound_above_cost),
};

static void test_broken_plans(void **state)
{
    (void)state;
    struct rng rng = {11};
    int tried[CC_COUNT(breakers)] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, &kind, &arena);
        struct solver_plan plan = greedy_plan(p, &arena);
        struct err err = {0};
        if (solver_check_plan(p, &plan, &err) != 0)
            fail_msg("round %d: %s", round, err.message);
        for (size_t i = 0; i < CC_COUNT(breakers); i++) {
            struct solver_plan broken = copy_plan(&plan, &arena);
            if (!breakers[i].apply(&rng, p, &broken))
                continue;
            tried[i]++;
            if (solver_check_plan(p, &broken, NULL) != ERR_INVALID)
                fail_msg("round %d: %s was let through", round, breakers[i].name);
        }
        arena_release(&arena);
    }
    for (size_t i = 0; i < CC_COUNT(breakers); i++)
        if (tried[i] < 50)
            fail_msg("%s was tried only %d times", breakers[i].name, tried[i]);
}

/* Purchases of offerings, counted in capacity, against a limit that is exactly met or missed by one. */
static void test_limits(void **state)
{
    (void)state;
    struct rng rng = {12};
    int tried = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = ARENA_INIT;
        struct solver_problem *p = random_problem(&rng, &kind, &arena);
        struct solver_plan plan = greedy_plan(p, &arena);
        uint32_t owner = (uint32_t)rng_between(&rng, 0, (int64_t)p->n_owners - 1);
        uint32_t d = (uint32_t)rng_between(&rng, 0, (int64_t)p->n_dims - 1);
        int64_t used = 0;
        for (size_t i = 0; i < plan.n_purchases; i++)
            if (p->offerings[plan.purchases[i].offering].owner == owner)
                used += plan.purchases[i].copies * p->offerings[plan.purchases[i].offering].capacity[d];
        int64_t *limit = (int64_t *)(uintptr_t)p->owners[owner].limit;
        limit[d] = used;
        assert_int_equal(solver_check_plan(p, &plan, NULL), 0);
        if (used > 0) {
            limit[d] = used - 1;
            assert_int_equal(solver_check_plan(p, &plan, NULL), ERR_INVALID);
            tried++;
        }
        arena_release(&arena);
    }
    assert_true(tried > ROUNDS / 4);
}

/* Changes some number of the plan a little. */
static void tweak(struct rng *rng, const struct solver_problem *p, struct solver_plan *plan)
{
    struct solver_purchase *b = any_purchase(rng, plan);
    struct solver_filling *f = any_filling(rng, plan);
    int step = rng_chance(rng, 50) ? 1 : -1;
    switch (rng_between(rng, 0, 6)) {
    case 0:
        if (b)
            own(b->takes)[rng_between(rng, 0, (int64_t)b->n_takes - 1)].count += step;
        break;
    case 1:
        if (b)
            own(b->takes)[rng_between(rng, 0, (int64_t)b->n_takes - 1)].shape += (uint32_t)step;
        break;
    case 2:
        if (f)
            own(f->takes)[rng_between(rng, 0, (int64_t)f->n_takes - 1)].count += step;
        break;
    case 3:
        if (f)
            f->node += (uint32_t)step;
        break;
    case 4:
        if (b)
            b->copies += step;
        break;
    case 5: plan->lower_bound_microusd += rng_between(rng, -1, 2000); break;
    default:
        if (b) {
            uint32_t j = (uint32_t)rng_between(rng, 0, (int64_t)p->n_offerings - 1);
            plan->cost_microusd += p->offerings[j].price_microusd - p->offerings[b->offering].price_microusd;
            b->offering = j;
        }
    }
}

/* Whatever is changed, the checker says what the second opinion says. */
static void test_second_opinion(void **state)
{
    (void)state;
    struct rng rng = {13};
    int right = 0, wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = ARENA_INIT;
        const struct solver_problem *p = random_problem(&rng, &kind, &arena);
        struct solver_plan plan = greedy_plan(p, &arena);
        for (int trial = 0; trial < 10; trial++) {
            struct solver_plan changed = copy_plan(&plan, &arena);
            for (int64_t n = rng_between(&rng, 1, 2); n > 0; n--)
                tweak(&rng, p, &changed);
            bool expected = is_right(p, &changed);
            if ((solver_check_plan(p, &changed, NULL) == 0) != expected)
                fail_msg("round %d: the plan is %s", round, expected ? "right" : "wrong");
            right += expected;
            wrong += !expected;
        }
        arena_release(&arena);
    }
    assert_true(right > ROUNDS / 2 && wrong > ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_plans),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_second_opinion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

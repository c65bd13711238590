#include "provisioner/plan/settle.h"

#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/gang.h"

/* Rounds in which gangs wait one after the other, and after which all that fall short wait at once. */
enum { GENTLE_ROUNDS = 6, MAX_ROUNDS = 16, BALANCE_ROUNDS = 3 };

/* Rounds in which preferences are let go one by one; then all that are left at once, then no more. */
enum { RELAX_ROUNDS = 4 };

struct settling {
    uint64_t *skip;       /* [pods.len] */
    uint8_t *relaxed;     /* [pods.len] preferred node terms that were let go */
    uint64_t *yielded;    /* [pods.len] those of them that wait for another application */
    const char **reasons; /* [pods.len] of those skipped */
    size_t n_pods;
};

static int begin(const struct pass_input *input, const struct pass_rules *rules, const char *const *start_reasons,
                 struct arena *arena, struct settling *s, struct err *err)
{
    s->n_pods = input->objects->pods.len;
    s->skip = arena_array(arena, uint64_t, BITSET_WORDS(s->n_pods));
    s->relaxed = arena_array(arena, uint8_t, s->n_pods);
    s->yielded = arena_array(arena, uint64_t, BITSET_WORDS(s->n_pods));
    s->reasons = arena_array(arena, const char *, s->n_pods);
    if (!s->skip || !s->relaxed || !s->yielded || !s->reasons)
        return err_nomem(err);
    if (rules->skip)
        bitset_copy(s->skip, rules->skip, s->n_pods);
    if (start_reasons)
        memcpy(s->reasons, start_reasons, s->n_pods * sizeof(*s->reasons));
    return 0;
}

/*
 * Zones were balanced with the pods that then found no room within a limit: without those, the others are balanced
 * anew.
 */
static size_t skip_leftovers(const struct pass *pass, struct settling *s)
{
    size_t n = 0;
    if (!pass->topology.narrowed)
        return 0;
    for (uint32_t k = 0; k < pass->compiled.problem.n_shapes; k++) {
        const struct pass_list *list = &pass->lists[k];
        for (size_t i = list->n_placed; i < list->n_pods; i++, n++) {
            bitset_add(s->skip, list->pods[i]);
            s->reasons[list->pods[i]] = pass->reasons[list->pods[i]];
        }
    }
    return n;
}

/*
 * A preference must not cost a pod its place, nor the first of several required terms: pods that found none, though
 * something on sale admits them, let one node affinity term go. Returns how many did.
 */
static size_t relax_unplaced(const struct pass *pass, size_t round, struct settling *s)
{
    size_t n = 0;
    for (size_t k = 0; k < pass->demand.n_shapes && round <= RELAX_ROUNDS; k++) {
        const struct demand_shape *shape = &pass->demand.shapes[k];
        size_t most = demand_relaxations(shape->spec), so_far = shape->relaxed;
        so_far = shape->dropped_preferences > so_far ? shape->dropped_preferences : so_far;
        most = most < UINT8_MAX ? most : UINT8_MAX;
        if (shape->reason || so_far >= most)
            continue;
        for (uint32_t i = 0; i < shape->n_pods; i++) {
            uint32_t pod = shape->pods[i];
            if (!pass->reasons[pod])
                continue;
            s->relaxed[pod] = (uint8_t)(round == RELAX_ROUNDS ? most : so_far + 1);
            n++;
        }
    }
    return n;
}

static void finish(const struct pass *pass, size_t rounds, struct settling *s, struct settled *ret)
{
    size_t n_unplaced = 0;
    for (size_t i = 0; i < s->n_pods; i++) {
        if (!s->reasons[i])
            s->reasons[i] = pass->reasons[i];
        n_unplaced += s->reasons[i] != NULL;
    }
    *ret = (struct settled){.pass = *pass, .reasons = s->reasons, .n_unplaced = n_unplaced, .first = rounds == 0};
}

int settle(const struct pass_input *input, const struct pass_rules *rules, const char *const *start_reasons,
           struct arena *arena, struct settled *ret, struct err *err)
{
    struct settling s;
    struct pass pass;
    int code = begin(input, rules, start_reasons, arena, &s, err);
    if (code)
        return code;
    for (size_t round = 0, balanced = 0;; round++) {
        struct pass_rules now = *rules;
        now.skip = round || rules->skip ? s.skip : NULL;
        now.relaxed = s.relaxed;
        code = pass_run(input, &now, arena, &pass, err);
        if (code)
            return code;
        size_t changed = relax_unplaced(&pass, round, &s);
        if (!changed && round < MAX_ROUNDS)
            code = gang_wait(input, &pass, round >= GENTLE_ROUNDS, s.skip, s.yielded, s.reasons, arena, &changed, err);
        if (code)
            return code;
        if (!changed && pass.n_leftover && balanced++ < BALANCE_ROUNDS)
            changed = skip_leftovers(&pass, &s);
        if (!changed) {
            finish(&pass, round, &s, ret);
            return 0;
        }
    }
}

#include "solver/exact_tier.h"

#include <stdlib.h>
#include <string.h>

/* What keeps a solve within some tens of milliseconds: comparisons of labels. Without limits it is never reached. */
static const int64_t MOST_WORK = 12000000;

enum { MOST_LABELS = 1 << 19 };

/* ---- Limits ---- */

static int64_t counts_at_most(const struct solver_problem *p, const struct kinds *kinds, uint32_t owner, uint32_t dim)
{
    int64_t most = 0;
    for (uint32_t k = 0; k < kinds->n; k++) {
        int64_t each = p->offerings[kinds->items[k].offering].capacity[dim];
        if (kinds->items[k].owner == owner && each > most)
            most = each;
    }
    return most;
}

/* Limits that a node for each pod could exceed. */
static int list_rows(struct exact_tier *tier, const struct solver_problem *p, const int64_t *room, struct err *err)
{
    int64_t pods = multiset_pods(tier->space, tier->space->n - 1);
    for (uint32_t o = 0; o < p->n_owners; o++)
        for (uint32_t d = 0; d < p->n_dims; d++) {
            int64_t most = room[(size_t)o * p->n_dims + d];
            int64_t each = most == SOLVER_UNLIMITED ? 0 : counts_at_most(p, tier->kinds, o, d);
            if (each == 0 || pods <= most / each)
                continue;
            if (tier->n_rows == EXACT_TIER_MAX_ROWS)
                return err_set(err, ERR_NO_CAPACITY, "too many limits to be looked at one by one");
            tier->rows[tier->n_rows++] = (struct exact_limit){o, d, most};
        }
    return 0;
}

/* What a node of the kind counts in a row. */
static int64_t kind_use(const struct exact_tier *tier, const struct solver_problem *p, uint32_t kind, uint32_t row)
{
    const struct kind *k = &tier->kinds->items[kind];
    return k->owner == tier->rows[row].owner ? p->offerings[k->offering].capacity[tier->rows[row].dim] : 0;
}

/* ---- Which kinds are worth a look for one node with just this multiset ---- */

static bool uses_no_more(const struct exact_tier *tier, const struct solver_problem *p, uint32_t kind, uint32_t than)
{
    for (uint32_t r = 0; r < tier->n_rows; r++)
        if (kind_use(tier, p, kind, r) > kind_use(tier, p, than, r))
            return false;
    return true;
}

static bool is_within(const struct exact_tier *tier, const struct solver_problem *p, uint32_t kind)
{
    for (uint32_t r = 0; r < tier->n_rows; r++)
        if (kind_use(tier, p, kind, r) > tier->rows[r].most)
            return false;
    return true;
}

/* Kinds from `from` on, by price, each using less of some limit than all cheaper ones. */
static int list_options(struct exact_tier *tier, struct packer *packer, uint32_t set, uint32_t from, struct err *err)
{
    struct solver_take takes[MULTISET_MAX_SHAPES];
    uint32_t n_takes = multiset_takes(tier->space, set, takes);
    size_t first = tier->options.len;
    for (uint32_t k = from; k < tier->kinds->n; k++) {
        bool beaten = false;
        for (size_t i = first; i < tier->options.len && !beaten; i++)
            beaten = uses_no_more(tier, packer->problem, tier->options.items[i], k);
        if (beaten || !is_within(tier, packer->problem, k) ||
            !pack_fits(packer, &tier->kinds->items[k].bin, takes, n_takes))
            continue;
        if (!VEC_PUSH(&tier->options, k))
            return err_nomem(err);
        if (tier->n_rows == 0)
            break;
    }
    return 0;
}

/* What is too small for a part is too small for the whole: the search begins where the parts found their first. */
static int list_all_options(struct exact_tier *tier, struct packer *packer, struct arena *arena, struct err *err)
{
    const struct multiset_space *space = tier->space;
    uint32_t *first_fit = arena_array(arena, uint32_t, space->n), digits[MULTISET_MAX_SHAPES];
    if (!first_fit)
        return err_nomem(err);
    for (uint32_t set = 1; set < space->n; set++) {
        uint32_t from = 0;
        multiset_digits(space, set, digits);
        for (uint32_t i = 0; i < space->n_shapes; i++)
            if (digits[i] > 0 && first_fit[set - space->place[i]] > from)
                from = first_fit[set - space->place[i]];
        tier->first_option[set] = (uint32_t)tier->options.len;
        int failed = list_options(tier, packer, set, from, err);
        if (failed)
            return failed;
        bool any = tier->options.len > tier->first_option[set];
        first_fit[set] = any ? tier->options.items[tier->first_option[set]] : tier->kinds->n;
    }
    tier->first_option[space->n] = (uint32_t)tier->options.len;
    return 0;
}

/* ---- Labels ---- */

static const int64_t *use_of(const struct exact_tier *tier, size_t label)
{
    return tier->n_rows ? tier->use.items + label * tier->n_rows : NULL;
}

static bool is_cheaper(const struct exact_label *a, const struct exact_label *b)
{
    if (a->price_microusd != b->price_microusd)
        return a->price_microusd < b->price_microusd;
    return a->nodes < b->nodes;
}

/* At least as good in everything. */
static bool covers(const struct exact_tier *tier, const struct exact_label *a, const int64_t *a_use,
                   const struct exact_label *b, const int64_t *b_use)
{
    if (is_cheaper(b, a))
        return false;
    for (uint32_t r = 0; r < tier->n_rows; r++)
        if (a_use[r] > b_use[r])
            return false;
    return true;
}

static void drop_label(struct exact_tier *tier, size_t label)
{
    size_t last = --tier->labels.len;
    tier->labels.items[label] = tier->labels.items[last];
    if (tier->n_rows)
        memmove(tier->use.items + label * tier->n_rows, use_of(tier, last), tier->n_rows * sizeof(int64_t));
    tier->use.len = last * tier->n_rows;
}

/* Adds a label to those of the multiset in hand, which begin at `first`, unless one of them covers it. */
static int offer_label(struct exact_tier *tier, size_t first, const struct exact_label *label, const int64_t *use,
                       struct err *err)
{
    tier->work += 1 + (int64_t)(tier->labels.len - first);
    for (size_t i = first; i < tier->labels.len; i++)
        if (covers(tier, &tier->labels.items[i], use_of(tier, i), label, use))
            return 0;
    for (size_t i = tier->labels.len; i-- > first;)
        if (covers(tier, label, use, &tier->labels.items[i], use_of(tier, i)))
            drop_label(tier, i);
    if (tier->work > MOST_WORK || tier->labels.len == MOST_LABELS)
        return err_set(err, ERR_NO_CAPACITY, "too many ways to keep the limits to be looked at one by one");
    if (!VEC_PUSH(&tier->labels, *label))
        return err_nomem(err);
    for (uint32_t r = 0; r < tier->n_rows; r++)
        if (!VEC_PUSH(&tier->use, use[r]))
            return err_nomem(err);
    return 0;
}

/* A node of `kind` with `part` beside each of the ways to place the rest. */
static int extend(struct exact_tier *tier, const struct solver_problem *p, uint32_t set, uint32_t part, uint32_t kind,
                  struct err *err)
{
    uint32_t rest = set - part;
    int64_t use[EXACT_TIER_MAX_ROWS] = {0};
    for (uint32_t i = tier->first_label[rest]; i < tier->first_label[rest + 1]; i++) {
        bool within = true;
        for (uint32_t r = 0; r < tier->n_rows && within; r++) {
            int64_t before = use_of(tier, i)[r], more = kind_use(tier, p, kind, r);
            within = more <= tier->rows[r].most - before;
            use[r] = within ? before + more : 0;
        }
        if (!within)
            continue;
        const struct exact_label *from = &tier->labels.items[i];
        struct exact_label label = {from->price_microusd + tier->kinds->items[kind].price_microusd, from->nodes + 1,
                                    kind, part, i};
        int failed = offer_label(tier, tier->first_label[set], &label, use, err);
        if (failed)
            return failed;
    }
    return 0;
}

/* All ways for one multiset. Some node has its first pod: that one is the last in the label. */
static int label_set(struct exact_tier *tier, const struct solver_problem *p, uint32_t set, struct err *err)
{
    uint32_t whole[MULTISET_MAX_SHAPES], digits[MULTISET_MAX_SHAPES], part = set, first = 0;
    multiset_digits(tier->space, set, whole);
    memcpy(digits, whole, sizeof(whole));
    while (!whole[first])
        first++;
    do {
        if (!digits[first])
            continue;
        for (uint32_t i = tier->first_option[part]; i < tier->first_option[part + 1]; i++) {
            int failed = extend(tier, p, set, part, tier->options.items[i], err);
            if (failed)
                return failed;
        }
    } while (multiset_next_part(tier->space, whole, digits, &part));
    return 0;
}

static int label_all(struct exact_tier *tier, const struct solver_problem *p, struct err *err)
{
    int64_t nothing[EXACT_TIER_MAX_ROWS] = {0};
    int failed = offer_label(tier, 0, &(struct exact_label){.rest = SOLVER_NONE}, nothing, err);
    for (uint32_t set = 1; !failed && set <= tier->space->n; set++) {
        tier->first_label[set] = (uint32_t)tier->labels.len;
        if (set < tier->space->n)
            failed = label_set(tier, p, set, err);
    }
    for (uint32_t set = 0; !failed && set < tier->space->n; set++) {
        tier->best[set] = SOLVER_NONE;
        for (uint32_t i = tier->first_label[set]; i < tier->first_label[set + 1]; i++)
            if (tier->best[set] == SOLVER_NONE ||
                is_cheaper(&tier->labels.items[i], &tier->labels.items[tier->best[set]]))
                tier->best[set] = i;
    }
    return failed;
}

int exact_tier_solve(struct exact_tier *tier, struct packer *packer, const struct multiset_space *space,
                     const struct kinds *kinds, const int64_t *room, struct arena *arena, struct err *err)
{
    *tier = (struct exact_tier){.space = space, .kinds = kinds};
    tier->first_option = arena_array(arena, uint32_t, (size_t)space->n + 1);
    tier->first_label = arena_array(arena, uint32_t, (size_t)space->n + 1);
    tier->best = arena_array(arena, uint32_t, space->n);
    if (!tier->first_option || !tier->first_label || !tier->best)
        return err_nomem(err);
    int failed = room ? list_rows(tier, packer->problem, room, err) : 0;
    if (!failed)
        failed = list_all_options(tier, packer, arena, err);
    return failed ? failed : label_all(tier, packer->problem, err);
}

int exact_tier_read(const struct exact_tier *tier, uint32_t set, struct arena *arena, struct bag *bag, struct err *err)
{
    struct solver_take takes[MULTISET_MAX_SHAPES];
    for (uint32_t at = tier->best[set]; tier->labels.items[at].rest != SOLVER_NONE; at = tier->labels.items[at].rest) {
        const struct exact_label *label = &tier->labels.items[at];
        uint32_t n_takes = multiset_takes(tier->space, label->part, takes);
        int failed = bag_add(bag, tier->kinds, arena, label->kind, takes, n_takes, 1, err);
        if (failed)
            return failed;
    }
    return 0;
}

void exact_tier_release(struct exact_tier *tier)
{
    VEC_FREE(&tier->options);
    VEC_FREE(&tier->labels);
    VEC_FREE(&tier->use);
}

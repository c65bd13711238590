/* check_pattern.c - how much can one node carry at most, in worth: an upper bound that is exact for small nodes. */
#include "solver/check_pattern.h"

#include <math.h>
#include <string.h>

#include "base/bitset.h"

/* Multipliers are whole multiples of 2^-40 nano-dollars per unit of a row. */
enum { SCALE_BITS = 40, MAX_ROUNDS = 4 };
/* A multiplier times its row's room stays below 2^82 nano-dollars: 24 scaled rows stay below 2^127. */
static const double MAX_ROW_WORTH = 0x1p82;
/* A bound within this share of the best pattern is as good as that pattern: 2^-23, about 1e-7. */
enum { CLOSE_BITS = 23 };

/* How to split a part in two. */
struct split {
    enum { SPLIT_NONE, SPLIT_COUNT, SPLIT_CONFLICT } kind;
    uint32_t item; /* SPLIT_COUNT: up to `below` of it, or more */
    int32_t below;
    uint32_t conflict; /* SPLIT_CONFLICT: nothing of side a, or nothing of side b */
};

/* Patterns with low_i <= x_i <= high_i, none of them worth more than `bound`. */
struct part {
    int32_t *low, *high; /* [n_items] */
    int128 bound;
    struct split split;
};

struct search {
    struct check_node *node;
    struct arena *arena;
    int128 enough;     /* bounds up to here need no work */
    int128 best;       /* the worth of the best pattern found */
    bool against_best; /* narrow parts against `best` as well, not only against `enough` */
    struct part *open; /* [n_open] still to be split */
    uint32_t n_open;
    int128 proven; /* the largest bound of the parts that were closed */
    /* Scratch for the part in hand. */
    int64_t room[CHECK_RELAX_MAX_ROWS];      /* left beside the low counts, tightened */
    int128 multiplier[CHECK_RELAX_MAX_ROWS]; /* scaled */
    uint32_t *active;                        /* [n_active] items that can still vary */
    uint32_t n_active;
    double *load, *worth, *most, *x; /* the relaxation over the active items */
    int32_t *pattern;                /* [n_items] */
    int8_t *work;
};

static int search_init(struct search *search, struct check_node *node, struct arena *arena, struct err *err)
{
    *search = (struct search){
        .node = node,
        .arena = arena,
        .active = arena_array(arena, uint32_t, node->n_items),
        .load = arena_calloc(arena, (size_t)node->n_items * node->n_rows, sizeof(double)),
        .worth = arena_array(arena, double, node->n_items),
        .most = arena_array(arena, double, node->n_items),
        .x = arena_array(arena, double, node->n_items),
        .pattern = arena_array(arena, int32_t, node->n_items),
        .work = arena_array(arena, int8_t, node->n_items),
    };
    if (!search->active || !search->load || !search->worth || !search->most || !search->x || !search->pattern ||
        !search->work)
        return err_nomem(err);
    return 0;
}

static int part_new(const struct search *search, const struct part *from, struct part *ret_part, struct err *err)
{
    uint32_t n = search->node->n_items;
    struct part part = {.low = arena_array(search->arena, int32_t, n), .high = arena_array(search->arena, int32_t, n)};
    if (!part.low || !part.high)
        return err_nomem(err);
    memcpy(part.low, from->low, n * sizeof(*part.low));
    memcpy(part.high, from->high, n * sizeof(*part.high));
    part.bound = from->bound;
    *ret_part = part;
    return 0;
}

static const int64_t *load_of(const struct check_node *node, uint32_t item)
{
    return &node->load[(size_t)item * node->n_rows];
}

/* What is worth no more than this is of no interest. */
static int128 cutoff(const struct search *search)
{
    return search->against_best && search->best > search->enough ? search->best : search->enough;
}

/* ---- One part: less room, fewer choices ---- */

/* The room beside the low counts; false if there is none: the part is empty. */
static bool take_low(struct search *search, const struct part *part)
{
    const struct check_node *node = search->node;
    memcpy(search->room, node->room, node->n_rows * sizeof(*search->room));
    for (uint32_t i = 0; i < node->n_items; i++) {
        if (part->low[i] > part->high[i])
            return false;
        for (uint32_t r = 0; part->low[i] > 0 && r < node->n_rows; r++) {
            int64_t used;
            if (__builtin_mul_overflow((int64_t)part->low[i], load_of(node, i)[r], &used) || used > search->room[r])
                return false;
            search->room[r] -= used;
        }
    }
    return true;
}

/* Brings the high counts down to what the room allows and lists the items that can still vary. */
static void list_active(struct search *search, struct part *part)
{
    const struct check_node *node = search->node;
    search->n_active = 0;
    for (uint32_t i = 0; i < node->n_items; i++) {
        const int64_t *load = load_of(node, i);
        int64_t span = part->high[i] - part->low[i];
        for (uint32_t r = 0; span > 0 && r < node->n_rows; r++) {
            /* The division is slow and seldom needed. */
            int64_t all;
            if (load[r] > 0 && (__builtin_mul_overflow(load[r], span, &all) || all > search->room[r]))
                span = search->room[r] / load[r];
        }
        part->high[i] = part->low[i] + (int32_t)span;
        if (span > 0)
            search->active[search->n_active++] = i;
    }
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Whole pods use whole multiples of the loads' common divisor: the rest of a row is of no use. */
static void tighten_rows(struct search *search)
{
    const struct check_node *node = search->node;
    for (uint32_t r = 0; r < node->n_rows; r++) {
        int64_t divisor = 0;
        for (uint32_t k = 0; k < search->n_active && divisor != 1; k++)
            divisor = common_divisor(divisor, load_of(node, search->active[k])[r]);
        if (divisor > 1)
            search->room[r] -= search->room[r] % divisor;
    }
}

/* ---- One part: the relaxation and its exact bound ---- */

static void find_multipliers(struct search *search, const struct part *part)
{
    const struct check_node *node = search->node;
    double price[CHECK_RELAX_MAX_ROWS];
    for (uint32_t k = 0; k < search->n_active; k++) {
        uint32_t i = search->active[k];
        search->worth[k] = (double)node->worth[i];
        search->most[k] = (double)(part->high[i] - part->low[i]);
        for (uint32_t r = 0; r < node->n_rows; r++)
            search->load[(size_t)k * node->n_rows + r] =
                search->room[r] > 0 ? (double)load_of(node, i)[r] / (double)search->room[r] : 0;
    }
    struct check_relax relax = {node->n_rows, search->n_active, search->load, search->worth, search->most};
    check_relax_solve(&relax, price, search->x, search->work);
    for (uint32_t r = 0; r < node->n_rows; r++) {
        bool usable = search->room[r] > 0 && price[r] > 0 && price[r] < MAX_ROW_WORTH;
        search->multiplier[r] = usable ? (int128)ldexp(price[r] / (double)search->room[r], SCALE_BITS) : 0;
    }
}

/* The worth of one pod less its load at the multipliers, scaled. */
static int128 reduced_worth(const struct search *search, uint32_t item)
{
    const struct check_node *node = search->node;
    const int64_t *load = load_of(node, item);
    int128 reduced = (int128)node->worth[item] << SCALE_BITS;
    for (uint32_t r = 0; r < node->n_rows; r++)
        reduced -= search->multiplier[r] * load[r];
    return reduced;
}

/*
 * For any multipliers m >= 0 and any pattern of the part: sum(worth_i x_i) <= sum(worth_i low_i) + sum(m_r room_r) +
 * sum((high_i - low_i) max(0, worth_i - sum(m_r load_ir))). Scaled, exact.
 */
static int128 exact_bound(const struct search *search, const struct part *part)
{
    const struct check_node *node = search->node;
    int128 bound = 0;
    for (uint32_t i = 0; i < node->n_items; i++)
        bound += (int128)part->low[i] * node->worth[i];
    bound *= (int128)1 << SCALE_BITS;
    for (uint32_t r = 0; r < node->n_rows; r++)
        bound += search->multiplier[r] * search->room[r];
    for (uint32_t k = 0; k < search->n_active; k++) {
        uint32_t i = search->active[k];
        int128 reduced = reduced_worth(search, i);
        if (reduced > 0)
            bound += reduced * (part->high[i] - part->low[i]);
    }
    return bound;
}

/*
 * A pattern that is better than the cutoff can stray from the relaxation only as far as the slack pays for. True if
 * that narrowed a count.
 */
static bool fix_items(const struct search *search, struct part *part, int128 scaled_bound)
{
    int128 slack = scaled_bound - ((cutoff(search) + 1) << SCALE_BITS);
    bool narrowed = false;
    for (uint32_t k = 0; k < search->n_active; k++) {
        uint32_t i = search->active[k];
        int128 reduced = reduced_worth(search, i);
        int128 step = reduced < 0 ? -reduced : reduced;
        int32_t span = part->high[i] - part->low[i];
        if (step == 0 || slack / step >= span)
            continue;
        int32_t stray = (int32_t)(slack / step);
        if (reduced < 0)
            part->high[i] = part->low[i] + stray;
        else
            part->low[i] = part->high[i] - stray;
        narrowed = true;
    }
    return narrowed;
}

/* ---- One part: a pattern to measure the bounds against ---- */

static bool side_is_used(const struct search *search, const uint64_t *side, const int32_t *counts)
{
    for (uint32_t i = 0; i < search->node->n_items; i++)
        if (counts[i] > 0 && bitset_has(side, search->node->shape[i]))
            return true;
    return false;
}

static bool breaks_conflict(const struct search *search, const int32_t *counts)
{
    for (uint32_t c = 0; c < search->node->n_conflicts; c++)
        if (side_is_used(search, search->node->conflicts[c].a, counts) &&
            side_is_used(search, search->node->conflicts[c].b, counts))
            return true;
    return false;
}

/* As many more of the item as fit and as `most` allows. */
static int32_t fill_with(const struct search *search, uint32_t item, int64_t most, int64_t *room)
{
    const struct check_node *node = search->node;
    const int64_t *load = load_of(node, item);
    for (uint32_t r = 0; most > 0 && r < node->n_rows; r++)
        if (load[r] > 0 && room[r] / load[r] < most)
            most = room[r] / load[r];
    for (uint32_t r = 0; most > 0 && r < node->n_rows; r++)
        room[r] -= most * load[r];
    return (int32_t)most;
}

/* Rounds the relaxed pattern down, fills what is left in the items' order, and keeps the worth if it is the best. */
static void try_rounding(struct search *search, const struct part *part)
{
    const struct check_node *node = search->node;
    int64_t room[CHECK_RELAX_MAX_ROWS];
    memcpy(room, search->room, sizeof(room));
    memcpy(search->pattern, part->low, node->n_items * sizeof(*search->pattern));
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < search->n_active; k++) {
            uint32_t i = search->active[k];
            int64_t most = part->high[i] - search->pattern[i];
            if (pass == 0 && (double)most > search->x[k] + 1e-6)
                most = (int64_t)(search->x[k] + 1e-6);
            search->pattern[i] += fill_with(search, i, most, room);
        }
    }
    int128 worth = 0;
    for (uint32_t i = 0; i < node->n_items; i++)
        worth += (int128)search->pattern[i] * node->worth[i];
    if (worth > search->best && !breaks_conflict(search, search->pattern))
        search->best = worth;
}

/* ---- One part: where to split it ---- */

/* A conflict that the relaxed pattern breaks; it is split before counts are. */
static bool split_conflict(struct search *search, const struct part *part, struct split *split)
{
    const struct check_node *node = search->node;
    memcpy(search->pattern, part->low, node->n_items * sizeof(*search->pattern));
    for (uint32_t k = 0; k < search->n_active; k++)
        if (search->x[k] > 1e-6)
            search->pattern[search->active[k]]++;
    for (uint32_t c = 0; c < node->n_conflicts; c++) {
        if (side_is_used(search, node->conflicts[c].a, search->pattern) &&
            side_is_used(search, node->conflicts[c].b, search->pattern)) {
            *split = (struct split){.kind = SPLIT_CONFLICT, .conflict = c};
            return true;
        }
    }
    return false;
}

static struct split choose_split(struct search *search, const struct part *part)
{
    struct split split = {.kind = SPLIT_NONE};
    if (split_conflict(search, part, &split))
        return split;
    double best = 0;
    for (uint32_t k = 0; k < search->n_active; k++) {
        double whole = floor(search->x[k] + 1e-6);
        double broken = search->x[k] - whole;
        double score = fmin(broken, 1 - broken) * search->worth[k];
        if (broken > 1e-6 && score > best) {
            best = score;
            uint32_t i = search->active[k];
            split = (struct split){.kind = SPLIT_COUNT, .item = i, .below = part->low[i] + (int32_t)whole};
        }
    }
    return split;
}

/*
 * Bounds a part, narrowing it on the way. The part's bound falls to what is proven for it (-1: it is empty); its
 * split is SPLIT_NONE if nothing more can be won by splitting it.
 */
static void bound_part(struct search *search, struct part *part)
{
    part->split = (struct split){.kind = SPLIT_NONE};
    for (int round = 1;; round++) {
        if (!take_low(search, part)) {
            part->bound = -1;
            return;
        }
        list_active(search, part);
        tighten_rows(search);
        find_multipliers(search, part);
        int128 scaled = exact_bound(search, part);
        if (scaled >> SCALE_BITS < part->bound)
            part->bound = scaled >> SCALE_BITS;
        try_rounding(search, part);
        if (part->bound <= cutoff(search))
            return;
        if (round == MAX_ROUNDS || !fix_items(search, part, scaled))
            break;
    }
    part->split = choose_split(search, part);
}

/* ---- All parts ---- */

/* Keeps a part for later, in a heap with the largest bound on top, or closes it. */
static void file_part(struct search *search, const struct part *part)
{
    if (part->split.kind == SPLIT_NONE) {
        if (part->bound > search->proven)
            search->proven = part->bound;
        return;
    }
    uint32_t at = search->n_open++;
    for (; at > 0 && search->open[(at - 1) / 2].bound < part->bound; at = (at - 1) / 2)
        search->open[at] = search->open[(at - 1) / 2];
    search->open[at] = *part;
}

/* The open part with the largest bound, taken off the heap. */
static struct part take_open(struct search *search)
{
    struct part top = search->open[0], last = search->open[--search->n_open];
    uint32_t at = 0;
    for (uint32_t child = 1; child < search->n_open; child = 2 * at + 1) {
        if (child + 1 < search->n_open && search->open[child + 1].bound > search->open[child].bound)
            child++;
        if (search->open[child].bound <= last.bound)
            break;
        search->open[at] = search->open[child];
        at = child;
    }
    search->open[at] = last;
    return top;
}

static void forbid_side(const struct search *search, struct part *part, const uint64_t *side)
{
    for (uint32_t i = 0; i < search->node->n_items; i++)
        if (bitset_has(side, search->node->shape[i]))
            part->high[i] = 0; /* with a low count above it the part is empty */
}

static int split_part(struct search *search, struct part *part, struct err *err)
{
    struct part other;
    int rc = part_new(search, part, &other, err);
    if (rc)
        return rc;
    if (part->split.kind == SPLIT_COUNT) {
        other.low[part->split.item] = part->split.below + 1;
        part->high[part->split.item] = part->split.below;
    } else {
        forbid_side(search, &other, search->node->conflicts[part->split.conflict].a);
        forbid_side(search, part, search->node->conflicts[part->split.conflict].b);
    }
    bound_part(search, part);
    bound_part(search, &other);
    file_part(search, part);
    file_part(search, &other);
    return 0;
}

/* Best first, until the best open bound is close to the best pattern, or the budget is used up. */
static int branch_and_bound(struct search *search, uint32_t *budget, struct err *err)
{
    for (; search->n_open > 0; *budget -= 2) {
        struct part part = take_open(search);
        int128 best = cutoff(search);
        if (*budget < 2 || part.bound <= best + (best >> CLOSE_BITS)) {
            part.split.kind = SPLIT_NONE;
            file_part(search, &part);
            return 0;
        }
        int rc = split_part(search, &part, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Takes the items out of the node that no interesting pattern has. */
static void drop_harmless(struct check_node *node, struct part *root, const bool *harmless)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->n_items; i++) {
        if (harmless[i])
            continue;
        memmove(&node->load[(size_t)kept * node->n_rows], load_of(node, i), node->n_rows * sizeof(*node->load));
        node->worth[kept] = node->worth[i];
        node->most[kept] = node->most[i];
        node->shape[kept] = node->shape[i];
        root->low[kept] = root->low[i];
        root->high[kept] = root->high[i];
        kept++;
    }
    node->n_items = kept;
}

int check_pattern_bound(struct check_node *node, int128 enough, uint32_t *budget, struct arena *arena,
                        int128 *ret_worth, bool *ret_harmless, struct err *err)
{
    struct search search;
    struct part root;
    int rc = search_init(&search, node, arena, err);
    if (rc)
        return rc;
    search.enough = enough;
    struct part all = {.low = search.pattern, .high = node->most, .bound = (int128)CHECK_MAX_WORTH << 31};
    rc = part_new(&search, &all, &root, err);
    if (rc)
        return rc;
    uint32_t n_items = node->n_items;
    bound_part(&search, &root);
    for (uint32_t i = 0; i < n_items; i++)
        ret_harmless[i] = root.bound <= enough || root.high[i] == 0;
    *budget -= *budget > 0;
    if (root.bound <= enough) {
        *ret_worth = enough; /* what was left out on the way may be worth more than the rest, but not more than this */
        return 0;
    }
    drop_harmless(node, &root, ret_harmless);
    search.open = arena_array(arena, struct part, (size_t)*budget + 2);
    if (!search.open)
        return err_nomem(err);
    search.against_best = true;
    bound_part(&search, &root);
    file_part(&search, &root);
    rc = branch_and_bound(&search, budget, err);
    if (rc)
        return rc;
    int128 worth = cutoff(&search);
    *ret_worth = search.proven > worth ? search.proven : worth;
    return 0;
}

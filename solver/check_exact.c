#include "solver/check_exact.h"

#include <stdlib.h>

#include "base/bitset.h"

enum { MAX_ITEMS = 16, MAX_SETS = 1 << 16, MAX_STEPS = 3000000 };

#define UNREACHED INT64_MAX

/* At most `cap` pods of the items together on a new node; on an existing one its group_room[group]. */
struct company {
    uint32_t items; /* bit i: item i */
    uint32_t group;
    int32_t cap;
};

/* Items of `a` and of `b` never share a node. */
struct enmity {
    uint32_t a, b;
};

/* A set of pods is a number: digit i, worth place[i], counts pods of item i from 0 to count[i]. */
struct sets {
    const struct solver_problem *problem;
    uint32_t n_items, n; /* n: how many sets there are */
    uint32_t shape[MAX_ITEMS], count[MAX_ITEMS], place[MAX_ITEMS];
    struct company *companies; /* [n_companies] groups with a member among the items */
    struct enmity *enmities;   /* [n_enmities] conflicts with items on both sides */
    uint32_t n_companies, n_enmities;
    int64_t *cost;      /* [n] of the nodes looked at so far, UNREACHED */
    int64_t *price;     /* [n] of the cheapest new node that holds the set alone, UNREACHED */
    uint32_t *cheapest; /* [n] which room that is */
    bool *fits;         /* [n] on the existing node in hand */
};

/* A new node of an offering, or an existing one. */
struct sized {
    const int64_t *room;       /* [n_dims] */
    const int32_t *group_room; /* [n_groups], NULL = every group's cap */
    uint32_t items;            /* the items that it admits */
    int64_t price_microusd;    /* of an offering */
};

/* ---- Which sets there are ---- */

/* False where there are too many. */
static bool sets_init(struct sets *sets, const struct solver_problem *p, const int64_t *placed)
{
    *sets = (struct sets){.problem = p, .n = 1};
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        if (placed[s] == 0)
            continue;
        if (sets->n_items == MAX_ITEMS || placed[s] >= MAX_SETS / sets->n)
            return false;
        uint32_t i = sets->n_items++;
        sets->shape[i] = s;
        sets->count[i] = (uint32_t)placed[s];
        sets->place[i] = sets->n;
        sets->n *= sets->count[i] + 1;
    }
    return true;
}

/* How many pairs of a set and a part of it there are; MAX_STEPS + 1 where there are more than MAX_STEPS. */
static int64_t count_pairs(const struct sets *sets)
{
    int64_t pairs = 1;
    for (uint32_t i = 0; i < sets->n_items && pairs <= MAX_STEPS; i++)
        pairs *= (int64_t)(sets->count[i] + 1) * (sets->count[i] + 2) / 2;
    return pairs <= MAX_STEPS ? pairs : MAX_STEPS + 1;
}

static void read_digits(const struct sets *sets, uint32_t set, uint32_t *digits)
{
    for (uint32_t i = 0; i < sets->n_items; i++)
        digits[i] = set / sets->place[i] % (sets->count[i] + 1);
}

/* Goes on to the next part of the set with digits `whole`; false when the whole was the last one. Starts at zeros. */
static bool next_part(const struct sets *sets, const uint32_t *whole, uint32_t *digits, uint32_t *part)
{
    for (uint32_t i = 0; i < sets->n_items; i++) {
        if (digits[i] < whole[i]) {
            digits[i]++;
            *part += sets->place[i];
            return true;
        }
        *part -= digits[i] * sets->place[i];
        digits[i] = 0;
    }
    return false;
}

/* ---- What may share a node ---- */

static int list_rules(struct sets *sets, struct arena *arena, struct err *err)
{
    const struct solver_problem *p = sets->problem;
    uint32_t *item_bit = arena_array(arena, uint32_t, p->n_shapes);
    sets->companies = arena_array(arena, struct company, p->n_groups);
    sets->enmities = arena_array(arena, struct enmity, p->n_conflicts);
    if (!item_bit || !sets->companies || !sets->enmities)
        return err_nomem(err);
    for (uint32_t i = 0; i < sets->n_items; i++)
        item_bit[sets->shape[i]] = 1u << i;
    for (uint32_t g = 0; g < p->n_groups; g++) {
        struct company company = {0, g, p->groups[g].cap};
        for (uint32_t k = 0; k < p->groups[g].n_shapes; k++)
            company.items |= item_bit[p->groups[g].shapes[k]];
        if (company.items)
            sets->companies[sets->n_companies++] = company;
    }
    for (uint32_t c = 0; c < p->n_conflicts; c++) {
        struct enmity enmity = {0};
        for (uint32_t i = 0; i < sets->n_items; i++) {
            enmity.a |= bitset_has(p->conflicts[c].a, sets->shape[i]) ? 1u << i : 0;
            enmity.b |= bitset_has(p->conflicts[c].b, sets->shape[i]) ? 1u << i : 0;
        }
        if (enmity.a && enmity.b)
            sets->enmities[sets->n_enmities++] = enmity;
    }
    return 0;
}

/* Can the node hold these pods together. What holds a set holds its parts. */
static bool holds(const struct sets *sets, const struct sized *node, const uint32_t *digits)
{
    const struct solver_problem *p = sets->problem;
    uint32_t present = 0;
    for (uint32_t i = 0; i < sets->n_items; i++)
        present |= digits[i] > 0 ? 1u << i : 0;
    if (present & ~node->items)
        return false;
    for (uint32_t d = 0; d < p->n_dims; d++) {
        int64_t used = 0; /* what all pods ask for together is within int64 */
        for (uint32_t i = 0; i < sets->n_items; i++)
            used += digits[i] * p->shapes[sets->shape[i]].req[d];
        if (used > node->room[d])
            return false;
    }
    for (uint32_t k = 0; k < sets->n_companies; k++) {
        const struct company *company = &sets->companies[k];
        int64_t members = 0;
        for (uint32_t i = 0; i < sets->n_items; i++)
            members += company->items >> i & 1u ? digits[i] : 0;
        if (members > (node->group_room ? node->group_room[company->group] : company->cap))
            return false;
    }
    for (uint32_t k = 0; k < sets->n_enmities; k++)
        if ((present & sets->enmities[k].a) && (present & sets->enmities[k].b))
            return false;
    return true;
}

/* ---- Nodes ---- */

static uint32_t admitted_items(const struct sets *sets, bool exists, uint32_t id)
{
    uint32_t items = 0;
    for (uint32_t i = 0; i < sets->n_items; i++) {
        const struct solver_shape *shape = &sets->problem->shapes[sets->shape[i]];
        const uint64_t *admits = exists ? shape->admits_nodes : shape->admits;
        items |= admits && bitset_has(admits, id) ? 1u << i : 0;
    }
    return items;
}

static int by_price(const void *left, const void *right)
{
    const struct sized *a = left, *b = right;
    return (a->price_microusd > b->price_microusd) - (a->price_microusd < b->price_microusd);
}

/* Offerings that admit something, cheapest first; NULL if memory ran out. */
static struct sized *list_offerings(const struct sets *sets, struct arena *arena, uint32_t *ret_n)
{
    const struct solver_problem *p = sets->problem;
    struct sized *list = arena_array(arena, struct sized, p->n_offerings);
    uint32_t n = 0;
    for (uint32_t j = 0; list && j < p->n_offerings; j++) {
        list[n] =
            (struct sized){p->offerings[j].alloc, NULL, admitted_items(sets, false, j), p->offerings[j].price_microusd};
        n += list[n].items != 0;
    }
    if (n > 0)
        qsort(list, n, sizeof(*list), by_price);
    *ret_n = n;
    return list;
}

static bool holds_any(const struct sets *sets, const struct sized *node)
{
    for (uint32_t i = 0; i < sets->n_items; i++) {
        uint32_t digits[MAX_ITEMS] = {0};
        digits[i] = 1;
        if (holds(sets, node, digits))
            return true;
    }
    return false;
}

/* Existing nodes that can take a pod; NULL if memory ran out. */
static struct sized *list_nodes(const struct sets *sets, struct arena *arena, uint32_t *ret_n)
{
    const struct solver_problem *p = sets->problem;
    struct sized *list = arena_array(arena, struct sized, p->n_nodes);
    uint32_t n = 0;
    for (uint32_t e = 0; list && e < p->n_nodes; e++) {
        list[n] = (struct sized){p->nodes[e].free, p->nodes[e].group_room, admitted_items(sets, true, e), 0};
        n += holds_any(sets, &list[n]);
    }
    *ret_n = n;
    return list;
}

/* The cheapest new node for each set. What is too small for a set's part is too small for the set. */
static void price_sets(struct sets *sets, const struct sized *offerings, uint32_t n_offerings)
{
    uint32_t digits[MAX_ITEMS];
    for (uint32_t set = 0; set < sets->n; set++) {
        read_digits(sets, set, digits);
        uint32_t from = 0;
        for (uint32_t i = 0; i < sets->n_items; i++)
            if (digits[i] > 0 && sets->cheapest[set - sets->place[i]] > from)
                from = sets->cheapest[set - sets->place[i]];
        while (from < n_offerings && !holds(sets, &offerings[from], digits))
            from++;
        sets->cheapest[set] = from;
        sets->price[set] = from < n_offerings ? offerings[from].price_microusd : UNREACHED;
    }
}

/* New nodes alone. One of them has the first pod of the set: it is chosen, the others hold the cheapest way the rest.
 */
static void cost_new(struct sets *sets)
{
    sets->cost[0] = 0;
    for (uint32_t set = 1; set < sets->n; set++) {
        uint32_t whole[MAX_ITEMS] = {0}, digits[MAX_ITEMS] = {0}, part = 0, first = 0;
        read_digits(sets, set, whole);
        while (whole[first] == 0)
            first++;
        sets->cost[set] = UNREACHED;
        while (next_part(sets, whole, digits, &part)) {
            if (digits[first] == 0 || sets->price[part] == UNREACHED || sets->cost[set - part] == UNREACHED)
                continue;
            int64_t cost = sets->price[part] + sets->cost[set - part];
            if (cost < sets->cost[set])
                sets->cost[set] = cost;
        }
    }
}

/* One more existing node. Downwards: a smaller set's cost is still the one without this node. */
static void cost_existing(struct sets *sets, const struct sized *node)
{
    uint32_t whole[MAX_ITEMS];
    for (uint32_t set = 0; set < sets->n; set++) {
        read_digits(sets, set, whole);
        sets->fits[set] = true;
        for (uint32_t i = 0; i < sets->n_items && sets->fits[set]; i++)
            sets->fits[set] = whole[i] == 0 || sets->fits[set - sets->place[i]];
        sets->fits[set] = sets->fits[set] && holds(sets, node, whole);
    }
    for (uint32_t set = sets->n - 1; set > 0; set--) {
        uint32_t digits[MAX_ITEMS] = {0}, part = 0;
        read_digits(sets, set, whole);
        while (next_part(sets, whole, digits, &part))
            if (sets->fits[part] && sets->cost[set - part] < sets->cost[set])
                sets->cost[set] = sets->cost[set - part];
    }
}

int check_exact_cost(const struct solver_problem *problem, const int64_t *placed, struct arena *arena, bool *ret_known,
                     int64_t *ret_cost_microusd, struct err *err)
{
    struct sets sets;
    uint32_t n_offerings, n_nodes;
    bool few = sets_init(&sets, problem, placed) && count_pairs(&sets) <= MAX_STEPS;
    if (!few) {
        *ret_known = false;
        return 0;
    }
    int rc = list_rules(&sets, arena, err);
    if (rc)
        return rc;
    struct sized *offerings = list_offerings(&sets, arena, &n_offerings), *nodes = list_nodes(&sets, arena, &n_nodes);
    sets.cost = arena_array(arena, int64_t, sets.n);
    sets.price = arena_array(arena, int64_t, sets.n);
    sets.cheapest = arena_array(arena, uint32_t, sets.n);
    sets.fits = arena_array(arena, bool, sets.n);
    if (!offerings || !nodes || !sets.cost || !sets.price || !sets.cheapest || !sets.fits)
        return err_nomem(err);
    *ret_known = false;
    if (count_pairs(&sets) * ((int64_t)n_nodes + 1) > MAX_STEPS)
        return 0;
    price_sets(&sets, offerings, n_offerings);
    cost_new(&sets);
    for (uint32_t e = 0; e < n_nodes; e++)
        cost_existing(&sets, &nodes[e]);
    int64_t cost = sets.cost[sets.n - 1];
    *ret_known = cost != UNREACHED;
    if (*ret_known)
        *ret_cost_microusd = cost;
    return 0;
}

/* check_bound.c - is the lower bound true: weak duality, recomputed in exact integers from the duals alone. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bitset.h"
#include "base/intern.h"
#include "solver/check.h"
#include "solver/check_exact.h"
#include "solver/check_pattern.h"
#include "solver/solve.h"

enum {
    NANO_PER_MICRO = 1000,
    /* What keeps a check within its time: subproblems of branch and bound for one room, and items in all of them. */
    BUDGET_EACH = 5000,
    BUDGET_ITEMS = 500000,
};

/* The shapes that matter: placed, and worth something. Those that the same offerings and nodes admit form a class. */
struct relevant {
    const struct solver_problem *problem;
    uint32_t n_items, n_classes;
    uint32_t *shape;      /* [n_items] its id in the problem */
    uint32_t *class_of;   /* [n_items] */
    uint32_t *class_head; /* [n_classes] an item of the class */
    int64_t *placed;      /* [n_items] */
    int64_t *worth;       /* [n_items] nano-dollars, at most CHECK_MAX_WORTH; lowered until no offering is beaten */
    int64_t *load;        /* [n_items * n_dims] */
    int64_t items_left;   /* of BUDGET_ITEMS */
};

/* Something with room, and the classes that it admits. */
struct room {
    const int64_t *alloc;      /* [n_dims] */
    const int32_t *group_room; /* [n_groups], NULL = every group's cap */
    const uint64_t *classes;   /* bitset [n_classes] */
    int64_t price_nanousd;     /* of an offering */
};

static int check_arguments(const struct solver_problem *p, const int64_t *placed, const int64_t *duals_nanousd,
                           struct err *err)
{
    int rc = solver_problem_check(p, err);
    for (uint32_t s = 0; !rc && s < p->n_shapes; s++) {
        if (placed[s] < 0 || placed[s] > p->shapes[s].count)
            rc = err_set(err, ERR_INVALID, "shape %u: %lld pods placed, of %lld", s, (long long)placed[s],
                         (long long)p->shapes[s].count);
        else if (duals_nanousd[s] < 0)
            rc = err_set(err, ERR_INVALID, "shape %u: negative dual", s);
    }
    return rc;
}

/* ---- The shapes that matter ---- */

static bool same_admission(const struct solver_problem *p, const struct solver_shape *a, const struct solver_shape *b)
{
    if (p->n_offerings && !bitset_equal(a->admits, b->admits, p->n_offerings))
        return false;
    if (!a->admits_nodes || !b->admits_nodes)
        return a->admits_nodes == b->admits_nodes;
    return bitset_equal(a->admits_nodes, b->admits_nodes, p->n_nodes);
}

static uint32_t class_of_shape(struct relevant *rel, uint32_t item)
{
    const struct solver_shape *shapes = rel->problem->shapes;
    /* The last class first: shapes of one kind tend to come together. */
    for (uint32_t c = rel->n_classes; c-- > 0;)
        if (same_admission(rel->problem, &shapes[rel->shape[item]], &shapes[rel->shape[rel->class_head[c]]]))
            return c;
    rel->class_head[rel->n_classes] = item;
    return rel->n_classes++;
}

static int relevant_init(struct relevant *rel, const struct solver_problem *p, const int64_t *placed,
                         const int64_t *duals_nanousd, struct arena *arena, struct err *err)
{
    *rel = (struct relevant){
        .problem = p,
        .shape = arena_array(arena, uint32_t, p->n_shapes),
        .class_of = arena_array(arena, uint32_t, p->n_shapes),
        .class_head = arena_array(arena, uint32_t, p->n_shapes),
        .placed = arena_array(arena, int64_t, p->n_shapes),
        .worth = arena_array(arena, int64_t, p->n_shapes),
        .load = arena_calloc(arena, (size_t)p->n_shapes * p->n_dims, sizeof(int64_t)),
    };
    if (!rel->shape || !rel->class_of || !rel->class_head || !rel->placed || !rel->worth || !rel->load)
        return err_nomem(err);
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        if (placed[s] == 0 || duals_nanousd[s] == 0)
            continue;
        uint32_t item = rel->n_items++;
        rel->shape[item] = s;
        rel->placed[item] = placed[s];
        rel->worth[item] = duals_nanousd[s] < CHECK_MAX_WORTH ? duals_nanousd[s] : CHECK_MAX_WORTH;
        memcpy(&rel->load[(size_t)item * p->n_dims], p->shapes[s].req, p->n_dims * sizeof(*rel->load));
        rel->class_of[item] = class_of_shape(rel, item);
    }
    return 0;
}

/* Is a single pod of the item admitted to the room, and small enough. */
static bool item_fits(const struct relevant *rel, const struct room *room, uint32_t item)
{
    if (!bitset_has(room->classes, rel->class_of[item]))
        return false;
    const int64_t *load = &rel->load[(size_t)item * rel->problem->n_dims];
    for (uint32_t d = 0; d < rel->problem->n_dims; d++)
        if (load[d] > room->alloc[d])
            return false;
    return true;
}

/* ---- The offerings and nodes that matter ---- */

/* The classes that each of `n` offerings (nodes) admits: bitsets [n * BITSET_WORDS(n_classes)]. NULL: no memory. */
static uint64_t *admitted_classes(const struct relevant *rel, bool nodes, struct arena *arena)
{
    const struct solver_problem *p = rel->problem;
    size_t n = nodes ? p->n_nodes : p->n_offerings, words = BITSET_WORDS(rel->n_classes);
    uint64_t *sets = arena_calloc(arena, n * words, sizeof(*sets));
    for (uint32_t c = 0; sets && c < rel->n_classes; c++) {
        const struct solver_shape *head = &p->shapes[rel->shape[rel->class_head[c]]];
        const uint64_t *admits = nodes ? head->admits_nodes : head->admits;
        for (size_t i = 0; admits && i < n; i++)
            if (bitset_has(admits, i))
                bitset_add(&sets[i * words], c);
    }
    return sets;
}

static int by_price(const void *left, const void *right)
{
    const struct room *a = left, *b = right;
    return (a->price_nanousd > b->price_nanousd) - (a->price_nanousd < b->price_nanousd);
}

/* Whatever `small` can carry, `large` can carry too. */
static bool covers(const struct relevant *rel, const struct room *large, const struct room *small)
{
    for (uint32_t d = 0; d < rel->problem->n_dims; d++)
        if (small->alloc[d] > large->alloc[d])
            return false;
    return bitset_subset(small->classes, large->classes, rel->n_classes);
}

/*
 * The offerings that no cheaper one covers. A pattern on one that is left out fits the other, and costs no less there:
 * duals that no kept offering beats are not beaten by the others.
 */
static int list_offerings(const struct relevant *rel, struct arena *arena, struct room **ret_rooms, size_t *ret_n,
                          struct err *err)
{
    const struct solver_problem *p = rel->problem;
    size_t words = BITSET_WORDS(rel->n_classes), n = 0, kept = 0;
    uint64_t *classes = admitted_classes(rel, false, arena);
    struct room *rooms = arena_array(arena, struct room, p->n_offerings);
    if (!classes || !rooms)
        return err_nomem(err);
    for (uint32_t j = 0; j < p->n_offerings; j++)
        if (!bitset_empty(&classes[j * words], rel->n_classes))
            rooms[n++] = (struct room){p->offerings[j].alloc, NULL, &classes[j * words],
                                       p->offerings[j].price_microusd * NANO_PER_MICRO};
    if (n > 0)
        qsort(rooms, n, sizeof(*rooms), by_price);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < kept && !covers(rel, &rooms[k], &rooms[i]))
            k++;
        if (k == kept)
            rooms[kept++] = rooms[i];
    }
    *ret_rooms = rooms;
    *ret_n = kept;
    return 0;
}

/* ---- One of them as a knapsack ---- */

/* The items that fit the room, with their worth, and how many of each at most. */
static void add_items(const struct relevant *rel, const struct room *room, struct check_node *node, uint32_t *items,
                      uint32_t *item_at)
{
    const struct solver_problem *p = rel->problem;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        item_at[s] = SOLVER_NONE;
    for (uint32_t item = 0; item < rel->n_items; item++) {
        if (rel->worth[item] == 0 || !item_fits(rel, room, item))
            continue;
        uint32_t at = node->n_items++;
        item_at[rel->shape[item]] = at;
        items[at] = item;
        node->shape[at] = rel->shape[item];
        node->worth[at] = rel->worth[item];
        node->most[at] = (int32_t)rel->placed[item];
    }
}

/*
 * Lets each group's cap limit its members one by one, and lists the groups that limit them together: as many as the
 * relaxation has rows for. To leave one out only makes the bound weaker.
 */
static uint32_t list_groups(const struct relevant *rel, const struct room *room, const uint32_t *item_at,
                            struct check_node *node, uint32_t listed[CHECK_RELAX_MAX_ROWS])
{
    const struct solver_problem *p = rel->problem;
    uint32_t n_listed = 0;
    for (uint32_t g = 0; g < p->n_groups; g++) {
        const struct solver_group *group = &p->groups[g];
        int32_t cap = room->group_room ? room->group_room[g] : group->cap;
        int64_t together = 0;
        for (uint32_t i = 0; i < group->n_shapes; i++) {
            uint32_t at = item_at[group->shapes[i]];
            if (at == SOLVER_NONE)
                continue;
            if (node->most[at] > cap)
                node->most[at] = cap;
            together += node->most[at];
        }
        if (together > cap && p->n_dims + n_listed < CHECK_RELAX_MAX_ROWS)
            listed[n_listed++] = g;
    }
    return n_listed;
}

static int add_rows(const struct relevant *rel, const struct room *room, const uint32_t *items, const uint32_t *item_at,
                    struct check_node *node, struct arena *arena, struct err *err)
{
    const struct solver_problem *p = rel->problem;
    uint32_t groups[CHECK_RELAX_MAX_ROWS];
    node->n_rows = p->n_dims + list_groups(rel, room, item_at, node, groups);
    node->room = arena_array(arena, int64_t, node->n_rows);
    node->load = arena_calloc(arena, (size_t)node->n_items * node->n_rows, sizeof(int64_t));
    if (!node->room || !node->load)
        return err_nomem(err);
    memcpy(node->room, room->alloc, p->n_dims * sizeof(*node->room));
    for (uint32_t i = 0; i < node->n_items; i++)
        memcpy(&node->load[(size_t)i * node->n_rows], &rel->load[(size_t)items[i] * p->n_dims],
               p->n_dims * sizeof(*node->load));
    for (uint32_t r = p->n_dims; r < node->n_rows; r++) {
        uint32_t g = groups[r - p->n_dims];
        node->room[r] = room->group_room ? room->group_room[g] : p->groups[g].cap;
        for (uint32_t i = 0; i < p->groups[g].n_shapes; i++) {
            uint32_t at = item_at[p->groups[g].shapes[i]];
            if (at != SOLVER_NONE)
                node->load[(size_t)at * node->n_rows + r] = 1;
        }
    }
    return 0;
}

/* What the best pattern in a room is worth at most, and which items can be part of one above `enough`. */
struct verdict {
    int128 worth_nanousd;
    uint32_t n_items;
    const uint32_t *items; /* [n_items] those that fit */
    const bool *harmless;  /* [n_items] */
};

/* With at most `budget` subproblems. */
static int bound_room(struct relevant *rel, const struct room *room, int128 enough, uint32_t budget,
                      struct arena *arena, struct verdict *ret, struct err *err)
{
    const struct solver_problem *p = rel->problem;
    struct check_node node = {.n_conflicts = p->n_conflicts, .conflicts = p->conflicts};
    node.worth = arena_array(arena, int64_t, rel->n_items);
    node.most = arena_array(arena, int32_t, rel->n_items);
    node.shape = arena_array(arena, uint32_t, rel->n_items);
    uint32_t *items = arena_array(arena, uint32_t, rel->n_items);
    uint32_t *item_at = arena_array(arena, uint32_t, p->n_shapes);
    bool *harmless = arena_array(arena, bool, rel->n_items);
    if (!node.worth || !node.most || !node.shape || !items || !item_at || !harmless)
        return err_nomem(err);
    add_items(rel, room, &node, items, item_at);
    uint32_t n_items = node.n_items;
    int rc = add_rows(rel, room, items, item_at, &node, arena, err);
    if (rc)
        return rc;
    if (rel->items_left < (int64_t)budget * n_items)
        budget = (uint32_t)(rel->items_left / n_items);
    uint32_t left = budget;
    int128 bound = 0;
    rc = n_items ? check_pattern_bound(&node, enough, &left, arena, &bound, harmless, err) : 0;
    if (rc)
        return rc;
    rel->items_left -= (int64_t)(budget - left) * node.n_items;
    *ret = (struct verdict){bound, n_items, items, harmless};
    return 0;
}

/* ---- The proof ---- */

/* No pod can be worth more than a node that it fits on alone. */
static void cap_worths(struct relevant *rel, const struct room *rooms, size_t n_rooms)
{
    for (size_t j = 0; j < n_rooms; j++)
        for (uint32_t item = 0; item < rel->n_items; item++)
            if (rel->worth[item] > rooms[j].price_nanousd && item_fits(rel, &rooms[j], item))
                rel->worth[item] = rooms[j].price_nanousd;
}

/*
 * Where the best pattern z of an offering is worth more than its price p, the items that such a pattern can have are
 * scaled by p / z, rounded down: every pattern x of it is then worth at most sum(worth_i x_i) p / z <= p. What later
 * offerings take away in their turn only makes x cheaper.
 */
static int scale_worths(struct relevant *rel, const struct room *rooms, size_t n_rooms, struct arena *arena,
                        struct err *err)
{
    rel->items_left = BUDGET_ITEMS;
    for (size_t j = 0; j < n_rooms; j++) {
        struct arena_mark mark = arena_mark(arena);
        struct verdict verdict;
        int64_t price = rooms[j].price_nanousd;
        int rc = bound_room(rel, &rooms[j], price, BUDGET_EACH, arena, &verdict, err);
        if (rc)
            return rc;
        for (uint32_t i = 0; verdict.worth_nanousd > price && i < verdict.n_items; i++)
            if (!verdict.harmless[i])
                rel->worth[verdict.items[i]] =
                    (int64_t)((int128)rel->worth[verdict.items[i]] * price / verdict.worth_nanousd);
        arena_rewind(arena, mark);
    }
    return 0;
}

/* Existing nodes with the same room, for the same classes, are one entry of `ret_rooms` that counts `ret_copies`. */
static int list_nodes(const struct relevant *rel, struct intern *table, struct arena *arena, struct room **ret_rooms,
                      uint32_t **ret_copies, struct err *err)
{
    const struct solver_problem *p = rel->problem;
    size_t words = BITSET_WORDS(rel->n_classes), free_bytes = p->n_dims * sizeof(int64_t);
    size_t group_bytes = p->n_groups * sizeof(int32_t), class_bytes = words * sizeof(uint64_t);
    uint64_t *classes = admitted_classes(rel, true, arena);
    struct room *rooms = arena_array(arena, struct room, p->n_nodes);
    uint32_t *copies = arena_array(arena, uint32_t, p->n_nodes);
    char *key = arena_alloc(arena, free_bytes + class_bytes + 1 + group_bytes);
    if (!classes || !rooms || !copies || !key)
        return err_nomem(err);
    for (uint32_t e = 0; e < p->n_nodes; e++) {
        const struct solver_node *node = &p->nodes[e];
        if (bitset_empty(&classes[e * words], rel->n_classes))
            continue;
        size_t len = free_bytes + class_bytes;
        memcpy(key, node->free, free_bytes);
        memcpy(key + free_bytes, &classes[e * words], class_bytes);
        if (node->group_room && group_bytes) {
            memcpy(key + len, node->group_room, group_bytes);
            len += group_bytes;
        }
        uint32_t id;
        int rc = intern_add(table, (struct str){key, len}, &id, err);
        if (rc)
            return rc;
        rooms[id] = (struct room){node->free, node->group_room, &classes[e * words], 0};
        copies[id]++;
    }
    *ret_rooms = rooms;
    *ret_copies = copies;
    return 0;
}

/* What the existing nodes can carry at most, all together. */
static int bound_nodes(struct relevant *rel, struct arena *arena, int128 *ret_worth_nanousd, struct err *err)
{
    struct intern table = {0};
    struct room *rooms = NULL;
    uint32_t *copies = NULL;
    int128 worth = 0;
    int rc = list_nodes(rel, &table, arena, &rooms, &copies, err);
    rel->items_left = BUDGET_ITEMS;
    uint32_t budget = BUDGET_EACH / (uint32_t)(table.len / 8 + 1); /* a fair share: their errors add up */
    for (size_t e = 0; !rc && e < table.len; e++) {
        struct arena_mark mark = arena_mark(arena);
        struct verdict verdict;
        rc = bound_room(rel, &rooms[e], 0, budget, arena, &verdict, err);
        if (!rc)
            worth += verdict.worth_nanousd * copies[e];
        arena_rewind(arena, mark);
    }
    intern_release(&table);
    if (!rc)
        *ret_worth_nanousd = worth;
    return rc;
}

static int prove(const struct solver_problem *p, const int64_t *placed, const int64_t *duals_nanousd,
                 struct arena *arena, int64_t *ret_bound_microusd, struct err *err)
{
    struct relevant rel;
    struct room *offerings = NULL;
    size_t n_offerings = 0;
    int128 bound = 0, carried = 0;
    int rc = relevant_init(&rel, p, placed, duals_nanousd, arena, err);
    if (!rc)
        rc = list_offerings(&rel, arena, &offerings, &n_offerings, err);
    if (rc)
        return rc;
    cap_worths(&rel, offerings, n_offerings);
    rc = scale_worths(&rel, offerings, n_offerings, arena, err);
    if (!rc)
        rc = bound_nodes(&rel, arena, &carried, err);
    if (rc)
        return rc;
    for (uint32_t item = 0; item < rel.n_items; item++)
        bound += (int128)rel.placed[item] * rel.worth[item];
    bound = bound > carried ? (bound - carried) / NANO_PER_MICRO : 0;
    *ret_bound_microusd = bound < INT64_MAX ? (int64_t)bound : INT64_MAX;
    return 0;
}

int solver_check_duals(const struct solver_problem *problem, const int64_t *placed, const int64_t *duals_nanousd,
                       int64_t *ret_bound_microusd, struct err *err)
{
    int rc = check_arguments(problem, placed, duals_nanousd, err);
    if (rc)
        return rc;
    struct arena arena = ARENA_INIT;
    rc = prove(problem, placed, duals_nanousd, &arena, ret_bound_microusd, err);
    arena_release(&arena);
    return rc;
}

int solver_check_bound(const struct solver_problem *problem, const int64_t *placed, const int64_t *duals_nanousd,
                       int64_t *ret_bound_microusd, struct err *err)
{
    int rc = check_arguments(problem, placed, duals_nanousd, err);
    if (rc)
        return rc;
    struct arena arena = ARENA_INIT;
    bool known = false; /* no duals prove more than the cheapest cost itself */
    rc = check_exact_cost(problem, placed, &arena, &known, ret_bound_microusd, err);
    if (!rc && !known)
        rc = prove(problem, placed, duals_nanousd, &arena, ret_bound_microusd, err);
    arena_release(&arena);
    return rc;
}

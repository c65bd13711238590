#include "solver/improve.h"

#include <stdlib.h>
#include <string.h>

#include "solver/greedy.h"

enum { MOST_NODES = 8, TOURNAMENT = 3, NODE_LIMIT = 60 };

/* A node on its own, without copies. */
struct node {
    uint32_t kind;
    uint32_t n_takes;
    const struct solver_take *takes;
    double waste; /* price less the worth of its pods */
};

struct improve {
    struct packer *packer;
    struct kinds *kinds;
    const double *duals;
    struct rng rng;
    VEC(struct node) nodes;
    int64_t *pool;   /* [n_shapes] pods taken out; zero between trials */
    double *noisy;   /* [n_shapes] */
    uint32_t *focus; /* [n_shapes] shapes in the pool, ascending */
    uint32_t n_focus;
    uint32_t picked[MOST_NODES];
    uint32_t n_picked;
    struct greedy_options greedy;
};

static struct node node_of(const struct improve *m, uint32_t kind, const struct solver_take *takes, uint32_t n_takes)
{
    struct node node = {kind, n_takes, takes, (double)m->kinds->items[kind].price_microusd};
    for (uint32_t k = 0; k < n_takes; k++)
        node.waste -= (double)takes[k].count * m->duals[takes[k].shape];
    return node;
}

static bool expand(struct improve *m, const struct bag *bag)
{
    for (size_t i = 0; i < bag->items.len; i++) {
        const struct bag_item *item = &bag->items.items[i];
        struct node node = node_of(m, item->kind, item->takes, item->n_takes);
        for (int64_t copy = 0; copy < item->copies; copy++)
            if (!VEC_PUSH(&m->nodes, node))
                return false;
    }
    return true;
}

/* The most wasteful of a few at random that is not picked yet. */
static void pick_one(struct improve *m, uint32_t tournament)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t t = 0; t < tournament; t++) {
        uint32_t at = rng_below(&m->rng, (uint32_t)m->nodes.len);
        bool taken = false;
        for (uint32_t k = 0; k < m->n_picked; k++)
            taken |= m->picked[k] == at;
        if (!taken && (best == UINT32_MAX || m->nodes.items[at].waste > m->nodes.items[best].waste))
            best = at;
    }
    if (best != UINT32_MAX)
        m->picked[m->n_picked++] = best;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Takes a few nodes apart into the pool; returns what they cost. */
static int64_t ruin(struct improve *m)
{
    uint32_t want = 2 + rng_below(&m->rng, MOST_NODES - 1);
    m->n_picked = m->n_focus = 0;
    for (uint32_t k = 0; k < want; k++)
        pick_one(m, k == 0 ? TOURNAMENT * 2 : TOURNAMENT);
    int64_t cost = 0;
    for (uint32_t k = 0; k < m->n_picked; k++) {
        const struct node *node = &m->nodes.items[m->picked[k]];
        cost += m->kinds->items[node->kind].price_microusd;
        for (uint32_t t = 0; t < node->n_takes; t++) {
            uint32_t s = node->takes[t].shape;
            if (!m->pool[s])
                m->focus[m->n_focus++] = s;
            m->pool[s] += node->takes[t].count;
        }
    }
    qsort(m->focus, m->n_focus, sizeof(*m->focus), by_id);
    double noise = 0.1 * rng_unit(&m->rng);
    for (uint32_t k = 0; k < m->n_focus; k++)
        m->noisy[m->focus[k]] = m->duals[m->focus[k]] * (1 + noise * (rng_unit(&m->rng) - 0.5));
    return cost;
}

/* The picked nodes give way to those of `bag`; the list stays dense. */
static bool replace_picked(struct improve *m, const struct bag *bag)
{
    qsort(m->picked, m->n_picked, sizeof(*m->picked), by_id);
    while (m->n_picked > 0) {
        uint32_t at = m->picked[--m->n_picked];
        m->nodes.items[at] = m->nodes.items[--m->nodes.len];
    }
    return expand(m, bag);
}

static int trial(struct improve *m, struct arena *arena, struct bag *bag, struct bag *recreated, struct err *err)
{
    int64_t before = ruin(m);
    struct arena_mark mark = arena_mark(arena);
    bag_clear(recreated);
    m->greedy.most_microusd = before + 1;
    m->packer->focus = m->focus;
    m->packer->n_focus = m->n_focus;
    int failed = greedy_fill(m->packer, m->kinds, m->noisy, m->pool, &m->greedy, arena, recreated, err);
    m->packer->n_focus = 0;
    bool complete = true;
    for (uint32_t k = 0; k < m->n_focus; k++) {
        complete &= m->pool[m->focus[k]] == 0;
        m->pool[m->focus[k]] = 0;
    }
    if (failed)
        return failed;
    if (!complete || recreated->cost_microusd > before) {
        arena_rewind(arena, mark);
        return 0;
    }
    bag->cost_microusd += recreated->cost_microusd - before;
    return replace_picked(m, recreated) ? 0 : err_nomem(err);
}

static int same_node(const void *a, const void *b)
{
    const struct node *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->n_takes != y->n_takes)
        return x->n_takes < y->n_takes ? -1 : 1;
    for (uint32_t k = 0; k < x->n_takes; k++) {
        if (x->takes[k].shape != y->takes[k].shape)
            return x->takes[k].shape < y->takes[k].shape ? -1 : 1;
        if (x->takes[k].count != y->takes[k].count)
            return x->takes[k].count < y->takes[k].count ? -1 : 1;
    }
    return 0;
}

/* Nodes back into items with copies. */
static bool collapse(struct improve *m, struct bag *bag)
{
    if (m->nodes.len > 0)
        qsort(m->nodes.items, m->nodes.len, sizeof(*m->nodes.items), same_node);
    bag->items.len = 0;
    for (size_t i = 0; i < m->nodes.len; i++) {
        const struct node *node = &m->nodes.items[i];
        if (i && same_node(node, node - 1) == 0)
            bag->items.items[bag->items.len - 1].copies++;
        else if (!VEC_PUSH(&bag->items, ((struct bag_item){node->kind, node->n_takes, node->takes, 1})))
            return false;
    }
    return true;
}

static int run(struct improve *m, const struct improve_options *options, struct arena *arena, struct bag *bag,
               struct err *err)
{
    struct bag recreated = {0};
    int failed = 0;
    for (uint32_t n = 0; !failed && n < options->most_trials && m->nodes.len > 1; n++) {
        if ((double)bag->cost_microusd <= options->enough_microusd ||
            (options->expired && options->expired(options->context)))
            break;
        failed = trial(m, arena, bag, &recreated, err);
    }
    bag_release(&recreated);
    return failed;
}

int improve_bag(struct packer *packer, struct kinds *kinds, const double *duals, const struct improve_options *options,
                struct arena *arena, struct bag *bag, struct err *err)
{
    uint32_t n = packer->n_shapes;
    struct improve m = {.packer = packer,
                        .kinds = kinds,
                        .duals = duals,
                        .rng = {options->seed},
                        .pool = arena_array(arena, int64_t, n),
                        .noisy = arena_array(arena, double, n),
                        .focus = arena_array(arena, uint32_t, n),
                        .greedy = {.node_limit = NODE_LIMIT}};
    if (!m.pool || !m.noisy || !m.focus)
        return err_nomem(err);
    int failed = expand(&m, bag) ? 0 : err_nomem(err);
    if (!failed)
        failed = run(&m, options, arena, bag, err);
    if (!failed && !collapse(&m, bag))
        failed = err_nomem(err);
    VEC_FREE(&m.nodes);
    return failed;
}

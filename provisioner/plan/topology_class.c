/* topology_class.c - shapes that no rule tells apart become a class, with the cells that its pods may go to. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

/* What is gathered of one shape before its class is known. All of it is reused for the next shape. */
struct gather {
    struct topo *topo;
    uint32_t shape;
    VEC(struct topo_rule) rules;
    VEC(uint32_t) feeds, axes;
    VEC(uint32_t) domains;         /* [n_cells][axes] */
    VEC(uint8_t) offered;          /* [n_cells] */
    VEC(uint8_t) feeds_in;         /* [n_feeds][n_cells] */
    uint64_t **offerings, **nodes; /* [axes + 1] scratch of the walk over domains */
    size_t n_cells;
    struct intern class_keys;
    uint32_t *class_of;  /* [n_shapes] SOLVER_NONE: none */
    VEC(uint32_t) first; /* [classes] the first shape */
};

static void gather_release(struct gather *g)
{
    VEC_FREE(&g->rules);
    VEC_FREE(&g->feeds);
    VEC_FREE(&g->axes);
    VEC_FREE(&g->domains);
    VEC_FREE(&g->offered);
    VEC_FREE(&g->feeds_in);
    VEC_FREE(&g->first);
    intern_release(&g->class_keys);
    free(g->offerings);
    free(g->nodes);
}

/* Tallies that count the shape's pods, and those whose carriers keep them away. */
static int gather_feeds(struct gather *g, bool *ret_needed, struct err *err)
{
    const struct topo *topo = g->topo;
    const uint64_t *matches = topo->demand->shapes[g->shape].matches;
    bool needed = g->rules.len > 0;
    for (size_t i = 0; i < g->rules.len; i++)
        if (g->rules.items[i].carriers != SOLVER_NONE && !VEC_PUSH(&g->feeds, g->rules.items[i].carriers))
            return err_nomem(err);
    BITSET_EACH (selector, matches, topo->demand->n_selectors) {
        for (uint32_t at = topo->tally_first[selector]; at; at = topo->tally_next.items[at - 1]) {
            const struct topo_tally *tally = &topo->tallies.items[at - 1];
            if (!topo_tally_takes(tally, matches))
                continue;
            bool barred = tally->kind == TALLY_CARRIERS;
            struct topo_rule rule = {
                .kind = RULE_BARRED, .tally = at - 1, .axis = tally->axis, .carriers = SOLVER_NONE};
            if (barred ? !VEC_PUSH(&g->rules, rule) : !VEC_PUSH(&g->feeds, at - 1))
                return err_nomem(err);
            needed = needed || barred || tally->kind == TALLY_AFFINITY;
        }
    }
    *ret_needed = needed;
    return 0;
}

static int gather_axis(struct gather *g, uint32_t axis, struct err *err)
{
    for (size_t i = 0; i < g->axes.len; i++)
        if (g->axes.items[i] == axis)
            return 0;
    return VEC_PUSH(&g->axes, axis) ? 0 : err_nomem(err);
}

static int gather_axes(struct gather *g, struct err *err)
{
    const struct topo *topo = g->topo;
    for (size_t i = 0; i < g->rules.len; i++)
        if (gather_axis(g, g->rules.items[i].axis, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < g->feeds.len; i++)
        if (gather_axis(g, topo->tallies.items[g->feeds.items[i]].axis, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < g->rules.len; i++)
        for (uint32_t slot = 0; slot < g->axes.len; slot++)
            if (g->axes.items[slot] == g->rules.items[i].axis)
                g->rules.items[i].slot = slot;
    return 0;
}

static void and_into(uint64_t *into, const uint64_t *a, const uint64_t *b, size_t bits)
{
    for (size_t w = 0; w < BITSET_WORDS(bits); w++)
        into[w] = a[w] & b[w];
}

/*
 * All combinations of domains that leave some offering or node, by a walk that goes deeper axis by axis: path[slot]
 * is the domain that is tried on each, offerings[slot + 1] and nodes[slot + 1] what it leaves.
 */
static int gather_cells(struct gather *g, uint32_t *path, struct err *err)
{
    const struct topo *topo = g->topo;
    size_t n = topo->supply->n, n_nodes = topo->demand->n_nodes, depth = g->axes.len, slot = 0;
    path[0] = 0;
    for (;;) {
        const struct topo_axis *axis = &topo->axes.items[g->axes.items[slot]];
        if (path[slot] > axis->n_domains) {
            if (slot-- == 0)
                return 0;
            path[slot]++;
            continue;
        }
        and_into(g->offerings[slot + 1], g->offerings[slot], axis->offerings[path[slot]], n);
        and_into(g->nodes[slot + 1], g->nodes[slot], axis->nodes[path[slot]], n_nodes);
        bool offered = !bitset_empty(g->offerings[slot + 1], n);
        if (!offered && bitset_empty(g->nodes[slot + 1], n_nodes)) {
            path[slot]++;
        } else if (slot + 1 < depth) {
            path[++slot] = 0;
        } else {
            for (size_t i = 0; i < depth; i++)
                if (!VEC_PUSH(&g->domains, path[i]))
                    return err_nomem(err);
            if (!VEC_PUSH(&g->offered, offered))
                return err_nomem(err);
            g->n_cells++;
            path[slot]++;
        }
    }
}

static int walk_cells(struct gather *g, struct err *err)
{
    struct topo *topo = g->topo;
    size_t depth = g->axes.len, words = BITSET_WORDS(topo->supply->n), node_words = BITSET_WORDS(topo->demand->n_nodes);
    struct arena_mark mark = arena_mark(topo->arena);
    uint64_t **offerings = realloc(g->offerings, (depth + 1) * sizeof(*offerings));
    if (offerings)
        g->offerings = offerings;
    uint64_t **nodes = realloc(g->nodes, (depth + 1) * sizeof(*nodes));
    if (nodes)
        g->nodes = nodes;
    uint32_t *path = arena_array(topo->arena, uint32_t, depth);
    if (!offerings || !nodes || !path)
        return err_nomem(err);
    for (size_t i = 0; i <= depth; i++) {
        offerings[i] = arena_array(topo->arena, uint64_t, words);
        nodes[i] = arena_array(topo->arena, uint64_t, node_words);
        if (!offerings[i] || !nodes[i])
            return err_nomem(err);
    }
    bitset_copy(offerings[0], topo->shapes[g->shape].admits, topo->supply->n);
    bitset_copy(nodes[0], topo->shapes[g->shape].admits_nodes, topo->demand->n_nodes);
    int code = gather_cells(g, path, err);
    arena_rewind(topo->arena, mark);
    return code;
}

/* Of the nodes that a pod of the shape may be on in this domain, does the tally look at none, some or all? */
static enum feed tally_sees(const struct topo *topo, const struct topo_tally *tally, uint32_t shape, uint32_t domain)
{
    const struct topo_axis *axis = &topo->axes.items[tally->axis];
    const uint64_t *admits = topo->shapes[shape].admits;
    bool some = false, others = false;
    if (!tally->offerings)
        return FEED_YES;
    for (size_t w = 0; w < BITSET_WORDS(topo->supply->n); w++) {
        uint64_t here = admits[w] & axis->offerings[domain][w];
        some = some || (here & tally->offerings[w]);
        others = others || (here & ~tally->offerings[w]);
    }
    for (size_t n = 0; n < topo->objects->nodes.len; n++) {
        uint32_t usable = topo->demand->usable[n];
        if (usable == SOLVER_NONE || axis->node_domain[n] != domain ||
            !bitset_has(topo->shapes[shape].admits_nodes, usable))
            continue;
        if (bitset_has(tally->all_nodes, n))
            some = true;
        else
            others = true;
    }
    return !some ? FEED_NO : others ? FEED_MAYBE : FEED_YES;
}

static int gather_feeds_in(struct gather *g, struct err *err)
{
    const struct topo *topo = g->topo;
    for (size_t f = 0; f < g->feeds.len; f++) {
        const struct topo_tally *tally = &topo->tallies.items[g->feeds.items[f]];
        size_t slot = 0;
        while (g->axes.items[slot] != tally->axis)
            slot++;
        for (size_t c = 0; c < g->n_cells; c++) {
            uint32_t domain = g->domains.items[c * g->axes.len + slot];
            if (!VEC_PUSH(&g->feeds_in, (uint8_t)tally_sees(topo, tally, g->shape, domain)))
                return err_nomem(err);
        }
    }
    return 0;
}

/* Names all by which classes differ. */
static bool name_class(struct gather *g)
{
    struct content_key *key = &g->topo->key;
    key->len = 0;
    bool ok = content_put_number(key, (uint32_t)g->topo->demand->shapes[g->shape].spec->priority) &&
              content_put_number(key, (uint32_t)g->rules.len);
    for (size_t i = 0; i < g->rules.len && ok; i++) {
        const struct topo_rule *rule = &g->rules.items[i];
        ok = content_put_number(key, (uint32_t)rule->kind) && content_put_number(key, rule->tally) &&
             content_put_number(key, rule->carriers) && content_put_number(key, (uint32_t)rule->max_skew) &&
             content_put_number(key, (uint32_t)rule->min_domains) && content_put_number(key, (uint32_t)rule->weight) &&
             content_put_number(key, rule->self);
    }
    return ok && content_put_number(key, (uint32_t)g->feeds.len) &&
           content_put(key, g->feeds.items, g->feeds.len * sizeof(*g->feeds.items)) &&
           content_put(key, g->axes.items, g->axes.len * sizeof(*g->axes.items)) &&
           content_put(key, g->domains.items, g->domains.len * sizeof(*g->domains.items)) &&
           content_put(key, g->offered.items, g->offered.len) && content_put(key, g->feeds_in.items, g->feeds_in.len);
}

static void *copy(struct arena *arena, const void *items, size_t size)
{
    void *to = arena_alloc(arena, size);
    if (to && size)
        memcpy(to, items, size);
    return to;
}

/* The domains a spread's skew is taken over: those of the class's cells, and of nodes that the spread looks at. */
static int spread_domains(struct topo *topo, const struct topo_class *class, struct topo_rule *rule, struct err *err)
{
    const struct topo_axis *axis = &topo->axes.items[rule->axis];
    const struct topo_tally *tally = &topo->tallies.items[rule->tally];
    uint64_t *domains = arena_array(topo->arena, uint64_t, BITSET_WORDS((size_t)axis->n_domains + 1));
    if (!domains)
        return err_nomem(err);
    for (size_t c = 0; c < class->n_cells; c++)
        bitset_add(domains, class->cells[c].domains[rule->slot]);
    for (size_t n = 0; n < topo->objects->nodes.len; n++)
        if (bitset_has(tally->all_nodes, n))
            bitset_add(domains, axis->node_domain[n]);
    bitset_remove(domains, axis->n_domains);
    rule->domains = domains;
    return 0;
}

static int make_class(struct gather *g, struct err *err)
{
    struct topo *topo = g->topo;
    struct topo_class class = {.n_axes = g->axes.len,
                               .n_rules = g->rules.len,
                               .n_cells = g->n_cells,
                               .n_feeds = g->feeds.len,
                               .n_offerings = bitset_count(topo->shapes[g->shape].admits, topo->supply->n),
                               .priority = topo->demand->shapes[g->shape].spec->priority,
                               .free = true};
    uint32_t *domains = copy(topo->arena, g->domains.items, g->domains.len * sizeof(*domains));
    class.axes = copy(topo->arena, g->axes.items, g->axes.len * sizeof(*class.axes));
    class.rules = copy(topo->arena, g->rules.items, g->rules.len * sizeof(*class.rules));
    class.feeds = copy(topo->arena, g->feeds.items, g->feeds.len * sizeof(*class.feeds));
    class.feeds_in = copy(topo->arena, g->feeds_in.items, g->feeds_in.len);
    class.cells = arena_array(topo->arena, struct topo_cell, g->n_cells);
    if (!domains || !class.axes || !class.rules || !class.feeds || !class.feeds_in || !class.cells)
        return err_nomem(err);
    for (size_t c = 0; c < g->n_cells; c++)
        class.cells[c] =
            (struct topo_cell){.domains = domains + c * g->axes.len, .offered = g->offered.items[c], .whim = 1};
    for (size_t r = 0; r < class.n_rules; r++) {
        class.free = class.free && class.rules[r].kind == RULE_BARRED;
        if (class.rules[r].kind == RULE_SPREAD && spread_domains(topo, &class, &class.rules[r], err) < 0)
            return ERR_NOMEM;
    }
    return VEC_PUSH(&topo->classes, class) && VEC_PUSH(&g->first, g->shape) ? 0 : err_nomem(err);
}

static int class_shape(struct gather *g, const struct topo_drafts *drafts, struct err *err)
{
    struct topo *topo = g->topo;
    bool needed = false;
    g->rules.len = g->feeds.len = g->axes.len = g->domains.len = g->offered.len = g->feeds_in.len = 0;
    g->n_cells = 0;
    for (uint32_t i = drafts->first[g->shape]; i < drafts->first[g->shape + 1]; i++)
        if (!VEC_PUSH(&g->rules, drafts->rules.items[i]))
            return err_nomem(err);
    if (gather_feeds(g, &needed, err) < 0)
        return ERR_NOMEM;
    if (!needed)
        return topo_add_part(topo, g->shape, topo->demand->shapes[g->shape].n_pods, topo->shapes[g->shape].admits,
                             topo->shapes[g->shape].admits_nodes, err);
    if (gather_axes(g, err) < 0 || walk_cells(g, err) < 0 || gather_feeds_in(g, err) < 0)
        return ERR_NOMEM;
    uint32_t id;
    if (!name_class(g) || intern_add(&g->class_keys, content_text(&topo->key), &id, NULL) < 0)
        return err_nomem(err);
    g->class_of[g->shape] = id;
    return id == topo->classes.len ? make_class(g, err) : 0;
}

/* Room on existing nodes for pods as large as the class's largest, up to what the class needs. */
static int cell_room(struct topo *topo, const struct topo_class *class, struct topo_cell *cell, struct err *err)
{
    uint32_t n_dims = topo->supply->dims->n;
    int64_t largest[SOLVER_MAX_DIMS] = {0};
    uint64_t *nodes = topo_cell_nodes(topo, class, cell, class->shapes[0]);
    if (!nodes)
        return err_nomem(err);
    for (size_t i = 0; i < class->n_shapes; i++)
        for (uint32_t d = 0; d < n_dims; d++)
            if (topo->demand->shapes[class->shapes[i]].req[d] > largest[d])
                largest[d] = topo->demand->shapes[class->shapes[i]].req[d];
    BITSET_EACH (n, nodes, topo->demand->n_nodes) {
        int64_t fit = INT32_MAX;
        for (uint32_t d = 0; d < n_dims; d++)
            if (largest[d] > 0 && topo->demand->nodes[n].free[d] / largest[d] < fit)
                fit = topo->demand->nodes[n].free[d] / largest[d];
        cell->room += fit;
        if (cell->room >= class->left)
            break;
    }
    if (cell->room > class->left)
        cell->room = class->left;
    cell->room_at_first = cell->room;
    return 0;
}

static int price_class(struct topo *topo, struct topo_class *class, struct err *err)
{
    class->shape_cost = arena_array(topo->arena, double, class->n_shapes *class->n_cells);
    if (!class->shape_cost)
        return err_nomem(err);
    for (size_t c = 0; c < class->n_cells; c++) {
        struct topo_cell *cell = &class->cells[c];
        if (topo->demand->n_nodes && cell_room(topo, class, cell, err) < 0)
            return ERR_NOMEM;
        for (size_t i = 0; i < class->n_shapes && cell->offered && class->n_cells > 1; i++) {
            struct arena_mark mark = arena_mark(topo->arena);
            uint64_t *admits = topo_cell_offerings(topo, class, cell, class->shapes[i]);
            if (!admits)
                return err_nomem(err);
            double cost = topo_pod_cost(topo, class->shapes[i], admits);
            arena_rewind(topo->arena, mark);
            class->shape_cost[i * class->n_cells + c] = cost;
            cell->cost += cost * topo->demand->shapes[class->shapes[i]].n_pods / (double)class->left;
        }
    }
    return 0;
}

/* Gives each class its shapes, in input order, and the prices of its cells. */
static int fill_classes(struct gather *g, struct err *err)
{
    struct topo *topo = g->topo;
    size_t n = topo->demand->n_shapes;
    for (size_t s = 0; s < n; s++)
        if (g->class_of[s] != SOLVER_NONE)
            topo->classes.items[g->class_of[s]].n_shapes++;
    for (size_t k = 0; k < topo->classes.len; k++) {
        topo->classes.items[k].shapes = arena_array(topo->arena, uint32_t, topo->classes.items[k].n_shapes);
        if (!topo->classes.items[k].shapes)
            return err_nomem(err);
        topo->classes.items[k].n_shapes = 0;
    }
    for (uint32_t s = 0; s < n; s++) {
        if (g->class_of[s] == SOLVER_NONE)
            continue;
        struct topo_class *class = &topo->classes.items[g->class_of[s]];
        class->shapes[class->n_shapes++] = s;
        class->left += topo->demand->shapes[s].n_pods;
    }
    for (size_t k = 0; k < topo->classes.len; k++)
        if (price_class(topo, &topo->classes.items[k], err) < 0)
            return ERR_NOMEM;
    return 0;
}

int topo_classes_build(struct topo *topo, const struct topo_drafts *drafts, struct err *err)
{
    CC_CLEANUP(gather_release) struct gather g = {.topo = topo};
    size_t n = topo->demand->n_shapes;
    g.class_of = arena_array(topo->arena, uint32_t, n);
    if (!g.class_of)
        return err_nomem(err);
    for (uint32_t s = 0; s < n; s++) {
        const struct topo_shape *shape = &topo->shapes[s];
        uint32_t n_pods = topo->demand->shapes[s].n_pods;
        g.class_of[s] = SOLVER_NONE;
        g.shape = s;
        if (shape->refused ? topo_refuse(topo, s, n_pods, shape->refused, err) < 0 : class_shape(&g, drafts, err) < 0)
            return ERR_NOMEM;
    }
    return fill_classes(&g, err);
}

/* topology_parts.c - placed pods as parts of shapes, each shape where it is cheapest; the others with a reason. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

int topo_add_part(struct topo *topo, uint32_t shape, uint32_t n_pods, const uint64_t *admits,
                  const uint64_t *admits_nodes, struct err *err)
{
    const struct demand_shape *whole = &topo->demand->shapes[shape];
    struct topology_part part = {shape, n_pods, admits, admits_nodes};
    if (!bitset_equal(admits, whole->admits, topo->supply->n) ||
        !bitset_equal(admits_nodes, whole->admits_nodes, topo->demand->n_nodes))
        topo->out->narrowed = true;
    return VEC_PUSH(&topo->parts, part) ? 0 : err_nomem(err);
}

int topo_refuse(struct topo *topo, uint32_t shape, uint32_t n_pods, const char *reason, struct err *err)
{
    struct topology_refusal refusal = {shape, n_pods, reason};
    return VEC_PUSH(&topo->refusals, refusal) ? 0 : err_nomem(err);
}

uint64_t *topo_cell_offerings(struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                              uint32_t shape)
{
    const uint64_t *admits = topo->shapes[shape].admits;
    uint64_t *set = topo_and(topo, admits, admits, topo->supply->n);
    for (size_t i = 0; i < class->n_axes && set; i++)
        bitset_and(set, topo->axes.items[class->axes[i]].offerings[cell->domains[i]], topo->supply->n);
    return set;
}

uint64_t *topo_cell_nodes(struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                          uint32_t shape)
{
    const uint64_t *admits = topo->shapes[shape].admits_nodes;
    uint64_t *set = topo_and(topo, admits, admits, topo->demand->n_nodes);
    for (size_t i = 0; i < class->n_axes && set; i++)
        bitset_and(set, topo->axes.items[class->axes[i]].nodes[cell->domains[i]], topo->demand->n_nodes);
    return set;
}

/* Names of the domains that the class's cells have on an axis, at most a few; *ret_n counts all. */
static const char *domain_names(struct topo *topo, const struct topo_class *class, const struct topo_rule *rule,
                                size_t *ret_n)
{
    enum { MOST_NAMES = 6 };
    const struct topo_axis *axis = &topo->axes.items[rule->axis];
    const char *text = "";
    size_t n = 0;
    for (uint32_t d = 0; d < axis->n_domains && text; d++) {
        bool has = false;
        for (size_t c = 0; c < class->n_cells && !has; c++)
            has = class->cells[c].domains[rule->slot] == d;
        if (has && n++ < MOST_NAMES)
            text = arena_printf(topo->arena, "%s%s%.*s", text, n > 1 ? ", " : "", STR_ARG(axis->names[d]));
        else if (has && n == MOST_NAMES + 1)
            text = arena_printf(topo->arena, "%s, …", text);
    }
    *ret_n = n;
    return text;
}

static const char *spread_reason(struct topo *topo, const struct topo_class *class, const struct topo_rule *rule)
{
    const struct topo_axis *axis = &topo->axes.items[rule->axis];
    const struct topo_tally *tally = &topo->tallies.items[rule->tally];
    uint32_t lowest = axis->n_domains;
    int32_t n_domains = 0;
    BITSET_EACH (d, rule->domains, axis->n_domains) {
        n_domains++;
        if (lowest == axis->n_domains || tally->sure[d] < tally->sure[lowest])
            lowest = (uint32_t)d;
    }
    size_t n;
    const char *names = domain_names(topo, class, rule, &n);
    if (!names || lowest == axis->n_domains)
        return names ? "topology spread: no domain" : NULL;
    if (n_domains < rule->min_domains)
        return arena_printf(topo->arena,
                            "topology spread over %.*s: minDomains is %d and there are %d, so that each holds at most "
                            "maxSkew %d",
                            STR_ARG(axis->key), rule->min_domains, n_domains, rule->max_skew);
    return arena_printf(
        topo->arena,
        "topology spread over %.*s (maxSkew %d): it can go to %s only, and %.*s holds no more than %lld "
        "of the pods it counts",
        STR_ARG(axis->key), rule->max_skew, names, STR_ARG(axis->names[lowest]), (long long)tally->sure[lowest]);
}

static const char *affinity_reason(struct topo *topo, const struct topo_class *class, const struct topo_rule *rule)
{
    const struct topo_axis *axis = &topo->axes.items[rule->axis];
    const struct topo_tally *tally = &topo->tallies.items[rule->tally];
    if (!tally->total)
        return arena_printf(topo->arena,
                            "pod affinity over %.*s: none of the pods that it must be near is bound or can be planned",
                            STR_ARG(axis->key));
    size_t n;
    const char *names = domain_names(topo, class, rule, &n);
    uint32_t domain = 0;
    while (!tally->count[domain])
        domain++;
    return names ? arena_printf(topo->arena,
                                "pod affinity over %.*s: the pods that it must be near are in %.*s, and it can go to "
                                "%s only",
                                STR_ARG(axis->key), STR_ARG(axis->names[domain]), n ? names : "no such domain")
                 : NULL;
}

static const char *rule_reason(struct topo *topo, const struct topo_class *class, const struct topo_rule *rule)
{
    const struct topo_axis *axis = &topo->axes.items[rule->axis];
    size_t n;
    if (rule->kind != RULE_ANTI && rule->kind != RULE_BARRED) {
        if (domain_names(topo, class, rule, &n) && n == 0)
            return arena_printf(topo->arena, "topologyKey %.*s: nothing that admits it has this label%s",
                                STR_ARG(axis->key),
                                axis->n_domains ? "" : ": no Provisioner gives one value for it, and no node has it");
        return rule->kind == RULE_SPREAD ? spread_reason(topo, class, rule) : affinity_reason(topo, class, rule);
    }
    const char *names = domain_names(topo, class, rule, &n);
    if (!names)
        return NULL;
    return arena_printf(topo->arena, "pod anti-affinity over %.*s: each of the %zu domains that it can go to (%s) %s",
                        STR_ARG(axis->key), n, names,
                        rule->kind == RULE_ANTI ? "holds a pod that it must keep away from"
                                                : "holds a pod that keeps it away");
}

/* The rule that forbids most cells is the one to name. */
static const char *class_reason(struct topo *topo, const struct topo_class *class)
{
    const struct topo_rule *worst = NULL;
    size_t most = 0;
    for (size_t r = 0; r < class->n_rules; r++) {
        size_t n = 0;
        for (size_t c = 0; c < class->n_cells; c++) {
            const struct topo_rule *rule;
            n += !topo_allowed(topo, class, &class->cells[c], &rule) && rule == &class->rules[r];
        }
        if (n > most) {
            most = n;
            worst = &class->rules[r];
        }
    }
    if (worst)
        return rule_reason(topo, class, worst);
    return "its placement constraints leave existing nodes only, and they have no room left";
}

/* A shape of a class and how many of its pods are still to be dealt with. */
struct share {
    size_t index; /* among the class's shapes */
    uint32_t left;
    double regret; /* what its second cheapest cell costs more than its cheapest */
};

static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->regret != y->regret)
        return x->regret > y->regret ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static double regret_of(const struct topo_class *class, size_t shape)
{
    double first = 0, second = 0;
    size_t n = 0;
    for (size_t c = 0; c < class->n_cells; c++) {
        if (!class->cells[c].placed)
            continue;
        double cost = class->shape_cost[shape * class->n_cells + c];
        if (n == 0 || cost < first) {
            second = n == 0 ? cost : first;
            first = cost;
        } else if (n == 1 || cost < second) {
            second = cost;
        }
        n++;
    }
    return second - first;
}

/* The cell with slots left that is cheapest for the shape; n_cells if there is none. */
static size_t cheapest_cell(const struct topo_class *class, const int64_t *slots, size_t shape)
{
    size_t best = class->n_cells;
    for (size_t c = 0; c < class->n_cells; c++) {
        if (!slots[c])
            continue;
        const double *cost = class->shape_cost + shape * class->n_cells;
        if (best == class->n_cells || cost[c] < cost[best])
            best = c;
    }
    return best;
}

/* Gives the shape as many of the cells' slots as it has pods. */
static int deal_cells(struct topo *topo, const struct topo_class *class, int64_t *slots, struct share *share,
                      struct err *err)
{
    uint32_t shape = class->shapes[share->index];
    for (;;) {
        size_t c = share->left ? cheapest_cell(class, slots, share->index) : class->n_cells;
        if (c == class->n_cells)
            return 0;
        uint32_t n = slots[c] < share->left ? (uint32_t)slots[c] : share->left;
        uint64_t *admits = topo_cell_offerings(topo, class, &class->cells[c], shape);
        uint64_t *nodes = topo_cell_nodes(topo, class, &class->cells[c], shape);
        if (!admits || !nodes)
            return err_nomem(err);
        if (topo_add_part(topo, shape, n, admits, nodes, err) < 0)
            return ERR_NOMEM;
        slots[c] -= n;
        share->left -= n;
    }
}

/* Pods of a free class go wherever nothing keeps them away. */
static int add_free_part(struct topo *topo, const struct topo_class *class, struct share *share, struct err *err)
{
    uint32_t shape = class->shapes[share->index];
    uint64_t *admits = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->supply->n));
    uint64_t *nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->demand->n_nodes));
    if (!admits || !nodes)
        return err_nomem(err);
    bool any = false;
    for (size_t c = 0; c < class->n_cells; c++) {
        const struct topo_rule *rule;
        if (!topo_allowed(topo, class, &class->cells[c], &rule) && rule)
            continue;
        uint64_t *cell_admits = topo_cell_offerings(topo, class, &class->cells[c], shape);
        uint64_t *cell_nodes = topo_cell_nodes(topo, class, &class->cells[c], shape);
        if (!cell_admits || !cell_nodes)
            return err_nomem(err);
        bitset_or(admits, cell_admits, topo->supply->n);
        bitset_or(nodes, cell_nodes, topo->demand->n_nodes);
        any = true;
    }
    if (!any)
        return 0;
    uint32_t n = share->left;
    share->left = 0;
    return topo_add_part(topo, shape, n, admits, nodes, err);
}

int topo_parts_of_class(struct topo *topo, const struct topo_class *class, struct err *err)
{
    struct share *shares = arena_array(topo->arena, struct share, class->n_shapes);
    int64_t *slots = arena_array(topo->arena, int64_t, class->n_cells);
    if (!shares || !slots)
        return err_nomem(err);
    for (size_t c = 0; c < class->n_cells; c++)
        slots[c] = class->cells[c].placed;
    for (size_t i = 0; i < class->n_shapes; i++)
        shares[i] = (struct share){i, topo->demand->shapes[class->shapes[i]].n_pods, regret_of(class, i)};
    if (class->n_shapes)
        qsort(shares, class->n_shapes, sizeof(*shares), compare_shares);
    const char *reason = NULL;
    for (size_t i = 0; i < class->n_shapes; i++) {
        if (deal_cells(topo, class, slots, &shares[i], err) < 0)
            return ERR_NOMEM;
        if (shares[i].left && class->free && add_free_part(topo, class, &shares[i], err) < 0)
            return ERR_NOMEM;
        if (!shares[i].left)
            continue;
        if (!reason && !(reason = class_reason(topo, class)))
            return err_nomem(err);
        if (topo_refuse(topo, class->shapes[shares[i].index], shares[i].left, reason, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* topology_node.c - rules within one node: hostname spread and (anti-)affinity, host ports; what bound pods leave. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

/* A shape that carries a hostname constraint with a selector. */
struct host_term {
    uint32_t selector, shape;
    int32_t max_skew; /* of a spread */
};

#define SEVERAL (SOLVER_NONE - 1)

struct host_entry {
    struct host_port port;
    uint32_t shape;
};

struct host_rules {
    struct topo *topo;
    VEC(struct host_term) spreads, antis;
    VEC(struct host_entry) ports;
    VEC(struct solver_group) groups;
    VEC(uint32_t) group_selector; /* [groups] whose bound pods use up room; SOLVER_NONE */
    VEC(struct solver_conflict) conflicts;
    uint32_t *only_spread; /* [n_shapes] the selector of its hostname spreads; SOLVER_NONE: none; SEVERAL */
    uint32_t *row_of;      /* [n_selectors] row of bound, SOLVER_NONE */
    int32_t *bound;        /* [rows][n_nodes] bound pods that the selector counts */
    uint64_t **copies;     /* [n_shapes] own copy of admits_nodes once a node is barred */
};

static void host_rules_release(struct host_rules *h)
{
    VEC_FREE(&h->spreads);
    VEC_FREE(&h->antis);
    VEC_FREE(&h->ports);
    VEC_FREE(&h->groups);
    VEC_FREE(&h->group_selector);
    VEC_FREE(&h->conflicts);
}

static int bar(struct host_rules *h, uint32_t shape, size_t node, struct err *err)
{
    struct topo *topo = h->topo;
    if (!h->copies[shape]) {
        const uint64_t *nodes = topo->shapes[shape].admits_nodes;
        h->copies[shape] = topo_and(topo, nodes, nodes, topo->demand->n_nodes);
        if (!h->copies[shape])
            return err_nomem(err);
        topo->shapes[shape].admits_nodes = h->copies[shape];
    }
    bitset_remove(h->copies[shape], node);
    return 0;
}

/* Wishes bind only pods that something can be bought for: there they never leave a pod without a place. */
static bool counts(const struct topo *topo, uint32_t shape, bool soft)
{
    return !soft || (!topo->demand->drop_soft && !bitset_empty(topo->shapes[shape].admits, topo->supply->n));
}

static int collect_terms(struct host_rules *h, uint32_t s, struct err *err)
{
    struct topo *topo = h->topo;
    const struct demand_shape *shape = &topo->demand->shapes[s];
    const struct pod_spec *spec = shape->spec;
    for (size_t i = 0; i < spec->n_spreads; i++) {
        const struct spread *spread = &spec->spreads[i];
        if (!str_is(spread->topology_key, TOPO_HOSTNAME) || !counts(topo, s, spread->soft))
            continue;
        uint32_t selector = demand_spread_selector(topo->demand, spec, shape->namespace_, i);
        if (!VEC_PUSH(&h->spreads, ((struct host_term){selector, s, spread->max_skew})))
            return err_nomem(err);
        bool first = h->only_spread[s] == SOLVER_NONE || h->only_spread[s] == selector;
        h->only_spread[s] = first ? selector : SEVERAL;
    }
    for (size_t i = 0; i < spec->n_anti_affinity; i++) {
        const struct pod_term *term = &spec->anti_affinity[i];
        if (!str_is(term->topology_key, TOPO_HOSTNAME) || !counts(topo, s, term->weight != 0))
            continue;
        uint32_t selector = demand_anti_affinity_selector(topo->demand, spec, shape->namespace_, i);
        if (!VEC_PUSH(&h->antis, ((struct host_term){selector, s, 0})))
            return err_nomem(err);
    }
    for (size_t i = 0; i < spec->n_host_ports; i++)
        if (!VEC_PUSH(&h->ports, ((struct host_entry){spec->host_ports[i], s})))
            return err_nomem(err);
    return 0;
}

static int compare_terms(const void *a, const void *b)
{
    const struct host_term *x = a, *y = b;
    if (x->selector != y->selector)
        return x->selector < y->selector ? -1 : 1;
    if (x->max_skew != y->max_skew)
        return x->max_skew < y->max_skew ? -1 : 1;
    return x->shape < y->shape ? -1 : x->shape > y->shape;
}

static int compare_port(const struct host_port *a, const struct host_port *b)
{
    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return str_cmp(host_port_protocol(a), host_port_protocol(b));
}

static int compare_entries(const void *a, const void *b)
{
    const struct host_entry *x = a, *y = b;
    int order = compare_port(&x->port, &y->port);
    if (order)
        return order;
    bool any = host_port_any_address(&x->port);
    if (any != host_port_any_address(&y->port))
        return any ? -1 : 1;
    order = any ? 0 : str_cmp(x->port.ip, y->port.ip);
    return order ? order : x->shape < y->shape ? -1 : x->shape > y->shape;
}

/* Every selector that hostname terms name gets a row of counts. */
static int count_bound(struct host_rules *h, struct err *err)
{
    struct topo *topo = h->topo;
    const struct demand *demand = topo->demand;
    uint32_t rows = 0;
    h->row_of = arena_array(topo->arena, uint32_t, demand->n_selectors);
    if (!h->row_of)
        return err_nomem(err);
    for (size_t s = 0; s < demand->n_selectors; s++)
        h->row_of[s] = SOLVER_NONE;
    for (size_t i = 0; i < h->spreads.len + h->antis.len; i++) {
        uint32_t selector =
            i < h->spreads.len ? h->spreads.items[i].selector : h->antis.items[i - h->spreads.len].selector;
        if (h->row_of[selector] == SOLVER_NONE)
            h->row_of[selector] = rows++;
    }
    h->bound = arena_array(topo->arena, int32_t, rows * demand->n_nodes);
    if (!h->bound)
        return err_nomem(err);
    for (size_t n = 0; n < demand->n_nodes && rows; n++) {
        for (uint32_t i = 0; i < demand->nodes[n].n_pods; i++) {
            uint32_t class;
            const struct pod *pod = &topo->objects->pods.items[demand->nodes[n].pods[i]];
            if (demand_matcher_class(&topo->matcher, pod, &class, err) < 0)
                return ERR_NOMEM;
            const uint64_t *matches = topo->matcher.matches.items[class];
            BITSET_EACH (selector, matches, demand->n_selectors)
                if (h->row_of[selector] != SOLVER_NONE)
                    h->bound[h->row_of[selector] * demand->n_nodes + n]++;
        }
    }
    return 0;
}

static int32_t bound_on(const struct host_rules *h, uint32_t selector, size_t node)
{
    return h->bound[h->row_of[selector] * h->topo->demand->n_nodes + node];
}

static int add_group(struct host_rules *h, const uint32_t *members, size_t n, int32_t cap, uint32_t selector,
                     struct err *err)
{
    uint32_t *shapes = arena_array(h->topo->arena, uint32_t, n);
    if (!shapes)
        return err_nomem(err);
    memcpy(shapes, members, n * sizeof(*shapes));
    struct solver_group group = {shapes, (uint32_t)n, cap};
    return VEC_PUSH(&h->groups, group) && VEC_PUSH(&h->group_selector, selector) ? 0 : err_nomem(err);
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorts and drops repetitions. */
static size_t unique_ids(uint32_t *ids, size_t n)
{
    if (n)
        qsort(ids, n, sizeof(*ids), compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* Shapes that the selector counts and that have a hostname spread of another selector: written to `into`. */
static size_t entangled(const struct host_rules *h, uint32_t selector, uint32_t *into)
{
    const struct topo *topo = h->topo;
    size_t n = 0;
    for (uint32_t s = 0; s < topo->demand->n_shapes; s++)
        if (h->only_spread[s] != SOLVER_NONE && h->only_spread[s] != selector &&
            bitset_has(topo->demand->shapes[s].matches, selector))
            into[n++] = s;
    return n;
}

/*
 * A new node is empty, so the least loaded node always counts 0 and maxSkew is a cap per node. Pods with the smaller
 * maxSkew go first, so a cap counts carriers up to its own maxSkew; pods that are counted but carry no hostname
 * spread follow last, as kube-scheduler lets them. Where selectors overlap there is no one order that suits all: pods
 * that carry another selector's spread count against each cap.
 */
static int group_spreads(struct host_rules *h, size_t start, size_t end, struct err *err)
{
    struct topo *topo = h->topo;
    uint32_t selector = h->spreads.items[start].selector;
    uint32_t *members = arena_array(topo->arena, uint32_t, topo->demand->n_shapes + end - start);
    if (!members)
        return err_nomem(err);
    size_t n = entangled(h, selector, members);
    bool any = false;
    for (size_t i = start; i < end; i++) {
        const struct host_term *term = &h->spreads.items[i];
        bool self = bitset_has(topo->demand->shapes[term->shape].matches, selector);
        if (self)
            members[n++] = term->shape;
        any = any || self;
        for (size_t node = 0; node < topo->demand->n_nodes && !self; node++)
            if (bound_on(h, selector, node) > term->max_skew && bar(h, term->shape, node, err) < 0)
                return ERR_NOMEM;
        if (i + 1 < end && h->spreads.items[i + 1].max_skew == term->max_skew)
            continue;
        n = unique_ids(members, n);
        if (any && add_group(h, members, n, term->max_skew, selector, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int add_conflict(struct host_rules *h, const uint64_t *a, const uint64_t *b, struct err *err)
{
    size_t n = h->topo->demand->n_shapes;
    if (bitset_empty(a, n) || bitset_empty(b, n))
        return 0;
    return VEC_PUSH(&h->conflicts, ((struct solver_conflict){a, b})) ? 0 : err_nomem(err);
}

/*
 * With carriers C and matched pods M, no node holds a pod of C with another of M: at most one of both kinds, none of
 * these with one of only one kind, and no mere carrier with a merely matched one.
 */
static int part_antis(struct host_rules *h, size_t start, size_t end, struct err *err)
{
    struct topo *topo = h->topo;
    size_t n = topo->demand->n_shapes, words = BITSET_WORDS(n);
    uint32_t selector = h->antis.items[start].selector;
    uint64_t *both = arena_array(topo->arena, uint64_t, words), *one = arena_array(topo->arena, uint64_t, words);
    uint64_t *carriers = arena_array(topo->arena, uint64_t, words),
             *matched = arena_array(topo->arena, uint64_t, words);
    uint32_t *members = arena_array(topo->arena, uint32_t, end - start);
    if (!both || !one || !carriers || !matched || !members)
        return err_nomem(err);
    for (size_t i = start; i < end; i++)
        bitset_add(carriers, h->antis.items[i].shape);
    for (size_t s = 0; s < n; s++)
        if (!topo->shapes[s].refused && bitset_has(topo->demand->shapes[s].matches, selector))
            bitset_add(matched, s);
    size_t n_members = 0;
    for (size_t w = 0; w < words; w++) {
        both[w] = carriers[w] & matched[w];
        one[w] = carriers[w] ^ matched[w];
    }
    bitset_and_not(carriers, both, n);
    bitset_and_not(matched, both, n);
    BITSET_EACH (s, both, n)
        members[n_members++] = (uint32_t)s;
    if (n_members && add_group(h, members, n_members, 1, SOLVER_NONE, err) < 0)
        return ERR_NOMEM;
    if (add_conflict(h, both, one, err) < 0 || add_conflict(h, carriers, matched, err) < 0)
        return ERR_NOMEM;
    for (size_t node = 0; node < topo->demand->n_nodes; node++)
        for (size_t i = start; i < end && bound_on(h, selector, node); i++)
            if (bar(h, h->antis.items[i].shape, node, err) < 0)
                return ERR_NOMEM;
    return 0;
}

static int each_run(struct host_rules *h, const struct host_term *terms, size_t n,
                    int (*run)(struct host_rules *, size_t, size_t, struct err *), struct err *err)
{
    for (size_t start = 0, end; start < n; start = end) {
        for (end = start; end < n && terms[end].selector == terms[start].selector;)
            end++;
        if (run(h, start, end, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* Pods that ask for one port: those for every address, with those for one address, at most one on a node. */
static int group_ports(struct host_rules *h, size_t start, size_t end, struct err *err)
{
    size_t any = start;
    uint32_t *members = arena_array(h->topo->arena, uint32_t, end - start);
    if (!members)
        return err_nomem(err);
    while (any < end && host_port_any_address(&h->ports.items[any].port))
        any++;
    size_t from = any;
    do {
        size_t n = 0, to = from;
        for (size_t i = start; i < any; i++)
            members[n++] = h->ports.items[i].shape;
        for (; to < end && str_eq(h->ports.items[to].port.ip, h->ports.items[from].port.ip); to++)
            members[n++] = h->ports.items[to].shape;
        n = unique_ids(members, n);
        if (add_group(h, members, n, 1, SOLVER_NONE, err) < 0)
            return ERR_NOMEM;
        from = to;
    } while (from < end);
    return 0;
}

/* Where the port's entries start, by bisection. */
static size_t first_entry(const struct host_rules *h, const struct host_port *port)
{
    size_t low = 0, high = h->ports.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_port(&h->ports.items[middle].port, port) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int bar_ports(struct host_rules *h, size_t node, const struct pod_spec *spec, struct err *err)
{
    for (size_t k = 0; k < spec->n_host_ports; k++) {
        const struct host_port *port = &spec->host_ports[k];
        for (size_t i = first_entry(h, port); i < h->ports.len && !compare_port(&h->ports.items[i].port, port); i++)
            if (host_ports_clash(&h->ports.items[i].port, port) && bar(h, h->ports.items[i].shape, node, err) < 0)
                return ERR_NOMEM;
    }
    return 0;
}

/* Bound pods bar those they would clash with: by their ports, and by their own required anti-affinity. */
static int bar_nodes(struct host_rules *h, struct err *err)
{
    const struct demand *demand = h->topo->demand;
    for (size_t n = 0; n < demand->n_nodes; n++) {
        for (uint32_t i = 0; i < demand->nodes[n].n_pods; i++) {
            const struct pod *pod = &h->topo->objects->pods.items[demand->nodes[n].pods[i]];
            const struct pod_spec *spec = h->topo->objects->specs.items[pod->spec];
            if (bar_ports(h, n, spec, err) < 0)
                return ERR_NOMEM;
            for (size_t t = 0; t < spec->n_anti_affinity; t++) {
                if (spec->anti_affinity[t].weight || !str_is(spec->anti_affinity[t].topology_key, TOPO_HOSTNAME))
                    continue;
                uint32_t selector = demand_anti_affinity_selector(demand, spec, pod->namespace_, t);
                for (uint32_t s = 0; s < demand->n_shapes; s++)
                    if (bitset_has(demand->shapes[s].matches, selector) && bar(h, s, n, err) < 0)
                        return ERR_NOMEM;
            }
        }
    }
    return 0;
}

static int finish(struct host_rules *h, struct err *err)
{
    struct topo *topo = h->topo;
    size_t n_groups = h->groups.len, n_nodes = topo->demand->n_nodes;
    struct solver_group *groups = arena_array(topo->arena, struct solver_group, n_groups);
    struct solver_conflict *conflicts = arena_array(topo->arena, struct solver_conflict, h->conflicts.len);
    int32_t *room = arena_array(topo->arena, int32_t, n_nodes * n_groups);
    if (!groups || !conflicts || !room)
        return err_nomem(err);
    if (n_groups)
        memcpy(groups, h->groups.items, n_groups * sizeof(*groups));
    if (h->conflicts.len)
        memcpy(conflicts, h->conflicts.items, h->conflicts.len * sizeof(*conflicts));
    for (size_t n = 0; n < n_nodes; n++) {
        for (size_t g = 0; g < n_groups; g++) {
            uint32_t selector = h->group_selector.items[g];
            int32_t used = selector == SOLVER_NONE ? 0 : bound_on(h, selector, n);
            room[n * n_groups + g] = groups[g].cap > used ? groups[g].cap - used : 0;
        }
    }
    topo->out->groups = groups;
    topo->out->n_groups = n_groups;
    topo->out->conflicts = conflicts;
    topo->out->n_conflicts = h->conflicts.len;
    topo->out->group_room = room;
    return 0;
}

static int group_all_ports(struct host_rules *h, struct err *err)
{
    for (size_t start = 0, end; start < h->ports.len; start = end) {
        for (end = start; end < h->ports.len && !compare_port(&h->ports.items[start].port, &h->ports.items[end].port);)
            end++;
        if (group_ports(h, start, end, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

int topo_node_rules(struct topo *topo, struct err *err)
{
    CC_CLEANUP(host_rules_release) struct host_rules h = {.topo = topo};
    h.copies = arena_array(topo->arena, uint64_t *, topo->demand->n_shapes);
    h.only_spread = arena_array(topo->arena, uint32_t, topo->demand->n_shapes);
    if (!h.copies || !h.only_spread)
        return err_nomem(err);
    for (uint32_t s = 0; s < topo->demand->n_shapes; s++)
        h.only_spread[s] = SOLVER_NONE;
    for (uint32_t s = 0; s < topo->demand->n_shapes; s++)
        if (!topo->shapes[s].refused && collect_terms(&h, s, err) < 0)
            return ERR_NOMEM;
    if (h.spreads.len)
        qsort(h.spreads.items, h.spreads.len, sizeof(*h.spreads.items), compare_terms);
    if (h.antis.len)
        qsort(h.antis.items, h.antis.len, sizeof(*h.antis.items), compare_terms);
    if (h.ports.len)
        qsort(h.ports.items, h.ports.len, sizeof(*h.ports.items), compare_entries);
    if (count_bound(&h, err) < 0 || each_run(&h, h.spreads.items, h.spreads.len, group_spreads, err) < 0 ||
        each_run(&h, h.antis.items, h.antis.len, part_antis, err) < 0 || group_all_ports(&h, err) < 0 ||
        bar_nodes(&h, err) < 0)
        return ERR_NOMEM;
    return finish(&h, err);
}

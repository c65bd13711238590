/* topology_axis.c - topology keys: their domains, what can be bought in each, and what a pod costs there. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

struct axis_builder {
    struct topo *topo;
    struct intern values;
    VEC(uint64_t *) offerings, nodes;
    uint64_t *absent_offerings, *absent_nodes;
    uint32_t *node_domain;
};

static void axis_builder_release(struct axis_builder *b)
{
    intern_release(&b->values);
    VEC_FREE(&b->offerings);
    VEC_FREE(&b->nodes);
}

static int domain_of(struct axis_builder *b, struct str value, uint32_t *ret_domain, struct err *err)
{
    const struct topo *topo = b->topo;
    if (intern_add(&b->values, value, ret_domain, err) < 0)
        return ERR_NOMEM;
    if (*ret_domain < b->offerings.len)
        return 0;
    uint64_t *offerings = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->supply->n));
    uint64_t *nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->demand->n_nodes));
    if (!offerings || !nodes || !VEC_PUSH(&b->offerings, offerings) || !VEC_PUSH(&b->nodes, nodes))
        return err_nomem(err);
    return 0;
}

static int sort_offerings(struct axis_builder *b, struct str key, struct err *err)
{
    const struct supply *supply = b->topo->supply;
    for (size_t o = 0; o < supply->n; o++) {
        const struct str *value = supply_label(supply, o, key);
        uint32_t domain;
        if (!value) {
            bitset_add(b->absent_offerings, o);
            continue;
        }
        if (domain_of(b, *value, &domain, err) < 0)
            return ERR_NOMEM;
        bitset_add(b->offerings.items[domain], o);
    }
    return 0;
}

static int sort_nodes(struct axis_builder *b, struct str key, struct err *err)
{
    const struct topo *topo = b->topo;
    for (size_t n = 0; n < topo->objects->nodes.len; n++) {
        const struct str *value = labels_get(&topo->objects->nodes.items[n].labels, key);
        uint32_t usable = topo->demand->usable[n];
        b->node_domain[n] = SOLVER_NONE;
        if (value && domain_of(b, *value, &b->node_domain[n], err) < 0)
            return ERR_NOMEM;
        if (usable != SOLVER_NONE)
            bitset_add(value ? b->nodes.items[b->node_domain[n]] : b->absent_nodes, usable);
    }
    return 0;
}

static int finish_axis(struct axis_builder *b, struct str key, struct err *err)
{
    struct topo *topo = b->topo;
    uint32_t n = (uint32_t)b->offerings.len;
    struct str *names = arena_array(topo->arena, struct str, n);
    const uint64_t **offerings = arena_array(topo->arena, const uint64_t *, (size_t)n + 1);
    const uint64_t **nodes = arena_array(topo->arena, const uint64_t *, (size_t)n + 1);
    if (!names || !offerings || !nodes)
        return err_nomem(err);
    for (uint32_t d = 0; d < n; d++) {
        names[d] = str_dup(topo->arena, intern_text(&b->values, d));
        if (!names[d].ptr)
            return err_nomem(err);
        offerings[d] = b->offerings.items[d];
        nodes[d] = b->nodes.items[d];
    }
    offerings[n] = b->absent_offerings;
    nodes[n] = b->absent_nodes;
    for (size_t i = 0; i < topo->objects->nodes.len; i++)
        if (b->node_domain[i] == SOLVER_NONE)
            b->node_domain[i] = n;
    struct topo_axis axis = {key, n, names, offerings, nodes, b->node_domain};
    return VEC_PUSH(&topo->axes, axis) ? 0 : err_nomem(err);
}

int topo_axis_of(struct topo *topo, struct str key, uint32_t *ret_axis, struct err *err)
{
    for (size_t i = 0; i < topo->axes.len; i++) {
        if (str_eq(topo->axes.items[i].key, key)) {
            *ret_axis = (uint32_t)i;
            return 0;
        }
    }
    CC_CLEANUP(axis_builder_release) struct axis_builder b = {.topo = topo};
    b.absent_offerings = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->supply->n));
    b.absent_nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->demand->n_nodes));
    b.node_domain = arena_array(topo->arena, uint32_t, topo->objects->nodes.len);
    if (!b.absent_offerings || !b.absent_nodes || !b.node_domain)
        return err_nomem(err);
    if (sort_offerings(&b, key, err) < 0 || sort_nodes(&b, key, err) < 0 || finish_axis(&b, key, err) < 0)
        return ERR_NOMEM;
    *ret_axis = (uint32_t)topo->axes.len - 1;
    return 0;
}

uint64_t *topo_and(struct topo *topo, const uint64_t *set, const uint64_t *with, size_t bits)
{
    uint64_t *both = arena_array(topo->arena, uint64_t, BITSET_WORDS(bits));
    if (!both)
        return NULL;
    for (size_t w = 0; w < BITSET_WORDS(bits); w++)
        both[w] = set[w] & with[w];
    return both;
}

double topo_pod_cost(const struct topo *topo, uint32_t shape, const uint64_t *admits)
{
    const int64_t *req = topo->demand->shapes[shape].req;
    uint32_t n_dims = topo->supply->dims->n;
    double best = 0;
    BITSET_EACH (o, admits, topo->supply->n) {
        const double *inverse = topo->inverse_alloc + o * n_dims;
        double share = 0;
        for (uint32_t d = 0; d < n_dims; d++)
            if ((double)req[d] * inverse[d] > share)
                share = (double)req[d] * inverse[d];
        double cost = share * (double)topo->supply->offerings[o].price_microusd;
        if (best == 0 || cost < best)
            best = cost;
    }
    return best;
}

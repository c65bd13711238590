/* topology_company.c - pods that must share a node with others (affinity over hostname). */
#include <string.h>

#include "provisioner/plan/topology_internal.h"

/* Does the spec require company on its node? */
static bool wants_company(const struct pod_spec *spec)
{
    for (size_t t = 0; t < spec->n_affinity; t++)
        if (!spec->affinity[t].weight && str_is(spec->affinity[t].topology_key, TOPO_HOSTNAME))
            return true;
    return false;
}

/* Does one pod match all required affinity terms of the shape? */
static bool is_company(const struct demand *demand, const struct demand_shape *shape, const uint64_t *matches)
{
    for (size_t t = 0; t < shape->spec->n_affinity; t++)
        if (!shape->spec->affinity[t].weight &&
            !bitset_has(matches, demand_affinity_selector(demand, shape->spec, shape->namespace_, t)))
            return false;
    return true;
}

/* into: the usable nodes where company runs; *ret_any: it runs somewhere. */
static int find_company(struct topo *topo, const struct demand_shape *shape, uint64_t *into, bool *ret_any,
                        struct err *err)
{
    for (size_t i = 0; i < topo->objects->pods.len; i++) {
        uint32_t node = topo->demand->pod_node[i], class;
        if (node == SOLVER_NONE)
            continue;
        if (demand_matcher_class(&topo->matcher, &topo->objects->pods.items[i], &class, err) < 0)
            return ERR_NOMEM;
        if (!is_company(topo->demand, shape, topo->matcher.matches.items[class]))
            continue;
        *ret_any = true;
        if (topo->demand->usable[node] != SOLVER_NONE)
            bitset_add(into, topo->demand->usable[node]);
    }
    return 0;
}

/* Pods to place that would be company for the shape, itself included. */
static uint64_t planned_company(const struct topo *topo, const struct demand_shape *shape)
{
    uint64_t n = 0;
    for (size_t s = 0; s < topo->demand->n_shapes; s++)
        if (!topo->shapes[s].refused && is_company(topo->demand, shape, topo->demand->shapes[s].matches))
            n += topo->demand->shapes[s].n_pods;
    return n;
}

static int settle_shape(struct topo *topo, uint32_t s, struct err *err)
{
    const struct demand_shape *shape = &topo->demand->shapes[s];
    struct topo_shape *at = &topo->shapes[s];
    uint64_t *nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->demand->n_nodes));
    uint64_t *none = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->supply->n));
    bool any = false;
    if (!nodes || !none)
        return err_nomem(err);
    if (find_company(topo, shape, nodes, &any, err) < 0)
        return ERR_NOMEM;
    if (any) {
        bitset_and(nodes, at->admits_nodes, topo->demand->n_nodes);
        at->admits_nodes = nodes;
        at->admits = none;
        if (bitset_empty(nodes, topo->demand->n_nodes))
            at->refused = "pod affinity over kubernetes.io/hostname: the nodes of the pods that it must be near do not "
                          "admit it or have no room for it";
        return 0;
    }
    /* The only one of its kind starts its own company. */
    uint64_t n = planned_company(topo, shape);
    if (n == 0)
        at->refused = "pod affinity over kubernetes.io/hostname: none of the pods that it must be near is bound or to "
                      "be placed";
    else if (n > 1 || shape->n_pods > 1 || !is_company(topo->demand, shape, shape->matches))
        at->refused = "pod affinity over kubernetes.io/hostname to pods that do not run yet is not supported: place "
                      "those first, or use topology.kubernetes.io/zone";
    return 0;
}

int topo_company(struct topo *topo, struct err *err)
{
    for (uint32_t s = 0; s < topo->demand->n_shapes; s++)
        if (!topo->shapes[s].refused && wants_company(topo->demand->shapes[s].spec) && settle_shape(topo, s, err) < 0)
            return ERR_NOMEM;
    return 0;
}

/* topology.c - from shapes to parts with chosen domains: narrows by application zone, nodes, then zones and the like.
 */
#include "provisioner/plan/topology.h"

#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

static void topo_release(struct topo *topo)
{
    demand_matcher_release(&topo->matcher);
    node_sets_release(&topo->all_nodes);
    intern_release(&topo->tally_keys);
    content_release(&topo->key);
    VEC_FREE(&topo->axes);
    VEC_FREE(&topo->tallies);
    VEC_FREE(&topo->tally_next);
    VEC_FREE(&topo->classes);
    VEC_FREE(&topo->parts);
    VEC_FREE(&topo->refusals);
}

static void drafts_release(struct topo_drafts *drafts)
{
    VEC_FREE(&drafts->rules);
}

/* Offerings and nodes of one zone of the catalogue. */
static int zone_sets(struct topo *topo, uint32_t zone, uint64_t **ret_offerings, uint64_t **ret_nodes, struct err *err)
{
    uint64_t *offerings = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->supply->n));
    uint64_t *nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(topo->demand->n_nodes));
    if (!offerings || !nodes)
        return err_nomem(err);
    for (size_t o = 0; o < topo->supply->n; o++)
        if (topo->supply->offerings[o].zone == zone)
            bitset_add(offerings, o);
    for (size_t n = 0; n < topo->demand->n_nodes; n++)
        if (topo->demand->nodes[n].zone == zone)
            bitset_add(nodes, n);
    *ret_offerings = offerings;
    *ret_nodes = nodes;
    return 0;
}

static int keep_in_zone(struct topo *topo, uint32_t s, uint32_t zone, const uint64_t *offerings, const uint64_t *nodes,
                        struct err *err)
{
    struct topo_shape *shape = &topo->shapes[s];
    shape->admits = topo_and(topo, shape->admits, offerings, topo->supply->n);
    shape->admits_nodes = topo_and(topo, shape->admits_nodes, nodes, topo->demand->n_nodes);
    if (!shape->admits || !shape->admits_nodes)
        return err_nomem(err);
    if (!bitset_empty(shape->admits, topo->supply->n) || !bitset_empty(shape->admits_nodes, topo->demand->n_nodes))
        return 0;
    struct str name = topo->demand->apps[topo->demand->shapes[s].app];
    shape->refused = arena_printf(topo->arena, "its application %.*s is kept in zone %.*s, where nothing admits it",
                                  STR_ARG(name), STR_ARG(topo->supply->catalogue->zones[zone]));
    return shape->refused ? 0 : err_nomem(err);
}

static int init_shapes(struct topo *topo, const uint32_t *zone_of_app, struct err *err)
{
    const struct demand *demand = topo->demand;
    size_t n_zones = topo->supply->catalogue->n_zones;
    topo->shapes = arena_array(topo->arena, struct topo_shape, demand->n_shapes);
    uint64_t **offerings = arena_array(topo->arena, uint64_t *, n_zones);
    uint64_t **nodes = arena_array(topo->arena, uint64_t *, n_zones);
    if (!topo->shapes || !offerings || !nodes)
        return err_nomem(err);
    for (uint32_t s = 0; s < demand->n_shapes; s++) {
        const struct demand_shape *shape = &demand->shapes[s];
        topo->shapes[s] = (struct topo_shape){shape->admits, shape->admits_nodes, shape->reason};
        uint32_t zone = zone_of_app && shape->app != SOLVER_NONE ? zone_of_app[shape->app] : SOLVER_NONE;
        if (zone == SOLVER_NONE || shape->reason)
            continue;
        if (!offerings[zone] && zone_sets(topo, zone, &offerings[zone], &nodes[zone], err) < 0)
            return ERR_NOMEM;
        if (keep_in_zone(topo, s, zone, offerings[zone], nodes[zone], err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int init_tables(struct topo *topo, struct err *err)
{
    const struct objects *objects = topo->objects;
    uint32_t n_dims = topo->supply->dims->n;
    const struct node **nodes = arena_array(topo->arena, const struct node *, objects->nodes.len);
    topo->inverse_alloc = arena_array(topo->arena, double, topo->supply->n *n_dims);
    if (!nodes || !topo->inverse_alloc)
        return err_nomem(err);
    for (size_t i = 0; i < objects->nodes.len; i++)
        nodes[i] = &objects->nodes.items[i];
    for (size_t o = 0; o < topo->supply->n; o++)
        for (uint32_t d = 0; d < n_dims; d++)
            if (topo->supply->offerings[o].alloc[d] > 0)
                topo->inverse_alloc[o * n_dims + d] = 1 / (double)topo->supply->offerings[o].alloc[d];
    if (demand_matcher_init(&topo->matcher, topo->demand, topo->arena, err) < 0)
        return ERR_NOMEM;
    return node_sets_init(&topo->all_nodes, nodes, objects->nodes.len, topo->arena, err);
}

/* What the stages before left a shape without. */
static void refuse_emptied(struct topo *topo)
{
    for (size_t s = 0; s < topo->demand->n_shapes; s++)
        if (!topo->shapes[s].refused && bitset_empty(topo->shapes[s].admits, topo->supply->n) &&
            bitset_empty(topo->shapes[s].admits_nodes, topo->demand->n_nodes))
            topo->shapes[s].refused = "only existing nodes admit it, and pods on them keep it away (anti-affinity, "
                                      "spread over hostname, or host ports)";
}

static int hand_over(struct topo *topo, struct err *err)
{
    struct topology *out = topo->out;
    out->parts = arena_array(topo->arena, struct topology_part, topo->parts.len);
    out->refusals = arena_array(topo->arena, struct topology_refusal, topo->refusals.len);
    if (!out->parts || !out->refusals)
        return err_nomem(err);
    if (topo->parts.len)
        memcpy(out->parts, topo->parts.items, topo->parts.len * sizeof(*out->parts));
    if (topo->refusals.len)
        memcpy(out->refusals, topo->refusals.items, topo->refusals.len * sizeof(*out->refusals));
    out->n_parts = topo->parts.len;
    out->n_refusals = topo->refusals.len;
    return 0;
}

static int build_domains(struct topo *topo, struct err *err)
{
    CC_CLEANUP(drafts_release) struct topo_drafts drafts = {0};
    if (topo_rules_draft(topo, &drafts, err) < 0 || topo_count_bound(topo, err) < 0 ||
        topo_classes_build(topo, &drafts, err) < 0 || topo_place(topo, err) < 0)
        return ERR_NOMEM;
    for (size_t k = 0; k < topo->classes.len; k++)
        if (topo_parts_of_class(topo, &topo->classes.items[k], err) < 0)
            return ERR_NOMEM;
    return 0;
}

int topology_build(const struct demand *demand, const uint32_t *zone_of_app, struct arena *arena, struct topology *ret,
                   struct err *err)
{
    struct topology out = {0};
    CC_CLEANUP(topo_release)
    struct topo topo = {
        .demand = demand, .objects = demand->objects, .supply = demand->supply, .arena = arena, .out = &out};
    if (init_shapes(&topo, zone_of_app, err) < 0 || init_tables(&topo, err) < 0 || topo_company(&topo, err) < 0 ||
        topo_node_rules(&topo, err) < 0)
        return ERR_NOMEM;
    refuse_emptied(&topo);
    if (build_domains(&topo, err) < 0 || hand_over(&topo, err) < 0)
        return ERR_NOMEM;
    *ret = out;
    return 0;
}

#include "solver/fill.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "solver/fit.h"

enum { NODE_LIMIT = 30 };

struct bin *fill_bins(const struct solver_problem *p, struct arena *arena)
{
    size_t words = BITSET_WORDS(p->n_shapes);
    struct bin *bins = arena_array(arena, struct bin, p->n_nodes);
    uint64_t *members = arena_array(arena, uint64_t, words * p->n_nodes);
    if (!bins || !members)
        return NULL;
    for (uint32_t s = 0; s < p->n_shapes; s++)
        if (p->shapes[s].admits_nodes)
            BITSET_EACH (e, p->shapes[s].admits_nodes, p->n_nodes)
                if (fit_alone(p, s, p->nodes[e].free))
                    bitset_add(members + e * words, s);
    for (uint32_t e = 0; e < p->n_nodes; e++) {
        uint32_t n = 0;
        uint32_t *items = arena_array(arena, uint32_t, bitset_count(members + e * words, p->n_shapes));
        if (!items)
            return NULL;
        BITSET_EACH (s, members + e * words, p->n_shapes)
            items[n++] = (uint32_t)s;
        bins[e] = (struct bin){p->nodes[e].free, items, n, members + e * words, p->nodes[e].group_room};
    }
    return bins;
}

/* What a pod without any offering is worth: more than all the others a node could hold instead. */
static double *fill_values(const struct packer *packer, const double *duals, struct arena *arena)
{
    double *values = arena_array(arena, double, packer->n_shapes);
    if (!values)
        return NULL;
    double most = 1;
    for (uint32_t s = 0; s < packer->n_shapes; s++)
        most = duals[s] > most ? duals[s] : most;
    for (uint32_t s = 0; s < packer->n_shapes; s++)
        values[s] = duals[s] > 0 ? duals[s] : most * 100;
    return values;
}

int fill_nodes(struct packer *packer, const struct bin *bins, const double *duals, int64_t *demand, struct arena *arena,
               struct fillings *fillings, struct err *err)
{
    const double *values = fill_values(packer, duals, arena);
    if (!values)
        return err_nomem(err);
    for (uint32_t e = 0; e < packer->problem->n_nodes; e++) {
        if (!bins[e].n_items)
            continue;
        struct packing found = pack_best(packer, &bins[e], values, demand, NODE_LIMIT, NULL);
        if (!found.n_takes)
            continue;
        struct solver_take *takes = arena_array(arena, struct solver_take, found.n_takes);
        if (!takes || !VEC_PUSH(&fillings->items, ((struct solver_filling){e, takes, found.n_takes})))
            return err_nomem(err);
        memcpy(takes, pack_takes(packer), found.n_takes * sizeof(*takes));
        for (uint32_t k = 0; k < found.n_takes; k++)
            demand[takes[k].shape] -= takes[k].count;
    }
    return 0;
}

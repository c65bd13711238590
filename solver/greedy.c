#include "solver/greedy.h"

#include <stdlib.h>

/* A kind by the worth per dollar of its best packing when last looked at; at first by the relaxation's bound on it. */
struct entry {
    double ratio;
    uint32_t kind;
};

/* The heap's top is the kind with the highest ratio; among equals the lowest id. */
static bool better(const struct entry *a, const struct entry *b)
{
    return a->ratio != b->ratio ? a->ratio > b->ratio : a->kind < b->kind;
}

static void sift_down(struct entry *heap, uint32_t n, uint32_t at)
{
    for (;;) {
        uint32_t best = at, left = 2 * at + 1;
        for (uint32_t child = left; child < n && child <= left + 1; child++)
            if (better(&heap[child], &heap[best]))
                best = child;
        if (best == at)
            return;
        struct entry swap = heap[at];
        heap[at] = heap[best];
        heap[best] = swap;
        at = best;
    }
}

static struct packing price_kind(struct packer *packer, const struct kind *kind, const double *duals,
                                 const int64_t *demand, uint32_t node_limit)
{
    struct packing found = pack_best(packer, &kind->bin, duals, demand, node_limit, NULL);
    found.value /= (double)kind->price_microusd;
    found.upper /= (double)kind->price_microusd;
    return found;
}

/* How often this packing can be repeated with what is left. */
static int64_t repeats(const struct solver_take *takes, uint32_t n_takes, const int64_t *demand)
{
    int64_t most = INT64_MAX;
    for (uint32_t k = 0; k < n_takes; k++) {
        int64_t times = demand[takes[k].shape] / takes[k].count;
        most = times < most ? times : most;
    }
    return most;
}

static int buy(struct packer *packer, const struct kinds *kinds, uint32_t kind, uint32_t n_takes, int64_t *demand,
               struct arena *arena, struct bag *bag, struct err *err)
{
    const struct solver_take *takes = pack_takes(packer);
    int64_t copies = repeats(takes, n_takes, demand);
    int failed = bag_add(bag, kinds, arena, kind, takes, n_takes, copies, err);
    if (failed)
        return failed;
    for (uint32_t k = 0; k < n_takes; k++)
        demand[takes[k].shape] -= copies * takes[k].count;
    return 0;
}

int greedy_fill(struct packer *packer, struct kinds *kinds, const double *duals, int64_t *demand,
                const struct greedy_options *options, struct arena *arena, struct bag *bag, struct err *err)
{
    struct entry *heap = calloc(kinds->n ? kinds->n : 1, sizeof(*heap));
    if (!heap)
        return err_nomem(err);
    uint32_t n = 0;
    for (uint32_t k = 0; k < kinds->n; k++) {
        struct packing found = price_kind(packer, &kinds->items[k], duals, demand, 0);
        if (found.n_takes)
            heap[n++] = (struct entry){found.upper, k};
    }
    for (uint32_t at = n; at-- > 0;)
        sift_down(heap, n, at);
    int failed = 0;
    while (n && !failed) {
        uint32_t kind = heap[0].kind;
        uint32_t limit = options->expired && options->expired(options->context) ? 0 : options->node_limit;
        struct packing found = price_kind(packer, &kinds->items[kind], duals, demand, limit);
        heap[0].ratio = found.value;
        if (!found.n_takes)
            heap[0] = heap[--n];
        bool still_top =
            found.n_takes && (n < 2 || !better(&heap[1], &heap[0])) && (n < 3 || !better(&heap[2], &heap[0]));
        if (still_top && heap[0].ratio < options->least_ratio)
            break;
        if (still_top)
            failed = buy(packer, kinds, kind, found.n_takes, demand, arena, bag, err);
        sift_down(heap, n, 0);
        if (options->most_microusd && bag->cost_microusd >= options->most_microusd)
            break;
    }
    free(heap);
    return failed;
}

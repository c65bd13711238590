#include "provisioner/plan/assign.h"

#include <stdlib.h>

static int add_bin(struct bin *bin, const struct solver_take *takes, uint32_t n_takes, struct arena *arena,
                   struct err *err)
{
    size_t room = 0;
    for (uint32_t i = 0; i < n_takes; i++)
        room += (size_t)takes[i].count;
    bin->takes = takes;
    bin->n_takes = n_takes;
    bin->pods = arena_array(arena, uint32_t, room);
    return bin->pods ? 0 : err_nomem(err);
}

int assign_bins(const struct pass *pass, struct arena *arena, struct bin **ret_bins, size_t *ret_n, struct err *err)
{
    const struct solver_plan *plan = &pass->plan;
    size_t n = plan->n_fillings;
    for (size_t i = 0; i < plan->n_purchases; i++)
        n += (size_t)plan->purchases[i].copies;
    struct bin *bins = arena_array(arena, struct bin, n);
    if (!bins)
        return err_nomem(err);
    struct bin *next = bins;
    for (size_t i = 0; i < plan->n_fillings; i++, next++) {
        const struct solver_filling *filling = &plan->fillings[i];
        *next = (struct bin){.offering = SOLVER_NONE, .node = filling->node};
        if (add_bin(next, filling->takes, filling->n_takes, arena, err))
            return ERR_NOMEM;
    }
    for (size_t i = 0; i < plan->n_purchases; i++) {
        const struct solver_purchase *purchase = &plan->purchases[i];
        for (int64_t copy = 0; copy < purchase->copies; copy++, next++) {
            *next = (struct bin){.offering = purchase->offering, .node = SOLVER_NONE};
            if (add_bin(next, purchase->takes, purchase->n_takes, arena, err))
                return ERR_NOMEM;
        }
    }
    *ret_bins = bins;
    *ret_n = n;
    return 0;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int assign_pods(const struct pass *pass, struct bin *bins, size_t n_bins, uint32_t *bin_of_pod, size_t n_pods,
                struct arena *arena, struct err *err)
{
    size_t *next = arena_array(arena, size_t, pass->compiled.problem.n_shapes);
    if (!next)
        return err_nomem(err);
    for (size_t i = 0; i < n_pods; i++)
        bin_of_pod[i] = SOLVER_NONE;
    for (uint32_t b = 0; b < n_bins; b++) {
        for (uint32_t i = 0; i < bins[b].n_takes; i++) {
            const struct pass_list *list = &pass->lists[bins[b].takes[i].shape];
            size_t *at = &next[bins[b].takes[i].shape];
            for (int32_t k = 0; k < bins[b].takes[i].count && *at < list->n_placed; k++) {
                uint32_t pod = list->pods[(*at)++];
                bins[b].pods[bins[b].n_pods++] = pod;
                bin_of_pod[pod] = b;
            }
        }
        qsort(bins[b].pods, bins[b].n_pods, sizeof(*bins[b].pods), ascending);
    }
    return 0;
}

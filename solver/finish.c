#include "solver/finish.h"

#include <stdlib.h>
#include <string.h>

#include "solver/ascent.h"
#include "solver/greedy.h"

enum { MAX_STAGES = 8 };

struct setting {
    uint32_t node_limit;
    double least_ratio;
};

/* Deeper packings and later new duals are not always better: the portfolio is what makes it dependable. */
static const struct setting SETTINGS[] = {{20, 0.985}, {100, 0.99}, {400, 0.985}, {400, 0.995}};

static bool any(const int64_t *demand, uint32_t n)
{
    for (uint32_t s = 0; s < n; s++)
        if (demand[s] > 0)
            return true;
    return false;
}

struct finish {
    struct packer *packer;
    struct kinds *kinds;
    const double *first_duals; /* [n_shapes] or NULL */
    double *duals;             /* [n_shapes] */
    int64_t *left;             /* [n_shapes] */
    struct greedy_options greedy;
};

static int fill_in_stages(struct finish *f, const struct setting *setting, struct arena *arena, struct bag *bag,
                          struct err *err)
{
    f->greedy.node_limit = setting->node_limit;
    f->greedy.least_ratio = setting->least_ratio;
    for (int stage = 0; stage <= MAX_STAGES && any(f->left, f->packer->n_shapes); stage++) {
        double bound;
        size_t before = bag->items.len;
        int failed = 0;
        if (stage == 0 && f->first_duals)
            memcpy(f->duals, f->first_duals, f->packer->n_shapes * sizeof(*f->duals));
        else
            failed = ascent_duals(f->packer, f->kinds, NULL, 0, f->left, stage ? ASCENT_SHORT : ASCENT_FULL, f->duals,
                                  &bound, err);
        if (!failed)
            failed = greedy_fill(f->packer, f->kinds, f->duals, f->left, &f->greedy, arena, bag, err);
        if (failed)
            return failed;
        if (f->greedy.least_ratio == 0)
            break;
        if (bag->items.len == before || stage + 1 == MAX_STAGES)
            f->greedy.least_ratio = 0; /* the next stage goes to the end */
    }
    return 0;
}

int finish_with_heuristic(struct packer *packer, struct kinds *kinds, const int64_t *demand, const double *first_duals,
                          enum finish_effort effort, bool (*expired)(void *context), void *context, struct arena *arena,
                          struct bag *bag, struct err *err)
{
    uint32_t n = packer->n_shapes;
    struct finish f = {packer, kinds, first_duals, arena_array(arena, double, n), arena_array(arena, int64_t, n), {0}};
    if (!f.duals || !f.left)
        return err_nomem(err);
    f.greedy.expired = expired;
    f.greedy.context = context;
    struct bag best = {0}, trial = {0};
    size_t tries = effort == FINISH_QUICK ? 1 : CC_COUNT(SETTINGS);
    int failed = 0;
    for (size_t t = 0; t < tries && !failed && !(t && expired && expired(context)); t++) {
        memcpy(f.left, demand, n * sizeof(*f.left));
        bag_clear(&trial);
        failed = fill_in_stages(&f, &SETTINGS[t], arena, &trial, err);
        if (!failed && (t == 0 || trial.cost_microusd < best.cost_microusd)) {
            bag_clear(&best);
            failed = bag_append(&best, &trial, err);
        }
    }
    if (!failed)
        failed = bag_append(bag, &best, err);
    bag_release(&best);
    bag_release(&trial);
    return failed;
}

/* bag.h - an integer answer under construction: nodes with their patterns. */
#ifndef STOKER_SOLVER_BAG_H
#define STOKER_SOLVER_BAG_H

#include "base/vec.h"
#include "solver/kinds.h"

/* `copies` nodes of a kind with the same takes. */
struct bag_item {
    uint32_t kind;
    uint32_t n_takes;
    const struct solver_take *takes; /* ascending by shape; in the arena of whoever added it */
    int64_t copies;
};

struct bag {
    VEC(struct bag_item) items;
    int64_t cost_microusd;
};

/* Copies the takes into `arena` and adds the item. */
CC_MUST_CHECK int bag_add(struct bag *bag, const struct kinds *kinds, struct arena *arena, uint32_t kind,
                          const struct solver_take *takes, uint32_t n_takes, int64_t copies, struct err *err);

/* Adds all of `more` (takes are shared, not copied). */
CC_MUST_CHECK int bag_append(struct bag *bag, const struct bag *more, struct err *err);

void bag_clear(struct bag *bag);
void bag_release(struct bag *bag);

#endif

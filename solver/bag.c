#include "solver/bag.h"

#include <stdlib.h>
#include <string.h>

int bag_add(struct bag *bag, const struct kinds *kinds, struct arena *arena, uint32_t kind,
            const struct solver_take *takes, uint32_t n_takes, int64_t copies, struct err *err)
{
    struct solver_take *copy = arena_array(arena, struct solver_take, n_takes);
    if (!copy)
        return err_nomem(err);
    memcpy(copy, takes, n_takes * sizeof(*copy));
    if (!VEC_PUSH(&bag->items, ((struct bag_item){kind, n_takes, copy, copies})))
        return err_nomem(err);
    bag->cost_microusd += copies * kinds->items[kind].price_microusd;
    return 0;
}

int bag_append(struct bag *bag, const struct bag *more, struct err *err)
{
    size_t before = bag->items.len;
    for (size_t i = 0; i < more->items.len; i++)
        if (!VEC_PUSH(&bag->items, more->items.items[i])) {
            bag->items.len = before;
            return err_nomem(err);
        }
    bag->cost_microusd += more->cost_microusd;
    return 0;
}

void bag_clear(struct bag *bag)
{
    bag->items.len = 0;
    bag->cost_microusd = 0;
}

void bag_release(struct bag *bag)
{
    VEC_FREE(&bag->items);
    bag->cost_microusd = 0;
}

#include "provisioner/plan/pools.h"

#include <stdlib.h>

#include "base/bitset.h"

static int by_price(const void *a, const void *b, void *context)
{
    const struct supply *supply = context;
    const struct supply_offering *x = &supply->offerings[*(const uint32_t *)a];
    const struct supply_offering *y = &supply->offerings[*(const uint32_t *)b];
    if (x->price_microusd != y->price_microusd)
        return x->price_microusd < y->price_microusd ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->zone < y->zone ? -1 : x->zone > y->zone;
}

static struct pool_order *order_of(const struct pools *pools, uint32_t offering)
{
    const struct supply_offering *o = &pools->market->supply->offerings[offering];
    return &pools->orders[o->variant * 2 + (o->capacity_type == CLOUD_SPOT)];
}

int pools_build(const struct market *market, struct arena *arena, struct pools *ret, struct err *err)
{
    const struct supply *supply = market->supply;
    struct pools pools = {.market = market};
    size_t n_orders = supply->n_variants * 2;
    pools.orders = arena_array(arena, struct pool_order, n_orders);
    pools.scratch = arena_array(arena, uint64_t, BITSET_WORDS(supply->n));
    if (!pools.orders || !pools.scratch)
        return err_nomem(err);
    for (uint32_t j = 0; j < supply->n; j++)
        order_of(&pools, j)->n++;
    for (size_t i = 0; i < n_orders; i++) {
        pools.orders[i].offerings = arena_array(arena, uint32_t, pools.orders[i].n);
        if (!pools.orders[i].offerings)
            return err_nomem(err);
        pools.orders[i].n = 0;
    }
    for (uint32_t j = 0; j < supply->n; j++) {
        struct pool_order *order = order_of(&pools, j);
        order->offerings[order->n++] = j;
    }
    for (size_t i = 0; i < n_orders; i++)
        qsort_r(pools.orders[i].offerings, pools.orders[i].n, sizeof(uint32_t), by_price, (void *)supply);
    *ret = pools;
    return 0;
}

bool pools_within(int64_t price_microusd, int64_t cheapest_microusd, double ratio)
{
    return (double)price_microusd <= (double)cheapest_microusd * ratio * (1 + 1e-12);
}

static bool carries(const struct solver_offering *offering, const int64_t *load, uint32_t n_dims)
{
    for (uint32_t d = 0; d < n_dims; d++)
        if (load[d] > offering->alloc[d])
            return false;
    return true;
}

int pools_hosting(const struct pools *pools, const struct solver_problem *problem, const struct solver_take *takes,
                  uint32_t n_takes, uint32_t like, double max_ratio, struct arena *arena, uint32_t **ret_offerings,
                  size_t *ret_n, struct err *err)
{
    const struct pool_order *order = order_of(pools, like);
    int64_t load[SOLVER_MAX_DIMS] = {0};
    bitset_fill(pools->scratch, problem->n_offerings);
    for (uint32_t i = 0; i < n_takes; i++) {
        const struct solver_shape *shape = &problem->shapes[takes[i].shape];
        bitset_and(pools->scratch, shape->admits, problem->n_offerings);
        for (uint32_t d = 0; d < problem->n_dims; d++)
            load[d] += shape->req[d] * takes[i].count;
    }
    uint32_t *hosts = arena_array(arena, uint32_t, order->n);
    if (!hosts)
        return err_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < order->n; i++) {
        uint32_t j = order->offerings[i];
        const struct solver_offering *offering = &problem->offerings[j];
        if (n && max_ratio > 0 &&
            !pools_within(offering->price_microusd, problem->offerings[hosts[0]].price_microusd, max_ratio))
            break;
        if (bitset_has(pools->scratch, j) && carries(offering, load, problem->n_dims))
            hosts[n++] = j;
    }
    *ret_offerings = hosts;
    *ret_n = n;
    return 0;
}

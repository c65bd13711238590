#include "provisioner/plan/market.h"

#include "base/bitset.h"

/* The Provisioner that a node says it is of; SOLVER_NONE if of none that was read. */
static uint32_t owner_of_node(const struct objects *objects, const struct node *node)
{
    const struct str *name = labels_get(&node->labels, STR("stoker.sh/provisioner"));
    if (!name)
        name = labels_get(&node->labels, STR("karpenter.sh/provisioner-name"));
    if (!name)
        return SOLVER_NONE;
    for (size_t i = 0; i < objects->provisioners.len; i++)
        if (str_eq(objects->provisioners.items[i].name, *name))
            return (uint32_t)i;
    return SOLVER_NONE;
}

/* Nodes that are being deleted count too: they are there until they are gone. */
static int count_used(const struct objects *objects, const struct dims *dims, struct arena *arena, int64_t *used,
                      struct err *err)
{
    int64_t *one = arena_array(arena, int64_t, dims->n);
    if (!one)
        return err_nomem(err);
    for (size_t i = 0; i < objects->nodes.len; i++) {
        const struct node *node = &objects->nodes.items[i];
        uint32_t owner = owner_of_node(objects, node);
        if (owner == SOLVER_NONE)
            continue;
        const struct resources *size = node->capacity.n ? &node->capacity : &node->allocatable;
        dims_vector(dims, size->items, size->n, one);
        for (uint32_t d = 0; d < dims->n; d++)
            if (__builtin_add_overflow(used[owner * dims->n + d], one[d], &used[owner * dims->n + d]))
                used[owner * dims->n + d] = INT64_MAX;
    }
    return 0;
}

int64_t market_limit(const struct market *market, uint32_t owner, uint32_t dim)
{
    const struct resources *limits = &market->supply->objects->provisioners.items[owner].limits;
    for (size_t i = 0; i < limits->n; i++)
        if (str_eq(limits->items[i].name, market->supply->dims->names[dim]))
            return limits->items[i].amount;
    return SOLVER_UNLIMITED;
}

bool market_limited(const struct market *market, uint32_t owner)
{
    for (uint32_t d = 0; d < market->supply->dims->n; d++)
        if (market->owners[owner].limit[d] != SOLVER_UNLIMITED)
            return true;
    return false;
}

/* Dense: as many Provisioners are before this one as there are different higher weights. */
static uint32_t tier_of(const struct objects *objects, size_t owner)
{
    uint32_t tier = 0;
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        int32_t weight = objects->provisioners.items[i].weight;
        bool first = weight > objects->provisioners.items[owner].weight;
        for (size_t k = 0; first && k < i; k++)
            first = objects->provisioners.items[k].weight != weight;
        tier += first;
    }
    return tier;
}

static int build_owners(struct market *market, struct arena *arena, struct err *err)
{
    const struct objects *objects = market->supply->objects;
    uint32_t n_dims = market->supply->dims->n;
    for (uint32_t o = 0; o < market->n_owners; o++) {
        int64_t *left = arena_array(arena, int64_t, n_dims);
        if (!left)
            return err_nomem(err);
        for (uint32_t d = 0; d < n_dims; d++) {
            int64_t limit = market_limit(market, o, d), used = market->used[o * n_dims + d];
            left[d] = limit == SOLVER_UNLIMITED ? limit : limit > used ? limit - used : 0;
        }
        market->owners[o] = (struct solver_owner){.limit = left, .tier = tier_of(objects, o)};
        if (market->owners[o].tier >= market->n_tiers)
            market->n_tiers = market->owners[o].tier + 1;
    }
    return 0;
}

static int build_tiers(struct market *market, struct arena *arena, struct err *err)
{
    size_t words = BITSET_WORDS(market->supply->n);
    market->upto_tier = arena_array(arena, uint64_t *, market->n_tiers);
    market->unlimited = arena_array(arena, uint64_t *, market->n_tiers);
    if (!market->upto_tier || !market->unlimited)
        return err_nomem(err);
    for (uint32_t t = 0; t < market->n_tiers; t++) {
        market->upto_tier[t] = arena_array(arena, uint64_t, words);
        market->unlimited[t] = arena_array(arena, uint64_t, words);
        if (!market->upto_tier[t] || !market->unlimited[t])
            return err_nomem(err);
    }
    for (size_t j = 0; j < market->supply->n; j++) {
        uint32_t owner = market->offerings[j].owner, tier = market->owners[owner].tier;
        for (uint32_t t = tier; t < market->n_tiers; t++)
            bitset_add(market->upto_tier[t], j);
        if (!market_limited(market, owner))
            bitset_add(market->unlimited[tier], j);
    }
    return 0;
}

int market_build(const struct supply *supply, struct arena *arena, struct market *ret, struct err *err)
{
    struct market market = {.supply = supply, .n_owners = (uint32_t)supply->objects->provisioners.len};
    market.offerings = arena_array(arena, struct solver_offering, supply->n);
    market.owners = arena_array(arena, struct solver_owner, market.n_owners);
    market.used = arena_calloc(arena, market.n_owners, sizeof(int64_t) * supply->dims->n);
    if (!market.offerings || !market.owners || !market.used)
        return err_nomem(err);
    int code = count_used(supply->objects, supply->dims, arena, market.used, err);
    if (!code)
        code = build_owners(&market, arena, err);
    if (code)
        return code;
    for (size_t j = 0; j < supply->n; j++) {
        const struct supply_offering *offering = &supply->offerings[j];
        market.offerings[j] = (struct solver_offering){.alloc = offering->alloc,
                                                       .capacity = offering->capacity,
                                                       .price_microusd = offering->price_microusd,
                                                       .owner = offering->provisioner};
    }
    code = build_tiers(&market, arena, err);
    if (code)
        return code;
    *ret = market;
    return 0;
}

void market_narrow(const struct market *market, uint64_t *admits)
{
    size_t n = market->supply->n;
    for (uint32_t t = 0; t + 1 < market->n_tiers; t++) {
        if (bitset_intersects(admits, market->unlimited[t], n)) {
            bitset_and(admits, market->upto_tier[t], n);
            return;
        }
    }
}

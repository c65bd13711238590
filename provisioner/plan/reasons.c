#include "provisioner/plan/reasons.h"

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"

const char *amount_text(const struct dims *dims, uint32_t dim, int64_t amount, char text[AMOUNT_TEXT_MAX])
{
    _Static_assert((int)AMOUNT_TEXT_MAX >= (int)QUANTITY_TEXT_MAX, "room for a quantity");
    if (dim == DIM_CPU)
        return quantity_milli_text(amount, text);
    if (dim == DIM_MEMORY || str_is(dims->names[dim], "ephemeral-storage"))
        return quantity_bytes_text(amount, text);
    snprintf(text, AMOUNT_TEXT_MAX, "%lld", (long long)amount);
    return text;
}

/* Capacity of a dimension that an owner's nodes have, with those of the plan. */
static int64_t used_with_plan(const struct market *market, const struct solver_plan *plan, uint32_t owner, uint32_t dim)
{
    int64_t used = market->used[owner * market->supply->dims->n + dim];
    for (size_t i = 0; i < plan->n_purchases; i++) {
        const struct solver_offering *offering = &market->offerings[plan->purchases[i].offering];
        if (offering->owner == owner)
            used += offering->capacity[dim] * plan->purchases[i].copies;
    }
    return used;
}

const char *reason_limit_name(const struct market *market, const struct solver_plan *plan, uint32_t owner,
                              struct arena *arena)
{
    const struct dims *dims = market->supply->dims;
    struct str name = market->supply->objects->provisioners.items[owner].name;
    uint32_t tightest = SOLVER_NONE;
    double least = 0;
    for (uint32_t d = 0; d < dims->n; d++) {
        int64_t limit = market_limit(market, owner, d);
        if (limit == SOLVER_UNLIMITED)
            continue;
        double left = limit ? 1 - (double)used_with_plan(market, plan, owner, d) / (double)limit : 0;
        if (tightest == SOLVER_NONE || left < least) {
            tightest = d;
            least = left;
        }
    }
    if (tightest == SOLVER_NONE)
        return arena_printf(arena, "Provisioner %.*s", STR_ARG(name));
    char used[AMOUNT_TEXT_MAX], limit[AMOUNT_TEXT_MAX];
    return arena_printf(arena, "Provisioner %.*s (%.*s %s of %s used)", STR_ARG(name), STR_ARG(dims->names[tightest]),
                        amount_text(dims, tightest, used_with_plan(market, plan, owner, tightest), used),
                        amount_text(dims, tightest, market_limit(market, owner, tightest), limit));
}

const char *reason_leftover(const struct market *market, const struct solver_plan *plan,
                            const struct solver_leftover *leftover, struct arena *arena)
{
    if (leftover->why == SOLVER_LIMIT && leftover->owner < market->n_owners) {
        const char *name = reason_limit_name(market, plan, leftover->owner, arena);
        return name ? arena_printf(arena, "no room within the limit of %s", name) : NULL;
    }
    if (leftover->why == SOLVER_LIMIT)
        return "no room within the limits of the Provisioners that admit it";
    return "no offering and no existing node that admits it has the room";
}

const char *reason_word(const char *reason)
{
    /* The first that occurs: what binds last stands first. */
    static const struct {
        const char *part, *word;
    } words[] = {
        {"it waits", "gang"},
        {"the limit", "limit"},
        {"topologyKey", "topology"},
        {"affinity over", "topology"},
        {"kept in zone", "topology"},
        {"PersistentVolume", "volume"},
        {"StorageClass", "volume"},
        {"its volume", "volume"},
        {"is large enough", "too-large"},
        {"no admitted instance type has", "too-large"},
        {"no Provisioner has only taints", "taints"},
        {"taints are tolerated", "taints"},
        {"there is no Provisioner", "no-provisioner"},
        {"no Provisioner", "constraints"},
        {"no offering", "no-offering"},
        {"affinity", "constraints"},
        {"node selector", "constraints"},
    };
    for (size_t i = 0; i < CC_COUNT(words); i++)
        if (strstr(reason, words[i].part))
            return words[i].word;
    return "other";
}

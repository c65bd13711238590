#include "solver/rent.h"

#include <math.h>
#include <string.h>

#include "base/bitset.h"

enum { MOST_GROUPS = 64, KEY_DIMS = 3 };

struct group {
    int key[KEY_DIMS];
    double *sum;       /* [n_dims] */
    uint64_t *members; /* [n_shapes] */
    double count;
};

static void key_of(const struct bin *bin, uint32_t n_dims, int *key)
{
    memset(key, 0, KEY_DIMS * sizeof(*key));
    for (uint32_t d = 0; d < n_dims && d < KEY_DIMS; d++)
        key[d] = (int)floor(2 * log2((double)bin->room[d] + 1));
}

/* The group with this key, a new one, or the last where there are too many: a coarse rent is a valid one. */
static struct group *find_group(struct group *groups, uint32_t *n, const int *key)
{
    for (uint32_t g = 0; g < *n; g++)
        if (memcmp(groups[g].key, key, sizeof(groups[g].key)) == 0)
            return &groups[g];
    if (*n == MOST_GROUPS)
        return &groups[MOST_GROUPS - 1];
    memcpy(groups[*n].key, key, sizeof(groups[*n].key));
    return &groups[(*n)++];
}

static double first_rent(const struct packer *packer, const int64_t *room, const struct kinds *kinds)
{
    double rent = HUGE_VAL;
    for (uint32_t k = 0; k < kinds->n; k++) {
        double share = 0;
        for (uint32_t d = 0; d < packer->n_dims; d++)
            if (kinds->items[k].bin.room[d] > 0)
                share = fmax(share, (double)room[d] / (double)kinds->items[k].bin.room[d]);
        rent = fmin(rent, share * (double)kinds->items[k].price_microusd);
    }
    return rent < HUGE_VAL && rent > 1 ? rent : 1;
}

static int rent_group(const struct packer *packer, const struct group *group, const struct kinds *kinds,
                      struct arena *arena, struct ascent_rented *ret)
{
    int64_t *room = arena_array(arena, int64_t, packer->n_dims);
    uint32_t *items = arena_array(arena, uint32_t, packer->n_shapes);
    if (!room || !items)
        return ERR_NOMEM;
    for (uint32_t d = 0; d < packer->n_dims; d++)
        room[d] = (int64_t)(group->sum[d] / group->count);
    uint32_t n = 0;
    BITSET_EACH (s, group->members, packer->n_shapes) {
        bool fits = true;
        for (uint32_t d = 0; d < packer->n_dims; d++)
            fits &= packer->req[s * packer->n_dims + d] <= room[d];
        if (fits)
            items[n++] = (uint32_t)s;
    }
    *ret = (struct ascent_rented){.bin = {.room = room, .items = items, .n_items = n, .members = group->members},
                                  .count = group->count,
                                  .rent_microusd = first_rent(packer, room, kinds)};
    return 0;
}

int rent_nodes(const struct packer *packer, const struct bin *bins, const struct kinds *kinds, struct arena *arena,
               struct ascent_rented **ret, uint32_t *ret_n, struct err *err)
{
    struct group *groups = arena_array(arena, struct group, MOST_GROUPS);
    struct ascent_rented *rented = arena_array(arena, struct ascent_rented, MOST_GROUPS);
    if (!groups || !rented)
        return err_nomem(err);
    uint32_t n = 0;
    for (uint32_t e = 0; e < packer->problem->n_nodes; e++) {
        if (!bins[e].n_items)
            continue;
        int key[KEY_DIMS];
        key_of(&bins[e], packer->n_dims, key);
        struct group *group = find_group(groups, &n, key);
        if (!group->sum) {
            group->sum = arena_array(arena, double, packer->n_dims);
            group->members = arena_array(arena, uint64_t, BITSET_WORDS(packer->n_shapes));
            if (!group->sum || !group->members)
                return err_nomem(err);
        }
        for (uint32_t d = 0; d < packer->n_dims; d++)
            group->sum[d] += (double)bins[e].room[d];
        bitset_or(group->members, bins[e].members, packer->n_shapes);
        group->count++;
    }
    for (uint32_t g = 0; g < n; g++)
        if (rent_group(packer, &groups[g], kinds, arena, &rented[g]))
            return err_nomem(err);
    *ret = rented;
    *ret_n = n;
    return 0;
}

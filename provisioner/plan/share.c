#include "provisioner/plan/share.h"

struct share_entry {
    uint64_t key; /* 1 + (app << 32 | pool); 0: free */
    int32_t n;
};

bool share_wanted(const struct objects *objects)
{
    for (size_t i = 0; i < objects->provisioners.len; i++)
        if (objects->provisioners.items[i].max_pool_share < 1)
            return true;
    return false;
}

static uint32_t executor_app(const struct share *share, uint32_t pod)
{
    return share->objects->pods.items[pod].role == SPARK_EXECUTOR ? share->demand->pod_app[pod] : SOLVER_NONE;
}

int share_init(struct share *share, const struct objects *objects, const struct supply *supply, const struct pass *pass,
               struct arena *arena, struct err *err)
{
    *share = (struct share){.objects = objects, .supply = supply, .demand = &pass->demand, .arena = arena};
    int32_t *executors = arena_array(arena, int32_t, pass->demand.n_apps);
    share->n_slots = 1024;
    share->entries = arena_array(arena, struct share_entry, share->n_slots);
    if (!executors || !share->entries)
        return err_nomem(err);
    for (uint32_t s = 0; s < pass->compiled.problem.n_shapes; s++) {
        for (size_t i = 0; i < pass->lists[s].n_placed; i++) {
            uint32_t app = executor_app(share, pass->lists[s].pods[i]);
            if (app != SOLVER_NONE)
                executors[app]++;
        }
    }
    share->executors = executors;
    return 0;
}

int32_t share_cap(const struct share *share, uint32_t app, uint32_t provisioner)
{
    double max_share = share->objects->provisioners.items[provisioner].max_pool_share;
    if (max_share >= 1)
        return INT32_MAX;
    /* 0.3 x 10 is 3, whatever binary fractions make of it. */
    int32_t cap = (int32_t)(max_share * share->executors[app] + 1e-9);
    return cap > 1 ? cap : 1;
}

void share_count(const struct share *share, const uint32_t *pods, size_t n, struct share_loads *loads)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t app = executor_app(share, pods[i]);
        if (app == SOLVER_NONE)
            continue;
        size_t k = 0;
        while (k < loads->n && loads->items[k].app != app)
            k++;
        if (k == loads->n)
            loads->items[loads->n++] = (struct share_load){app, 0};
        loads->items[k].n++;
    }
}

static struct share_entry *find(struct share_entry *entries, size_t n_slots, uint64_t key)
{
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (n_slots - 1);
    while (entries[slot].key && entries[slot].key != key)
        slot = (slot + 1) & (n_slots - 1);
    return &entries[slot];
}

/* A pool is one for EC2, whichever Provisioner buys there. */
static uint64_t key_of(const struct share *share, uint32_t app, uint32_t offering)
{
    return 1 + ((uint64_t)app << 32 | share->supply->offerings[offering].cloud);
}

int32_t share_left(const struct share *share, uint32_t offering, uint32_t app)
{
    int32_t cap = share_cap(share, app, share->supply->offerings[offering].provisioner);
    return cap == INT32_MAX ? cap : cap - find(share->entries, share->n_slots, key_of(share, app, offering))->n;
}

bool share_allows(const struct share *share, uint32_t offering, const struct share_loads *loads)
{
    for (size_t i = 0; i < loads->n; i++)
        if (loads->items[i].n > share_left(share, offering, loads->items[i].app))
            return false;
    return true;
}

static int grow(struct share *share, struct err *err)
{
    size_t n_slots = share->n_slots * 4;
    struct share_entry *entries = arena_array(share->arena, struct share_entry, n_slots);
    if (!entries)
        return err_nomem(err);
    for (size_t i = 0; i < share->n_slots; i++)
        if (share->entries[i].key)
            *find(entries, n_slots, share->entries[i].key) = share->entries[i];
    share->entries = entries;
    share->n_slots = n_slots;
    return 0;
}

int share_add(struct share *share, uint32_t offering, const struct share_loads *loads, struct err *err)
{
    for (size_t i = 0; i < loads->n; i++) {
        if (2 * share->n_used >= share->n_slots && grow(share, err))
            return ERR_NOMEM;
        uint64_t key = key_of(share, loads->items[i].app, offering);
        struct share_entry *entry = find(share->entries, share->n_slots, key);
        share->n_used += !entry->key;
        entry->key = key;
        entry->n += loads->items[i].n;
    }
    return 0;
}

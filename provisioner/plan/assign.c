#include "provisioner/plan/assign.h"

#include <stdlib.h>

/* The slots of one shape in one bin. */
struct slot {
    uint32_t bin;
    int32_t open;
};

/* The slots of every shape: slots[first[s]] … slots[first[s + 1]]. */
struct slots {
    uint32_t *first; /* [n_shapes + 1] */
    struct slot *slots;
};

/* How many executors of an application a bin holds so far. */
struct holding {
    uint32_t app;
    int32_t n;
};

struct assigner {
    const struct objects *objects;
    const struct pass *pass;
    const struct assign_caps *caps;
    struct bin *bins;
    uint32_t *bin_of_pod;
    struct slots slots;
    struct holding **held; /* [n_bins] ended by app SOLVER_NONE; with caps only */
};

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

static int find_slots(struct assigner *a, size_t n_bins, struct arena *arena, struct err *err)
{
    uint32_t n_shapes = a->pass->compiled.problem.n_shapes;
    uint32_t *first = arena_array(arena, uint32_t, (size_t)n_shapes + 1);
    uint32_t *cursor = arena_array(arena, uint32_t, n_shapes);
    if (!first || !cursor)
        return err_nomem(err);
    for (size_t b = 0; b < n_bins; b++)
        for (uint32_t i = 0; i < a->bins[b].n_takes; i++)
            first[a->bins[b].takes[i].shape + 1]++;
    for (uint32_t s = 0; s < n_shapes; s++) {
        first[s + 1] += first[s];
        cursor[s] = first[s];
    }
    struct slot *slots = arena_array(arena, struct slot, first[n_shapes]);
    if (!slots)
        return err_nomem(err);
    for (size_t b = 0; b < n_bins; b++)
        for (uint32_t i = 0; i < a->bins[b].n_takes; i++)
            slots[cursor[a->bins[b].takes[i].shape]++] = (struct slot){(uint32_t)b, a->bins[b].takes[i].count};
    a->slots = (struct slots){first, slots};
    return 0;
}

static void put(struct assigner *a, struct slot *slot, uint32_t pod)
{
    struct bin *bin = &a->bins[slot->bin];
    bin->pods[bin->n_pods++] = pod;
    a->bin_of_pod[pod] = slot->bin;
    slot->open--;
}

/* Neighbours in the list become neighbours in the bins. */
static void fill_in_order(struct assigner *a, uint32_t shape)
{
    const struct pass_list *list = &a->pass->lists[shape];
    struct slot *slot = a->slots.slots + a->slots.first[shape], *end = a->slots.slots + a->slots.first[shape + 1];
    for (size_t i = 0; i < list->n_placed; i++) {
        while (slot < end && !slot->open)
            slot++;
        if (slot == end)
            return;
        put(a, slot, list->pods[i]);
    }
}

/* The application whose cap a pod counts against; SOLVER_NONE: nobody's. */
static uint32_t capped_app(const struct assigner *a, uint32_t pod)
{
    return a->objects->pods.items[pod].role == SPARK_EXECUTOR ? a->pass->demand.pod_app[pod] : SOLVER_NONE;
}

static struct holding *holding_of(struct assigner *a, uint32_t bin, uint32_t app)
{
    struct holding *h = a->held[bin];
    while (h->app != app && h->app != SOLVER_NONE)
        h++;
    return h;
}

static int32_t room_for(struct assigner *a, const struct slot *slot, uint32_t app)
{
    if (app == SOLVER_NONE)
        return slot->open;
    int32_t left = a->caps->cap(a->caps->context, app, &a->bins[slot->bin]) - holding_of(a, slot->bin, app)->n;
    return left < slot->open ? left : slot->open;
}

/*
 * The slot with the most open places that the application may still use: taking from the fullest supply first leaves
 * the later applications the widest choice (Ryser's construction of a 0-1 matrix with given sums).
 */
static struct slot *widest_slot(struct assigner *a, uint32_t shape, uint32_t app)
{
    struct slot *best = NULL;
    for (uint32_t i = a->slots.first[shape]; i < a->slots.first[shape + 1]; i++) {
        struct slot *slot = &a->slots.slots[i];
        if (slot->open && (!best || slot->open > best->open) && room_for(a, slot, app) > 0)
            best = slot;
    }
    return best;
}

/* Pods pods[from] … pods[to - 1], all of one application; gives how many found no slot. */
static size_t fill_run(struct assigner *a, uint32_t shape, const uint32_t *pods, size_t n)
{
    uint32_t app = capped_app(a, pods[0]);
    while (n) {
        struct slot *slot = widest_slot(a, shape, app);
        if (!slot)
            return n;
        int32_t room = room_for(a, slot, app);
        struct holding *holding = app == SOLVER_NONE ? NULL : holding_of(a, slot->bin, app);
        for (; room > 0 && n; room--, n--) {
            put(a, slot, *pods++);
            if (holding) {
                holding->app = app;
                holding->n++;
            }
        }
    }
    return 0;
}

/* Applications under a cap first: the others take what is left. */
static size_t fill_capped(struct assigner *a, uint32_t shape)
{
    const struct pass_list *list = &a->pass->lists[shape];
    size_t n_left = 0;
    for (int capped = 1; capped >= 0; capped--) {
        for (size_t i = 0, end; i < list->n_placed; i = end) {
            uint32_t app = capped_app(a, list->pods[i]);
            for (end = i + 1; end < list->n_placed && capped_app(a, list->pods[end]) == app;)
                end++;
            if ((app != SOLVER_NONE) == (capped == 1))
                n_left += fill_run(a, shape, list->pods + i, end - i);
        }
    }
    return n_left;
}

static int alloc_holdings(struct assigner *a, size_t n_bins, struct arena *arena, struct err *err)
{
    a->held = arena_array(arena, struct holding *, n_bins);
    if (!a->held)
        return err_nomem(err);
    for (size_t b = 0; b < n_bins; b++) {
        size_t room = 1;
        for (uint32_t i = 0; i < a->bins[b].n_takes; i++)
            room += (size_t)a->bins[b].takes[i].count;
        a->held[b] = arena_array(arena, struct holding, room);
        if (!a->held[b])
            return err_nomem(err);
        for (size_t i = 0; i < room; i++)
            a->held[b][i].app = SOLVER_NONE;
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int assign_pods(const struct objects *objects, const struct pass *pass, const struct assign_caps *caps,
                struct bin *bins, size_t n_bins, uint32_t *bin_of_pod, struct arena *arena, size_t *ret_n_left,
                struct err *err)
{
    struct assigner a = {.objects = objects, .pass = pass, .caps = caps, .bins = bins, .bin_of_pod = bin_of_pod};
    size_t n_left = 0;
    int code = find_slots(&a, n_bins, arena, err);
    if (!code && caps)
        code = alloc_holdings(&a, n_bins, arena, err);
    if (code)
        return code;
    for (size_t i = 0; i < objects->pods.len; i++)
        bin_of_pod[i] = SOLVER_NONE;
    for (uint32_t s = 0; s < pass->compiled.problem.n_shapes; s++) {
        if (caps)
            n_left += fill_capped(&a, s);
        else
            fill_in_order(&a, s);
    }
    for (size_t b = 0; b < n_bins; b++)
        qsort(bins[b].pods, bins[b].n_pods, sizeof(*bins[b].pods), ascending);
    *ret_n_left = n_left;
    return 0;
}

#include "provisioner/state/owned.h"

#include <assert.h>

struct owned *owned_new(size_t size)
{
    struct arena arena = ARENA_INIT;
    if (!arena_reserve(&arena, size + arena_cost(sizeof(struct owned))))
        return NULL;
    struct owned *owned = arena_new(&arena, struct owned); /* there is room */
    assert(owned);
    owned->arena = arena;
    return owned;
}

static void give_back(struct owned *owned)
{
    struct arena arena = owned->arena; /* the record goes with it */
    arena_release(&arena);
}

void owned_drop(struct owned *owned, struct owned_limbo *limbo)
{
    if (!owned)
        return;
    if (!limbo->newest) {
        give_back(owned);
        return;
    }
    owned->seen_by = limbo->newest->number;
    owned->next = NULL;
    if (limbo->last)
        limbo->last->next = owned;
    else
        limbo->first = owned;
    limbo->last = owned;
    limbo->n_waiting++;
}

void owned_view_begin(struct owned_limbo *limbo, struct owned_view *view)
{
    *view = (struct owned_view){.older = limbo->newest, .number = ++limbo->numbers};
    if (limbo->newest)
        limbo->newest->newer = view;
    else
        limbo->oldest = view;
    limbo->newest = view;
}

/* What waits is in the order in which it was dropped, so the first that is still seen ends it. */
static void sweep(struct owned_limbo *limbo)
{
    while (limbo->first && (!limbo->oldest || limbo->first->seen_by < limbo->oldest->number)) {
        struct owned *owned = limbo->first;
        limbo->first = owned->next;
        if (!limbo->first)
            limbo->last = NULL;
        limbo->n_waiting--;
        give_back(owned);
    }
}

void owned_view_end(struct owned_limbo *limbo, struct owned_view *view)
{
    if (view->older)
        view->older->newer = view->newer;
    else
        limbo->oldest = view->newer;
    if (view->newer)
        view->newer->older = view->older;
    else
        limbo->newest = view->older;
    sweep(limbo);
}

void owned_limbo_release(struct owned_limbo *limbo)
{
    assert(!limbo->oldest && !limbo->newest);
    sweep(limbo);
}

#include "provisioner/state/index.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 32 };

static uint32_t short_hash(uint64_t hash)
{
    return (uint32_t)(hash ^ (hash >> 32));
}

static size_t home_of(const struct index *index, uint32_t hash)
{
    return hash & (index->n_slots - 1);
}

static size_t after(const struct index *index, size_t slot)
{
    return (slot + 1) & (index->n_slots - 1);
}

static void place(struct index *index, struct index_slot entry)
{
    size_t slot = home_of(index, entry.hash);
    while (index->slots[slot].id1)
        slot = after(index, slot);
    index->slots[slot] = entry;
}

bool index_reserve(struct index *index)
{
    if ((index->len + 1) * 2 <= index->n_slots)
        return true;
    struct index grown = {.n_slots = index->n_slots ? index->n_slots * 2 : FIRST_SLOTS, .len = index->len};
    grown.slots = calloc(grown.n_slots, sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < index->n_slots; i++)
        if (index->slots[i].id1)
            place(&grown, index->slots[i]);
    free(index->slots);
    *index = grown;
    return true;
}

void index_add(struct index *index, uint64_t hash, uint32_t id)
{
    assert((index->len + 1) * 2 <= index->n_slots);
    place(index, (struct index_slot){short_hash(hash), id + 1});
    index->len++;
}

static size_t slot_of(const struct index *index, uint64_t hash, uint32_t id)
{
    assert(index->n_slots);
    size_t slot = home_of(index, short_hash(hash));
    while (index->slots[slot].id1 != id + 1) {
        assert(index->slots[slot].id1);
        slot = after(index, slot);
    }
    return slot;
}

/* Those behind move up, so that no search ends early at the gap. */
void index_remove(struct index *index, uint64_t hash, uint32_t id)
{
    size_t mask = index->n_slots - 1, gap = slot_of(index, hash, id);
    for (size_t slot = after(index, gap); index->slots[slot].id1; slot = after(index, slot)) {
        size_t home = home_of(index, index->slots[slot].hash);
        if (((slot - home) & mask) < ((slot - gap) & mask))
            continue; /* its home is behind the gap */
        index->slots[gap] = index->slots[slot];
        gap = slot;
    }
    index->slots[gap] = (struct index_slot){0, 0};
    index->len--;
}

void index_rename(struct index *index, uint64_t hash, uint32_t from, uint32_t to)
{
    index->slots[slot_of(index, hash, from)].id1 = to + 1;
}

uint32_t index_next(const struct index *index, uint64_t hash, size_t *probe)
{
    if (!index->n_slots)
        return INDEX_NONE;
    uint32_t wanted = short_hash(hash);
    for (;;) {
        const struct index_slot *slot = &index->slots[(home_of(index, wanted) + (*probe)++) & (index->n_slots - 1)];
        if (!slot->id1)
            return INDEX_NONE;
        if (slot->hash == wanted)
            return slot->id1 - 1;
    }
}

void index_release(struct index *index)
{
    free(index->slots);
    *index = (struct index){0};
}

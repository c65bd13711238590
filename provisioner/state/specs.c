#include "provisioner/state/specs.h"

#include <assert.h>
#include <stdlib.h>

#include "provisioner/api/copy.h"

static uint32_t find(const struct specs *specs, struct str key, uint64_t hash)
{
    uint32_t id;
    for (size_t probe = 0; (id = index_next(&specs->by_key, hash, &probe)) != INDEX_NONE;)
        if (str_eq(specs->entries.items[id].key, key))
            return id;
    return INDEX_NONE;
}

/* The spec as it is in `arena`; its size is what the arena says. */
static bool copy_into(struct arena *arena, const struct pod_spec *spec, struct str key, uint32_t id,
                      struct spec_entry *ret)
{
    struct copier copier = {arena, false};
    struct pod_spec *copy = copy_array(&copier, spec, 1, sizeof(*spec));
    if (!copy)
        return false;
    ret->key = key;
    copy_text(&copier, &ret->key);
    copy_pod_spec(&copier, copy);
    if (copier.failed)
        return false;
    copy->id = id;
    ret->spec = copy;
    return true;
}

static bool make_entry(const struct pod_spec *spec, struct str key, uint32_t id, struct spec_entry *ret)
{
    struct arena measure = ARENA_INIT;
    bool good = copy_into(&measure, spec, key, id, ret);
    ret->owned = good ? owned_new(measure.used_bytes) : NULL;
    arena_release(&measure);
    if (!ret->owned)
        return false;
    if (copy_into(&ret->owned->arena, spec, key, id, ret))
        return true;
    owned_drop(ret->owned, &(struct owned_limbo){0});
    return false;
}

/* A free id, or a new one at the end of entries. */
static uint32_t new_id(const struct specs *specs)
{
    return specs->free_ids.len ? specs->free_ids.items[specs->free_ids.len - 1] : (uint32_t)specs->entries.len;
}

static bool reserve(struct specs *specs)
{
    bool grows = specs->free_ids.len == 0;
    if (!index_reserve(&specs->by_key))
        return false;
    if (!grows)
        return true;
    if (specs->entries.len == specs->entries.cap && !vec_grow((void **)&specs->entries.items, &specs->entries.cap,
                                                              specs->entries.len, sizeof(*specs->entries.items)))
        return false;
    while (specs->free_ids.cap < specs->entries.len + 1)
        if (!vec_grow((void **)&specs->free_ids.items, &specs->free_ids.cap, specs->free_ids.cap,
                      sizeof(*specs->free_ids.items)))
            return false;
    return true;
}

int specs_take(struct specs *specs, const struct pod_spec *spec, struct str key, uint32_t *ret_id, struct err *err)
{
    uint64_t hash = str_hash(key);
    uint32_t id = find(specs, key, hash);
    if (id == INDEX_NONE) {
        struct spec_entry entry = {.hash = hash};
        id = new_id(specs);
        if (!reserve(specs) || !make_entry(spec, key, id, &entry))
            return err_nomem(err);
        if (id == specs->entries.len)
            specs->entries.len++;
        else
            specs->free_ids.len--;
        specs->entries.items[id] = entry;
        index_add(&specs->by_key, hash, id);
    }
    specs->entries.items[id].users++;
    *ret_id = id;
    return 0;
}

void specs_drop(struct specs *specs, uint32_t id, struct owned_limbo *limbo)
{
    struct spec_entry *entry = &specs->entries.items[id];
    assert(entry->users > 0);
    if (--entry->users > 0)
        return;
    index_remove(&specs->by_key, entry->hash, id);
    owned_drop(entry->owned, limbo);
    *entry = (struct spec_entry){.owned = NULL};
    specs->free_ids.items[specs->free_ids.len++] = id; /* room was made when the id was */
}

void specs_release(struct specs *specs, struct owned_limbo *limbo)
{
    for (size_t id = 0; id < specs->entries.len; id++)
        owned_drop(specs->entries.items[id].owned, limbo);
    VEC_FREE(&specs->entries);
    VEC_FREE(&specs->free_ids);
    index_release(&specs->by_key);
}

#include "base/intern.h"

#include <assert.h>
#include <stdlib.h>

static size_t slot_of(const struct intern *table, struct str text)
{
    size_t mask = table->slot_count - 1;
    size_t slot = (size_t)str_hash(text) & mask;
    while (table->slots[slot] && !str_eq(table->texts[table->slots[slot] - 1], text))
        slot = (slot + 1) & mask;
    return slot;
}

/* Keeps the table at most half full. */
static bool grow_slots(struct intern *table)
{
    if (table->len * 2 < table->slot_count)
        return true;
    size_t count = table->slot_count ? table->slot_count * 2 : 64;
    uint32_t *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return false;
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (size_t id = 0; id < table->len; id++)
        table->slots[slot_of(table, table->texts[id])] = (uint32_t)id + 1;
    return true;
}

static bool grow_texts(struct intern *table)
{
    if (table->len < table->cap)
        return true;
    size_t cap = table->cap ? table->cap * 2 : 32;
    struct str *texts = realloc(table->texts, cap * sizeof(*texts));
    if (!texts)
        return false;
    table->texts = texts;
    table->cap = cap;
    return true;
}

int intern_add(struct intern *table, struct str text, uint32_t *ret_id, struct err *err)
{
    if (!grow_slots(table) || !grow_texts(table))
        return err_nomem(err);
    size_t slot = slot_of(table, text);
    if (!table->slots[slot]) {
        struct str copy = str_dup(&table->arena, text);
        if (!copy.ptr)
            return err_nomem(err);
        table->texts[table->len++] = copy;
        table->slots[slot] = (uint32_t)table->len;
    }
    *ret_id = table->slots[slot] - 1;
    return 0;
}

uint32_t intern_find(const struct intern *table, struct str text)
{
    if (!table->slot_count)
        return INTERN_NONE;
    size_t slot = slot_of(table, text);
    return table->slots[slot] ? table->slots[slot] - 1 : INTERN_NONE;
}

struct str intern_text(const struct intern *table, uint32_t id)
{
    assert(id < table->len);
    return table->texts[id];
}

void intern_release(struct intern *table)
{
    arena_release(&table->arena);
    free(table->texts);
    free(table->slots);
    *table = (struct intern){0};
}

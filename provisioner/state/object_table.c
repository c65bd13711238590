#include "provisioner/state/object_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

uint64_t table_hash(struct str namespace_, struct str name)
{
    /* Any odd constant: "a" in "b" is not "b" in "a". */
    return str_hash(namespace_) * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(name);
}

uint32_t table_find(const struct table *table, struct str namespace_, struct str name)
{
    uint64_t hash = table_hash(namespace_, name);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(&table->by_name, hash, &probe)) != INDEX_NONE;)
        if (str_eq(table->entries[id].name, name) && str_eq(table->entries[id].namespace_, namespace_))
            return id;
    return INDEX_NONE;
}

static bool grow(struct table *table)
{
    if (table->len < table->cap)
        return true;
    size_t cap = table->cap ? table->cap * 2 : FIRST_CAP;
    unsigned char *items = realloc(table->items, cap * table->item_size);
    if (!items)
        return false;
    table->items = items;
    struct entry *entries = realloc(table->entries, cap * sizeof(*entries));
    if (!entries)
        return false;
    table->entries = entries;
    table->cap = cap;
    return true;
}

bool table_add(struct table *table, const void *item, const struct entry *entry)
{
    if (!grow(table) || !index_reserve(&table->by_name))
        return false;
    uint32_t id = (uint32_t)table->len++;
    memcpy(table_item(table, id), item, table->item_size);
    table->entries[id] = *entry;
    index_add(&table->by_name, entry->hash, id);
    return true;
}

void table_set(struct table *table, uint32_t id, const void *item, const struct entry *entry)
{
    assert(table->entries[id].hash == entry->hash);
    memcpy(table_item(table, id), item, table->item_size);
    table->entries[id] = *entry;
}

/* Gives memory back when most of it is not used any more; failing to is no harm. */
static void shrink(struct table *table)
{
    if (table->cap <= FIRST_CAP || table->len > table->cap / 4)
        return;
    size_t cap = table->cap / 2;
    unsigned char *items = realloc(table->items, cap * table->item_size);
    if (items)
        table->items = items;
    struct entry *entries = realloc(table->entries, cap * sizeof(*entries));
    if (entries)
        table->entries = entries;
    table->cap = cap; /* also if only one of them, or none, became smaller */
}

void table_remove(struct table *table, uint32_t id)
{
    uint32_t last = (uint32_t)table->len - 1;
    index_remove(&table->by_name, table->entries[id].hash, id);
    if (id != last) {
        index_rename(&table->by_name, table->entries[last].hash, last, id);
        memcpy(table_item(table, id), table_item(table, last), table->item_size);
        table->entries[id] = table->entries[last];
    }
    table->len--;
    shrink(table);
}

void table_close(struct table *table)
{
    free(table->items);
    free(table->entries);
    index_release(&table->by_name);
    *table = (struct table){.item_size = table->item_size};
}

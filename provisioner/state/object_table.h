/* object_table.h - the objects of one kind as an array without gaps, found by namespace and name. */
#ifndef STOKER_PROVISIONER_STATE_OBJECT_TABLE_H
#define STOKER_PROVISIONER_STATE_OBJECT_TABLE_H

#include <assert.h>

#include "base/str.h"
#include "provisioner/state/index.h"
#include "provisioner/state/owned.h"

/* What is kept beside an object. Its texts are in `owned`. */
struct entry {
    struct owned *owned; /* all that the object points to */
    struct str namespace_, name, uid;
    uint64_t hash;    /* of namespace and name */
    uint64_t link;    /* hash of what it is linked by: a pod's node name, a node's provider id; 0: by nothing */
    uint64_t version; /* resourceVersion; 0: it has none */
    uint32_t list;    /* number of the list that it was last heard of in */
    bool assumed;     /* a pod's node is known from our own binding */
};

struct table {
    size_t item_size;
    unsigned char *items;  /* [len], contiguous, so that a view copies them at once */
    struct entry *entries; /* [len] */
    size_t len, cap;
    struct index by_name;
};

uint64_t table_hash(struct str namespace_, struct str name);

/* INDEX_NONE if there is none. */
uint32_t table_find(const struct table *table, struct str namespace_, struct str name);

static inline void *table_item(const struct table *table, uint32_t id)
{
    return table->items + (size_t)id * table->item_size;
}

/* What stands beside the item of that id, which must be there. */
static inline struct entry *table_entry(const struct table *table, uint32_t id)
{
    assert(table->entries && id < table->len);
    return &table->entries[id];
}

/* Appends: false if memory ran out, and nothing has changed. */
bool table_add(struct table *table, const void *item, const struct entry *entry);

/* Another item and entry, of the same name, in the place of `id`. */
void table_set(struct table *table, uint32_t id, const void *item, const struct entry *entry);

/*
 * Removes `id`; the last item takes its place (its old id was table->len, as it is then). What the item had is for the
 * caller to drop before.
 */
void table_remove(struct table *table, uint32_t id);

/* The table alone: entries' memory is for the caller to drop before. */
void table_close(struct table *table);

#endif

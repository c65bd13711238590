/* index.h - from a hash to dense ids: what a table keeps beside its items; the caller compares what it finds. */
#ifndef STOKER_PROVISIONER_STATE_INDEX_H
#define STOKER_PROVISIONER_STATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
    uint32_t hash;
    uint32_t id1; /* id + 1, 0: free */
};

/* A zeroed struct is an empty index. Open addressing, at most half full. */
struct index {
    struct index_slot *slots;
    size_t n_slots, len;
};

#define INDEX_NONE UINT32_MAX

/* Room for one more; false if memory ran out. */
bool index_reserve(struct index *index);
/* There must be room. */
void index_add(struct index *index, uint64_t hash, uint32_t id);
/* It must be there. */
void index_remove(struct index *index, uint64_t hash, uint32_t id);
void index_rename(struct index *index, uint64_t hash, uint32_t from, uint32_t to);

/* The ids under a hash, one a call, then INDEX_NONE; *probe is 0 at first. There may be some of other hashes. */
uint32_t index_next(const struct index *index, uint64_t hash, size_t *probe);

void index_release(struct index *index);

#endif

/* share.h - spec.spot.maxPoolShare: how many executors of one application a pool (type, zone, capacity type) may hold.
 */
#ifndef STOKER_PROVISIONER_PLAN_SHARE_H
#define STOKER_PROVISIONER_PLAN_SHARE_H

#include "provisioner/plan/assign.h"

/* Executors of one application that would go to a pool together. */
struct share_load {
    uint32_t app;
    int32_t n;
};

struct share_loads {
    struct share_load *items;
    size_t n;
};

struct share_entry;

/*
 * Counts, for each application and pool, the executors that could end up there: those of every node that has the pool
 * as its choice or among its alternatives. As long as each count is within the cap, so is whatever EC2 picks.
 */
struct share {
    const struct objects *objects;
    const struct supply *supply;
    const struct demand *demand;
    const int32_t *executors;    /* [demand->n_apps] that the plan schedules */
    struct share_entry *entries; /* [n_slots] hash table of (application, pool), in `arena` */
    size_t n_slots, n_used;
    struct arena *arena;
};

/* Does any Provisioner set a share below 1? */
bool share_wanted(const struct objects *objects);

/* Starts with empty pools; `pass` says which executors are scheduled. */
CC_MUST_CHECK int share_init(struct share *share, const struct objects *objects, const struct supply *supply,
                             const struct pass *pass, struct arena *arena, struct err *err);

/* max(1, floor(share x executors)) of the application in one pool of the Provisioner; INT32_MAX if it sets no share. */
int32_t share_cap(const struct share *share, uint32_t app, uint32_t provisioner);

/* The executors by application among `pods` [n]: added to `loads`, which has room for them. */
void share_count(const struct share *share, const uint32_t *pods, size_t n, struct share_loads *loads);

/* Would the pool still keep every application's cap with these executors? */
bool share_allows(const struct share *share, uint32_t offering, const struct share_loads *loads);

/* How many more of the application's executors the pool could take. */
int32_t share_left(const struct share *share, uint32_t offering, uint32_t app);

CC_MUST_CHECK int share_add(struct share *share, uint32_t offering, const struct share_loads *loads, struct err *err);

#endif

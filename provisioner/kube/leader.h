/* leader.h - one replica acts: election by a Lease, with a hand-over at stop. */
#ifndef STOKER_PROVISIONER_KUBE_LEADER_H
#define STOKER_PROVISIONER_KUBE_LEADER_H

#include "base/chance.h"
#include "base/loop.h"
#include "provisioner/kube/cluster.h"

enum leader_state { LEADER_FOLLOWER, LEADER_ACQUIRING, LEADER_LEADING, LEADER_RELEASING };

struct leader;

struct leader_options {
    struct loop *loop;
    const struct chance *chance;
    struct cluster cluster;
    struct str namespace_, name, identity;
    int64_t lease_ms, renew_ms, retry_ms; /* 15 s, 10 s, 2 s as in client-go */
    /* Told of each move; leading is over when it says so or leader_holds says no, whichever is first. */
    void (*changed)(void *context, enum leader_state state);
    void *context;
};

CC_MUST_CHECK int leader_open(const struct leader_options *options, struct leader **ret, struct err *err);
void leader_close(struct leader *leader);
CC_MUST_CHECK int leader_start(struct leader *leader, struct err *err);

/*
 * May this process act now? True only while the lease that the API server confirmed last cannot have run out by this
 * machine's monotonic clock, counted from before the confirmed request was sent: a process that stalls, or whose wall
 * clock jumps, stops by itself before another may start. Ask before every write.
 */
bool leader_holds(const struct leader *leader);

/* Gives the lease up so that another replica can take it at once; `changed` says LEADER_FOLLOWER when done. */
void leader_give_up(struct leader *leader);

#endif

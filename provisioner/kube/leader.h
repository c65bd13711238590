/* leader.h - one replica acts: election by a Lease, with a hand-over at stop. */
#ifndef STOKER_PROVISIONER_KUBE_LEADER_H
#define STOKER_PROVISIONER_KUBE_LEADER_H

#include "base/chance.h"
#include "base/loop.h"
#include "provisioner/kube/cluster.h"

/*
 * follower → acquiring → leading → releasing → follower: somebody else holds the lease, or nobody; our taking of it is
 * under way; it is ours; our giving it back is under way.
 */
enum leader_state { LEADER_FOLLOWER, LEADER_ACQUIRING, LEADER_LEADING, LEADER_RELEASING };

struct leader;

struct leader_options {
    struct loop *loop;
    const struct chance *chance;
    struct cluster cluster;
    struct str namespace_, name, identity;
    /*
     * Others wait for lease_ms after the last renewal they saw; we act for renew_ms after the last that was confirmed,
     * and renew every retry_ms, or look so often whether the lease is free: 15 s, 10 s, 2 s as in client-go. What is
     * between the first two is for clocks that run at different speeds and for writes that are under way.
     */
    int64_t lease_ms, renew_ms, retry_ms;
    /* Told of each move; leading is over when it says so or leader_holds says no, whichever is first. */
    void (*changed)(void *context, enum leader_state state);
    /* NULL, or told why the lease could not be read or written, the same once a minute; it goes on trying. */
    void (*failed)(void *context, const struct err *err);
    void *context;
};

/* `identity` is of this process alone, a pod's name and a UUID. ERR_INVALID: the three times do not fit; ERR_NOMEM. */
CC_MUST_CHECK int leader_open(const struct leader_options *options, struct leader **ret, struct err *err);
/* Not from within a callback, and only when no answer can come any more: after the cluster is closed. */
void leader_close(struct leader *leader);
/* Begins to look for the lease, from the loop's next turn. ERR_NOMEM. */
CC_MUST_CHECK int leader_start(struct leader *leader, struct err *err);

/*
 * May this process act now? True only while the lease that the API server confirmed last cannot have run out by this
 * machine's monotonic clock, counted from before the confirmed request was sent: a process that stalls, or whose wall
 * clock jumps, stops by itself before another may start. Ask before every write.
 */
bool leader_holds(const struct leader *leader);

/* Who has the lease, as far as is known: borrowed until the next turn; "": nobody. */
const char *leader_holder(const struct leader *leader);

/*
 * Gives the lease up so that another replica can take it at once; for good. leader_holds says no from here on: call it
 * when nothing of ours is under way. `changed` says LEADER_FOLLOWER when done, also where we did not lead; at the
 * latest when the lease would have ended. It was given up if leader_holder then says "".
 */
void leader_give_up(struct leader *leader);

#endif

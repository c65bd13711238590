/* rival.h - is another autoscaler alive, by its own Lease? Two that buy nodes for the same pods buy them twice. */
#ifndef STOKER_PROVISIONER_KUBE_RIVAL_H
#define STOKER_PROVISIONER_KUBE_RIVAL_H

#include "base/loop.h"
#include "provisioner/kube/cluster.h"

enum { RIVAL_MAX_PLACES = 4, RIVAL_POLL_MS = 10000, RIVAL_LEASE_MS = 15000 };

/* What is known of it. Unknown counts as alive: one acts only when sure. */
enum rival_state { RIVAL_UNKNOWN, RIVAL_ALIVE, RIVAL_GONE };

struct rival_options {
    struct loop *loop;
    struct cluster cluster;
    const struct str *namespaces; /* [n_namespaces] where its Lease may be, at most RIVAL_MAX_PLACES */
    size_t n_namespaces;
    struct str lease;
    /*
     * Told of each change, and once, with RIVAL_UNKNOWN, that a Lease cannot be read. `where` says which Lease is
     * renewed and by whom, that none is, or why nothing can be told.
     */
    void (*changed)(void *context, enum rival_state state, const char *where);
    void *context;
};

struct rival;

/*
 * Looks at the Leases every RIVAL_POLL_MS, from rival_start on. A Lease is alive while it has a holder and its record
 * has changed within its own leaseDurationSeconds, by this machine's monotonic clock: wall clocks are not compared.
 */
CC_MUST_CHECK int rival_open(const struct rival_options *options, struct rival **ret, struct err *err);
CC_MUST_CHECK int rival_start(struct rival *rival, struct err *err); /* from the loop's next turn. ERR_NOMEM. */
/* No answer may come any more when this is called: close the cluster first. */
void rival_close(struct rival *rival);

enum rival_state rival_state(const struct rival *rival);

#endif

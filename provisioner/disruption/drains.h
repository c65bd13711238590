/* drains.h - a claim on its way out, and its pods; private to disruption/. */
#ifndef STOKER_PROVISIONER_DISRUPTION_DRAINS_H
#define STOKER_PROVISIONER_DISRUPTION_DRAINS_H

#include "provisioner/lifecycle/controllers.h"

/* A claim on its way out. */
struct leaving {
    uint64_t claim, instance;  /* hashes of uid and instance id */
    struct clock_mono since;   /* when this process saw it drain first */
    struct clock_mono unready; /* since when it sees the node not Ready; 0: it is */
    struct clock_wall since_wall;
    struct clock_mono told;  /* when it said last what is waited for; 0: never */
    bool asked, terminated;  /* the cloud was asked, and has said yes */
    uint32_t failures;       /* of asking */
    struct clock_mono retry; /* not asked before */
    uint64_t pass;           /* when it was seen last */
};

/* One claim, its node and the pods that must leave it. */
struct exit {
    const struct node_claim *claim;
    struct leaving *leaving;
    const struct node *node; /* NULL: gone, or never joined */
    const uint32_t *pods;    /* [n_pods] view pods that are not the node's own and have not ended */
    size_t n_pods;
    bool voluntary;
    int64_t left_s; /* to the deadline, may be negative; INT64_MAX: there is none */
};

/* The claim's drain_reason as a literal, which outlives the pass. */
const char *exit_reason(const struct node_claim *claim);

/* Fills in `pods`, from the view, in the pass' arena. */
CC_MUST_CHECK int exit_list_pods(const struct pass *pass, struct exit *exit, struct err *err);

/* Sends away who may leave now: evicted, near the deadline deleted. */
CC_MUST_CHECK int exit_send_pods(struct pass *pass, const struct exit *exit, struct err *err);
/*
 * Deletes them all, without grace: nobody is left on the machine who could say that they ended, and the garbage
 * collector would take a minute to notice.
 */
CC_MUST_CHECK int exit_forget_pods(struct pass *pass, const struct exit *exit, struct err *err);

/*
 * Pods that will not end are not waited for: past the deadline, long after their grace, or on a dead machine; there, of
 * our own will, only if they were told to go.
 */
bool exit_waits_for_pods(struct pass *pass, const struct exit *exit);
/* *ret: some pod has no place to go to; not for ever. */
CC_MUST_CHECK int exit_wait_for_replacement(struct pass *pass, const struct exit *exit, bool *ret, struct err *err);
/* Comes back when time alone changes what is to be done. */
void exit_wake_in_time(struct pass *pass, const struct exit *exit);

/* What a drain that takes long waits for is said behind the reason that there is one: "<before>[pod][: <why>]". */
CC_MUST_CHECK int exit_tell(struct pass *pass, const struct exit *exit, const char *before, const struct pod *pod,
                            const char *why, struct err *err);
/* Of pods that nobody may send away, and of the first else; there is one. Not near the deadline. */
CC_MUST_CHECK int exit_tell_of_pods(struct pass *pass, const struct exit *exit, struct err *err);

#endif

/* launches.h - what launch.c and launch_settle.c share: a launch under way, and the claims it is for. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_LAUNCHES_H
#define STOKER_PROVISIONER_LIFECYCLE_LAUNCHES_H

#include "provisioner/lifecycle/controllers.h"

enum launch_state {
    LAUNCH_IDLE,    /* to be called, or called again after `until` */
    LAUNCH_CALLED,  /* the cloud was asked */
    LAUNCH_LISTED,  /* the cloud was asked what this launch has given */
    LAUNCH_ANSWERED /* instances and failures are known and go to the claims */
};

struct launch {
    struct launch *next;
    struct str id;
    struct arena arena; /* of all that is kept here */
    enum launch_state state;
    bool wanted; /* a claim of it waits; found anew in each pass */
    bool paid;   /* the bucket of launches was charged with it */
    bool called; /* by us and answered, if only by an error */
    /* NULL; or the cloud is not to be called (again), but asked what it gave: why, for the claims that got nothing. */
    const char *look;
    uint32_t failures;
    struct clock_mono made, grown; /* when the first and the last of its claims were written down, on our clock */
    size_t n_claims;
    struct clock_mono seen, until, last_call;
    struct cloud_instance *instances; /* [n_instances] in id order */
    struct str *owners;               /* [n_instances] the claim that each goes to; "" : not decided */
    size_t n_instances;
    struct cloud_failure *failures_told; /* [n_failures] */
    size_t n_failures;
    bool marked; /* the failures were acted on */
};

struct launch_call {
    struct control_call call;
    struct launch *launch;
};

struct launch_part {
    struct launch *launches;
    double tokens;
    struct clock_mono filled; /* when tokens was right */
    struct clock_mono passed; /* the last pass */
};

/* The claims of one launch, whatever their phase, by name. */
struct launch_group {
    const struct node_claim *const *claims; /* [n] */
    size_t n;
    struct clock_wall created, newest; /* when the first and the last of them were written down, as the server says */
};

/*
 * Writes a definite answer down: instances to claims, then offerings out of capacity are marked and the claims that got
 * nothing drained. Comes back in each pass until all of it is seen in the claims. ERR_NOMEM.
 */
CC_MUST_CHECK int launch_settle(struct pass *pass, struct launch *launch, const struct launch_group *group,
                                struct err *err);

#endif

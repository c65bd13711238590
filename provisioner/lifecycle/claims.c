/* claims.c - claims that do not get on, or that somebody wants gone, begin to drain. */
#include "provisioner/lifecycle/controllers.h"

static const struct clock_wall AT_ONCE = {0};

/* Drains it once it has been `timeout_ms` in its phase, or comes back then. */
static int drain_when_late(struct pass *pass, const struct node_claim *claim, struct clock_wall since,
                           int64_t timeout_ms, const char *reason, const char *message, struct err *err)
{
    struct clock_wall end = clock_wall_after(since, timeout_ms);
    if (pass->wall.ns >= end.ns)
        return claim_drain(pass, claim, reason, AT_ONCE, message, err);
    control_wake_at_wall(pass->control, end);
    return 0;
}

static bool node_is_going(const struct pass *pass, const struct node_claim *claim)
{
    const struct node *node = state_node(pass->state, claim->node_name);
    return !node || node->deleting;
}

static int look_after(struct pass *pass, const struct node_claim *claim, struct err *err)
{
    const struct control_settings *settings = control_settings(pass->control);
    /* Of a claim that is being launched only launch.c knows whether the cloud may have heard of it; it has a timeout,
     * too. One that was deleted meanwhile goes when it has its instance, or when it is known that there is none. */
    if (claim->phase >= CLAIM_DRAINING || claim->phase == CLAIM_LAUNCHING)
        return 0;
    if (claim->deleting)
        return claim_drain(pass, claim, "Deleted", AT_ONCE, "the claim was deleted", err);
    switch (claim->phase) {
    case CLAIM_PLANNED:
        return claim_drain(pass, claim, "NotLaunched", AT_ONCE, "it was written down without a launch", err);
    case CLAIM_LAUNCHED:
        return drain_when_late(pass, claim, claim->launched, settings->register_timeout_ms, "NotRegistered",
                               "its node did not join in time", err);
    case CLAIM_REGISTERED:
    case CLAIM_INITIALIZED:
        if (node_is_going(pass, claim))
            return claim_drain(pass, claim, "Deleted", AT_ONCE, "its node was deleted", err);
        return 0;
    case CLAIM_LAUNCHING:
    case CLAIM_DRAINING:
    case CLAIM_GONE: return 0;
    }
    return 0;
}

int claims_pass(struct pass *pass, struct err *err)
{
    for (uint32_t i = 0; i < pass->view.n_claims; i++) {
        int code = look_after(pass, pass->view.claims[i].claim, err);
        if (code < 0)
            return code;
    }
    return 0;
}

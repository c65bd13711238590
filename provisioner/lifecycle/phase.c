/* phase.c - which moves a claim may make (docs/designs/005-claims.md), and how it begins to drain. */
#include <assert.h>

#include "provisioner/lifecycle/controllers.h"

#define TO(phase) (1u << (phase))

static const unsigned ALLOWED[] = {
    [CLAIM_PLANNED] = TO(CLAIM_LAUNCHING) | TO(CLAIM_DRAINING),
    [CLAIM_LAUNCHING] = TO(CLAIM_LAUNCHED) | TO(CLAIM_DRAINING),
    [CLAIM_LAUNCHED] = TO(CLAIM_REGISTERED) | TO(CLAIM_DRAINING),
    [CLAIM_REGISTERED] = TO(CLAIM_INITIALIZED) | TO(CLAIM_DRAINING),
    [CLAIM_INITIALIZED] = TO(CLAIM_DRAINING),
    [CLAIM_DRAINING] = TO(CLAIM_GONE),
    [CLAIM_GONE] = 0,
};

bool claim_may_move(enum claim_phase from, enum claim_phase to)
{
    return (ALLOWED[from] & TO(to)) != 0;
}

void claim_move(struct control *control, struct node_claim *claim, enum claim_phase to)
{
    assert(claim_may_move(claim->phase, to));
    log_event(control_effects(control)->log, LOG_INFO, "claim-phase", LOG_S("claim", claim->name),
              LOG_C("from", claim_phase_name(claim->phase)), LOG_C("to", claim_phase_name(to)),
              LOG_S("instance", claim->instance_id), LOG_S("node", claim->node_name),
              LOG_S("reason", claim->drain_reason));
    claim->phase = to;
}

/* One that drains already is only told of a deadline that is new or nearer. */
static bool is_news(const struct node_claim *claim, struct clock_wall deadline)
{
    if (claim->phase == CLAIM_GONE)
        return false;
    if (claim->phase != CLAIM_DRAINING)
        return true;
    return deadline.ns && (!claim->drain_deadline.ns || deadline.ns < claim->drain_deadline.ns);
}

int claim_drain(struct pass *pass, const struct node_claim *claim, const char *reason, struct clock_wall deadline,
                const char *message, struct err *err)
{
    struct control *control = pass->control;
    if (!is_news(claim, deadline) || !control_may_act(control) ||
        control_busy(control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0;
    struct node_claim moved = *claim;
    moved.drain_reason = str_of(reason);
    moved.drain_deadline = deadline;
    moved.message = str_of(message);
    if (claim->phase != CLAIM_DRAINING)
        claim_move(control, &moved, CLAIM_DRAINING);
    int code = control_patch_status(control, &moved, "drain", err);
    if (code == 0)
        control_event(control, CLUSTER_NODE_CLAIM, STR(""), claim->name, claim->uid, EVENT_NORMAL, reason, "%s",
                      message);
    return code;
}

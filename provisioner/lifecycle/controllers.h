/* controllers.h - the parts of a pass and what they share; private to lifecycle/ and disruption/. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_CONTROLLERS_H
#define STOKER_PROVISIONER_LIFECYCLE_CONTROLLERS_H

#include "provisioner/lifecycle/control.h"

/*
 * A pass calls each of these in turn with the same view. Level-triggered: each computes what should be from what is,
 * and asks for the difference with control_write and its like; an answer changes the state, which wakes the next pass.
 * None of them waits. A negative return is memory that ran out: the pass is tried again.
 */
struct pass {
    struct control *control;
    struct state *state;
    struct view view;
    struct arena *arena; /* of this pass */
    struct clock_mono now;
    struct clock_wall wall;
};

typedef int pass_fn(struct pass *pass, struct err *err);

pass_fn claims_pass;    /* lifecycle/claims.c: phases from what is seen; timeouts; finalizers; virtual node labels */
pass_fn launch_pass;    /* lifecycle/launch.c: planned claims to launches, answers to claims */
pass_fn collect_pass;   /* lifecycle/collect.c: instances without a claim, claims and nodes without an instance */
pass_fn interrupt_pass; /* lifecycle/interrupt.c: notices to drains, acknowledged when acted on */
pass_fn place_pass;     /* lifecycle/place.c: close, check again, bind, open */
pass_fn disrupt_pass;   /* disruption/disrupt.c: empty and expired nodes */
pass_fn drain_pass;     /* disruption/drain.c: draining claims: evict, delete, terminate, let go */
pass_fn demand_pass;    /* lifecycle/demand.c: what waits, batch window, solve, plan to claims and slots, events */
pass_fn report_pass;    /* lifecycle/report.c: gauges, status of Provisioners */

const struct control_effects *control_effects(const struct control *control);
const struct control_settings *control_settings(const struct control *control);

/* Where each part keeps what outlives a pass, zeroed at the start. `release` frees what it owns, NULL if nothing. */
enum control_part {
    PART_CLAIMS,
    PART_LAUNCH,
    PART_COLLECT,
    PART_INTERRUPT,
    PART_PLACE,
    PART_DISRUPT,
    PART_DRAIN,
    PART_DEMAND,
    PART_REPORT,
    PART_COUNT
};
void *control_part(struct control *control, enum control_part part, size_t size, void (*release)(void *part));

/* Leadership: ask before every call that changes the cloud; control_write asks by itself. */
bool control_may_act(const struct control *control);
void control_count_plan(struct control *control);

/*
 * A call to the cloud, or work of the worker, that is under way: the first member of what its `done` is given, which
 * frees it after control_call_end. At control_close `release` is called for those that were not answered.
 */
struct control_call {
    struct control *control;
    struct control_call *next, *previous;
    void (*release)(struct control_call *call);
};
void control_call_begin(struct control *control, struct control_call *call, void (*release)(struct control_call *call));
struct control *control_call_end(struct control_call *call); /* wakes the next pass */

/*
 * Asks the cluster for a write, unless one to the same object is under way or backs off after an error: then, or where
 * we may not act, nothing is done (the next pass comes back to it). The answer's object goes to the state at once.
 * Errors are logged with `why`, a literal, and backed off (CONFLICT: read again, no wait). `done` may be NULL; it is
 * not called where nothing was done, nor after control_close. `name` is given for CREATE too: the lock is by it.
 */
typedef void (*control_done_fn)(struct control *control, void *context, const struct cluster_answer *answer);
CC_MUST_CHECK int control_write(struct control *control, const struct cluster_request *request, const char *why,
                                control_done_fn done, void *context, struct err *err);
/* A write to this object is under way or backs off. */
bool control_busy(const struct control *control, enum cluster_kind kind, struct str namespace_, struct str name);

/* A write of this verb to the object that failed is not waited for: another is more urgent. */
void control_end_back_off(struct control *control, enum cluster_verb verb, enum cluster_kind kind,
                          struct str namespace_, struct str name);

/* Merge patches of a claim: status from `claim` (all of it, with the lock), spec likewise. As control_write. */
CC_MUST_CHECK int control_patch_status(struct control *control, const struct node_claim *claim, const char *why,
                                       struct err *err);
CC_MUST_CHECK int control_patch_spec(struct control *control, const struct node_claim *claim, const char *why,
                                     struct err *err);

/* Another pass, at the latest then. */
void control_wake_at(struct control *control, struct clock_mono at);
void control_wake_at_wall(struct control *control, struct clock_wall at);

/*
 * What the cloud has said and nobody has dropped yet, oldest first; copies that live until control_notice_drop, which
 * moves those behind it. The same handle is kept once.
 */
struct control_notice {
    struct cloud_notice notice;
    struct clock_mono read; /* when it came */
    struct arena arena;     /* owns the texts */
};
const struct control_notice *control_notices(const struct control *control, size_t *ret_n);
void control_notice_drop(struct control *control, struct str handle);

/* A Kubernetes event: the same on the same object within 10 min is sent once. Failures are logged only. */
enum control_event_type { EVENT_NORMAL, EVENT_WARNING };
void control_event(struct control *control, enum cluster_kind kind, struct str namespace_, struct str name,
                   struct str uid, enum control_event_type type, const char *reason, const char *fmt, ...)
    CC_PRINTF(8, 9);

/* Offerings that are out of capacity for a while: (type, zone, capacity type). "" is any: both: the whole bucket. */
void control_mark_unavailable(struct control *control, struct str instance_type, struct str zone,
                              enum cloud_capacity_type capacity_type, struct str reason);
bool control_unavailable(const struct control *control, struct str instance_type, struct str zone,
                         enum cloud_capacity_type capacity_type);
/* Likewise all types that share a quota of the account with this one. */
void control_mark_quota(struct control *control, struct str instance_type, enum cloud_capacity_type capacity_type,
                        struct str reason);
/* The catalogue without them, its offerings in `arena`. */
CC_MUST_CHECK int control_catalogue(struct control *control, struct arena *arena, struct cloud_catalogue *ret,
                                    struct err *err);

/* The same, on a Provisioner. */
void provisioner_event(struct control *control, const struct provisioner *provisioner, enum control_event_type type,
                       const char *reason, const char *message);

/*
 * A Provisioner whose launches fail for what no other pool mends (permissions, a template) is left out of plans: 10 s,
 * doubled with each failure up to 5 min (30 s where `code` says that it passes by itself), until a launch of it
 * succeeds, or its document or a template changes. An event with `reason`, a literal, and the message says so.
 */
void provisioner_hold(struct control *control, const struct provisioner *provisioner, int code, const char *reason,
                      const char *fmt, ...) CC_PRINTF(5, 6);
void control_hold_end(struct control *control, struct str provisioner);
bool control_held(struct control *control, const struct provisioner *provisioner); /* wakes a pass when it ends */
/* Why its last launch failed, if no later one succeeded; borrowed until the next hold begins or ends. */
bool control_hold_reason(struct control *control, const struct provisioner *provisioner, const char **ret_reason,
                         const char **ret_message);
uint64_t control_holds(const struct control *control); /* another number after one began or ended */

/* Another number after offerings were marked, or marks have ended: another catalogue. Wakes a pass when they end. */
uint64_t control_marks(struct control *control);

bool claim_may_move(enum claim_phase from, enum claim_phase to);
/* Moves a claim's phase: asserts that the move is allowed (lifecycle/phase.c) and traces it. The caller patches. */
void claim_move(struct control *control, struct node_claim *claim, enum claim_phase to);

/* Begins to drain a claim: closed, phase Draining with reason and deadline (0: none). As control_write. */
CC_MUST_CHECK int claim_drain(struct pass *pass, const struct node_claim *claim, const char *reason,
                              struct clock_wall deadline, const char *message, struct err *err);

/* DeleteOptions for the object with this uid alone, under `key` or, NULL, by itself. grace_s -1: the object's own. */
struct json_out;
void write_delete_options(struct json_out *json, const char *key, struct str uid, int64_t grace_s);

/* Deletes the object with this uid, and no other of its name. As control_write. */
CC_MUST_CHECK int object_delete(struct pass *pass, enum cluster_kind kind, struct str name, struct str uid,
                                struct err *err);

/*
 * May this pod not be disturbed voluntarily, and why? NULL: it may. do-not-evict and its equals, a driver, a bare pod
 * that is no executor.
 */
const char *disruption_blocked(const struct view *view, uint32_t pod);
/* Does a PodDisruptionBudget allow nothing now? Why, as above. */
const char *disruption_forbidden(const struct view *view, uint32_t pod);
/* Has the last plan put this pod, which is to leave its node, on one that is open? (lifecycle/demand.c) */
bool demand_has_room(struct control *control, const struct pod *pod);

#endif

/*
 * demands.h - what the files that plan share: demand.c (when to plan), solve.c (the solve on the worker), carry_out.c
 * (the answer becomes slots, purchases and words), purchase.c (a group of new nodes becomes claims).
 */
#ifndef STOKER_PROVISIONER_LIFECYCLE_DEMANDS_H
#define STOKER_PROVISIONER_LIFECYCLE_DEMANDS_H

#include "base/vec.h"
#include "provisioner/lifecycle/controllers.h"
#include "provisioner/plan/planner.h"

struct demand_part;

/* A solve, and what it was about: view, arena and answer live until the answer is carried out. */
struct solve {
    struct control_call call; /* while the worker has it */
    struct demand_part *part;
    struct state *state;
    struct arena arena;
    struct view view;
    struct objects objects; /* the view's, without Provisioners that are held and nodes that were tried in vain */
    struct cloud_catalogue catalogue;
    struct planner_options options;
    struct planner_result result;
    struct str held; /* a Provisioner that was left out: what has no place may have one later; "": none was */
    int code;
    struct err err; /* where code < 0 */
};

enum purchase_state { PURCHASE_PREPARING, PURCHASE_CREATING, PURCHASE_OVER };

/* One claim of a purchase, while its CREATE is under way. */
struct purchase_claim {
    struct purchase *purchase;
    struct str name;
    int tries;
    bool made, under_way;
};

/* A group of equal new nodes on its way to claims. Lives in its solve's arena. */
struct purchase {
    struct solve *solve;
    enum purchase_state state;
    const struct answer_node *nodes; /* [n] */
    uint32_t n;
    char launch_id[CHANCE_UUID_BYTES];
    struct str request;            /* once it is prepared */
    struct purchase_claim *claims; /* [n] */
    bool failed;                   /* no more of it is written */
    bool stale;                    /* because pods went away: what is left is planned again at once */
    struct clock_mono since;
};

/* A pod that a plan put on an open node: kube-scheduler is to bind it. */
struct
try {
    uint64_t pod, node; /* hashes of uid and name */
    struct clock_mono since;
    bool in_vain;
};

struct demand_part {
    struct solve *running;      /* on the worker, or back from it and not looked at */
    struct solve *plan;         /* being carried out */
    struct purchase *purchases; /* [n_purchases] of `plan` */
    uint32_t n_purchases;
    bool answered;       /* `running` is back */
    bool window, urgent; /* new demand is being gathered; demand that waits for none */
    struct clock_mono urgent_since;
    struct clock_mono window_first, window_last; /* of the window */
    struct clock_mono again;                     /* plan again then whatever has changed; 0: no */
    struct clock_mono solved;                    /* the last solve's start */
    uint32_t fruitless;                          /* solves one after the other that placed nothing */
    uint64_t policy, world;                      /* what it looked at beside the pods */
    uint64_t *waited, *served,
        *asked; /* sorted pod keys: waiting and served in the last pass, asked of the last solve */
    size_t n_waited, n_served, n_asked;
    VEC(struct try) tries; /* by pod */
    uint64_t told;         /* what the gauges say of served and waiting pods */
    bool spoken;           /* they say what the last plan said */
};

uint64_t pod_key(const struct pod *pod);

/* Begins a solve of everything that waits; part->running is set where it could. */
CC_MUST_CHECK int solve_start(struct pass *pass, struct demand_part *part, struct err *err);
void solve_free(struct solve *solve);
/* Has the cloud look up what the next solve will want to know, while the batch window is open. */
void solve_prepare(struct pass *pass);

/* The first look at an answer: purchases, slots, tries, events, metrics. Takes part->running over as part->plan. */
CC_MUST_CHECK int carry_out(struct pass *pass, struct demand_part *part, struct err *err);

/* Is the pod (index into the solve's objects) still one that waits, as it did when the solve began? */
bool still_waits(const struct pass *pass, const struct solve *solve, uint32_t pod);
/* A slot for it, texts borrowed from the solve or in `arena`. ERR_NOMEM. */
CC_MUST_CHECK int slot_for(const struct solve *solve, uint32_t pod, struct arena *arena, struct claim_slot *ret,
                           struct err *err);

/* An event for each of these pods (of the solve): the claim's node is to have them. Copies are left out. */
void tell_planned(struct control *control, const struct solve *solve, const uint32_t *pods, uint32_t n,
                  struct str claim, enum cloud_capacity_type capacity_type);

/* Moves a purchase on; it is over when all claims are written down, or none more will be. */
CC_MUST_CHECK int purchase_start(struct pass *pass, struct purchase *purchase, struct err *err);
CC_MUST_CHECK int purchase_step(struct pass *pass, struct purchase *purchase, struct err *err);

#endif

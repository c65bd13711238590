/* zone_mode.h - spec.spark.zone: which zone each application is kept in. */
#ifndef STOKER_PROVISIONER_PLAN_ZONE_MODE_H
#define STOKER_PROVISIONER_PLAN_ZONE_MODE_H

#include "provisioner/plan/pass.h"

/* From the one that spreads applications most to the one that asks least. */
enum zone_attempt {
    ZONE_BALANCED, /* every application in a zone, over all zones that are about as cheap */
    ZONE_TOGETHER, /* every application in a zone, in as few zones as that allows */
    ZONE_HALF,     /* the dearer half of those that only prefer a zone go free */
    ZONE_SINGLE,   /* only those that must stay in a zone */
};

/* What is known of one application. */
struct zone_app {
    enum spark_zone_mode mode;
    double premium;        /* zonePremium of the Provisioner that sets the mode */
    double *cost_microusd; /* [n_zones] estimate of all its pods there; infinite if some pod may not go there */
    double free_microusd;  /* the same if each pod may choose */
    uint32_t *running;     /* [n_zones] its executors that are bound there */
    uint32_t zone;         /* by zone_mode_choose; SOLVER_NONE: any */
};

struct zone_mode {
    const struct pass_input *input;
    const struct demand *demand;
    size_t n_zones;
    double *worth; /* [n_zones + 1][problem's shapes] micro-dollars per pod, 0: not there; last: anywhere */
    const uint32_t *problem_shape; /* [demand->n_shapes] the problem's shape, SOLVER_NONE if it has none */
    const struct solver_problem *problem;
    uint64_t **zone_offerings; /* [n_zones + 1] bitsets; last: all */
    double anywhere_microusd;  /* all demand, free to choose */
    struct zone_app *apps;     /* [demand->n_apps] */
    size_t n_prefer, n_single;
    double premium;  /* the largest of those that prefer */
    double estimate; /* by zone_mode_choose: what the chosen zones cost, as a ratio to none chosen */
    uint64_t *skip;  /* [pods.len] pods of applications that must stay in one zone and cannot; NULL if there are none */
    const char **reasons; /* [pods.len] */
};

/*
 * Looks at the applications of a pass without rules. An application's mode is the strictest of the Provisioners
 * that would serve it first (by weight). A pod's estimate in a zone is what it is worth if everything were bought there
 * (solver_worth); free where only an existing node may take it.
 */
CC_MUST_CHECK int zone_mode_init(struct zone_mode *modes, const struct pass_input *input, const struct pass *plain,
                                 struct arena *arena, struct err *err);

/*
 * Chooses zones: an application with executors running stays with most of them; the others, dearest first, go to the
 * zone with the least assigned so far among those within the premium of their cheapest, or less of it where the
 * estimates of all together would not keep the premium. Fills zone_of_pod [pods.len].
 */
CC_MUST_CHECK int zone_mode_choose(struct zone_mode *modes, enum zone_attempt attempt, struct arena *arena,
                                   uint32_t *zone_of_pod, struct err *err);

#endif

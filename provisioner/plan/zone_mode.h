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
    struct zone_app *apps; /* [demand->n_apps] */
    size_t n_prefer, n_single;
    double premium; /* the largest of those that prefer */
    uint64_t *skip; /* [pods.len] pods of applications that must stay in one zone and cannot; NULL if there are none */
    const char **reasons; /* [pods.len] */
};

/*
 * Looks at the applications of a pass without rules. An application's mode is the strictest of the Provisioners
 * that would serve it first (by weight). A pod's estimate in a zone is the least, over what it may use there, of
 * price x its largest share of the node in any dimension; free where an existing node may take it.
 */
CC_MUST_CHECK int zone_mode_init(struct zone_mode *modes, const struct pass_input *input, const struct pass *plain,
                                 struct arena *arena, struct err *err);

/*
 * Chooses zones: an application with executors running stays with most of them; the others, dearest first, go to the
 * zone with the least assigned so far among those within the premium of their cheapest. Fills zone_of_pod [pods.len].
 */
CC_MUST_CHECK int zone_mode_choose(struct zone_mode *modes, enum zone_attempt attempt, struct arena *arena,
                                   uint32_t *zone_of_pod, struct err *err);

#endif

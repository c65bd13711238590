/* control.h - what every controller shares: the effects, writes that are never doubled, and when to pass again. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_CONTROL_H
#define STOKER_PROVISIONER_LIFECYCLE_CONTROL_H

#include "base/chance.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/worker.h"
#include "cloud/provider.h"
#include "provisioner/kube/cluster.h"
#include "provisioner/serve/metrics.h"
#include "provisioner/state/state.h"

struct control_settings {
    struct str cluster_name;
    int64_t batch_idle_ms, batch_max_ms;            /* 1 s, 10 s */
    int64_t solve_budget_ms;                        /* of one solve; 500 */
    int64_t launch_timeout_ms, register_timeout_ms; /* 5 min, 15 min */
    int64_t unavailable_ms;                         /* how long an offering without capacity is left out; 3 min */
    int64_t launches_per_minute;                    /* 500 nodes */
    int64_t collect_ms;                             /* between two looks at the cloud for what no claim owns; 2 min */
    int64_t consistency_ms;                         /* no younger instance is taken for a leak; 2 min */
    int64_t eviction_grace_ms;                      /* what a spot notice leaves to pods: 110 s */
    bool karpenter_manifests;
};

#define CONTROL_SETTINGS_INIT \
    ((struct control_settings){{"", 0}, 1000, 10000, 500, 300000, 900000, 180000, 500, 120000, 120000, 110000, false})

/*
 * What a controller may do to the world. Cluster, cloud and worker are closed (or cut off) before the control: what was
 * asked of them is not answered after control_close.
 */
struct control_effects {
    struct loop *loop;
    const struct chance *chance;
    const struct log *log;
    struct cluster cluster;
    struct cloud_provider cloud;
    struct worker worker;
    struct metrics *metrics;
    bool (*may_act)(void *context); /* leadership, asked before every write and every call that changes the cloud */
    void *may_act_context;
};

struct control;

/* Opens the controllers. The state's `changed` must call control_wake. */
CC_MUST_CHECK int control_open(const struct control_effects *effects, const struct control_settings *settings,
                               struct state *state, struct control **ret, struct err *err);
void control_close(struct control *control);

/* Something changed: a pass comes soon (passes are at least 50 ms apart). */
void control_wake(struct control *control, enum cluster_kind kind);

/* Where the cloud says what it has to say. */
struct cloud_sink control_cloud_sink(struct control *control);

/* Of the last pass: for tests and /readyz. */
struct control_status {
    uint64_t passes, plans;
    struct clock_mono last_pass;
    bool settled; /* nothing is under way: all that was asked of cluster and cloud is answered */
    bool idle;    /* the same, and no pass is due within a second */
};
struct control_status control_status(const struct control *control);

#endif

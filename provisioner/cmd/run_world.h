/* run_world.h - the real world of `stoker run` and `stoker doctor`: loop, network, log, cluster. */
#ifndef STOKER_PROVISIONER_CMD_RUN_WORLD_H
#define STOKER_PROVISIONER_CMD_RUN_WORLD_H

#include "base/command.h"
#include "base/http_curl.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "base/worker.h"
#include "provisioner/cmd/run_settings.h"
#include "provisioner/cmd/run_stop.h"
#include "provisioner/kube/kube.h"
#include "provisioner/kube/rival.h"
#include "provisioner/serve/metrics.h"

enum { RUN_VERSION_BYTES = 16 };

struct run_world {
    const struct run_settings *settings;
    struct log log;
    struct loop loop;
    struct http_curl *curl;
    struct signals *signals;
    struct worker_thread *worker;
    struct command_system *commands;
    struct metrics *metrics;
    struct arena arena; /* of what lives as long as the process */
    struct kube_access access;
    bool in_cluster;
    struct kube *kube;
    char kubernetes_version[RUN_VERSION_BYTES]; /* "1.34" */
    struct run_stop stop;
    bool asked_to_stop; /* by a signal */
    bool loop_open;
};

/*
 * Opens everything up to the cluster's client; nothing is asked of anybody yet. `ret` must stay where it is. What was
 * opened before an error is the caller's to close with run_world_close.
 */
CC_MUST_CHECK int run_world_open(struct run_world *ret, const struct run_settings *settings, struct err *err);
void run_world_close(struct run_world *world);

/*
 * Asks the API server for its version, until it answers or a signal comes; no answer within `patience_ms` (0: for ever)
 * is the last attempt's error.
 */
CC_MUST_CHECK int run_world_version(struct run_world *world, int64_t patience_ms, struct err *err);

/* Begins to look whether Karpenter is alive, by its Lease in kube-system or karpenter. Close the cluster before *ret.
 */
CC_MUST_CHECK int run_world_rival(struct run_world *world,
                                  void (*changed)(void *context, enum rival_state state, const char *where),
                                  void *context, struct rival **ret, struct err *err);

#endif

/* run.c - `stoker run`: waits to lead, then acts until it is told to stop or may not lead any more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provisioner/cmd/cmd.h"
#include "provisioner/cmd/flags.h"
#include "provisioner/cmd/input.h"
#include "provisioner/cmd/run_cloud.h"
#include "provisioner/kube/leader.h"
#include "provisioner/lifecycle/control.h"
#include "provisioner/serve/serve.h"

enum {
    IDENTITY_SUFFIX = 6,
    HOST_MAX_BYTES = 64,
    SETTLE_MS = 15000,   /* for what is under way to be answered before the lease is given up */
    HAND_OVER_MS = 5000, /* to give the lease up */
    LEASE_MS = 15000,
    RENEW_MS = 10000,
    RETRY_MS = 2000
};

static const char summary[] = "Runs the controller: launches nodes for pods that wait, places them, and gives nodes "
                              "back.";
static const char notes[] =
    "Exit status: 0 stopped by a signal; 1 the lease was lost, or an internal error; 2 wrong settings.\n"
    "Example: stoker run --cluster-name my-cluster --interruption-queue my-cluster --kubeconfig ~/.kube/config";

struct run {
    struct run_settings settings;
    struct run_world world;
    struct run_cloud cloud;
    struct state *state;
    struct control *control; /* NULL until this replica leads */
    struct leader *leader;
    struct rival *rival;
    struct serve *serve;
    bool led, lost;
    bool stopping; /* nothing new is begun */
    char ready_words[128];
};

static bool may_act(void *context)
{
    const struct run *run = context;
    if (run->stopping)
        return false;
    return run->settings.no_leader_election || (run->leader && leader_holds(run->leader));
}

static const char *not_ready(void *context)
{
    struct run *run = context;
    enum cluster_kind missing;
    if (!run->state)
        return "the API server has not answered yet\n";
    if (state_synced(run->state, &missing))
        return NULL;
    snprintf(run->ready_words, sizeof(run->ready_words), "%s objects are not listed yet; is the CRD there?\n",
             cluster_kind_name(missing));
    return run->ready_words;
}

static void on_state_changed(void *context, enum cluster_kind kind)
{
    const struct run *run = context;
    if (run->control)
        control_wake(run->control, kind);
}

static void on_state_failed(void *context, enum cluster_kind kind, struct str name, const struct err *err)
{
    const struct run *run = context;
    bool lost = err->code == ERR_NOMEM;
    log_event(&run->world.log, LOG_WARN, lost ? "object-lost" : "object-unreadable",
              LOG_C("kind", cluster_kind_name(kind)), LOG_S("name", name), LOG_ERR(err));
    const struct cluster cluster = kube_cluster(run->world.kube);
    if (lost)
        cluster.relist(cluster.context, kind);
}

static void on_watch_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    const struct run *run = context;
    log_event(&run->world.log, LOG_WARN, "watch-failed", LOG_C("kind", cluster_kind_name(kind)), LOG_ERR(err));
}

static void on_listed(void *context, enum cluster_kind kind)
{
    const struct run *run = context;
    log_event(&run->world.log, LOG_DEBUG, "listed", LOG_C("kind", cluster_kind_name(kind)));
}

static int open_state(struct run *run, struct err *err)
{
    const struct state_options options = {.clock = &clock_system,
                                          .karpenter_manifests = run->settings.control.karpenter_manifests,
                                          .changed = on_state_changed,
                                          .failed = on_state_failed,
                                          .listed = on_listed,
                                          .watch_failed = on_watch_failed,
                                          .context = run};
    return state_open(&options, &run->state, err);
}

static int open_control(struct run *run, struct err *err)
{
    const struct control_effects effects = {.loop = &run->world.loop,
                                            .chance = &chance_system,
                                            .log = &run->world.log,
                                            .cluster = kube_cluster(run->world.kube),
                                            .cloud = aws_provider_provider(run->cloud.provider),
                                            .worker = worker_thread_worker(run->world.worker),
                                            .metrics = run->world.metrics,
                                            .may_act = may_act,
                                            .may_act_context = run};
    return control_open(&effects, &run->settings.control, run->state, &run->control, err);
}

/* The controllers and the queue belong to the one that leads. */
static void lead(struct run *run)
{
    struct err err = {0};
    run->led = true;
    metrics_set(run->world.metrics, METRIC_LEADER, NULL, 1);
    log_event(&run->world.log, LOG_INFO, "leading", LOG_C("cluster", run->settings.cluster_name));
    if (open_control(run, &err) < 0) {
        log_event(&run->world.log, LOG_ERROR, "control-failed", LOG_ERR(&err));
        run->lost = true;
        loop_stop(&run->world.loop);
        return;
    }
    const struct cloud_provider cloud = aws_provider_provider(run->cloud.provider);
    const struct cloud_sink sink = control_cloud_sink(run->control);
    cloud.start(cloud.context, &sink);
    control_wake(run->control, CLUSTER_PROVISIONER);
}

/*
 * A replica that has led and leads no more ends: whatever it was about to do is of yesterday, and a new process starts
 * from what is.
 */
static void on_leader(void *context, enum leader_state state)
{
    struct run *run = context;
    if (state == LEADER_LEADING && !run->led) {
        lead(run);
    } else if (state == LEADER_FOLLOWER && run->led) { /* while it is releasing, the lease is still to be written */
        metrics_set(run->world.metrics, METRIC_LEADER, NULL, 0);
        if (!run->world.asked_to_stop) {
            log_event(&run->world.log, LOG_ERROR, "lease-lost", LOG_C("lease", run->settings.lease),
                      LOG_C("holder", leader_holder(run->leader)));
            run->lost = true;
        }
        loop_stop(&run->world.loop);
    }
}

/* Where it is the reason to wait, or to stop leading. */
static void on_lease_failed(void *context, const struct err *err)
{
    const struct run *run = context;
    log_event(&run->world.log, LOG_WARN, "lease-failed", LOG_C("lease", run->settings.lease), LOG_ERR(err));
}

static void on_rival(void *context, enum rival_state state, const char *where)
{
    struct run *run = context;
    bool gone = state == RIVAL_GONE;
    log_event(&run->world.log, gone ? LOG_INFO : LOG_WARN,
              gone                   ? "karpenter-gone"
              : state == RIVAL_ALIVE ? "karpenter-alive"
                                     : "karpenter-unknown",
              LOG_C("why", where), LOG_B("acting_on_its_documents", gone));
    kube_want_karpenter(run->world.kube, gone);
}

static int open_leader(struct run *run, struct err *err)
{
    char host[HOST_MAX_BYTES] = "stoker", suffix[IDENTITY_SUFFIX + 1];
    const char *identity = run->settings.identity;
    if (!identity) {
        if (gethostname(host, sizeof(host) - 1))
            host[0] = '\0';
        chance_suffix(&chance_system, IDENTITY_SUFFIX, suffix);
        identity = arena_printf(&run->world.arena, "%s_%s", host, suffix);
        if (!identity)
            return err_nomem(err);
    }
    struct str namespace_ = run->settings.namespace_ ? str_of(run->settings.namespace_) : run->world.access.namespace_;
    const struct leader_options options = {.loop = &run->world.loop,
                                           .chance = &chance_system,
                                           .cluster = kube_cluster(run->world.kube),
                                           .namespace_ = namespace_,
                                           .name = str_of(run->settings.lease),
                                           .identity = str_of(identity),
                                           .lease_ms = LEASE_MS,
                                           .renew_ms = RENEW_MS,
                                           .retry_ms = RETRY_MS,
                                           .changed = on_leader,
                                           .failed = on_lease_failed,
                                           .context = run};
    int code = leader_open(&options, &run->leader, err);
    if (!code)
        log_event(&run->world.log, LOG_INFO, "waiting-to-lead", LOG_C("lease", run->settings.lease),
                  LOG_S("namespace", namespace_), LOG_C("identity", identity));
    return code ? code : leader_start(run->leader, err);
}

static int open_all(struct run *run, struct err *err)
{
    int code = run_world_open(&run->world, &run->settings, err);
    if (code)
        return code;
    const struct serve_options serve = {.listen = run->settings.listen,
                                        .loop = &run->world.loop,
                                        .curl = run->world.curl,
                                        .metrics = run->world.metrics,
                                        .not_ready = not_ready,
                                        .context = run};
    code = serve_open(&serve, &run->serve, err);
    if (code)
        return err_wrap(err, "--listen");
    log_event(&run->world.log, LOG_INFO, "started", LOG_C("server", run->world.access.server),
              LOG_I("port", serve_port(run->serve)));
    code = run_world_version(&run->world, 0, err);
    if (!code && !run->world.asked_to_stop)
        code = run_cloud_open(&run->cloud, &run->world, err);
    if (!code && !run->world.asked_to_stop)
        code = open_state(run, err);
    return code;
}

static int start(struct run *run, struct err *err)
{
    const struct cluster cluster = kube_cluster(run->world.kube);
    const struct cluster_sink sink = state_sink(run->state);
    cluster.start(cluster.context, &sink);
    int code =
        run->settings.control.karpenter_manifests ? run_world_rival(&run->world, on_rival, run, &run->rival, err) : 0;
    if (!code && !run->settings.no_leader_election)
        return open_leader(run, err);
    if (!code)
        lead(run);
    return code;
}

static bool is_settled(void *context)
{
    const struct run *run = context;
    return !run->control || control_status(run->control).settled;
}

static bool is_handed_over(void *context)
{
    const struct run *run = context;
    return run->world.loop.stopping; /* by on_leader */
}

static bool turn_until(struct run *run, bool (*over)(void *context), int64_t most_ms)
{
    struct err err = {0};
    return loop_turn_until(&run->world.loop, over, run, most_ms, &err) == 0 && over(run);
}

/* Settled, and the lease is nobody's. */
static bool give_up(struct run *run)
{
    run->stopping = true;
    if (!turn_until(run, is_settled, SETTLE_MS))
        return false;
    run->world.loop.stopping = false;
    leader_give_up(run->leader);
    return turn_until(run, is_handed_over, HAND_OVER_MS) && !*leader_holder(run->leader);
}

/*
 * Another replica need not wait for the lease to run out. First nothing new is begun and what is under way is answered,
 * so that the next leader does not act beside our last calls: where answers stay away the lease is not given up.
 */
static void hand_over(struct run *run)
{
    if (!run->leader || !leader_holds(run->leader))
        return;
    if (give_up(run))
        log_event(&run->world.log, LOG_INFO, "handed-over", LOG_C("lease", run->settings.lease));
    else
        log_event(&run->world.log, LOG_WARN, "not-handed-over", LOG_C("lease", run->settings.lease),
                  LOG_B("settled", is_settled(run)));
}

/* First what answers, then those who have asked. */
static void close_all(struct run *run)
{
    run_cloud_close(&run->cloud);
    if (run->world.kube)
        kube_close(run->world.kube);
    run->world.kube = NULL;
    if (run->world.worker)
        worker_thread_close(run->world.worker);
    run->world.worker = NULL;
    rival_close(run->rival);
    if (run->leader)
        leader_close(run->leader);
    if (run->control)
        control_close(run->control);
    if (run->state)
        state_close(run->state);
    serve_close(run->serve);
    run_world_close(&run->world);
    run_settings_release(&run->settings);
}

int cmd_run(int argc, char **argv)
{
    struct run run = {0};
    struct err err = {0};
    int code = run_settings_parse("run", summary, notes, argc, argv, &run.settings, &err);
    if (code == FLAGS_HELP_ASKED) {
        run_settings_release(&run.settings);
        return CMD_OK;
    }
    if (!code)
        code = open_all(&run, &err);
    if (!code && !run.world.asked_to_stop)
        code = start(&run, &err);
    if (!code && !run.world.asked_to_stop)
        code = loop_run(&run.world.loop, &err);
    if (!code)
        hand_over(&run);
    int status = code ? input_fail(&err) : run.lost ? CMD_INTERNAL : CMD_OK;
    close_all(&run);
    return status;
}

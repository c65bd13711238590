/* doctor.c - `stoker doctor`: looks at all that `stoker run` needs, changes nothing, and says what is missing. */
#include <stdio.h>

#include "provisioner/cmd/cmd.h"
#include "provisioner/cmd/flags.h"
#include "provisioner/cmd/input.h"
#include "provisioner/cmd/run_cloud.h"
#include "provisioner/state/state.h"

enum { PATIENCE_MS = 15000, CHECK_PATIENCE_MS = 120000, RIVAL_PATIENCE_MS = RIVAL_LEASE_MS + 2 * RIVAL_POLL_MS };

static const char summary[] =
    "Looks at all that `stoker run` needs and says what is missing: API server, CRDs, rights, "
    "queue, permissions, subnets, images. Changes nothing.";
static const char notes[] = "Exit status: 0 nothing is missing; 1 something is, or it was stopped; 2 wrong settings.";

struct doctor {
    struct run_settings settings;
    struct run_world world;
    struct run_cloud cloud;
    struct state *state;
    struct rival *rival;
    bool rival_judged;
    struct err kind_errors[CLUSTER_WATCHED]; /* code 0: none */
    size_t n_good, n_bad;
    size_t waiting; /* answers that are still to come */
};

/* One line a finding. */
static void say(struct doctor *doctor, bool good, const char *what, const char *message)
{
    printf("%-7s  %s%s%s\n", good ? "ok" : "MISSING", what, *message ? ": " : "", message);
    doctor->n_good += good;
    doctor->n_bad += !good;
}

static bool is_over(void *context)
{
    const struct doctor *doctor = context;
    return !doctor->waiting || doctor->world.asked_to_stop;
}

/* Turns the loop until nothing is waited for; true if that came to pass in time. */
static bool wait_for(struct doctor *doctor, int64_t patience_ms)
{
    struct err err = {0};
    return loop_turn_until(&doctor->world.loop, is_over, doctor, patience_ms, &err) == 0 && !doctor->waiting;
}

static void on_listed(void *context, enum cluster_kind kind)
{
    struct doctor *doctor = context;
    doctor->kind_errors[kind] = (struct err){0}; /* what failed before was tried again */
    doctor->waiting = !state_synced(doctor->state, NULL);
}

static void on_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    struct doctor *doctor = context;
    doctor->kind_errors[kind] = *err;
}

static void on_lost(void *context, enum cluster_kind kind, struct str name, const struct err *err)
{
    const struct doctor *doctor = context;
    const struct cluster cluster = kube_cluster(doctor->world.kube);
    (void)name;
    if (err->code == ERR_NOMEM)
        cluster.relist(cluster.context, kind);
}

static void on_finding(void *context, enum cluster_kind kind, struct str name, struct str uid, struct str findings)
{
    struct doctor *doctor = context;
    char what[160], words[ERR_MESSAGE_MAX];
    (void)uid;
    snprintf(what, sizeof(what), "%s %.*s", cluster_kind_name(kind), STR_ARG(name));
    snprintf(words, sizeof(words), "%.*s", STR_ARG(findings));
    say(doctor, findings.len == 0, what, words);
}

/* What could not be listed, and why. */
static void say_kinds(struct doctor *doctor)
{
    enum cluster_kind missing;
    size_t n_bad = doctor->n_bad;
    for (size_t i = 0; i < CLUSTER_WATCHED; i++)
        if (doctor->kind_errors[i].code)
            say(doctor, false, cluster_kind_name((enum cluster_kind)i), doctor->kind_errors[i].message);
    if (doctor->n_bad > n_bad)
        return;
    if (state_synced(doctor->state, &missing))
        say(doctor, true, "cluster", "everything that is watched could be listed");
    else
        say(doctor, false, cluster_kind_name(missing), "no list of them came in time");
}

/*
 * What the controller watches, it must be able to list: a CRD that is missing shows there, without a right to read
 * CRDs.
 */
static int check_objects(struct doctor *doctor, struct err *err)
{
    bool karpenter = doctor->settings.control.karpenter_manifests;
    const struct state_options options = {.clock = &clock_system,
                                          .failed = on_lost,
                                          .listed = on_listed,
                                          .watch_failed = on_failed,
                                          .context = doctor,
                                          .karpenter_manifests = karpenter};
    int code = state_open(&options, &doctor->state, err);
    if (code)
        return code;
    const struct cluster cluster = kube_cluster(doctor->world.kube);
    const struct cluster_sink sink = state_sink(doctor->state);
    kube_want_karpenter(doctor->world.kube, karpenter);
    doctor->waiting = 1;
    cluster.start(cluster.context, &sink);
    (void)wait_for(doctor, PATIENCE_MS);
    doctor->waiting = 0;
    if (doctor->world.asked_to_stop)
        return 0;
    say_kinds(doctor);
    state_each_finding(doctor->state, on_finding, doctor);
    return 0;
}

static void on_rival(void *context, enum rival_state state, const char *where)
{
    struct doctor *doctor = context;
    char words[ERR_MESSAGE_MAX];
    if (doctor->rival_judged) /* what changes later is not waited for */
        return;
    doctor->rival_judged = true;
    snprintf(words, sizeof(words), "%s%s", where, state == RIVAL_GONE ? "" : "; its documents are not acted on");
    say(doctor, state == RIVAL_GONE, "Karpenter", words);
    doctor->waiting = 0;
}

/* A Lease that is there must be watched for as long as it lasts: an old record looks like a new one. */
static int check_rival(struct doctor *doctor, struct err *err)
{
    doctor->waiting = 1;
    int code = run_world_rival(&doctor->world, on_rival, doctor, &doctor->rival, err);
    if (!code && !wait_for(doctor, RIVAL_PATIENCE_MS) && !doctor->world.asked_to_stop)
        on_rival(doctor, RIVAL_UNKNOWN, "its lease could not be read in time");
    return code;
}

static void on_check(void *context, const struct cloud_check *check)
{
    struct doctor *doctor = context;
    if (check)
        say(doctor, check->good, check->name, check->message);
    else
        doctor->waiting = 0;
}

/* The template that a Provisioner refers to; NULL: there is none of that name. */
static const struct node_template *referred(const struct objects *objects, const struct provisioner *provisioner)
{
    for (size_t i = 0; i < objects->templates.len; i++) {
        const struct node_template *template_ = &objects->templates.items[i];
        if (template_->karpenter == provisioner->karpenter && str_eq(template_->name, provisioner->template_name))
            return template_;
    }
    return NULL;
}

/* How its nodes are made: by a template that is there, or by its own spec.provider, which is returned. */
static const struct cloud_template *check_provisioner(struct doctor *doctor, const struct objects *objects,
                                                      const struct provisioner *provisioner)
{
    char what[160], words[160];
    snprintf(what, sizeof(what), "Provisioner %.*s", STR_ARG(provisioner->name));
    if (provisioner->inline_template)
        return &provisioner->inline_template->launch;
    if (!provisioner->template_name.len) {
        say(doctor, false, what, "spec.providerRef and spec.provider are missing: one of them says how nodes are made");
    } else if (!referred(objects, provisioner)) {
        snprintf(words, sizeof(words), "spec.providerRef.name: there is no %s %.*s",
                 provisioner->karpenter ? "AWSNodeTemplate" : "NodeTemplate", STR_ARG(provisioner->template_name));
        say(doctor, false, what, words);
    }
    return NULL;
}

/* All that nodes are made by, in `ret`, which has room for each template and Provisioner. */
static size_t check_provisioners(struct doctor *doctor, const struct objects *objects,
                                 const struct cloud_template **ret)
{
    size_t n = 0;
    for (size_t i = 0; i < objects->templates.len; i++)
        ret[n++] = &objects->templates.items[i].launch;
    if (!objects->provisioners.len)
        say(doctor, false, "Provisioner", "there is none: no node is made");
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        const struct cloud_template *own = check_provisioner(doctor, objects, &objects->provisioners.items[i]);
        if (own)
            ret[n++] = own;
    }
    if (!n)
        say(doctor, false, "NodeTemplate", "there is none: subnets, security groups and images cannot be looked for");
    return n;
}

static int check_cloud(struct doctor *doctor, struct err *err)
{
    struct view view;
    struct arena arena = ARENA_INIT;
    int code = state_view(doctor->state, &arena, &view, err);
    if (code)
        return code;
    const struct objects *objects = &view.objects;
    const struct cloud_template **templates =
        arena_array(&arena, const struct cloud_template *, objects->templates.len + objects->provisioners.len);
    code = templates ? 0 : err_nomem(err);
    size_t n = code ? 0 : check_provisioners(doctor, objects, templates);
    const struct cloud_provider cloud = aws_provider_provider(doctor->cloud.provider);
    if (!code)
        code = cloud.check(cloud.context, templates, n, on_check, doctor, err);
    doctor->waiting = !code;
    if (!code && !wait_for(doctor, CHECK_PATIENCE_MS) && !doctor->world.asked_to_stop)
        say(doctor, false, "cloud", "no answer in time");
    state_view_release(doctor->state, &view);
    arena_release(&arena);
    return code;
}

static int examine(struct doctor *doctor, struct err *err)
{
    int code = run_world_open(&doctor->world, &doctor->settings, err);
    if (code)
        return code;
    struct err away = {0};
    if (run_world_version(&doctor->world, PATIENCE_MS, &away) < 0) {
        say(doctor, false, "API server", away.message);
        return 0;
    }
    if (!doctor->world.asked_to_stop) {
        say(doctor, true, "API server", doctor->world.kubernetes_version);
        code = check_objects(doctor, err);
    }
    if (!code && !doctor->world.asked_to_stop && doctor->settings.control.karpenter_manifests)
        code = check_rival(doctor, err);
    if (!code && !doctor->world.asked_to_stop && run_cloud_open(&doctor->cloud, &doctor->world, &away) < 0)
        say(doctor, false, "cloud", away.message);
    return !code && doctor->cloud.provider ? check_cloud(doctor, err) : code;
}

static void close_all(struct doctor *doctor)
{
    run_cloud_close(&doctor->cloud);
    if (doctor->world.kube)
        kube_close(doctor->world.kube);
    doctor->world.kube = NULL;
    rival_close(doctor->rival);
    if (doctor->state)
        state_close(doctor->state);
    run_world_close(&doctor->world);
    run_settings_release(&doctor->settings);
}

int cmd_doctor(int argc, char **argv)
{
    struct doctor doctor = {0};
    struct err err = {0};
    int code = run_settings_parse("doctor", summary, notes, argc, argv, &doctor.settings, &err);
    if (code == FLAGS_HELP_ASKED) {
        run_settings_release(&doctor.settings);
        return CMD_OK;
    }
    if (doctor.settings.log_level != LOG_DEBUG) /* what it finds is on standard output */
        doctor.settings.log_level = LOG_ERROR;
    if (!code)
        code = examine(&doctor, &err);
    bool stopped = doctor.world.asked_to_stop;
    if (!code)
        printf("%zu good, %zu missing%s\n", doctor.n_good, doctor.n_bad, stopped ? "; stopped before the end" : "");
    int status = code ? input_fail(&err) : doctor.n_bad || stopped ? CMD_INTERNAL : CMD_OK;
    close_all(&doctor);
    return status;
}

#include "tests/support/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool may_act(void *context)
{
    const struct stage *stage = context;
    if (stage->on_act)
        stage->on_act();
    return stage->leads;
}

static void on_boots(void *context);

static void arm_boots(struct stage *stage)
{
    struct err err = {0};
    assert_int_equal(loop_timer_after(&stage->loop, &stage->boots, 500, &err), 0);
}

static void boot(struct stage *stage, const struct fake_machine *machine)
{
    const struct cloud_instance *instance = &machine->instance;
    int64_t age_ms = (loop_now(&stage->loop).ns - machine->made.ns) / 1000000;
    if (instance->state != CLOUD_RUNNING || stage->boot_ms < 0 || age_ms < stage->boot_ms)
        return;
    const char *name = instance->id.ptr;
    if (!fake_cluster_get(stage->cluster, CLUSTER_NODE, "", name)) {
        struct fake_node node = {.name = name,
                                 .provider_id = instance->provider_id.ptr,
                                 .instance_type = instance->instance_type.ptr,
                                 .zone = instance->zone.ptr,
                                 .placing = true};
        if (age_ms < stage->boot_ms + 60000) /* a node that was deleted does not join again */
            fake_cluster_join(stage->cluster, &node);
    } else if (age_ms >= stage->boot_ms + 1000 && age_ms < stage->boot_ms + 2000) {
        fake_cluster_ready(stage->cluster, name, true);
    }
}

static void on_boots(void *context)
{
    struct stage *stage = context;
    size_t n;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    for (size_t i = 0; i < n; i++)
        boot(stage, &machines[i]);
    arm_boots(stage);
}

void stage_open(struct stage *stage)
{
    struct err err = {0};
    *stage = (struct stage){.seed = 7, .leads = true, .boot_ms = -1, .settings = CONTROL_SETTINGS_INIT};
    stage->settings.cluster_name = STR("test");
    virtual_time_init(&stage->time);
    loop_init(&stage->loop, &stage->time.clock, virtual_time_waiter(&stage->time));
    assert_int_equal(planned_open(&stage->market, NULL), 0);
    stage->cluster = fake_cluster_open(&stage->loop);
    stage->cloud = fake_cloud_open(&stage->loop, &stage->market.catalogue);
    assert_int_equal(metrics_open(&stage->metrics, &err), 0);
    stage->chance = chance_seeded(&stage->seed);
    stage->boots = LOOP_TIMER(on_boots, stage);
    arm_boots(stage);
}

void stage_close(struct stage *stage)
{
    if (stage->control)
        stage_kill(stage);
    loop_timer_cancel(&stage->loop, &stage->boots);
    metrics_close(stage->metrics);
    fake_cloud_close(stage->cloud);
    fake_cluster_close(stage->cluster);
    planned_close(&stage->market);
    loop_release(&stage->loop);
}

int stage_set_up(void **state)
{
    struct stage *stage = malloc(sizeof(*stage));
    assert_non_null(stage);
    stage_open(stage);
    *state = stage;
    return 0;
}

int stage_set_up_unjoined(void **state)
{
    stage_set_up(state);
    struct stage *stage = *state;
    stage->settings.register_timeout_ms = 24 * 3600 * INT64_C(1000);
    return 0;
}

int stage_set_up_alive(void **state)
{
    stage_set_up(state);
    struct stage *stage = *state;
    stage->boot_ms = 10000;
    stage->cluster->start_ms = 300;
    return 0;
}

int stage_tear_down(void **state)
{
    stage_close(*state);
    free(*state);
    return 0;
}

static void on_changed(void *context, enum cluster_kind kind)
{
    struct stage *stage = context;
    if (stage->control)
        control_wake(stage->control, kind);
}

static void on_failed(void *context, enum cluster_kind kind, struct str name, const struct err *err)
{
    const struct stage *stage = context;
    if (!stage->bad_objects)
        fail_msg("%s %.*s: %s", cluster_kind_name(kind), STR_ARG(name), err->message);
}

void stage_start(struct stage *stage)
{
    struct err err = {0};
    stage->log = (struct log){.clock = &stage->time.clock, .file = stage->log_file};
    assert_int_equal(worker_inline_open(&stage->loop, &stage->worker, &err), 0);
    const struct state_options options = {
        .clock = &stage->time.clock, .changed = on_changed, .failed = on_failed, .context = stage};
    assert_int_equal(state_open(&options, &stage->state, &err), 0);
    struct control_effects effects = {.loop = &stage->loop,
                                      .chance = &stage->chance,
                                      .log = &stage->log,
                                      .cluster = fake_cluster_cluster(stage->cluster),
                                      .cloud = fake_cloud_provider(stage->cloud),
                                      .worker = worker_inline_worker(stage->worker),
                                      .metrics = stage->metrics,
                                      .may_act = may_act,
                                      .may_act_context = stage};
    assert_int_equal(control_open(&effects, &stage->settings, stage->state, &stage->control, &err), 0);
    const struct cluster_sink sink = state_sink(stage->state);
    effects.cluster.start(effects.cluster.context, &sink);
    const struct cloud_sink cloud_sink = control_cloud_sink(stage->control);
    effects.cloud.start(effects.cloud.context, &cloud_sink);
}

void stage_kill(struct stage *stage)
{
    fake_cluster_cut(stage->cluster);
    fake_cloud_cut(stage->cloud);
    worker_inline_close(stage->worker);
    control_close(stage->control);
    state_close(stage->state);
    stage->worker = NULL;
    stage->control = NULL;
    stage->state = NULL;
}

void stage_run(struct stage *stage, int64_t ms)
{
    virtual_time_run(&stage->loop, ms);
}

void stage_provisioner(struct stage *stage, const char *spec)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: default}, spec: "
                        "{subnetSelector: {team: data}, securityGroupSelector: {team: data}}}\n---\n"
                        "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: default}, spec: "
                        "{providerRef: {name: default}, requirements: [{key: karpenter.sh/capacity-type, operator: In, "
                        "values: [spot, on-demand]}, {key: karpenter.k8s.aws/instance-category, operator: In, values: "
                        "[c, m]}]%s%s}}",
                        *spec ? ", " : "", spec);
}

void stage_pods(struct stage *stage, const char *app, const char *role, int from, int n)
{
    const char *infix = strcmp(role, "executor") == 0 ? "exec" : role;
    for (int i = from; i < from + n; i++)
        fake_cluster_applyf(stage->cluster,
                            "{apiVersion: v1, kind: Pod, metadata: {name: %s-%s-%d, namespace: spark, uid: %s-%s-%d, "
                            "labels: {spark-role: %s, spark-app-selector: %s}}, spec: {containers: [{name: c, image: "
                            "i, resources: {requests: {cpu: 1900m, memory: 1Gi}}}]}, status: {phase: Pending}}",
                            app, infix, i, app, infix, i, role, app);
}

void stage_launch(struct stage *stage, const char *spec, int n)
{
    stage_provisioner(stage, spec);
    stage_pods(stage, "app", "executor", 0, n);
    stage_start(stage);
    stage_run(stage, 5000);
}

void stage_run_app(struct stage *stage, const char *spec, int n)
{
    stage_launch(stage, spec, n);
    stage_run(stage, 15000);
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "app-exec-%d", i);
        assert_text(stage_pod(stage, name, "status.phase"), "Running");
    }
    assert_int_equal(stage_claims(stage, "Initialized"), stage_claims(stage, NULL));
}

const struct fake_machine *stage_machine(struct stage *stage, size_t i)
{
    size_t n;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_true(i < n);
    return &machines[i];
}

bool stage_is_terminated(struct stage *stage, size_t i)
{
    return stage_machine(stage, i)->instance.state == CLOUD_TERMINATED;
}

void stage_join_unready(struct stage *stage, size_t i, const char *cpu, const char *memory, bool placing)
{
    const struct cloud_instance *instance = &stage_machine(stage, i)->instance;
    fake_cluster_join(stage->cluster, &(struct fake_node){.name = instance->id.ptr,
                                                          .provider_id = instance->provider_id.ptr,
                                                          .instance_type = instance->instance_type.ptr,
                                                          .zone = instance->zone.ptr,
                                                          .cpu = cpu,
                                                          .memory = memory,
                                                          .placing = placing});
}

void stage_join(struct stage *stage, size_t i, const char *cpu, const char *memory)
{
    stage_join_unready(stage, i, cpu, memory, true);
    fake_cluster_ready(stage->cluster, stage_machine(stage, i)->instance.id.ptr, true);
}

struct cloud_notice stage_notice(struct stage *stage, enum cloud_notice_kind kind, size_t i, const char *handle)
{
    return (struct cloud_notice){.kind = kind,
                                 .instance_id = stage_machine(stage, i)->instance.id,
                                 .sent = {stage->time.wall_ns},
                                 .handle = str_of(handle)};
}

struct str stage_pod(struct stage *stage, const char *name, const char *path)
{
    return fake_cluster_text(stage->cluster, CLUSTER_POD, "spark", name, path);
}

struct str stage_node(struct stage *stage, size_t i, const char *path)
{
    return fake_cluster_text(stage->cluster, CLUSTER_NODE, "", stage_machine(stage, i)->instance.id.ptr, path);
}

static void keep_name(void *context, const struct doc *claim)
{
    *(struct stage_text *)context = stage_cut(doc_at(claim, "metadata.name")->text);
}

struct stage_text stage_claim_name(struct stage *stage)
{
    struct stage_text name = {""};
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, keep_name, &name);
    return name;
}

struct str stage_claim(struct stage *stage, const char *path)
{
    return fake_cluster_text(stage->cluster, CLUSTER_NODE_CLAIM, "", stage_claim_name(stage).text, path);
}

struct stage_text stage_cut(struct str text)
{
    struct stage_text cut;
    snprintf(cut.text, sizeof(cut.text), "%.*s", STR_ARG(text));
    return cut;
}

void stage_metric(struct stage *stage, const char *line)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text;
    struct err err = {0};
    metrics_write(stage->metrics, &buf);
    assert_int_equal(buf_str(&buf, &text, &err), 0);
    if (!strstr(text.ptr, line))
        fail_msg("no metric %s", line);
    arena_release(&arena);
}

static void count_bound(void *context, const struct doc *pod)
{
    const struct doc *node = doc_at(pod, "spec.nodeName");
    *(size_t *)context += node && node->text.len > 0;
}

size_t stage_pods_bound(struct stage *stage)
{
    size_t n = 0;
    fake_cluster_each(stage->cluster, CLUSTER_POD, count_bound, &n);
    return n;
}

void stage_nothing_is_left(struct stage *stage)
{
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    assert_int_equal(fake_cluster_count(stage->cluster, CLUSTER_NODE), 0);
    assert_int_equal(fake_cluster_count(stage->cluster, CLUSTER_NODE_CLAIM), 0);
}

struct counting {
    const char *phase, *namespace_, *name;
    size_t n;
};

static struct str text_at(const struct doc *object, const char *path)
{
    const struct doc *doc = doc_at(object, path);
    return doc ? doc->text : STR("");
}

static void count_phase(void *context, const struct doc *object)
{
    struct counting *counting = context;
    struct str phase = text_at(object, "status.phase");
    counting->n +=
        !counting->phase || str_is(phase, counting->phase) || (!phase.len && strcmp(counting->phase, "Launching") == 0);
}

size_t stage_claims(struct stage *stage, const char *phase)
{
    struct counting counting = {.phase = phase};
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, count_phase, &counting);
    return counting.n;
}

static void count_slots(void *context, const struct doc *object)
{
    struct counting *counting = context;
    struct str phase = text_at(object, "status.phase");
    if (str_is(phase, "Draining") || str_is(phase, "Gone"))
        return;
    DOC_EACH (slot, doc_at(object, "spec.slots"))
        counting->n +=
            str_is(text_at(slot, "namespace"), counting->namespace_) && str_is(text_at(slot, "name"), counting->name);
}

size_t stage_slots(struct stage *stage, const char *pod)
{
    char namespace_[64];
    const char *slash = strchr(pod, '/');
    assert_non_null(slash);
    snprintf(namespace_, sizeof(namespace_), "%.*s", (int)(slash - pod), pod);
    struct counting counting = {.namespace_ = namespace_, .name = slash + 1};
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, count_slots, &counting);
    return counting.n;
}

struct owning {
    const struct fake_machine *machine;
    size_t n;
};

static void count_owner(void *context, const struct doc *object)
{
    struct owning *owning = context;
    owning->n += str_eq(text_at(object, "status.instanceID"), owning->machine->instance.id);
}

static void count_instances(void *context, const struct doc *object)
{
    *(size_t *)context += text_at(object, "status.instanceID").len > 0;
}

void stage_check_owners(struct stage *stage)
{
    size_t n, running = 0, instances = 0;
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    for (size_t i = 0; i < n; i++) {
        if (machines[i].instance.state != CLOUD_RUNNING)
            continue;
        struct owning owning = {&machines[i], 0};
        fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, count_owner, &owning);
        assert_int_equal(owning.n, 1);
        running++;
    }
    fake_cluster_each(stage->cluster, CLUSTER_NODE_CLAIM, count_instances, &instances);
    assert_int_equal(instances, running);
}

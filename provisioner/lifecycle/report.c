/* report.c - what there is, in gauges; what is wrong with a Provisioner, and what it uses, in its status. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/quantity.h"
#include "base/vec.h"
#include "provisioner/api/label_keys.h"
#include "provisioner/lifecycle/ready.h"
#include "provisioner/lifecycle/usage.h"

enum {
    REPORT_MS = 5000,       /* between two reports */
    LOOK_AGAIN_MS = 60000,  /* at what may pass without a word */
    NOT_KNOWN_DOUBLINGS = 4 /* of REPORT_MS, while it is not known where subnets are */
};

/* What was written last of an object. */
struct written {
    uint64_t object, status, ready; /* hashes: its uid and name; all of the status; the condition */
    struct clock_wall since;        /* of the condition */
    uint64_t report;                /* the last one that had it */
};

struct report_part {
    struct clock_mono last, again; /* again 0: when something changes */
    uint64_t seen;                 /* of what the last one saw */
    uint64_t reports;
    uint32_t not_known; /* reports one after the other that did not know where subnets are */
    VEC(struct written) written;
};

static void part_release(void *data)
{
    struct report_part *part = data;
    VEC_FREE(&part->written);
}

static struct str label_or_none(const struct labels *labels, const char *key)
{
    const struct str *value = labels_get(labels, str_of(key));
    return value ? *value : STR("");
}

/* "us-west-2a" is in the node's label once it has joined, in the claim once it is launched. */
static void report_claim(struct metrics *metrics, const struct node_claim *claim)
{
    struct str capacity_type = str_of(cloud_capacity_type_name(claim->capacity_type));
    const struct str node[] = {claim->provisioner, capacity_type, claim->zone, claim->instance_type,
                               str_of(claim_phase_name(claim->phase))};
    const struct str cost[] = {claim->provisioner, capacity_type};
    const struct str realised[] = {claim->provisioner, capacity_type, claim->zone, claim->instance_type};
    metrics_add(metrics, METRIC_NODES, node, 1);
    metrics_add(metrics, METRIC_PLANNED_COST, cost, (double)claim->price_microusd / 1e6);
    metrics_add(metrics, METRIC_WORST_COST, cost, (double)claim->worst_microusd / 1e6);
    if (claim->instance_id.len && claim->realised_microusd >= 0)
        metrics_add(metrics, METRIC_REALISED_COST, realised, (double)claim->realised_microusd / 1e6);
}

/*
 * OpenCost splits a node's price by the default prices of a vCPU and a GiB. Source: opencost pkg/costmodel,
 * GetNodeCost, and configs/default.json.
 */
static void report_parts(struct metrics *metrics, const struct node *node, const struct str *labels, double usd)
{
    static const double cpu_to_ram = 0.031611 / 0.004237;
    double cpus = (double)resources_get(&node->capacity, STR("cpu")) / 1000;
    double gib = (double)resources_get(&node->capacity, STR("memory")) / (double)(1 << 30);
    double shares = cpus * cpu_to_ram + gib;
    if (shares <= 0)
        return;
    metrics_set(metrics, METRIC_NODE_RAM_COST, labels, usd / shares);
    metrics_set(metrics, METRIC_NODE_CPU_COST, labels, usd / shares * cpu_to_ram);
}

static void report_node(struct metrics *metrics, const struct node *node, const struct node_claim *claim)
{
    if (claim->realised_microusd < 0)
        return;
    const struct str labels[] = {node->name,           node->name,
                                 claim->instance_type, label_or_none(&node->labels, LABEL_REGION),
                                 node->provider_id,    label_or_none(&node->labels, LABEL_ARCH)};
    double usd = (double)claim->realised_microusd / 1e6;
    metrics_set(metrics, METRIC_NODE_COST, labels, usd);
    metrics_set(metrics, METRIC_NODE_IS_SPOT, labels, claim->capacity_type == CLOUD_SPOT);
    report_parts(metrics, node, labels, usd);
}

static void report_nodes(struct pass *pass)
{
    static const enum metric gauges[] = {
        METRIC_NODES,         METRIC_PLANNED_COST,  METRIC_WORST_COST,   METRIC_REALISED_COST, METRIC_NODE_COST,
        METRIC_NODE_CPU_COST, METRIC_NODE_RAM_COST, METRIC_NODE_IS_SPOT, METRIC_LIMIT,         METRIC_USAGE};
    struct metrics *metrics = control_effects(pass->control)->metrics;
    const struct view *view = &pass->view;
    for (size_t i = 0; i < CC_COUNT(gauges); i++)
        metrics_clear(metrics, gauges[i]);
    for (uint32_t i = 0; i < view->n_claims; i++)
        report_claim(metrics, view->claims[i].claim);
    for (size_t i = 0; i < view->objects.nodes.len; i++)
        if (view->nodes[i].real && view->nodes[i].claim != VIEW_NONE)
            report_node(metrics, view->nodes[i].real, view->claims[view->nodes[i].claim].claim);
}

static void report_limits(struct pass *pass, const struct resources *usages)
{
    struct metrics *metrics = control_effects(pass->control)->metrics;
    const struct objects *objects = &pass->view.objects;
    for (size_t p = 0; p < objects->provisioners.len; p++) {
        const struct provisioner *provisioner = &objects->provisioners.items[p];
        for (size_t i = 0; i < provisioner->limits.n; i++) {
            const struct str labels[] = {provisioner->name, provisioner->limits.items[i].name};
            bool milli = str_is(labels[1], "cpu");
            metrics_set(metrics, METRIC_LIMIT, labels,
                        (double)provisioner->limits.items[i].amount / (milli ? 1000 : 1));
        }
        for (size_t i = 0; i < usages[p].n; i++) {
            const struct str labels[] = {provisioner->name, usages[p].items[i].name};
            bool milli = str_is(labels[1], "cpu");
            metrics_set(metrics, METRIC_USAGE, labels, (double)usages[p].items[i].amount / (milli ? 1000 : 1));
        }
    }
}

/* One object's status in the making. */
struct status {
    enum cluster_kind kind;
    struct str name, uid;
    const char *reason; /* NULL: it is ready */
    struct str message;
    const struct resources *usage; /* NULL: not a Provisioner, or one that is not used */
};

static const char *amount_text(const struct cloud_resource *resource, char text[QUANTITY_TEXT_MAX])
{
    if (str_is(resource->name, "cpu"))
        return quantity_milli_text(resource->amount, text);
    return quantity_bytes_text(resource->amount, text);
}

static void write_ready(struct json_out *json, const struct status *status)
{
    json_open_list(json, "conditions");
    json_open_map(json, NULL);
    json_str(json, "type", STR("Ready"));
    json_str(json, "status", status->reason ? STR("False") : STR("True"));
    json_str(json, "reason", str_of(status->reason ? status->reason : "Valid"));
    json_str(json, "message", status->message);
}

/* Without the time of the condition's change, which is not what the status says. */
static void write_resources(struct json_out *json, const struct status *status)
{
    char text[QUANTITY_TEXT_MAX];
    if (!status->usage)
        return;
    json_open_map(json, "resources");
    for (size_t i = 0; i < status->usage->n; i++)
        json_str_by(json, status->usage->items[i].name, str_of(amount_text(&status->usage->items[i], text)));
    json_close_map(json);
}

static int write_status(const struct status *status, struct clock_wall changed, struct arena *arena, struct str *ret,
                        struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_open_map(&json, "status");
    write_ready(&json, status);
    if (changed.ns) {
        char at[CLOCK_TEXT_BYTES];
        clock_text_seconds(changed, at);
        json_str(&json, "lastTransitionTime", str_of(at));
    }
    json_close_map(&json);
    json_close_list(&json);
    write_resources(&json, status);
    json_close_map(&json);
    json_close_map(&json);
    return buf_str(&buf, ret, err);
}

static struct written *find_written(struct report_part *part, uint64_t object)
{
    for (size_t i = 0; i < part->written.len; i++)
        if (part->written.items[i].object == object)
            return &part->written.items[i];
    return VEC_PUSH(&part->written, (struct written){.object = object}) ? &part->written.items[part->written.len - 1]
                                                                        : NULL;
}

static void forget_gone(struct report_part *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < part->written.len; i++)
        if (part->written.items[i].report == part->reports)
            part->written.items[kept++] = part->written.items[i];
    part->written.len = kept;
}

/* What was not written is written with the next report. */
static void on_written(struct control *control, void *context, const struct cluster_answer *answer)
{
    struct report_part *part = context;
    if (!answer->err || answer->err->code == ERR_NOT_FOUND)
        return;
    for (size_t i = 0; i < part->written.len; i++)
        part->written.items[i].status = 0;
    part->again = clock_after(loop_now(control_effects(control)->loop), REPORT_MS);
}

/* Patches a status that says something else than what was written last. Nothing was yet after a start: once then. */
static int put_status(struct pass *pass, struct report_part *part, const struct status *status, struct err *err)
{
    struct str said, body;
    int code = write_status(status, (struct clock_wall){0}, pass->arena, &said, err);
    struct written *written =
        find_written(part, (str_hash(status->uid) * 31 + str_hash(status->name)) * 31 + (uint64_t)status->kind);
    if (code || !written)
        return code ? code : err_nomem(err);
    written->report = part->reports;
    uint64_t hash = str_hash(said), ready = 1 + str_hash(str_of(status->reason ? status->reason : ""));
    if (written->status == hash || !control_may_act(pass->control))
        return 0;
    if (control_busy(pass->control, status->kind, STR(""), status->name)) {
        part->again = clock_after(pass->now, REPORT_MS);
        return 0;
    }
    if (written->ready != ready)
        written->since = pass->wall;
    code = write_status(status, written->since, pass->arena, &body, err);
    const struct cluster_request request = {
        .verb = CLUSTER_PATCH_STATUS, .kind = status->kind, .name = status->name, .body = body};
    if (!code)
        code = control_write(pass->control, &request, "status", on_written, part, err);
    if (code)
        return code;
    written->status = hash;
    written->ready = ready;
    if (status->reason)
        control_event(pass->control, status->kind, STR(""), status->name, status->uid, EVENT_WARNING, status->reason,
                      "%.*s", STR_ARG(status->message));
    return 0;
}

struct reporting {
    struct pass *pass;
    struct report_part *part;
    const struct resources *usages; /* [provisioners] */
    bool may_pass, not_known;
    struct err *err;
    int code;
};

/* A Provisioner that could be read. */
static void judge(struct reporting *reporting, size_t p, struct status *status)
{
    struct trouble trouble;
    reporting->code = provisioner_trouble(reporting->pass, &reporting->pass->view.objects.provisioners.items[p],
                                          &trouble, reporting->err);
    if (reporting->code)
        return;
    status->usage = &reporting->usages[p];
    reporting->may_pass |= trouble.may_pass;
    reporting->not_known |= trouble.not_known;
    if (!trouble.reason)
        return;
    status->reason = trouble.reason;
    status->message = str_of(trouble.message);
}

static void report_object(void *context, enum cluster_kind kind, struct str name, struct str uid, struct str findings)
{
    struct reporting *reporting = context;
    const struct objects *objects = &reporting->pass->view.objects;
    struct status status = {.kind = kind, .name = name, .uid = uid, .message = findings};
    bool karpenter = kind == CLUSTER_KARPENTER_PROVISIONER;
    if (findings.len)
        status.reason = "Invalid";
    for (size_t p = 0; p < objects->provisioners.len && (karpenter || kind == CLUSTER_PROVISIONER); p++)
        if (!findings.len && reporting->code == 0 && objects->provisioners.items[p].karpenter == karpenter &&
            str_eq(objects->provisioners.items[p].name, name))
            judge(reporting, p, &status);
    if (reporting->code == 0)
        reporting->code = put_status(reporting->pass, reporting->part, &status, reporting->err);
}

static int report_status(struct pass *pass, struct report_part *part, const struct resources *usages, struct err *err)
{
    struct reporting reporting = {.pass = pass, .part = part, .usages = usages, .err = err};
    part->reports++;
    part->again = (struct clock_mono){0};
    state_each_finding(pass->state, report_object, &reporting);
    if (reporting.code)
        return reporting.code;
    forget_gone(part);
    part->not_known = reporting.not_known ? part->not_known + 1 : 0;
    if (reporting.may_pass && !part->again.ns)
        part->again = clock_after(pass->now, LOOK_AGAIN_MS);
    if (reporting.not_known) {
        uint32_t doublings = part->not_known < NOT_KNOWN_DOUBLINGS ? part->not_known : NOT_KNOWN_DOUBLINGS;
        struct clock_mono soon = clock_after(pass->now, (int64_t)REPORT_MS << (doublings - 1));
        part->again = part->again.ns && part->again.ns < soon.ns ? part->again : soon;
    }
    if (part->again.ns)
        control_wake_at(pass->control, part->again);
    return 0;
}

/* Of all that a report is about, but for subnets, which are looked up. */
static uint64_t what_is(const struct pass *pass)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    uint64_t catalogue = (uint64_t)(uintptr_t)cloud->catalogue(cloud->context);
    return (pass->view.generation * 31 + catalogue) * 31 + control_holds(pass->control);
}

static bool is_due(struct pass *pass, const struct report_part *part)
{
    struct clock_mono due = clock_after(part->last, REPORT_MS);
    if (!part->last.ns)
        return true;
    if (what_is(pass) == part->seen)
        due = part->again;
    if (due.ns && pass->now.ns < due.ns)
        control_wake_at(pass->control, due);
    return due.ns && pass->now.ns >= due.ns;
}

int report_pass(struct pass *pass, struct err *err)
{
    struct report_part *part = control_part(pass->control, PART_REPORT, sizeof(*part), part_release);
    if (!part)
        return err_nomem(err);
    if (!is_due(pass, part))
        return 0;
    part->last = pass->now;
    part->seen = what_is(pass);
    struct resources *usages = arena_array(pass->arena, struct resources, pass->view.objects.provisioners.len);
    if (!usages)
        return err_nomem(err);
    report_nodes(pass);
    for (size_t p = 0; p < pass->view.objects.provisioners.len; p++)
        if (provisioner_usage(pass, pass->view.objects.provisioners.items[p].name, &usages[p], err) < 0)
            return ERR_NOMEM;
    report_limits(pass, usages);
    return report_status(pass, part, usages, err);
}

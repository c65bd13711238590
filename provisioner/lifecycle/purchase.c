/*
 * purchase.c - equal new nodes become claims: what exactly will be asked for is decided first, then a claim for each is
 * written down, all with the same launch id and the first of them with the request. launch.c takes it from there.
 */
#include <stdlib.h>
#include <string.h>

#include "provisioner/api/label_keys.h"
#include "provisioner/lifecycle/demands.h"
#include "provisioner/lifecycle/ready.h"

enum {
    NAME_PART = 50,
    SUFFIX = 8,
    GIVE_UP_MS = 25000
}; /* without a step: before launch.c takes an incomplete launch for dead */

struct prepare_call {
    struct control_call call;
    struct purchase *purchase;
};

static void release_call(struct control_call *call)
{
    free(call);
}

static const struct provisioner *provisioner_of(const struct purchase *purchase)
{
    return &purchase->solve->objects.provisioners.items[purchase->nodes[0].machine->provisioner];
}

static const char *effect_name(enum taint_effect effect)
{
    switch (effect) {
    case EFFECT_NO_EXECUTE: return "NoExecute";
    case EFFECT_PREFER_NO_SCHEDULE: return "PreferNoSchedule";
    case EFFECT_NO_SCHEDULE:
    case EFFECT_ANY: break;
    }
    return "NoSchedule";
}

/* The Provisioner's taints and start-up taints, and ours that closes the node until it is placed. */
static int find_taints(const struct provisioner *provisioner, struct arena *arena, struct cloud_bootstrap *into,
                       struct err *err)
{
    size_t n = 0;
    struct cloud_taint *taints =
        arena_array(arena, struct cloud_taint, provisioner->taints.n + provisioner->startup_taints.n + 1);
    if (!taints)
        return err_nomem(err);
    const struct taints *const both[] = {&provisioner->taints, &provisioner->startup_taints};
    for (size_t b = 0; b < CC_COUNT(both); b++)
        for (size_t i = 0; i < both[b]->n; i++)
            taints[n++] = (struct cloud_taint){both[b]->items[i].key, both[b]->items[i].value,
                                               str_of(effect_name(both[b]->items[i].effect))};
    taints[n++] = (struct cloud_taint){STR(TAINT_PLACING), STR(""), STR("NoSchedule")};
    into->taints = taints;
    into->n_taints = n;
    return 0;
}

/*
 * A kubelet refuses to start with labels of Kubernetes' own domains but for a few: the others are put on by the API
 * when the node joins. Source: the NodeRestriction admission plug-in and kubelet's --node-labels.
 */
static bool kubelet_may_say(struct str key)
{
    struct str name = key, domain = str_cut(&name, '/');
    if (!name.len)
        return true;
    bool reserved = str_is(domain, "kubernetes.io") || str_ends(domain, ".kubernetes.io") || str_is(domain, "k8s.io") ||
                    str_ends(domain, ".k8s.io");
    return !reserved || str_is(domain, "node.kubernetes.io") || str_ends(domain, ".node.kubernetes.io") ||
           str_is(domain, "kubelet.kubernetes.io") || str_ends(domain, ".kubelet.kubernetes.io");
}

static int find_labels(const struct purchase *purchase, struct arena *arena, struct cloud_bootstrap *into,
                       struct err *err)
{
    const struct answer_node *node = &purchase->nodes[0];
    const struct cloud_label own[] = {
        {STR(LABEL_PROVISIONER), node->provisioner},
        {STR(LABEL_CAPACITY_TYPE), str_of(cloud_capacity_type_name(node->capacity_type))},
        {STR(LABEL_EKS_CAPACITY), node->capacity_type == CLOUD_SPOT ? STR("SPOT") : STR("ON_DEMAND")},
    };
    size_t n = 0;
    struct cloud_label *labels = arena_array(arena, struct cloud_label, CC_COUNT(own) + node->machine->n_given);
    if (!labels)
        return err_nomem(err);
    for (size_t i = 0; i < CC_COUNT(own); i++)
        labels[n++] = own[i];
    for (size_t i = 0; i < node->machine->n_given; i++)
        if (kubelet_may_say(node->machine->given[i].key))
            labels[n++] = node->machine->given[i];
    into->labels = labels;
    into->n_labels = n;
    return 0;
}

/* The chosen pool first, then the others by price. */
static int find_pools(const struct purchase *purchase, struct arena *arena, struct cloud_pool **ret, size_t *ret_n,
                      struct err *err)
{
    const struct answer_node *node = &purchase->nodes[0];
    struct cloud_pool *pools = arena_array(arena, struct cloud_pool, 1 + node->n_alternatives);
    if (!pools)
        return err_nomem(err);
    pools[0] = (struct cloud_pool){node->instance_type, node->zone, node->price_microusd};
    for (size_t i = 0; i < node->n_alternatives; i++)
        pools[1 + i] = (struct cloud_pool){node->alternatives[i].instance_type, node->alternatives[i].zone,
                                           node->alternatives[i].price_microusd};
    *ret = pools;
    *ret_n = 1 + node->n_alternatives;
    return 0;
}

/* Nothing of it is bought. Where another plan mends nothing its Provisioner is held. */
static void not_prepared(struct control *control, struct purchase *purchase, const struct err *why, bool hold)
{
    const struct provisioner *provisioner = provisioner_of(purchase);
    purchase->failed = true;
    log_event(control_effects(control)->log, LOG_WARN, "prepare-failed", LOG_S("provisioner", provisioner->name),
              LOG_ERR(why));
    if (hold)
        provisioner_hold(control, provisioner, why->code, "LaunchNotPrepared", "%s", why->message);
    else
        provisioner_event(control, provisioner, EVENT_WARNING, "LaunchNotPrepared", why->message);
}

static void on_prepared(void *context, const struct cloud_prepared *prepared)
{
    struct prepare_call *call = context;
    struct control *control = control_call_end(&call->call);
    struct purchase *purchase = call->purchase;
    free(call);
    purchase->state = PURCHASE_CREATING;
    purchase->since = loop_now(control_effects(control)->loop);
    if (prepared->note)
        provisioner_event(control, provisioner_of(purchase), EVENT_NORMAL, "ImageReplaced", prepared->note);
    if (!prepared->err) {
        purchase->request = str_dup(&purchase->solve->arena, prepared->request);
        purchase->failed = !purchase->request.ptr;
        return;
    }
    bool no_room = prepared->err->code == ERR_NO_CAPACITY && prepared->failure.zone.len;
    if (no_room) /* the next plan goes round */
        control_mark_unavailable(control, prepared->failure.instance_type, prepared->failure.zone,
                                 purchase->nodes[0].capacity_type, prepared->failure.reason);
    not_prepared(control, purchase, prepared->err, !no_room);
}

static int prepare(struct pass *pass, struct purchase *purchase, struct err *err)
{
    const struct provisioner *provisioner = provisioner_of(purchase);
    const struct answer_node *node = &purchase->nodes[0];
    struct cloud_bootstrap bootstrap = {.kubelet = &provisioner->kubelet,
                                        .cluster_dns = provisioner->cluster_dns,
                                        .n_cluster_dns = provisioner->n_cluster_dns,
                                        .kubelet_json = provisioner->kubelet_json};
    struct cloud_launch_plan plan = {.template_ = provisioner_template(&purchase->solve->objects, provisioner),
                                     .bootstrap = &bootstrap,
                                     .provisioner = provisioner->name,
                                     .capacity_type = node->capacity_type,
                                     .strategy = node->capacity_type == CLOUD_SPOT ? provisioner->strategy : STR(""),
                                     .count = purchase->n};
    struct cloud_pool *pools = NULL;
    int code = find_taints(provisioner, pass->arena, &bootstrap, err);
    if (!code)
        code = find_labels(purchase, pass->arena, &bootstrap, err);
    if (!code)
        code = find_pools(purchase, pass->arena, &pools, &plan.n_pools, err);
    if (code)
        return code;
    plan.pools = pools;
    struct prepare_call *call = calloc(1, sizeof(*call));
    if (!call)
        return err_nomem(err);
    call->purchase = purchase;
    control_call_begin(pass->control, &call->call, release_call);
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    code = cloud->prepare(cloud->context, &plan, on_prepared, call, err);
    if (code) {
        control_call_end(&call->call);
        free(call);
    }
    return code;
}

int purchase_start(struct pass *pass, struct purchase *purchase, struct err *err)
{
    struct arena *arena = &purchase->solve->arena;
    const struct chance *chance = control_effects(pass->control)->chance;
    struct str provisioner = purchase->nodes[0].provisioner;
    int len = provisioner.len < NAME_PART ? (int)provisioner.len : NAME_PART;
    chance_uuid(chance, purchase->launch_id);
    purchase->claims = arena_array(arena, struct purchase_claim, purchase->n);
    if (!purchase->claims)
        return err_nomem(err);
    for (uint32_t i = 0; i < purchase->n; i++) {
        char suffix[SUFFIX + 1];
        chance_suffix(chance, SUFFIX, suffix);
        const char *name = arena_printf(arena, "%.*s-%s", len, provisioner.ptr, suffix);
        if (!name)
            return err_nomem(err);
        purchase->claims[i] = (struct purchase_claim){.purchase = purchase, .name = str_of(name)};
    }
    purchase->state = PURCHASE_PREPARING;
    struct err why = {0};
    int code = prepare(pass, purchase, &why);
    if (code == ERR_NOMEM)
        return err_nomem(err);
    if (code) {
        not_prepared(pass->control, purchase, &why, true);
        purchase->state = PURCHASE_CREATING; /* of nothing: it is over in its next step */
    }
    return 0;
}

/* "2 executors of spark-1234", "driver of spark-1234", "3 pods" */
static const char *reason_of(const struct solve *solve, const struct answer_node *node, struct arena *arena)
{
    const struct pod *first = &solve->objects.pods.items[node->pods[0]];
    uint32_t drivers = 0, executors = 0;
    for (uint32_t i = 0; i < node->n_pods; i++) {
        const struct pod *pod = &solve->objects.pods.items[node->pods[i]];
        if (!pod->app.len || !str_eq(pod->app, first->app) || pod->role == SPARK_NONE)
            return arena_printf(arena, "%u pod%s", node->n_pods, node->n_pods == 1 ? "" : "s");
        drivers += pod->role == SPARK_DRIVER;
        executors += pod->role == SPARK_EXECUTOR;
    }
    if (!executors)
        return arena_printf(arena, "driver of %.*s", STR_ARG(first->app));
    return arena_printf(arena, "%s%u executor%s of %.*s", drivers ? "driver and " : "", executors,
                        executors == 1 ? "" : "s", STR_ARG(first->app));
}

/* By name: it carries the request, which is long, for all of them. None is called before all are there. */
static bool is_first(const struct purchase *purchase, uint32_t index)
{
    for (uint32_t i = 0; i < purchase->n; i++)
        if (str_cmp(purchase->claims[i].name, purchase->claims[index].name) < 0)
            return false;
    return true;
}

/* The claim of one node; its slots are for those of its pods that are still there. */
static int fill_claim(struct pass *pass, const struct purchase *purchase, uint32_t index, struct node_claim *claim,
                      struct err *err)
{
    const struct answer_node *node = &purchase->nodes[index];
    const struct answer_machine *machine = node->machine;
    const struct provisioner *provisioner = provisioner_of(purchase);
    struct cloud_pool *pools = NULL;
    struct claim_slot *slots = arena_array(pass->arena, struct claim_slot, node->n_pods);
    const char *reason = reason_of(purchase->solve, node, pass->arena);
    size_t n_slots = 0, n_pools = 0;
    if (!slots || !reason)
        return err_nomem(err);
    int code = find_pools(purchase, pass->arena, &pools, &n_pools, err);
    for (uint32_t i = 0; i < node->n_pods && !code; i++)
        if (still_waits(pass, purchase->solve, node->pods[i]))
            code = slot_for(purchase->solve, node->pods[i], pass->arena, &slots[n_slots++], err);
    if (code)
        return code;
    int64_t bound = purchase->solve->result.answer.lower_bound_microusd;
    *claim = (struct node_claim){.name = purchase->claims[index].name,
                                 .provisioner = provisioner->name,
                                 .template_name = provisioner->template_name,
                                 .karpenter = provisioner->karpenter,
                                 .capacity_type = node->capacity_type,
                                 .pools = pools,
                                 .n_pools = n_pools,
                                 .slots = slots,
                                 .n_slots = n_slots,
                                 .labels = {machine->labels, machine->n_labels},
                                 .taints = provisioner->taints,
                                 .startup_taints = provisioner->startup_taints,
                                 .allocatable = {machine->allocatable, machine->n_allocatable},
                                 .capacity = {machine->capacity, machine->n_capacity},
                                 .price_microusd = node->price_microusd,
                                 .worst_microusd = machine->worst_microusd,
                                 .bound_microusd = bound > 0 ? bound : -1,
                                 .reason = str_of(reason),
                                 .launch_id = str_of(purchase->launch_id),
                                 .launch_request = is_first(purchase, index) ? purchase->request : STR(""),
                                 .launch_count = purchase->n,
                                 .phase = CLAIM_LAUNCHING,
                                 .realised_microusd = -1};
    return 0;
}

/* Made, and seen: a plan that is made before would buy for its pods once more. */
static bool is_there(const struct pass *pass, const struct purchase_claim *claim)
{
    return claim->made && state_claim(pass->state, claim->name);
}

/*
 * A lost answer is asked for again under the same name: "there already" then is the answer, though the claim itself
 * is not known before the watch tells of it.
 */
static void on_created(struct control *control, void *context, const struct cluster_answer *answer)
{
    struct purchase_claim *made = context;
    const struct answer_node *node = &made->purchase->nodes[made - made->purchase->claims];
    made->under_way = false;
    if (!answer->err || (answer->err->code == ERR_CONFLICT && made->tries > 1)) {
        made->made = true;
        made->purchase->since = loop_now(control_effects(control)->loop); /* it gets on */
        tell_planned(control, made->purchase->solve, node->pods, node->n_pods, made->name, node->capacity_type);
        return;
    }
    if (answer->err->code == ERR_RETRY || answer->err->code == ERR_THROTTLED)
        return;
    made->purchase->failed = true; /* launch.c clears up what there is of it */
    provisioner_hold(control, provisioner_of(made->purchase), answer->err->code, "ClaimRefused", "NodeClaim %.*s: %s",
                     STR_ARG(made->name), answer->err->message);
}

static int create(struct pass *pass, struct purchase *purchase, uint32_t index, struct err *err)
{
    struct purchase_claim *made = &purchase->claims[index];
    if (control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), made->name) || !control_may_act(pass->control))
        return 0;
    struct node_claim claim;
    struct buf buf = BUF_INIT(pass->arena);
    struct cluster_request request = {.verb = CLUSTER_CREATE, .kind = CLUSTER_NODE_CLAIM, .name = made->name};
    int code = fill_claim(pass, purchase, index, &claim, err);
    if (code)
        return code;
    claim_write_object(&claim, &buf);
    code = buf_str(&buf, &request.body, err);
    if (!code)
        code = control_write(pass->control, &request, "claim", on_created, made, err);
    if (code)
        return code;
    made->tries++;
    made->under_way = true;
    return 0;
}

/* A node whose pods have all gone is not bought. The request says the old count, so the next plan makes another. */
static bool is_stale(const struct pass *pass, const struct purchase *purchase)
{
    for (uint32_t i = 0; i < purchase->n; i++) {
        uint32_t left = 0;
        for (uint32_t k = 0; k < purchase->nodes[i].n_pods; k++)
            left += still_waits(pass, purchase->solve, purchase->nodes[i].pods[k]);
        if (!left)
            return true;
    }
    return false;
}

int purchase_step(struct pass *pass, struct purchase *purchase, struct err *err)
{
    if (purchase->state == PURCHASE_PREPARING)
        return 0;
    bool begun = false, all_made = true, under_way = false;
    for (uint32_t i = 0; i < purchase->n; i++) {
        begun |= purchase->claims[i].tries > 0;
        all_made = all_made && is_there(pass, &purchase->claims[i]);
        under_way |= purchase->claims[i].under_way;
    }
    if (!purchase->failed && !begun && is_stale(pass, purchase))
        purchase->failed = purchase->stale = true;
    struct clock_mono end = clock_after(purchase->since, GIVE_UP_MS);
    if (pass->now.ns >= end.ns)
        purchase->failed = purchase->failed || !all_made;
    else if (!all_made)
        control_wake_at(pass->control, end);
    if (all_made || (purchase->failed && !under_way)) {
        purchase->state = PURCHASE_OVER;
        return 0;
    }
    for (uint32_t i = 0; i < purchase->n && !purchase->failed; i++) {
        int code = purchase->claims[i].made ? 0 : create(pass, purchase, i, err);
        if (code)
            return code;
    }
    return 0;
}

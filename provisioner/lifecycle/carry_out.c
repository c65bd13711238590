/* carry_out.c - what a plan says is done: slots on nodes that are coming, purchases, and words for who must wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/demands.h"
#include "provisioner/lifecycle/usage.h"
#include "provisioner/plan/reasons.h"

enum {
    SLOTS_MS = 2000, /* by when slots that were added are seen: pods that got none are planned again */
    AGAIN_MS = 5000  /* after a solve that failed, or whose nodes were not all to be bought */
};

static bool is_copy(const struct solve *solve, uint32_t i)
{
    const struct pod *pod = &solve->objects.pods.items[i];
    return view_pod(&solve->view, pod->namespace_, pod->name) != i;
}

/* A pod on a node that goes is planned for as a copy: the original may run to its end. */
bool still_waits(const struct pass *pass, const struct solve *solve, uint32_t i)
{
    const struct pod *then = &solve->objects.pods.items[i];
    const struct pod *now = state_pod(pass->state, then->namespace_, then->name);
    if (is_copy(solve, i))
        return true;
    return now && str_eq(now->uid, then->uid) && !now->node_name.len && !now->deleting && now->phase != POD_SUCCEEDED &&
           now->phase != POD_FAILED;
}

int slot_for(const struct solve *solve, uint32_t i, struct arena *arena, struct claim_slot *ret, struct err *err)
{
    const struct pod *pod = &solve->objects.pods.items[i];
    char *shape = arena_alloc(arena, STATE_SHAPE_BYTES);
    if (!shape)
        return err_nomem(err);
    state_pod_shape(&solve->objects, pod, shape);
    *ret = (struct claim_slot){pod->namespace_, pod->name, pod->uid, pod->app, str_of(shape)};
    return 0;
}

void tell_planned(struct control *control, const struct solve *solve, const uint32_t *pods, uint32_t n,
                  struct str claim, enum cloud_capacity_type capacity_type)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct pod *pod = &solve->objects.pods.items[pods[i]];
        if (!is_copy(solve, pods[i]))
            control_event(control, CLUSTER_POD, pod->namespace_, pod->name, pod->uid, EVENT_NORMAL, "Planned",
                          "its node is on the way: NodeClaim %.*s, %s", STR_ARG(claim),
                          cloud_capacity_type_name(capacity_type));
    }
}

/* Room on a node that is coming is kept by slots of its claim. */
static int add_slots(struct pass *pass, struct demand_part *part, const struct node_claim *claim,
                     const struct answer_existing *existing, struct err *err)
{
    const struct solve *solve = part->plan;
    struct claim_slot *slots = arena_array(pass->arena, struct claim_slot, claim->n_slots + existing->n_pods);
    if (!slots)
        return err_nomem(err);
    if (claim->n_slots)
        memcpy(slots, claim->slots, claim->n_slots * sizeof(*slots));
    struct node_claim changed = *claim;
    for (uint32_t i = 0; i < existing->n_pods; i++) {
        if (!still_waits(pass, solve, existing->pods[i]))
            continue;
        int code = slot_for(solve, existing->pods[i], pass->arena, &slots[changed.n_slots], err);
        if (code)
            return code;
        changed.n_slots++;
    }
    if (changed.n_slots == claim->n_slots)
        return 0;
    part->again = clock_after(pass->now, SLOTS_MS);
    changed.slots = slots;
    int code = control_patch_spec(pass->control, &changed, "slots", err);
    if (code == 0)
        tell_planned(pass->control, solve, existing->pods, existing->n_pods, claim->name, claim->capacity_type);
    return code;
}

static int by_pod(const void *left, const void *right)
{
    const struct try *a = left, *b = right;
    return (a->pod > b->pod) - (a->pod < b->pod);
}

static const struct try *old_try(const struct demand_part *part, size_t n_sorted, uint64_t pod)
{
    const struct try like = {.pod = pod};
    return n_sorted ? bsearch(&like, part->tries.items, n_sorted, sizeof(like), by_pod) : NULL;
}

/* kube-scheduler is to bind these: they are watched, so that they do not wait for ever. */
static int add_tries(struct pass *pass, struct demand_part *part, size_t n_old, const struct answer_existing *existing,
                     struct err *err)
{
    uint64_t node = str_hash(existing->node);
    for (uint32_t i = 0; i < existing->n_pods; i++) {
        struct try try = {pod_key(&part->plan->objects.pods.items[existing->pods[i]]), node, pass->now, false};
        const struct try *old = old_try(part, n_old, try.pod);
        if (old && old->node == node)
            try.since = old->since;
        if (!VEC_PUSH(&part->tries, try))
            return err_nomem(err);
    }
    return 0;
}

/* The claim of a node that is still closed, or has not joined; NULL: the node is open, or nobody's. */
static const struct node_claim *coming_claim(const struct pass *pass, const struct solve *solve, struct str node)
{
    uint32_t i = view_node(&solve->view, node);
    if (i == VIEW_NONE || solve->view.nodes[i].claim == VIEW_NONE)
        return NULL;
    const struct node_claim *claim = solve->view.claims[solve->view.nodes[i].claim].claim;
    claim = state_claim(pass->state, claim->name);
    return claim && claim->phase < CLAIM_INITIALIZED ? claim : NULL;
}

/* A plan speaks of all pods that wait: its tries take the place of the old ones. */
static int use_existing(struct pass *pass, struct demand_part *part, struct err *err)
{
    const struct answer *answer = &part->plan->result.answer;
    size_t n_old = part->tries.len;
    int code = 0;
    for (size_t i = 0; i < answer->n_existing && !code; i++) {
        const struct node_claim *claim = coming_claim(pass, part->plan, answer->existing[i].node);
        if (claim)
            code = add_slots(pass, part, claim, &answer->existing[i], err);
        else
            code = add_tries(pass, part, n_old, &answer->existing[i], err);
    }
    for (size_t i = n_old; i < part->tries.len; i++)
        part->tries.items[i - n_old] = part->tries.items[i];
    part->tries.len -= n_old;
    if (part->tries.len)
        qsort(part->tries.items, part->tries.len, sizeof(struct try), by_pod);
    return code;
}

/* Gauges of pods by why they wait, and an event for each that no plan has a place for. */
static void tell_pods(struct pass *pass, struct demand_part *part)
{
    const struct solve *solve = part->plan;
    const struct answer *answer = &solve->result.answer;
    struct metrics *metrics = control_effects(pass->control)->metrics;
    metrics_clear(metrics, METRIC_PODS_PENDING);
    metrics_set(metrics, METRIC_PODS_PENDING, &STR("planned"), (double)(part->n_served + answer->n_scheduled));
    for (size_t i = 0; i < answer->n_unschedulable; i++) {
        const struct answer_unschedulable *left = &answer->unschedulable[i];
        const struct pod *pod = &solve->objects.pods.items[left->pod];
        struct str word = str_of(reason_word(left->reason));
        metrics_add(metrics, METRIC_PODS_PENDING, &word, 1);
        if (still_waits(pass, solve, left->pod))
            control_event(pass->control, CLUSTER_POD, pod->namespace_, pod->name, pod->uid, EVENT_WARNING,
                          "NoNodePlanned", "%s%s%s%.*s%s", is_copy(solve, left->pod) ? "its node goes: " : "",
                          left->reason, solve->held.len ? "; Provisioner " : "", STR_ARG(solve->held),
                          solve->held.len ? " is left out for a while: its status says why" : "");
    }
    part->spoken = true;
}

static void tell_plan(struct pass *pass, const struct solve *solve)
{
    const struct control_effects *effects = control_effects(pass->control);
    const struct answer *answer = &solve->result.answer;
    metrics_observe(effects->metrics, METRIC_SOLVE_SECONDS, NULL, answer->solve_ms / 1000);
    if (answer->n_nodes && answer->lower_bound_microusd > 0)
        metrics_set(effects->metrics, METRIC_PLAN_GAP, NULL,
                    (double)answer->cost_microusd / (double)answer->lower_bound_microusd - 1);
    log_event(effects->log, LOG_INFO, "plan", LOG_I("pods", answer->n_pods), LOG_I("new_nodes", answer->n_nodes),
              LOG_I("on_nodes", answer->n_existing), LOG_I("unschedulable", answer->n_unschedulable),
              LOG_F("usd_per_hour", (double)answer->cost_microusd / 1e6),
              LOG_F("bound_usd_per_hour", (double)answer->lower_bound_microusd / 1e6),
              LOG_F("solve_ms", answer->solve_ms), LOG_C("method", answer->method ? answer->method : ""));
}

static int64_t capacity_of(const struct answer_machine *machine, struct str name)
{
    for (size_t i = 0; i < machine->n_capacity; i++)
        if (str_eq(machine->capacity[i].name, name))
            return machine->capacity[i].amount;
    return 0;
}

/*
 * Leaves as many of a purchase's nodes as its Provisioner's limits still let in, as they are now, with what the
 * purchases before it are charged. The plan kept the limits as they were: this is for those that were changed
 * meanwhile, and for machines that still run though their nodes are gone. What is cut off is planned again.
 */
static int keep_limits(struct pass *pass, struct demand_part *part, struct purchase *purchase, struct err *err)
{
    const struct answer_machine *machine = purchase->nodes[0].machine;
    const struct provisioner *provisioner = state_provisioner(pass->state, purchase->nodes[0].provisioner);
    struct resources usage;
    uint32_t n = provisioner ? purchase->n : 0;
    if (provisioner && provisioner_usage(pass, provisioner->name, &usage, err) < 0)
        return ERR_NOMEM;
    for (size_t r = 0; n && r < provisioner->limits.n; r++) {
        const struct cloud_resource *limit = &provisioner->limits.items[r];
        int64_t each = capacity_of(machine, limit->name);
        if (each <= 0)
            continue;
        int64_t room = limit->amount - resources_get(&usage, limit->name);
        for (uint32_t i = 0; &part->purchases[i] != purchase; i++)
            if (str_eq(part->purchases[i].nodes[0].provisioner, provisioner->name))
                room -= capacity_of(part->purchases[i].nodes[0].machine, limit->name) * part->purchases[i].n;
        int64_t most = room > 0 ? room / each : 0;
        n = most < n ? (uint32_t)most : n;
    }
    if (n < purchase->n)
        part->again = clock_after(pass->now, AGAIN_MS);
    purchase->n = n;
    return 0;
}

/* Nodes of a group whose pods are still there, side by side. */
static int choose_nodes(struct pass *pass, struct solve *solve, const struct answer_node *nodes, size_t n,
                        struct purchase *purchase, struct err *err)
{
    struct answer_node *kept = arena_array(&solve->arena, struct answer_node, n);
    if (!kept)
        return err_nomem(err);
    uint32_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t left = 0;
        for (uint32_t k = 0; k < nodes[i].n_pods; k++)
            left += still_waits(pass, solve, nodes[i].pods[k]);
        if (left)
            kept[n_kept++] = nodes[i];
    }
    purchase->nodes = kept;
    purchase->n = n_kept;
    return 0;
}

static int start_purchases(struct pass *pass, struct demand_part *part, struct err *err)
{
    struct solve *solve = part->plan;
    const struct answer *answer = &solve->result.answer;
    part->purchases = arena_array(&solve->arena, struct purchase, answer->n_nodes);
    if (!part->purchases)
        return err_nomem(err);
    for (size_t from = 0, to; from < answer->n_nodes; from = to) {
        to = from + 1;
        while (to < answer->n_nodes && answer->nodes[to].group == answer->nodes[from].group)
            to++;
        struct purchase *purchase = &part->purchases[part->n_purchases];
        *purchase = (struct purchase){.solve = solve, .since = pass->now};
        int code = choose_nodes(pass, solve, &answer->nodes[from], to - from, purchase, err);
        if (code)
            return code;
        if (purchase->n && keep_limits(pass, part, purchase, err) < 0)
            return ERR_NOMEM;
        if (!purchase->n)
            continue;
        code = purchase_start(pass, purchase, err);
        if (code)
            return code;
        part->n_purchases++;
    }
    return 0;
}

/* A Provisioner that the planner refuses must not keep the others waiting: it is held, and told why. */
static void blame(struct pass *pass, const struct solve *solve)
{
    for (size_t i = 0; i < solve->objects.provisioners.len; i++) {
        const struct provisioner *provisioner = &solve->objects.provisioners.items[i];
        char start[300];
        snprintf(start, sizeof(start), "Provisioner %.*s:", STR_ARG(provisioner->name));
        if (!strstr(solve->err.message, start))
            continue;
        provisioner_hold(pass->control, provisioner, solve->code, "NotPlanned", "%s", solve->err.message);
    }
}

int carry_out(struct pass *pass, struct demand_part *part, struct err *err)
{
    struct solve *solve = part->running;
    part->running = NULL;
    part->plan = solve;
    part->n_purchases = 0;
    if (solve->code < 0) {
        log_event(control_effects(pass->control)->log, LOG_ERROR, "plan-failed", LOG_ERR(&solve->err));
        blame(pass, solve);
        part->again = clock_after(pass->now, AGAIN_MS);
        return 0;
    }
    tell_plan(pass, solve);
    control_count_plan(pass->control);
    part->fruitless = solve->result.answer.n_scheduled ? 0 : part->fruitless + 1;
    int code = use_existing(pass, part, err);
    if (!code)
        code = start_purchases(pass, part, err);
    if (!code)
        tell_pods(pass, part);
    else
        part->again = pass->now; /* what was not begun is planned again */
    return code;
}

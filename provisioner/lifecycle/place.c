/*
 * place.c - the plan is what happens: nodes that join are closed, their pods bound when they are ready, then opened.
 * Closed means cordoned: daemon pods come, others do not. (A taint alone keeps DaemonSets out.)
 */
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/bind.h"
#include "provisioner/lifecycle/node_change.h"
#include "provisioner/lifecycle/place_check.h"
#include "provisioner/lifecycle/register.h"
#include "provisioner/plan/volumes.h"

enum {
    TELL_WAIT_MS = 60000,   /* a node that is not ready so long after it joined: its claim says why */
    DRIVER_WAIT_MS = 60000, /* a CSI driver that the kubelet has not registered so long after a pod could be bound */
    SLOT_WAIT_MS = 60000,   /* a slot that nobody takes is given up after this long */
    BIND_WAIT_MS = 300000,  /* one whose pod the API server does not let us bind: kube-scheduler may */
    YIELDS_MAX = 1024,      /* how many of the last yields are remembered */
    OPEN_HOLD_MS = 60000,   /* as long as pods wait for nodes of their own */
    OPEN_WAIT_MS = 2000     /* kube-scheduler may see a node open before it sees who was bound there: two watches */
};

/* What a slot waits for. */
enum slot_state {
    SLOT_DONE,      /* its pod is bound, or not ours to bind any more */
    SLOT_VACANT,    /* its pod is gone: another of its shape may come */
    SLOT_SUCCESSOR, /* its pod runs on a node that is going: the one that follows it will come */
    SLOT_SCHEDULER, /* kube-scheduler, or another, has work to do first: the room is kept, the node need not be closed
                     */
    SLOT_BINDING,   /* asked for, not answered yet */
    SLOT_READY      /* to be bound */
};

/* Since when a slot waits for somebody, or a node whose pods are bound waits to be opened. */
struct vacancy {
    uint64_t key;
    struct clock_mono since;
    uint64_t pass; /* when it was seen last */
};

struct place {
    struct bindings bindings;
    struct place_yields yields;
    VEC(struct vacancy) vacancies;
    size_t at; /* where the next one is looked for first: passes go over slots in the same order */
    uint64_t passes;
};

static void place_release(void *part)
{
    struct place *place = part;
    bindings_release(&place->bindings);
    VEC_FREE(&place->yields.pods);
    VEC_FREE(&place->yields.claims);
    VEC_FREE(&place->vacancies);
}

/* One claim that is being looked at, with what became of its slots. */
struct spot {
    const struct view_claim *view;
    const struct node_claim *claim;
    const struct node *node;
    uint32_t index;
    uint8_t *states;      /* [n_slots] enum slot_state */
    uint8_t *given_up;    /* [n_slots] */
    uint32_t *taken_over; /* [n_slots] the pod that is bound in another's stead, VIEW_NONE */
    size_t n_changed;     /* slots that are to be written anew */
};

/* Pods that wait for nodes on which they have slots, looked for once a pass. */
enum others { OTHERS_NOT_COUNTED, OTHERS_NONE, OTHERS_WAIT };

struct placing {
    struct pass *pass;
    enum others others;
    struct place *place;
    struct volumes volumes; /* opened for the first node that is looked at */
    VEC(struct spot) spots;
    VEC(struct place_candidate) candidates;
};

static void placing_release(struct placing *placing)
{
    VEC_FREE(&placing->spots);
    VEC_FREE(&placing->candidates);
    volumes_close(&placing->volumes);
}

/* Slots. */

static bool has_unbound_volume(const struct placing *placing, const struct pod *pod)
{
    for (size_t i = 0; i < pod->n_claims; i++) {
        const struct volume_claim *claim = volumes_claim(&placing->volumes, pod->namespace_, pod->claims[i]);
        if (!claim || !claim->volume_name.len || claim->unbound)
            return true;
    }
    return false;
}

/* Volumes are chosen, devices allocated and gangs held back by schedulers: a binding of ours would pass them by. */
static bool left_to_scheduler(const struct placing *placing, const struct pod *pod)
{
    const struct pod_spec *spec = placing->pass->view.objects.specs.items[pod->spec];
    bool other = spec->scheduler_name.len && !str_is(spec->scheduler_name, "default-scheduler");
    return other || spec->gated || spec->resource_claims || has_unbound_volume(placing, pod);
}

static bool node_is_leaving(const struct pass *pass, struct str name)
{
    uint32_t node = view_node(&pass->view, name);
    if (node == VIEW_NONE)
        return true;
    uint32_t claim = pass->view.nodes[node].claim;
    return claim != VIEW_NONE && pass->view.claims[claim].claim->phase >= CLAIM_DRAINING;
}

static enum slot_state slot_state(const struct placing *placing, const struct spot *spot, uint32_t pod_index)
{
    const struct pass *pass = placing->pass;
    const struct view *view = &pass->view;
    if (pod_index == VIEW_NONE)
        return SLOT_VACANT;
    const struct pod *pod = &view->objects.pods.items[pod_index];
    if (view_pod(view, pod->namespace_, pod->name) != pod_index)
        return SLOT_SUCCESSOR; /* stands for the one that will follow a pod whose node goes */
    if (view->places[pod_index] == VIEW_POD_BOUND || (pod_ended(pod) && pod->node_name.len)) {
        if (str_eq(pod->node_name, spot->claim->node_name) || !node_is_leaving(pass, pod->node_name))
            return SLOT_DONE;
        return pod_ended(pod) ? SLOT_VACANT : SLOT_SUCCESSOR;
    }
    if (pod_ended(pod) || pod->deleting)
        return SLOT_VACANT;
    if (view->pod_claims[pod_index] != spot->index)
        return SLOT_DONE; /* another claim serves it */
    if (left_to_scheduler(placing, pod))
        return SLOT_SCHEDULER;
    return control_busy(pass->control, CLUSTER_POD, pod->namespace_, pod->name) ? SLOT_BINDING : SLOT_READY;
}

/* Of a slot of the claim, or ("") of its node. */
static uint64_t vacancy_key(const struct spot *spot, struct str slot_uid)
{
    return str_hash(spot->claim->uid) * 31 + str_hash(slot_uid);
}

static struct vacancy *find_vacancy(struct place *place, uint64_t key)
{
    for (size_t i = 0; i < place->vacancies.len; i++) {
        size_t at = (place->at + i) % place->vacancies.len;
        if (place->vacancies.items[at].key != key)
            continue;
        place->at = at + 1;
        return &place->vacancies.items[at];
    }
    return NULL;
}

/* How long this slot of the claim ("": its node) has waited, counted from when it was first asked. */
static int waited_ms(struct placing *placing, const struct spot *spot, struct str slot_uid, int64_t *ret,
                     struct err *err)
{
    struct place *place = placing->place;
    uint64_t key = vacancy_key(spot, slot_uid);
    struct clock_mono now = placing->pass->now;
    struct vacancy *vacancy = find_vacancy(place, key);
    if (vacancy) {
        vacancy->pass = place->passes;
        *ret = (now.ns - vacancy->since.ns) / 1000000;
        return 0;
    }
    *ret = 0;
    return VEC_PUSH(&place->vacancies, ((struct vacancy){key, now, place->passes})) ? 0 : err_nomem(err);
}

static void forget_vacancies(struct place *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < place->vacancies.len; i++)
        if (place->vacancies.items[i].pass == place->passes)
            place->vacancies.items[kept++] = place->vacancies.items[i];
    place->vacancies.len = kept;
}

/* The oldest are forgotten: who had room kept for it so long ago may have it once more. */
static void forget_yields(struct place_yields *yields)
{
    size_t n_old = yields->pods.len > YIELDS_MAX ? yields->pods.len - YIELDS_MAX : 0;
    for (size_t i = n_old; n_old && i < yields->pods.len; i++) {
        yields->pods.items[i - n_old] = yields->pods.items[i];
        yields->claims.items[i - n_old] = yields->claims.items[i];
    }
    yields->pods.len -= n_old;
    yields->claims.len -= n_old;
}

static void give_up(struct placing *placing, struct spot *spot, size_t slot, const char *why)
{
    struct control *control = placing->pass->control;
    const struct claim_slot *given = &spot->claim->slots[slot];
    if (spot->given_up[slot])
        return;
    spot->given_up[slot] = true;
    spot->n_changed++;
    if (control_busy(control, CLUSTER_NODE_CLAIM, STR(""), spot->claim->name))
        return; /* said again when it can be written */
    log_event(control_effects(control)->log, LOG_INFO, "slot-given-up", LOG_S("claim", spot->claim->name),
              LOG_S("node", spot->claim->node_name), LOG_S("namespace", given->namespace_), LOG_S("pod", given->name),
              LOG_C("why", why));
    if (spot->view->pods[slot] != VIEW_NONE)
        control_event(control, CLUSTER_POD, given->namespace_, given->name, given->uid, EVENT_WARNING, "PlacedAnew",
                      "not bound to node %.*s: %s", STR_ARG(spot->claim->node_name), why);
}

/* No slot waits for ever. */
static int give_up_after(struct placing *placing, struct spot *spot, size_t slot, int64_t most_ms, const char *why,
                         struct err *err)
{
    int64_t waited;
    if (waited_ms(placing, spot, spot->claim->slots[slot].uid, &waited, err) < 0)
        return ERR_NOMEM;
    if (waited >= most_ms)
        give_up(placing, spot, slot, why);
    else
        control_wake_at(placing->pass->control, clock_after(placing->pass->now, most_ms - waited));
    return 0;
}

static int look_at_slots(struct placing *placing, struct spot *spot, struct err *err)
{
    size_t n = spot->claim->n_slots;
    spot->states = arena_array(placing->pass->arena, uint8_t, n);
    spot->given_up = arena_array(placing->pass->arena, uint8_t, n);
    spot->taken_over = arena_array(placing->pass->arena, uint32_t, n);
    if (!spot->states || !spot->given_up || !spot->taken_over)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        spot->taken_over[i] = VIEW_NONE;
        spot->states[i] = (uint8_t)slot_state(placing, spot, spot->view->pods[i]);
    }
    return 0;
}

static size_t count(const struct spot *spot, enum slot_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < spot->claim->n_slots; i++)
        n += spot->states[i] == (uint8_t)state && !spot->given_up[i];
    return n;
}

static struct claim_slot slot_now(const struct placing *placing, const struct spot *spot, size_t slot)
{
    struct claim_slot now = spot->claim->slots[slot];
    if (spot->taken_over[slot] != VIEW_NONE) {
        const struct pod *pod = &placing->pass->view.objects.pods.items[spot->taken_over[slot]];
        now.namespace_ = pod->namespace_;
        now.name = pod->name;
        now.uid = pod->uid;
    }
    return now;
}

/* The claim without the slots that were given up, and with the names of those who have taken slots over. */
static int write_slots(struct placing *placing, const struct spot *spot, struct err *err)
{
    struct claim_slot *kept = arena_array(placing->pass->arena, struct claim_slot, spot->claim->n_slots);
    if (!kept)
        return err_nomem(err);
    struct node_claim claim = *spot->claim;
    claim.slots = kept;
    claim.n_slots = 0;
    for (size_t i = 0; i < spot->claim->n_slots; i++)
        if (!spot->given_up[i])
            kept[claim.n_slots++] = slot_now(placing, spot, i);
    return control_patch_spec(placing->pass->control, &claim, "slots", err);
}

/* Nodes. */

static bool is_own_taint(const struct node_claim *claim, const struct taint *taint)
{
    for (size_t i = 0; i < claim->taints.n; i++)
        if (str_eq(claim->taints.items[i].key, taint->key) && claim->taints.items[i].effect == taint->effect)
            return true;
    return false;
}

/* A taint that is not of the claim was put on at start, by whomever: it goes when the node is ready for pods. */
static const struct taint *startup_taint(const struct node_claim *claim, const struct node *node)
{
    for (size_t i = 0; i < node->taints.n; i++) {
        const struct taint *taint = &node->taints.items[i];
        if (taint->effect != EFFECT_PREFER_NO_SCHEDULE && !is_own_taint(claim, taint) &&
            !str_is(taint->key, "node.kubernetes.io/unschedulable"))
            return taint;
    }
    return NULL;
}

static bool is_asked_for(const struct pass *pass, const struct view_claim *view, struct str resource)
{
    const struct objects *objects = &pass->view.objects;
    for (size_t i = 0; i < view->claim->n_slots; i++)
        if (view->pods[i] != VIEW_NONE &&
            resources_get(&objects->specs.items[objects->pods.items[view->pods[i]].spec]->requests, resource) > 0)
            return true;
    return false;
}

/*
 * A device that a pod of the plan asks for and that its plug-in has not reported yet. Those that the machine has beside
 * (network adapters for EFA) may have no plug-in at all.
 */
static const struct cloud_resource *missing_device(const struct pass *pass, const struct view_claim *view,
                                                   const struct node *node)
{
    for (size_t i = 0; i < view->claim->allocatable.n; i++) {
        const struct cloud_resource *planned = &view->claim->allocatable.items[i];
        bool device = !str_is(planned->name, "cpu") && !str_is(planned->name, "memory") &&
                      !str_is(planned->name, "ephemeral-storage") && !str_is(planned->name, "pods");
        if (device && resources_get(&node->allocatable, planned->name) < planned->amount &&
            is_asked_for(pass, view, planned->name))
            return planned;
    }
    return NULL;
}

/* What a node waits for before pods may be bound to it; NULL: nothing, or memory ran out (*ret_nomem). */
static const char *not_ready_because(struct pass *pass, const struct view_claim *view, const struct node *node,
                                     bool *ret_nomem)
{
    const char *why = NULL;
    const struct taint *taint = startup_taint(view->claim, node);
    const struct cloud_resource *device = missing_device(pass, view, node);
    *ret_nomem = false;
    if (!node->ready)
        return "the node is not Ready";
    if (taint)
        why = arena_printf(pass->arena, "the node has the taint %.*s", STR_ARG(taint->key));
    else if (device)
        why = arena_printf(pass->arena, "the node does not report %.*s", STR_ARG(device->name));
    *ret_nomem = !why && (taint || device);
    return why;
}

static bool runs_pods(const struct pass *pass, const struct spot *spot)
{
    const struct view_node *node = &pass->view.nodes[spot->view->node];
    for (uint32_t i = 0; i < node->n_pods; i++)
        if (pass->view.places[node->pods[i]] == VIEW_POD_BOUND &&
            !pod_of_node(&pass->view.objects.pods.items[node->pods[i]]))
            return true;
    return false;
}

/* What takes unusually long is said where people look. */
static int tell_why(struct pass *pass, const struct spot *spot, const char *why, struct err *err)
{
    if (str_is(spot->claim->message, why) ||
        control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), spot->claim->name))
        return 0;
    struct node_claim told = *spot->claim;
    told.message = str_of(why);
    log_event(control_effects(pass->control)->log, LOG_WARN, "node-waits", LOG_S("claim", spot->claim->name),
              LOG_S("node", spot->claim->node_name), LOG_C("why", why));
    return control_patch_status(pass->control, &told, "waits", err);
}

/* A node that never gets ready is no use: it goes, or, if pods came to it meanwhile, its slots do. */
static int wait_for_node(struct placing *placing, struct spot *spot, const char *why, struct err *err)
{
    struct pass *pass = placing->pass;
    int64_t timeout_ms = control_settings(pass->control)->register_timeout_ms;
    struct clock_wall end = clock_wall_after(spot->claim->registered, timeout_ms);
    struct clock_wall tell = clock_wall_after(spot->claim->registered, TELL_WAIT_MS);
    if (pass->wall.ns < end.ns) {
        control_wake_at_wall(pass->control, pass->wall.ns < tell.ns ? tell : end);
        return pass->wall.ns < tell.ns ? 0 : tell_why(pass, spot, why, err);
    }
    if (!runs_pods(pass, spot))
        return claim_drain(pass, spot->claim, "NotRegistered", (struct clock_wall){0}, why, err);
    for (size_t i = 0; i < spot->claim->n_slots; i++)
        if (spot->states[i] != SLOT_DONE)
            give_up(placing, spot, i, why);
    return 0;
}

static int say_initialized(struct pass *pass, const struct spot *spot, struct err *err)
{
    if (control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), spot->claim->name))
        return 0;
    struct node_claim moved = *spot->claim;
    moved.initialized = pass->wall;
    moved.message = STR("");
    claim_move(pass->control, &moved, CLAIM_INITIALIZED);
    return control_patch_status(pass->control, &moved, "initialize", err);
}

/* Does a pod wait for a node that has a slot for it? kube-scheduler would put it on the first open one with room. */
static bool others_wait(struct placing *placing)
{
    const struct view *view = &placing->pass->view;
    for (uint32_t i = 0; i < view->objects.pods.len && placing->others == OTHERS_NOT_COUNTED; i++)
        if (view->places[i] == VIEW_POD_HAS_SLOT && !left_to_scheduler(placing, &view->objects.pods.items[i]))
            placing->others = OTHERS_WAIT;
    if (placing->others == OTHERS_NOT_COUNTED)
        placing->others = OTHERS_NONE;
    return placing->others == OTHERS_WAIT;
}

/*
 * True where the node runs pods that kube-scheduler may not have seen there yet: it would bind others into their room;
 * and, for a while, where pods wait for nodes of their own: whoever comes meanwhile is placed here by a plan. Room that
 * was given to a pod with more right is not kept from it.
 */
static int is_held(struct placing *placing, const struct spot *spot, bool opening, bool *ret, struct err *err)
{
    int64_t waited = OPEN_HOLD_MS, most = OPEN_WAIT_MS;
    const struct place_yields *yields = &placing->place->yields;
    bool yielded = place_has_yielded(yields->claims.items, yields->claims.len, spot->claim->uid);
    bool runs = runs_pods(placing->pass, spot);
    if (!yielded && (opening || runs) && waited_ms(placing, spot, STR(""), &waited, err) < 0)
        return ERR_NOMEM;
    if (runs && !count(spot, SLOT_SCHEDULER) && others_wait(placing))
        most = OPEN_HOLD_MS;
    *ret = waited < most;
    if (*ret)
        control_wake_at(placing->pass->control, clock_after(placing->pass->now, most - waited));
    return 0;
}

/* Once nothing waits to be bound: open, and, when that is seen, Initialized. */
static int finish(struct placing *placing, const struct spot *spot, struct err *err)
{
    struct pass *pass = placing->pass;
    bool held;
    if (count(spot, SLOT_READY) || count(spot, SLOT_BINDING))
        return 0;
    /* A slot that was served is not vacant again because its pod ended while the node waited to be opened. */
    bool opening = find_vacancy(placing->place, vacancy_key(spot, STR(""))) != NULL;
    if (!opening && (count(spot, SLOT_VACANT) || count(spot, SLOT_SUCCESSOR)))
        return 0;
    int code = is_held(placing, spot, opening, &held, err);
    if (code)
        return code;
    if (!spot->node->unschedulable)
        return say_initialized(pass, spot, err);
    return held ? 0 : node_change(pass, spot->node, &(struct node_change){.door = NODE_OPEN}, "open", err);
}

/* A CSI driver of the pod's volumes that the node's kubelet has not registered yet; "" if there is none. */
static int missing_driver(const struct placing *placing, const struct spot *spot, const struct pod *pod,
                          struct str *ret, struct err *err)
{
    CC_CLEANUP(attachments_release) struct attachments volumes = {.list = {.len = 0}};
    *ret = STR("");
    if (!pod_has_volumes(pod))
        return 0;
    if (volumes_attach(&placing->volumes, pod, &volumes, err) < 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < volumes.list.len && !ret->len; i++)
        if (!volumes_registered(&placing->volumes, spot->node->name, volumes.list.items[i].driver))
            *ret = volumes.list.items[i].driver;
    return 0;
}

/*
 * Until the driver of its volumes is registered it is not known how many the node can attach, and nothing could mount
 * them. A driver that takes too long is not waited for: the pod is bound within what was planned, as kube-scheduler
 * would, and its kubelet says what is missing.
 */
static int add_candidate(struct placing *placing, const struct spot *spot, size_t slot, struct err *err)
{
    struct pass *pass = placing->pass;
    uint32_t pod = spot->view->pods[slot];
    struct str driver;
    int64_t waited = 0;
    if (missing_driver(placing, spot, &pass->view.objects.pods.items[pod], &driver, err) < 0 ||
        (driver.len && waited_ms(placing, spot, spot->claim->slots[slot].uid, &waited, err) < 0))
        return ERR_NOMEM;
    if (driver.len && waited < DRIVER_WAIT_MS) {
        control_wake_at(pass->control, clock_after(pass->now, DRIVER_WAIT_MS - waited));
        return 0;
    }
    struct place_candidate candidate = {spot->index, (uint32_t)slot, pod, false, NULL};
    return VEC_PUSH(&placing->candidates, candidate) ? 0 : err_nomem(err);
}

/* A pod that is to be bound, until it is, or the API server has refused it for long. */
static int look_at_pod(struct placing *placing, struct spot *spot, size_t slot, struct err *err)
{
    if (spot->states[slot] != SLOT_READY && spot->states[slot] != SLOT_BINDING)
        return 0;
    if (give_up_after(placing, spot, slot, BIND_WAIT_MS, "the API server has not taken the binding", err) < 0)
        return ERR_NOMEM;
    bool ready = spot->states[slot] == SLOT_READY && !spot->given_up[slot];
    return ready ? add_candidate(placing, spot, slot, err) : 0;
}

/* A registered node: its ready slots become candidates, the others are looked after. */
static int prepare_spot(struct placing *placing, struct spot *spot, struct err *err)
{
    bool nomem;
    if (!placing->volumes.objects && volumes_open(&placing->pass->view.objects, &placing->volumes, err) < 0)
        return ERR_NOMEM;
    const char *why = not_ready_because(placing->pass, spot->view, spot->node, &nomem);
    if (nomem)
        return err_nomem(err);
    if (look_at_slots(placing, spot, err) < 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < spot->claim->n_slots; i++)
        if (spot->states[i] == SLOT_VACANT &&
            give_up_after(placing, spot, i, SLOT_WAIT_MS, "its pod is gone, and no other of its kind has come", err) <
                0)
            return ERR_NOMEM;
    if (why)
        return wait_for_node(placing, spot, why, err);
    for (size_t i = 0; i < spot->claim->n_slots && !placed_by_scheduler(spot->node); i++)
        if (look_at_pod(placing, spot, i, err) < 0)
            return ERR_NOMEM;
    return 0;
}

static int look_at_claim(struct placing *placing, uint32_t index, struct err *err)
{
    struct pass *pass = placing->pass;
    const struct view_claim *view = &pass->view.claims[index];
    const struct node *node = claim_node(pass, view);
    struct spot spot = {.view = view, .claim = view->claim, .node = node, .index = index};
    if (!node || node->deleting || view->claim->deleting)
        return 0;
    if (view->claim->phase == CLAIM_LAUNCHED)
        return register_node(pass, view->claim, node, err);
    if (view->claim->phase != CLAIM_REGISTERED)
        return 0;
    int code = prepare_spot(placing, &spot, err);
    if (code == 0 && !VEC_PUSH(&placing->spots, spot))
        code = err_nomem(err);
    return code;
}

static struct spot *spot_of(struct placing *placing, uint32_t claim)
{
    size_t low = 0, high = placing->spots.len;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (placing->spots.items[middle].index <= claim)
            low = middle;
        else
            high = middle;
    }
    return &placing->spots.items[low];
}

/* All that fit are bound, nodes and pods in parallel; what does not fit is planned again. */
static int bind_candidates(struct placing *placing, struct err *err)
{
    struct pass *pass = placing->pass;
    size_t n = placing->candidates.len;
    int code = place_check(pass, &placing->place->yields, placing->candidates.items, n, err);
    if (code == ERR_INVALID) {
        log_event(control_effects(pass->control)->log, LOG_ERROR, "place-check-failed", LOG_ERR(err));
        return 0;
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        const struct place_candidate *candidate = &placing->candidates.items[i];
        struct spot *spot = spot_of(placing, candidate->claim);
        const struct pod *pod = &pass->view.objects.pods.items[candidate->pod];
        if (!candidate->fits) {
            give_up(placing, spot, candidate->slot, candidate->why);
            continue;
        }
        code = bind_pod(pass, &placing->place->bindings, pod, spot->node->name, err);
        if (!str_eq(pod->uid, spot->claim->slots[candidate->slot].uid)) {
            spot->taken_over[candidate->slot] = candidate->pod;
            spot->n_changed++;
        }
    }
    return code;
}

static int settle(struct placing *placing, struct spot *spot, struct err *err)
{
    bool nomem = false;
    if (spot->n_changed)
        return write_slots(placing, spot, err);
    if (spot->claim->phase != CLAIM_REGISTERED || not_ready_because(placing->pass, spot->view, spot->node, &nomem) ||
        nomem)
        return nomem ? err_nomem(err) : 0;
    if (placed_by_scheduler(spot->node))
        return say_initialized(placing->pass, spot, err);
    return finish(placing, spot, err);
}

int place_pass(struct pass *pass, struct err *err)
{
    struct place *place = control_part(pass->control, PART_PLACE, sizeof(*place), place_release);
    if (!place)
        return err_nomem(err);
    CC_CLEANUP(placing_release) struct placing placing = {.pass = pass, .place = place};
    place->passes++;
    place->at = 0;
    int code = 0;
    for (uint32_t i = 0; i < pass->view.n_claims && code == 0; i++)
        code = look_at_claim(&placing, i, err);
    if (code == 0)
        code = bind_candidates(&placing, err);
    for (size_t i = 0; i < placing.spots.len && code == 0; i++)
        code = settle(&placing, &placing.spots.items[i], err);
    if (code == 0)
        forget_vacancies(place);
    forget_yields(&place->yields);
    return code;
}

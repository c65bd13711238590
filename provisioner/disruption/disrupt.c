/* disrupt.c - nodes that are given back of our own will: those that are empty, and those that have grown old. */
#include <stdlib.h>

#include "provisioner/lifecycle/controllers.h"
#include "provisioner/lifecycle/node_change.h"

enum {
    CLOSED_MS = 300,          /* bindings that kube-scheduler has sent off when a node is closed have come by then */
    AWAITED_MS = 60000,       /* how long an opened node is kept for pods that kube-scheduler is to bind to it */
    CONSOLIDATION_TTL_S = 15, /* ttlSecondsAfterEmpty by consolidation.enabled. Source: karpenter, consolidationTTL */
    ABANDONED_TTL_S = 30      /* ttlSecondsAfterEmpty of nodes whose Provisioner is gone */
};

/* What a pass must know of the one before, to date the end of pods that leave no trace. */
struct seen {
    uint64_t claim;           /* hash of its uid */
    VEC(uint64_t) pods;       /* hashes of uids of those that ran */
    int64_t since_ns;         /* empty since, whether it could be written down or not; 0: not empty */
    bool closed_by_us;        /* cordoned to be given back */
    struct clock_mono closed; /* when it was first seen so; 0: it is not to be given back */
    uint64_t pass;            /* when it was seen last */
};

struct disrupt {
    VEC(struct seen) seen;
    size_t at; /* where the next one is looked for first: passes go over claims in the same order */
    uint64_t passes;
};

static void disrupt_release(void *part)
{
    struct disrupt *disrupt = part;
    for (size_t i = 0; i < disrupt->seen.len; i++)
        VEC_FREE(&disrupt->seen.items[i].pods);
    VEC_FREE(&disrupt->seen);
}

static struct seen *find_seen(struct disrupt *disrupt, const struct node_claim *claim, bool *ret_new)
{
    uint64_t key = str_hash(claim->uid);
    *ret_new = false;
    for (size_t i = 0; i < disrupt->seen.len; i++) {
        size_t at = (disrupt->at + i) % disrupt->seen.len;
        if (disrupt->seen.items[at].claim != key)
            continue;
        disrupt->at = at + 1;
        return &disrupt->seen.items[at];
    }
    *ret_new = true;
    if (!VEC_PUSH(&disrupt->seen, ((struct seen){.claim = key})))
        return NULL;
    return &disrupt->seen.items[disrupt->seen.len - 1];
}

static void forget_unseen(struct disrupt *disrupt)
{
    size_t kept = 0;
    for (size_t i = 0; i < disrupt->seen.len; i++) {
        struct seen *seen = &disrupt->seen.items[i];
        if (seen->pass == disrupt->passes)
            disrupt->seen.items[kept++] = *seen;
        else
            VEC_FREE(&seen->pods);
    }
    disrupt->seen.len = kept;
}

/* A claim's node, and what is on it. */
struct holding {
    const struct view_claim *view;
    const struct node_claim *claim;
    const struct node *node;
    const struct provisioner *provisioner; /* NULL: gone, or not to be read */
    bool empty;
};

/* A pod that keeps its node from being empty. */
static bool is_running(const struct pass *pass, const struct pod *pod)
{
    if (pod_of_node(pod) || pass->wall.ns >= pod_stuck_at(pod).ns)
        return false;
    if (pod->ends.ns)
        control_wake_at_wall(pass->control, pod_stuck_at(pod));
    return true;
}

/* Pods that were left to kube-scheduler are on their way to a node that has just been opened. */
static bool is_awaited(const struct pass *pass, const struct holding *at)
{
    struct clock_wall end = clock_wall_after(at->claim->initialized, AWAITED_MS);
    if (pass->wall.ns >= end.ns)
        return false;
    for (size_t i = 0; i < at->claim->n_slots; i++) {
        uint32_t index = at->view->pods[i];
        const struct pod *pod = index == VIEW_NONE ? NULL : &pass->view.objects.pods.items[index];
        if (!pod || pass->view.places[index] != VIEW_POD_WAITS || pod_ended(pod) || pod->deleting)
            continue;
        control_wake_at_wall(pass->control, end);
        return true;
    }
    return false;
}

static struct holding hold(const struct pass *pass, uint32_t index)
{
    const struct view *view = &pass->view;
    struct holding at = {.view = &view->claims[index], .claim = view->claims[index].claim};
    at.node = claim_node(pass, at.view);
    at.provisioner = state_provisioner(pass->state, at.claim->provisioner);
    if (!at.node)
        return at;
    const struct view_node *node = &view->nodes[at.view->node];
    at.empty = !is_awaited(pass, &at);
    for (uint32_t i = 0; i < node->n_pods && at.empty; i++)
        at.empty = !is_running(pass, &view->objects.pods.items[node->pods[i]]);
    return at;
}

/* Why the node must not be disturbed of our own will; NULL: it may. */
static const char *blocked_by(const struct pass *pass, const struct holding *at)
{
    const struct view_node *node = &pass->view.nodes[at->view->node];
    const char *why = at->node->do_not_disrupt ? "the node is marked as not to be disrupted" : NULL;
    for (uint32_t i = 0; i < node->n_pods && !why; i++)
        why = disruption_blocked(&pass->view, node->pods[i]);
    /* A replacement would stand idle beside the node until the budget allows something. */
    for (uint32_t i = 0; i < node->n_pods && !why; i++)
        if (!pod_of_node(&pass->view.objects.pods.items[node->pods[i]]))
            why = disruption_forbidden(&pass->view, node->pods[i]);
    return why;
}

static bool is_among(const struct seen *seen, uint64_t uid)
{
    for (size_t i = 0; i < seen->pods.len; i++)
        if (seen->pods.items[i] == uid)
            return true;
    return false;
}

/* Ends of pods, by node, of a whole pass: ended pods are in no list of a node's. */
struct ending {
    uint32_t node;
    uint64_t uid;
    int64_t end_ns;
};

struct endings {
    VEC(struct ending) all; /* by node */
};

static void endings_release(struct endings *endings)
{
    VEC_FREE(&endings->all);
}

static int compare_endings(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;
    return (x->node > y->node) - (x->node < y->node);
}

static int find_endings(const struct pass *pass, struct endings *endings, struct err *err)
{
    const struct view *view = &pass->view;
    for (size_t i = 0; i < view->objects.pods.len; i++) {
        const struct pod *pod = &view->objects.pods.items[i];
        if (!pod_ended(pod) || pod_of_node(pod) || !pod->node_name.len || !pod->finished.ns)
            continue;
        uint32_t node = view_node(view, pod->node_name);
        struct ending ending = {node, str_hash(pod->uid), pod->finished.ns};
        if (node != VIEW_NONE && !VEC_PUSH(&endings->all, ending))
            return err_nomem(err);
    }
    if (endings->all.len)
        qsort(endings->all.items, endings->all.len, sizeof(endings->all.items[0]), compare_endings);
    return 0;
}

/* The first of a node's, by bisection. */
static size_t first_ending(const struct endings *endings, uint32_t node)
{
    size_t low = 0, high = endings->all.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (endings->all.items[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * Since when the node is empty: the latest of the last end that a pod of it reports, of now where a pod that ran in the
 * pass before is gone without a word, and of what was written down. A node that never had a pod counts from
 * Initialized; where nobody knows (a controller that has just started), from now.
 */
static int64_t empty_since(const struct pass *pass, const struct endings *endings, const struct holding *at,
                           const struct seen *seen, bool is_new)
{
    size_t reported = 0;
    int64_t since = at->claim->empty_since.ns > seen->since_ns ? at->claim->empty_since.ns : seen->since_ns;
    /* The next full second: finishedAt has no fraction either, and it must not be too early. */
    int64_t now_ns = (pass->wall.ns + NS_PER_S - 1) / NS_PER_S * NS_PER_S;
    for (size_t i = first_ending(endings, at->view->node);
         i < endings->all.len && endings->all.items[i].node == at->view->node; i++) {
        const struct ending *ending = &endings->all.items[i];
        reported += is_among(seen, ending->uid);
        if (ending->end_ns > since)
            since = ending->end_ns;
    }
    if (reported < seen->pods.len)
        return now_ns;
    if (at->claim->initialized.ns > since)
        since = at->claim->initialized.ns;
    bool known = !is_new || since > at->claim->initialized.ns || at->claim->empty_since.ns;
    return known ? since : now_ns;
}

static int note_running(const struct pass *pass, const struct holding *at, struct seen *seen, struct err *err)
{
    const struct view *view = &pass->view;
    const struct view_node *node = &view->nodes[at->view->node];
    seen->pods.len = 0;
    for (uint32_t i = 0; i < node->n_pods; i++) {
        const struct pod *pod = &view->objects.pods.items[node->pods[i]];
        if (is_running(pass, pod) && !VEC_PUSH(&seen->pods, str_hash(pod->uid)))
            return err_nomem(err);
    }
    return 0;
}

static int write_empty_since(struct pass *pass, const struct holding *at, int64_t ns, struct err *err)
{
    struct node_claim claim = *at->claim;
    claim.empty_since = (struct clock_wall){ns};
    return control_patch_status(pass->control, &claim, "empty-since", err);
}

/* Closed first, and looked at for a moment more: a pod may have been bound while we decided. */
static int give_back(struct pass *pass, const struct holding *at, struct seen *seen, struct err *err)
{
    if (!at->node->unschedulable) {
        seen->closed_by_us = true;
        return node_change(pass, at->node, &(struct node_change){.door = NODE_CLOSE}, "close-empty", err);
    }
    if (!seen->closed.ns)
        seen->closed = pass->now;
    struct clock_mono sure = clock_after(seen->closed, CLOSED_MS);
    if (pass->now.ns < sure.ns) {
        control_wake_at(pass->control, sure);
        return 0;
    }
    const char *message = arena_printf(pass->arena, "no pod for %lld s%s",
                                       (long long)((pass->wall.ns - at->claim->empty_since.ns) / NS_PER_S),
                                       at->provisioner ? "" : ", and its Provisioner is gone");
    if (!message)
        return err_nomem(err);
    return claim_drain(pass, at->claim, "Empty", (struct clock_wall){0}, message, err);
}

/* -1: never. Where the Provisioner is gone nobody will want the node; one that cannot be read now may be mended. */
static int64_t ttl_after_empty_s(const struct pass *pass, const struct holding *at)
{
    if (at->node->do_not_disrupt)
        return -1;
    if (at->provisioner)
        return at->provisioner->consolidation ? CONSOLIDATION_TTL_S : at->provisioner->ttl_after_empty_s;
    bool refused = state_findings(pass->state, CLUSTER_PROVISIONER, at->claim->provisioner).len ||
                   state_findings(pass->state, CLUSTER_KARPENTER_PROVISIONER, at->claim->provisioner).len;
    return refused ? -1 : ABANDONED_TTL_S;
}

/* Has it been empty, as is written down, for as long as is allowed? Else comes back when it will have been. */
static bool is_due(struct pass *pass, const struct holding *at)
{
    int64_t ttl_s = ttl_after_empty_s(pass, at);
    if (!at->claim->empty_since.ns || ttl_s < 0)
        return false;
    struct clock_wall due = {at->claim->empty_since.ns + ttl_s * NS_PER_S};
    if (pass->wall.ns >= due.ns)
        return true;
    control_wake_at_wall(pass->control, due);
    return false;
}

static int look_at_empty(struct pass *pass, const struct endings *endings, const struct holding *at, struct seen *seen,
                         bool is_new, struct err *err)
{
    seen->since_ns = at->empty ? empty_since(pass, endings, at, seen, is_new) : 0;
    bool same = seen->since_ns == at->claim->empty_since.ns, due = is_due(pass, at);
    if (at->empty && !same)
        return write_empty_since(pass, at, seen->since_ns, err);
    if (at->empty && due)
        return give_back(pass, at, seen, err);
    seen->closed.ns = 0;
    /* A process before this one may have closed it, and not have lived to see that a pod came. */
    seen->closed_by_us |= is_new && due;
    if (seen->closed_by_us && at->node->unschedulable)
        return node_change(pass, at->node, &(struct node_change){.door = NODE_OPEN}, "open-again", err);
    if (!same)
        return write_empty_since(pass, at, 0, err);
    if (!control_busy(pass->control, CLUSTER_NODE, STR(""), at->node->name))
        seen->closed_by_us = false;
    return 0;
}

/* Nodes of a Provisioner that may be on their way out for age at once: a tenth of them, at least one. */
static bool may_expire(const struct pass *pass, struct str provisioner)
{
    size_t n = 0, going = 0;
    for (uint32_t i = 0; i < pass->view.n_claims; i++) {
        const struct node_claim *claim = pass->view.claims[i].claim;
        if (!str_eq(claim->provisioner, provisioner))
            continue;
        n++;
        going += claim->phase >= CLAIM_DRAINING && str_is(claim->drain_reason, "Expired");
    }
    return going < (n / 10 ? n / 10 : 1);
}

/* That it is old, and what keeps it all the same, is said where people look. */
static int tell_blocked(struct pass *pass, const struct holding *at, const char *why, struct err *err)
{
    const char *text = arena_printf(pass->arena, "older than ttlSecondsUntilExpired, but stays: %s", why);
    if (!text)
        return err_nomem(err);
    if (str_is(at->claim->message, text))
        return 0;
    struct node_claim told = *at->claim;
    told.message = str_of(text);
    return control_patch_status(pass->control, &told, "blocked", err);
}

/* The replacement comes first: drain.c waits for it. */
static int look_at_age(struct pass *pass, const struct holding *at, bool *expiring, struct err *err)
{
    if (!at->provisioner || at->provisioner->ttl_until_expired_s < 0 || !at->node->created.ns)
        return 0;
    struct clock_wall due = {at->node->created.ns + at->provisioner->ttl_until_expired_s * NS_PER_S};
    if (pass->wall.ns < due.ns) {
        control_wake_at_wall(pass->control, due);
        return 0;
    }
    /* One decision a pass: the next one sees what became of it. */
    if (*expiring || control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), at->claim->name))
        return 0;
    const char *why = blocked_by(pass, at);
    if (why)
        return tell_blocked(pass, at, why, err);
    if (!may_expire(pass, at->claim->provisioner))
        return 0;
    *expiring = true;
    return claim_drain(pass, at->claim, "Expired", (struct clock_wall){0},
                       "the node is as old as ttlSecondsUntilExpired says", err);
}

static int look_at_claim(struct pass *pass, struct disrupt *disrupt, const struct endings *endings, uint32_t index,
                         bool *expiring, struct err *err)
{
    struct holding at = hold(pass, index);
    if (!at.node || (at.claim->phase != CLAIM_REGISTERED && at.claim->phase != CLAIM_INITIALIZED))
        return 0;
    bool is_new;
    struct seen *seen = find_seen(disrupt, at.claim, &is_new);
    if (!seen)
        return err_nomem(err);
    seen->pass = disrupt->passes;
    int code = 0;
    if (at.claim->phase == CLAIM_INITIALIZED && !at.claim->deleting && !at.node->deleting) {
        code = look_at_empty(pass, endings, &at, seen, is_new, err);
        if (code == 0)
            code = look_at_age(pass, &at, expiring, err);
    }
    return code ? code : note_running(pass, &at, seen, err);
}

int disrupt_pass(struct pass *pass, struct err *err)
{
    struct disrupt *disrupt = control_part(pass->control, PART_DISRUPT, sizeof(*disrupt), disrupt_release);
    if (!disrupt)
        return err_nomem(err);
    CC_CLEANUP(endings_release) struct endings endings = {0};
    bool expiring = false;
    disrupt->passes++;
    disrupt->at = 0;
    int code = find_endings(pass, &endings, err);
    for (uint32_t i = 0; i < pass->view.n_claims && code == 0; i++)
        code = look_at_claim(pass, disrupt, &endings, i, &expiring, err);
    if (code == 0)
        forget_unseen(disrupt);
    return code;
}

/* view_slots.c - who is in which slot: the pod that it was made for, or one of its kind that came after it. */
#include <stdlib.h>

#include "provisioner/state/view_internal.h"

/* A slot whose pod is gone. */
struct vacancy {
    const struct node_claim *claim;
    uint32_t c, slot;
};

/* A pod that could take one. */
struct candidate {
    const struct pod *pod;
    uint32_t index;
    uint64_t shape;
    bool copy;
};

struct slots {
    struct view_builder *b;
    uint32_t **pods; /* [n_claims] view_claim.pods, while it is written */
    struct vacancy *vacancies;
    size_t n_vacancies;
    struct candidate *candidates; /* sorted */
    size_t n_candidates;
    uint8_t *taken; /* [n_pods] candidates that have a slot */
};

/* The pod stands on the claim's node, by whatever name that has. */
static void seat(struct slots *slots, uint32_t c, uint32_t slot, uint32_t p)
{
    struct view_builder *b = slots->b;
    b->pods[p].node_name = b->nodes[b->view_claims[c].node].name;
    b->places[p] = VIEW_POD_HAS_SLOT;
    b->pod_claims[p] = c;
    slots->pods[c][slot] = p;
}

static bool claim_leaves(const struct view_builder *b, uint32_t node)
{
    uint32_t c = node == VIEW_NONE ? VIEW_NONE : b->view_nodes[node].claim;
    return node == VIEW_NONE || (c != VIEW_NONE && view_claim_leaves(&b->claims[c]));
}

/* A slot of a claim that starts, whose pod `p` is there. False: the pod will not come into it, so that it is vacant. */
static bool settle(struct slots *slots, uint32_t c, uint32_t slot, uint32_t p)
{
    struct view_builder *b = slots->b;
    uint32_t copy = b->copies ? b->copies[p] : VIEW_NONE;
    if (b->places[p] == VIEW_POD_HAS_SLOT)
        return true; /* another slot has it */
    if (b->places[p] == VIEW_POD_WAITS) {
        if (view_pod_ended(&b->pods[p]) || b->pods[p].deleting)
            return false;
        seat(slots, c, slot, p);
        return true;
    }
    if (b->pod_nodes[p] == b->view_claims[c].node)
        return true; /* it is where it was to be */
    if (copy != VIEW_NONE && b->places[copy] == VIEW_POD_WAITS)
        seat(slots, c, slot, copy);
    /* Where its node goes, one that has ended may be followed by another; one that ends without a copy already is. */
    bool followed = view_pod_ended(&b->pods[p]) || (b->pods[p].deleting && copy == VIEW_NONE);
    return !followed || !claim_leaves(b, b->pod_nodes[p]);
}

static int look_at_claim(struct slots *slots, uint32_t c, struct err *err)
{
    struct view_builder *b = slots->b;
    const struct node_claim *claim = &b->claims[c];
    bool holds = view_claim_starts(claim) && b->view_claims[c].node != VIEW_NONE;
    slots->pods[c] = arena_array(b->arena, uint32_t, claim->n_slots);
    if (!slots->pods[c])
        return err_nomem(err);
    b->view_claims[c].pods = slots->pods[c];
    for (uint32_t s = 0; s < claim->n_slots; s++) {
        const struct claim_slot *slot = &claim->slots[s];
        uint32_t p = table_find(&b->state->tables[CLUSTER_POD], slot->namespace_, slot->name);
        bool there = p != INDEX_NONE && str_eq(b->pods[p].uid, slot->uid);
        slots->pods[c][s] = there ? p : VIEW_NONE;
        if (holds && (!there || !settle(slots, c, s, p)))
            slots->vacancies[slots->n_vacancies++] = (struct vacancy){claim, c, s};
    }
    return 0;
}

static int by_claim(const void *left, const void *right)
{
    const struct vacancy *a = left, *b = right;
    int order = str_cmp(a->claim->name, b->claim->name);
    return order ? order : (a->slot > b->slot) - (a->slot < b->slot);
}

/* What must be equal: by shape, application and namespace. */
static int by_kind(uint64_t shape, struct str app, struct str namespace_, const struct candidate *b)
{
    if (shape != b->shape)
        return shape < b->shape ? -1 : 1;
    int order = str_cmp(app, b->pod->app);
    return order ? order : str_cmp(namespace_, b->pod->namespace_);
}

/* Within one kind: pods before copies, the older first. */
static int by_candidate(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int order = by_kind(a->shape, a->pod->app, a->pod->namespace_, b);
    if (order == 0)
        order = a->copy - b->copy;
    if (order == 0)
        order = (a->pod->created.ns > b->pod->created.ns) - (a->pod->created.ns < b->pod->created.ns);
    return order ? order : str_cmp(a->pod->name, b->pod->name);
}

static bool may_take(const struct view_builder *b, uint32_t p)
{
    const struct pod *pod = &b->pods[p];
    return b->places[p] == VIEW_POD_WAITS && pod->phase == POD_PENDING && !pod->deleting && !pod->daemon;
}

static int gather_candidates(struct slots *slots, struct err *err)
{
    struct view_builder *b = slots->b;
    size_t n = 0;
    for (uint32_t p = 0; p < b->n_pods; p++)
        n += may_take(b, p);
    slots->candidates = arena_array(b->arena, struct candidate, n);
    slots->taken = arena_array(b->arena, uint8_t, n);
    if (!slots->candidates || !slots->taken)
        return err_nomem(err);
    for (uint32_t p = 0; p < b->n_pods; p++) {
        const struct pod *pod = &b->pods[p];
        if (may_take(b, p))
            slots->candidates[slots->n_candidates++] = (struct candidate){
                pod, p, state_shape(b->state->specs.entries.items[pod->spec].hash, pod->role), p >= b->n_real_pods};
    }
    if (n)
        qsort(slots->candidates, n, sizeof(*slots->candidates), by_candidate);
    return 0;
}

/* 16 hex digits; false if the text is none of ours. */
static bool parse_shape(struct str text, uint64_t *ret)
{
    uint64_t shape = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        shape = shape << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret = shape;
    return text.len == STATE_SHAPE_BYTES - 1;
}

static void fill(struct slots *slots, const struct vacancy *vacancy)
{
    const struct claim_slot *slot = &vacancy->claim->slots[vacancy->slot];
    uint64_t shape;
    if (!parse_shape(slot->shape, &shape))
        return;
    size_t low = 0, high = slots->n_candidates;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_kind(shape, slot->app, slot->namespace_, &slots->candidates[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < slots->n_candidates; low++) {
        if (by_kind(shape, slot->app, slot->namespace_, &slots->candidates[low]) != 0)
            return;
        if (slots->taken[low])
            continue;
        slots->taken[low] = true;
        seat(slots, vacancy->c, vacancy->slot, slots->candidates[low].index);
        return;
    }
}

int view_build_slots(struct view_builder *b, struct err *err)
{
    struct slots slots = {.b = b};
    size_t n_slots = 0;
    for (uint32_t c = 0; c < b->n_claims; c++)
        n_slots += view_claim_starts(&b->claims[c]) ? b->claims[c].n_slots : 0;
    slots.pods = arena_array(b->arena, uint32_t *, b->n_claims);
    slots.vacancies = arena_array(b->arena, struct vacancy, n_slots);
    if (!slots.pods || !slots.vacancies)
        return err_nomem(err);
    int rc = 0;
    for (uint32_t c = 0; c < b->n_claims && rc == 0; c++)
        rc = look_at_claim(&slots, c, err);
    if (rc < 0 || !slots.n_vacancies)
        return rc;
    /* The same slots go to the same pods in each pass, until that is written down. */
    qsort(slots.vacancies, slots.n_vacancies, sizeof(*slots.vacancies), by_claim);
    rc = gather_candidates(&slots, err);
    for (size_t i = 0; i < slots.n_vacancies && rc == 0; i++)
        fill(&slots, &slots.vacancies[i]);
    return rc;
}

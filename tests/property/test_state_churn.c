/*
 * test_state_churn.c - objects that come, change and go in any order: the view is the one that a state made anew from
 * what is there would have, and what has gone leaves no memory behind.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/state/internal.h"
#include "solver/rng.h"
#include "tests/support/state_yaml.h"

enum { N_PODS = 14, N_NODES = 5, N_CLAIMS = 5, N_ALL = N_PODS + N_NODES + N_CLAIMS, SEEDS = 25, STEPS = 400 };
enum { TEXT_BYTES = 1024 };

static struct clock_wall noon(void *context)
{
    (void)context;
    return (struct clock_wall){INT64_C(1000) * 1000000000};
}

static const struct clock CLOCK = {.wall = noon};

/* What is there: the text of each object, "" if it is not. */
struct model {
    char texts[N_ALL][TEXT_BYTES];
    uint32_t uids[N_ALL];
    uint32_t version;
    struct rng rng;
};

static struct state *open_state(void)
{
    struct state *state;
    const struct state_options options = {.clock = &CLOCK};
    assert_int_equal(state_open(&options, &state, NULL), 0);
    return state;
}

static uint32_t pick(struct model *model, uint32_t n)
{
    return (uint32_t)(rng_next(&model->rng) % n);
}

static enum cluster_kind kind_of(uint32_t i)
{
    return i < N_PODS ? CLUSTER_POD : i < N_PODS + N_NODES ? CLUSTER_NODE : CLUSTER_NODE_CLAIM;
}

static void write_pod(struct model *model, uint32_t i)
{
    static const char *const phases[] = {"Pending", "Pending", "Running", "Failed"};
    char node[48] = "";
    if (pick(model, 2))
        snprintf(node, sizeof(node), ", nodeName: node-%u", N_PODS + pick(model, N_NODES + 1));
    snprintf(model->texts[i], TEXT_BYTES,
             "{apiVersion: v1, kind: Pod, metadata: {name: pod-%u, namespace: jobs, uid: uid-%u-%u, resourceVersion: "
             "'%u', creationTimestamp: '2026-01-01T00:00:%02uZ', labels: {spark-role: executor, spark-app-selector: "
             "app-%u}%s}, spec: {containers: [{resources: {requests: {cpu: %u}}}]%s}, status: {phase: %s}}",
             i, i, model->uids[i], ++model->version, i, i % 2,
             pick(model, 8) ? "" : ", deletionTimestamp: '2026-01-01T00:00:00Z'", 1 + pick(model, 3), node,
             phases[pick(model, 4)]);
}

static void write_node(struct model *model, uint32_t i)
{
    snprintf(model->texts[i], TEXT_BYTES,
             "{apiVersion: v1, kind: Node, metadata: {name: node-%u, uid: uid-%u-%u, resourceVersion: '%u', labels: "
             "{a: b%u}}, spec: {providerID: 'aws:///z/i-%u'%s}, status: {conditions: [{type: Ready, status: '%s'}], "
             "capacity: {cpu: 4}}}",
             i, i, model->uids[i], ++model->version, pick(model, 3), i, pick(model, 2) ? ", unschedulable: true" : "",
             pick(model, 3) ? "True" : "False");
}

/* Each pod is in a slot of one claim at most, as controllers write them. */
static void write_claim(struct model *model, uint32_t i)
{
    static const char *const statuses[] = {"phase: Launching", "phase: Launched", "phase: Registered",
                                           "phase: Initialized",
                                           "phase: Draining, drainDeadline: '2026-01-01T00:00:00Z'"};
    uint32_t phase = pick(model, CC_COUNT(statuses)), own = i - N_PODS - N_NODES, pod = own * 2;
    char node[96] = "";
    if (phase > 0)
        snprintf(node, sizeof(node), ", providerID: 'aws:///z/i-%u'%s%u", N_PODS + own,
                 phase > 1 ? ", nodeName: node-" : " # ", N_PODS + own);
    snprintf(model->texts[i], TEXT_BYTES,
             "apiVersion: stoker.sh/v1alpha1\nkind: NodeClaim\nmetadata: {name: claim-%u, uid: uid-%u-%u, "
             "resourceVersion: '%u'}\nspec: {provisioner: p, capacityType: spot, launch: {id: l}, slots: [{namespace: "
             "jobs, name: pod-%u, uid: uid-%u-%u}, {namespace: jobs, name: pod-%u, uid: uid-%u-%u}]}\n"
             "status:\n  {%s%s\n  }\n",
             i, i, model->uids[i], ++model->version, pod, pod, model->uids[pod], pod + 1, pod + 1, model->uids[pod + 1],
             statuses[phase], node);
}

static void rewrite(struct model *model, uint32_t i)
{
    if (kind_of(i) == CLUSTER_POD)
        write_pod(model, i);
    else if (kind_of(i) == CLUSTER_NODE)
        write_node(model, i);
    else
        write_claim(model, i);
}

static const char *namespace_of(uint32_t i)
{
    return kind_of(i) == CLUSTER_POD ? "jobs" : "";
}

static void name_of(const struct model *model, uint32_t i, char name[32], char uid[32])
{
    static const char *const names[] = {"pod", "node"};
    snprintf(name, 32, "%s-%u", kind_of(i) == CLUSTER_NODE_CLAIM ? "claim" : names[kind_of(i) == CLUSTER_NODE], i);
    snprintf(uid, 32, "uid-%u-%u", i, model->uids[i]);
}

static void remove_one(struct model *model, struct state *state, uint32_t i)
{
    char name[32], uid[32];
    name_of(model, i, name, uid);
    if (state)
        state_gone(state, kind_of(i), namespace_of(i), name, uid);
    model->texts[i][0] = '\0';
    model->uids[i]++;
}

/* What was missed during a gap is made good by a list. */
static void relist(struct model *model, struct state *state)
{
    struct cluster_sink sink = state_sink(state);
    enum cluster_kind kind = kind_of(pick(model, N_ALL));
    for (uint32_t i = 0; i < N_ALL; i++)
        if (kind_of(i) == kind && pick(model, 4) == 0 && model->texts[i][0])
            remove_one(model, NULL, i);
        else if (kind_of(i) == kind && pick(model, 3) == 0)
            rewrite(model, i);
    sink.relist(sink.context, kind);
    for (uint32_t i = 0; i < N_ALL; i++)
        if (kind_of(i) == kind && model->texts[i][0])
            state_put_yaml(state, model->texts[i]);
    sink.listed(sink.context, kind);
}

static void step(struct model *model, struct state *state)
{
    uint32_t i = pick(model, N_ALL), what = pick(model, 20);
    char old[TEXT_BYTES];
    memcpy(old, model->texts[i], TEXT_BYTES);
    if (what == 0) {
        relist(model, state);
    } else if (what < 5) {
        if (model->texts[i][0])
            remove_one(model, state, i);
        if (old[0])
            state_answer_yaml(state, old); /* late */
    } else {
        rewrite(model, i);
        state_put_yaml(state, model->texts[i]);
        if (old[0] && what < 10)
            state_put_yaml(state, old); /* late */
    }
}

static bool is_copy(const struct view *view, uint32_t p)
{
    const struct pod *pod = &view->objects.pods.items[p];
    return view_pod(view, pod->namespace_, pod->name) != p;
}

static struct str claim_name(const struct view *view, uint32_t c)
{
    return c == VIEW_NONE ? STR("") : view->claims[c].claim->name;
}

/* The same pod, or copy of it, in the other view. */
static uint32_t like(const struct view *view, const struct pod *pod, bool copy)
{
    for (uint32_t p = 0; p < view->objects.pods.len; p++)
        if (str_eq(view->objects.pods.items[p].name, pod->name) && is_copy(view, p) == copy)
            return p;
    fail_msg("%.*s is not in both views", STR_ARG(pod->name));
    return 0;
}

static void same_pods(const struct view *a, const struct view *b)
{
    assert_int_equal(a->objects.pods.len, b->objects.pods.len);
    for (uint32_t p = 0; p < a->objects.pods.len; p++) {
        const struct pod *pod = &a->objects.pods.items[p];
        uint32_t q = like(b, pod, is_copy(a, p));
        const struct pod *other = &b->objects.pods.items[q];
        assert_true(str_eq(pod->uid, other->uid) && str_eq(pod->node_name, other->node_name));
        assert_true(pod->phase == other->phase && pod->deleting == other->deleting && pod->role == other->role);
        assert_true(a->places[p] == b->places[q]);
        assert_true(str_eq(claim_name(a, a->pod_claims[p]), claim_name(b, b->pod_claims[q])));
        assert_true(
            str_eq(intern_text(&a->objects.spec_keys, pod->spec), intern_text(&b->objects.spec_keys, other->spec)));
        assert_int_equal(a->objects.specs.items[pod->spec]->id, pod->spec);
        assert_int_equal(a->objects.specs.items[pod->spec]->requests.items[0].amount,
                         b->objects.specs.items[other->spec]->requests.items[0].amount);
    }
}

static void same_nodes(const struct view *a, const struct view *b)
{
    assert_int_equal(a->objects.nodes.len, b->objects.nodes.len);
    for (uint32_t n = 0; n < a->objects.nodes.len; n++) {
        const struct node *node = &a->objects.nodes.items[n];
        uint32_t m = view_node(b, node->name);
        assert_true(m != VIEW_NONE && view_node(a, node->name) == n);
        const struct node *other = &b->objects.nodes.items[m];
        assert_true(node->unschedulable == other->unschedulable && node->labels.n == other->labels.n);
        for (size_t l = 0; l < node->labels.n; l++)
            assert_true(str_eq(node->labels.items[l].value, other->labels.items[l].value));
        assert_true(a->nodes[n].n_pods == b->nodes[m].n_pods && a->nodes[n].virtual_ == b->nodes[m].virtual_);
        assert_true(str_eq(claim_name(a, a->nodes[n].claim), claim_name(b, b->nodes[m].claim)));
        for (uint32_t p = 0; p < a->nodes[n].n_pods; p++)
            assert_true(str_eq(a->objects.pods.items[a->nodes[n].pods[p]].node_name, node->name));
    }
}

static void same_claims(const struct view *a, const struct view *b)
{
    assert_int_equal(a->n_claims, b->n_claims);
    for (uint32_t c = 0; c < a->n_claims; c++) {
        const struct view_claim *one = &a->claims[c];
        uint32_t d = 0;
        while (d < b->n_claims && !str_eq(b->claims[d].claim->name, one->claim->name))
            d++;
        assert_true(d < b->n_claims && one->claim->phase == b->claims[d].claim->phase);
        assert_true((one->node == VIEW_NONE) == (b->claims[d].node == VIEW_NONE));
        for (size_t s = 0; s < one->claim->n_slots; s++) {
            uint32_t p = one->pods[s], q = b->claims[d].pods[s];
            assert_true((p == VIEW_NONE) == (q == VIEW_NONE));
            if (p != VIEW_NONE)
                assert_true(str_eq(a->objects.pods.items[p].uid, b->objects.pods.items[q].uid) &&
                            is_copy(a, p) == is_copy(b, q));
        }
    }
}

static void compare(const struct model *model, struct state *state)
{
    struct state *anew = open_state();
    struct view have, want;
    struct arena arena = ARENA_INIT;
    for (uint32_t i = 0; i < N_ALL; i++)
        if (model->texts[i][0])
            state_put_yaml(anew, model->texts[i]);
    assert_int_equal(state_view(state, &arena, &have, NULL), 0);
    assert_int_equal(state_view(anew, &arena, &want, NULL), 0);
    same_pods(&have, &want);
    same_nodes(&have, &want);
    same_claims(&have, &want);
    state_view_release(state, &have);
    state_view_release(anew, &want);
    arena_release(&arena);
    state_close(anew);
}

static void a_view_depends_on_what_is_there_alone(void **cmocka_state)
{
    (void)cmocka_state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct model model;
        model = (struct model){.version = 100, .rng = {seed}};
        struct state *state = open_state();
        struct arena arena = ARENA_INIT;
        struct view held = {.pin = NULL}; /* out for a while, so that memory has to wait */
        for (uint32_t n = 0; n < STEPS; n++) {
            step(&model, state);
            if (n % 16 == 3) {
                state_view_release(state, &held);
                assert_int_equal(state_view(state, &arena, &held, NULL), 0);
            }
            if (n % 8 == 7)
                compare(&model, state);
        }
        state_view_release(state, &held);
        state_close(state);
    }
}

enum { EVENTS = 200000, LIVE = 64 };

/* `list` has many pods and nodes; each event puts one or takes one away. */
static int churn(void *context, const struct doc *list, struct err *err)
{
    (void)err;
    struct state *state = context;
    struct cluster_sink sink = state_sink(state);
    const struct doc *live[LIVE] = {NULL}, *next = list->first->first;
    size_t early = 0;
    for (size_t n = 0; n < EVENTS; n++) {
        const struct doc **slot = &live[n * 7919 % LIVE];
        if (*slot) {
            struct state_identity identity = state_identity(CLUSTER_POD, *slot);
            sink.gone(sink.context, CLUSTER_POD, identity.namespace_, identity.name, identity.uid);
            *slot = NULL;
        } else {
            *slot = next;
            sink.put(sink.context, CLUSTER_POD, next);
            next = next->next ? next->next : list->first->first;
        }
        if (n == EVENTS / 10)
            early = mallinfo2().uordblks; /* 0 under the sanitizers */
    }
    assert_in_range(mallinfo2().uordblks, 0, early + 65536);
    assert_in_range(state->tables[CLUSTER_POD].len, 1, LIVE);
    assert_in_range(state->tables[CLUSTER_POD].cap, 1, 4 * LIVE);
    assert_in_range(state->specs.entries.len, 1, LIVE + 1);
    assert_int_equal(state->limbo.n_waiting, 0);
    return 0;
}

static void memory_stays_bounded(void **cmocka_state)
{
    (void)cmocka_state;
    static char text[1 << 18];
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"pods\": [");
    for (int i = 0; i < 500; i++) /* each with a spec of its own */
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "%s{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p%d\", "
                               "\"namespace\": \"jobs\", \"uid\": \"u%d\", \"labels\": {\"app\": \"a%d\"}}, \"spec\": "
                               "{\"containers\": [{\"resources\": {\"requests\": {\"cpu\": %d}}}]}}",
                               i ? ", " : "", i, i, i, i + 1);
    snprintf(text + at, sizeof(text) - at, "]}");
    struct state *state = open_state();
    assert_int_equal(doc_read(str_of(text), "pods.json", churn, state, NULL), 0);
    state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_depends_on_what_is_there_alone),
        cmocka_unit_test(memory_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

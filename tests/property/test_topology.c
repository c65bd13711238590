/*
 * Topology against kube-scheduler's rules, written down again from their documentation: random small worlds, and for
 * whatever place each pod then gets among those its part admits, some order of placement must satisfy every rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "tests/support/world.h"

enum { CASES = 800, MOST_PODS = 9, MOST_PLACES = 32 };

static uint64_t random_next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t pick(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(random_next(seed) % n);
}

static const char *const zones[] = {"us-west-2a", "us-west-2b", "us-west-2c"};
static const char *const types[] = {"on-demand", "spot"};
static const char *const keys[] = {"topology.kubernetes.io/zone", "karpenter.sh/capacity-type"};

/* A pod that has a place: on a node with a zone and a capacity type. */
struct placed {
    const struct pod *pod;
    const struct pod_spec *spec;
    struct str where[2]; /* by key */
    uint32_t host;       /* equal on one node */
};

static uint32_t key_index(struct str key)
{
    return str_is(key, keys[0]) ? 0 : str_is(key, keys[1]) ? 1 : 2;
}

static bool same_domain(const struct placed *a, const struct placed *b, struct str key)
{
    uint32_t k = key_index(key);
    return k == 2 ? a->host == b->host : str_eq(a->where[k], b->where[k]);
}

static bool selects(const struct selector *selector, const struct pod *owner, const struct pod *pod)
{
    return str_eq(owner->namespace_, pod->namespace_) && selector_matches(selector, &pod->labels);
}

/* The generator writes node selectors on zone and capacity type only. */
static bool node_meets(const struct pod_spec *spec, const struct str where[2])
{
    for (size_t i = 0; i < spec->node_selector.n; i++) {
        const struct requirement *item = &spec->node_selector.items[i];
        if (!str_eq(item->values[0], where[key_index(item->key)]))
            return false;
    }
    return true;
}

/* Nodes that a pod could see: one for each offering its shape admits, and those that exist. */
struct places {
    struct str where[MOST_PLACES][2];
    size_t n;
};

static struct places places_of(const struct world *world, const struct demand_shape *shape)
{
    struct places places = {0};
    BITSET_EACH (o, shape->admits, world->supply.n) {
        const struct supply_offering *offering = &world->supply.offerings[o];
        places.where[places.n][0] = world->catalogue.zones[offering->zone];
        places.where[places.n++][1] = str_of(types[offering->capacity_type]);
    }
    for (size_t i = 0; i < world->objects.nodes.len; i++) {
        for (int k = 0; k < 2; k++)
            places.where[places.n][k] = *labels_get(&world->objects.nodes.items[i].labels, str_of(keys[k]));
        places.n += node_meets(shape->spec, places.where[places.n]);
    }
    return places;
}

static bool spread_allows(const struct spread *spread, const struct placed *at, const struct placed *others, size_t n,
                          const struct places *places)
{
    uint32_t k = key_index(spread->topology_key);
    int lowest = INT32_MAX, here = 0, n_domains = 0;
    for (size_t p = 0; p < places->n; p++) {
        int count = 0;
        bool seen = false;
        for (size_t q = 0; q < p; q++)
            seen = seen || str_eq(places->where[q][k], places->where[p][k]);
        for (size_t i = 0; i < n; i++)
            count += str_eq(others[i].where[k], places->where[p][k]) && !others[i].pod->deleting &&
                     node_meets(at->spec, others[i].where) && selects(&spread->selector, at->pod, others[i].pod);
        n_domains += !seen;
        lowest = count < lowest ? count : lowest;
        if (str_eq(places->where[p][k], at->where[k]))
            here = count;
    }
    lowest = n_domains < spread->min_domains ? 0 : lowest;
    return here + selects(&spread->selector, at->pod, at->pod) - lowest <= spread->max_skew;
}

static bool matches_all_terms(const struct placed *at, const struct pod *pod)
{
    for (size_t t = 0; t < at->spec->n_affinity; t++)
        if (!at->spec->affinity[t].weight && !selects(&at->spec->affinity[t].selector, at->pod, pod))
            return false;
    return true;
}

static bool affinity_allows(const struct placed *at, const struct placed *others, size_t n)
{
    bool anywhere = false, everywhere = true;
    for (size_t t = 0; t < at->spec->n_affinity; t++) {
        bool here = false;
        if (at->spec->affinity[t].weight)
            continue;
        for (size_t i = 0; i < n; i++) {
            if (!matches_all_terms(at, others[i].pod))
                continue;
            anywhere = true;
            here = here || same_domain(at, &others[i], at->spec->affinity[t].topology_key);
        }
        everywhere = everywhere && here;
    }
    return everywhere || (!anywhere && matches_all_terms(at, at->pod));
}

static bool keeps_off(const struct placed *carrier, const struct placed *other)
{
    for (size_t t = 0; t < carrier->spec->n_anti_affinity; t++) {
        const struct pod_term *term = &carrier->spec->anti_affinity[t];
        if (!term->weight && selects(&term->selector, carrier->pod, other->pod) &&
            same_domain(carrier, other, term->topology_key))
            return true;
    }
    return false;
}

/* Would kube-scheduler let the pod go there, the others being where they are? Hostname spread is not looked at. */
static bool allowed(const struct placed *at, const struct placed *others, size_t n, const struct places *places)
{
    for (size_t i = 0; i < n; i++)
        if (keeps_off(at, &others[i]) || keeps_off(&others[i], at))
            return false;
    for (size_t i = 0; i < at->spec->n_spreads; i++)
        if (!at->spec->spreads[i].soft && key_index(at->spec->spreads[i].topology_key) < 2 &&
            !spread_allows(&at->spec->spreads[i], at, others, n, places))
            return false;
    return affinity_allows(at, others, n);
}

/* Is there an order in which each of pods[0 … n) was allowed? Which have a place decides what comes next: a walk over
 * subsets. */
static bool some_order(const struct placed *bound, size_t n_bound, const struct placed *pods, size_t n,
                       const struct places *places)
{
    bool reached[1 << MOST_PODS] = {true};
    struct placed others[MOST_PODS + 8];
    memcpy(others, bound, n_bound * sizeof(*bound));
    for (size_t mask = 0; mask < (size_t)1 << n; mask++) {
        size_t n_others = n_bound;
        if (!reached[mask])
            continue;
        for (size_t i = 0; i < n; i++)
            if (mask >> i & 1)
                others[n_others++] = pods[i];
        for (size_t i = 0; i < n; i++)
            if (!(mask >> i & 1) && !reached[mask | (size_t)1 << i])
                reached[mask | (size_t)1 << i] = allowed(&pods[i], others, n_others, &places[i]);
    }
    return reached[((size_t)1 << n) - 1];
}

/* ---- random worlds ---- */

struct text {
    char bytes[8192];
    size_t len;
};

static void put(struct text *text, const char *fmt, ...) CC_PRINTF(2, 3);
static void put(struct text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text->bytes + text->len, sizeof(text->bytes) - text->len, fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text->bytes) - text->len - 1);
    text->len += (size_t)len;
}

static void put_terms(struct text *text, const char *what, const char *key, char app)
{
    put(text,
        "%s: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: %s, labelSelector: {matchLabels: {app: "
        "%c}}}]}",
        what, key, app);
}

/* Constraints of a pod, as members of a flow mapping. `host`: over hostname, else over zone and capacity type. */
static void put_constraints(struct text *text, uint64_t *seed, bool host)
{
    char app = (char)('x' + pick(seed, 2)), second = (char)('x' + pick(seed, 2));
    const char *key = host ? "kubernetes.io/hostname" : keys[pick(seed, 4) == 0];
    uint32_t n_spreads = pick(seed, 5) < 2 ? 1 + pick(seed, 2) : 0;
    if (pick(seed, 3) == 0) {
        bool zone = pick(seed, 2);
        put(text, ", nodeSelector: {%s: %s}", keys[!zone], zone ? zones[pick(seed, 3)] : types[pick(seed, 2)]);
    }
    for (uint32_t i = 0; i < n_spreads; i++)
        put(text,
            "%s{maxSkew: %u, topologyKey: %s, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: "
            "%c}}%s}%s",
            i ? ", " : ", topologySpreadConstraints: [", 1 + pick(seed, 2), host ? key : keys[i], i ? second : app,
            !host && pick(seed, 6) == 0 ? ", minDomains: 4" : "", i + 1 == n_spreads ? "]" : "");
    uint32_t kind = pick(seed, host ? 3 : 5);
    if (kind == 0)
        return;
    put(text, ", affinity: {");
    if (kind == 1 || kind == 4)
        put_terms(text, "podAntiAffinity", key, app);
    if (kind == 4)
        put(text, ", ");
    if ((kind == 2 || kind == 4) && !host)
        put_terms(text, "podAffinity", keys[0], second);
    put(text, "}");
}

/* `port` 0: none; odd ones are asked for on one address only. */
static void put_pod(struct text *text, const char *name, char app, const char *node, uint32_t port,
                    const struct text *constraints)
{
    put(text,
        "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: spark, labels: {app: %c}}\n"
        "spec: {%s%s%scontainers: [{name: c, image: i, resources: {requests: {cpu: 1, memory: 1Gi}}",
        name, app, node ? "nodeName: " : "", node ? node : "", node ? ", " : "");
    if (port)
        put(text, ", ports: [{containerPort: 80, hostPort: 80%s}]",
            port == 1   ? ", hostIP: 10.0.0.1"
            : port == 3 ? ", hostIP: 10.0.0.2"
                        : "");
    put(text, "}]%s}\n---\n", constraints->bytes);
}

static void random_world(struct world *world, uint64_t *seed, bool host)
{
    struct text text = {0};
    char name[16];
    uint32_t n_nodes = host ? 0 : pick(seed, 3), n_templates = 1 + pick(seed, 3);
    for (uint32_t i = 0; i < n_nodes; i++)
        put(&text,
            "apiVersion: v1\nkind: Node\nmetadata: {name: n%u, labels: {kubernetes.io/hostname: n%u, %s: %s, %s: "
            "%s}}\nspec: {unschedulable: %s}\nstatus: {allocatable: {cpu: 64, memory: 256Gi, pods: 110}}\n---\n",
            i, i, keys[0], zones[pick(seed, 3)], keys[1], types[pick(seed, 2)], pick(seed, 4) ? "false" : "true");
    for (uint32_t i = 0; i < n_nodes; i++) {
        struct text constraints = {0};
        char node[16];
        snprintf(node, sizeof(node), "n%u", i);
        snprintf(name, sizeof(name), "bound%u", i);
        put_constraints(&constraints, seed, host);
        put_pod(&text, name, (char)('x' + pick(seed, 3)), node, 0, &constraints);
    }
    for (uint32_t t = 0; t < n_templates; t++) {
        struct text constraints = {0};
        char app = (char)('x' + pick(seed, 3));
        put_constraints(&constraints, seed, host);
        uint32_t port = host && pick(seed, 3) == 0 ? 1 + pick(seed, 3) : 0;
        for (uint32_t i = 1 + pick(seed, 3); i > 0; i--) {
            snprintf(name, sizeof(name), "p%u-%u", t, i);
            put_pod(&text, name, app, NULL, port, &constraints);
        }
    }
    world_add_provisioner(world);
    world_read(world, text.bytes);
}

/* The k-th member of a set. */
static size_t member(const uint64_t *set, size_t bits, size_t k)
{
    size_t at = bitset_next(set, bits, 0);
    for (; k > 0; k--)
        at = bitset_next(set, bits, at + 1);
    return at;
}

/* Any place that the part admits; each new pod on a node of its own. */
static struct placed any_place(const struct world *world, const struct topology_part *part, uint32_t index,
                               uint32_t host, uint64_t *seed)
{
    const struct demand_shape *shape = &world->demand.shapes[part->shape];
    struct placed at = {.pod = &world->objects.pods.items[shape->pods[index]], .spec = shape->spec};
    size_t n = bitset_count(part->admits, world->supply.n);
    size_t n_nodes = bitset_count(part->admits_nodes, world->demand.n_nodes);
    size_t k = pick(seed, (uint32_t)(n + n_nodes));
    if (k < n) {
        const struct supply_offering *offering = &world->supply.offerings[member(part->admits, world->supply.n, k)];
        at.where[0] = world->catalogue.zones[offering->zone];
        at.where[1] = str_of(types[offering->capacity_type]);
        at.host = 1000 + host;
    } else {
        const struct node *node = world->demand.nodes[member(part->admits_nodes, world->demand.n_nodes, k - n)].node;
        for (int i = 0; i < 2; i++)
            at.where[i] = *labels_get(&node->labels, str_of(keys[i]));
        at.host = (uint32_t)(node - world->objects.nodes.items);
    }
    return at;
}

static size_t bound_pods(const struct world *world, struct placed *bound)
{
    size_t n = 0;
    for (size_t i = 0; i < world->objects.pods.len; i++) {
        const struct pod *pod = &world->objects.pods.items[i];
        if (world->demand.pod_node[i] == SOLVER_NONE)
            continue;
        const struct node *node = &world->objects.nodes.items[world->demand.pod_node[i]];
        bound[n] = (struct placed){
            .pod = pod, .spec = world->objects.specs.items[pod->spec], .host = world->demand.pod_node[i]};
        for (int k = 0; k < 2; k++)
            bound[n].where[k] = *labels_get(&node->labels, str_of(keys[k]));
        n++;
    }
    return n;
}

/* Each pod is in exactly one part or refused, with a reason. */
static uint32_t check_counts(const struct world *world)
{
    uint32_t refused = 0;
    for (size_t s = 0; s < world->demand.n_shapes; s++) {
        uint32_t n = 0;
        for (size_t i = 0; i < world->topology.n_parts; i++)
            n += world->topology.parts[i].shape == s ? world->topology.parts[i].n_pods : 0;
        for (size_t i = 0; i < world->topology.n_refusals; i++) {
            const struct topology_refusal *refusal = &world->topology.refusals[i];
            if (refusal->shape != s)
                continue;
            assert_non_null(refusal->reason);
            n += refusal->n_pods;
            refused += refusal->n_pods;
        }
        assert_int_equal(n, world->demand.shapes[s].n_pods);
    }
    return refused;
}

/* Lays the parts' pods out at random; returns how many. */
static size_t lay_out(const struct world *world, struct placed *pods, struct places *places, uint64_t *seed)
{
    size_t n = 0;
    uint32_t *dealt = calloc(world->demand.n_shapes, sizeof(*dealt));
    assert_non_null(dealt);
    for (size_t i = 0; i < world->topology.n_parts; i++) {
        const struct topology_part *part = &world->topology.parts[i];
        const struct demand_shape *shape = &world->demand.shapes[part->shape];
        assert_true(bitset_subset(part->admits, shape->admits, world->supply.n));
        assert_true(bitset_subset(part->admits_nodes, shape->admits_nodes, world->demand.n_nodes));
        for (uint32_t k = 0; k < part->n_pods; k++) {
            places[n] = places_of(world, shape);
            pods[n] = any_place(world, part, dealt[part->shape]++, (uint32_t)n, seed);
            n++;
        }
    }
    free(dealt);
    return n;
}

/* A scheduler that places pods in a random order at random: does it ever find a place for all? */
static bool luck_places_all(const struct world *world, const struct placed *bound, size_t n_bound, uint64_t *seed)
{
    for (int attempt = 0; attempt < 300; attempt++) {
        struct placed others[MOST_PODS + 8];
        bool done[MOST_PODS] = {false};
        size_t n_pods = 0, n = n_bound;
        memcpy(others, bound, n_bound * sizeof(*bound));
        struct topology_part whole[MOST_PODS];
        uint32_t index[MOST_PODS];
        struct places places[MOST_PODS];
        for (uint32_t s = 0; s < world->demand.n_shapes; s++) {
            const struct demand_shape *shape = &world->demand.shapes[s];
            for (uint32_t k = 0; k < shape->n_pods; k++, n_pods++) {
                whole[n_pods] = (struct topology_part){
                    .shape = s, .n_pods = 1, .admits = shape->admits, .admits_nodes = shape->admits_nodes};
                index[n_pods] = k;
                places[n_pods] = places_of(world, shape);
            }
        }
        for (int step = 0; step < 60 && n < n_bound + n_pods; step++) {
            uint32_t i = pick(seed, (uint32_t)n_pods);
            if (done[i])
                continue;
            others[n] = any_place(world, &whole[i], index[i], i, seed);
            done[i] = allowed(&others[n], others, n, &places[i]);
            n += done[i];
        }
        if (n == n_bound + n_pods)
            return true;
    }
    return false;
}

static bool all_have_a_place(const struct world *world)
{
    for (size_t s = 0; s < world->demand.n_shapes; s++)
        if (world->demand.shapes[s].reason)
            return false;
    return true;
}

static void parts_keep_every_rule(void **state)
{
    (void)state;
    int n_refused = 0, n_missed = 0;
    for (uint64_t at = 1; at <= CASES; at++) {
        uint64_t seed = at;
        struct world *world;
        struct placed bound[8], pods[MOST_PODS];
        struct places places[MOST_PODS];
        assert_int_equal(world_set_up((void **)&world), 0);
        random_world(world, &seed, false);
        world_topology(world, NULL);
        uint32_t refused = check_counts(world);
        size_t n_bound = bound_pods(world, bound);
        for (int layout = 0; layout < 4; layout++) {
            size_t n = lay_out(world, pods, places, &seed);
            if (!some_order(bound, n_bound, pods, n, places))
                fail_msg("case %llu: no order of placement keeps the rules", (unsigned long long)at);
        }
        n_refused += refused > 0;
        if (refused && all_have_a_place(world) && luck_places_all(world, bound, n_bound, &seed))
            n_missed++;
        world_tear_down((void **)&world);
    }
    /* What can be placed is placed, but for few knots that take more than looking one step ahead. */
    print_message("%d cases, %d with refusals, %d of them could have been placed\n", CASES, n_refused, n_missed);
    assert_true(n_refused > 0);
    assert_true(n_missed * 100 <= CASES);
}

/* ---- rules within one node ---- */

static bool ports_clash(const struct pod_spec *a, const struct pod_spec *b)
{
    for (size_t i = 0; i < a->n_host_ports; i++)
        for (size_t k = 0; k < b->n_host_ports; k++)
            if (a->host_ports[i].port == b->host_ports[k].port &&
                (!a->host_ports[i].ip.len || !b->host_ports[k].ip.len ||
                 str_eq(a->host_ports[i].ip, b->host_ports[k].ip)))
                return true;
    return false;
}

/* Would kube-scheduler let the pod join these on their node, while another node is empty? */
static bool may_join(const struct placed *at, const struct placed *others, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (keeps_off(at, &others[i]) || keeps_off(&others[i], at) || ports_clash(at->spec, others[i].spec))
            return false;
    for (size_t s = 0; s < at->spec->n_spreads; s++) {
        const struct selector *selector = &at->spec->spreads[s].selector;
        int count = selects(selector, at->pod, at->pod);
        for (size_t i = 0; i < n; i++)
            count += selects(selector, at->pod, others[i].pod);
        if (count > at->spec->spreads[s].max_skew)
            return false;
    }
    return true;
}

static bool some_order_on_node(const struct placed *pods, size_t n)
{
    bool reached[1 << MOST_PODS] = {true};
    for (size_t mask = 0; mask < (size_t)1 << n; mask++) {
        struct placed others[MOST_PODS];
        size_t n_others = 0;
        if (!reached[mask])
            continue;
        for (size_t i = 0; i < n; i++)
            if (mask >> i & 1)
                others[n_others++] = pods[i];
        for (size_t i = 0; i < n; i++)
            if (!(mask >> i & 1) && !reached[mask | (size_t)1 << i])
                reached[mask | (size_t)1 << i] = may_join(&pods[i], others, n_others);
    }
    return reached[((size_t)1 << n) - 1];
}

/* Do topology's groups and conflicts let these shapes' pods share a new node? */
static bool rules_allow(const struct topology *topology, const uint32_t *shapes, size_t n)
{
    for (size_t g = 0; g < topology->n_groups; g++) {
        int32_t members = 0;
        for (size_t i = 0; i < n; i++)
            for (uint32_t k = 0; k < topology->groups[g].n_shapes; k++)
                members += topology->groups[g].shapes[k] == shapes[i];
        if (members > topology->groups[g].cap)
            return false;
    }
    for (size_t c = 0; c < topology->n_conflicts; c++) {
        bool a = false, b = false;
        for (size_t i = 0; i < n; i++) {
            a = a || bitset_has(topology->conflicts[c].a, shapes[i]);
            b = b || bitset_has(topology->conflicts[c].b, shapes[i]);
        }
        if (a && b)
            return false;
    }
    return true;
}

static void check_subsets(const struct world *world, uint64_t at, int *n_both, int *n_strict)
{
    struct placed pods[MOST_PODS];
    uint32_t shape_of[MOST_PODS];
    size_t n_pods = 0;
    for (uint32_t s = 0; s < world->demand.n_shapes; s++)
        for (uint32_t k = 0; k < world->demand.shapes[s].n_pods; k++) {
            shape_of[n_pods] = s;
            pods[n_pods++] = (struct placed){.pod = &world->objects.pods.items[world->demand.shapes[s].pods[k]],
                                             .spec = world->demand.shapes[s].spec};
        }
    for (size_t mask = 1; mask < (size_t)1 << n_pods; mask++) {
        struct placed here[MOST_PODS];
        uint32_t shapes[MOST_PODS];
        size_t n = 0;
        for (size_t i = 0; i < n_pods; i++) {
            if (!(mask >> i & 1))
                continue;
            here[n] = pods[i];
            shapes[n++] = shape_of[i];
        }
        bool ours = rules_allow(&world->topology, shapes, n), theirs = some_order_on_node(here, n);
        if (ours && !theirs)
            fail_msg("case %llu: pods %zx may not share a node", (unsigned long long)at, mask);
        *n_both += ours && theirs;
        *n_strict += theirs && !ours;
    }
}

static void groups_and_conflicts_are_the_rules_of_a_node(void **state)
{
    (void)state;
    int n_both = 0, n_strict = 0;
    for (uint64_t at = 1; at <= CASES; at++) {
        uint64_t seed = at;
        struct world *world;
        assert_int_equal(world_set_up((void **)&world), 0);
        random_world(world, &seed, true);
        world_topology(world, NULL);
        assert_int_equal(check_counts(world), 0);
        check_subsets(world, at, &n_both, &n_strict);
        world_tear_down((void **)&world);
    }
    /* Stricter only where pods with different selectors count one another. */
    print_message("%d sets of pods may share a node, %d more could in the right order\n", n_both, n_strict);
    assert_true(n_strict * 20 <= n_both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_keep_every_rule),
        cmocka_unit_test(groups_and_conflicts_are_the_rules_of_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

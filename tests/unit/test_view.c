/* test_view.c - one pass's picture: nodes that join and leave, slots and who is in them, pods that will come again. */
#include "tests/unit/api_helper.h"

#include "provisioner/api/label_keys.h"
#include "tests/support/state_yaml.h"

static struct clock_wall noon(void *context)
{
    (void)context;
    return (struct clock_wall){INT64_C(1000) * 1000000000};
}

static const struct clock CLOCK = {.wall = noon};

struct scene {
    struct state *state;
    struct arena arena;
    struct view view;
};

static int set_up(void **cmocka_state)
{
    static struct scene scene;
    const struct state_options options = {.clock = &CLOCK};
    scene = (struct scene){.arena = ARENA_INIT};
    *cmocka_state = &scene;
    return state_open(&options, &scene.state, NULL);
}

static void drop_view(struct scene *scene)
{
    if (scene->view.pin)
        state_view_release(scene->state, &scene->view);
    arena_release(&scene->arena);
}

static int tear_down(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    drop_view(scene);
    state_close(scene->state);
    return 0;
}

static const struct view *look(struct scene *scene)
{
    drop_view(scene);
    assert_int_equal(state_view(scene->state, &scene->arena, &scene->view, NULL), 0);
    return &scene->view;
}

static uint32_t pod_at(const struct view *view, const char *name)
{
    uint32_t p = view_pod(view, STR("jobs"), str_of(name));
    assert_true(p < view->objects.pods.len);
    assert_text(view->objects.pods.items[p].name, name);
    return p;
}

static const struct node *node_at(const struct view *view, const char *name)
{
    uint32_t n = view_node(view, str_of(name));
    assert_true(n < view->objects.nodes.len);
    return &view->objects.nodes.items[n];
}

static uint32_t claim_at(const struct view *view, const char *name)
{
    for (uint32_t c = 0; c < view->n_claims; c++)
        if (str_is(view->claims[c].claim->name, name))
            return c;
    fail_msg("no claim %s", name);
    return VIEW_NONE;
}

/* `spec` and `status` are the members of both. */
static void put_claim(struct scene *scene, const char *name, const char *spec, const char *status)
{
    state_put_fmt(scene->state,
                  "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: %s, uid: uid-%s}, spec: "
                  "{provisioner: default, capacityType: spot, labels: {team: data}, launch: {id: l}, "
                  "taints: [{key: spark, value: 'yes', effect: NoSchedule}], "
                  "resources: {allocatable: {cpu: 3900m, nvidia.com/gpu: 1}, capacity: {cpu: 4}}%s%s}, status: {%s}}",
                  name, name, spec[0] ? ", " : "", spec, status);
}

static void put_node(struct scene *scene, const char *name, bool ready, const char *spec)
{
    state_put_fmt(scene->state,
                  "{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {team: own, x: z}}, spec: {providerID: "
                  "'aws:///z/%s'%s%s}, status: {conditions: [{type: Ready, status: '%s'}], capacity: {cpu: 4}, "
                  "allocatable: {cpu: 3800m}}}",
                  name, name, spec[0] ? ", " : "", spec, ready ? "True" : "False");
}

/* An executor; `rest` are further members of spec. `cpu` makes the shape. */
static void put_executor(struct scene *scene, const char *name, const char *uid, const char *app, int cpu,
                         const char *rest, const char *phase)
{
    state_put_fmt(scene->state,
                  "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: jobs, uid: %s, labels: {spark-role: "
                  "executor, spark-app-selector: %s}}, spec: {containers: [{resources: {requests: {cpu: %d}}}]%s%s}, "
                  "status: {phase: %s}}",
                  name, uid, app, cpu, rest[0] ? ", " : "", rest, phase);
}

/* The shape that a pod has, as text for a slot. */
static const char *shape_of(struct scene *scene, const char *pod)
{
    static char shape[STATE_SHAPE_BYTES];
    const struct view *view = look(scene);
    state_pod_shape(&view->objects, &view->objects.pods.items[pod_at(view, pod)], shape);
    return shape;
}

static void a_claim_without_a_node_stands_as_one(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "c1", "pools: [{instanceType: a, zone: z1}, {instanceType: b, zone: z1}]", "phase: Launching");
    put_claim(scene, "c2", "pools: [{instanceType: a, zone: z1}, {instanceType: a, zone: z2}]",
              "phase: Launched, zone: z2, instanceType: a, providerID: 'aws:///z/i-9'");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.nodes.len, 2);
    const struct node *node = node_at(view, "claim/c1"), *launched = node_at(view, "claim/c2");
    uint32_t c = claim_at(view, "c1");
    assert_ptr_equal(&view->objects.nodes.items[view->claims[c].node], node);
    assert_int_equal(view->nodes[view->claims[c].node].claim, c);
    assert_true(view->nodes[view->claims[c].node].virtual_ && !view->nodes[view->claims[c].node].real);
    assert_text(*labels_get(&node->labels, STR(LABEL_PROVISIONER)), "default");
    assert_text(*labels_get(&node->labels, STR(LABEL_CAPACITY_TYPE)), "spot");
    assert_text(*labels_get(&node->labels, STR(LABEL_HOSTNAME)), "claim/c1");
    assert_text(*labels_get(&node->labels, STR(LABEL_ZONE)), "z1");
    assert_null(labels_get(&node->labels, STR(LABEL_INSTANCE_TYPE)));
    assert_text(*labels_get(&node->labels, STR("team")), "data");
    assert_text(*labels_get(&launched->labels, STR(LABEL_ZONE)), "z2");
    assert_text(*labels_get(&launched->labels, STR(LABEL_INSTANCE_TYPE)), "a");
    assert_int_equal(node->taints.n, 1);
    assert_int_equal(amount_of(&node->allocatable, "cpu"), 3900);
    assert_int_equal(amount_of(&node->capacity, "cpu"), 4000);
    assert_false(node->unschedulable);
}

static void a_claim_that_ends_or_has_lost_its_node_does_not(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "draining", "", "phase: Draining");
    put_claim(scene, "lost", "", "phase: Registered, nodeName: n9");
    state_put_yaml(scene->state,
                   "{apiVersion: stoker.sh/v1alpha1, kind: NodeClaim, metadata: {name: deleted, "
                   "deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {provisioner: p, capacityType: spot}}");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.nodes.len, 0);
    for (uint32_t c = 0; c < 3; c++)
        assert_int_equal(view->claims[c].node, VIEW_NONE);
}

static void a_node_that_joins_stands_open_as_planned(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "c", "", "phase: Launched, providerID: 'aws:///z/n1'");
    put_node(scene, "n1", false,
             "unschedulable: true, taints: [{key: stoker.sh/placing, effect: NoSchedule}, {key: "
             "node.kubernetes.io/not-ready, effect: NoExecute}, {key: cni.example/agent, effect: NoSchedule}]");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.nodes.len, 1);
    const struct node *node = node_at(view, "n1"), *real = view->nodes[0].real;
    assert_int_equal(view->nodes[0].claim, 0);
    assert_false(view->nodes[0].virtual_);
    assert_false(node->unschedulable);
    assert_int_equal(node->taints.n, 1);
    assert_text(node->taints.items[0].key, "spark");
    assert_int_equal(amount_of(&node->allocatable, "cpu"), 3800);
    assert_int_equal(amount_of(&node->allocatable, "nvidia.com/gpu"), 1); /* comes with its device plug-in */
    assert_text(*labels_get(&node->labels, STR("team")), "own");
    assert_text(*labels_get(&node->labels, STR(LABEL_PROVISIONER)), "default");
    assert_true(real->unschedulable && real->taints.n == 3);
    assert_int_equal(amount_of(&real->allocatable, "nvidia.com/gpu"), -1);
}

static void nodes_that_leave_or_are_not_ready_stand_closed(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "c1", "", "phase: Draining, nodeName: n1");
    put_claim(scene, "c2", "", "phase: Initialized, nodeName: n2");
    put_claim(scene, "c3", "", "phase: Initialized, nodeName: n3");
    put_node(scene, "n1", true, "");
    put_node(scene, "n2", true, "");
    put_node(scene, "n3", false, "");
    put_node(scene, "foreign", true, "");
    put_node(scene, "lost", false, "");
    const struct view *view = look(scene);
    assert_true(node_at(view, "n1")->unschedulable);
    assert_false(view->nodes[view_node(view, STR("n1"))].real->unschedulable);
    assert_false(node_at(view, "n2")->unschedulable);
    assert_true(node_at(view, "n3")->unschedulable);
    assert_false(node_at(view, "foreign")->unschedulable);
    assert_int_equal(view->nodes[view_node(view, STR("foreign"))].claim, VIEW_NONE);
    assert_true(node_at(view, "lost")->unschedulable);
    assert_int_equal(view_node(view, STR("nobody")), VIEW_NONE);
}

static void pods_are_listed_by_node(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "c", "", "phase: Initialized, nodeName: n1");
    put_node(scene, "n1", true, "");
    put_executor(scene, "a", "u1", "app", 1, "nodeName: n1", "Running");
    put_executor(scene, "b", "u2", "app", 1, "nodeName: n1", "Succeeded");
    put_executor(scene, "c", "u3", "app", 1, "nodeName: elsewhere", "Running");
    put_executor(scene, "d", "u4", "app", 1, "", "Pending");
    const struct view *view = look(scene);
    assert_int_equal(view->nodes[0].n_pods, 1);
    assert_int_equal(view->nodes[0].pods[0], pod_at(view, "a"));
    assert_int_equal(view->pod_claims[pod_at(view, "a")], 0);
    assert_int_equal(view->places[pod_at(view, "a")], VIEW_POD_BOUND);
    assert_int_equal(view->places[pod_at(view, "c")], VIEW_POD_BOUND);
    assert_int_equal(view->pod_claims[pod_at(view, "c")], VIEW_NONE);
    assert_int_equal(view->places[pod_at(view, "d")], VIEW_POD_WAITS);
    assert_int_equal(view_pod(view, STR("other"), STR("a")), VIEW_NONE);
}

static void a_pod_stands_in_its_slot(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_executor(scene, "a", "u1", "app", 1, "", "Pending");
    put_executor(scene, "b", "u2", "app", 1, "nodeName: n1", "Running");
    put_claim(scene, "c",
              "slots: [{namespace: jobs, name: a, uid: u1}, {namespace: jobs, name: b, uid: u2}, "
              "{namespace: jobs, name: gone, uid: u3}, {namespace: jobs, name: a, uid: other}]",
              "phase: Registered, nodeName: n1");
    put_node(scene, "n1", true, "unschedulable: true");
    const struct view *view = look(scene);
    uint32_t a = pod_at(view, "a");
    assert_int_equal(view->places[a], VIEW_POD_HAS_SLOT);
    assert_text(view->objects.pods.items[a].node_name, "n1");
    assert_text(state_pod(scene->state, STR("jobs"), STR("a"))->node_name, "");
    assert_int_equal(view->pod_claims[a], 0);
    assert_int_equal(view->claims[0].pods[0], a);
    assert_int_equal(view->claims[0].pods[1], pod_at(view, "b"));
    assert_int_equal(view->claims[0].pods[2], VIEW_NONE);
    assert_int_equal(view->claims[0].pods[3], VIEW_NONE);
    assert_int_equal(view->nodes[0].n_pods, 1);
}

static void a_slot_whose_pod_is_gone_is_taken_by_its_like(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    char slots[256];
    put_executor(scene, "exec-1", "u1", "app", 2, "", "Pending");
    snprintf(slots, sizeof(slots), "slots: [{namespace: jobs, name: exec-1, uid: u1, app: app, shape: %s}]",
             shape_of(scene, "exec-1"));
    put_claim(scene, "c", slots, "phase: Launching");
    state_gone(scene->state, CLUSTER_POD, "jobs", "exec-1", "u1");
    put_executor(scene, "exec-2", "u2", "app", 4, "", "Pending");
    put_executor(scene, "exec-3", "u3", "other", 2, "", "Pending");
    const struct view *view = look(scene);
    assert_int_equal(view->claims[0].pods[0], VIEW_NONE);
    put_executor(scene, "exec-4", "u4", "app", 2, "", "Pending");
    put_executor(scene, "exec-5", "u5", "app", 2, "", "Pending");
    view = look(scene);
    uint32_t p = pod_at(view, "exec-4");
    assert_int_equal(view->claims[0].pods[0], p);
    assert_text(view->objects.pods.items[p].node_name, "claim/c");
    assert_int_equal(view->places[p], VIEW_POD_HAS_SLOT);
    assert_int_equal(view->places[pod_at(view, "exec-5")], VIEW_POD_WAITS);
    put_claim(scene, "c", slots, "phase: Initialized, nodeName: n1"); /* open: slots do not hold any more */
    view = look(scene);
    assert_int_equal(view->places[pod_at(view, "exec-4")], VIEW_POD_WAITS);
    assert_int_equal(view->claims[0].pods[0], VIEW_NONE);
}

static void two_slots_are_not_taken_by_one_pod(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    char slots[512];
    put_executor(scene, "exec-1", "u1", "app", 2, "", "Pending");
    const char *shape = shape_of(scene, "exec-1");
    snprintf(slots, sizeof(slots),
             "slots: [{namespace: jobs, name: gone-1, uid: g1, app: app, shape: %s}, {namespace: jobs, name: gone-2, "
             "uid: g2, app: app, shape: %s}]",
             shape, shape);
    put_claim(scene, "c", slots, "phase: Launching");
    const struct view *view = look(scene);
    assert_int_equal(view->claims[0].pods[0], pod_at(view, "exec-1"));
    assert_int_equal(view->claims[0].pods[1], VIEW_NONE);
}

#define DEADLINE "drainReason: SpotInterruption, drainDeadline: '2026-01-01T00:02:00Z'"

static void pods_of_an_interrupted_node_are_shown_once_more(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "old", "", "phase: Draining, nodeName: n1, " DEADLINE);
    put_node(scene, "n1", true, "");
    put_executor(scene, "a", "u1", "app", 1, "nodeName: n1", "Running");
    put_executor(scene, "ended", "u2", "app", 1, "nodeName: n1", "Failed");
    state_put_yaml(scene->state, "{apiVersion: v1, kind: Pod, metadata: {name: bare, namespace: jobs, uid: u3}, "
                                 "spec: {nodeName: n1, containers: [{}]}, status: {phase: Running}}");
    state_put_yaml(scene->state, "{apiVersion: v1, kind: Pod, metadata: {name: ds, namespace: jobs, uid: u4, "
                                 "ownerReferences: [{kind: DaemonSet, name: d, controller: true}]}, "
                                 "spec: {nodeName: n1, containers: [{}]}, status: {phase: Running}}");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.pods.len, 5);
    const struct pod *copy = &view->objects.pods.items[4];
    assert_text(copy->uid, "u1");
    assert_text(copy->node_name, "");
    assert_int_equal(copy->phase, POD_PENDING);
    assert_int_equal(view->places[4], VIEW_POD_WAITS);
    assert_int_equal(view->pod_claims[4], VIEW_NONE);
    assert_int_not_equal(pod_at(view, "a"), 4);
    assert_int_equal(view->places[pod_at(view, "a")], VIEW_POD_BOUND);
    assert_int_equal(view->nodes[view_node(view, STR("n1"))].n_pods, 3);
    /* Its replacement keeps room for who will follow. */
    put_claim(scene, "new", "slots: [{namespace: jobs, name: a, uid: u1, app: app}]", "phase: Launching");
    view = look(scene);
    assert_int_equal(view->places[4], VIEW_POD_HAS_SLOT);
    assert_text(view->objects.pods.items[4].node_name, "claim/new");
    assert_int_equal(view->claims[claim_at(view, "new")].pods[0], 4);
    assert_text(view->objects.pods.items[pod_at(view, "a")].node_name, "n1");
    /* For reasons of our own alone, only where the node is replaced first. */
    put_claim(scene, "old", "", "phase: Draining, nodeName: n1, drainReason: Empty");
    assert_int_equal(look(scene)->objects.pods.len, 4);
    put_claim(scene, "old", "", "phase: Draining, nodeName: n1, drainReason: Expired");
    assert_int_equal(look(scene)->objects.pods.len, 5);
}

/* A ReplicaSet makes the next pod as soon as the one before begins to end, which may take all of its grace. */
static void who_follows_a_pod_that_ends_takes_its_slot(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    char slots[256];
    put_claim(scene, "old", "", "phase: Draining, nodeName: n1, " DEADLINE);
    put_node(scene, "n1", true, "");
    state_put_yaml(scene->state,
                   "{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: jobs, uid: u1, "
                   "deletionTimestamp: '2026-01-01T00:00:01Z', ownerReferences: [{kind: ReplicaSet, name: "
                   "web, controller: true}]}, spec: {nodeName: n1, containers: [{}]}, "
                   "status: {phase: Running}}");
    snprintf(slots, sizeof(slots), "slots: [{namespace: jobs, name: web-1, uid: u1, app: '', shape: %s}]",
             shape_of(scene, "web-1"));
    put_claim(scene, "new", slots, "phase: Launching");
    const struct view *view = look(scene);
    assert_int_equal(view->claims[claim_at(view, "new")].pods[0], pod_at(view, "web-1"));
    state_put_yaml(scene->state, "{apiVersion: v1, kind: Pod, metadata: {name: web-2, namespace: jobs, uid: u2, "
                                 "ownerReferences: [{kind: ReplicaSet, name: web, controller: true}]}, "
                                 "spec: {containers: [{}]}, status: {phase: Pending}}");
    view = look(scene);
    assert_int_equal(view->places[pod_at(view, "web-2")], VIEW_POD_HAS_SLOT);
    assert_int_equal(view->claims[claim_at(view, "new")].pods[0], pod_at(view, "web-2"));
}

static void provisioners_of_both_groups_are_there(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    state_put_yaml(scene->state,
                   "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: a}, spec: {}}\n---\n"
                   "{apiVersion: karpenter.sh/v1alpha5, kind: Provisioner, metadata: {name: b}, spec: {}}\n---\n"
                   "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: b}, spec: {}}\n---\n"
                   "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: {}}\n---\n"
                   "{apiVersion: karpenter.k8s.aws/v1alpha1, kind: AWSNodeTemplate, metadata: {name: t}, spec: {}}\n");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.provisioners.len, 2);
    assert_text(view->objects.provisioners.items[0].name, "b");
    assert_false(view->objects.provisioners.items[0].karpenter);
    assert_text(view->objects.provisioners.items[1].name, "a");
    assert_int_equal(view->objects.templates.len, 2);
    assert_true(!view->objects.templates.items[0].karpenter && view->objects.templates.items[1].karpenter);
}

static void priorities_come_from_classes_whenever_they_are_heard_of(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    state_put_yaml(scene->state, "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {spec: "
                                 "{priorityClassName: high, containers: [{}]}}}}");
    const struct view *view = look(scene);
    assert_int_equal(view->objects.specs.items[view->objects.daemon_sets.items[0].spec]->priority, 0);
    state_put_yaml(scene->state,
                   "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high, uid: u}, "
                   "value: 77}");
    view = look(scene);
    assert_int_equal(view->objects.specs.items[view->objects.daemon_sets.items[0].spec]->priority, 77);
    state_gone(scene->state, CLUSTER_PRIORITY_CLASS, "", "high", "u");
    view = look(scene);
    assert_int_equal(view->objects.specs.items[view->objects.daemon_sets.items[0].spec]->priority, 0);
}

/* The sanitizers look on: what a view shows stays while the state goes on. */
static void a_view_stays_as_it_is(void **cmocka_state)
{
    struct scene *scene = *cmocka_state;
    put_claim(scene, "c", "", "phase: Launching");
    put_node(scene, "n1", true, "");
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pod-%d", i);
        put_executor(scene, name, name, "app", i + 1, "", "Pending");
    }
    const struct view *view = look(scene);
    struct arena second_arena = ARENA_INIT;
    struct view second;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pod-%d", i);
        state_gone(scene->state, CLUSTER_POD, "jobs", name, name);
        if (i == 20)
            assert_int_equal(state_view(scene->state, &second_arena, &second, NULL), 0);
    }
    state_gone(scene->state, CLUSTER_NODE, "", "n1", "");
    put_claim(scene, "c", "", "phase: Draining");
    assert_int_equal(view->objects.pods.len, 40);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pod-%d", i);
        const struct pod *pod = &view->objects.pods.items[pod_at(view, name)];
        const struct pod_spec *spec = view->objects.specs.items[pod->spec];
        assert_int_equal(spec->id, pod->spec);
        assert_int_equal(amount_of(&spec->requests, "cpu"), (i + 1) * 1000);
        assert_text(pod->app, "app");
    }
    assert_text(*labels_get(&node_at(view, "n1")->labels, STR("x")), "z");
    assert_int_equal(view->claims[0].claim->phase, CLAIM_LAUNCHING);
    assert_int_equal(second.objects.pods.len, 19);
    view = look(scene); /* the older one ends first */
    assert_int_equal(view->objects.pods.len, 0);
    for (uint32_t p = 0; p < second.objects.pods.len; p++)
        assert_true(second.objects.specs.items[second.objects.pods.items[p].spec]->requests.n == 1);
    state_view_release(scene->state, &second);
    arena_release(&second_arena);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SCENE(a_claim_without_a_node_stands_as_one),
        SCENE(a_claim_that_ends_or_has_lost_its_node_does_not),
        SCENE(a_node_that_joins_stands_open_as_planned),
        SCENE(nodes_that_leave_or_are_not_ready_stand_closed),
        SCENE(pods_are_listed_by_node),
        SCENE(a_pod_stands_in_its_slot),
        SCENE(a_slot_whose_pod_is_gone_is_taken_by_its_like),
        SCENE(two_slots_are_not_taken_by_one_pod),
        SCENE(pods_of_an_interrupted_node_are_shown_once_more),
        SCENE(who_follows_a_pod_that_ends_takes_its_slot),
        SCENE(provisioners_of_both_groups_are_there),
        SCENE(priorities_come_from_classes_whenever_they_are_heard_of),
        SCENE(a_view_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_decode_pod.c - pods and pod specs: what they ask for, where they may go, whose they are. */
#include "tests/unit/api_helper.h"

#define MI INT64_C(1048576)

/* A pod whose spec is the given YAML flow map. */
static void read_pod(struct world *world, const char *spec)
{
    char yaml[8192];
    int n =
        snprintf(yaml, sizeof(yaml),
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: web, rev: r1}}\nspec:\n  %s\n", spec);
    assert_true(n > 0 && (size_t)n < sizeof(yaml));
    world_read(world, yaml);
}

static const struct pod_spec *good_spec(struct world *world, const char *spec)
{
    read_pod(world, spec);
    world_print(world);
    assert_int_equal(diag_count(&world->diag), 0);
    assert_int_equal(world->objects.pods.len, 1);
    return world->objects.specs.items[world->objects.pods.items[0].spec];
}

#define ASKS(cpu, memory) "resources: {requests: {cpu: " cpu ", memory: " memory "}}"

static void requests_are_those_of_the_whole_pod(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        int64_t milli, mib, gpus; /* -1: not asked for */
    } cases[] = {
        {"containers: [{name: a}]", -1, -1, -1},
        {"containers: [{" ASKS("1", "1Gi") "}, {" ASKS("500m", "512Mi") "}]", 1500, 1536, -1},
        {"containers: [{resources: {requests: {cpu: 0.25}}}]", 250, -1, -1},
        {"containers: [{resources: {requests: {cpu: 0, memory: '0'}}}]", -1, -1, -1},
        /* a limit stands in for an absent request, and only then */
        {"containers: [{resources: {limits: {cpu: 2, memory: 1Gi, nvidia.com/gpu: 1}}}]", 2000, 1024, 1},
        {"containers: [{resources: {requests: {cpu: 1}, limits: {cpu: 2, memory: 1Gi}}}]", 1000, 1024, -1},
        {"containers: [{resources: {requests: {cpu: 0}, limits: {cpu: 2}}}]", -1, -1, -1},
        /* init containers run alone */
        {"{initContainers: [{" ASKS("3", "100Mi") "}, {" ASKS("1", "2Gi") "}], containers: [{" ASKS("2", "1Gi") "}]}",
         3000, 2048, -1},
        /* a sidecar stays: it counts with the containers and with the init containers behind it */
        {"{initContainers: [{restartPolicy: Always, " ASKS("1", "1Gi") "}], containers: [{" ASKS("2", "1Gi") "}]}",
         3000, 2048, -1},
        {"{initContainers: [{restartPolicy: Always, " ASKS("1", "1Gi") "}, {" ASKS(
             "4", "1Gi") "}], containers: [{" ASKS("2", "1Gi") "}]}",
         5000, 2048, -1},
        {"{initContainers: [{" ASKS("4", "1Gi") "}, {restartPolicy: Always, " ASKS(
             "1", "1Gi") "}], containers: [{" ASKS("2", "1Gi") "}]}",
         4000, 2048, -1},
        /* overhead on top of whichever is larger */
        {"{overhead: {cpu: 250m, memory: 120Mi}, containers: [{" ASKS("1", "1Gi") "}]}", 1250, 1144, -1},
        {"{overhead: {cpu: 1}, initContainers: [{" ASKS("9", "1Mi") "}], containers: [{" ASKS("1", "1Gi") "}]}", 10000,
         1024, -1},
        /* pod-level resources win where they are set */
        {"{resources: {requests: {cpu: 7}}, containers: [{" ASKS("1", "1Gi") "}, {" ASKS("1", "1Gi") "}]}", 7000, 2048,
         -1},
        {"{resources: {requests: {cpu: 1}}, containers: [{" ASKS("5", "1Gi") "}]}", 1000, 1024, -1},
        {"{resources: {limits: {cpu: 8, memory: 3Gi}}, containers: [{resources: {requests: {cpu: 1}}}]}", 1000, 3072,
         -1},
        {"{resources: {requests: {cpu: 2}}, overhead: {cpu: 1}, containers: [{name: a}]}", 3000, -1, -1},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        const struct pod_spec *spec = good_spec(&world, cases[i].spec);
        int64_t memory = amount_of(&spec->requests, "memory");
        assert_int_equal(amount_of(&spec->requests, "cpu"), cases[i].milli);
        assert_int_equal(memory < 0 ? memory : memory / MI, cases[i].mib);
        assert_int_equal(amount_of(&spec->requests, "nvidia.com/gpu"), cases[i].gpus);
        world_release(&world);
    }
}

static void wrong_amounts_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *resources, *field, *what;
    } cases[] = {
        {"{requests: {cpu: -1}}", "spec.containers[0].resources.requests.cpu", "-1"},
        {"{requests: {memory: 1Gb}}", "spec.containers[0].resources.requests.memory", "1Gb"},
        {"{requests: {memory: 9Pi}}", "spec.containers[0].resources.requests.memory", "absurd"},
        {"{limits: {cpu: true}}", "spec.containers[0].resources.limits.cpu", "a bool"},
        {"{requests: {cpus: 1}}", "spec.containers[0].resources.requests.cpus", "is no resource"},
        {"{requests: [1]}", "spec.containers[0].resources.requests", "is a list, allowed is a map"},
        {"{requests: {nvidia.com/gpu: x}}", "spec.containers[0].resources.requests[nvidia.com/gpu]", "\"x\""},
        {"{requests: {pods: 1}}", "spec", "resource pods"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char spec[512];
        snprintf(spec, sizeof(spec), "containers: [{name: a, resources: %s}]", cases[i].resources);
        read_pod(&world, spec);
        assert_int_equal(diag_count(&world.diag), 1);
        assert_true(world_found(&world, 5, cases[i].field, cases[i].what));
        assert_int_equal(world.objects.pods.len, 0);
        world_release(&world);
    }
}

static void absurd_sums_are_found(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    read_pod(&world, "containers: [{" ASKS("1", "6Pi") "}, {" ASKS("1", "6Pi") "}]");
    assert_true(world_found(&world, 5, "spec", "absurd"));
    world_release(&world);
}

static void node_affinity_keeps_terms_in_order(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[512];
    const struct pod_spec *spec = good_spec(
        &world,
        "{containers: [{name: a}], nodeSelector: {beta.kubernetes.io/arch: arm64, disk: ssd},\n"
        "  affinity: {nodeAffinity: {\n"
        "    requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [\n"
        "      {matchExpressions: [{key: failure-domain.beta.kubernetes.io/zone, operator: In, values: [z1, z2]},\n"
        "                          {key: cpu, operator: Gt, values: ['4']}]},\n"
        "      {},\n"
        "      {matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]},\n"
        "    preferredDuringSchedulingIgnoredDuringExecution: [\n"
        "      {weight: 7, preference: {matchExpressions: [{key: gpu, operator: DoesNotExist}]}},\n"
        "      {weight: 1, preference: {}}]}}}");
    assert_string_equal(requirements_text(&spec->node_selector, text, sizeof(text)),
                        "disk In ssd, kubernetes.io/arch In arm64");
    assert_true(spec->node_terms_present);
    assert_int_equal(spec->n_node_terms, 2); /* an empty term matches nothing */
    assert_string_equal(requirements_text(&spec->node_terms[0].labels, text, sizeof(text)),
                        "topology.kubernetes.io/zone In z1 z2, cpu Gt 4");
    assert_string_equal(requirements_text(&spec->node_terms[1].fields, text, sizeof(text)), "metadata.name In n1");
    assert_int_equal(spec->n_preferred_nodes, 1);
    assert_int_equal(spec->preferred_nodes[0].weight, 7);
    assert_string_equal(requirements_text(&spec->preferred_nodes[0].term.labels, text, sizeof(text)),
                        "gpu DoesNotExist");
    world_release(&world);
}

static void only_empty_terms_match_nothing(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod_spec *spec =
        good_spec(&world, "{containers: [{name: a}], affinity: {nodeAffinity: "
                          "{requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}}");
    assert_true(spec->node_terms_present);
    assert_int_equal(spec->n_node_terms, 0);
    world_release(&world);
}

static void wrong_requirements_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *requirement, *member, *what;
    } cases[] = {
        {"{key: a, operator: Is, values: [x]}", ".operator", "is \"Is\", allowed are In, NotIn, Exists"},
        {"{key: a, operator: in, values: [x]}", ".operator", "is \"in\""},
        {"{key: a, values: [x]}", ".operator", "is missing"},
        {"{operator: Exists}", ".key", "is missing"},
        {"{key: 'a b', operator: Exists}", ".key", "no label key"},
        {"{key: 1, operator: Exists}", ".key", "is a number, allowed is a string (put it in quotes)"},
        {"{key: a, operator: In, values: []}", ".values", "at least one value"},
        {"{key: a, operator: NotIn}", ".values", "at least one value"},
        {"{key: a, operator: Exists, values: [x]}", ".values", "no value"},
        {"{key: a, operator: DoesNotExist, values: [x]}", ".values", "no value"},
        {"{key: a, operator: Gt, values: [x]}", ".values", "one integer"},
        {"{key: a, operator: Gt, values: ['1.5']}", ".values", "one integer"},
        {"{key: a, operator: Lt, values: ['1', '2']}", ".values", "one integer"},
        {"{key: a, operator: Lt}", ".values", "one integer"},
        {"{key: a, operator: In, values: x}", ".values", "is a string, allowed is a list"},
        {"{key: a, operator: In, values: [1]}", ".values[0]", "is a number, allowed is a string"},
        {"{key: a, operator: In, values: [x, null]}", ".values[1]", "is null"},
        {"null", "", "is null"},
        {"x", "", "is a string, allowed is a map"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char spec[512], field[256];
        snprintf(spec, sizeof(spec),
                 "{containers: [{name: a}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                 "{nodeSelectorTerms: [{matchExpressions: [%s]}]}}}}",
                 cases[i].requirement);
        snprintf(field, sizeof(field),
                 "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]."
                 "matchExpressions[0]%s",
                 cases[i].member);
        read_pod(&world, spec);
        assert_true(world_found(&world, 5, field, cases[i].what));
        assert_int_equal(diag_count(&world.diag), 1);
        assert_int_equal(world.objects.pods.len, 0);
        world_release(&world);
    }
}

static void pod_affinity_keeps_required_before_preferred(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[512];
    const struct pod_spec *spec = good_spec(
        &world,
        "{containers: [{name: a}], affinity: {\n"
        "  podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [\n"
        "    {labelSelector: {matchLabels: {app: db}}, topologyKey: topology.ebs.csi.aws.com/zone, namespaces: [x, "
        "y]}]},\n"
        "  podAntiAffinity: {\n"
        "    preferredDuringSchedulingIgnoredDuringExecution: [\n"
        "      {weight: 50, podAffinityTerm: {topologyKey: kubernetes.io/hostname, namespaceSelector: {},\n"
        "        labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}}],\n"
        "    requiredDuringSchedulingIgnoredDuringExecution: [\n"
        "      {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [rev, "
        "none],\n"
        "       mismatchLabelKeys: [app], namespaceSelector: {matchLabels: {team: a}}}, {topologyKey: rack}]}}}");
    assert_int_equal(spec->n_affinity, 1);
    assert_text(spec->affinity[0].topology_key, "topology.kubernetes.io/zone");
    assert_int_equal(spec->affinity[0].n_namespaces, 2);
    assert_text(spec->affinity[0].namespaces[1], "y");
    assert_int_equal(spec->n_anti_affinity, 3);
    const struct pod_term *required = &spec->anti_affinity[0], *soft = &spec->anti_affinity[2];
    assert_int_equal(required->weight, 0);
    assert_string_equal(requirements_text(&required->selector.all, text, sizeof(text)),
                        "app In web, rev In r1, app NotIn web");
    assert_true(required->namespace_labels.present);
    assert_false(required->all_namespaces);
    assert_false(spec->anti_affinity[1].selector.present); /* null: matches nothing */
    assert_int_equal(soft->weight, 50);
    assert_true(soft->all_namespaces);
    assert_true(soft->selector.present);
    world_release(&world);
}

static void spreads_have_kubernetes_defaults(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[512];
    const struct pod_spec *spec = good_spec(
        &world,
        "{containers: [{name: a}], topologySpreadConstraints: [\n"
        "  {maxSkew: 1, topologyKey: failure-domain.beta.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule,\n"
        "   labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [rev]},\n"
        "  {maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,\n"
        "   nodeAffinityPolicy: Ignore, nodeTaintsPolicy: Honor},\n"
        "  {maxSkew: 3, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, minDomains: 4, labelSelector: {}}]}");
    assert_int_equal(spec->n_spreads, 3);
    const struct spread *zone = &spec->spreads[0], *host = &spec->spreads[1], *last = &spec->spreads[2];
    assert_int_equal(zone->max_skew, 1);
    assert_int_equal(zone->min_domains, 1);
    assert_text(zone->topology_key, "topology.kubernetes.io/zone");
    assert_false(zone->soft);
    assert_false(zone->ignore_node_affinity);
    assert_false(zone->honor_taints);
    assert_string_equal(requirements_text(&zone->selector.all, text, sizeof(text)), "app In web, rev In r1");
    assert_true(host->soft);
    assert_true(host->ignore_node_affinity);
    assert_true(host->honor_taints);
    assert_false(host->selector.present);
    assert_int_equal(last->min_domains, 4);
    assert_true(last->selector.present);
    assert_int_equal(last->selector.all.n, 0);
    world_release(&world);
}

static void wrong_specs_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *field, *what;
    } cases[] = {
        {"{}", "spec.containers", "is missing or empty"},
        {"containers: []", "spec.containers", "is missing or empty"},
        {"containers: {name: a}", "spec.containers", "is a map, allowed is a list"},
        {"containers: [a]", "spec.containers[0]", "is a string, allowed is a map"},
        {"{containers: [{}], nodeSelector: [a]}", "spec.nodeSelector", "is a list, allowed is a map"},
        {"{containers: [{}], nodeSelector: {a: 1}}", "spec.nodeSelector.a", "put it in quotes"},
        {"{containers: [{}], nodeSelector: {a: 'b c'}}", "spec.nodeSelector.a", "no label value"},
        {"{containers: [{}], tolerations: {}}", "spec.tolerations", "is a map, allowed is a list"},
        {"{containers: [{}], tolerations: [{operator: Equal, value: a}]}", "spec.tolerations[0].key", "is missing"},
        {"{containers: [{}], tolerations: [{key: a, operator: Like}]}", "spec.tolerations[0].operator",
         "Equal, Exists"},
        {"{containers: [{}], tolerations: [{key: a, operator: Exists, value: b}]}", "spec.tolerations[0].value",
         "no value"},
        {"{containers: [{}], tolerations: [{key: a, effect: Never}]}", "spec.tolerations[0].effect",
         "NoSchedule, PreferNoSchedule, NoExecute"},
        {"{containers: [{}], priority: high}", "spec.priority", "is a string, allowed is a number"},
        {"{containers: [{}], priority: 99999999999}", "spec.priority", "integer from"},
        {"{containers: [{ports: [{hostPort: 70000}]}]}", "spec.containers[0].ports[0].hostPort", "0 to 65535"},
        {"{containers: [{}], topologySpreadConstraints: [{maxSkew: 0, topologyKey: a, whenUnsatisfiable: "
         "DoNotSchedule}]}",
         "spec.topologySpreadConstraints[0].maxSkew", "from 1"},
        {"{containers: [{}], topologySpreadConstraints: [{maxSkew: 1, topologyKey: a}]}",
         "spec.topologySpreadConstraints[0].whenUnsatisfiable", "is missing"},
        {"{containers: [{}], topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}",
         "spec.topologySpreadConstraints[0].topologyKey", "is missing"},
        {"{containers: [{}], topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: "
         "ScheduleAnyway, minDomains: 2}]}",
         "spec.topologySpreadConstraints[0].minDomains", "DoNotSchedule"},
        {"{containers: [{}], affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, "
         "podAffinityTerm: {topologyKey: a}}]}}}",
         "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight", "from 1 to 100"},
        {"{containers: [{}], affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
         "[{topologyKey: a, labelSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}]}}}",
         "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchExpressions[0]"
         ".operator",
         "is \"Gt\""},
        {"{containers: [{}], volumes: [{name: a, persistentVolumeClaim: {}}]}",
         "spec.volumes[0].persistentVolumeClaim.claimName", "is missing"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        read_pod(&world, cases[i].spec);
        assert_true(world_found(&world, 5, cases[i].field, cases[i].what));
        assert_int_equal(diag_count(&world.diag), 1);
        assert_int_equal(world.objects.pods.len, 0);
        world_release(&world);
    }
}

static void tolerations_and_ports_are_kept(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod_spec *spec = good_spec(
        &world,
        "{tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute}, {key: c, effect: ''}],\n"
        "  initContainers: [{ports: [{hostPort: 1}]}, {restartPolicy: Always, ports: [{hostPort: 53, protocol: "
        "UDP}]}],\n"
        "  containers: [{ports: [{containerPort: 80}, {containerPort: 81, hostPort: 8081, hostIP: 10.0.0.1}]}]}");
    assert_int_equal(spec->n_tolerations, 3);
    assert_true(spec->tolerations[0].exists);
    assert_int_equal(spec->tolerations[0].key.len, 0);
    assert_int_equal(spec->tolerations[1].effect, EFFECT_NO_EXECUTE);
    assert_text(spec->tolerations[1].value, "b");
    assert_int_equal(spec->tolerations[2].effect, EFFECT_ANY);
    assert_int_equal(spec->n_host_ports, 2);
    assert_int_equal(spec->host_ports[0].port, 8081);
    assert_text(spec->host_ports[0].ip, "10.0.0.1");
    assert_text(spec->host_ports[0].protocol, "TCP");
    assert_int_equal(spec->host_ports[1].port, 53);
    assert_text(spec->host_ports[1].protocol, "UDP");
    world_release(&world);
}

static void the_hosts_network_makes_every_port_a_host_port(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod_spec *spec =
        good_spec(&world, "{hostNetwork: true, containers: [{ports: [{containerPort: 80}]}]}");
    assert_int_equal(spec->n_host_ports, 1);
    assert_int_equal(spec->host_ports[0].port, 80);
    world_release(&world);
}

static void scheduling_words_are_kept(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod_spec *spec = good_spec(&world, "containers: [{name: a}]");
    assert_int_equal(spec->priority, 0);
    assert_text(spec->scheduler_name, "default-scheduler");
    assert_false(spec->gated);
    assert_false(spec->resource_claims);
    assert_text(world.objects.pods.items[0].namespace_, "default");
    world_release(&world);
    spec = good_spec(&world, "{containers: [{name: a}], priority: -5, priorityClassName: low, schedulerName: volcano,\n"
                             "  schedulingGates: [{name: g}], resourceClaims: [{name: r}]}");
    assert_int_equal(spec->priority, -5);
    assert_text(spec->priority_class, "low");
    assert_text(spec->scheduler_name, "volcano");
    assert_true(spec->gated);
    assert_true(spec->resource_claims);
    world_release(&world);
    spec = good_spec(&world, "{containers: [{name: a}], priorityClassName: system-node-critical}");
    assert_int_equal(spec->priority, 2000001000);
    world_release(&world);
}

static void volumes_name_their_claims(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    good_spec(&world, "{containers: [{name: a}], volumes: [{name: x, emptyDir: {}},\n"
                      "  {name: data, persistentVolumeClaim: {claimName: data-0}},\n"
                      "  {name: tmp, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: gp3}}}},\n"
                      "  {name: any, ephemeral: {volumeClaimTemplate: {spec: {}}}}]}");
    const struct pod *pod = &world.objects.pods.items[0];
    assert_int_equal(pod->n_claims, 3);
    assert_text(pod->claims[0], "data-0");
    assert_text(pod->claims[1], "p-tmp");
    assert_text(pod->claims[2], "p-any");
    assert_int_equal(pod->n_ephemeral_classes, 2);
    assert_text(pod->ephemeral_classes[0], "gp3");
    assert_text(pod->ephemeral_classes[1], "");
    world_release(&world);
}

static void identity_comes_from_labels_and_owners(void **state)
{
    (void)state;
    static const struct {
        const char *metadata;
        enum spark_role role;
        const char *app, *owner;
        bool daemon;
    } cases[] = {
        {"labels: {spark-role: driver, spark-app-selector: spark-1, sparkoperator.k8s.io/app-name: pi}", SPARK_DRIVER,
         "spark-1", "", false},
        {"labels: {spark-role: executor, sparkoperator.k8s.io/app-name: pi}", SPARK_EXECUTOR, "pi", "", false},
        {"labels: {spark-role: executor, emr-containers.amazonaws.com/job.id: j1}", SPARK_EXECUTOR, "j1", "", false},
        {"labels: {spark-app-selector: spark-1}", SPARK_NONE, "", "", false},
        {"labels: {spark-role: worker, spark-app-selector: spark-1}", SPARK_NONE, "", "", false},
        {"ownerReferences: [{kind: DaemonSet, name: d, controller: true}]", SPARK_NONE, "", "d", true},
        {"ownerReferences: [{kind: X, name: x}, {kind: ReplicaSet, name: r, controller: true}]", SPARK_NONE, "", "r",
         false},
        {"ownerReferences: [{kind: X, name: x}, {kind: Y, name: y}]", SPARK_NONE, "", "x", false},
        {"ownerReferences: [{kind: Node, name: n, controller: true}]", SPARK_NONE, "", "n", false},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char yaml[1024];
        snprintf(yaml, sizeof(yaml), "{apiVersion: v1, kind: Pod, metadata: {name: p, %s}, spec: {containers: [{}]}}",
                 cases[i].metadata);
        world_good(&world, yaml);
        const struct pod *pod = &world.objects.pods.items[0];
        assert_int_equal(pod->role, cases[i].role);
        assert_text(pod->app, cases[i].app);
        assert_text(pod->owner_name, cases[i].owner);
        assert_int_equal(pod->daemon, cases[i].daemon);
        assert_false(pod->planned);
        world_release(&world);
    }
}

static void bound_and_ending_pods_are_told_apart(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, uid: u-1, deletionTimestamp: "
                       "'2024-01-01T00:00:00Z'}, spec: {nodeName: n1, containers: [{}]}, status: {phase: Running}}");
    const struct pod *pod = &world.objects.pods.items[0];
    assert_text(pod->namespace_, "x");
    assert_text(pod->uid, "u-1");
    assert_text(pod->node_name, "n1");
    assert_int_equal(pod->phase, POD_RUNNING);
    assert_true(pod->deleting);
    world_release(&world);
    world_read(&world,
               "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{}]}, status: {phase: Odd}}");
    assert_true(world_found(&world, 1, "status.phase", "is \"Odd\""));
    world_release(&world);
}

static void equal_specs_are_one(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char yaml[512];
    for (int i = 0; i < 50; i++) {
        snprintf(
            yaml, sizeof(yaml),
            "{apiVersion: v1, kind: Pod, metadata: {name: p%d, labels: {spark-exec-id: '%d'}}, spec: {hostname: h%d, "
            "nodeSelector: {pool: p%d}, containers: [{env: [{name: ID, value: '%d'}], " ASKS("1", "1Gi") "}]}}",
            i, i, i, i % 2, i);
        world_good(&world, yaml);
    }
    assert_int_equal(world.objects.pods.len, 50);
    assert_int_equal(world.objects.specs.len, 2);
    assert_int_equal(world.objects.pods.items[0].spec, world.objects.pods.items[48].spec);
    assert_int_not_equal(world.objects.pods.items[0].spec, world.objects.pods.items[1].spec);
    for (uint32_t id = 0; id < 2; id++)
        assert_int_equal(world.objects.specs.items[id]->id, id);
    world_release(&world);
}

/* Every member of a spec keeps two specs apart. */
static void specs_that_differ_are_two(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "containers: [{}]",
        "containers: [{" ASKS("1", "1Gi") "}]",
        "containers: [{" ASKS("1", "2Gi") "}]",
        "containers: [{ports: [{hostPort: 1}]}]",
        "containers: [{ports: [{hostPort: 2}]}]",
        "{containers: [{}], nodeSelector: {a: b}}",
        "{containers: [{}], nodeSelector: {a: c}}",
        "{containers: [{}], nodeSelector: {b: b}}",
        "{containers: [{}], tolerations: [{key: a}]}",
        "{containers: [{}], tolerations: [{key: a, operator: Exists}]}",
        "{containers: [{}], priority: 1}",
        "{containers: [{}], priorityClassName: a}",
        "{containers: [{}], schedulerName: a}",
        "{containers: [{}], schedulingGates: [{name: a}]}",
        "{containers: [{}], resourceClaims: [{name: a}]}",
        "{containers: [{}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: []}}}}",
        "{containers: [{}], affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
        "a}]}}}",
        "{containers: [{}], affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "[{topologyKey: a}]}}}",
        "{containers: [{}], affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "[{topologyKey: a, labelSelector: {}}]}}}",
        "{containers: [{}], affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "[{topologyKey: a, namespaceSelector: {}}]}}}",
        "{containers: [{}], topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: "
        "DoNotSchedule}]}",
        "{containers: [{}], topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: "
        "ScheduleAnyway}]}",
        "{containers: [{}], topologySpreadConstraints: [{maxSkew: 2, topologyKey: a, whenUnsatisfiable: "
        "DoNotSchedule}]}",
    };
    struct world world = {.err = {.code = 0}};
    char yaml[1024];
    for (size_t i = 0; i < CC_COUNT(specs); i++) {
        snprintf(yaml, sizeof(yaml), "apiVersion: v1\nkind: Pod\nmetadata: {name: p%zu}\nspec:\n  %s\n", i, specs[i]);
        world_good(&world, yaml);
        assert_int_equal(world.objects.specs.len, i + 1);
    }
    world_release(&world);
}

static void daemon_sets_keep_their_template(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, namespace: kube-system}, spec: "
                       "{template: {metadata: {labels: {app: d}}, spec: {containers: [{" ASKS("100m", "1Mi") "}]}}}}");
    const struct daemon_set *set = &world.objects.daemon_sets.items[0];
    assert_text(set->namespace_, "kube-system");
    assert_text(*labels_get(&set->labels, STR("app")), "d");
    assert_int_equal(amount_of(&world.objects.specs.items[set->spec]->requests, "cpu"), 100);
    world_release(&world);
    world_read(&world, "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {}}");
    assert_true(world_found(&world, 1, "spec.template.spec", "is missing"));
    assert_int_equal(world.objects.daemon_sets.len, 0);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_those_of_the_whole_pod),
        cmocka_unit_test(wrong_amounts_are_found),
        cmocka_unit_test(absurd_sums_are_found),
        cmocka_unit_test(node_affinity_keeps_terms_in_order),
        cmocka_unit_test(only_empty_terms_match_nothing),
        cmocka_unit_test(wrong_requirements_are_found),
        cmocka_unit_test(pod_affinity_keeps_required_before_preferred),
        cmocka_unit_test(spreads_have_kubernetes_defaults),
        cmocka_unit_test(wrong_specs_are_found),
        cmocka_unit_test(tolerations_and_ports_are_kept),
        cmocka_unit_test(the_hosts_network_makes_every_port_a_host_port),
        cmocka_unit_test(scheduling_words_are_kept),
        cmocka_unit_test(volumes_name_their_claims),
        cmocka_unit_test(identity_comes_from_labels_and_owners),
        cmocka_unit_test(bound_and_ending_pods_are_told_apart),
        cmocka_unit_test(equal_specs_are_one),
        cmocka_unit_test(specs_that_differ_are_two),
        cmocka_unit_test(daemon_sets_keep_their_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

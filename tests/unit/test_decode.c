/* test_decode.c - which kinds are read, refused or counted; nodes and volumes; the pods that Spark really makes. */
#include "tests/unit/api_helper.h"

static void kinds_that_play_no_part_are_counted(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world,
               "{kind: ConfigMap, apiVersion: v1}\n---\n{kind: PodDisruptionBudget, apiVersion: policy/v1}\n---\n"
               "{kind: ConfigMap, apiVersion: v1}\n");
    assert_int_equal(world.objects.ignored.len, 2);
    assert_int_equal(world.objects.ignored_counts.items[intern_find(&world.objects.ignored, STR("ConfigMap"))], 2);
    assert_int_equal(
        world.objects.ignored_counts.items[intern_find(&world.objects.ignored, STR("PodDisruptionBudget"))], 1);
    world_release(&world);
}

#define POD_SPEC "spec: {containers: [{}]}"

static void what_is_no_object_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *field, *what;
    } cases[] = {
        {"[1, 2]", "", "is a list, allowed is a map"},
        {"hello", "", "is a string, allowed is a map"},
        {"{apiVersion: v1}", "kind", "is missing"},
        {"{kind: 5}", "kind", "is a number"},
        {"{kind: Pod}", "apiVersion", "is \"\", allowed for Pod is v1"},
        {"{kind: Pod, apiVersion: v2}", "apiVersion", "is \"v2\", allowed for Pod is v1"},
        {"{kind: DaemonSet, apiVersion: extensions/v1beta1}", "apiVersion", "allowed for DaemonSet is apps/v1"},
        {"{kind: Provisioner, apiVersion: karpenter.sh/v1}", "apiVersion",
         "stoker.sh/v1alpha1 or karpenter.sh/v1alpha5"},
        {"{kind: NodePool, apiVersion: karpenter.sh/v1}", "kind", "write it as a Provisioner"},
        {"{kind: NodePool, apiVersion: karpenter.sh/v1beta1}", "kind", "write it as a Provisioner"},
        {"{kind: EC2NodeClass, apiVersion: karpenter.k8s.aws/v1}", "kind", "AWSNodeTemplate"},
        {"{kind: Pod, apiVersion: v1, " POD_SPEC "}", "metadata.name", "is missing"},
        {"{kind: Pod, apiVersion: v1, metadata: [], " POD_SPEC "}", "metadata", "is a list"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: 7}, " POD_SPEC "}", "metadata.name", "put it in quotes"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: ''}, " POD_SPEC "}", "metadata.name", "is no name"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a/b}, " POD_SPEC "}", "metadata.name", "is no name"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: 'x y'}, " POD_SPEC "}", "metadata.namespace",
         "is no name"},
        {"{kind: Pod, apiVersion: v1, metadata: {generateName: a-}, " POD_SPEC "}", "metadata.name", "generateName"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a, labels: [b]}, " POD_SPEC "}", "metadata.labels", "is a list"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a}}", "spec", "is missing"},
        {"{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: x}", "spec", "is a string"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        world_read(&world, cases[i].yaml);
        assert_true(world_found(&world, 1, cases[i].field, cases[i].what));
        assert_int_equal(world.objects.pods.len, 0);
        assert_int_equal(world.objects.ignored.len, 0);
        world_release(&world);
    }
}

static void names_have_a_length(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char yaml[512];
    snprintf(yaml, sizeof(yaml), "{kind: Pod, apiVersion: v1, metadata: {name: n%0252d}, " POD_SPEC "}", 1);
    world_good(&world, yaml);
    snprintf(yaml, sizeof(yaml), "{kind: Pod, apiVersion: v1, metadata: {name: n%0253d}, " POD_SPEC "}", 1);
    world_read(&world, yaml);
    assert_true(world_found(&world, 1, "metadata.name", "1 to 253"));
    assert_int_equal(world.objects.pods.len, 1);
    world_release(&world);
}

static void second_objects_are_refused(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "{kind: Pod, apiVersion: v1, metadata: {name: a}, " POD_SPEC "}");
    world_good(&world, "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: other}, " POD_SPEC "}");
    world_good(&world, "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: a}}");
    world_read(&world, "\n\nkind: Pod\napiVersion: v1\nmetadata:\n  namespace: default\n  name: a\n" POD_SPEC "\n");
    assert_true(world_found(&world, 7, "metadata.name", "Pod default/a was already read from test.yaml:1"));
    assert_int_equal(world.objects.pods.len, 2);
    world_release(&world);
    world_good(&world, "{kind: NodeTemplate, apiVersion: stoker.sh/v1alpha1, metadata: {name: a}}");
    world_read(&world, "{kind: NodeTemplate, apiVersion: stoker.sh/v1alpha1, metadata: {name: a}}");
    assert_true(world_found(&world, 1, "metadata.name", "NodeTemplate a was already read"));
    world_release(&world);
    world_good(&world, "{kind: NodeTemplate, apiVersion: stoker.sh/v1alpha1, metadata: {name: a}}");
    world_good(&world, "{kind: AWSNodeTemplate, apiVersion: karpenter.k8s.aws/v1alpha1, metadata: {name: a}}");
    world_release(&world);
}

/* One wrong object does not hide the others, nor what is wrong with them. */
static void all_findings_are_made(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_read(&world, "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec:\n  containers:\n  - resources:\n"
                       "      requests:\n        cpu: -1\n        memory: lots\n---\n"
                       "kind: Pod\napiVersion: v1\nmetadata: {name: b}\n" POD_SPEC "\n---\n"
                       "kind: Pod\napiVersion: v1\nmetadata: {name: c}\nspec: {containers: 1, nodeSelector: 2}\n");
    assert_true(world_found(&world, 8, "spec.containers[0].resources.requests.cpu", "-1"));
    assert_true(world_found(&world, 9, "spec.containers[0].resources.requests.memory", "lots"));
    assert_true(world_found(&world, 19, "spec.containers", "is a number"));
    assert_true(world_found(&world, 19, "spec.nodeSelector", "is a number"));
    assert_int_equal(world.objects.pods.len, 1);
    assert_text(world.objects.pods.items[0].name, "b");
    assert_int_equal(world.objects.pods.items[0].origin.line, 11);
    world_release(&world);
}

/* What is shown of foreign text is short, whole characters, one line. */
static void findings_are_fit_to_print(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char umlauts[121], yaml[512];
    for (size_t i = 0; i < sizeof(umlauts) - 1; i++)
        umlauts[i] = "\xc3\xa4"[i % 2];
    umlauts[sizeof(umlauts) - 1] = '\0';
    snprintf(yaml, sizeof(yaml), "{kind: Pod, apiVersion: v1, metadata: {name: \"a\\n\\e[31m%s\"}}", umlauts);
    world_read(&world, yaml);
    assert_true(world_found(&world, 1, "metadata.name", "\"a??[31m\xc3\xa4"));
    assert_null(strstr(world.diag.findings[0].text, "\n"));
    assert_non_null(strstr(world.diag.findings[0].text, "\xc3\xa4\" is no name")); /* no half character */
    assert_true(strlen(world.diag.findings[0].text) < 200);
    world_release(&world);
}

static void nodes_have_todays_labels(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(
        &world,
        "{kind: Node, apiVersion: v1, metadata: {name: n1, labels: {beta.kubernetes.io/arch: old, kubernetes.io/arch: "
        "amd64, failure-domain.beta.kubernetes.io/zone: a, topology.ebs.csi.aws.com/zone: a}},\n"
        "spec: {unschedulable: true, taints: [{key: x, effect: NoSchedule}]},\n"
        "status: {capacity: {cpu: '8', memory: 32Gi, pods: '58', hugepages-2Mi: '0', attachable-volumes-aws-ebs: "
        "'25'}, "
        "allocatable: {cpu: 7910m, memory: 31Gi, pods: '58'}}}");
    const struct node *node = &world.objects.nodes.items[0];
    assert_text(node->name, "n1");
    assert_int_equal(node->labels.n, 2);
    assert_text(*labels_get(&node->labels, STR("kubernetes.io/arch")), "amd64");
    assert_text(*labels_get(&node->labels, STR("topology.kubernetes.io/zone")), "a");
    assert_true(node->unschedulable);
    assert_false(node->deleting);
    assert_int_equal(node->taints.n, 1);
    assert_int_equal(amount_of(&node->allocatable, "cpu"), 7910);
    assert_int_equal(amount_of(&node->capacity, "pods"), 58);
    assert_int_equal(amount_of(&node->capacity, "hugepages-2Mi"), -1); /* none is not there */
    world_release(&world);
    world_good(&world, "{kind: Node, apiVersion: v1, metadata: {name: n}, status: {capacity: {cpu: 2}}}");
    assert_int_equal(amount_of(&world.objects.nodes.items[0].allocatable, "cpu"), 2000);
    world_release(&world);
}

static void volumes_say_their_zones(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[256];
    world_good(
        &world,
        "{kind: PersistentVolume, apiVersion: v1, metadata: {name: v}, spec: {nodeAffinity: {required: "
        "{nodeSelectorTerms: "
        "[{matchExpressions: [{key: topology.ebs.csi.aws.com/zone, operator: In, values: [a]}]}]}}}}\n---\n"
        "{kind: PersistentVolume, apiVersion: v1, metadata: {name: w, labels: "
        "{failure-domain.beta.kubernetes.io/zone: b}}}\n"
        "---\n{kind: PersistentVolume, apiVersion: v1, metadata: {name: x}, spec: {}}\n---\n"
        "{kind: PersistentVolume, apiVersion: v1, metadata: {name: y}, spec: {csi: {driver: efs.csi.aws.com, "
        "volumeHandle: fs-1}}}\n---\n"
        "{kind: PersistentVolume, apiVersion: v1, metadata: {name: z}, spec: {awsElasticBlockStore: {volumeID: "
        "vol-1}}}\n---\n"
        "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: c, namespace: ns, annotations: "
        "{volume.kubernetes.io/selected-node: n1}}, spec: {volumeName: v, storageClassName: ''}}\n---\n"
        "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: d}, spec: {}}\n---\n"
        "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: e, deletionTimestamp: "
        "'2026-01-01T00:00:00Z'}, spec: {volumeName: w}, status: {phase: Lost}}\n---\n"
        "{kind: PersistentVolumeClaim, apiVersion: v1, metadata: {name: f}, spec: {volumeName: x}, status: {phase: "
        "Bound}}\n");
    assert_int_equal(world.objects.volumes.len, 5);
    const struct volume *volumes = world.objects.volumes.items;
    assert_int_equal(volumes[0].n_terms, 1);
    assert_string_equal(requirements_text(&volumes[0].terms[0].labels, text, sizeof(text)),
                        "topology.kubernetes.io/zone In a");
    assert_string_equal(requirements_text(&volumes[1].terms[0].labels, text, sizeof(text)),
                        "topology.kubernetes.io/zone In b");
    assert_int_equal(volumes[2].n_terms, 0);
    assert_text(volumes[2].driver, "");
    assert_text(volumes[3].driver, "efs.csi.aws.com");
    assert_text(volumes[4].driver, "ebs.csi.aws.com");
    const struct volume_claim *claims = world.objects.claims.items;
    assert_text(claims[0].namespace_, "ns");
    assert_text(claims[0].volume_name, "v");
    assert_text(claims[0].selected_node, "n1");
    assert_true(claims[0].storage_class_set);
    assert_text(claims[0].storage_class, "");
    assert_false(claims[1].storage_class_set);
    assert_true(!claims[0].unbound && !claims[0].deleting && !claims[1].unbound);
    assert_true(claims[2].unbound && claims[2].deleting);
    assert_false(claims[3].unbound || claims[3].deleting);
    world_release(&world);
}

static void csi_nodes_say_what_can_be_attached(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "{kind: CSINode, apiVersion: storage.k8s.io/v1, metadata: {name: n1}, spec: {drivers: [{name: "
                       "ebs.csi.aws.com, nodeID: i-1, topologyKeys: [zone], allocatable: {count: 25}}, {name: "
                       "efs.csi.aws.com, nodeID: i-1, topologyKeys: null}]}}\n---\n"
                       "{kind: CSINode, apiVersion: storage.k8s.io/v1, metadata: {name: n2}, spec: {drivers: null}}\n");
    const struct csi_node *nodes = world.objects.csi_nodes.items;
    assert_int_equal(world.objects.csi_nodes.len, 2);
    assert_text(nodes[0].name, "n1");
    assert_int_equal(nodes[0].n_drivers, 2);
    assert_text(nodes[0].drivers[0].name, "ebs.csi.aws.com");
    assert_int_equal(nodes[0].drivers[0].count, 25);
    assert_int_equal(nodes[0].drivers[1].count, -1);
    assert_int_equal(nodes[1].n_drivers, 0);
    world_release(&world);
    world_read(&world, "{kind: CSINode, apiVersion: storage.k8s.io/v1, metadata: {name: n}, spec: {drivers: "
                       "[{name: a, allocatable: {count: -3}}]}}");
    assert_int_equal(world.objects.csi_nodes.len, 0);
    assert_true(world_found(&world, 1, "spec.drivers[0].allocatable.count", "is -3"));
    world_release(&world);
    world_read(&world, "{kind: CSINode, apiVersion: storage.k8s.io/v1, metadata: {name: n}, spec: {drivers: [{}]}}");
    assert_int_equal(world.objects.csi_nodes.len, 0);
    assert_true(world_found(&world, 1, "spec.drivers[0].name", "the name of a CSI driver"));
    world_release(&world);
}

static void storage_classes_say_when_and_where(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[256];
    world_good(
        &world,
        "{kind: StorageClass, apiVersion: storage.k8s.io/v1, metadata: {name: gp3, annotations: "
        "{storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: ebs.csi.aws.com, volumeBindingMode: "
        "WaitForFirstConsumer, allowedTopologies: [{matchLabelExpressions: [{key: topology.ebs.csi.aws.com/zone, "
        "values: [a, b]}]}]}\n---\n"
        "{kind: StorageClass, apiVersion: storage.k8s.io/v1, metadata: {name: io2}, provisioner: "
        "kubernetes.io/aws-ebs}\n");
    const struct storage_class *classes = world.objects.storage_classes.items;
    assert_true(classes[0].is_default);
    assert_true(classes[0].wait_for_consumer);
    assert_text(classes[0].driver, "ebs.csi.aws.com");
    assert_int_equal(classes[0].n_terms, 1);
    assert_string_equal(requirements_text(&classes[0].terms[0].labels, text, sizeof(text)),
                        "topology.kubernetes.io/zone In a b");
    assert_text(classes[1].driver, "ebs.csi.aws.com");
    assert_false(classes[1].is_default);
    assert_false(classes[1].wait_for_consumer);
    world_release(&world);
    world_read(&world,
               "{kind: StorageClass, apiVersion: storage.k8s.io/v1, metadata: {name: a}, volumeBindingMode: Later}");
    assert_true(world_found(&world, 1, "volumeBindingMode", "Immediate, WaitForFirstConsumer"));
    world_release(&world);
}

static int32_t priority_of_pod(const struct world *world, size_t pod)
{
    return world->objects.specs.items[world->objects.pods.items[pod].spec]->priority;
}

static void priority_comes_from_the_class_in_any_order(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(
        &world,
        "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {priorityClassName: high, containers: [{}]}}\n---\n"
        "{kind: PriorityClass, apiVersion: scheduling.k8s.io/v1, metadata: {name: high}, value: 1000}\n---\n"
        "{kind: PriorityClass, apiVersion: scheduling.k8s.io/v1, metadata: {name: low}, value: -7}\n---\n"
        "{kind: Pod, apiVersion: v1, metadata: {name: b}, spec: {priorityClassName: high, containers: [{}]}}\n---\n"
        "{kind: Pod, apiVersion: v1, metadata: {name: c}, spec: {priorityClassName: low, containers: [{}]}}\n---\n"
        "{kind: Pod, apiVersion: v1, metadata: {name: d}, spec: {priorityClassName: high, priority: 5, containers: "
        "[{}]}}\n---\n"
        "{kind: Pod, apiVersion: v1, metadata: {name: e}, spec: {containers: [{}]}}\n");
    assert_int_equal(priority_of_pod(&world, 0), 1000);
    assert_int_equal(priority_of_pod(&world, 1), 1000);
    assert_int_equal(priority_of_pod(&world, 2), -7);
    assert_int_equal(priority_of_pod(&world, 3), 5);
    assert_int_equal(priority_of_pod(&world, 4), 0);
    world_good(&world, "{kind: PriorityClass, apiVersion: scheduling.k8s.io/v1, metadata: {name: d}, value: 3, "
                       "globalDefault: true}");
    assert_int_equal(priority_of_pod(&world, 4), 3);
    assert_int_equal(priority_of_pod(&world, 0), 1000);
    world_read(&world, "{kind: PriorityClass, apiVersion: scheduling.k8s.io/v1, metadata: {name: x}}");
    assert_true(world_found(&world, 1, "value", "is missing"));
    world_release(&world);
}

/* Reads files of tests/fixtures/spark; tests run in the root of the repository. */
static void read_fixture(struct world *world, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "tests/fixtures/spark/%s", name);
    int rc = objects_read_path(&world->objects, path, STR(""), &world->diag, &world->err);
    world_print(world);
    assert_int_equal(rc, 0);
}

static void real_spark_pods_are_read(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    read_fixture(&world, "3.5-default-driver.json");
    read_fixture(&world, "3.5-default-executor-1.json");
    read_fixture(&world, "3.5-default-executor-2.json");
    read_fixture(&world, "3.5-default-cm.json");
    assert_int_equal(world.objects.pods.len, 3);
    assert_int_equal(world.objects.ignored.len, 1);
    const struct pod *driver = &world.objects.pods.items[0], *first = &world.objects.pods.items[1];
    assert_int_equal(driver->role, SPARK_DRIVER);
    assert_text(driver->node_name, "drv-1");
    assert_int_equal(driver->phase, POD_RUNNING);
    assert_int_equal(first->role, SPARK_EXECUTOR);
    assert_true(str_eq(driver->app, first->app));
    assert_text(first->namespace_, "spark");
    assert_text(first->owner_kind, "Pod");
    assert_true(str_eq(first->owner_name, driver->name));
    assert_int_equal(first->node_name.len, 0);
    assert_false(first->daemon);
    /* Executors of one application are one shape. */
    assert_int_equal(first->spec, world.objects.pods.items[2].spec);
    const struct pod_spec *spec = world.objects.specs.items[first->spec];
    assert_int_equal(amount_of(&spec->requests, "cpu"), 1000);
    assert_int_equal(amount_of(&spec->requests, "memory"), 896 << 20);
    world_release(&world);
}

static void real_spark_pods_of_templates_are_read(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    char text[256];
    read_fixture(&world, "3.5-templates-pvc-executor-1.json");
    read_fixture(&world, "3.5-templates-pvc-pvc.json");
    const struct pod *pod = &world.objects.pods.items[0];
    const struct pod_spec *spec = world.objects.specs.items[pod->spec];
    assert_int_equal(amount_of(&spec->requests, "cpu"), 900);
    assert_int_equal(amount_of(&spec->requests, "memory"), 712 << 20);
    assert_int_equal(amount_of(&spec->requests, "ephemeral-storage"), 1 << 30);
    assert_string_equal(requirements_text(&spec->node_selector, text, sizeof(text)),
                        "kubernetes.io/arch In amd64, workload In spark-executor");
    assert_int_equal(spec->n_tolerations, 3);
    assert_int_equal(pod->n_claims, 1);
    assert_int_equal(world.objects.claims.len, 2);
    assert_true(str_eq(pod->claims[0], world.objects.claims.items[0].name));
    assert_text(world.objects.claims.items[0].storage_class, "gp3");
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_that_play_no_part_are_counted),
        cmocka_unit_test(what_is_no_object_is_found),
        cmocka_unit_test(names_have_a_length),
        cmocka_unit_test(second_objects_are_refused),
        cmocka_unit_test(all_findings_are_made),
        cmocka_unit_test(findings_are_fit_to_print),
        cmocka_unit_test(nodes_have_todays_labels),
        cmocka_unit_test(volumes_say_their_zones),
        cmocka_unit_test(csi_nodes_say_what_can_be_attached),
        cmocka_unit_test(storage_classes_say_when_and_where),
        cmocka_unit_test(priority_comes_from_the_class_in_any_order),
        cmocka_unit_test(real_spark_pods_are_read),
        cmocka_unit_test(real_spark_pods_of_templates_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

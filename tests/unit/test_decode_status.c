/* test_decode_status.c - what only a controller asks about: states of pods and nodes, budgets, how to launch. */
#include "tests/unit/api_helper.h"

#define S INT64_C(1000000000)

static const struct pod *one_pod(struct world *world, const char *yaml)
{
    world_good(world, yaml);
    assert_int_equal(world->objects.pods.len, 1);
    return &world->objects.pods.items[0];
}

static void a_pod_tells_its_state(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod *pod = one_pod(
        &world,
        "apiVersion: v1\nkind: Pod\n"
        "metadata:\n  name: a\n  uid: u\n  creationTimestamp: '2026-11-21T06:18:42Z'\n"
        "  deletionTimestamp: '2026-11-21T06:19:42Z'\n"
        "  annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: 'false'}\n"
        "  ownerReferences: [{kind: ReplicaSet, name: r, controller: true}]\n"
        "spec: {containers: [{}]}\n"
        "status:\n  phase: Failed\n  nominatedNodeName: n1\n"
        "  conditions: [{type: Ready, status: 'False'}, {type: PodScheduled, status: 'False', reason: Unschedulable}]\n"
        "  containerStatuses:\n"
        "  - state: {terminated: {finishedAt: '2026-11-21T06:18:50Z'}}\n"
        "  - state: {terminated: {finishedAt: '2026-11-21T06:18:45Z'}}\n"
        "  initContainerStatuses: [{state: {terminated: {finishedAt: '2026-11-21T06:18:43Z'}}}]\n");
    assert_int_equal(pod->created.ns, 1795241922 * S);
    assert_int_equal(pod->finished.ns, 1795241930 * S);
    assert_true(pod->do_not_disrupt && pod->has_controller && pod->unschedulable);
    assert_int_equal(pod->ends.ns, 1795241982 * S);
    assert_true(pod->deleting && !pod->ready);
    assert_text(pod->nominated_node, "n1");
    world_release(&world);
}

static void a_pod_that_says_nothing_has_defaults(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct pod *pod = one_pod(
        &world,
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  creationTimestamp: null\n"
        "  annotations: {karpenter.sh/do-not-evict: 'false'}\n"
        "  ownerReferences: [{kind: Pod, name: driver}]\n"
        "spec: {containers: [{}]}\n"
        "status:\n  conditions: [{type: PodScheduled, status: 'False', reason: Gated}, {type: Ready, status: 'True'}]\n"
        "  containerStatuses: [{state: {terminated: {finishedAt: '2026-01-01T00:00:00Z'}}}]\n");
    assert_int_equal(pod->created.ns, 0);
    assert_int_equal(pod->finished.ns, 0);
    assert_false(pod->do_not_disrupt || pod->has_controller || pod->unschedulable);
    assert_true(pod->ready);
    assert_int_equal(pod->ends.ns, 0);
    assert_text(pod->nominated_node, "");
    world_release(&world);
}

static void every_word_against_disruption_counts(void **state)
{
    (void)state;
    static const char *const words[] = {"karpenter.sh/do-not-evict: 'true'", "karpenter.sh/do-not-disrupt: 'true'",
                                        "cluster-autoscaler.kubernetes.io/safe-to-evict: 'false'"};
    for (size_t i = 0; i < CC_COUNT(words); i++) {
        struct world world = {.err = {.code = 0}};
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {%s}}\nspec: {containers: [{}]}\n",
                 words[i]);
        assert_true(one_pod(&world, yaml)->do_not_disrupt);
        world_release(&world);
    }
}

static void a_node_tells_its_state(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(
        &world,
        "apiVersion: v1\nkind: Node\n"
        "metadata:\n  name: n\n  uid: u\n  resourceVersion: '71'\n  creationTimestamp: '2026-11-21T06:18:42Z'\n"
        "  annotations: {karpenter.sh/do-not-consolidate: 'true'}\n"
        "spec: {providerID: 'aws:///us-west-2a/i-1'}\n"
        "status: {conditions: [{type: MemoryPressure, status: 'True'}, {type: Ready, status: 'True'}]}\n"
        "---\napiVersion: v1\nkind: Node\nmetadata: {name: m, annotations: {karpenter.sh/do-not-disrupt: 'true'}}\n"
        "status: {conditions: [{type: Ready, status: Unknown}]}\n");
    const struct node *n = &world.objects.nodes.items[0], *m = &world.objects.nodes.items[1];
    assert_text(n->uid, "u");
    assert_text(n->resource_version, "71");
    assert_text(n->provider_id, "aws:///us-west-2a/i-1");
    assert_int_equal(n->created.ns, 1795241922 * S);
    assert_true(n->ready && n->do_not_consolidate && !n->do_not_disrupt);
    assert_true(!m->ready && !m->do_not_consolidate && m->do_not_disrupt);
    assert_text(m->provider_id, "");
    world_release(&world);
}

static int on_budget(void *context, const struct doc *object, struct err *err)
{
    struct world *world = context;
    return objects_decode_budget(&world->objects, object, "test.yaml", &world->diag, err);
}

static void budgets_are_read_when_asked_for(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    static const char yaml[] =
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: jobs}\n"
        "spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}\nstatus: {disruptionsAllowed: 2}\n"
        "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: c}\nspec: {}\n";
    assert_int_equal(doc_read(str_of(yaml), "test.yaml", on_budget, &world, &world.err), 0);
    assert_int_equal(diag_count(&world.diag), 0);
    assert_int_equal(world.objects.budgets.len, 2);
    const struct budget *b = &world.objects.budgets.items[0], *c = &world.objects.budgets.items[1];
    const struct cloud_label item = {STR_INIT("app"), STR_INIT("x")};
    const struct labels labels = {&item, 1};
    assert_text(b->namespace_, "jobs");
    assert_int_equal(b->disruptions_allowed, 2);
    assert_true(selector_matches(&b->selector, &labels));
    assert_int_equal(c->disruptions_allowed, 0);
    assert_false(selector_matches(&c->selector, &labels));
    world_release(&world);
}

static bool unhealthy_may_go(const char *spec, const char *status)
{
    struct world world = {.err = {.code = 0}};
    char yaml[512];
    snprintf(yaml, sizeof(yaml),
             "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {%s}\nstatus: {%s}\n", spec,
             status);
    assert_int_equal(doc_read(str_of(yaml), "test.yaml", on_budget, &world, &world.err), 0);
    bool may = world.objects.budgets.items[0].unhealthy_may_go;
    world_release(&world);
    return may;
}

static void a_budget_says_whether_sick_pods_may_go(void **state)
{
    (void)state;
    assert_false(unhealthy_may_go("", ""));
    assert_false(unhealthy_may_go("", "currentHealthy: 1, desiredHealthy: 2"));
    assert_true(unhealthy_may_go("", "currentHealthy: 2, desiredHealthy: 2"));
    assert_false(unhealthy_may_go("", "currentHealthy: 2, desiredHealthy: 0"));
    assert_true(unhealthy_may_go("unhealthyPodEvictionPolicy: AlwaysAllow", "currentHealthy: 0, desiredHealthy: 2"));
    assert_false(
        unhealthy_may_go("unhealthyPodEvictionPolicy: IfHealthyBudget", "currentHealthy: 0, desiredHealthy: 2"));
}

static void assert_tag(const struct cloud_label *tags, size_t n, size_t i, const char *key, const char *value)
{
    assert_true(i < n);
    assert_text(tags[i].key, key);
    assert_text(tags[i].value, value);
}

static void a_template_says_how_to_launch(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "apiVersion: karpenter.k8s.aws/v1alpha1\nkind: AWSNodeTemplate\nmetadata: {name: t}\nspec:\n"
                       "  amiFamily: AL2023\n"
                       "  subnetSelector: {kubernetes.io/cluster/x: '*', aws-ids: 'subnet-1,subnet-2'}\n"
                       "  securityGroupSelector: {Name: a b}\n  amiSelector: {aws-ids: ami-1}\n"
                       "  instanceProfile: p\n  userData: '#!/bin/sh'\n  tags: {team: data, 'a:b': ''}\n"
                       "  detailedMonitoring: true\n  instanceStorePolicy: RAID0\n"
                       "  metadataOptions: {httpTokens: optional, httpPutResponseHopLimit: 3, httpEndpoint: enabled}\n"
                       "  blockDeviceMappings:\n  - deviceName: /dev/xvda\n"
                       "    ebs: {volumeSize: 50Gi, volumeType: gp3, iops: 4000, throughput: 250, encrypted: true,\n"
                       "          kmsKeyID: k, snapshotID: s, deleteOnTermination: false}\n"
                       "  - {deviceName: /dev/xvdb, virtualName: ephemeral0}\n"
                       "  - {deviceName: /dev/xvdc, ebs: {}}\n");
    const struct node_template *template = &world.objects.templates.items[0];
    const struct cloud_template *launch = &template->launch;
    assert_true(template->karpenter && launch->detailed_monitoring && launch->disk.instance_store_raid0);
    assert_text(launch->name, "t");
    assert_text(launch->family, "AL2023");
    assert_tag(launch->subnets, launch->n_subnets, 0, "aws-ids", "subnet-1,subnet-2");
    assert_tag(launch->subnets, launch->n_subnets, 1, "kubernetes.io/cluster/x", "*");
    assert_tag(launch->security_groups, launch->n_security_groups, 0, "Name", "a b");
    assert_tag(launch->images, launch->n_images, 0, "aws-ids", "ami-1");
    assert_tag(launch->tags, launch->n_tags, 0, "a:b", "");
    assert_text(launch->instance_profile, "p");
    assert_text(launch->user_data, "#!/bin/sh");
    assert_text(launch->http_tokens, "optional");
    assert_text(launch->http_endpoint, "enabled");
    assert_text(launch->http_ipv6, "");
    assert_int_equal(launch->http_hop_limit, 3);
    assert_int_equal(launch->n_volumes, 2);
    assert_text(launch->volumes[0].device, "/dev/xvda");
    assert_text(launch->volumes[0].type, "gp3");
    assert_text(launch->volumes[0].kms_key, "k");
    assert_text(launch->volumes[0].snapshot, "s");
    assert_int_equal(launch->volumes[0].bytes, INT64_C(50) << 30);
    assert_int_equal(launch->volumes[0].iops, 4000);
    assert_int_equal(launch->volumes[0].throughput_mib, 250);
    assert_int_equal(launch->volumes[0].encrypted, 1);
    assert_int_equal(launch->volumes[0].delete_on_termination, 0);
    assert_text(launch->volumes[1].device, "/dev/xvdc");
    assert_int_equal(launch->volumes[1].bytes, -1);
    assert_int_equal(launch->volumes[1].encrypted, -1);
    assert_int_equal(launch->disk.root_bytes, INT64_C(50) << 30);
    world_release(&world);
}

static void what_a_launch_cannot_have_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *field, *what;
    } cases[] = {
        {"{subnetSelector: {a: null}}", "spec.subnetSelector.a", "is null"},
        {"{subnetSelector: {a: 1}}", "spec.subnetSelector.a", "is a number"},
        {"{tags: {'': x}}", "spec.tags.", "no tag's"},
        {"{metadataOptions: {httpTokens: maybe}}", "spec.metadataOptions.httpTokens", "required, optional"},
        {"{metadataOptions: {httpPutResponseHopLimit: 65}}", "spec.metadataOptions.httpPutResponseHopLimit", "1 to 64"},
        {"{metadataOptions: {tokens: x}}", "spec.metadataOptions.tokens", "not a known field"},
        {"{detailedMonitoring: 'yes'}", "spec.detailedMonitoring", "is a string"},
        {"{blockDeviceMappings: [{ebs: {encrypted: 1}}]}", "spec.blockDeviceMappings[0].ebs.encrypted", "is a number"},
        {"{blockDeviceMappings: [{ebs: {iops: 1}}]}", "spec.blockDeviceMappings[0].ebs.iops", "from 100"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: %s}", cases[i].spec);
        world_read(&world, yaml);
        assert_true(world_found(&world, 1, cases[i].field, cases[i].what));
        assert_int_equal(world.objects.templates.len, 0);
        world_release(&world);
    }
}

static void a_provisioner_says_how_to_launch(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\n"
                       "metadata: {name: p, uid: u, generation: 4}\nspec:\n"
                       "  provider: {subnetSelector: {a: b}, instanceProfile: x}\n"
                       "  spot: {onRebalance: Replace, allocationStrategy: price-capacity-optimized}\n"
                       "  kubeletConfiguration: {clusterDNS: [10.0.0.10, fd00::10]}\n"
                       "---\napiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: q}\n"
                       "spec: {provider: {}}\n");
    const struct provisioner *p = &world.objects.provisioners.items[0], *q = &world.objects.provisioners.items[1];
    assert_text(p->uid, "u");
    assert_int_equal(p->generation, 4);
    assert_true(p->replace_on_rebalance && !q->replace_on_rebalance);
    assert_text(p->strategy, "price-capacity-optimized");
    assert_text(q->strategy, "");
    assert_int_equal(p->n_cluster_dns, 2);
    assert_text(p->cluster_dns[1], "fd00::10");
    assert_text(p->inline_template->launch.name, "p");
    assert_text(p->inline_template->launch.instance_profile, "x");
    assert_tag(p->inline_template->launch.subnets, p->inline_template->launch.n_subnets, 0, "a", "b");
    assert_true(!p->inline_template->karpenter && q->inline_template->karpenter);
    world_release(&world);
}

static void a_kubelet_is_told_as_it_wants_it(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_good(&world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\nmetadata: {name: p}\nspec:\n"
                       "  kubeletConfiguration:\n    maxPods: 20\n    systemReserved: {cpu: 1, memory: 100Mi}\n"
                       "    evictionHard: {memory.available: 5%}\n    evictionSoft: {nodefs.available: 10%}\n"
                       "    evictionSoftGracePeriod: {nodefs.available: 1m0s}\n    evictionMaxPodGracePeriod: 60\n"
                       "    imageGCHighThresholdPercent: 85\n    cpuCFSQuota: false\n    containerRuntime: containerd\n"
                       "---\napiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: q}\n"
                       "spec: {kubeletConfiguration: {maxPods: 5, clusterDNS: [10.0.0.1]}}\n");
    assert_text(world.objects.provisioners.items[0].kubelet_json,
                "{\"systemReserved\":{\"cpu\":\"1\",\"memory\":\"100Mi\"},"
                "\"evictionHard\":{\"memory.available\":\"5%\"},\"evictionSoft\":{\"nodefs.available\":\"10%\"},"
                "\"evictionSoftGracePeriod\":{\"nodefs.available\":\"1m0s\"},\"evictionMaxPodGracePeriod\":60,"
                "\"imageGCHighThresholdPercent\":85,\"cpuCFSQuota\":false}");
    assert_text(world.objects.provisioners.items[1].kubelet_json, "");
    world_release(&world);
}

static void a_kubelet_is_told_nothing_that_it_cannot_read(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_read(&world, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: p}, spec: "
                       "{kubeletConfiguration: {imageGCHighThresholdPercent: 101, cpuCFSQuota: 1}}}");
    assert_true(world_found(&world, 1, "spec.kubeletConfiguration.imageGCHighThresholdPercent", "0 to 100"));
    assert_true(world_found(&world, 1, "spec.kubeletConfiguration.cpuCFSQuota", "is a number"));
    world_release(&world);
}

static void spot_policy_is_checked(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_read(&world, "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: p}, "
                       "spec: {spot: {onRebalance: Ignore, allocationStrategy: cheapest}}}");
    assert_true(world_found(&world, 1, "spec.spot.onRebalance", "allowed are Record, Replace"));
    assert_true(world_found(&world, 1, "spec.spot.allocationStrategy", "capacity-optimized-prioritized"));
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_tells_its_state),
        cmocka_unit_test(a_pod_that_says_nothing_has_defaults),
        cmocka_unit_test(every_word_against_disruption_counts),
        cmocka_unit_test(a_node_tells_its_state),
        cmocka_unit_test(budgets_are_read_when_asked_for),
        cmocka_unit_test(a_budget_says_whether_sick_pods_may_go),
        cmocka_unit_test(a_template_says_how_to_launch),
        cmocka_unit_test(what_a_launch_cannot_have_is_found),
        cmocka_unit_test(a_provisioner_says_how_to_launch),
        cmocka_unit_test(a_kubelet_is_told_as_it_wants_it),
        cmocka_unit_test(a_kubelet_is_told_nothing_that_it_cannot_read),
        cmocka_unit_test(spot_policy_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

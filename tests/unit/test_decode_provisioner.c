/* test_decode_provisioner.c - Provisioners of both groups and node templates: defaults, and what is refused. */
#include "tests/unit/api_helper.h"

static bool near(double a, double b)
{
    return a - b < 1e-12 && b - a < 1e-12;
}

static void read_spec(struct world *world, const char *api_version, const char *spec)
{
    char yaml[4096];
    int n = snprintf(yaml, sizeof(yaml), "apiVersion: %s\nkind: Provisioner\nmetadata: {name: default}\nspec: %s\n",
                     api_version, spec);
    assert_true(n > 0 && (size_t)n < sizeof(yaml));
    world_read(world, yaml);
}

static const struct provisioner *good(struct world *world, const char *api_version, const char *spec)
{
    read_spec(world, api_version, spec);
    world_print(world);
    assert_int_equal(diag_count(&world->diag), 0);
    assert_int_equal(world->objects.provisioners.len, 1);
    return &world->objects.provisioners.items[0];
}

#define KARPENTER "karpenter.sh/v1alpha5"
#define STOKER    "stoker.sh/v1alpha1"

static void absent_members_have_defaults(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct provisioner *provisioner = good(&world, KARPENTER, "{}");
    assert_text(provisioner->name, "default");
    assert_true(provisioner->karpenter);
    assert_int_equal(provisioner->weight, 0);
    assert_int_equal(provisioner->ttl_after_empty_s, -1);
    assert_int_equal(provisioner->ttl_until_expired_s, -1);
    assert_false(provisioner->consolidation);
    assert_int_equal(provisioner->limits.n, 0);
    assert_int_equal(provisioner->template_name.len, 0);
    assert_null(provisioner->inline_template);
    assert_int_equal(provisioner->kubelet.max_pods, -1);
    assert_int_equal(provisioner->kubelet.evict_memory_bytes, -1);
    assert_int_equal(provisioner->driver_capacity, ROLE_ON_DEMAND);
    assert_int_equal(provisioner->executor_capacity, ROLE_SPOT);
    assert_int_equal(provisioner->zone_mode, SPARK_ZONE_ANY);
    assert_true(near(provisioner->zone_premium, 0.02));
    assert_true(near(provisioner->max_price_ratio, 1.25));
    assert_true(near(provisioner->max_pool_share, 1));
    assert_true(near(provisioner->gang_min_share, 0.8));
    world_release(&world);
}

#define LINUX     "kubernetes.io/os In linux"
#define AMD64     "kubernetes.io/arch In amd64"
#define ON_DEMAND "karpenter.sh/capacity-type In on-demand"
#define CMR       "karpenter.k8s.aws/instance-category In c m r, karpenter.k8s.aws/instance-generation Gt 2"

static void requirements_get_the_defaults_of_v1alpha5(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *requirements;
    } cases[] = {
        {"{}", LINUX ", " AMD64 ", " ON_DEMAND ", " CMR},
        {"{requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]}",
         "karpenter.sh/capacity-type In spot, " LINUX ", " AMD64 ", " CMR},
        {"{requirements: [{key: beta.kubernetes.io/arch, operator: In, values: [arm64]}]}",
         "kubernetes.io/arch In arm64, " LINUX ", " ON_DEMAND ", " CMR},
        {"{requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [m5.large]}]}",
         "node.kubernetes.io/instance-type In m5.large, " LINUX ", " AMD64 ", " ON_DEMAND},
        {"{requirements: [{key: karpenter.k8s.aws/instance-family, operator: NotIn, values: [t3]}]}",
         "karpenter.k8s.aws/instance-family NotIn t3, " LINUX ", " AMD64 ", " ON_DEMAND},
        {"{requirements: [{key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['4']}]}",
         "karpenter.k8s.aws/instance-generation Gt 4, " LINUX ", " AMD64 ", " ON_DEMAND},
        {"{requirements: [{key: karpenter.k8s.aws/instance-size, operator: NotIn, values: [nano, micro]}]}",
         "karpenter.k8s.aws/instance-size NotIn nano micro, " LINUX ", " AMD64 ", " ON_DEMAND ", " CMR},
        {"{requirements: [{key: eks.amazonaws.com/capacityType, operator: In, values: [SPOT]}]}",
         "eks.amazonaws.com/capacityType In SPOT, " LINUX ", " AMD64 ", " CMR},
        /* a label of a well-known key says the same as a requirement */
        {"{labels: {topology.kubernetes.io/zone: us-west-2a, team: x}}",
         "topology.kubernetes.io/zone In us-west-2a, " LINUX ", " AMD64 ", " ON_DEMAND ", " CMR},
        {"{requirements: [{key: team, operator: Exists}]}", "team Exists, " LINUX ", " AMD64 ", " ON_DEMAND ", " CMR},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char text[1024];
        const struct provisioner *provisioner = good(&world, i % 2 ? STOKER : KARPENTER, cases[i].spec);
        assert_string_equal(requirements_text(&provisioner->requirements, text, sizeof(text)), cases[i].requirements);
        world_release(&world);
    }
}

static void a_full_provisioner_is_read(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct provisioner *provisioner =
        good(&world, STOKER,
             "\n  labels: {team: a, kops.k8s.io/x: b, failure-domain.beta.kubernetes.io/zone: z}\n"
             "  annotations: {note: 'any text, even this'}\n"
             "  taints: [{key: example.com/spark, value: 'true', effect: NoSchedule}]\n"
             "  startupTaints: [{key: agent, effect: NoExecute}]\n"
             "  limits: {resources: {cpu: 1000, memory: 4Ti, nvidia.com/gpu: 0}}\n"
             "  weight: 10\n  ttlSecondsAfterEmpty: 30\n  ttlSecondsUntilExpired: 86400\n"
             "  consolidation: {enabled: false}\n  providerRef: {name: tmpl}\n"
             "  spark: {zone: prefer, zonePremium: 5%, driverCapacityType: any, executorCapacityType: on-demand,\n"
             "          gangMinShare: 0.5, lookAhead: {maxExecutors: 100}}\n"
             "  spot: {maxPriceRatio: 1.5, maxPoolShare: 0.4}");
    assert_false(provisioner->karpenter);
    assert_text(*labels_get(&provisioner->labels, STR("team")), "a");
    assert_text(*labels_get(&provisioner->labels, STR("topology.kubernetes.io/zone")), "z");
    assert_text(*labels_get(&provisioner->annotations, STR("note")), "any text, even this");
    assert_int_equal(provisioner->taints.n, 1);
    assert_int_equal(provisioner->taints.items[0].effect, EFFECT_NO_SCHEDULE);
    assert_text(provisioner->startup_taints.items[0].key, "agent");
    assert_int_equal(amount_of(&provisioner->limits, "cpu"), 1000000);
    assert_int_equal(amount_of(&provisioner->limits, "memory"), INT64_C(4) << 40);
    assert_int_equal(amount_of(&provisioner->limits, "nvidia.com/gpu"), 0); /* a limit of none, not no limit */
    assert_int_equal(provisioner->weight, 10);
    assert_int_equal(provisioner->ttl_after_empty_s, 30);
    assert_int_equal(provisioner->ttl_until_expired_s, 86400);
    assert_text(provisioner->template_name, "tmpl");
    assert_int_equal(provisioner->zone_mode, SPARK_ZONE_PREFER);
    assert_true(near(provisioner->zone_premium, 0.05));
    assert_int_equal(provisioner->driver_capacity, ROLE_ANY);
    assert_int_equal(provisioner->executor_capacity, ROLE_ON_DEMAND);
    assert_true(near(provisioner->gang_min_share, 0.5));
    assert_true(near(provisioner->max_price_ratio, 1.5));
    assert_true(near(provisioner->max_pool_share, 0.4));
    world_release(&world);
}

static void the_kubelets_words_are_read(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct provisioner *provisioner =
        good(&world, KARPENTER,
             "{kubeletConfiguration: {clusterDNS: [10.0.0.10], maxPods: 58, podsPerCore: 10, cpuCFSQuota: true,\n"
             "  containerRuntime: containerd, kubeReserved: {cpu: 200m, memory: 1Gi, pid: '100'},\n"
             "  systemReserved: {ephemeral-storage: 2Gi},\n"
             "  evictionHard: {memory.available: 5%, nodefs.available: 10%},\n"
             "  evictionSoft: {memory.available: 500Mi, nodefs.available: 12.5%},\n"
             "  evictionSoftGracePeriod: {memory.available: 1m, nodefs.available: 2m}}}");
    const struct cloud_kubelet *kubelet = &provisioner->kubelet;
    assert_int_equal(kubelet->max_pods, 58);
    assert_int_equal(kubelet->pods_per_core, 10);
    assert_int_equal(kubelet->n_kube_reserved, 2);
    assert_text(kubelet->kube_reserved[0].name, "cpu");
    assert_int_equal(kubelet->kube_reserved[0].amount, 200);
    assert_int_equal(kubelet->kube_reserved[1].amount, INT64_C(1) << 30);
    assert_int_equal(kubelet->n_system_reserved, 1);
    assert_int_equal(kubelet->system_reserved[0].amount, INT64_C(2) << 30);
    assert_int_equal(kubelet->evict_memory_permille, 50);
    assert_int_equal(kubelet->evict_memory_bytes, 500 << 20);
    assert_int_equal(kubelet->evict_nodefs_permille, 125);
    assert_int_equal(kubelet->evict_nodefs_bytes, -1);
    world_release(&world);
    /* 100 % switches a threshold off. */
    provisioner =
        good(&world, KARPENTER, "{kubeletConfiguration: {evictionHard: {memory.available: 100%}, podsPerCore: 0}}");
    assert_int_equal(provisioner->kubelet.evict_memory_permille, 0);
    assert_int_equal(provisioner->kubelet.pods_per_core, -1);
    world_release(&world);
}

/* A spec that is wrong, and the field and words that its one finding names. */
static const struct {
    const char *version, *spec, *field, *what;
} wrong[] = {
    {KARPENTER, "{limit: {resources: {cpu: 1}}}", "spec.limit",
     "is not a known field, allowed are requirements, labels"},
    {KARPENTER, "{limits: {cpu: 1}}", "spec.limits.cpu", "is not a known field, allowed are resources"},
    {KARPENTER, "{limits: {resources: {cpus: 1}}}", "spec.limits.resources.cpus", "is no resource"},
    {KARPENTER, "{limits: {resources: {cpu: -1}}}", "spec.limits.resources.cpu", "-1"},
    {KARPENTER, "{limits: {resources: {cpu: 99999999999999999}}}", "spec.limits.resources.cpu", "99999999999999999"},
    {KARPENTER, "{limits: []}", "spec.limits", "is a list, allowed is a map"},
    {KARPENTER, "{weight: 0}", "spec.weight", "from 1 to 100"},
    {KARPENTER, "{weight: 101}", "spec.weight", "from 1 to 100"},
    {KARPENTER, "{weight: 1.5}", "spec.weight", "is 1.5, allowed is an integer"},
    {KARPENTER, "{weight: '5'}", "spec.weight", "is a string, allowed is a number"},
    {KARPENTER, "{ttlSecondsAfterEmpty: -1}", "spec.ttlSecondsAfterEmpty", "from 0"},
    {KARPENTER, "{ttlSecondsAfterEmpty: 30, consolidation: {enabled: true}}", "spec.ttlSecondsAfterEmpty", "exclude"},
    {KARPENTER, "{consolidation: {enable: true}}", "spec.consolidation.enable", "allowed are enabled"},
    {KARPENTER, "{consolidation: {enabled: 'true'}}", "spec.consolidation.enabled", "is a string, allowed is a bool"},
    {KARPENTER, "{providerRef: {}}", "spec.providerRef.name", "is missing"},
    {KARPENTER, "{providerRef: {name: a}, provider: {amiFamily: AL2}}", "spec.provider", "exclude"},
    {KARPENTER, "{provider: {amiFamily: Windows2022}}", "spec.provider.amiFamily", "AL2, AL2023, Bottlerocket"},
    {KARPENTER, "{spark: {zone: any}}", "spec.spark", "only in stoker.sh/v1alpha1"},
    {KARPENTER, "{spot: {maxPriceRatio: 2}}", "spec.spot", "only in stoker.sh/v1alpha1"},
    {STOKER, "{spark: {zone: one}}", "spec.spark.zone", "is \"one\", allowed are any, prefer, single"},
    {STOKER, "{spark: {zones: any}}", "spec.spark.zones", "allowed are zone, zonePremium"},
    {STOKER, "{spark: {zonePremium: 2}}", "spec.spark.zonePremium", "from 0 to 1"},
    {STOKER, "{spark: {zonePremium: 200%}}", "spec.spark.zonePremium", "200%"},
    {STOKER, "{spark: {zonePremium: much}}", "spec.spark.zonePremium", "is a string"},
    {STOKER, "{spark: {driverCapacityType: Spot}}", "spec.spark.driverCapacityType", "any, on-demand, spot"},
    {STOKER, "{spark: {gangMinShare: -0.1}}", "spec.spark.gangMinShare", "from 0 to 1"},
    {STOKER, "{spot: {maxPriceRatio: 0.9}}", "spec.spot.maxPriceRatio", "from 1"},
    {STOKER, "{spot: {maxPoolShare: 0}}", "spec.spot.maxPoolShare", "above 0"},
    {STOKER, "{spot: {maxPoolShare: .inf}}", "spec.spot.maxPoolShare", "allowed is a number"},
    {KARPENTER, "{labels: {kubernetes.io/x: a}}", "spec.labels[kubernetes.io/x]", "is reserved"},
    {KARPENTER, "{labels: {a.b.k8s.io/x: a}}", "spec.labels[a.b.k8s.io/x]", "is reserved"},
    {KARPENTER, "{labels: {karpenter.sh/provisioner-name: a}}", "spec.labels[karpenter.sh/provisioner-name]",
     "is reserved"},
    {KARPENTER, "{labels: {kubernetes.io/hostname: a}}", "spec.labels[kubernetes.io/hostname]", "is reserved"},
    {KARPENTER, "{labels: {stoker.sh/cluster: a}}", "spec.labels[stoker.sh/cluster]", "is reserved"},
    {KARPENTER, "{labels: {a: true}}", "spec.labels.a", "put it in quotes"},
    {KARPENTER, "{requirements: {}}", "spec.requirements", "is a map, allowed is a list"},
    {KARPENTER, "{requirements: [{key: karpenter.k8s.aws/instance-colour, operator: Exists}]}",
     "spec.requirements[0].key", "is reserved"},
    {KARPENTER, "{requirements: [{key: a, operator: Like, values: [b]}]}", "spec.requirements[0].operator",
     "is \"Like\", allowed are In, NotIn, Exists, DoesNotExist, Gt, Lt"},
    {KARPENTER, "{requirements: [{key: a, operator: In}]}", "spec.requirements[0].values", "at least one value"},
    {KARPENTER, "{requirements: [{key: a, operator: In, values: ['']}]}", "spec.requirements[0].values",
     "no label value"},
    {KARPENTER, "{requirements: [{key: a, operator: Gt, values: [x]}]}", "spec.requirements[0].values", "one integer"},
    {KARPENTER, "{requirements: [{key: a, operator: Gt, values: ['-2']}]}", "spec.requirements[0].values", "negative"},
    {KARPENTER, "{requirements: [{key: a, operator: In, value: [b], values: [b]}]}", "spec.requirements[0].value",
     "not a known field"},
    {KARPENTER, "{taints: [{key: a}]}", "spec.taints[0].effect", "is missing"},
    {KARPENTER, "{taints: [{key: a, effect: Evict}]}", "spec.taints[0].effect", "NoSchedule"},
    {KARPENTER, "{startupTaints: [{effect: NoSchedule}]}", "spec.startupTaints[0].key", "is missing"},
    {KARPENTER, "{kubeletConfiguration: {maxPod: 5}}", "spec.kubeletConfiguration.maxPod", "not a known field"},
    {KARPENTER, "{kubeletConfiguration: {kubeReserved: {gpu: 1}}}", "spec.kubeletConfiguration.kubeReserved.gpu",
     "cpu, memory, ephemeral-storage, pid"},
    {KARPENTER, "{kubeletConfiguration: {evictionHard: {memory.available: 101%}}}",
     "spec.kubeletConfiguration.evictionHard[memory.available]", "0% to 100%"},
    {KARPENTER, "{kubeletConfiguration: {evictionHard: {memory: 5%}}}", "spec.kubeletConfiguration.evictionHard.memory",
     "memory.available"},
    {KARPENTER, "{kubeletConfiguration: {evictionSoft: {memory.available: 5%}}}",
     "spec.kubeletConfiguration.evictionSoft[memory.available]", "evictionSoftGracePeriod"},
};

static void what_is_wrong_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < CC_COUNT(wrong); i++) {
        struct world world = {.err = {.code = 0}};
        read_spec(&world, wrong[i].version, wrong[i].spec);
        assert_true(world_found(&world, 4, wrong[i].field, wrong[i].what));
        assert_int_equal(diag_count(&world.diag), 1);
        assert_int_equal(world.objects.provisioners.len, 0);
        world_release(&world);
    }
}

static void allowed_exceptions_of_reserved_domains(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    good(&world, KARPENTER,
         "{labels: {node-restriction.kubernetes.io/a: b, x.node-restriction.kubernetes.io/a: b, kops.k8s.io/a: b, "
         "example.com/a: b, plain: b, notkubernetes.io/a: b}}");
    world_release(&world);
}

static void top_level_typos_are_found(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    world_read(&world, "apiVersion: stoker.sh/v1alpha1\nkind: Provisioner\nmetadata: {name: a}\nlimits: {}\n");
    assert_true(world_found(&world, 4, "limits", "not a known field"));
    world_release(&world);
    char yaml[256];
    snprintf(yaml, sizeof(yaml), "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: n%063d}}", 1);
    world_read(&world, yaml);
    assert_true(world_found(&world, 1, "metadata.name", "at most 63"));
    world_release(&world);
}

static void the_root_volume_is_the_families(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *family;
        int64_t root_gib; /* -1: default */
        bool is_root;
    } cases[] = {
        {"{}", "AL2", -1, true},
        {"{blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 100Gi, volumeType: gp3}}]}", "AL2", 100,
         true},
        {"{blockDeviceMappings: [{deviceName: /dev/xvdb, ebs: {volumeSize: 100Gi}}]}", "AL2", -1, true},
        {"{amiFamily: Bottlerocket, blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 5Gi}}, "
         "{deviceName: "
         "/dev/xvdb, ebs: {volumeSize: 200Gi}}]}",
         "Bottlerocket", 200, true},
        {"{amiFamily: AL2023, blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: true}}]}", "AL2023", -1,
         true},
        {"{amiFamily: Ubuntu, blockDeviceMappings: [{deviceName: /dev/sda1, ebs: {volumeSize: 30Gi}}]}", "Ubuntu", 30,
         true},
        {"{amiFamily: Custom}", "Custom", -1, false},
        {"{amiFamily: Custom, blockDeviceMappings: [{deviceName: /dev/a, ebs: {volumeSize: 30Gi}}, {deviceName: "
         "/dev/b, "
         "ebs: {volumeSize: 50Gi}}]}",
         "Custom", 50, true},
        {"{launchTemplate: mine}", "AL2", -1, false},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char yaml[1024];
        snprintf(yaml, sizeof(yaml), "{apiVersion: %s, kind: %s, metadata: {name: t}, spec: %s}",
                 i % 2 ? "stoker.sh/v1alpha1" : "karpenter.k8s.aws/v1alpha1",
                 i % 2 ? "NodeTemplate" : "AWSNodeTemplate", cases[i].spec);
        world_good(&world, yaml);
        const struct node_template *template = &world.objects.templates.items[0];
        assert_text(template->name, "t");
        assert_text(template->ami_family, cases[i].family);
        assert_int_equal(template->disk.root_bytes, cases[i].root_gib < 0 ? -1 : cases[i].root_gib << 30);
        assert_int_equal(template->disk.ephemeral_is_root, cases[i].is_root);
        assert_false(template->disk.instance_store_raid0);
        world_release(&world);
    }
}

static void templates_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *field, *what;
    } cases[] = {
        {"{blockDeviceMapping: []}", "spec.blockDeviceMapping", "not a known field"},
        {"{blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 100}}]}",
         "spec.blockDeviceMappings[0].ebs.volumeSize", "1Gi to 64Ti"},
        {"{blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 100Ti}}]}",
         "spec.blockDeviceMappings[0].ebs.volumeSize", "1Gi to 64Ti"},
        {"{blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {size: 100Gi}}]}", "spec.blockDeviceMappings[0].ebs.size",
         "not a known field"},
        {"{instanceStorePolicy: RAID1}", "spec.instanceStorePolicy", "allowed are RAID0"},
        {"{amiFamily: al2}", "spec.amiFamily", "AL2, AL2023, Bottlerocket, Ubuntu, Custom"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct world world = {.err = {.code = 0}};
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: %s}", cases[i].spec);
        world_read(&world, yaml);
        assert_true(world_found(&world, 1, cases[i].field, cases[i].what));
        assert_int_equal(world.objects.templates.len, 0);
        world_release(&world);
    }
}

static void an_inline_provider_is_a_template(void **state)
{
    (void)state;
    struct world world = {.err = {.code = 0}};
    const struct provisioner *provisioner =
        good(&world, KARPENTER,
             "{provider: {apiVersion: extensions.karpenter.sh/v1alpha1, kind: AWS, subnetSelector: {a: b}, "
             "instanceStorePolicy: RAID0, blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 64Gi}}]}}");
    assert_non_null(provisioner->inline_template);
    assert_int_equal(provisioner->inline_template->disk.root_bytes, INT64_C(64) << 30);
    assert_true(provisioner->inline_template->disk.instance_store_raid0);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_members_have_defaults), cmocka_unit_test(requirements_get_the_defaults_of_v1alpha5),
        cmocka_unit_test(a_full_provisioner_is_read),   cmocka_unit_test(the_kubelets_words_are_read),
        cmocka_unit_test(what_is_wrong_is_found),       cmocka_unit_test(allowed_exceptions_of_reserved_domains),
        cmocka_unit_test(top_level_typos_are_found),    cmocka_unit_test(the_root_volume_is_the_families),
        cmocka_unit_test(templates_are_checked),        cmocka_unit_test(an_inline_provider_is_a_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

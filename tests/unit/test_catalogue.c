/* Tests of cloud/aws/catalogue.h: the built-in tables, users' tables, capacity and labels against figures worked out by
 * hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/builtin.h"
#include "cloud/aws/catalogue.h"

#define MIB INT64_C(1048576)

struct fixture {
    struct arena arena;
    struct diag diag;
    struct err err;
    struct cloud_catalogue catalogue;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    diag_release(&f->diag);
    free(f);
    return 0;
}

static int load(struct fixture *f, const char *region, const char *types, const char *prices)
{
    struct aws_catalogue_source source = {.region = region, .types_name = "t.tsv", .prices_name = "p.tsv"};
    if (types)
        source.types_tsv = str_of(types);
    if (prices)
        source.prices_tsv = str_of(prices);
    return aws_catalogue_load(&source, &f->arena, &f->diag, &f->catalogue, &f->err);
}

static const struct cloud_type *type_of(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->catalogue.n_types; i++)
        if (str_is(f->catalogue.types[i].name, name))
            return &f->catalogue.types[i];
    fail_msg("no type %s", name);
    return NULL;
}

static void assert_label(const struct cloud_type *type, const char *key, const char *value)
{
    const struct str *found = cloud_type_label(type, str_of(key));
    if (!value) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_int_equal(found->len, strlen(value));
    assert_memory_equal(found->ptr, value, found->len);
}

/* -1 where the node does not have the resource. */
static int64_t amount(const struct cloud_resource *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(items[i].name, name))
            return items[i].amount;
    return -1;
}

struct node {
    struct cloud_resource *capacity, *allocatable;
    size_t n;
};

static struct node node_of(struct fixture *f, const char *name, struct cloud_kubelet kubelet, struct cloud_disk disk)
{
    struct node node = {0};
    int rc = f->catalogue.node_resources(type_of(f, name), &kubelet, &disk, &f->arena, &node.capacity,
                                         &node.allocatable, &node.n, &f->err);
    assert_int_equal(rc, 0);
    for (size_t i = 0; i < node.n; i++)
        assert_true(str_eq(node.capacity[i].name, node.allocatable[i].name));
    return node;
}

/* --- the built-in tables --- */

static void the_default_region_is_us_west_2(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    const struct cloud_catalogue *c = &f->catalogue;
    assert_true(str_is(c->region, "us-west-2"));
    assert_int_equal(c->n_zones, 4);
    assert_true(str_is(c->zones[0], "us-west-2a"));
    assert_true(str_is(c->zones[3], "us-west-2d"));
    assert_int_equal(c->n_types, 1219);
    assert_int_equal(c->n_offerings, 4495 + 3257); /* On-Demand in each row, spot where there is one */
    assert_non_null(c->price_note);
}

static void every_region_listed_can_be_loaded(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; builtin_regions[i]; i++) {
        assert_int_equal(load(f, builtin_regions[i], NULL, NULL), 0);
        for (size_t z = 0; z < f->catalogue.n_zones; z++)
            assert_true(str_starts(f->catalogue.zones[z], builtin_regions[i]));
    }
    assert_int_equal(load(f, "mars-north-1", NULL, NULL), ERR_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "eu-west-1, us-east-1, us-west-2"));
}

static void everything_is_in_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    const struct cloud_catalogue *c = &f->catalogue;
    for (size_t i = 0; i < c->n_types; i++) {
        const struct cloud_type *type = &c->types[i];
        if (i)
            assert_true(str_cmp(c->types[i - 1].name, type->name) < 0);
        for (size_t l = 1; l < type->n_labels; l++)
            assert_true(str_cmp(type->labels[l - 1].key, type->labels[l].key) < 0);
    }
    for (size_t i = 1; i < c->n_offerings; i++) {
        const struct cloud_offering *a = &c->offerings[i - 1], *b = &c->offerings[i];
        assert_true(a->type < b->type || (a->type == b->type && a->zone < b->zone) ||
                    (a->type == b->type && a->zone == b->zone && a->capacity_type < b->capacity_type));
        assert_true(b->price_microusd > 0);
    }
}

/* --- capacity --- */

static void capacity_of_an_intel_type(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    /* 16 vCPU, 65,536 MiB, 8 interfaces of 30 addresses. */
    struct node node = node_of(f, "m5.4xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(node.n, 5);
    assert_int_equal(amount(node.capacity, node.n, "cpu"), 16000);
    assert_int_equal(amount(node.allocatable, node.n, "cpu"), 16000 - 110); /* 60 + 10 + 2 x 5 + 12 x 2.5 */
    assert_int_equal(amount(node.capacity, node.n, "pods"), 8 * 29 + 2);
    assert_int_equal(amount(node.capacity, node.n, "memory"), (65536 - 4916) * MIB); /* 4,915.2 rounded up */
    assert_int_equal(amount(node.allocatable, node.n, "memory"), (60620 - (11 * 234 + 255) - 100) * MIB);
    assert_int_equal(amount(node.capacity, node.n, "ephemeral-storage"), 20 * 1024 * MIB);
    assert_int_equal(amount(node.allocatable, node.n, "ephemeral-storage"), 17 * 1024 * MIB);
}

static void capacity_of_an_arm_type_with_an_odd_reserve(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    /* 1 vCPU, 2,048 MiB less 64 for arm64, 2 interfaces of 4 addresses. */
    struct node node = node_of(f, "a1.medium", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "cpu"), 940);
    assert_int_equal(amount(node.capacity, node.n, "memory"), (1984 - 149) * MIB); /* 148.8 rounded up */
    assert_int_equal(amount(node.allocatable, node.n, "memory"), (1835 - (11 * 8 + 255) - 100) * MIB);
    /* 36 cores: 60 + 10 + 10 + 32 x 2.5 = 160. */
    node = node_of(f, "c5.9xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "cpu"), 36000 - 160);
}

static void pods_count_the_default_card_only(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    /* 64 interfaces on 32 cards, 2 of them on the first. */
    struct node node = node_of(f, "p5.48xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.capacity, node.n, "pods"), 2 * 49 + 2);
    assert_int_equal(amount(node.capacity, node.n, "nvidia.com/gpu"), 8);
    assert_int_equal(amount(node.allocatable, node.n, "vpc.amazonaws.com/efa"), 32);
}

static void devices_have_the_names_of_their_plugins(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    struct node node = node_of(f, "g4ad.16xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.capacity, node.n, "amd.com/gpu"), 4);
    assert_int_equal(amount(node.capacity, node.n, "nvidia.com/gpu"), -1);
    node = node_of(f, "dl1.24xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.capacity, node.n, "habana.ai/gaudi"), 8);
    node = node_of(f, "inf1.24xlarge", CLOUD_KUBELET_INIT, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "aws.amazon.com/neuron"), 16);
}

static int64_t volumes_of(struct fixture *f, const char *type, int64_t max_pods, int64_t more_volumes)
{
    struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    struct cloud_disk disk = CLOUD_DISK_INIT;
    kubelet.max_pods = max_pods;
    disk.more_volumes = more_volumes;
    struct node node = node_of(f, type, kubelet, disk);
    return amount(node.allocatable, node.n, "attachable-volumes-csi-ebs.csi.aws.com");
}

static void volumes_share_their_slots_or_not(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    assert_true(str_is(f->catalogue.volume_driver, "ebs.csi.aws.com"));
    /* 28 slots: 3 interfaces, the root. */
    assert_int_equal(volumes_of(f, "m5.large", -1, 0), 28 - 3 - 1);
    assert_int_equal(volumes_of(f, "m5.large", -1, 2), 28 - 3 - 1 - 2);
    assert_int_equal(volumes_of(f, "c5d.9xlarge", -1, 0), 28 - 1 - 8 - 1); /* a local disk */
    /* 15 interfaces of 49 addresses each; for 110 pods three and one ahead are enough. */
    assert_int_equal(volumes_of(f, "m5.24xlarge", -1, 0), 28 - 15 - 1);
    assert_int_equal(volumes_of(f, "m5.24xlarge", 110, 0), 28 - 4 - 1);
    assert_int_equal(volumes_of(f, "m5.metal", -1, 0), 28 - 15 - 1);
    assert_int_equal(volumes_of(f, "d3.8xlarge", -1, 0), 1);
    /* Limits of volumes alone. */
    assert_int_equal(volumes_of(f, "m7i.large", -1, 0), 32 - 1);
    assert_int_equal(volumes_of(f, "m7i.48xlarge", -1, 3), 128 - 4);
    assert_int_equal(volumes_of(f, "m4.large", -1, 0), 39 - 1);
}

static void volumes_where_a_table_says_nothing(void **state)
{
    struct fixture *f = *state;
    static const char types[] = "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\tnvme_total_gb\n"
                                "c5.xlarge\tamd64\t4\t8192\t4\t15\t0\nc5d.xlarge\tamd64\t4\t8192\t4\t15\t100\n"
                                "one.pod\tamd64\t4\t8192\t2\t1\t0\n";
    static const char prices[] = "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\nc5.xlarge\tus-west-2a\t1\t\n"
                                 "c5d.xlarge\tus-west-2a\t1\t\none.pod\tus-west-2a\t1\t\n";
    assert_int_equal(load(f, NULL, types, prices), 0);
    assert_int_equal(volumes_of(f, "c5.xlarge", -1, 0), 28 - 4 - 1);
    assert_int_equal(volumes_of(f, "c5d.xlarge", -1, 0), 28 - 8 - 4 - 1);
    assert_int_equal(volumes_of(f, "one.pod", -1, 0), 28 - 2 - 1);
}

static void disks_make_the_ephemeral_storage(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    struct cloud_disk disk = CLOUD_DISK_INIT;
    disk.root_bytes = 100 * 1024 * MIB;
    struct node node = node_of(f, "c5d.9xlarge", CLOUD_KUBELET_INIT, disk);
    assert_int_equal(amount(node.capacity, node.n, "ephemeral-storage"), 100 * 1024 * MIB);
    assert_int_equal(amount(node.allocatable, node.n, "ephemeral-storage"), 89 * 1024 * MIB);
    disk.instance_store_raid0 = true;
    node = node_of(f, "c5d.9xlarge", CLOUD_KUBELET_INIT, disk);
    assert_int_equal(amount(node.capacity, node.n, "ephemeral-storage"), INT64_C(900000000000));
    assert_int_equal(amount(node.allocatable, node.n, "ephemeral-storage"), INT64_C(810000000000) - 1024 * MIB);
    node = node_of(f, "c5.9xlarge", CLOUD_KUBELET_INIT, disk); /* no local disk */
    assert_int_equal(amount(node.capacity, node.n, "ephemeral-storage"), 100 * 1024 * MIB);
    disk.ephemeral_is_root = false;
    node = node_of(f, "c5.9xlarge", CLOUD_KUBELET_INIT, disk);
    assert_int_equal(amount(node.capacity, node.n, "ephemeral-storage"), 20 * 1024 * MIB);
}

static void the_kubelet_is_obeyed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    const struct cloud_resource kube[] = {{STR("cpu"), 500}}, system[] = {{STR("memory"), 200 * MIB}};
    struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    kubelet.max_pods = 110;
    kubelet.pods_per_core = 5;
    kubelet.kube_reserved = kube;
    kubelet.n_kube_reserved = 1;
    kubelet.system_reserved = system;
    kubelet.n_system_reserved = 1;
    kubelet.evict_memory_permille = 50;
    kubelet.evict_memory_bytes = 100 * MIB;
    kubelet.evict_nodefs_permille = 1000;
    struct node node = node_of(f, "m5.4xlarge", kubelet, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "pods"), 80);
    assert_int_equal(amount(node.allocatable, node.n, "cpu"), 15500);
    /* Reserved as for 234 pods all the same; 5 % of 60,620 MiB is more than 100 MiB. */
    assert_int_equal(amount(node.allocatable, node.n, "memory"), (60620 - (11 * 234 + 255) - 200 - 3031) * MIB);
    assert_int_equal(amount(node.allocatable, node.n, "ephemeral-storage"), 19 * 1024 * MIB);
    kubelet.pods_per_core = -1;
    node = node_of(f, "m5.4xlarge", kubelet, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "pods"), 110);
}

static void allocatable_is_never_negative(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    const struct cloud_resource all[] = {{STR("cpu"), INT64_MAX}, {STR("memory"), INT64_MAX}};
    struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    kubelet.kube_reserved = kubelet.system_reserved = all;
    kubelet.n_kube_reserved = kubelet.n_system_reserved = 2;
    kubelet.evict_nodefs_bytes = INT64_MAX;
    struct node node = node_of(f, "m5.large", kubelet, CLOUD_DISK_INIT);
    assert_int_equal(amount(node.allocatable, node.n, "cpu"), 0);
    assert_int_equal(amount(node.allocatable, node.n, "memory"), 0);
    assert_int_equal(amount(node.allocatable, node.n, "ephemeral-storage"), 0);
}

/* --- labels --- */

static void quotas(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"m5.large", "Standard"},        {"im4gn.large", "Standard"}, {"g4dn.xlarge", "G and VT"},
        {"gr6.4xlarge", "G and VT"},     {"p4d.24xlarge", "P"},       {"x2iedn.xlarge", "X"},
        {"u-6tb1.metal", "High Memory"}, {"inf2.xlarge", "Inf"},      {"dl1.24xlarge", "DL"},
        {"d3.xlarge", "Standard"},       {"hpc7g.4xlarge", "HPC"},    {"trn1.2xlarge", "Trn"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        const struct aws_type type = {.name = str_of(cases[i][0])};
        assert_true(str_is(aws_type_quota(&type), cases[i][1]));
    }
}

static void labels_of_an_ordinary_type(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    const struct cloud_type *type = type_of(f, "c5d.9xlarge");
    assert_label(type, "node.kubernetes.io/instance-type", "c5d.9xlarge");
    assert_label(type, "kubernetes.io/arch", "amd64");
    assert_label(type, "kubernetes.io/os", "linux");
    assert_label(type, "karpenter.k8s.aws/instance-category", "c");
    assert_label(type, "karpenter.k8s.aws/instance-generation", "5");
    assert_label(type, "karpenter.k8s.aws/instance-family", "c5d");
    assert_label(type, "karpenter.k8s.aws/instance-size", "9xlarge");
    assert_label(type, "karpenter.k8s.aws/instance-cpu", "36");
    assert_label(type, "karpenter.k8s.aws/instance-cpu-manufacturer", "intel");
    assert_label(type, "karpenter.k8s.aws/instance-memory", "73728");
    assert_label(type, "karpenter.k8s.aws/instance-local-nvme", "900");
    assert_label(type, "karpenter.k8s.aws/instance-hypervisor", "nitro");
    assert_label(type, "karpenter.k8s.aws/instance-pods", "234");
    assert_label(type, "karpenter.k8s.aws/instance-ebs-bandwidth", "9500");
    assert_label(type, "karpenter.k8s.aws/instance-network-bandwidth", "12000");
    assert_label(type, "karpenter.k8s.aws/instance-encryption-in-transit-supported", "false");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-count", NULL);
    assert_label(type, "karpenter.k8s.aws/instance-accelerator-name", NULL);
    assert_label(type, "topology.kubernetes.io/zone", NULL);
}

static void labels_that_a_type_has_nothing_for_are_absent(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, NULL, NULL), 0);
    assert_label(type_of(f, "c5.9xlarge"), "karpenter.k8s.aws/instance-local-nvme", NULL);
    assert_label(type_of(f, "m6gd.metal"), "karpenter.k8s.aws/instance-hypervisor", NULL);
}

static void families_split_into_category_and_generation(void **state)
{
    struct fixture *f = *state;
    static const char *const expected[][3] = {{"im4gn.large", "im", "4"},       {"m6gd.metal", "m", "6"},
                                              {"u-6tb1.56xlarge", "u", "1"},    {"a1.large", "a", "1"},
                                              {"u7i-12tb.224xlarge", "u", "7"}, {"p6-b200.48xlarge", "p", "6"},
                                              {"x2iedn.xlarge", "x", "2"}};
    assert_int_equal(load(f, "us-east-1", NULL, NULL), 0);
    for (size_t i = 0; i < CC_COUNT(expected); i++) {
        const struct cloud_type *type = type_of(f, expected[i][0]);
        assert_label(type, "karpenter.k8s.aws/instance-category", expected[i][1]);
        assert_label(type, "karpenter.k8s.aws/instance-generation", expected[i][2]);
    }
}

static void labels_of_accelerators(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "us-east-1", NULL, NULL), 0);
    const struct cloud_type *type = type_of(f, "g4ad.16xlarge");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-name", "radeon-pro-v520");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-manufacturer", "amd");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-count", "4");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-memory", "8192"); /* of one */
    type = type_of(f, "inf2.24xlarge");
    assert_label(type, "karpenter.k8s.aws/instance-accelerator-count", "6");
    assert_label(type, "karpenter.k8s.aws/instance-accelerator-manufacturer", "aws");
    assert_label(type, "karpenter.k8s.aws/instance-accelerator-name", "inferentia");
    assert_label(type, "karpenter.k8s.aws/instance-gpu-count", NULL);
}

/* --- a user's tables --- */

#define TYPES_HEAD  "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\n"
#define PRICES_HEAD "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\tinterruption_bucket\n"

static void a_users_tables_replace_the_built_in_ones(void **state)
{
    struct fixture *f = *state;
    int rc = load(f, NULL, TYPES_HEAD "z9.big\tamd64\t4\t8192\t4\t15\nb1.small\tarm64\t2\t4096\t3\t10\n",
                  PRICES_HEAD "z9.big\tap-south-1b\t0.5\t\t\nz9.big\tap-south-1a\t0.5\t0.2\t3\n");
    assert_int_equal(rc, 0);
    const struct cloud_catalogue *c = &f->catalogue;
    assert_true(str_is(c->region, "ap-south-1"));
    assert_null(c->price_note);
    assert_int_equal(c->n_types, 1); /* b1.small has no price */
    assert_int_equal(c->types[0].vcpu, 4);
    assert_int_equal(c->n_zones, 2);
    assert_int_equal(c->n_offerings, 3);
    assert_true(str_is(c->zones[c->offerings[0].zone], "ap-south-1a"));
    assert_int_equal(c->offerings[0].capacity_type, CLOUD_ON_DEMAND);
    assert_int_equal(c->offerings[0].interruption_bucket, -1);
    assert_int_equal(c->offerings[1].capacity_type, CLOUD_SPOT);
    assert_int_equal(c->offerings[1].price_microusd, 200000);
    assert_int_equal(c->offerings[1].interruption_bucket, 3);
    assert_label(&c->types[0], "karpenter.k8s.aws/instance-pods", "58"); /* all interfaces on one card */
    assert_label(&c->types[0], "karpenter.k8s.aws/instance-cpu-manufacturer", NULL);
}

static void built_in_prices_of_types_a_user_left_out_are_passed_by(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, TYPES_HEAD "m5.large\tamd64\t2\t8192\t3\t10\n", NULL), 0);
    assert_int_equal(f->catalogue.n_types, 1);
    assert_int_equal(load(f, NULL, TYPES_HEAD "q1.large\tamd64\t2\t8192\t3\t10\n", NULL), ERR_NOT_FOUND);
}

static void one_region_is_loaded_at_a_time(void **state)
{
    struct fixture *f = *state;
    static const char prices[] = PRICES_HEAD "m5.large\tus-west-2a\t0.1\t\t\nm5.large\teu-west-1a\t0.2\t\t\n";
    assert_int_equal(load(f, NULL, NULL, prices), ERR_INVALID);
    assert_int_equal(f->diag.findings[0].line, 3);
    assert_int_equal(load(f, "eu-west-1", NULL, prices), 0);
    assert_int_equal(f->catalogue.n_offerings, 1);
    assert_int_equal(f->catalogue.offerings[0].price_microusd, 200000);
    assert_int_equal(load(f, "eu-west-2", NULL, prices), ERR_NOT_FOUND);
    /* A local zone belongs to its region; a zone of another scheme tells none and is taken. */
    assert_int_equal(load(f, NULL, NULL, PRICES_HEAD "m5.large\tus-west-2-lax-1a\t1\t\t\nm5.large\track\t1\t\t\n"), 0);
    assert_true(str_is(f->catalogue.region, "us-west-2"));
    assert_int_equal(f->catalogue.n_zones, 2);
}

/* One wrong table, and the only finding it must lead to. */
struct wrong {
    const char *types, *prices;
    int line;
    const char *text;
};

static void wrong_rows_are_said_by_line(void **state)
{
    struct fixture *f = *state;
    static const struct wrong wrong[] = {
        {TYPES_HEAD "m5.large\tamd64\t-2\t8192\t3\t10\n", NULL, 2,
         "vcpu: \"-2\" is not allowed, allowed is a whole number from 1 to 10000"},
        {TYPES_HEAD "m5.large\tamd64\t2\t99999999999\t3\t10\n", NULL, 2,
         "memory_mib: \"99999999999\" is not allowed, allowed is a whole number from 1 to 1073741824"},
        {TYPES_HEAD "m5.large\tmips\t2\t8192\t3\t10\n", NULL, 2,
         "arch: \"mips\" is not allowed, allowed are amd64 and arm64"},
        {TYPES_HEAD "#\nm5.large\tamd64\t2\t8192\t3\t10\nm5.large\tamd64\t4\t8192\t3\t10\n", NULL, 4,
         "instance_type: m5.large stands in line 3 already"},
        {"instance_type\tarch\tvcpu\tmemory_mib\tenis\n", NULL, 1,
         "ipv4_per_eni: the header does not name this column, which is required"},
        {NULL, PRICES_HEAD "m5.large\tus-west-2a\t0\t\t\n", 2,
         "on_demand_usd_hour: \"0\" is not allowed, a price is above 0; empty is \"not on sale\""},
        {NULL, PRICES_HEAD "m5.larg\tus-west-2a\t1\t\t\n", 2,
         "instance_type: m5.larg is not in the table of instance types"},
        {NULL, PRICES_HEAD "m5.large\tus-west-2a\t1\t1\t5\n", 2,
         "interruption_bucket: \"5\" is not allowed, allowed is a whole number from 0 to 4"},
        {NULL,
         PRICES_HEAD "m5.large\tus-west-2a\t1\t1\t0\nm5.large\tus-west-2b\t1\t1\t0\nm5.large\tus-west-2a\t2\t\t\n", 4,
         "m5.large in us-west-2a has a price in line 2 already"},
        {NULL, PRICES_HEAD "m5.large\t\t1\t1\t0\n", 2,
         "zone: \"\" is no name, allowed are 1 to 63 of a-z, A-Z, 0-9, '-', '_' and '.'"},
    };
    for (size_t i = 0; i < CC_COUNT(wrong); i++) {
        assert_int_equal(load(f, NULL, wrong[i].types, wrong[i].prices), ERR_INVALID);
        assert_int_equal(diag_count(&f->diag), 1);
        assert_int_equal(f->diag.findings[0].line, wrong[i].line);
        assert_string_equal(f->diag.findings[0].text, wrong[i].text);
        assert_string_equal(f->diag.findings[0].file, wrong[i].types ? "t.tsv" : "p.tsv");
        diag_release(&f->diag);
    }
}

static void prices_that_are_no_money_are_findings(void **state)
{
    struct fixture *f = *state;
    static const char prices[] = PRICES_HEAD "m5.large\tus-west-2a\t-1\t\t\n"
                                             "m5.large\tus-west-2b\t1e\t99999999999\t\n";
    assert_int_equal(load(f, NULL, NULL, prices), ERR_INVALID);
    assert_int_equal(diag_count(&f->diag), 3);
    assert_true(str_starts(str_of(f->diag.findings[0].text), "on_demand_usd_hour: "));
    assert_int_equal(f->diag.findings[2].line, 3);
    assert_true(str_starts(str_of(f->diag.findings[2].text), "spot_usd_hour: "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_default_region_is_us_west_2),
        TEST(every_region_listed_can_be_loaded),
        TEST(everything_is_in_order),
        TEST(capacity_of_an_intel_type),
        TEST(capacity_of_an_arm_type_with_an_odd_reserve),
        TEST(pods_count_the_default_card_only),
        TEST(devices_have_the_names_of_their_plugins),
        TEST(volumes_share_their_slots_or_not),
        TEST(volumes_where_a_table_says_nothing),
        TEST(disks_make_the_ephemeral_storage),
        TEST(the_kubelet_is_obeyed),
        TEST(allocatable_is_never_negative),
        TEST(quotas),
        TEST(labels_of_an_ordinary_type),
        TEST(labels_that_a_type_has_nothing_for_are_absent),
        TEST(families_split_into_category_and_generation),
        TEST(labels_of_accelerators),
        TEST(a_users_tables_replace_the_built_in_ones),
        TEST(built_in_prices_of_types_a_user_left_out_are_passed_by),
        TEST(one_region_is_loaded_at_a_time),
        TEST(wrong_rows_are_said_by_line),
        TEST(prices_that_are_no_money_are_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

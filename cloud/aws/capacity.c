#include <assert.h>

#include "cloud/aws/types.h"

/* Formulas and their sources: docs/capacity.md. */

#define MIB INT64_C(1048576)
#define GIB INT64_C(1073741824)

enum { MAX_RESOURCES = 9 };

/* The kubelet's and the AMI's defaults. */
static const int64_t evict_memory_default_bytes = 100 * MIB;
static const int64_t evict_nodefs_default_permille = 100;
static const int64_t kube_reserved_ephemeral_bytes = GIB;
static const int64_t root_default_bytes = 20 * GIB;

/*
 * Slots of the Nitro system that volumes share with network interfaces and local disks, but for types that have more
 * (a limit of volumes alone); bare metal is reported as 31, and the EBS driver takes 28 of it. Xen takes 39 at most.
 * Sources: AWS, "Amazon EBS volume limits for Amazon EC2 instances"; aws-ebs-csi-driver, getVolumesLimit.
 */
static const int64_t shared_slots = 28;
static const int64_t bare_metal_volumes = 31;
static const int64_t xen_volumes = 39;
static const int64_t local_disks_assumed = 8; /* where EC2's word on the type is not known */

int64_t aws_type_eni_pods(const struct aws_type *type)
{
    return type->default_card_enis * (type->ipv4_per_eni - 1) + 2;
}

static int64_t divide_up(int64_t value, int64_t by)
{
    return value / by + (value % by != 0);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What the hypervisor and the firmware keep: 7.5 % of what is sold, rounded up to a MiB, and 64 MiB more on arm64. */
static int64_t memory_capacity_bytes(const struct aws_type *type)
{
    int64_t usable_mib = larger(type->memory_mib - (str_is(type->arch, "arm64") ? 64 : 0), 0);
    return (usable_mib - divide_up(usable_mib * 75, 1000)) * MIB;
}

static int64_t max_pods(const struct aws_type *type, const struct cloud_kubelet *kubelet)
{
    int64_t pods = kubelet->max_pods >= 0 ? kubelet->max_pods : aws_type_eni_pods(type);
    int64_t cap;
    if (kubelet->pods_per_core > 0 && !__builtin_mul_overflow(kubelet->pods_per_core, type->vcpu, &cap))
        pods = smaller(pods, cap);
    return pods;
}

/* Disks that the node joins into one array, else the root volume. */
static int64_t ephemeral_capacity_bytes(const struct aws_type *type, const struct cloud_disk *disk)
{
    if (disk->instance_store_raid0 && type->nvme_gb > 0)
        return type->nvme_gb * 1000000000;
    return disk->ephemeral_is_root && disk->root_bytes >= 0 ? disk->root_bytes : root_default_bytes;
}

/* 60 m of the first core, 10 m of the second, 5 m each of the next two, 2.5 m each of the others, rounded down. */
static int64_t kube_reserved_cpu_milli(int64_t cores)
{
    int64_t tenths = 600 * smaller(cores, 1);
    tenths += 100 * smaller(larger(cores - 1, 0), 1);
    tenths += 50 * smaller(larger(cores - 2, 0), 2);
    tenths += 25 * larger(cores - 4, 0);
    return tenths / 10;
}

static int64_t amount_or(const struct cloud_resource *items, size_t n, const char *name, int64_t otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(items[i].name, name))
            return items[i].amount;
    return otherwise;
}

/* Rounded up; in two parts, so that no product overflows. All of it is no threshold: the kubelet takes 100 % for "off".
 */
static int64_t permille_of(int64_t capacity, int64_t permille)
{
    if (permille >= 1000)
        return 0;
    return capacity / 1000 * permille + divide_up(capacity % 1000 * permille, 1000);
}

/* The larger of what is given in bytes and in per cent; the default if neither is. */
static int64_t eviction_bytes(int64_t capacity, int64_t bytes, int64_t permille, int64_t otherwise)
{
    if (bytes < 0 && permille < 0)
        return otherwise;
    return larger(bytes, permille < 0 ? -1 : permille_of(capacity, permille));
}

/* Capacity less what is kept back, never negative. Each step stops at 0, so that huge amounts cannot overflow. */
static int64_t less(int64_t capacity, int64_t kube, int64_t system, int64_t eviction)
{
    int64_t rest = larger(capacity - kube, 0);
    rest = larger(rest - system, 0);
    return larger(rest - eviction, 0);
}

struct lists {
    struct cloud_resource *capacity, *allocatable;
    size_t n;
};

static void put(struct lists *lists, struct str name, int64_t capacity, int64_t allocatable)
{
    assert(lists->n < MAX_RESOURCES);
    lists->capacity[lists->n] = (struct cloud_resource){name, capacity};
    lists->allocatable[lists->n++] = (struct cloud_resource){name, allocatable};
}

static void put_devices(struct lists *lists, struct str name, int64_t count)
{
    if (count > 0)
        put(lists, name, count, count);
}

/* What the device plug-ins of the vendors call their devices. */
static void put_extended(struct lists *lists, const struct aws_type *type)
{
    struct str vendor = type->gpu_manufacturer;
    put_devices(lists, STR("nvidia.com/gpu"), str_is(vendor, "NVIDIA") ? type->gpus : 0);
    put_devices(lists, STR("amd.com/gpu"), str_is(vendor, "AMD") ? type->gpus : 0);
    put_devices(lists, STR("habana.ai/gaudi"), str_is(vendor, "Habana") ? type->gpus : 0);
    put_devices(lists, STR("aws.amazon.com/neuron"), type->neurons);
    put_devices(lists, STR("vpc.amazonaws.com/efa"), type->efas);
}

/*
 * Network interfaces once the node is full: an address for each pod but two on the host's network, and one interface
 * that the VPC CNI keeps ready (WARM_ENI_TARGET).
 */
static int64_t interfaces(const struct aws_type *type, int64_t pods)
{
    if (type->ipv4_per_eni < 2)
        return type->default_card_enis;
    return smaller(divide_up(larger(pods - 2, 0), type->ipv4_per_eni - 1) + 1, type->default_card_enis);
}

/* Volumes for pods: those of the node itself, and where slots are shared its interfaces and local disks, are off. */
static int64_t attachable_volumes(const struct aws_type *type, int64_t pods, const struct cloud_disk *disk)
{
    int64_t most = type->ebs_attachments, own = 1 + disk->more_volumes;
    if (most == 0)
        most = shared_slots - 1 - (type->nvme_gb > 0 ? local_disks_assumed : 0);
    if (str_is(type->hypervisor, "xen"))
        most = smaller(most, xen_volumes);
    else if (most <= bare_metal_volumes)
        most = smaller(most, shared_slots - 1) - (interfaces(type, pods) - 1); /* one is off already */
    return larger(most - own, 1);                                              /* the driver reports no less */
}

static void put_cpu(struct lists *lists, const struct aws_type *type, const struct cloud_kubelet *kubelet)
{
    int64_t capacity = type->vcpu * 1000;
    int64_t kube =
        amount_or(kubelet->kube_reserved, kubelet->n_kube_reserved, "cpu", kube_reserved_cpu_milli(type->vcpu));
    int64_t system = amount_or(kubelet->system_reserved, kubelet->n_system_reserved, "cpu", 0);
    put(lists, STR("cpu"), capacity, less(capacity, kube, system, 0));
}

static void put_memory(struct lists *lists, const struct aws_type *type, const struct cloud_kubelet *kubelet)
{
    int64_t capacity = memory_capacity_bytes(type);
    int64_t kube = amount_or(kubelet->kube_reserved, kubelet->n_kube_reserved, "memory",
                             (11 * aws_type_eni_pods(type) + 255) * MIB);
    int64_t system = amount_or(kubelet->system_reserved, kubelet->n_system_reserved, "memory", 0);
    int64_t evict = eviction_bytes(capacity, kubelet->evict_memory_bytes, kubelet->evict_memory_permille,
                                   evict_memory_default_bytes);
    put(lists, STR("memory"), capacity, less(capacity, kube, system, evict));
}

static void put_ephemeral(struct lists *lists, const struct aws_type *type, const struct cloud_kubelet *kubelet,
                          const struct cloud_disk *disk)
{
    static const char name[] = "ephemeral-storage";
    int64_t capacity = ephemeral_capacity_bytes(type, disk);
    int64_t kube = amount_or(kubelet->kube_reserved, kubelet->n_kube_reserved, name, kube_reserved_ephemeral_bytes);
    int64_t system = amount_or(kubelet->system_reserved, kubelet->n_system_reserved, name, 0);
    int64_t evict = eviction_bytes(capacity, kubelet->evict_nodefs_bytes, kubelet->evict_nodefs_permille,
                                   permille_of(capacity, evict_nodefs_default_permille));
    put(lists, str_of(name), capacity, less(capacity, kube, system, evict));
}

int aws_node_resources(const struct cloud_type *type, const struct cloud_kubelet *kubelet,
                       const struct cloud_disk *disk, struct arena *arena, struct cloud_resource **ret_capacity,
                       struct cloud_resource **ret_allocatable, size_t *ret_count, struct err *err)
{
    const struct aws_type *details = type->details;
    struct lists lists = {.capacity = arena_array(arena, struct cloud_resource, MAX_RESOURCES),
                          .allocatable = arena_array(arena, struct cloud_resource, MAX_RESOURCES)};
    if (!lists.capacity || !lists.allocatable)
        return err_nomem(err);
    put_cpu(&lists, details, kubelet);
    put_memory(&lists, details, kubelet);
    put_ephemeral(&lists, details, kubelet, disk);
    int64_t pods = max_pods(details, kubelet);
    put(&lists, STR("pods"), pods, pods);
    put_extended(&lists, details);
    int64_t volumes = attachable_volumes(details, pods, disk);
    put(&lists, STR("attachable-volumes-csi-" AWS_VOLUME_DRIVER), volumes, volumes);
    *ret_capacity = lists.capacity;
    *ret_allocatable = lists.allocatable;
    *ret_count = lists.n;
    return 0;
}

/*
 * cloud.h - all that the provisioner knows of any cloud: what it sells and what a machine of it can carry. How machines
 * are had and given back is in provider.h.
 */
#ifndef STOKER_CLOUD_CLOUD_H
#define STOKER_CLOUD_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum cloud_capacity_type { CLOUD_ON_DEMAND = 0, CLOUD_SPOT = 1 };

struct cloud_label {
    struct str key, value;
};

/* An amount of a named resource: cpu in milli, all others in units (bytes, pods, devices). */
struct cloud_resource {
    struct str name; /* "cpu", "memory", "ephemeral-storage", "pods", "nvidia.com/gpu", … */
    int64_t amount;
};

/* What the kubelet of a node will be told; -1 or NULL where it is left to the cloud's default. */
struct cloud_kubelet {
    int64_t max_pods;      /* pods */
    int64_t pods_per_core; /* pods */
    /* "cpu", "memory", "ephemeral-storage": each replaces the default of that resource alone. */
    const struct cloud_resource *kube_reserved, *system_reserved;
    size_t n_kube_reserved, n_system_reserved;
    /* evictionHard, the larger of hard and soft per signal: amounts, or per cent of capacity in thousandths. */
    int64_t evict_memory_bytes, evict_nodefs_bytes;       /* -1: not given in bytes */
    int64_t evict_memory_permille, evict_nodefs_permille; /* -1: not given in per cent; 1000 = 100 % */
};

#define CLOUD_KUBELET_INIT ((struct cloud_kubelet){-1, -1, NULL, NULL, 0, 0, -1, -1, -1, -1})

/* How a node's disk is made, as far as capacity depends on it. */
struct cloud_disk {
    int64_t root_bytes;        /* -1: the cloud's default */
    bool instance_store_raid0; /* local disks become ephemeral storage */
    bool ephemeral_is_root;    /* false where the user's own template or AMI leaves it unknown */
    int64_t more_volumes;      /* that are attached to each node beside the root's */
};

#define CLOUD_DISK_INIT ((struct cloud_disk){-1, false, true, 0})

struct cloud_type {
    struct str name;                  /* "c5d.9xlarge" */
    const struct cloud_label *labels; /* [n_labels] sorted by key; zone, capacity type and region not among them */
    size_t n_labels;
    uint32_t vcpu;
    int64_t memory_bytes; /* as sold */
    struct str
        quota; /* of the account, that machines of the type count against: "Standard"; one each by capacity type */
    const void *details; /* the implementation's own */
};

struct cloud_offering {
    uint32_t type; /* index into types */
    uint32_t zone; /* index into zones */
    enum cloud_capacity_type capacity_type;
    int64_t price_microusd;  /* per hour */
    int interruption_bucket; /* 0 (<5 % a month) … 4 (>20 %); -1 unknown; spot only */
};

/* Everything on sale in one region. Immutable while it is read. */
struct cloud_catalogue {
    struct str region;
    const struct str *zones; /* [n_zones] sorted */
    size_t n_zones;
    const struct cloud_type *types; /* [n_types] sorted by name */
    size_t n_types;
    const struct cloud_offering *offerings; /* [n_offerings] by type, zone, capacity type */
    size_t n_offerings;
    const char *price_note; /* what must be said wherever these prices are shown, NULL if nothing */
    /*
     * Capacity and allocatable of a node of `type`: arrays in `arena`, same names in both, in the order cpu,
     * memory, ephemeral-storage, pods, then extended resources and the volumes of `volume_driver`, by the name
     * "attachable-volumes-csi-<driver>". Allocatable may be 0, never negative.
     */
    int (*node_resources)(const struct cloud_type *type, const struct cloud_kubelet *kubelet,
                          const struct cloud_disk *disk, struct arena *arena, struct cloud_resource **ret_capacity,
                          struct cloud_resource **ret_allocatable, size_t *ret_count, struct err *err);
    struct str volume_driver; /* the CSI driver that attaches the cloud's volumes; "" if it has none */
    void *owner;              /* the implementation's own */
};

const char *cloud_capacity_type_name(enum cloud_capacity_type type); /* "on-demand", "spot" */

/* The value of a type's label; NULL where the type does not have it. */
const struct str *cloud_type_label(const struct cloud_type *type, struct str key);

#endif

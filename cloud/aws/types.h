/* types.h - EC2 instance types as the catalogue's table gives them, their labels and what a pod can use of them. */
#ifndef STOKER_CLOUD_AWS_TYPES_H
#define STOKER_CLOUD_AWS_TYPES_H

#include "base/diag.h"
#include "cloud/cloud.h"

/* One row. Texts point into the table; "" and 0 where EC2 says nothing or the table has no such column. */
struct aws_type {
    struct str name;                                                     /* "c5d.9xlarge" */
    struct str arch;                                                     /* "amd64", "arm64" */
    struct str cpu_manufacturer, hypervisor, gpu_manufacturer, gpu_name; /* as EC2 spells them */
    int64_t vcpu, memory_mib;
    int64_t enis, ipv4_per_eni;
    int64_t default_card_enis;      /* network interfaces of the card that pods use; never 0 */
    int64_t network_mbps, ebs_mbps; /* baselines */
    int64_t ebs_attachments;        /* volumes that EC2 lets be attached, the root's among them; 0: not said */
    int64_t efas;
    int64_t nvme_gb;              /* 10^9 bytes, all local disks together */
    int64_t gpus, gpu_memory_mib; /* memory of all GPUs together */
    int64_t neurons;
    int64_t encrypts; /* in transit, between instances: 0 or 1 */
};

/*
 * Reads the table of instance types into an array in `arena`, sorted by name. Wrong rows and types that stand twice are
 * findings and left out. ERR_NOMEM.
 */
CC_MUST_CHECK int aws_types_read(struct str bytes, const char *file, struct arena *arena, struct diag *diag,
                                 struct aws_type **ret, size_t *ret_count, struct err *err);

/*
 * The labels that every node of the type carries, sorted by key, in `arena`. A label that the type has nothing for is
 * absent. Source: docs/capacity.md; Karpenter's pkg/providers/instancetype (v0.29), its documented labels.
 */
CC_MUST_CHECK int aws_type_labels(const struct aws_type *type, struct arena *arena, const struct cloud_label **ret,
                                  size_t *ret_count, struct err *err);

/*
 * The quota that the type counts against, On-Demand and spot each with their own. Source: EC2 User Guide, "On-Demand
 * Instance quotas" and "Spot Instance quotas".
 */
struct str aws_type_quota(const struct aws_type *type);

/* Pods by network interfaces: of the default card, an address each but the first, and two on the host's network. */
int64_t aws_type_eni_pods(const struct aws_type *type);

/* What attaches EBS volumes: cloud_catalogue.volume_driver. */
#define AWS_VOLUME_DRIVER "ebs.csi.aws.com"

/* cloud_catalogue.node_resources for types whose details are a struct aws_type. Formulas: docs/capacity.md. */
CC_MUST_CHECK int aws_node_resources(const struct cloud_type *type, const struct cloud_kubelet *kubelet,
                                     const struct cloud_disk *disk, struct arena *arena,
                                     struct cloud_resource **ret_capacity, struct cloud_resource **ret_allocatable,
                                     size_t *ret_count, struct err *err);

#endif

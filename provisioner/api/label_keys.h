/* label_keys.h - which label keys there are, which may be used, and what a key or value may look like. */
#ifndef STOKER_PROVISIONER_API_LABEL_KEYS_H
#define STOKER_PROVISIONER_API_LABEL_KEYS_H

#include <stdbool.h>

#include "base/str.h"

#define LABEL_ZONE          "topology.kubernetes.io/zone"
#define LABEL_REGION        "topology.kubernetes.io/region"
#define LABEL_ARCH          "kubernetes.io/arch"
#define LABEL_OS            "kubernetes.io/os"
#define LABEL_HOSTNAME      "kubernetes.io/hostname"
#define LABEL_INSTANCE_TYPE "node.kubernetes.io/instance-type"
#define LABEL_CAPACITY_TYPE "karpenter.sh/capacity-type"
#define LABEL_PROVISIONER   "karpenter.sh/provisioner-name"
#define LABEL_EKS_CAPACITY  "eks.amazonaws.com/capacityType"
#define LABEL_AWS_INSTANCE  "karpenter.k8s.aws/instance-"

/*
 * The key that is used today for a node label that has had other names: failure-domain.beta.kubernetes.io/zone and
 * topology.ebs.csi.aws.com/zone are topology.kubernetes.io/zone, beta.kubernetes.io/arch is kubernetes.io/arch, and so
 * on. Every other key is returned as it is. Source: k8s.io/api/core/v1 well_known_labels.go; the EBS CSI driver.
 */
struct str label_key_current(struct str key);

/* A label that the provisioner itself gives to nodes, by instance type or offering, and that may be asked for. */
bool label_key_well_known(struct str key);

/*
 * May a Provisioner not name this key? The domains of Kubernetes, Karpenter and ours are reserved, but for well-known
 * keys, node-restriction.kubernetes.io, node.kubernetes.io and kops.k8s.io. The hostname and the Provisioner's own name
 * are never its choice. Source: karpenter v1alpha5 labels.go, IsRestrictedLabel.
 */
bool label_key_restricted(struct str key);

/* [prefix/]name: prefix a DNS subdomain, name of at most 63 of A-Za-z0-9-_. beginning and ending with one of the first.
 */
bool label_key_valid(struct str key);
/* Empty, or at most 63 of A-Za-z0-9-_. beginning and ending with a letter or digit. */
bool label_value_valid(struct str value);

#endif

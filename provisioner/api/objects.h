/* objects.h - the Kubernetes objects a provisioner reads, reduced to the fields it uses. All text is borrowed. */
#ifndef STOKER_PROVISIONER_API_OBJECTS_H
#define STOKER_PROVISIONER_API_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/intern.h"
#include "base/str.h"
#include "base/vec.h"
#include "cloud/cloud.h"
#include "cloud/provider.h"
#include "provisioner/api/parts.h"

/* What decides where a pod can go. Pods that differ in identity only share one. */
struct pod_spec {
    uint32_t id;               /* dense: objects.specs.items[id] */
    struct resources requests; /* whole pod, init containers, sidecars and overhead counted; without "pods" */
    struct requirements node_selector;
    const struct node_term *node_terms; /* required; alternatives, in order */
    size_t n_node_terms;
    bool node_terms_present; /* with n_node_terms 0: nothing matches */
    const struct preferred_node_term *preferred_nodes;
    size_t n_preferred_nodes;
    const struct toleration *tolerations;
    size_t n_tolerations;
    const struct pod_term *affinity, *anti_affinity; /* required first, then preferred */
    size_t n_affinity, n_anti_affinity;
    const struct spread *spreads;
    size_t n_spreads;
    const struct host_port *host_ports;
    size_t n_host_ports;
    int32_t priority;  /* of its class, once that is read, unless the pod says it itself */
    bool priority_set; /* by the pod itself */
    struct str priority_class, scheduler_name;
    bool gated; /* has schedulingGates: not demand */
    bool resource_claims;
};

enum spark_role { SPARK_NONE, SPARK_DRIVER, SPARK_EXECUTOR };

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

struct pod {
    struct origin origin;
    struct str namespace_, name, uid;
    struct labels labels;
    uint32_t spec;        /* id */
    struct str node_name; /* "" = to be placed */
    enum pod_phase phase;
    bool deleting;
    bool daemon; /* owned by a DaemonSet */
    struct str owner_kind, owner_name;
    enum spark_role role;
    struct str app;           /* spark-app-selector, else the operator's or EMR's word; "" = none */
    const struct str *claims; /* names of PersistentVolumeClaims; ephemeral volumes as <pod>-<volume> */
    size_t n_claims;
    const struct str *ephemeral_classes; /* storage class of each ephemeral volume's template, "" = the default class */
    size_t n_ephemeral_classes;
    bool planned; /* does not exist yet: read from a SparkApplication or a properties file */
    /* What only a controller asks about. */
    struct clock_wall created, finished; /* 0: not said; finished: the last container's end */
    struct clock_wall ends;              /* deletionTimestamp: when its grace is over; 0: it is not deleted */
    bool do_not_disrupt;                 /* do-not-evict, do-not-disrupt, safe-to-evict "false" */
    bool has_controller;                 /* an owner that is its controller */
    bool unschedulable;                  /* kube-scheduler has marked it so */
    bool ready;                          /* condition Ready is True */
    struct str nominated_node;           /* status.nominatedNodeName */
};

struct node {
    struct origin origin;
    struct str name;
    struct labels labels;
    struct taints taints;
    struct resources allocatable, capacity;
    bool unschedulable, deleting;
    /* What only a controller asks about. */
    struct str provider_id, uid, resource_version;
    struct clock_wall created;
    bool ready;                              /* condition Ready is True */
    bool do_not_disrupt, do_not_consolidate; /* annotations */
};

/* A PodDisruptionBudget. */
struct budget {
    struct str namespace_, name;
    struct selector selector;
    int64_t disruptions_allowed; /* as its controller last said */
    bool unhealthy_may_go;       /* pods that are not Ready may be evicted all the same */
};

enum spark_zone_mode { SPARK_ZONE_ANY, SPARK_ZONE_PREFER, SPARK_ZONE_SINGLE };

/* What a Provisioner says of capacity type for a role that says nothing itself. */
enum role_capacity { ROLE_ANY, ROLE_ON_DEMAND, ROLE_SPOT };

struct provisioner {
    struct origin origin;
    struct str name;
    bool karpenter;                   /* karpenter.sh/v1alpha5: our own additions have their defaults */
    struct requirements requirements; /* defaults of v1alpha5 filled in */
    struct labels labels, annotations;
    struct taints taints, startup_taints;
    struct resources limits;                        /* of capacity; a resource that is not there is not limited */
    int32_t weight;                                 /* 0 if unset */
    int64_t ttl_after_empty_s, ttl_until_expired_s; /* -1: never */
    bool consolidation;
    struct str template_name;                    /* providerRef.name, "" if none */
    const struct node_template *inline_template; /* spec.provider, NULL if none */
    struct cloud_kubelet kubelet;
    /* stoker.sh only */
    enum role_capacity driver_capacity, executor_capacity; /* ON_DEMAND, SPOT */
    enum spark_zone_mode zone_mode;
    double zone_premium;       /* 0.02 = 2 % */
    double max_price_ratio;    /* >= 1, 1.25 */
    double max_pool_share;     /* (0, 1], 1 = off */
    double gang_min_share;     /* [0, 1], 0.8 */
    bool replace_on_rebalance; /* spec.spot.onRebalance: Replace; false: Record (the default) */
    struct str strategy;       /* spec.spot.allocationStrategy, "" = capacity-optimized-prioritized */
    struct str uid;
    int64_t generation;
    /* kubeletConfiguration beyond capacity */
    const struct str *cluster_dns; /* [n_cluster_dns] */
    size_t n_cluster_dns;
    struct str kubelet_json; /* further fields as one JSON object, "" if none */
};

struct node_template {
    struct origin origin;
    struct str name;
    struct str ami_family; /* AL2, AL2023, Bottlerocket, Custom */
    struct str launch_template;
    struct cloud_disk disk;
    bool karpenter;               /* an AWSNodeTemplate */
    struct cloud_template launch; /* all that a launch needs to know; name, family and disk are the same as above */
};

struct daemon_set {
    struct origin origin;
    struct str namespace_, name;
    struct labels labels; /* of its pods */
    uint32_t spec;        /* id */
};

struct volume_claim {
    struct str namespace_, name, volume_name, storage_class;
    bool storage_class_set;
    bool deleting;
    bool unbound; /* names a volume that is not bound to it: not yet (the name is the user's), or not any more */
    struct str selected_node; /* annotation volume.kubernetes.io/selected-node */
};

struct volume {
    struct str name;
    struct str driver;             /* the CSI driver that attaches it; "" if none does */
    const struct node_term *terms; /* nodeAffinity.required */
    size_t n_terms;
};

struct storage_class {
    struct str name;
    struct str driver; /* the CSI driver that makes its volumes and attaches them */
    bool is_default, wait_for_consumer;
    const struct node_term *terms; /* allowedTopologies */
    size_t n_terms;
};

/* A CSI driver that a kubelet has registered. */
struct csi_driver {
    struct str name;
    int64_t count; /* volumes that it can attach to the node; -1: no limit is said */
};

/* What a node's kubelet says of its CSI drivers; its name is the node's. */
struct csi_node {
    struct str name;
    const struct csi_driver *drivers;
    size_t n_drivers;
};

struct priority_class {
    struct str name;
    int32_t value;
    bool is_default; /* for pods that name no class */
};

/* A SparkApplication (or the template of a ScheduledSparkApplication) or a properties file, not yet expanded. */
struct spark_demand; /* defined in provisioner/spark */

struct objects {
    struct arena arena;
    struct intern texts;     /* text that repeats: label keys and values, namespaces, classes */
    struct intern spec_keys; /* canonical text of a pod spec -> id in specs */
    VEC(char) spec_text;     /* the canonical text being written; reused */
    VEC(const struct pod_spec *) specs;
    VEC(struct pod) pods;
    VEC(struct node) nodes;
    VEC(struct provisioner) provisioners;
    VEC(struct node_template) templates;
    VEC(struct daemon_set) daemon_sets;
    VEC(struct volume_claim) claims;
    VEC(struct volume) volumes;
    VEC(struct storage_class) storage_classes;
    VEC(struct csi_node) csi_nodes;
    VEC(struct priority_class) priority_classes;
    VEC(struct budget) budgets;
    VEC(const struct spark_demand *) spark; /* until spark_expand */
    struct intern names;                    /* "kind namespace/name" of everything read, to find duplicates */
    VEC(struct origin) name_origins;        /* by id in `names` */
    struct intern ignored;                  /* kinds that were read past */
    VEC(size_t) ignored_counts;             /* by id in `ignored` */
};

void objects_release(struct objects *objects);

/* The value of a label; NULL if it is not there. */
const struct str *labels_get(const struct labels *labels, struct str key);

/* The amount of a resource; 0 if it is not there. */
int64_t resources_get(const struct resources *resources, struct str name);

/* An empty address, 0.0.0.0 and :: mean every address of the node; no protocol means TCP. */
bool host_port_any_address(const struct host_port *port);
struct str host_port_protocol(const struct host_port *port);
/* Can they not be had on one node? */
bool host_ports_clash(const struct host_port *a, const struct host_port *b);

/* One condition against one label value (NULL: the label is absent). Gt and Lt fail where the value is no integer. */
bool requirement_met(const struct requirement *requirement, const struct str *value);

/* A label selector against an object's labels. */
bool selector_matches(const struct selector *selector, const struct labels *labels);

/* Do the tolerations let a pod onto a node with these taints (NoSchedule and NoExecute; PreferNoSchedule never bars)?
 */
bool taints_tolerated(const struct taints *taints, const struct toleration *tolerations, size_t n_tolerations);

#endif

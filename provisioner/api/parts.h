/* parts.h - the parts that Kubernetes objects are made of: labels, selectors, taints, amounts, terms. Text is borrowed.
 */
#ifndef STOKER_PROVISIONER_API_PARTS_H
#define STOKER_PROVISIONER_API_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "cloud/cloud.h"

/* Where an object was read, for messages. */
struct origin {
    const char *file;
    int line;
};

struct labels {
    const struct cloud_label *items; /* [n] sorted by key */
    size_t n;
};

enum label_op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_DOES_NOT_EXIST, OP_GT, OP_LT };

/* One condition on labels. Gt and Lt hold one decimal integer in values[0]. */
struct requirement {
    struct str key;
    enum label_op op;
    const struct str *values;
    size_t n_values;
};

/* All must hold. */
struct requirements {
    const struct requirement *items;
    size_t n;
};

/* A label selector: absent (null) matches nothing, empty matches everything. matchLabels are kept as In. */
struct selector {
    bool present;
    struct requirements all;
};

enum taint_effect { EFFECT_ANY, EFFECT_NO_SCHEDULE, EFFECT_PREFER_NO_SCHEDULE, EFFECT_NO_EXECUTE };

/* "NoSchedule" and so on; "" for EFFECT_ANY. */
const char *taint_effect_name(enum taint_effect effect);
/* False, and *ret as it was, if it is no effect's name. */
bool taint_effect_of(struct str name, enum taint_effect *ret);

struct taint {
    struct str key, value;
    enum taint_effect effect;
};

struct taints {
    const struct taint *items;
    size_t n;
};

struct toleration {
    struct str key; /* "" with exists: everything */
    struct str value;
    bool exists;
    enum taint_effect effect; /* EFFECT_ANY: all */
};

/* Sorted by name; amounts as in struct cloud_resource; no zero amounts, but in a Provisioner's limits. */
struct resources {
    const struct cloud_resource *items;
    size_t n;
};

/* A nodeSelectorTerm: labels, and fields (metadata.name). */
struct node_term {
    struct requirements labels, fields;
};

struct preferred_node_term {
    int32_t weight; /* 1..100 */
    struct node_term term;
};

/* A pod (anti-)affinity term. weight 0: required. */
struct pod_term {
    int32_t weight;
    struct selector selector;
    struct str topology_key;
    const struct str *namespaces; /* [n_namespaces]; none and no selector = the pod's own */
    size_t n_namespaces;
    bool all_namespaces;              /* namespaceSelector {} */
    struct selector namespace_labels; /* another namespaceSelector; it sees kubernetes.io/metadata.name only */
};

struct spread {
    int32_t max_skew, min_domains; /* min_domains 1 if unset */
    struct str topology_key;
    bool soft;                 /* ScheduleAnyway */
    struct selector selector;  /* matchLabelKeys are already merged in, as far as the pod has them */
    bool ignore_node_affinity; /* nodeAffinityPolicy: Ignore */
    bool honor_taints;         /* nodeTaintsPolicy: Honor */
};

struct host_port {
    struct str ip; /* "" and 0.0.0.0 mean every address */
    struct str protocol;
    int32_t port;
};

#endif

/* demand_internal.h - what the files of demand share: content keys, selectors, volumes, existing nodes, admission. */
#ifndef STOKER_PROVISIONER_PLAN_DEMAND_INTERNAL_H
#define STOKER_PROVISIONER_PLAN_DEMAND_INTERNAL_H

#include "base/intern.h"
#include "base/vec.h"
#include "provisioner/plan/demand.h"

/* A struct str from a literal where an initializer must be constant. */
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

/* Bytes that name some content: equal content, equal bytes. A zeroed struct is empty. */
struct content_key {
    char *bytes;
    size_t len, cap;
};

/* All return false if memory ran out. */
bool content_put(struct content_key *key, const void *bytes, size_t size);
bool content_put_number(struct content_key *key, uint32_t number);
bool content_put_str(struct content_key *key, struct str text);
bool content_put_requirements(struct content_key *key, const struct requirements *requirements);
bool content_put_tolerations(struct content_key *key, const struct toleration *tolerations, size_t n);
/* All that a spec asks of its node: requests, node selector and affinity, tolerations. */
bool content_put_node_constraints(struct content_key *key, const struct pod_spec *spec);
struct str content_text(const struct content_key *key);
void content_release(struct content_key *key);

/* "key In [a, b]" for people; NULL if memory ran out. */
const char *requirement_text(const struct requirement *requirement, struct arena *arena);

/* Is there a word on capacity type in the spec's node selector or node affinity, required or preferred? */
bool spec_names_capacity_type(const struct pod_spec *spec);
bool spec_has_pod_terms(const struct pod_spec *spec); /* spread, affinity, anti-affinity */
bool pod_is_bound(const struct pod *pod);             /* has a node and has not ended */

/* Sets of nodes that meet a condition, computed once for each condition. */
struct node_sets {
    const struct node **nodes; /* [n] */
    size_t n;
    struct intern conditions;          /* content of a requirement -> index in sets */
    VEC(const uint64_t *) sets;        /* [n] bits each */
    struct intern taint_kinds;         /* content of a node's taints -> index in tainted */
    VEC(const uint64_t *) tainted;     /* the nodes with these taints */
    VEC(const struct taints *) taints; /* the taints */
    struct content_key key;            /* scratch */
    struct arena *arena;
};

CC_MUST_CHECK int node_sets_init(struct node_sets *sets, const struct node **nodes, size_t n, struct arena *arena,
                                 struct err *err);
void node_sets_release(struct node_sets *sets);
/* The same over demand->nodes, without the startup taints of the nodes' Provisioners: those are about to go. */
CC_MUST_CHECK int node_sets_of_demand(struct node_sets *sets, const struct demand *demand, struct arena *arena,
                                      struct err *err);

/* Nodes whose labels meet it; NULL if memory ran out. */
const uint64_t *node_sets_meeting(struct node_sets *sets, const struct requirement *requirement);
/* into &= nodes that meet all labels and fields of some term; no term: none. */
CC_MUST_CHECK int node_sets_and_terms(struct node_sets *sets, const struct node_term *terms, size_t n, uint64_t *into,
                                      struct err *err);
/* into &= nodes that meet the node selector and the required node affinity. */
CC_MUST_CHECK int node_sets_and_affinity(struct node_sets *sets, const struct pod_spec *spec, uint64_t *into,
                                         struct err *err);
/* into &= nodes whose taints are tolerated. */
void node_sets_and_tolerated(struct node_sets *sets, const struct toleration *tolerations, size_t n, uint64_t *into);

/* Conditions that volumes put on nodes: alternatives. */
struct volume_rule {
    const struct node_term *terms;
    size_t n_terms;
    struct str what; /* the volume or class it comes from */
};

/* What all volumes of one pod ask for together. */
struct volume_set {
    const uint32_t *rules; /* [n] indices into demand_volumes.rules, ascending */
    size_t n;
    const int64_t *attached; /* [dims->n] volumes that are attached for it, by dimension; NULL: none that counts */
    const char *reason;      /* NULL, or why the pod has no place at all */
};

struct demand_volumes {
    struct volumes names;
    const struct dims *dims;
    struct attachments attachments; /* scratch */
    struct intern rule_keys, set_keys;
    VEC(struct volume_rule) rules;
    VEC(struct volume_set) sets; /* sets.items[0]: no condition */
    struct content_key key;
    struct arena *arena;
};

CC_MUST_CHECK int demand_volumes_init(struct demand_volumes *volumes, const struct objects *objects,
                                      const struct dims *dims, struct arena *arena, struct err *err);
void demand_volumes_release(struct demand_volumes *volumes);
/* The set of a pod's volumes: index into volumes->sets. */
CC_MUST_CHECK int demand_volumes_of(struct demand_volumes *volumes, const struct pod *pod, uint32_t *ret_set,
                                    struct err *err);

/* Which selectors count which pods, without asking each selector about each pod. */
struct demand_matcher {
    struct str *keys; /* [n_keys] label keys that some selector asks for */
    size_t n_keys;
    struct intern buckets;      /* "key value" of a selector's first In with one value -> index in bucket_first */
    VEC(uint32_t) bucket_first; /* selector id + 1, 0 = none; then next[] */
    uint32_t *next;             /* [n_selectors] selector id + 1 */
    uint32_t unbucketed;        /* the same for selectors without such an In */
    struct intern classes;      /* namespace and values of `keys` -> index in matches */
    VEC(const uint64_t *) matches;
    struct content_key key;
    const struct demand *demand;
    struct arena *arena;
};

/* Finds every selector that counts: fills demand->selectors, n_selectors and terms. `take` [pods] are the pods to
 * place. */
CC_MUST_CHECK int demand_selectors_collect(struct demand *demand, const uint64_t *take, struct arena *arena,
                                           struct err *err);
CC_MUST_CHECK int demand_matcher_init(struct demand_matcher *matcher, const struct demand *demand, struct arena *arena,
                                      struct err *err);
void demand_matcher_release(struct demand_matcher *matcher);
/* The class of a pod: pods of one class are counted by the same selectors, matcher->matches.items[class]. */
CC_MUST_CHECK int demand_matcher_class(struct demand_matcher *matcher, const struct pod *pod, uint32_t *ret_class,
                                       struct err *err);

/* Fills demand->nodes, pod_node, usable. */
CC_MUST_CHECK int demand_nodes_build(struct demand *demand, const struct volumes *volumes, struct arena *arena,
                                     struct err *err);

/* Offerings and nodes that a shape's constraints leave. */
struct demand_admission {
    struct demand *demand;
    struct demand_volumes *volumes;
    struct node_sets nodes;       /* over demand->nodes */
    const uint64_t *driver_nodes; /* [n_nodes] where a driver that does not name a capacity type may go */
    uint32_t *alloc_kind;         /* [supply->n] equal allocatable, equal kind */
    const int64_t **allocs;       /* [n_allocs] */
    size_t n_allocs;
    uint8_t *fits;            /* [n_allocs] scratch */
    uint64_t *scratch, *best; /* [supply->n] */
    struct arena *arena;
};

CC_MUST_CHECK int demand_admission_init(struct demand_admission *admission, struct demand *demand,
                                        struct demand_volumes *volumes, struct arena *arena, struct err *err);
void demand_admission_release(struct demand_admission *admission);
/* Fills admits, admits_nodes, dropped_preferences and reason from the shape's spec, role, req and volumes. */
CC_MUST_CHECK int demand_admit(struct demand_admission *admission, uint32_t volume_set, struct demand_shape *shape,
                               struct err *err);

#endif

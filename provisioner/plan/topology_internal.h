/* topology_internal.h - what the files of topology share: domains, tallies, rules, classes of shapes. */
#ifndef STOKER_PROVISIONER_PLAN_TOPOLOGY_INTERNAL_H
#define STOKER_PROVISIONER_PLAN_TOPOLOGY_INTERNAL_H

#include "base/bitset.h"
#include "base/vec.h"
#include "provisioner/plan/demand_internal.h"
#include "provisioner/plan/topology.h"

/*
 * A topology key other than kubernetes.io/hostname. A domain is one of its values; the id n_domains stands for "the
 * label is absent", where no pod is near or far from another.
 */
struct topo_axis {
    struct str key;
    uint32_t n_domains;
    const struct str *names;     /* [n_domains] */
    const uint64_t **offerings;  /* [n_domains + 1] sets over the supply */
    const uint64_t **nodes;      /* [n_domains + 1] sets over demand->nodes */
    const uint32_t *node_domain; /* [objects->nodes.len] */
};

/* Which pods a tally counts. */
enum tally_kind {
    TALLY_SPREAD,   /* pods that the selector counts, on nodes that the spread looks at */
    TALLY_AFFINITY, /* pods that all selectors count */
    TALLY_MATCH,    /* pods that the selector of an anti-affinity term counts */
    TALLY_CARRIERS  /* pods that carry an anti-affinity term with the selector */
};

/* Pods in each domain of an axis: bound ones from the start, planned ones as they are placed. */
struct topo_tally {
    enum tally_kind kind;
    uint32_t axis;
    const uint32_t *selectors; /* [n_selectors] */
    size_t n_selectors;
    const uint64_t *offerings; /* TALLY_SPREAD: where pods count; NULL: anywhere */
    const uint64_t *all_nodes; /* the same over objects->nodes */
    int64_t *count;            /* [n_domains + 1] */
    int64_t *sure;             /* the same without pods that may turn out to be on nodes that do not count */
    int64_t *bound;            /* what both were before anything was placed */
    int64_t total;             /* without the absent domain */
};

enum rule_kind { RULE_SPREAD, RULE_AFFINITY, RULE_ANTI, RULE_BARRED };

/* What one constraint asks of the domain that a pod goes to, on one axis. */
struct topo_rule {
    enum rule_kind kind;
    uint32_t tally;
    uint32_t axis; /* index into topo.axes */
    uint32_t slot; /* the axis's place among the class's axes */
    int32_t max_skew, min_domains;
    int32_t weight;          /* 0: required; else it may be dropped, the lightest first */
    bool self;               /* the pod counts itself */
    uint32_t carriers;       /* RULE_ANTI, required: the tally that counts who carries it; else SOLVER_NONE */
    const uint64_t *domains; /* [n_domains] RULE_SPREAD: those the skew is taken over */
    bool dropped;
};

/* Weight of a spread with ScheduleAnyway: it is dropped after all preferred pod terms, whose weights are 1..100. */
enum { SOFT_SPREAD_WEIGHT = 101 };

/* Does a tally count a pod in a cell: no, if it lands on a node that counts, or in any case. */
enum feed { FEED_NO, FEED_MAYBE, FEED_YES };

/* A choice of one domain on each of the class's axes. */
struct topo_cell {
    const uint32_t *domains; /* [n_axes] */
    bool offered;            /* some offering is there; else only existing nodes */
    int64_t room;            /* pods that existing nodes can still take, as far as the class needs it */
    int64_t room_at_first;
    double cost; /* of a pod, micro-dollars per hour, mean over the class */
    double whim; /* factor on the cost while another try is made */
    int64_t placed;
};

/* Shapes that no rule tells apart, and whose pods therefore trade places freely. */
struct topo_class {
    uint32_t *shapes;
    size_t n_shapes;
    const uint32_t *axes;
    size_t n_axes;
    struct topo_rule *rules;
    size_t n_rules;
    struct topo_cell *cells;
    size_t n_cells;
    double *shape_cost;    /* [n_shapes][n_cells] of a pod of each shape */
    const uint32_t *feeds; /* [n_feeds] tallies that count a pod of the class */
    size_t n_feeds;
    const uint8_t *feeds_in; /* [n_feeds][n_cells] an enum feed */
    int64_t left;            /* pods not placed */
    size_t n_offerings;      /* that admit its first shape */
    int32_t priority;
    bool free; /* no rule but being barred: pods need not be told their cell */
    uint32_t component;
};

/* A demand shape as it is narrowed by the stages before zones. */
struct topo_shape {
    const uint64_t *admits, *admits_nodes;
    const char *refused; /* NULL, or why none of its pods has a place */
};

struct topo {
    const struct demand *demand;
    const struct objects *objects;
    const struct supply *supply;
    struct arena *arena;
    struct topology *out;
    struct topo_shape *shapes;     /* [n_shapes] */
    struct demand_matcher matcher; /* of bound pods */
    VEC(struct topo_axis) axes;
    VEC(struct topo_tally) tallies;
    struct intern tally_keys;
    VEC(uint32_t) tally_next; /* [tallies] the next one with the same first selector, + 1 */
    uint32_t *tally_first;    /* [n_selectors] + 1 */
    VEC(struct topo_class) classes;
    struct node_sets all_nodes; /* over objects->nodes */
    VEC(struct topology_part) parts;
    VEC(struct topology_refusal) refusals;
    struct content_key key;
    double *inverse_alloc; /* [supply->n][dims->n] 1 / alloc */
};

#define TOPO_HOSTNAME "kubernetes.io/hostname"

/* topology_axis.c: the axis of a key, made when first asked for. */
CC_MUST_CHECK int topo_axis_of(struct topo *topo, struct str key, uint32_t *ret_axis, struct err *err);
/* A copy of `set` without what is not in `with`. NULL if memory ran out. */
uint64_t *topo_and(struct topo *topo, const uint64_t *set, const uint64_t *with, size_t bits);
/* Cheapest price of a pod's share of an offering among `admits`, micro-dollars per hour; 0 if there is none. */
double topo_pod_cost(const struct topo *topo, uint32_t shape, const uint64_t *admits);

/* topology_company.c: affinity over hostname: narrows to the nodes where company runs, or refuses. */
CC_MUST_CHECK int topo_company(struct topo *topo, struct err *err);

/* topology_node.c: rules within one node: groups, conflicts, existing nodes that are barred. */
CC_MUST_CHECK int topo_node_rules(struct topo *topo, struct err *err);

/* The constraints of shapes, shape by shape: rules.items[first[s]] … rules.items[first[s + 1]]. */
struct topo_drafts {
    VEC(struct topo_rule) rules;
    uint32_t *first; /* [n_shapes + 1] */
};

/* topology_rules.c: what the shapes' terms ask for, and tallies that count the bound pods. */
CC_MUST_CHECK int topo_rules_draft(struct topo *topo, struct topo_drafts *drafts, struct err *err);
CC_MUST_CHECK int topo_count_bound(struct topo *topo, struct err *err);
/* Do all of the tally's selectors count a pod that `matches` [n_selectors] describes? */
bool topo_tally_takes(const struct topo_tally *tally, const uint64_t *matches);

/* topology_class.c: shapes that no rule tells apart as classes; shapes without any become parts as they are. */
CC_MUST_CHECK int topo_classes_build(struct topo *topo, const struct topo_drafts *drafts, struct err *err);

/* topology_place.c: a cell for every pod of every class, as kube-scheduler's rules allow it. */
CC_MUST_CHECK int topo_place(struct topo *topo, struct err *err);
/* May a pod of the class go to the cell now? If not, *ret_rule is the rule that forbids it, or NULL if room ran out. */
bool topo_allowed(const struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                  const struct topo_rule **ret_rule);

/* topology_parts.c: what was placed in which cell as parts of shapes; what was not as refusals. */
CC_MUST_CHECK int topo_parts_of_class(struct topo *topo, const struct topo_class *class, struct err *err);
CC_MUST_CHECK int topo_add_part(struct topo *topo, uint32_t shape, uint32_t n_pods, const uint64_t *admits,
                                const uint64_t *admits_nodes, struct err *err);
CC_MUST_CHECK int topo_refuse(struct topo *topo, uint32_t shape, uint32_t n_pods, const char *reason, struct err *err);
/* The admitted offerings and nodes of a shape within a cell; NULL if memory ran out. */
uint64_t *topo_cell_offerings(struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                              uint32_t shape);
uint64_t *topo_cell_nodes(struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                          uint32_t shape);

#endif

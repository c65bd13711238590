/* decode_parts.h - the parts that many kinds share: labels, requirements, selectors, taints, tolerations, amounts. */
#ifndef STOKER_PROVISIONER_API_DECODE_PARTS_H
#define STOKER_PROVISIONER_API_DECODE_PARTS_H

#include "provisioner/api/field.h"

/*
 * Everywhere: an absent field gives the empty value; what is wrong is a finding and is left out; arrays live in
 * decode->objects->arena and texts as long as the objects; the only error is ERR_NOMEM.
 */

/* A map of labels, sorted by key. */
CC_MUST_CHECK int decode_labels(const struct field *map, struct labels *ret, struct err *err);

/* The same for a node: old keys are renamed to today's. */
CC_MUST_CHECK int decode_node_labels(const struct field *map, struct labels *ret, struct err *err);

/* Annotations: keys are checked, values may be anything. */
CC_MUST_CHECK int decode_annotations(const struct field *map, struct labels *ret, struct err *err);

/* A nodeSelector map: one In per key, today's keys, sorted by key. */
CC_MUST_CHECK int decode_node_selector(const struct field *map, struct requirements *ret, struct err *err);

/*
 * One node selector requirement. *ret_good is false, and *ret as it was, if something was found wrong with it. Values
 * are not checked: one that no label can have matches nothing.
 */
CC_MUST_CHECK int decode_node_requirement(const struct field *map, struct requirement *ret, bool *ret_good,
                                          struct err *err);

/* Node selector requirements (key, operator, values) with all six operators; old node label keys are renamed. */
CC_MUST_CHECK int decode_node_requirements(const struct field *list, struct requirements *ret, struct err *err);

/* One nodeSelectorTerm: matchExpressions and matchFields. */
CC_MUST_CHECK int decode_node_term(const struct field *map, struct node_term *ret, struct err *err);

/* A list of nodeSelectorTerms, empty ones (they match nothing) left out. */
CC_MUST_CHECK int decode_node_terms(const struct field *list, const struct node_term **ret, size_t *ret_n,
                                    struct err *err);

/* A labelSelector; `n_extra` requirements (from matchLabelKeys) are added to one that is present. */
CC_MUST_CHECK int decode_selector(const struct field *map, const struct requirement *extra, size_t n_extra,
                                  struct selector *ret, struct err *err);

CC_MUST_CHECK int decode_taints(const struct field *list, struct taints *ret, struct err *err);

CC_MUST_CHECK int decode_tolerations(const struct field *list, const struct toleration **ret, size_t *ret_n,
                                     struct err *err);

/* cpu, memory and the like, or a qualified name such as nvidia.com/gpu; otherwise a finding at `field`. */
bool resource_name_good(const struct field *field, struct str name);

/* A map of resource quantities, sorted by name. Zero amounts are left out unless `keep_zero`. */
CC_MUST_CHECK int decode_resources(const struct field *map, bool keep_zero, struct resources *ret, struct err *err);

/* Resources by name while they are added up. */
enum { RESOURCE_BAG_MAX = 64 };
struct resource_bag {
    struct cloud_resource items[RESOURCE_BAG_MAX]; /* sorted by name; names borrowed */
    size_t n;
};

/* False if there are too many names or the sum exceeds FIELD_MAX_AMOUNT; the bag is unchanged then. */
CC_MUST_CHECK bool resource_bag_add(struct resource_bag *bag, struct str name, int64_t amount);

/* The amount becomes at least / exactly this one. False if there are too many names. */
CC_MUST_CHECK bool resource_bag_raise(struct resource_bag *bag, struct str name, int64_t amount);
CC_MUST_CHECK bool resource_bag_set(struct resource_bag *bag, struct str name, int64_t amount);

/* 0 if it is not there. */
int64_t resource_bag_get(const struct resource_bag *bag, struct str name);

/* A kept copy without zero amounts. */
CC_MUST_CHECK int resource_bag_keep(const struct decode *decode, const struct resource_bag *bag, struct resources *ret,
                                    struct err *err);

#endif

/* decode_pod.h - pod specs and pod templates to what decides where a pod can go. */
#ifndef STOKER_PROVISIONER_API_DECODE_POD_H
#define STOKER_PROVISIONER_API_DECODE_POD_H

#include "provisioner/api/decode_parts.h"

/*
 * Conventions as in decode_parts.h: findings go to the diag, the only error is ERR_NOMEM. `labels` are the pod's own
 * (matchLabelKeys refer to them). To turn a struct pod_spec into an id: objects_intern_spec (decode.h).
 */

/* An `affinity` map: fills node_terms, preferred_nodes, affinity and anti_affinity of `spec`, the rest is untouched. */
CC_MUST_CHECK int decode_affinity(const struct field *map, const struct labels *labels, struct pod_spec *spec,
                                  struct err *err);

/* A `topologySpreadConstraints` list: fills spreads of `spec`. */
CC_MUST_CHECK int decode_spreads(const struct field *list, const struct labels *labels, struct pod_spec *spec,
                                 struct err *err);

/*
 * What a whole pod asks for: max(all containers + all sidecars, each other init container + the sidecars before it),
 * pod-level resources where they are set, plus overhead; limits stand in for absent requests. Source: Kubernetes
 * component-helpers/resource/helpers.go PodRequests, and the API server's defaulting.
 */
CC_MUST_CHECK int decode_pod_requests(const struct field *spec, struct resources *ret, struct err *err);

/* A pod spec without its containers: everything but requests and host ports. Starts from an empty struct. */
CC_MUST_CHECK int decode_pod_placement(const struct field *spec, const struct labels *labels, struct pod_spec *ret,
                                       struct err *err);

/* All of a pod spec: placement, requests and host ports. A spec without containers is a finding. */
CC_MUST_CHECK int decode_pod_spec(const struct field *spec, const struct labels *labels, struct pod_spec *ret,
                                  struct err *err);

/* A pod template {metadata.labels, spec}. */
CC_MUST_CHECK int decode_pod_template(const struct field *template, struct labels *ret_labels, struct pod_spec *ret,
                                      struct err *err);

/* Fills role and app from the labels of Spark, its operator and EMR on EKS. No role, no app. */
void pod_spark_identity(const struct labels *labels, enum spark_role *ret_role, struct str *ret_app);

#endif

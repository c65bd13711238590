/* metrics.h - every metric there is, in one table; counted here, printed by /metrics. */
#ifndef STOKER_PROVISIONER_SERVE_METRICS_H
#define STOKER_PROVISIONER_SERVE_METRICS_H

#include "base/buf.h"
#include "base/err.h"

/* One line a metric: X(id, type, name, help, label names). docs/metrics.md is printed from it. */
#define METRICS(X)                                                                                                     \
    X(METRIC_PODS_PENDING, GAUGE, "stoker_pods_pending", "Pods without a node, by why they wait.", "reason")           \
    X(METRIC_PASS_SECONDS, HISTOGRAM, "stoker_pass_duration_seconds", "One pass over the whole state.", "")            \
    X(METRIC_SOLVE_SECONDS, HISTOGRAM, "stoker_solve_duration_seconds", "One solve, on the worker.", "")               \
    X(METRIC_PLAN_GAP, GAUGE, "stoker_plan_gap_ratio", "Cost of the last plan over its proven lower bound, less 1.",   \
      "")                                                                                                              \
    X(METRIC_LAUNCHES, COUNTER, "stoker_instances_launched_total", "Instances had from the cloud.",                    \
      "instance_type,zone,capacity_type,provisioner")                                                                  \
    X(METRIC_LAUNCH_ERRORS, COUNTER, "stoker_launch_errors_total", "What launches were refused for.",                  \
      "instance_type,zone,capacity_type,reason")                                                                       \
    X(METRIC_TERMINATED, COUNTER, "stoker_instances_terminated_total", "Instances given back.", "reason")              \
    X(METRIC_BOUND_SECONDS, HISTOGRAM, "stoker_pod_pending_to_bound_seconds", "From a pod's creation to our binding.", \
      "")                                                                                                              \
    X(METRIC_REGISTRATION_SECONDS, HISTOGRAM, "stoker_node_registration_seconds", "From launch to the node joining.",  \
      "")                                                                                                              \
    X(METRIC_INTERRUPTION_SECONDS, HISTOGRAM, "stoker_interruption_reaction_seconds",                                  \
      "From a notice being read to its node closed.", "")                                                              \
    X(METRIC_INTERRUPTIONS, COUNTER, "stoker_interruptions_total", "Notices read from the queue.", "kind")             \
    X(METRIC_MESSAGES_DROPPED, COUNTER, "stoker_messages_dropped_total", "Foreign or malformed messages.", "why")      \
    X(METRIC_EVICTIONS, COUNTER, "stoker_evictions_total", "Pods evicted.", "reason")                                  \
    X(METRIC_CLOUD_CALLS, COUNTER, "stoker_cloud_calls_total", "Calls to the cloud.", "api,code")                      \
    X(METRIC_CLOUD_SECONDS, HISTOGRAM, "stoker_cloud_call_duration_seconds", "Calls to the cloud.", "api")             \
    X(METRIC_KUBE_CALLS, COUNTER, "stoker_kubernetes_calls_total", "Calls to the API server.", "verb,kind,status")     \
    X(METRIC_LEADER, GAUGE, "stoker_leader", "1 in the replica that acts.", "")                                        \
    X(METRIC_NODES, GAUGE, "stoker_nodes", "Nodes by what they are.",                                                  \
      "provisioner,capacity_type,zone,instance_type,phase")                                                            \
    X(METRIC_PLANNED_COST, GAUGE, "stoker_planned_cost_per_hour", "$ per hour as planned.",                            \
      "provisioner,capacity_type")                                                                                     \
    X(METRIC_WORST_COST, GAUGE, "stoker_worst_cost_per_hour", "$ per hour had the dearest pools been got.",            \
      "provisioner,capacity_type")                                                                                     \
    X(METRIC_REALISED_COST, GAUGE, "stoker_realised_cost_per_hour", "$ per hour of what was got.",                     \
      "provisioner,capacity_type,zone,instance_type")                                                                  \
    X(METRIC_LIMIT, GAUGE, "stoker_provisioner_limit", "spec.limits, in base units.", "provisioner,resource")          \
    X(METRIC_USAGE, GAUGE, "stoker_provisioner_usage", "What is charged against the limit.", "provisioner,resource")   \
    X(METRIC_NODE_CPU_COST, GAUGE, "node_cpu_hourly_cost", "$ per hour of one vCPU of a node, as OpenCost splits it.", \
      "instance,node,instance_type,region,provider_id,arch")                                                           \
    X(METRIC_NODE_RAM_COST, GAUGE, "node_ram_hourly_cost", "$ per hour of one GiB of a node, as OpenCost splits it.",  \
      "instance,node,instance_type,region,provider_id,arch")                                                           \
    X(METRIC_NODE_IS_SPOT, GAUGE, "kubecost_node_is_spot", "1 for a spot node, 0 for an On-Demand one.",               \
      "instance,node,instance_type,region,provider_id,arch")                                                           \
    X(METRIC_NODE_COST, GAUGE, "node_total_hourly_cost", "$ per hour of a node, as OpenCost reports it.",              \
      "instance,node,instance_type,region,provider_id,arch")

enum metric_type { COUNTER, GAUGE, HISTOGRAM };
#define METRICS_ID(id, type, name, help, labels) id,
enum metric { METRICS(METRICS_ID) METRIC_COUNT };

struct metrics;
CC_MUST_CHECK int metrics_open(struct metrics **ret, struct err *err);
void metrics_close(struct metrics *metrics);

enum {
    METRICS_MAX_SERIES = 5000
}; /* of one metric: what comes beyond is counted in stoker_metric_series_dropped_total */

/*
 * `labels`: [number of the metric's label names] values in the table's order; NULL if it has none. Memory that runs out
 * loses the sample, nothing else.
 */
void metrics_add(struct metrics *metrics, enum metric metric, const struct str *labels, double amount);
void metrics_set(struct metrics *metrics, enum metric metric, const struct str *labels, double value);
void metrics_observe(struct metrics *metrics, enum metric metric, const struct str *labels, double value);
/* Forgets all series of a gauge, before it is set anew. */
void metrics_clear(struct metrics *metrics, enum metric metric);

/* Prometheus' text format. */
void metrics_write(const struct metrics *metrics, struct buf *buf);

/* The table in Markdown, for docs/metrics.md. */
void metrics_describe(struct buf *buf);

#endif

/*
 * fake_cluster.h - an API server in memory behind struct cluster, with the faults that real ones have. It plays the
 * kubelet too, as far as pods start and end, and nobody else: no scheduler, no controllers.
 */
#ifndef STOKER_TESTS_SUPPORT_FAKE_CLUSTER_H
#define STOKER_TESTS_SUPPORT_FAKE_CLUSTER_H

#include "base/loop.h"
#include "provisioner/kube/cluster.h"

/* What becomes of a request. */
enum fake_fate {
    FAKE_SERVED,
    FAKE_LOST,      /* done, but the answer is ERR_RETRY */
    FAKE_REFUSED,   /* not done, ERR_RETRY */
    FAKE_THROTTLED, /* not done, ERR_THROTTLED, retry after 1 s */
    FAKE_FORBIDDEN, /* not done, ERR_AUTH */
    FAKE_UNSENT,    /* not done and never answered: the process stopped before */
    FAKE_UNANSWERED /* done and never answered: the process stopped after */
};

struct fake_store;

/* Knobs may be turned at any time. */
struct fake_cluster {
    struct loop *loop;
    int64_t answer_ms; /* from a request, which is done at once, to its answer; 1 */
    int64_t watch_ms;  /* from a change to the watch telling of it; 2 */
    int64_t start_ms;  /* from a binding to the pod running; -1: never */
    int64_t clock_ms;  /* how far its clock is ahead of the loop's */
    int64_t stop_ms;   /* from a bound pod's deletion to its end, at most its grace; -1: all of its grace; 1000 */
    /* NULL, or decides about each request; `number` counts them from 1. */
    enum fake_fate (*on_call)(void *context, const struct cluster_request *request, uint64_t number);
    void *on_call_context;
    uint64_t n_calls, calls[CLUSTER_BIND + 1][CLUSTER_KINDS];
    struct fake_store *store;
};

/* Failures of ours fail the test. `loop` must outlive it. */
struct fake_cluster *fake_cluster_open(struct loop *loop);
void fake_cluster_close(struct fake_cluster *fake);

/*
 * One client at a time. Merge patches; resourceVersion and uid in a patch are preconditions (409); `status` changes by
 * PATCH_STATUS alone; a patch that changes nothing leaves the version. DELETE waits for finalizers, and for bound pods
 * to end; preconditions of DeleteOptions hold. EVICT honours budgets of running pods: status.disruptionsAllowed is
 * counted down. BIND: 409 for a bound or deleted pod.
 */
struct cluster fake_cluster_cluster(struct fake_cluster *fake);
/* The client is gone: nothing that was asked is answered, nothing told. Another may start. */
void fake_cluster_cut(struct fake_cluster *fake);
/* The watch of a kind has a gap: what changed lately is told by a new list only. */
void fake_cluster_gap(struct fake_cluster *fake, enum cluster_kind kind);

/* What others do, told by watches as well. YAML or JSON, several documents; what exists is replaced, status included.
 */
void fake_cluster_apply(struct fake_cluster *fake, const char *yaml);
void fake_cluster_applyf(struct fake_cluster *fake, const char *fmt, ...) CC_PRINTF(2, 3);
/* A merge patch of anything, status too. */
void fake_cluster_patch(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name,
                        const char *fmt, ...) CC_PRINTF(5, 6);
/* As a client deletes. */
void fake_cluster_delete(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name);
/* At once, whatever its finalizers. */
void fake_cluster_remove(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name);

/* A kubelet registers: labels hostname, type and zone; taint stoker.sh/placing where asked for; not Ready. */
struct fake_node {
    const char *name, *provider_id, *instance_type, *zone;
    const char *cpu, *memory; /* allocatable and capacity; "" or NULL: 16, 64Gi; 110 pods */
    bool placing;
};
void fake_cluster_join(struct fake_cluster *fake, const struct fake_node *node);
void fake_cluster_ready(struct fake_cluster *fake, const char *node, bool ready);
/* A pod's containers end now: phase "Succeeded" or "Failed". */
void fake_cluster_finish(struct fake_cluster *fake, const char *namespace_, const char *pod, const char *phase);

/* Borrowed until the next change; NULL if there is none. */
const struct doc *fake_cluster_get(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_,
                                   const char *name);
/* The scalar at a path of an object, "" if there is none. */
struct str fake_cluster_text(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_,
                             const char *name, const char *path);
size_t fake_cluster_count(struct fake_cluster *fake, enum cluster_kind kind);
/* In the order they were made. `each` must not change anything. */
void fake_cluster_each(struct fake_cluster *fake, enum cluster_kind kind,
                       void (*each)(void *context, const struct doc *object), void *context);
/* How many events with this reason were told of the object; "" counts those of all. */
size_t fake_cluster_events(struct fake_cluster *fake, const char *object, const char *reason);

#endif

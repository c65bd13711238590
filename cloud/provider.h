/* provider.h - having machines and giving them back: the calls that every cloud must offer the provisioner. */
#ifndef STOKER_CLOUD_PROVIDER_H
#define STOKER_CLOUD_PROVIDER_H

#include "base/clock.h"
#include "cloud/cloud.h"

/*
 * All calls are asynchronous: they return 0 and call `done` exactly once from the loop, never from within; or they
 * return an error at once and never call it. What `done` is given is borrowed for the call. Everything that was passed
 * in is copied.
 */

/* What a template says of how machines are made (a NodeTemplate's spec). Texts are "" where nothing was said. */
struct cloud_volume {
    struct str device, type, kms_key, snapshot;
    int64_t bytes, iops, throughput_mib;  /* -1: not said */
    int encrypted, delete_on_termination; /* -1: not said, 0, 1 */
};

struct cloud_template {
    struct str name;
    struct str family;          /* "AL2023" */
    struct str launch_template; /* the user's own: everything but pools and tags is its business */
    struct str instance_profile, user_data;
    const struct cloud_label *subnets, *security_groups, *images, *tags; /* selectors by tag; "aws-ids": a list */
    size_t n_subnets, n_security_groups, n_images, n_tags;
    const struct cloud_volume *volumes;
    size_t n_volumes;
    struct str http_tokens, http_endpoint, http_ipv6; /* metadata options */
    int64_t http_hop_limit;                           /* -1: not said */
    bool detailed_monitoring;
    struct cloud_disk disk;
};

struct cloud_taint {
    struct str key, value, effect; /* "NoSchedule" */
};

/* What the kubelet of the node is to be told beyond capacity (struct cloud_kubelet). */
struct cloud_bootstrap {
    const struct cloud_label *labels; /* [n_labels] of the node, but for those that the cloud itself sets */
    size_t n_labels;
    const struct cloud_taint *taints; /* [n_taints] */
    size_t n_taints;
    const struct cloud_kubelet *kubelet;
    const struct str *cluster_dns; /* [n_cluster_dns] */
    size_t n_cluster_dns;
    struct str kubelet_json; /* further KubeletConfiguration fields as a JSON object, "" if none */
};

struct cloud_pool {
    struct str instance_type, zone;
    int64_t price_microusd; /* per hour, as planned */
};

/* One group of equal machines. */
struct cloud_launch_plan {
    const struct cloud_template *template_;
    const struct cloud_bootstrap *bootstrap;
    struct str provisioner; /* for the tags */
    enum cloud_capacity_type capacity_type;
    struct str strategy;            /* allocation strategy, "" = the cloud's default */
    const struct cloud_pool *pools; /* [n_pools] in order of preference */
    size_t n_pools;
    uint32_t count;
};

struct cloud_failure {
    int code;           /* err_code: ERR_NO_CAPACITY, ERR_THROTTLED, ERR_AUTH, ERR_INVALID, ERR_RETRY … */
    struct str reason;  /* the cloud's own word, "InsufficientInstanceCapacity" */
    struct str message; /* without secrets */
    /* The account's quota: all of this capacity type is out for a while, or what has instance_type's quota. */
    bool whole_bucket;
    struct str instance_type, zone; /* the pool it is about; "" if about the call */
};

enum cloud_instance_state { CLOUD_PENDING, CLOUD_RUNNING, CLOUD_STOPPING, CLOUD_STOPPED, CLOUD_TERMINATED };

struct cloud_instance {
    struct str id;          /* "i-0123" */
    struct str provider_id; /* "aws:///us-west-2a/i-0123": what the node will have in spec.providerID */
    struct str instance_type, zone;
    enum cloud_capacity_type capacity_type;
    enum cloud_instance_state state;
    struct str launch_id;       /* of the launch it came from, "" if it has none */
    struct clock_wall launched; /* as the cloud says; 0 unknown */
    int64_t price_microusd;     /* current price of its pool; -1 unknown */
};

struct cloud_prepared {
    const struct err *err; /* NULL: ready */
    struct str request;    /* JSON text that says exactly what will be asked for: to be written down before launch */
    const char *note;      /* NULL, or words: where what is asked for is not what the template says */
    struct cloud_failure failure; /* where err: whose fault */
};

struct cloud_launched {
    /* NULL: a definite answer (instances, failures or both). Else: ERR_RETRY, ERR_THROTTLED: the same again later is
     * safe; all else: definite, nothing was launched. */
    const struct err *err;
    const struct cloud_instance *instances; /* [n_instances] in id order */
    size_t n_instances;
    const struct cloud_failure *failures; /* [n_failures] */
    size_t n_failures;
};

struct cloud_listed {
    const struct err *err;
    const struct cloud_instance *instances; /* [n] all that carry our cluster's tag and are not terminated */
    size_t n;
};

struct cloud_terminated {
    const struct err *err;
    const struct str *ids; /* [n] of those asked for: gone or going (also those that the cloud does not know) */
    size_t n;
};

enum cloud_notice_kind {
    CLOUD_NOTICE_SPOT_INTERRUPTION, /* `deadline`: the machine goes then */
    CLOUD_NOTICE_REBALANCE,
    CLOUD_NOTICE_STATE_CHANGE, /* `state` */
    CLOUD_NOTICE_MAINTENANCE,
    CLOUD_NOTICE_LIFECYCLE_TERMINATE /* of a scaling group: acknowledging completes it */
};

struct cloud_notice {
    enum cloud_notice_kind kind;
    struct str instance_id;
    enum cloud_instance_state state;
    struct clock_wall sent, deadline; /* 0: none */
    struct str handle;                /* for acknowledge */
};

/* What the cloud tells without being asked. Called from the loop. */
struct cloud_sink {
    void (*notice)(void *context, const struct cloud_notice *notice); /* until acknowledged it may come again */
    void (*catalogue_changed)(void *context);
    /* One outgoing call is over: for metrics and logs. code 0 or an err_code; `api` is "ec2:CreateFleet". */
    void (*called)(void *context, const char *api, int code, double ms);
    /* A foreign or malformed message of the queue was counted and deleted. */
    void (*message_dropped)(void *context, const char *why);
    void *context;
};

struct cloud_check {
    const char *name; /* "queue", "ec2:CreateFleet", "subnets of default" */
    bool good;
    const char *message; /* what is there, or what is missing and how to mend it */
};

typedef void (*cloud_prepared_fn)(void *context, const struct cloud_prepared *prepared);
typedef void (*cloud_launched_fn)(void *context, const struct cloud_launched *launched);
typedef void (*cloud_listed_fn)(void *context, const struct cloud_listed *listed);
typedef void (*cloud_terminated_fn)(void *context, const struct cloud_terminated *terminated);
typedef void (*cloud_done_fn)(void *context, const struct err *err);            /* NULL: done */
typedef void (*cloud_check_fn)(void *context, const struct cloud_check *check); /* NULL: that was all */

struct cloud_provider {
    /* Everything on sale, always there; another one after catalogue_changed, the old one stays valid for 10 min. */
    const struct cloud_catalogue *(*catalogue)(void *context);
    void (*start)(void *context, const struct cloud_sink *sink); /* begins to refresh and to listen */
    /*
     * The zones in which machines of a template can be, as last looked up: *ret [*ret_n] in `arena`. False: not known
     * (memory that ran out included); then the look-up begins. NULL: in every zone.
     */
    bool (*zones)(void *context, const struct cloud_template *template_, struct arena *arena, struct str **ret,
                  size_t *ret_n);
    /* Decides what exactly will be asked for: image, subnets, launch template (made if need be). */
    int (*prepare)(void *context, const struct cloud_launch_plan *plan, cloud_prepared_fn done, void *done_context,
                   struct err *err);
    /* `launch_id`: a UUID, the token: the same id and request again launch nothing twice. */
    int (*launch)(void *context, struct str launch_id, struct str request, cloud_launched_fn done, void *done_context,
                  struct err *err);
    /* `launch_id` "": all of our cluster. */
    int (*list)(void *context, struct str launch_id, cloud_listed_fn done, void *done_context, struct err *err);
    /* Only those that carry our cluster's tag; the caller has seen them in list or launch. */
    int (*terminate)(void *context, const struct str *ids, size_t n, cloud_terminated_fn done, void *done_context,
                     struct err *err);
    /*
     * A notice was acted on: it does not come again, and a scaling group that waits for it is let go on. Not `ours`:
     * the machine is none of our claims'; the notice is dropped, and whoever waits for its machine waits on.
     */
    int (*acknowledge)(void *context, struct str handle, bool ours, cloud_done_fn done, void *done_context,
                       struct err *err);
    /* What a doctor looks at: each finding in turn, then NULL. */
    int (*check)(void *context, const struct cloud_template *const *templates, size_t n, cloud_check_fn done,
                 void *done_context, struct err *err);
    void *context;
};

#endif

/* demand.h - an application as it was read, and the making of its pods; private to this room. */
#ifndef STOKER_PROVISIONER_SPARK_DEMAND_H
#define STOKER_PROVISIONER_SPARK_DEMAND_H

#include "provisioner/api/field.h"
#include "provisioner/spark/conf.h"
#include "provisioner/spark/rules.h"

/* What all pods of a role have in common. Lives as long as the objects. */
struct spark_pod {
    struct labels labels; /* with spark-exec-id for executors, whose value each pod sets for itself */
    struct pod_spec spec;
    const struct str *claims; /* [n_claims] may hold SPARK_EXECUTOR_ID */
    size_t n_claims;
    const struct str *ephemeral_classes;
    size_t n_ephemeral_classes;
};

struct spark_demand {
    struct origin origin;
    struct str namespace_, name; /* of the application, as its pods' names begin */
    struct str object_name;      /* of the SparkApplication, as it stands; "" for a properties file */
    struct str app_id;           /* spark-app-selector, "" if not known */
    struct str driver_name;      /* of the driver's pod, "" for <name>-driver */
    bool by_operator;            /* its pods carry sparkoperator.k8s.io/app-name: object_name */
    bool has_driver;             /* false in client mode: the driver runs elsewhere */
    bool dynamic;                /* dynamic allocation: executors that have gone are not missed */
    int64_t executors;           /* at start */
    struct spark_pod driver, executor;
};

/* What is known of an application while it is read. */
struct spark_draft {
    const struct decode *decode;
    struct conf *conf;
    struct arena *scratch;
    struct spark_demand demand;
    const struct doc *spec;                                /* of a SparkApplication; NULL */
    const struct doc *driver, *executor;                   /* its parts for the roles; NULL */
    const struct doc *driver_template, *executor_template; /* pod templates in the document; NULL */
};

/*
 * Works out both roles' pods and the executors' number from the draft's configuration and documents, and adds the
 * demand to the objects unless something was found wrong (since diag_count was `findings`). Only ERR_NOMEM.
 */
CC_MUST_CHECK int spark_draft_finish(struct spark_draft *draft, size_t findings, struct err *err);

/* The pod of a role as Spark and its operator would write it, decoded into *ret. Only ERR_NOMEM. */
CC_MUST_CHECK int spark_pod_make(const struct spark_draft *draft, const struct role_keys *keys, struct spark_pod *ret,
                                 struct err *err);

/*
 * The pod template of a role: the document's own, or the file that the configuration names, checked. *ret is in
 * draft->scratch, NULL if there is none or (finding) it cannot be used. Only ERR_NOMEM.
 */
CC_MUST_CHECK int spark_template_find(const struct spark_draft *draft, const struct role_keys *keys,
                                      const struct doc **ret, struct err *err);

/*
 * An application's name as Spark puts it into pod names and labels: lower case, with single dashes for whatever is
 * not a letter or digit, at most 63 characters; kept like decode_keep. Source: KubernetesConf.getAppNameLabel.
 */
CC_MUST_CHECK int spark_name_keep(const struct decode *decode, struct str name, struct str *ret, struct err *err);

#endif

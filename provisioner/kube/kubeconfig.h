/* kubeconfig.h - where the API server is and who we are: kubeconfig files, or the pod's own service account. */
#ifndef STOKER_PROVISIONER_KUBE_KUBECONFIG_H
#define STOKER_PROVISIONER_KUBE_KUBECONFIG_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/http.h"

/* Reading files, injected. */
struct kube_io {
    /* The bytes of a file, in `arena`. ERR_NOT_FOUND, ERR_INVALID. */
    int (*read)(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err);
    void *context;
};

extern const struct kube_io kube_io_system;

struct kube_access {
    const char *server; /* "https://10.0.0.1:443", without a slash at its end */
    struct http_tls tls;
    struct str token;        /* "" if there is none, or in token_file */
    const char *token_file;  /* NULL or read again every minute */
    const char *const *exec; /* NULL or the plug-in's argv, NULL-terminated; run again when its token ends */
    const char *const *exec_env;
    struct str username, password; /* basic auth, "" if none */
    struct str namespace_;         /* of the context, or of the service account; "default" */
    const struct kube_io *io;
};

/*
 * `path`: of the kubeconfig, or a ':'-separated list of which the first word on each name counts, as kubectl does;
 * `context`: NULL for its current-context. ERR_NOT_FOUND, ERR_INVALID naming file, line and field. In `arena`.
 */
CC_MUST_CHECK int kube_access_from_config(const char *path, const char *context, const struct kube_io *io,
                                          struct arena *arena, struct kube_access *ret, struct err *err);

/* The service account of the pod we run in; `host` and `port`: KUBERNETES_SERVICE_HOST and _PORT. */
CC_MUST_CHECK int kube_access_in_cluster(const char *host, const char *port, const struct kube_io *io,
                                         struct arena *arena, struct kube_access *ret, struct err *err);

#endif

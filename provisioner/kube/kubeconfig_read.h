/* kubeconfig_read.h - one kubeconfig file's entries, added to those of the files before it. */
#ifndef STOKER_PROVISIONER_KUBE_KUBECONFIG_READ_H
#define STOKER_PROVISIONER_KUBE_KUBECONFIG_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

enum kubeconfig_kind { KUBECONFIG_CLUSTER, KUBECONFIG_USER, KUBECONFIG_CONTEXT };

/* What every entry begins with; the kind says which of the three structs below it is. */
struct kubeconfig_entry {
    enum kubeconfig_kind kind;
    struct str name;
    const char *file;
    int line;
};

struct kubeconfig_pem {
    struct str data;  /* base64 */
    const char *file; /* NULL: none */
};

struct kubeconfig_cluster {
    struct kubeconfig_entry entry;
    struct str server, tls_server_name, proxy_url;
    struct kubeconfig_pem ca;
    bool insecure;
};

struct kubeconfig_user {
    struct kubeconfig_entry entry;
    struct kubeconfig_pem cert, key;
    struct str token, username, password;
    const char *token_file;
    const char *const *exec;
    const char *const *exec_env;
    bool auth_provider, impersonates;
};

struct kubeconfig_context {
    struct kubeconfig_entry entry;
    struct str cluster, user, namespace_;
};

struct kubeconfig {
    struct str current_context;
    const struct kubeconfig_entry **entries; /* [n_entries], in the order of reading, names may come twice */
    size_t n_entries, cap_entries;
};

/*
 * All texts are copied into `arena` and have a NUL behind them; files are paths that can be opened: relative ones are
 * taken from the folder of `file`. ERR_INVALID naming file, line and field, and no value that could be a secret.
 */
CC_MUST_CHECK int kubeconfig_read(const char *file, struct str text, struct arena *arena, struct kubeconfig *config,
                                  struct err *err);

#endif

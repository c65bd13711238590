#include "provisioner/kube/kubeconfig.h"

#include <string.h>

#include "provisioner/kube/kubeconfig_read.h"

#define ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

/* From a kubeconfig: which entries, then what they mean. */

static int merge_files(const char *path, const struct kube_io *io, struct arena *arena, struct kubeconfig *config,
                       struct err *err)
{
    struct str rest = str_of(path);
    bool any = false;
    struct err missing = {0};
    while (rest.len) {
        struct str one = str_dup(arena, str_cut(&rest, ':'));
        struct str text;
        if (!one.ptr)
            return err_nomem(err);
        if (!one.len)
            continue;
        int code = io->read(io->context, one.ptr, arena, &text, &missing);
        if (code == ERR_NOT_FOUND)
            continue;
        if (code) {
            if (err)
                *err = missing;
            return code;
        }
        any = true;
        code = kubeconfig_read(one.ptr, text, arena, config, err);
        if (code)
            return code;
    }
    if (any)
        return 0;
    return err_set(err, ERR_NOT_FOUND, "%s", missing.code ? missing.message : "no kubeconfig");
}

/* The bytes of a *-data field, or of the file beside it; "" if neither is there. */
static int pem_of(const struct kubeconfig_entry *entry, const struct kubeconfig_pem *pem, const char *field,
                  const struct kube_io *io, struct arena *arena, struct str *ret, struct err *err)
{
    struct str text = {"", 0};
    int code = 0;
    if (pem->data.len)
        code = base64_decode(pem->data, arena, &text, err);
    else if (pem->file)
        code = io->read(io->context, pem->file, arena, &text, err);
    if (!code && (pem->data.len || pem->file) && !strstr(text.ptr, "-----BEGIN "))
        code = err_set(err, ERR_INVALID, "no PEM is in it");
    if (code == ERR_NOMEM || (code && !err))
        return code;
    if (code)
        return err_wrap(err, "%s: line %d: %s", entry->file, entry->line, field);
    *ret = text;
    return 0;
}

static int use_cluster(const struct kubeconfig_cluster *cluster, const struct kube_io *io, struct arena *arena,
                       struct kube_access *access, struct err *err)
{
    const struct kubeconfig_entry *entry = &cluster->entry;
    struct str server = cluster->server;
    while (str_ends(server, "/"))
        server.len--;
    if (!str_starts(server, "https://") || server.len == strlen("https://"))
        return err_set(err, ERR_INVALID, "%s: line %d: server: an https:// URL is needed", entry->file, entry->line);
    if (memchr(server.ptr, '@', server.len) || memchr(server.ptr, '?', server.len))
        return err_set(err, ERR_INVALID, "%s: line %d: server: only host, port and path", entry->file, entry->line);
    if (cluster->insecure)
        return err_set(err, ERR_INVALID,
                       "%s: line %d: insecure-skip-tls-verify: the API server is always verified; set "
                       "certificate-authority instead",
                       entry->file, entry->line);
    if (cluster->proxy_url.len)
        return err_set(err, ERR_INVALID, "%s: line %d: proxy-url is not supported; set HTTPS_PROXY instead",
                       entry->file, entry->line);
    access->server = arena_copy(arena, server.ptr, server.len);
    if (!access->server)
        return err_nomem(err);
    access->tls.server_name = cluster->tls_server_name.len ? cluster->tls_server_name.ptr : NULL;
    return pem_of(entry, &cluster->ca, "certificate-authority", io, arena, &access->tls.ca_pem, err);
}

static int use_user(const struct kubeconfig_user *user, const struct kube_io *io, struct arena *arena,
                    struct kube_access *access, struct err *err)
{
    const struct kubeconfig_entry *entry = &user->entry;
    if (user->auth_provider)
        return err_set(err, ERR_INVALID, "%s: line %d: auth-provider is gone from Kubernetes since 1.26: use exec",
                       entry->file, entry->line);
    if (user->impersonates)
        return err_set(err, ERR_INVALID, "%s: line %d: as: impersonation is not supported: use credentials of its own",
                       entry->file, entry->line);
    int code = pem_of(entry, &user->cert, "client-certificate", io, arena, &access->tls.cert_pem, err);
    if (!code)
        code = pem_of(entry, &user->key, "client-key", io, arena, &access->tls.key_pem, err);
    if (code)
        return code;
    if (!access->tls.cert_pem.len != !access->tls.key_pem.len)
        return err_set(err, ERR_INVALID, "%s: line %d: client-certificate and client-key go together", entry->file,
                       entry->line);
    access->token_file = user->token_file;
    access->token = user->token;
    access->username = user->username;
    access->password = user->password;
    if (user->exec && !user->token_file && !user->token.len) {
        access->exec = user->exec;
        access->exec_env = user->exec_env;
    }
    return 0;
}

static const struct kubeconfig_entry *find(const struct kubeconfig *config, enum kubeconfig_kind kind, struct str name)
{
    for (size_t i = 0; i < config->n_entries; i++)
        if (config->entries[i]->kind == kind && str_eq(config->entries[i]->name, name))
            return config->entries[i];
    return NULL;
}

static int choose(const struct kubeconfig *config, const char *wanted, const struct kube_io *io, struct arena *arena,
                  struct kube_access *access, struct err *err)
{
    struct str name = wanted ? str_of(wanted) : config->current_context;
    if (!name.len)
        return err_set(err, ERR_INVALID, "the kubeconfig has no current-context, and none is asked for");
    const struct kubeconfig_entry *entry = find(config, KUBECONFIG_CONTEXT, name);
    if (!entry)
        return err_set(err, ERR_INVALID, "the kubeconfig has no context %.*s", STR_ARG(name));
    const struct kubeconfig_context *context = (const struct kubeconfig_context *)entry;
    const struct kubeconfig_entry *cluster = find(config, KUBECONFIG_CLUSTER, context->cluster);
    const struct kubeconfig_entry *user = find(config, KUBECONFIG_USER, context->user);
    if (!cluster)
        return err_set(err, ERR_INVALID, "%s: line %d: there is no cluster \"%.*s\"", entry->file, entry->line,
                       STR_ARG(context->cluster));
    if (!user && context->user.len)
        return err_set(err, ERR_INVALID, "%s: line %d: there is no user \"%.*s\"", entry->file, entry->line,
                       STR_ARG(context->user));
    access->namespace_ = context->namespace_.len ? context->namespace_ : STR("default");
    int code = use_cluster((const struct kubeconfig_cluster *)cluster, io, arena, access, err);
    if (!code && user)
        code = use_user((const struct kubeconfig_user *)user, io, arena, access, err);
    return code;
}

int kube_access_from_config(const char *path, const char *context, const struct kube_io *io, struct arena *arena,
                            struct kube_access *ret, struct err *err)
{
    struct kubeconfig config = {0};
    struct kube_access access = {.io = io};
    int code = merge_files(path, io, arena, &config, err);
    if (!code)
        code = choose(&config, context, io, arena, &access, err);
    if (!code)
        *ret = access;
    return code;
}

/* In a pod. */

static bool is_port(const char *port)
{
    int64_t number;
    return str_to_int64(str_of(port), &number) && number > 0 && number < 65536;
}

int kube_access_in_cluster(const char *host, const char *port, const struct kube_io *io, struct arena *arena,
                           struct kube_access *ret, struct err *err)
{
    if (!host || !host[0] || !port || !is_port(port))
        return err_set(err, ERR_NOT_FOUND,
                       "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set");
    bool is_v6 = strchr(host, ':') != NULL && host[0] != '[';
    struct kube_access access = {.token_file = ACCOUNT_FOLDER "token", .io = io};
    struct str token, namespace_;
    access.server = arena_printf(arena, is_v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    if (!access.server)
        return err_nomem(err);
    int code = io->read(io->context, ACCOUNT_FOLDER "ca.crt", arena, &access.tls.ca_pem, err);
    if (!code && !strstr(access.tls.ca_pem.ptr, "-----BEGIN "))
        code = err_set(err, ERR_INVALID, ACCOUNT_FOLDER "ca.crt: no PEM is in it");
    if (!code)
        code = io->read(io->context, access.token_file, arena, &token, err);
    if (code)
        return code;
    code = io->read(io->context, ACCOUNT_FOLDER "namespace", arena, &namespace_, err);
    if (code == ERR_NOMEM)
        return code;
    access.namespace_ = code || !str_trim(namespace_).len ? STR("default") : str_trim(namespace_);
    *ret = access;
    return 0;
}

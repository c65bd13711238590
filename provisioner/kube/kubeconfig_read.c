#include "provisioner/kube/kubeconfig_read.h"

#include <string.h>

#include "base/doc.h"

/* What a plug-in is told about us: we have no terminal (client.authentication.k8s.io). */
#define EXEC_INFO(version)                                                                        \
    "KUBERNETES_EXEC_INFO={\"apiVersion\":\"client.authentication.k8s.io/" version "\",\"kind\":" \
    "\"ExecCredential\",\"spec\":{\"interactive\":false}}"

struct reading {
    const char *file;
    struct arena *arena;
    struct kubeconfig *config;
};

static int refuse(const struct reading *reading, const struct doc *at, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s: line %d: %.*s: %s", reading->file, at->line, STR_ARG(at->key), what);
}

/* Fields: a missing one and null are the same. `ret` keeps what it has then. */

static const struct doc *present(const struct doc *map, const char *key)
{
    const struct doc *at = doc_get(map, key);
    return at && at->kind != DOC_NULL ? at : NULL;
}

static int take_str(const struct reading *reading, const struct doc *map, const char *key, struct str *ret,
                    struct err *err)
{
    const struct doc *at = present(map, key);
    if (!at)
        return 0;
    if (at->kind != DOC_STRING)
        return refuse(reading, at, "must be a string", err);
    if (memchr(at->text.ptr ? at->text.ptr : "", '\0', at->text.len))
        return refuse(reading, at, "has a NUL in it", err);
    struct str copy = str_dup(reading->arena, at->text);
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

static int take_bool(const struct reading *reading, const struct doc *map, const char *key, bool *ret, struct err *err)
{
    const struct doc *at = present(map, key);
    if (!at)
        return 0;
    if (at->kind != DOC_BOOL)
        return refuse(reading, at, "must be true or false", err);
    *ret = str_is(at->text, "true");
    return 0;
}

static int take_map(const struct reading *reading, const struct doc *map, const char *key, const struct doc **ret,
                    struct err *err)
{
    const struct doc *at = present(map, key);
    if (at && at->kind != DOC_MAP)
        return refuse(reading, at, "must be a map", err);
    *ret = at;
    return 0;
}

static int take_list(const struct reading *reading, const struct doc *map, const char *key, const struct doc **ret,
                     struct err *err)
{
    const struct doc *at = present(map, key);
    if (at && at->kind != DOC_LIST)
        return refuse(reading, at, "must be a list", err);
    *ret = at;
    return 0;
}

/* A path from the folder of the kubeconfig, unless it is absolute. */
static const char *beside(const struct reading *reading, struct str path)
{
    const char *slash = strrchr(reading->file, '/');
    if (str_starts(path, "/") || !slash)
        return path.ptr;
    return arena_printf(reading->arena, "%.*s%s", (int)(slash + 1 - reading->file), reading->file, path.ptr);
}

static int take_path(const struct reading *reading, const struct doc *map, const char *key, const char **ret,
                     struct err *err)
{
    struct str path = {"", 0};
    int code = take_str(reading, map, key, &path, err);
    if (code || !path.len)
        return code;
    const char *whole = beside(reading, path);
    if (!whole)
        return err_nomem(err);
    *ret = whole;
    return 0;
}

/* Entries. */

static int add_entry(const struct reading *reading, const struct kubeconfig_entry *entry, struct err *err)
{
    struct kubeconfig *config = reading->config;
    if (config->n_entries == config->cap_entries) {
        size_t cap = config->cap_entries ? 2 * config->cap_entries : 16;
        const struct kubeconfig_entry **grown = arena_array(reading->arena, const struct kubeconfig_entry *, cap);
        if (!grown)
            return err_nomem(err);
        if (config->n_entries)
            memcpy(grown, config->entries, config->n_entries * sizeof(grown[0]));
        config->entries = grown;
        config->cap_entries = cap;
    }
    config->entries[config->n_entries++] = entry;
    return 0;
}

static int read_cluster(const struct reading *reading, const struct doc *map, struct kubeconfig_entry entry,
                        struct err *err)
{
    struct kubeconfig_cluster *cluster = arena_new(reading->arena, struct kubeconfig_cluster);
    if (!cluster)
        return err_nomem(err);
    cluster->entry = entry;
    int code = take_str(reading, map, "server", &cluster->server, err);
    if (!code)
        code = take_str(reading, map, "tls-server-name", &cluster->tls_server_name, err);
    if (!code)
        code = take_str(reading, map, "proxy-url", &cluster->proxy_url, err);
    if (!code)
        code = take_bool(reading, map, "insecure-skip-tls-verify", &cluster->insecure, err);
    if (!code)
        code = take_str(reading, map, "certificate-authority-data", &cluster->ca.data, err);
    if (!code)
        code = take_path(reading, map, "certificate-authority", &cluster->ca.file, err);
    return code ? code : add_entry(reading, &cluster->entry, err);
}

static int read_context(const struct reading *reading, const struct doc *map, struct kubeconfig_entry entry,
                        struct err *err)
{
    struct kubeconfig_context *context = arena_new(reading->arena, struct kubeconfig_context);
    if (!context)
        return err_nomem(err);
    context->entry = entry;
    int code = take_str(reading, map, "cluster", &context->cluster, err);
    if (!code)
        code = take_str(reading, map, "user", &context->user, err);
    if (!code)
        code = take_str(reading, map, "namespace", &context->namespace_, err);
    return code ? code : add_entry(reading, &context->entry, err);
}

/* The command and its arguments. A command with a slash in it is a path beside the kubeconfig, as kubectl has it. */
static int read_argv(const struct reading *reading, const struct doc *exec, struct kubeconfig_user *user,
                     struct err *err)
{
    struct str command = {"", 0};
    const struct doc *args;
    int code = take_str(reading, exec, "command", &command, err);
    if (!code)
        code = take_list(reading, exec, "args", &args, err);
    if (code)
        return code;
    if (!command.len)
        return refuse(reading, exec, "command is missing", err);
    const char **argv = arena_array(reading->arena, const char *, (args ? args->count : 0) + 2);
    if (!argv)
        return err_nomem(err);
    size_t n = 0;
    argv[n++] = memchr(command.ptr, '/', command.len) ? beside(reading, command) : command.ptr;
    DOC_EACH (arg, args) {
        if (arg->kind != DOC_STRING || memchr(arg->text.ptr ? arg->text.ptr : "", '\0', arg->text.len))
            return refuse(reading, args, "must be strings", err);
        argv[n++] = str_dup(reading->arena, arg->text).ptr;
    }
    for (size_t i = 0; i < n; i++)
        if (!argv[i])
            return err_nomem(err);
    user->exec = argv;
    return 0;
}

static int read_env(const struct reading *reading, const struct doc *exec, const char *info,
                    struct kubeconfig_user *user, struct err *err)
{
    const struct doc *list;
    int code = take_list(reading, exec, "env", &list, err);
    if (code)
        return code;
    const char **env = arena_array(reading->arena, const char *, (list ? list->count : 0) + 2);
    if (!env)
        return err_nomem(err);
    size_t n = 0;
    env[n++] = info;
    DOC_EACH (pair, list) {
        struct str name = {"", 0}, value = {"", 0};
        code = take_str(reading, pair, "name", &name, err);
        if (!code)
            code = take_str(reading, pair, "value", &value, err);
        if (code)
            return code;
        if (!name.len || memchr(name.ptr, '=', name.len))
            return refuse(reading, list, "each needs a name without '='", err);
        env[n] = arena_printf(reading->arena, "%s=%s", name.ptr, value.ptr);
        if (!env[n++])
            return err_nomem(err);
    }
    user->exec_env = env;
    return 0;
}

static int read_exec(const struct reading *reading, const struct doc *exec, struct kubeconfig_user *user,
                     struct err *err)
{
    struct str version = {"", 0}, mode = {"", 0};
    bool cluster_info = false;
    const char *info = EXEC_INFO("v1");
    int code = take_str(reading, exec, "apiVersion", &version, err);
    if (!code)
        code = take_str(reading, exec, "interactiveMode", &mode, err);
    if (!code)
        code = take_bool(reading, exec, "provideClusterInfo", &cluster_info, err);
    if (code)
        return code;
    if (str_is(version, "client.authentication.k8s.io/v1beta1"))
        info = EXEC_INFO("v1beta1");
    else if (!str_is(version, "client.authentication.k8s.io/v1"))
        return refuse(reading, exec, "apiVersion must be client.authentication.k8s.io/v1 or v1beta1", err);
    if (cluster_info)
        return refuse(reading, exec, "provideClusterInfo is not supported", err);
    if (str_is(mode, "Always"))
        return refuse(reading, exec, "interactiveMode is Always, and nobody is there to answer", err);
    code = read_argv(reading, exec, user, err);
    return code ? code : read_env(reading, exec, info, user, err);
}

static int read_user(const struct reading *reading, const struct doc *map, struct kubeconfig_entry entry,
                     struct err *err)
{
    struct kubeconfig_user *user = arena_new(reading->arena, struct kubeconfig_user);
    const struct doc *exec = NULL;
    if (!user)
        return err_nomem(err);
    user->entry = entry;
    user->auth_provider = present(map, "auth-provider") != NULL;
    user->impersonates = present(map, "as") || present(map, "as-uid") || present(map, "as-groups");
    const struct {
        const char *key;
        struct str *ret;
    } texts[] = {{"token", &user->token},
                 {"username", &user->username},
                 {"password", &user->password},
                 {"client-certificate-data", &user->cert.data},
                 {"client-key-data", &user->key.data}};
    const struct {
        const char *key;
        const char **ret;
    } paths[] = {
        {"tokenFile", &user->token_file}, {"client-certificate", &user->cert.file}, {"client-key", &user->key.file}};
    int code = 0;
    for (size_t i = 0; i < CC_COUNT(texts) && !code; i++)
        code = take_str(reading, map, texts[i].key, texts[i].ret, err);
    for (size_t i = 0; i < CC_COUNT(paths) && !code; i++)
        code = take_path(reading, map, paths[i].key, paths[i].ret, err);
    if (!code)
        code = take_map(reading, map, "exec", &exec, err);
    if (!code && exec)
        code = read_exec(reading, exec, user, err);
    return code ? code : add_entry(reading, &user->entry, err);
}

typedef int (*read_entry_fn)(const struct reading *reading, const struct doc *map, struct kubeconfig_entry entry,
                             struct err *err);

static int read_entries(const struct reading *reading, const struct doc *object, const char *plural,
                        const char *singular, enum kubeconfig_kind kind, read_entry_fn read_entry, struct err *err)
{
    const struct doc *list;
    int code = take_list(reading, object, plural, &list, err);
    if (code)
        return code;
    DOC_EACH (item, list) {
        struct kubeconfig_entry entry = {.kind = kind, .file = reading->file, .line = item->line};
        const struct doc *map = NULL;
        if (item->kind != DOC_MAP)
            return refuse(reading, list, "must be maps", err);
        code = take_str(reading, item, "name", &entry.name, err);
        if (!code)
            code = take_map(reading, item, singular, &map, err);
        if (!code)
            code = read_entry(reading, map, entry, err);
        if (code)
            return code;
    }
    return 0;
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    const struct reading *reading = context;
    struct str kind = STR("Config"), current = {"", 0};
    int code = take_str(reading, object, "kind", &kind, err);
    if (code)
        return code;
    if (object->kind != DOC_MAP || !str_is(kind, "Config"))
        return err_set(err, ERR_INVALID, "%s: line %d: not a kubeconfig", reading->file, object->line);
    code = take_str(reading, object, "current-context", &current, err);
    if (!code && !reading->config->current_context.len)
        reading->config->current_context = current;
    if (!code)
        code = read_entries(reading, object, "clusters", "cluster", KUBECONFIG_CLUSTER, read_cluster, err);
    if (!code)
        code = read_entries(reading, object, "users", "user", KUBECONFIG_USER, read_user, err);
    if (!code)
        code = read_entries(reading, object, "contexts", "context", KUBECONFIG_CONTEXT, read_context, err);
    return code;
}

int kubeconfig_read(const char *file, struct str text, struct arena *arena, struct kubeconfig *config, struct err *err)
{
    struct reading reading = {file, arena, config};
    struct err why = {0};
    int code = doc_read(text, "", on_object, &reading, &why);
    if (!code)
        return 0;
    if (code == ERR_NOMEM)
        return err_nomem(err);
    /* Our own words have the file's name before them already. */
    if (strncmp(why.message, "line ", 5) != 0)
        return err_set(err, code, "%s", why.message);
    return err_set(err, code, "%s: %s", file, why.message);
}

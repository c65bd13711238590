/* run_settings.c - one table of settings: options of the command line, and members of the file that --config names. */
#include "provisioner/cmd/run_settings.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/base64.h"
#include "base/doc.h"
#include "base/file.h"
#include "provisioner/cmd/flags.h"

enum { SETTINGS_FLAGS = 29, SETTINGS_MAX_BYTES = 1 << 20, RATE_MAX = 10000, CLUSTER_NAME_MAX = 100 };

static int set_format(void *target, const char *value, struct err *err)
{
    struct run_settings *settings = target;
    settings->log_text = strcmp(value, "text") == 0;
    settings->log_format_set = true;
    if (!settings->log_text && strcmp(value, "json") != 0)
        return err_set(err, ERR_INVALID, "\"%s\" is not known; allowed are json, text", value);
    return 0;
}

static int set_level(void *target, const char *value, struct err *err)
{
    if (!log_level_parse(str_of(value), target))
        return err_set(err, ERR_INVALID, "\"%s\" is not known; allowed are debug, info, warn, error", value);
    return 0;
}

/* As EKS names clusters: the name stands in tags, and in what machines are told at their start. */
static int set_cluster_name(void *target, const char *value, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(value);
    if (len == 0 || len > CLUSTER_NAME_MAX || strspn(value, letters) != len || strchr("-_", value[0]))
        return err_set(
            err, ERR_INVALID,
            "\"%s\" is no cluster's name; allowed are up to %d letters, digits, - and _, the first a letter or "
            "a digit",
            value, CLUSTER_NAME_MAX);
    return flag_text(target, value, err);
}

static int set_endpoint(void *target, const char *value, struct err *err)
{
    if (!str_starts(str_of(value), "https://") || strlen(value) == strlen("https://"))
        return err_set(err, ERR_INVALID, "\"%s\" is no address; allowed is such as https://host or https://host:port",
                       value);
    return flag_text(target, value, err);
}

static int set_version(void *target, const char *value, struct err *err)
{
    int64_t minor;
    if (!str_starts(str_of(value), "1.") || !str_to_int64(str_of(value + 2), &minor) || minor < 0)
        return err_set(err, ERR_INVALID, "\"%s\" is no version of Kubernetes; allowed is such as 1.34", value);
    return flag_text(target, value, err);
}

static bool is_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int set_address(void *target, const char *value, struct err *err)
{
    if (!is_address(value))
        return err_set(err, ERR_INVALID, "\"%s\" is no address; allowed is such as 172.20.0.10", value);
    return flag_text(target, value, err);
}

static int set_cidr(void *target, const char *value, struct err *err)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(value, "/");
    int64_t bits;
    bool good = len < sizeof(address) && value[len] && str_to_int64(str_of(value + len + 1), &bits) && bits >= 0;
    if (good) {
        memcpy(address, value, len);
        address[len] = '\0';
        good = is_address(address) && bits <= (strchr(address, ':') ? 128 : 32);
    }
    if (!good)
        return err_set(err, ERR_INVALID, "\"%s\" is no network; allowed is such as 172.20.0.0/16", value);
    return flag_text(target, value, err);
}

static int set_ca(void *target, const char *value, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct str pem;
    bool good = base64_decode(str_of(value), &arena, &pem, NULL) == 0 && str_starts(pem, "-----BEGIN CERTIFICATE-----");
    arena_release(&arena);
    if (!good)
        return err_set(err, ERR_INVALID, "is no certificate; allowed is PEM in base64, as EKS and kubeconfigs have it");
    return flag_text(target, value, err);
}

static int set_rate(void *target, const char *value, struct err *err)
{
    int64_t rate;
    if (!str_to_int64(str_of(value), &rate) || rate < 1 || rate > RATE_MAX)
        return err_set(err, ERR_INVALID, "\"%s\" is no rate; allowed are 1 to %d nodes a minute", value, RATE_MAX);
    *(int64_t *)target = rate;
    return 0;
}

/* "7" or "7,after". */
static int set_stop(void *target, const char *value, struct err *err)
{
    struct str rest = str_of(value);
    struct str number = str_cut(&rest, ',');
    int64_t n;
    if (!str_to_int64(number, &n) || n < 1 || (rest.len && !str_is(rest, "before") && !str_is(rest, "after")))
        return err_set(err, ERR_INVALID, "\"%s\" is not allowed; allowed are N, N,before and N,after", value);
    *(int64_t *)target = str_is(rest, "after") ? -n : n;
    return 0;
}

static size_t make_flags(struct run_settings *s, const char **config, struct flag flags[SETTINGS_FLAGS])
{
    const struct flag table[] = {
        {"config", 'c', "FILE", "YAML with these options as members, without dashes; the command line wins", flag_text,
         config},
        {"cluster-name", 0, "NAME", "the EKS cluster's name (required): tags and user data carry it", set_cluster_name,
         &s->cluster_name},
        {"region", 0, "NAME", "AWS region (AWS_REGION, the profile's, or the instance's own)", flag_text, &s->region},
        {"cluster-endpoint", 0, "URL", "the API server's address as nodes reach it (the kubeconfig's; in a pod: none)",
         set_endpoint, &s->cluster_endpoint},
        {"cluster-ca", 0, "BASE64", "the cluster's certificate authority, for nodes", set_ca, &s->cluster_ca},
        {"cluster-cidr", 0, "CIDR", "the Services' addresses, for nodes", set_cidr, &s->cluster_cidr},
        {"cluster-dns", 0, "ADDRESS", "the cluster's DNS service, for nodes (they derive it)", set_address,
         &s->cluster_dns},
        {"instance-profile", 0, "NAME", "for templates that name none", flag_text, &s->instance_profile},
        {"kubernetes-version", 0, "1.NN", "for the choice of images (the API server's own)", set_version,
         &s->kubernetes_version},
        {"interruption-queue", 0, "NAME", "SQS queue with spot notices and the like (none)", flag_text, &s->queue},
        {"karpenter-manifests", 0, NULL, "act on karpenter.sh/v1alpha5 documents, unless Karpenter itself is alive",
         flag_true, &s->control.karpenter_manifests},
        {"kubeconfig", 0, "FILE", "the cluster (the pod's service account, $KUBECONFIG, ~/.kube/config)", flag_text,
         &s->kubeconfig},
        {"context", 0, "NAME", "of the kubeconfig (its current-context)", flag_text, &s->context},
        {"namespace", 'n', "NAME", "of the lease (the pod's, or the context's)", flag_text, &s->namespace_},
        {"lease", 0, "NAME", "of the Lease that replicas elect a leader by (stoker)", flag_text, &s->lease},
        {"identity", 0, "NAME", "this replica's (host name and a random suffix)", flag_text, &s->identity},
        {"no-leader-election", 0, NULL, "act without a lease: only where there is certainly one process", flag_true,
         &s->no_leader_election},
        {"listen", 0, "ADDR:PORT", "for /metrics, /healthz, /readyz (:8080)", flag_text, &s->listen},
        {"log-level", 0, "LEVEL", "debug, info (default), warn, error", set_level, &s->log_level},
        {"log-format", 0, "FORM", "json, or text (default on a terminal)", set_format, s},
        {"batch-idle", 0, "DURATION", "plan when no new pod came for that long (1s)", flag_duration_ms,
         &s->control.batch_idle_ms},
        {"batch-max", 0, "DURATION", "and at the latest after this (10s)", flag_duration_ms, &s->control.batch_max_ms},
        {"solve-budget", 0, "DURATION", "time for one solve (500ms)", flag_duration_ms, &s->control.solve_budget_ms},
        {"launch-rate", 0, "N", "nodes a minute at most (500)", set_rate, &s->control.launches_per_minute},
        {"collect-every", 0, "DURATION", "between two looks for instances that no claim owns (2m)", flag_duration_ms,
         &s->control.collect_ms},
        {"consistency", 0, "DURATION", "no younger instance is taken for a leak (2m)", flag_duration_ms,
         &s->control.consistency_ms},
        {"unavailable", 0, "DURATION", "how long an offering without capacity is left out (3m)", flag_duration_ms,
         &s->control.unavailable_ms},
        {"stop-at-call", 0, "N[,after]", "for tests: stop dead at the N-th outgoing call", set_stop, &s->stop_at_call},
        {"stop-at-effect", 0, "N[,after]", "for tests: at the N-th that changes something", set_stop,
         &s->stop_at_effect},
    };
    memcpy(flags, table, sizeof(table));
    return CC_COUNT(table);
}

struct file_reading {
    struct run_settings *settings;
    const struct flag *flags;
    size_t n_flags;
};

static int apply_member(const struct file_reading *reading, const struct doc *member, struct err *err)
{
    for (size_t i = 1; i < reading->n_flags; i++) { /* a file does not name another */
        const struct flag *flag = &reading->flags[i];
        if (!str_is(member->key, flag->name))
            continue;
        if (!flag->value && member->kind != DOC_BOOL)
            return err_set(err, ERR_INVALID, "line %d: %s: allowed are true, false", member->line, flag->name);
        if (!flag->value)
            return str_is(member->text, "true") ? flag->set(flag->target, NULL, err) : 0;
        if (member->kind != DOC_STRING && member->kind != DOC_NUMBER)
            return err_set(err, ERR_INVALID, "line %d: %s: is no text", member->line, flag->name);
        const char *value = arena_copy(&reading->settings->arena, member->text.ptr, member->text.len);
        if (!value)
            return err_nomem(err);
        int code = flag->set(flag->target, value, err);
        return code ? err_wrap(err, "line %d: %s", member->line, flag->name) : 0;
    }
    return err_set(err, ERR_INVALID, "line %d: %.*s: no such setting; those of stoker run --help are allowed",
                   member->line, STR_ARG(member->key));
}

static int on_document(void *context, const struct doc *object, struct err *err)
{
    if (object->kind != DOC_MAP)
        return err_set(err, ERR_INVALID, "line %d: is no map of settings", object->line);
    DOC_EACH (member, object) {
        int code = apply_member(context, member, err);
        if (code)
            return code;
    }
    return 0;
}

static int read_config(const char *path, struct file_reading *reading, struct err *err)
{
    struct str bytes;
    int code = file_read(path, SETTINGS_MAX_BYTES, &bytes, err);
    if (code)
        return code;
    code = doc_read(bytes, path, on_document, reading, err);
    file_free(&bytes);
    return code ? err_wrap(err, "%s", path) : 0;
}

int run_settings_parse(const char *verb, const char *summary, const char *notes, int argc, char **argv,
                       struct run_settings *ret, struct err *err)
{
    struct flag flags[SETTINGS_FLAGS];
    const char *config = NULL;
    int first;
    *ret = (struct run_settings){
        .listen = ":8080", .lease = "stoker", .log_level = LOG_INFO, .control = CONTROL_SETTINGS_INIT};
    const struct flag_set set = {verb, "", summary, flags, make_flags(ret, &config, flags), notes};
    int code = flags_parse(&set, argc, argv, &first, err);
    if (code == FLAGS_HELP_ASKED)
        flags_help(&set, stdout);
    if (!code && config) {
        struct file_reading reading = {ret, flags, set.n_flags};
        code = read_config(config, &reading, err);
        /* Once more: what the command line says wins. */
        if (!code)
            code = flags_parse(&set, argc, argv, &first, err);
    }
    if (!code && !ret->cluster_name)
        return err_set(err, ERR_INVALID, "--cluster-name is missing: the name of the EKS cluster");
    if (!code && ret->control.batch_idle_ms > ret->control.batch_max_ms)
        return err_set(err, ERR_INVALID, "--batch-idle is longer than --batch-max: allowed is up to as long");
    if (!code)
        ret->control.cluster_name = str_of(ret->cluster_name);
    return code;
}

void run_settings_release(struct run_settings *settings)
{
    arena_release(&settings->arena);
}

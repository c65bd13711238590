#include "provisioner/cmd/run_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/cmd/environment.h"
#include "provisioner/cmd/terminal.h"

enum { VERSION_RETRY_MS = 2000, SAY_AGAIN_MS = 60000 };

/* Stops the process dead, as a power cut does, at the call that --stop-at-call or --stop-at-effect names. */
static void probe(void *context, uint64_t n, bool after, const struct http_request *request)
{
    struct run_world *world = context;
    if (run_stop_now(&world->stop, n, after, request))
        raise(SIGKILL);
}

static void on_signal(void *context, int signal)
{
    struct run_world *world = context;
    log_event(&world->log, LOG_INFO, "signal", LOG_C("signal", strsignal(signal)));
    if (signal == SIGHUP)
        return; /* a terminal that closes does not stop a controller; there is nothing to read again */
    world->asked_to_stop = true;
    loop_stop(&world->loop);
}

static void on_kube_call(void *context, const char *verb, enum cluster_kind kind, int status, double ms)
{
    struct run_world *world = context;
    char text[16];
    snprintf(text, sizeof(text), "%d", status);
    metrics_add(world->metrics, METRIC_KUBE_CALLS,
                (const struct str[]){str_of(verb), str_of(cluster_kind_name(kind)), str_of(text)}, 1);
    log_event(&world->log, LOG_DEBUG, "kubernetes-call", LOG_C("verb", verb), LOG_C("kind", cluster_kind_name(kind)),
              LOG_I("status", status), LOG_F("ms", ms));
}

/* --kubeconfig, else the pod's service account, else $KUBECONFIG, else ~/.kube/config. */
static int find_access(struct run_world *world, struct err *err)
{
    const struct run_settings *settings = world->settings;
    const char *host = environment_get(NULL, "KUBERNETES_SERVICE_HOST");
    const char *port = environment_get(NULL, "KUBERNETES_SERVICE_PORT");
    const char *path = settings->kubeconfig;
    if (!path && !settings->context && host && port) {
        world->in_cluster = true;
        return kube_access_in_cluster(host, port, &kube_io_system, &world->arena, &world->access, err);
    }
    if (!path)
        path = environment_get(NULL, "KUBECONFIG");
    if (!path) {
        const char *home = environment_get(NULL, "HOME");
        path = home ? arena_printf(&world->arena, "%s/.kube/config", home) : NULL;
        if (home && !path)
            return err_nomem(err);
    }
    if (!path)
        return err_set(err, ERR_INVALID, "no cluster: give --kubeconfig, or run in a pod");
    int code = kube_access_from_config(path, settings->context, &kube_io_system, &world->arena, &world->access, err);
    return code == ERR_NOT_FOUND ? err_wrap(err, "no cluster; give --kubeconfig, or run in a pod") : code;
}

static int open_kube(struct run_world *world, struct err *err)
{
    int code = find_access(world, err);
    if (code)
        return code;
    const struct kube_options options = {.loop = &world->loop,
                                         .http = http_curl_http(world->curl),
                                         .commands = command_system_commands(world->commands),
                                         .chance = &chance_system,
                                         .access = &world->access,
                                         .called = on_kube_call,
                                         .context = world};
    return kube_open(&options, &world->kube, err);
}

int run_world_open(struct run_world *ret, const struct run_settings *settings, struct err *err)
{
    bool text = settings->log_format_set ? settings->log_text : terminal_of(stderr).is_terminal;
    bool effects = settings->stop_at_effect != 0;
    int64_t stop = effects ? settings->stop_at_effect : settings->stop_at_call;
    *ret =
        (struct run_world){.settings = settings,
                           .stop = {.at = stop, .effects_only = effects},
                           .log = {.file = stderr, .clock = &clock_system, .level = settings->log_level, .text = text}};
    const struct http_curl_options options = {
        .user_agent = "stoker", .probe = stop ? probe : NULL, .probe_context = ret};
    int code = http_curl_open(&options, &ret->curl, err);
    if (code)
        return code;
    loop_init(&ret->loop, &clock_system, http_curl_waiter(ret->curl));
    ret->loop_open = true;
    code = signals_open(ret->curl, on_signal, ret, &ret->signals, err);
    if (!code)
        code = worker_thread_open(ret->curl, &ret->worker, err);
    if (!code)
        code = command_system_open(&ret->loop, ret->curl, &ret->commands, err);
    if (!code)
        code = metrics_open(&ret->metrics, err);
    if (!code)
        code = open_kube(ret, err);
    return code;
}

void run_world_close(struct run_world *world)
{
    if (world->kube)
        kube_close(world->kube);
    if (world->worker)
        worker_thread_close(world->worker);
    command_system_close(world->commands);
    metrics_close(world->metrics);
    if (world->signals)
        signals_close(world->signals);
    if (world->loop_open)
        loop_release(&world->loop);
    if (world->curl)
        http_curl_close(world->curl);
    arena_release(&world->arena);
}

struct version_question {
    struct run_world *world;
    struct loop_timer again;
    struct err last;
    bool answered;
    struct clock_mono said_at; /* that it is away; 0: not yet */
};

static void ask_version(void *context);

/* "1.34"; false where it is no version. EKS has said "27+" for a minor one. */
static bool take_version(struct run_world *world, const struct doc *answer)
{
    const struct doc *major = doc_get(answer, "major"), *minor = doc_get(answer, "minor");
    if (!major || major->kind != DOC_STRING || !minor || minor->kind != DOC_STRING)
        return false;
    size_t digits = strspn(minor->text.ptr, "0123456789");
    snprintf(world->kubernetes_version, RUN_VERSION_BYTES, "%.*s.%.*s", STR_ARG(major->text), (int)digits,
             minor->text.ptr);
    return digits > 0;
}

/* Once a minute: it may be away for hours. */
static void say_away(struct version_question *question)
{
    struct run_world *world = question->world;
    struct clock_mono now = loop_now(&world->loop);
    if (question->said_at.ns && clock_ms_between(question->said_at, now) < SAY_AGAIN_MS)
        return;
    question->said_at = now;
    log_event(&world->log, LOG_WARN, "api-server-away", LOG_C("server", world->access.server),
              LOG_ERR(&question->last));
}

static void on_version(void *context, const struct cluster_answer *answer)
{
    struct version_question *question = context;
    question->last =
        answer->err ? *answer->err : (struct err){.code = ERR_RETRY, .message = "no version in the answer"};
    question->answered = !answer->err && take_version(question->world, answer->object);
    if (question->answered)
        return;
    say_away(question);
    if (loop_timer_after(&question->world->loop, &question->again, VERSION_RETRY_MS, &question->last) < 0)
        loop_stop(&question->world->loop);
}

static void ask_version(void *context)
{
    struct version_question *question = context;
    const struct cluster cluster = kube_cluster(question->world->kube);
    const struct cluster_request request = {.verb = CLUSTER_GET, .kind = CLUSTER_VERSION, .name = STR("version")};
    if (cluster.request(cluster.context, &request, on_version, question, &question->last) < 0)
        loop_stop(&question->world->loop);
}

static bool version_over(void *context)
{
    const struct version_question *question = context;
    return question->answered || question->world->loop.stopping;
}

int run_world_version(struct run_world *world, int64_t patience_ms, struct err *err)
{
    struct version_question question = {.world = world, .again = LOOP_TIMER(ask_version, &question)};
    ask_version(&question);
    int code = loop_turn_until(&world->loop, version_over, &question, patience_ms > 0 ? patience_ms : -1, err);
    loop_timer_cancel(&world->loop, &question.again);
    if (code || question.answered || world->asked_to_stop)
        return code;
    if (!question.last.code)
        err_note(&question.last, ERR_RETRY, "no answer within %lld ms", (long long)patience_ms);
    return err_set(err, question.last.code, "%s: %s", world->access.server, question.last.message);
}

int run_world_rival(struct run_world *world, void (*changed)(void *context, enum rival_state state, const char *where),
                    void *context, struct rival **ret, struct err *err)
{
    static const struct str places[] = {STR_INIT("kube-system"), STR_INIT("karpenter")};
    const struct rival_options options = {.loop = &world->loop,
                                          .cluster = kube_cluster(world->kube),
                                          .namespaces = places,
                                          .n_namespaces = CC_COUNT(places),
                                          .lease = STR("karpenter-leader-election"),
                                          .changed = changed,
                                          .context = context};
    int code = rival_open(&options, ret, err);
    return code ? code : rival_start(*ret, err);
}

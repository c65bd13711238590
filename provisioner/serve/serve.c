/* serve.c - /metrics, /healthz and /readyz on libmicrohttpd, driven by the loop. */
#include "provisioner/serve/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { IDLE_TIMEOUT_S = 30 };

struct serve {
    struct MHD_Daemon *daemon;
    struct serve_options options;
    struct loop_timer timer; /* idle connections are closed at their time */
    int fd;                  /* readable when there is something to do */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_port(struct str text, uint16_t *ret, struct err *err)
{
    int64_t port;
    if (!str_to_int64(text, &port) || port < 0 || port > UINT16_MAX)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no port; allowed are 0 to 65535", STR_ARG(text));
    *ret = htons((uint16_t)port);
    return 0;
}

/* "host:port"; the host is an address, with brackets if it is one of IPv6; none: every address. */
static int parse_listen(const char *listen, union address *ret, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    char host[INET6_ADDRSTRLEN] = "";
    if (!colon)
        return err_set(err, ERR_INVALID, "\"%s\" is no address:port", listen);
    size_t len = (size_t)(colon - listen);
    if (len >= sizeof(host) + 2)
        return err_set(err, ERR_INVALID, "\"%s\" is no address:port", listen);
    bool v6 = len >= 2 && listen[0] == '[' && listen[len - 1] == ']';
    memcpy(host, listen + v6, len - 2 * (size_t)v6);
    uint16_t port;
    int code = parse_port(str_of(colon + 1), &port, err);
    if (code)
        return code;
    memset(ret, 0, sizeof(*ret));
    if (v6) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = port;
        if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1)
            return 0;
    } else {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = port;
        if (inet_pton(AF_INET, len ? host : "0.0.0.0", &ret->v4.sin_addr) == 1)
            return 0;
    }
    return err_set(err, ERR_INVALID, "\"%s\" is no address; allowed are 0.0.0.0:8080, [::1]:8080, :8080", listen);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, struct str body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(response, "Content-Type", type);
    if (result == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return answer(connection, status, "text/plain; charset=utf-8", str_of(text));
}

static enum MHD_Result answer_metrics(const struct serve *serve, struct MHD_Connection *connection)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text;
    metrics_write(serve->options.metrics, &buf);
    enum MHD_Result result = buf_str(&buf, &text, NULL) == 0
                                 ? answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text)
                                 : answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "memory ran out\n");
    arena_release(&arena);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request_context)
{
    const struct serve *serve = context;
    (void)version;
    (void)upload;
    (void)request_context;
    if (*upload_size) { /* nobody has anything to tell us */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "allowed are GET and HEAD\n");
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(serve, connection);
    if (strcmp(url, "/healthz") == 0)
        return answer_text(connection, MHD_HTTP_OK, "ok\n");
    if (strcmp(url, "/readyz") == 0) {
        const char *why = serve->options.not_ready ? serve->options.not_ready(serve->options.context) : NULL;
        return why ? answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why)
                   : answer_text(connection, MHD_HTTP_OK, "ok\n");
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
}

static void run(void *context)
{
    struct serve *serve = context;
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    MHD_run(serve->daemon);
    /* A timer that cannot be set for want of memory only lets an idle connection live longer. */
    if (MHD_get_timeout(serve->daemon, &timeout_ms) == MHD_YES)
        (void)!loop_timer_after(serve->options.loop, &serve->timer, (int64_t)timeout_ms + 1, NULL);
    else
        loop_timer_cancel(serve->options.loop, &serve->timer);
}

static int start(struct serve *serve, struct err *err)
{
    union address address;
    int code = parse_listen(serve->options.listen, &address, err);
    if (code)
        return code;
    serve->daemon = MHD_start_daemon(MHD_USE_EPOLL | (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0), 0, NULL,
                                     NULL, on_request, serve, MHD_OPTION_SOCK_ADDR, &address.any,
                                     MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVE_MAX_CONNECTIONS,
                                     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        serve->daemon ? MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return err_set(err, ERR_FATAL, "%s cannot be listened on: %s", serve->options.listen, strerror(errno));
    serve->fd = info->epoll_fd;
    return http_curl_watch(serve->options.curl, serve->fd, run, serve, err);
}

int serve_open(const struct serve_options *options, struct serve **ret, struct err *err)
{
    struct serve *serve = calloc(1, sizeof(*serve));
    if (!serve)
        return err_nomem(err);
    *serve = (struct serve){.options = *options, .fd = -1};
    serve->timer = LOOP_TIMER(run, serve);
    int code = start(serve, err);
    if (code) {
        if (serve->daemon)
            MHD_stop_daemon(serve->daemon);
        free(serve);
        return code;
    }
    *ret = serve;
    return 0;
}

void serve_close(struct serve *serve)
{
    if (!serve)
        return;
    loop_timer_cancel(serve->options.loop, &serve->timer);
    http_curl_unwatch(serve->options.curl, serve->fd);
    MHD_stop_daemon(serve->daemon);
    free(serve);
}

uint16_t serve_port(const struct serve *serve)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

struct http_server {
    struct MHD_Daemon *daemon;
    int port;
    int with_tls;
    char url[256];
    atomic_int connections, at_once, most_at_once;
    atomic_bool stopping;
};

/* One request: its body comes in pieces, its answer may be made piece by piece. */
struct exchange {
    struct http_server *server;
    char *body;
    size_t body_len;
    int lines, line; /* of /lines */
};

static struct exchange *exchange_new(struct http_server *server)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        abort();
    exchange->server = server;
    int now = atomic_fetch_add(&server->at_once, 1) + 1;
    int most = atomic_load(&server->most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&server->most_at_once, &most, now))
        continue;
    return exchange;
}

static void completed(void *context, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code)
{
    struct http_server *server = context;
    struct exchange *exchange = *request;
    (void)connection, (void)code;
    if (!exchange)
        return;
    atomic_fetch_sub(&server->at_once, 1);
    free(exchange->body);
    free(exchange);
    *request = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    (void)connection, (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&server->connections, 1);
}

static void wait_ms(int ms)
{
    usleep((unsigned)ms * 1000);
}

static ssize_t next_line(void *context, uint64_t at, char *buffer, size_t room)
{
    struct exchange *exchange = context;
    (void)at;
    if (exchange->line == exchange->lines)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (exchange->line > 0)
        wait_ms(5);
    return snprintf(buffer, room, "line %d\n", exchange->line++);
}

static ssize_t begin_and_stall(void *context, uint64_t at, char *buffer, size_t room)
{
    struct exchange *exchange = context;
    if (at == 0)
        return snprintf(buffer, room, "begin\n");
    wait_ms(5);
    return atomic_load(&exchange->server->stopping) ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

static ssize_t ten_bytes(void *context, uint64_t at, char *buffer, size_t room)
{
    (void)context, (void)room;
    if (at > 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(buffer, "0123456789", 10);
    return 10;
}

static struct MHD_Response *text(const char *body)
{
    union {
        const char *in;
        void *out;
    } unconst = {.in = body};
    return MHD_create_response_from_buffer(strlen(body), unconst.out, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *hello(struct MHD_Connection *connection, const char *method)
{
    struct MHD_Response *response = text("hello");
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    const char *empty = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Empty");
    MHD_add_response_header(response, "X-Test", "Some Value");
    MHD_add_response_header(response, "X-Method", method);
    MHD_add_response_header(response, "X-Host", host ? host : "none");
    MHD_add_response_header(response, "X-Type", type ? type : "none");
    MHD_add_response_header(response, "X-Had-Empty", empty ? "yes" : "no");
    return response;
}

static struct MHD_Response *bytes(size_t n)
{
    char *body = malloc(n ? n : 1);
    if (!body)
        abort();
    memset(body, 'b', n);
    return MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
}

static int number_behind(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 ? (int)strtol(path + len, NULL, 10) : -1;
}

static struct MHD_Response *respond(struct exchange *exchange, struct MHD_Connection *connection, const char *path,
                                    const char *method, unsigned *status)
{
    enum { PIECE = 1024 };
    int n;
    if (strcmp(path, "/echo") == 0)
        return MHD_create_response_from_buffer(exchange->body_len, exchange->body, MHD_RESPMEM_MUST_COPY);
    if ((n = number_behind(path, "/status/")) >= 0) {
        *status = (unsigned)n;
        return text("status");
    }
    if (strcmp(path, "/redirect") == 0) {
        struct MHD_Response *response = text("");
        *status = MHD_HTTP_FOUND;
        MHD_add_response_header(response, "Location", "/hello");
        return response;
    }
    if ((n = number_behind(path, "/bytes/")) >= 0)
        return bytes((size_t)n);
    if ((n = number_behind(path, "/slow/")) >= 0) {
        wait_ms(n);
        return text("slow");
    }
    if ((n = number_behind(path, "/lines/")) >= 0) {
        exchange->lines = n;
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, next_line, exchange, NULL);
    }
    if (strcmp(path, "/stall") == 0)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, begin_and_stall, exchange, NULL);
    if (strcmp(path, "/truncated") == 0)
        return MHD_create_response_from_callback(1000, PIECE, ten_bytes, exchange, NULL);
    return hello(connection, method);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request)
{
    (void)version;
    struct exchange *exchange = *request;
    if (!exchange) {
        *request = exchange_new(context);
        return MHD_YES;
    }
    if (*upload_size) {
        exchange->body = realloc(exchange->body, exchange->body_len + *upload_size);
        if (!exchange->body)
            abort();
        memcpy(exchange->body + exchange->body_len, upload, *upload_size);
        exchange->body_len += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    unsigned status = MHD_HTTP_OK;
    struct MHD_Response *response = respond(exchange, connection, url, method, &status);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

struct http_server *http_server_start(const struct tls_pair *tls)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct MHD_OptionItem options[5] = {{MHD_OPTION_END, 0, NULL}};
    int n = 0;
    if (tls) {
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key};
    }
    options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | (tls ? MHD_USE_TLS : 0U);
    server->with_tls = tls != NULL;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address,
                                      MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_NOTIFY_CONNECTION,
                                      connected, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!server->daemon)
        abort();
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return server;
}

void http_server_stop(struct http_server *server)
{
    atomic_store(&server->stopping, 1);
    MHD_stop_daemon(server->daemon);
    free(server);
}

const char *http_server_url(struct http_server *server, const char *path)
{
    snprintf(server->url, sizeof(server->url), "http%s://127.0.0.1:%d%s", server->with_tls ? "s" : "", server->port,
             path);
    return server->url;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

int http_server_connections(struct http_server *server)
{
    return atomic_load(&server->connections);
}

int http_server_most_at_once(struct http_server *server)
{
    return atomic_load(&server->most_at_once);
}

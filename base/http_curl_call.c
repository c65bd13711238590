#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/http_curl_internal.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_EVERY_S = 10,
    KEEPALIVE_TRIES = 3,
    FIRST_BODY_BYTES = 2048
};

#define UPLOAD_BUFFER_BYTES 16384L /* curl's least; its 64 KiB would be taken once a call */

/* Request: copied, then checked. */

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void free_part(char **part)
{
    curl_free(*part);
}

/* No byte that would end a line, or the text. */
static bool is_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
            return false;
    return true;
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !strchr("!#$%&'*+-.^_`|~", text.ptr[i]))
            return false;
    return text.len > 0;
}

static int copy_headers(struct http_call *call, const struct http_request *request, struct err *err)
{
    struct http_header *headers = arena_array(&call->arena, struct http_header, request->n_headers);
    if (!headers)
        return err_nomem(err);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!is_token(request->headers[i].name))
            return err_set(err, ERR_INVALID, "%s: not a header's name: %.*s", call->what,
                           STR_ARG(request->headers[i].name));
        if (!is_line(request->headers[i].value))
            return err_set(err, ERR_INVALID, "%s: the header %.*s has more than a line", call->what,
                           STR_ARG(request->headers[i].name));
        headers[i].name = str_dup(&call->arena, request->headers[i].name);
        headers[i].value = str_dup(&call->arena, request->headers[i].value);
        if (!headers[i].name.ptr || !headers[i].value.ptr)
            return err_nomem(err);
    }
    call->request.headers = headers;
    return 0;
}

/* The URL's host and port as one key, "https://host:443". ERR_INVALID for what is not http or https, or has a user. */
static int host_key(struct http_call *call, const char **ret, struct err *err)
{
    CC_CLEANUP(free_url) CURLU *url = curl_url();
    CC_CLEANUP(free_part) char *scheme = NULL;
    CC_CLEANUP(free_part) char *host = NULL;
    CC_CLEANUP(free_part) char *port = NULL;
    CC_CLEANUP(free_part) char *user = NULL;
    if (!url)
        return err_nomem(err);
    CURLUcode code = curl_url_set(url, CURLUPART_URL, call->request.url, CURLU_PATH_AS_IS);
    if (!code)
        code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    if (!code)
        code = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (!code)
        code = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OUT_OF_MEMORY)
        return err_nomem(err);
    if (code)
        return err_set(err, ERR_INVALID, "%s: %s", call->what, curl_url_strerror(code));
    if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        return err_set(err, ERR_INVALID, "%s: not http or https", call->what);
    if (curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
        return err_set(err, ERR_INVALID, "a URL with a user in it");
    *ret = arena_printf(&call->arena, "%s://%s:%s", scheme, host, port);
    return *ret ? 0 : err_nomem(err);
}

static int copy_request(struct http_call *call, const struct http_request *request, const char **ret_host,
                        struct err *err)
{
    struct http_request *copy = &call->request;
    *copy = *request;
    copy->url = arena_copy(&call->arena, request->url, strlen(request->url));
    copy->method = str_dup(&call->arena, request->method);
    copy->body = str_dup(&call->arena, request->body);
    if (!copy->url || !copy->method.ptr || !copy->body.ptr)
        return err_nomem(err);
    if (!is_token(copy->method))
        return err_set(err, ERR_INVALID, "not an HTTP method");
    if (copy->max_response_bytes == 0)
        copy->max_response_bytes = HTTP_MAX_RESPONSE_BYTES;
    call->what = arena_printf(&call->arena, "%s %.*s", copy->method.ptr, (int)strcspn(copy->url, "?#@"), copy->url);
    if (!call->what)
        return err_nomem(err);
    for (const char *at = copy->url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return err_set(err, ERR_INVALID, "a URL with a space or a control character");
    int code = copy_headers(call, request, err);
    return code ? code : host_key(call, ret_host, err);
}

int http_call_new(const struct http_request *request, const struct http_handler *handler, struct http_call **ret,
                  const char **ret_host, struct err *err)
{
    struct http_call *call = calloc(1, sizeof(*call));
    if (!call)
        return err_nomem(err);
    call->handler = *handler;
    int code = copy_request(call, request, ret_host, err);
    if (code) {
        http_call_free(call);
        return code;
    }
    *ret = call;
    return 0;
}

void http_call_free(struct http_call *call)
{
    if (!call)
        return;
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    arena_release(&call->arena);
    free(call->body);
    free(call);
}

/* Answer: what curl calls while it works. Nothing of ours is called from here: the loop tells it afterwards. */

static bool is_streamed(const struct http_call *call)
{
    return call->handler.chunk && call->status >= 200 && call->status < 300;
}

static int keep(struct http_call *call, const char *bytes, size_t n, struct err *err)
{
    if (!is_streamed(call) && n > call->request.max_response_bytes - call->body_len)
        return err_set(err, ERR_INVALID, "%s: an answer of more than %zu bytes", call->what,
                       call->request.max_response_bytes);
    if (n > call->body_cap - call->body_len) {
        size_t cap = call->body_cap ? call->body_cap : FIRST_BODY_BYTES;
        while (cap - call->body_len < n)
            cap *= 2;
        char *grown = realloc(call->body, cap);
        if (!grown)
            return err_nomem(err);
        call->body = grown;
        call->body_cap = cap;
    }
    memcpy(call->body + call->body_len, bytes, n);
    call->body_len += n;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t n = size * count;
    call->last_byte_ns = clock_now(&clock_system).ns;
    if (n == 0)
        return 0;
    call->code = keep(call, bytes, n, &call->err);
    if (call->code)
        return 0; /* not n: ends the transfer */
    if (is_streamed(call))
        http_curl_is_ready(call);
    return n;
}

/* A line of the head. Each answer's first line (100 Continue, a second try) begins anew. */
static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    struct str line = str_trim((struct str){bytes, size * count});
    call->last_byte_ns = clock_now(&clock_system).ns;
    if (str_starts(line, "HTTP/")) {
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        call->status = (int)status;
        call->n_response_headers = 0;
        return size * count;
    }
    if (!line.len || !memchr(line.ptr, ':', line.len) || call->n_response_headers == HTTP_MAX_HEADERS)
        return size * count;
    struct http_header *header = &call->response_headers[call->n_response_headers];
    struct str name = str_trim(str_cut(&line, ':'));
    char *lower = arena_copy(&call->arena, name.ptr, name.len);
    header->value = str_dup(&call->arena, str_trim(line));
    if (!lower || !header->value.ptr) {
        call->code = err_nomem(&call->err);
        return 0;
    }
    for (char *at = lower; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    header->name = (struct str){lower, name.len};
    call->n_response_headers++;
    return size * count;
}

/* What the caller can do about a transfer that brought no answer. */
static int code_of(CURLcode result)
{
    switch (result) {
    case CURLE_OUT_OF_MEMORY: return ERR_NOMEM;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT: return ERR_INVALID;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return ERR_AUTH;
    default: return ERR_RETRY;
    }
}

void http_call_conclude(struct http_call *call, CURLcode result)
{
    if (call->code || result == CURLE_OK)
        return; /* our own reason came first */
    /* OpenSSL has many words for a certificate that it does not trust. */
    long verify = 0;
    if (result == CURLE_SSL_CONNECT_ERROR)
        curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    call->code = verify ? ERR_AUTH : code_of(result);
    err_note(&call->err, call->code, "%s: %s", call->what,
             call->error_text[0] ? call->error_text : curl_easy_strerror(result));
}

/* The handle. */

/*
 * Addresses that no proxy can reach for us: this machine's own, and the link's, where clouds answer for metadata and
 * credentials. `host` as in a URL.
 */
static bool is_local(const char *host)
{
    char bare[INET6_ADDRSTRLEN + 1] = "";
    size_t len = strlen(host);
    struct str name = {host, len};
    struct in_addr v4;
    struct in6_addr v6;
    if (str_is(name, "localhost") || str_ends(name, ".localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        uint32_t address = ntohl(v4.s_addr);
        return address >> 24 == 127 || address >> 16 == 0xa9fe; /* 127/8, 169.254/16 */
    }
    if (len < 2 || len > sizeof(bare) || host[0] != '[')
        return false;
    memcpy(bare, host + 1, len - 2);
    if (inet_pton(AF_INET6, bare, &v6) != 1)
        return false;
    /* fd00:ec2::254 is EC2's metadata, fd00:ec2::23 EKS's credentials. */
    static const unsigned char ec2[] = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) || memcmp(&v6, ec2, sizeof(ec2)) == 0;
}

static bool has_header(const struct http_request *request, const char *lower)
{
    size_t len = strlen(lower);
    for (size_t i = 0; i < request->n_headers; i++)
        if (request->headers[i].name.len == len && strncasecmp(request->headers[i].name.ptr, lower, len) == 0)
            return true;
    return false;
}

static int append(struct curl_slist **list, const char *line, struct err *err)
{
    struct curl_slist *grown = line ? curl_slist_append(*list, line) : NULL;
    if (!grown)
        return err_nomem(err);
    *list = grown;
    return 0;
}

/* The caller's, and none that curl would add by itself: nothing is sent that was not asked for or signed. */
static int prepare_headers(struct http_call *call, struct err *err)
{
    int code = append(&call->headers, "Expect:", err);
    if (!code && !has_header(&call->request, "content-type"))
        code = append(&call->headers, "Content-Type:", err);
    for (size_t i = 0; i < call->request.n_headers && !code; i++) {
        const struct http_header *header = &call->request.headers[i];
        const char *line = header->value.len ? arena_printf(&call->arena, "%s: %s", header->name.ptr, header->value.ptr)
                                             : arena_printf(&call->arena, "%s;", header->name.ptr);
        code = append(&call->headers, line, err);
    }
    if (!code && curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers))
        return err_nomem(err);
    return code;
}

#define SET(option, value)                                          \
    do {                                                            \
        if (!code)                                                  \
            code = curl_easy_setopt(call->easy, (option), (value)); \
    } while (0)

static struct curl_blob blob_of(struct str text)
{
    union {
        const char *in;
        void *out;
    } unconst = {.in = text.ptr};
    return (struct curl_blob){unconst.out, text.len, CURL_BLOB_NOCOPY};
}

static CURLcode prepare_tls(struct http_call *call)
{
    const struct http_tls *tls = call->request.tls;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    /*
     * The system's folder of certificates would be trusted beside ca_pem, and keeps curl from sharing what it has
     * parsed of the system's file between connections.
     */
    SET(CURLOPT_CAPATH, NULL);
    if (!tls)
        return code;
    struct curl_blob ca = blob_of(tls->ca_pem), cert = blob_of(tls->cert_pem), key = blob_of(tls->key_pem);
    if (ca.len)
        SET(CURLOPT_CAINFO_BLOB, &ca);
    if (cert.len) {
        SET(CURLOPT_SSLCERTTYPE, "PEM");
        SET(CURLOPT_SSLCERT_BLOB, &cert);
        SET(CURLOPT_SSLKEYTYPE, "PEM");
        SET(CURLOPT_SSLKEY_BLOB, &key);
    }
    return code;
}

static CURLcode prepare_body(struct http_call *call)
{
    const struct http_request *request = &call->request;
    CURLcode code = CURLE_OK;
    if (str_is(request->method, "HEAD")) {
        SET(CURLOPT_NOBODY, 1L);
        return code;
    }
    if (request->body.len || str_is(request->method, "POST") || str_is(request->method, "PUT") ||
        str_is(request->method, "PATCH")) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(CURLOPT_POSTFIELDS, request->body.ptr);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method.ptr);
    return code;
}

/*
 * Where the certificate must have another name than the host's, curl is told to ask for that name and to connect to
 * the host, and the host is said in a header.
 */
static CURLcode prepare_name(struct http_call *call, CURLU *url, const char *host)
{
    const char *name = call->request.tls ? call->request.tls->server_name : NULL;
    CURLcode code = CURLE_OK;
    if (!name || !name[0]) {
        SET(CURLOPT_URL, call->request.url);
        return code;
    }
    CC_CLEANUP(free_part) char *port = NULL;
    CC_CLEANUP(free_part) char *renamed = NULL;
    if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) || curl_url_set(url, CURLUPART_HOST, name, 0) ||
        curl_url_get(url, CURLUPART_URL, &renamed, 0))
        return CURLE_URL_MALFORMAT;
    const char *to = arena_printf(&call->arena, "%s:%s:%s:%s", name, port, host, port);
    if (!to || append(&call->connect_to, to, NULL))
        return CURLE_OUT_OF_MEMORY;
    if (!has_header(&call->request, "host")) {
        const char *line = arena_printf(&call->arena, "Host: %s:%s", host, port);
        if (append(&call->headers, line, NULL))
            return CURLE_OUT_OF_MEMORY;
    }
    SET(CURLOPT_CONNECT_TO, call->connect_to);
    SET(CURLOPT_URL, renamed);
    return code;
}

static CURLcode prepare_url(struct http_call *call)
{
    CC_CLEANUP(free_url) CURLU *url = curl_url();
    CC_CLEANUP(free_part) char *host = NULL;
    if (!url)
        return CURLE_OUT_OF_MEMORY;
    if (curl_url_set(url, CURLUPART_URL, call->request.url, CURLU_PATH_AS_IS) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0))
        return CURLE_URL_MALFORMAT;
    CURLcode code = prepare_name(call, url, host);
    SET(CURLOPT_PATH_AS_IS, 1L);
    if (is_local(host))
        SET(CURLOPT_PROXY, "");
    return code;
}

/* A stream whose server has gone without a word is given up after a minute; by the system's count it would be two. */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    const int tries = KEEPALIVE_TRIES;
    (void)context, (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries)); /* where it fails it is the system's count */
    return CURL_SOCKOPT_OK;
}

/*
 * HTTP/1.1: a call has a connection of its own for as long as it lasts, so that no stream stands behind another, and a
 * connection that breaks takes one call with it. How many there are is bounded by the host's queue.
 */
static CURLcode prepare_transfer(struct http_call *call, const char *user_agent)
{
    int64_t connect_ms = call->request.connect_timeout_ms ? call->request.connect_timeout_ms : CONNECT_TIMEOUT_MS;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PRIVATE, call);
    SET(CURLOPT_ERRORBUFFER, call->error_text);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, user_agent);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that is asked in vain would hold the loop up, however long it takes */
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_EVERY_S);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, call);
    return code;
}

int http_call_prepare(struct http_call *call, const char *user_agent, struct err *err)
{
    call->easy = curl_easy_init();
    if (!call->easy)
        return err_nomem(err);
    CURLcode code = prepare_transfer(call, user_agent);
    if (!code)
        code = prepare_tls(call);
    if (!code)
        code = prepare_body(call);
    if (!code)
        code = prepare_url(call);
    if (code == CURLE_OUT_OF_MEMORY)
        return err_nomem(err);
    if (code)
        return err_set(err, ERR_INVALID, "%s: %s", call->what, curl_easy_strerror(code));
    return prepare_headers(call, err);
}

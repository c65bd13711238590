#include "tests/support/tls.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { VALID_S = 3600 };

static void *need(void *made)
{
    if (!made)
        abort();
    return made;
}

static char *text_of(BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = need(calloc(1, (size_t)len + 1));
    memcpy(text, bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

static BIO *bio_of(const char *text)
{
    return need(BIO_new_mem_buf(text, -1));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = need(X509V3_EXT_conf_nid(NULL, &context, nid, value));
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *cert_new(const char *name, EVP_PKEY *key)
{
    static long serial = 1;
    X509 *cert = need(X509_new());
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -VALID_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    return cert;
}

/* Signs, writes both down, and gives them back. */
static void conclude(X509 *cert, EVP_PKEY *key, EVP_PKEY *signing_key, struct tls_pair *ret)
{
    BIO *cert_bio = need(BIO_new(BIO_s_mem())), *key_bio = need(BIO_new(BIO_s_mem()));
    if (!X509_sign(cert, signing_key, EVP_sha256()) || !PEM_write_bio_X509(cert_bio, cert) ||
        !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL))
        abort();
    *ret = (struct tls_pair){text_of(cert_bio), text_of(key_bio)};
    X509_free(cert);
    EVP_PKEY_free(key);
}

void tls_authority(struct tls_pair *ret)
{
    EVP_PKEY *key = need(EVP_EC_gen("P-256"));
    X509 *cert = cert_new("test authority", key);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    conclude(cert, key, key, ret);
}

void tls_issue(const struct tls_pair *authority, const char *name, struct tls_pair *ret)
{
    BIO *cert_bio = bio_of(authority->cert), *key_bio = bio_of(authority->key);
    X509 *issuer = need(PEM_read_bio_X509(cert_bio, NULL, NULL, NULL));
    EVP_PKEY *signing_key = need(PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL));
    EVP_PKEY *key = need(EVP_EC_gen("P-256"));
    X509 *cert = cert_new(name, key);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    struct in_addr address;
    char alternative[256];
    snprintf(alternative, sizeof(alternative), "%s:%s", inet_pton(AF_INET, name, &address) == 1 ? "IP" : "DNS", name);
    add_extension(cert, issuer, NID_subject_alt_name, alternative);
    add_extension(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    conclude(cert, key, signing_key, ret);
    EVP_PKEY_free(signing_key);
    X509_free(issuer);
    BIO_free(cert_bio);
    BIO_free(key_bio);
}

void tls_free(struct tls_pair *pair)
{
    free(pair->cert);
    free(pair->key);
    *pair = (struct tls_pair){NULL, NULL};
}

struct tls_asking {
    pthread_t thread;
    SSL_CTX *context;
    int listening, connections;
};

static void answer(SSL *ssl)
{
    static const char known[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nknown";
    char request[4096];
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
        SSL_write(ssl, known, sizeof(known) - 1);
        SSL_shutdown(ssl);
    }
}

static void *ask(void *context)
{
    struct tls_asking *server = context;
    for (int i = 0; i < server->connections; i++) {
        int fd = accept(server->listening, NULL, NULL);
        SSL *ssl = need(SSL_new(server->context));
        SSL_set_fd(ssl, fd);
        answer(ssl);
        SSL_free(ssl);
        close(fd);
    }
    return NULL;
}

static void context_use(SSL_CTX *context, const struct tls_pair *own, const struct tls_pair *authority)
{
    BIO *cert_bio = bio_of(own->cert), *key_bio = bio_of(own->key), *ca_bio = bio_of(authority->cert);
    X509 *cert = need(PEM_read_bio_X509(cert_bio, NULL, NULL, NULL));
    X509 *ca = need(PEM_read_bio_X509(ca_bio, NULL, NULL, NULL));
    EVP_PKEY *key = need(PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL));
    SSL_CTX_use_certificate(context, cert);
    SSL_CTX_use_PrivateKey(context, key);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    EVP_PKEY_free(key);
    X509_free(ca);
    X509_free(cert);
    BIO_free(ca_bio);
    BIO_free(key_bio);
    BIO_free(cert_bio);
}

struct tls_asking *tls_asking_start(const struct tls_pair *own, const struct tls_pair *authority, int connections)
{
    struct tls_asking *server = need(calloc(1, sizeof(*server)));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    server->connections = connections;
    server->context = need(SSL_CTX_new(TLS_server_method()));
    context_use(server->context, own, authority);
    server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listening < 0 || bind(server->listening, (struct sockaddr *)&address, sizeof(address)) ||
        listen(server->listening, 8) || pthread_create(&server->thread, NULL, ask, server))
        abort();
    return server;
}

int tls_asking_port(const struct tls_asking *server)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    if (getsockname(server->listening, (struct sockaddr *)&address, &size))
        abort();
    return ntohs(address.sin_port);
}

void tls_asking_join(struct tls_asking *server)
{
    pthread_join(server->thread, NULL);
    close(server->listening);
    SSL_CTX_free(server->context);
    free(server);
}

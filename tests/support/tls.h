/* tls.h - test helper: authorities and certificates, made anew for each run. */
#ifndef STOKER_TESTS_SUPPORT_TLS_H
#define STOKER_TESTS_SUPPORT_TLS_H

/* PEM, from malloc. */
struct tls_pair {
    char *cert, *key;
};

/* An authority of its own. Ends the test where OpenSSL fails. */
void tls_authority(struct tls_pair *ret);

/* A certificate for `name`, an IPv4 address or a DNS name, signed by `authority`; for servers and clients. */
void tls_issue(const struct tls_pair *authority, const char *name, struct tls_pair *ret);

void tls_free(struct tls_pair *pair);

/*
 * A server on 127.0.0.1 that asks clients for a certificate of `authority` and answers each request with "known";
 * for so many connections, refused ones included.
 */
struct tls_asking;
struct tls_asking *tls_asking_start(const struct tls_pair *own, const struct tls_pair *authority, int connections);
int tls_asking_port(const struct tls_asking *server);
void tls_asking_join(struct tls_asking *server); /* after the last connection */

#endif

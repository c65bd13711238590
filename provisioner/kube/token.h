/* token.h - what to write into the Authorization header, for as long as a connection to the API server lives. */
#ifndef STOKER_PROVISIONER_KUBE_TOKEN_H
#define STOKER_PROVISIONER_KUBE_TOKEN_H

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "provisioner/kube/kubeconfig.h"

struct kube_token;

/* `access` and `clock` outlive it. Reads nothing yet. ERR_NOMEM. */
CC_MUST_CHECK int kube_token_open(const struct kube_access *access, const struct clock *clock, struct kube_token **ret,
                                  struct err *err);
void kube_token_close(struct kube_token *token);

/*
 * "Bearer …", "Basic …", or "" where a client certificate is all there is; valid until the next call. Token files are
 * read again after a minute; a plug-in is run again a minute before its token ends (which holds the loop up for as
 * long as the plug-in takes). Where a token cannot be got anew the old one serves as long as it is good: a file's
 * always, a plug-in's until it ends; then ERR_AUTH, and no plug-in is run again within 5 s.
 */
CC_MUST_CHECK int kube_token_get(struct kube_token *token, struct str *ret, struct err *err);

/* The server answered 401: the next get reads the file, or runs the plug-in, again. */
void kube_token_refused(struct kube_token *token);

#endif

/* token.h - what to write into the Authorization header, for as long as a connection to the API server lives. */
#ifndef STOKER_PROVISIONER_KUBE_TOKEN_H
#define STOKER_PROVISIONER_KUBE_TOKEN_H

#include "base/clock.h"
#include "base/command.h"
#include "base/err.h"
#include "base/str.h"
#include "provisioner/kube/kubeconfig.h"

struct kube_token;

/* `access` and `clock` outlive it. Reads and runs nothing yet. ERR_NOMEM. */
CC_MUST_CHECK int kube_token_open(const struct kube_access *access, const struct clock *clock, struct commands commands,
                                  struct kube_token **ret, struct err *err);
void kube_token_close(struct kube_token *token); /* ends the plug-in; who waits is not told */

enum { KUBE_TOKEN_WAIT = 1 };

/*
 * "Bearer …", "Basic …", or "" where a client certificate is all there is; valid until control returns to the loop.
 * Token files are read again after a minute; a plug-in is run again a minute before its token ends, beside the loop,
 * and the old token serves meanwhile. KUBE_TOKEN_WAIT: there is none that is good, and the plug-in runs. Where a token
 * cannot be got anew the old one serves as long as it is good: a file's always, a plug-in's until it ends; then
 * ERR_AUTH, and no plug-in is run again within 5 s.
 */
CC_MUST_CHECK int kube_token_get(struct kube_token *token, struct str *ret, struct err *err);

/* Owned by whoever was told KUBE_TOKEN_WAIT. All zero: does not wait. */
struct kube_token_waiter {
    void (*ready)(void *context); /* once, from the loop: the plug-in has ended, get again */
    void *context;
    struct kube_token_waiter *next, **link; /* link: what points to this one; NULL: it does not wait */
};

void kube_token_wait(struct kube_token *token, struct kube_token_waiter *waiter);
void kube_token_forget(struct kube_token_waiter *waiter); /* also one that does not wait */

/* The server answered 401: the next get reads the file, or runs the plug-in, again. */
void kube_token_refused(struct kube_token *token);

#endif

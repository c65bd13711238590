/* credentials.h - who we are to AWS: keys from the first provider that has some, renewed before they end. */
#ifndef STOKER_CLOUD_AWS_CREDENTIALS_H
#define STOKER_CLOUD_AWS_CREDENTIALS_H

#include "base/chance.h"
#include "base/http.h"
#include "base/loop.h"
#include "cloud/aws/endpoints.h"
#include "cloud/aws/environment.h"
#include "cloud/aws/sigv4.h"

/*
 * Providers, in order: environment, web identity (IRSA), container (EKS Pod Identity, ECS), shared files (profile),
 * instance metadata (IMDSv2). The first that is set up decides: where it then fails the others are not asked, so that
 * a pod whose role is broken does not silently act as its node. Source: "Standardized credential providers", AWS SDKs
 * and Tools Reference Guide.
 *
 * Keys that end are renewed in the background from 5 minutes before their end; the old ones serve meanwhile, up to one
 * minute before the end. Then callers wait.
 */
enum aws_identity_state {
    AWS_IDENTITY_EMPTY,    /* no keys, nobody asked for any */
    AWS_IDENTITY_LOADING,  /* no keys; providers are being asked */
    AWS_IDENTITY_BACKOFF,  /* no keys; they will be asked again soon */
    AWS_IDENTITY_FAILED,   /* no keys; who asks next starts again */
    AWS_IDENTITY_READY,    /* good keys */
    AWS_IDENTITY_RENEWING, /* good keys, soon to end; providers are being asked */
    AWS_IDENTITY_OLD,      /* good keys, soon to end; the last renewal failed */
    AWS_IDENTITY_STATES
};

const char *aws_identity_state_name(enum aws_identity_state state);

enum {
    AWS_IDENTITY_RENEW_BEFORE_S = 5 * 60,
    AWS_IDENTITY_STOP_BEFORE_S = 60,
    AWS_IDENTITY_LOADS = 3, /* for those that wait, before they are told that it failed */
    AWS_IDENTITY_LOAD_LIMIT_MS = 60 * 1000
};

struct aws_identity;

struct aws_identity_options {
    struct loop *loop;
    struct http http;
    const struct chance *chance;
    const struct aws_environment *environment;
    const struct aws_endpoints *endpoints; /* where STS is; must outlive it */
    /* Each move, for traces and tests; NULL if not wanted. `err`: what failed, NULL if nothing did. */
    void (*moved)(void *context, enum aws_identity_state from, enum aws_identity_state to, const struct err *err);
    void *context;
};

CC_MUST_CHECK int aws_identity_open(const struct aws_identity_options *options, struct aws_identity **ret,
                                    struct err *err);
void aws_identity_close(struct aws_identity *identity); /* who waits is not told any more */

/*
 * Good keys, borrowed until control returns to the loop; NULL if there are none yet: wait. `ret_generation` names them
 * for aws_identity_reject.
 */
const struct aws_credentials *aws_identity_credentials(struct aws_identity *identity, uint64_t *ret_generation);

/* Owned by whoever waits, after aws_identity_credentials gave NULL. */
struct aws_identity_waiter {
    /* From the loop, once. NULL: there are keys now. Else every provider and why it has none; ERR_AUTH, ERR_RETRY … */
    void (*ready)(void *context, const struct err *err);
    void *context;
    struct aws_identity_waiter *next;
};

CC_MUST_CHECK int aws_identity_wait(struct aws_identity *identity, struct aws_identity_waiter *waiter, struct err *err);
void aws_identity_forget(struct aws_identity *identity, struct aws_identity_waiter *waiter);

/* AWS said that these keys are no good any more: the next who asks gets others, or waits for them. */
void aws_identity_reject(struct aws_identity *identity, uint64_t generation);

/* Wall time as AWS has it, as far as that is known. */
struct clock_wall aws_identity_now(const struct aws_identity *identity);
/*
 * `date`: what a server's clock says now. True if ours was so far off that a signature can have been refused for it
 * (AWS allows 5 minutes): then it goes by that clock from now on.
 */
bool aws_identity_mend_clock(struct aws_identity *identity, struct clock_wall date);

#endif

/* exec_credential.h - what a credential plug-in prints: an ExecCredential of client.authentication.k8s.io. */
#ifndef STOKER_PROVISIONER_KUBE_EXEC_CREDENTIAL_H
#define STOKER_PROVISIONER_KUBE_EXEC_CREDENTIAL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct exec_credential {
    struct str token;
    bool ends;
    struct clock_wall end;
};

/* v1 or v1beta1, with a token; in `arena`. ERR_AUTH, in words that quote nothing of it; ERR_NOMEM. */
CC_MUST_CHECK int exec_credential_read(struct str text, struct arena *arena, struct exec_credential *ret,
                                       struct err *err);

/* May stand in a header: printable ASCII without spaces, and not empty. */
bool exec_credential_is_token(struct str token);

#endif

/* run_settings.h - what `stoker run` and `stoker doctor` are told: options, or the same words in a file. */
#ifndef STOKER_PROVISIONER_CMD_RUN_SETTINGS_H
#define STOKER_PROVISIONER_CMD_RUN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "provisioner/lifecycle/control.h"

struct run_settings {
    /* the cluster */
    const char *kubeconfig, *context; /* NULL: the pod's service account, $KUBECONFIG or ~/.kube/config */
    const char *namespace_, *lease, *identity;
    bool no_leader_election;
    /* the cloud */
    const char *cluster_name, *region, *cluster_endpoint, *cluster_ca, *cluster_cidr, *kubernetes_version, *queue;
    const char *cluster_dns, *instance_profile;
    /* ourselves */
    const char *listen;
    enum log_level log_level;
    bool log_text, log_format_set;
    /* for tests: where the process stops. 0: nowhere; n: before, -n: after the n-th outgoing call, or the n-th effect
     */
    int64_t stop_at_call, stop_at_effect;
    struct control_settings control;
    struct arena arena; /* of what the file says */
};

/*
 * Reads the command line, and before it the file that --config names. FLAGS_HELP_ASKED (flags.h) after the help was
 * printed; ERR_INVALID names option or file, line and what is allowed. *ret is to be released whatever the answer.
 */
CC_MUST_CHECK int run_settings_parse(const char *verb, const char *summary, const char *notes, int argc, char **argv,
                                     struct run_settings *ret, struct err *err);
void run_settings_release(struct run_settings *settings);

#endif

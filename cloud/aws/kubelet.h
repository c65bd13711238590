/* kubelet.h - what a node's kubelet is told, as its configuration file and as flags. */
#ifndef STOKER_CLOUD_AWS_KUBELET_H
#define STOKER_CLOUD_AWS_KUBELET_H

#include "base/buf.h"
#include "base/doc.h"
#include "cloud/provider.h"

/*
 * The KubeletConfiguration fields that `bootstrap` asks for, as one JSON object in `arena`; `dns` is the cluster's own
 * address where the bootstrap names none, "" to leave it to the node. Fields of bootstrap->kubelet_json win over those
 * of bootstrap->kubelet: they are what the user wrote. ERR_INVALID: kubelet_json is no JSON object.
 */
CC_MUST_CHECK int aws_kubelet_config(const struct cloud_bootstrap *bootstrap, struct str dns, struct arena *arena,
                                     struct str *ret, struct err *err);

/*
 * Reads a configuration back: called with the tree, which is gone after the call. For the families whose nodes take
 * something else than the file.
 */
typedef int (*aws_kubelet_fn)(void *context, const struct doc *config, struct err *err);
CC_MUST_CHECK int aws_kubelet_read(struct str config, aws_kubelet_fn read, void *context, struct err *err);

/* Appends " --max-pods=20 --kube-reserved=cpu=100m" …; clusterDNS is left out. ERR_INVALID: a field without a flag. */
CC_MUST_CHECK int aws_kubelet_flags(const struct doc *config, struct buf *buf, struct err *err);

/*
 * Append "key=value,…" and "key=value:effect,…" for --node-labels and --register-with-taints. Labels that a kubelet
 * may not set on itself (it would not start) are left out: they are put on through the API. ERR_INVALID: a character
 * that no label can have, which could end the quotes around it.
 */
CC_MUST_CHECK int aws_kubelet_labels(const struct cloud_bootstrap *bootstrap, struct buf *buf, struct err *err);
CC_MUST_CHECK int aws_kubelet_taints(const struct cloud_bootstrap *bootstrap, struct buf *buf, struct err *err);

/* May a kubelet put this label on its own node? Source: kubernetes, pkg/kubelet/apis/well_known_labels.go. */
bool aws_kubelet_may_set(struct str key);

#endif

/* volumes.h - claims, volumes and classes by name; which CSI driver attaches a pod's, and how many a node can have. */
#ifndef STOKER_PROVISIONER_PLAN_VOLUMES_H
#define STOKER_PROVISIONER_PLAN_VOLUMES_H

#include "base/err.h"
#include "provisioner/api/objects.h"
#include "provisioner/state/index.h"

/*
 * What a driver can attach enters a plan as a resource of this name and the driver's: kubelets reported their limits by
 * it before there were CSINodes. Source: kubernetes pkg/volume/util/attach_limit.go.
 */
#define VOLUMES_RESOURCE "attachable-volumes-csi-"

/* A zeroed struct is empty. Borrows the objects. */
struct volumes {
    const struct objects *objects;
    struct index claims, volumes, classes, csi_nodes;
};

/* Where no pod has volumes there is nothing to look up, and it is left empty. ERR_NOMEM. */
CC_MUST_CHECK int volumes_open(const struct objects *objects, struct volumes *ret, struct err *err);
void volumes_close(struct volumes *volumes);

static inline bool pod_has_volumes(const struct pod *pod)
{
    return pod->n_claims || pod->n_ephemeral_classes;
}

/* NULL if there is none of that name. */
const struct volume_claim *volumes_claim(const struct volumes *volumes, struct str namespace_, struct str name);
const struct volume *volumes_volume(const struct volumes *volumes, struct str name);
const struct storage_class *volumes_class(const struct volumes *volumes, struct str name);
/* The class of a claim that has no volume yet, the default one where it names none. */
const struct storage_class *volumes_class_of(const struct volumes *volumes, const struct volume_claim *claim);
const struct storage_class *volumes_default_class(const struct volumes *volumes);

/* A volume that a CSI driver attaches to the node of its pod. */
struct attachment {
    struct str driver;                /* never "" */
    const struct volume_claim *claim; /* the same volume, the same claim; NULL: still to come, like no other */
};

struct attachments {
    VEC(struct attachment) list;
};

void attachments_release(struct attachments *attachments);
size_t attachments_count(const struct attachments *attachments, struct str driver);

/*
 * Appends what the pod attaches, unless it is in the list already: a volume that pods share counts once. As
 * kube-scheduler does it, the driver is the volume's, or its class' while there is none, and claims that are not there
 * count for nobody, but those that are made from the pod itself. Source: kubernetes pkg/scheduler/framework/plugins/
 * nodevolumelimits/csi.go, filterAttachableVolumes. ERR_NOMEM.
 */
CC_MUST_CHECK int volumes_attach(const struct volumes *volumes, const struct pod *pod, struct attachments *attachments,
                                 struct err *err);

/* The kubelet has registered the driver: without that it mounts none of its volumes. */
bool volumes_registered(const struct volumes *volumes, struct str node, struct str driver);

/*
 * How many volumes of the driver the node can have; INT64_MAX: nobody says. A driver that is registered says it alone.
 * One that is not, kube-scheduler does not limit; here it has the limit that `allocatable` gives it, if any: of a node
 * that we planned, what its type can attach.
 */
int64_t volumes_limit(const struct volumes *volumes, struct str node, const struct resources *allocatable,
                      struct str driver);

/* Does any node say how many volumes of the driver it can have? */
bool volumes_limited(const struct volumes *volumes, struct str driver);

#endif

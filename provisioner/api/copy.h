/* copy.h - deep copies of decoded objects and their parts, so that each can be kept and given back by itself. */
#ifndef STOKER_PROVISIONER_API_COPY_H
#define STOKER_PROVISIONER_API_COPY_H

#include "base/arena.h"
#include "provisioner/api/objects.h"

/*
 * Each function is given a shallow copy of a struct and puts copies of all that it points to into the arena. Memory
 * that runs out is remembered in `failed` and asked about once, at the end; what was being copied is of no use then.
 */
struct copier {
    struct arena *arena;
    bool failed;
};

/* A copy of n items of `size` bytes; NULL if memory ran out. */
void *copy_array(struct copier *copier, const void *items, size_t n, size_t size);

void copy_text(struct copier *copier, struct str *text);
void copy_texts(struct copier *copier, const struct str **texts, size_t n);
void copy_labels(struct copier *copier, struct labels *labels);
void copy_taints(struct copier *copier, struct taints *taints);
void copy_resources(struct copier *copier, struct resources *resources);

/* Objects, without what the objects that they were read with have in common (a pod's spec, the file of an origin). */
void copy_pod(struct copier *copier, struct pod *pod);
void copy_pod_spec(struct copier *copier, struct pod_spec *spec);
void copy_node(struct copier *copier, struct node *node);
void copy_daemon_set(struct copier *copier, struct daemon_set *set);
void copy_volume_claim(struct copier *copier, struct volume_claim *claim);
void copy_volume(struct copier *copier, struct volume *volume);
void copy_storage_class(struct copier *copier, struct storage_class *class);
void copy_csi_node(struct copier *copier, struct csi_node *node);
void copy_priority_class(struct copier *copier, struct priority_class *class);
void copy_budget(struct copier *copier, struct budget *budget);
void copy_template(struct copier *copier, struct node_template *template);
void copy_provisioner(struct copier *copier, struct provisioner *provisioner);

#endif

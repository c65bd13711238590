/* copy_parts.h - the parts that copies of several objects share; private to this room. */
#ifndef STOKER_PROVISIONER_API_COPY_PARTS_H
#define STOKER_PROVISIONER_API_COPY_PARTS_H

#include "provisioner/api/copy.h"

/* As in copy.h: each replaces what it is given by a copy of it. */
void copy_label_items(struct copier *copier, const struct cloud_label **items, size_t n);
void copy_resource_items(struct copier *copier, const struct cloud_resource **items, size_t n);
void copy_requirements(struct copier *copier, struct requirements *requirements);
void copy_selector(struct copier *copier, struct selector *selector);
void copy_node_terms(struct copier *copier, const struct node_term **terms, size_t n);

#endif

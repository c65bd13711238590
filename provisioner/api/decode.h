/* decode.h - documents to objects, with every finding said by file, line and field. */
#ifndef STOKER_PROVISIONER_API_DECODE_H
#define STOKER_PROVISIONER_API_DECODE_H

#include "base/diag.h"
#include "base/doc.h"
#include "base/err.h"
#include "provisioner/api/objects.h"

/*
 * Adds one object. What is wrong with it goes to `diag` as `file:line: field: what, what is allowed`, and the object
 * is left out. Returns 0 also then: only ERR_NOMEM is an error. Kinds that play no part are counted in `ignored`;
 * NodePool and EC2NodeClass are refused with a word; a second object of the same kind, namespace and name is refused.
 */
CC_MUST_CHECK int objects_decode(struct objects *objects, const struct doc *object, const char *file, struct diag *diag,
                                 struct err *err);

/* The same for a PodDisruptionBudget, which plays no part in a plan: objects_decode counts it among `ignored`. */
CC_MUST_CHECK int objects_decode_budget(struct objects *objects, const struct doc *object, const char *file,
                                        struct diag *diag, struct err *err);

/*
 * Reads `path` (a file, a folder's *.yaml *.yml *.json in name order, or "-": `standard_input`) into objects.
 * ERR_INVALID if something was found wrong (all of it is in `diag`), ERR_NOT_FOUND if there is no such path,
 * ERR_NOMEM.
 */
CC_MUST_CHECK int objects_read_path(struct objects *objects, const char *path, struct str standard_input,
                                    struct diag *diag, struct err *err);

/*
 * Interns a spec: fills ret_id with the id of an equal spec, or of a copy of this one whose parts the caller has put
 * into objects->arena. For the decoder and for provisioner/spark.
 */
CC_MUST_CHECK int objects_intern_spec(struct objects *objects, const struct pod_spec *spec, uint32_t *ret_id,
                                      struct err *err);

/* Gives a spec that has no priority of its own that of its class, or of the default class, among those read so far. */
void priority_resolve(const struct objects *objects, struct pod_spec *spec);

#endif

/* decode_budget.c - PodDisruptionBudgets: how many of which pods may be disturbed now, as their controller says. */
#include "provisioner/api/decode_kinds.h"

int decode_budget(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), status = field_map(object, "status");
    struct field selector = field_map(&spec, "selector"), allowed = field_any(&status, "disruptionsAllowed");
    struct objects *objects = object->decode->objects;
    struct budget budget = {.namespace_ = metadata->namespace_, .name = metadata->name};
    field_int(&allowed, 0, INT32_MAX, &budget.disruptions_allowed);
    int rc = decode_selector(&selector, NULL, 0, &budget.selector, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->budgets, budget) ? 0 : err_nomem(err);
}

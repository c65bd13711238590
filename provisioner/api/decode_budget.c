/* decode_budget.c - PodDisruptionBudgets: how many of which pods may be disturbed now, as their controller says. */
#include "provisioner/api/decode_kinds.h"
#include "provisioner/api/decode_status.h"

/*
 * unhealthyPodEvictionPolicy: AlwaysAllow; or, by default, as long as enough others are healthy. Source: Kubernetes,
 * "Specifying a Disruption Budget for your Application", and the API server's eviction.go.
 */
static bool unhealthy_may_go(const struct doc *object)
{
    const struct doc *status = doc_get(object, "status");
    int64_t desired = status_int(status, "desiredHealthy");
    return str_is(status_text(doc_get(object, "spec"), "unhealthyPodEvictionPolicy"), "AlwaysAllow") ||
           (desired > 0 && status_int(status, "currentHealthy") >= desired);
}

int decode_budget(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field spec = field_map(object, "spec"), status = field_map(object, "status");
    struct field selector = field_map(&spec, "selector"), allowed = field_any(&status, "disruptionsAllowed");
    struct objects *objects = object->decode->objects;
    struct budget budget = {.namespace_ = metadata->namespace_, .name = metadata->name};
    field_int(&allowed, 0, INT32_MAX, &budget.disruptions_allowed);
    budget.unhealthy_may_go = unhealthy_may_go(object->doc);
    int rc = decode_selector(&selector, NULL, 0, &budget.selector, err);
    if (rc < 0 || metadata_spoiled(metadata))
        return rc;
    return VEC_PUSH(&objects->budgets, budget) ? 0 : err_nomem(err);
}

/* blocked.c - pods that nobody may disturb of their own will. */
#include "provisioner/lifecycle/controllers.h"
#include "provisioner/lifecycle/node_change.h"

const char *disruption_blocked(const struct view *view, uint32_t pod_index)
{
    const struct pod *pod = &view->objects.pods.items[pod_index];
    if (pod_of_node(pod) || pod_ended(pod) || pod->deleting)
        return NULL;
    if (pod->do_not_disrupt)
        return "a pod on it is marked as not to be disrupted";
    if (pod->role == SPARK_DRIVER)
        return "a Spark driver runs on it: its loss would be the job's";
    /* Executors in client mode have no owner, yet come again: their driver is outside the cluster. */
    if (!pod->has_controller && pod->role != SPARK_EXECUTOR)
        return "a pod on it has no controller that would make it anew";
    return NULL;
}

/* As the API server decides about an eviction: of pods that do not run yet, or are going, no budget is asked. */
const char *disruption_forbidden(const struct view *view, uint32_t pod_index)
{
    const struct pod *pod = &view->objects.pods.items[pod_index];
    if (pod->phase == POD_PENDING || pod->deleting)
        return NULL;
    for (size_t i = 0; i < view->n_budgets; i++) {
        const struct budget *budget = &view->budgets[i];
        bool spared = budget->unhealthy_may_go && !pod->ready;
        if (budget->disruptions_allowed <= 0 && !spared && str_eq(budget->namespace_, pod->namespace_) &&
            selector_matches(&budget->selector, &pod->labels))
            return "a PodDisruptionBudget allows no disruption now";
    }
    return NULL;
}

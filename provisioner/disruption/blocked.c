/* blocked.c - pods that nobody may disturb of their own will. */
#include "provisioner/lifecycle/controllers.h"
#include "provisioner/lifecycle/node_change.h"

const char *disruption_blocked(const struct view *view, uint32_t pod_index)
{
    const struct pod *pod = &view->objects.pods.items[pod_index];
    if (pod_of_node(pod) || pod_ended(pod))
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

#include "tests/support/state_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/doc.h"

static enum cluster_kind kind_of(const struct doc *object)
{
    static const struct {
        const char *version, *kind;
        enum cluster_kind is;
    } kinds[] = {
        {"v1", "Pod", CLUSTER_POD},
        {"v1", "Node", CLUSTER_NODE},
        {"apps/v1", "DaemonSet", CLUSTER_DAEMON_SET},
        {"v1", "PersistentVolumeClaim", CLUSTER_VOLUME_CLAIM},
        {"v1", "PersistentVolume", CLUSTER_VOLUME},
        {"storage.k8s.io/v1", "StorageClass", CLUSTER_STORAGE_CLASS},
        {"storage.k8s.io/v1", "CSINode", CLUSTER_CSI_NODE},
        {"scheduling.k8s.io/v1", "PriorityClass", CLUSTER_PRIORITY_CLASS},
        {"policy/v1", "PodDisruptionBudget", CLUSTER_DISRUPTION_BUDGET},
        {"stoker.sh/v1alpha1", "Provisioner", CLUSTER_PROVISIONER},
        {"stoker.sh/v1alpha1", "NodeTemplate", CLUSTER_NODE_TEMPLATE},
        {"stoker.sh/v1alpha1", "NodeClaim", CLUSTER_NODE_CLAIM},
        {"karpenter.sh/v1alpha5", "Provisioner", CLUSTER_KARPENTER_PROVISIONER},
        {"karpenter.k8s.aws/v1alpha1", "AWSNodeTemplate", CLUSTER_KARPENTER_TEMPLATE},
    };
    const struct doc *kind = doc_get(object, "kind"), *version = doc_get(object, "apiVersion");
    for (size_t i = 0; kind && version && i < CC_COUNT(kinds); i++)
        if (str_is(kind->text, kinds[i].kind) && str_is(version->text, kinds[i].version))
            return kinds[i].is;
    fail_msg("a document without a kind that is watched");
    return CLUSTER_WATCHED;
}

void state_tell(struct state *state, const struct doc *object)
{
    struct cluster_sink sink = state_sink(state);
    sink.put(sink.context, kind_of(object), object);
}

static int on_watched(void *context, const struct doc *object, struct err *err)
{
    (void)err;
    state_tell(context, object);
    return 0;
}

static int on_answer(void *context, const struct doc *object, struct err *err)
{
    (void)err;
    state_put(context, kind_of(object), object);
    return 0;
}

static void read_yaml(struct state *state, const char *yaml, doc_object_fn on_object)
{
    struct err err = {0};
    if (doc_read(str_of(yaml), "state.yaml", on_object, state, &err) < 0)
        fail_msg("%s", err.message);
}

void state_put_yaml(struct state *state, const char *yaml)
{
    read_yaml(state, yaml, on_watched);
}

void state_answer_yaml(struct state *state, const char *yaml)
{
    read_yaml(state, yaml, on_answer);
}

void state_put_fmt(struct state *state, const char *fmt, ...)
{
    char yaml[8192];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(yaml, sizeof(yaml), fmt, args);
    va_end(args);
    assert_in_range(n, 0, sizeof(yaml) - 1);
    state_put_yaml(state, yaml);
}

void state_list_all(struct state *state)
{
    struct cluster_sink sink = state_sink(state);
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++)
        sink.listed(sink.context, (enum cluster_kind)kind);
}

void state_gone(struct state *state, enum cluster_kind kind, const char *namespace_, const char *name, const char *uid)
{
    struct cluster_sink sink = state_sink(state);
    sink.gone(sink.context, kind, str_of(namespace_), str_of(name), str_of(uid));
}

/* fake_cluster_tools.c - what tests do with the server beyond its own calls: kubelets' part, looking, counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/doc_edit.h"
#include "tests/support/fake_cluster.h"

void fake_cluster_join(struct fake_cluster *fake, const struct fake_node *node)
{
    const char *cpu = node->cpu && *node->cpu ? node->cpu : "16";
    const char *memory = node->memory && *node->memory ? node->memory : "64Gi";
    fake_cluster_applyf(
        fake,
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: %s\n  labels: {kubernetes.io/hostname: %s, kubernetes.io/arch: "
        "amd64, kubernetes.io/os: linux, node.kubernetes.io/instance-type: %s, topology.kubernetes.io/zone: %s}\n"
        "spec:\n  providerID: %s\n  taints:\n  - {key: node.kubernetes.io/not-ready, effect: NoSchedule}\n%s"
        "status:\n  capacity: {cpu: '%s', memory: %s, pods: '110'}\n  allocatable: {cpu: '%s', memory: %s, pods: "
        "'110'}\n  conditions: [{type: Ready, status: 'False'}]\n",
        node->name, node->name, node->instance_type, node->zone, node->provider_id,
        node->placing ? "  - {key: stoker.sh/placing, effect: NoSchedule}\n" : "", cpu, memory, cpu, memory);
}

void fake_cluster_ready(struct fake_cluster *fake, const char *name, bool ready)
{
    const struct doc *node = fake_cluster_get(fake, CLUSTER_NODE, "", name);
    char taints[2048] = "";
    size_t at = 0;
    const struct doc *old = doc_at(node, "spec.taints");
    /* The node lifecycle controller's share: its taint comes and goes with the condition. */
    DOC_EACH (taint, old)
        if (!str_is(doc_text_at(taint, "key"), "node.kubernetes.io/not-ready"))
            at += (size_t)snprintf(taints + at, sizeof(taints) - at,
                                   "%s{\"key\": \"%.*s\", \"value\": \"%.*s\", \"effect\": \"%.*s\"}", at ? ", " : "",
                                   STR_ARG(doc_text_at(taint, "key")), STR_ARG(doc_text_at(taint, "value")),
                                   STR_ARG(doc_text_at(taint, "effect")));
    if (!ready)
        snprintf(taints + at, sizeof(taints) - at,
                 "%s{\"key\": \"node.kubernetes.io/not-ready\", \"effect\": \"NoSchedule\"}", at ? ", " : "");
    fake_cluster_patch(fake, CLUSTER_NODE, "", name,
                       "{\"spec\": {\"taints\": [%s]}, \"status\": {\"conditions\": [{\"type\": \"Ready\", \"status\": "
                       "\"%s\"}]}}",
                       taints, ready ? "True" : "False");
}

void fake_cluster_finish(struct fake_cluster *fake, const char *namespace_, const char *pod, const char *phase)
{
    char now[CLOCK_TEXT_BYTES];
    clock_text_seconds(fake->loop->clock->wall(fake->loop->clock->context), now);
    fake_cluster_patch(fake, CLUSTER_POD, namespace_, pod,
                       "{\"status\": {\"phase\": \"%s\", \"containerStatuses\": [{\"name\": \"main\", \"state\": "
                       "{\"terminated\": {\"exitCode\": 0, \"finishedAt\": \"%s\"}}}]}}",
                       phase, now);
}

struct str fake_cluster_text(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_,
                             const char *name, const char *path)
{
    return doc_text_at(fake_cluster_get(fake, kind, namespace_, name), path);
}

static void count_one(void *context, const struct doc *object)
{
    (void)object;
    ++*(size_t *)context;
}

size_t fake_cluster_count(struct fake_cluster *fake, enum cluster_kind kind)
{
    size_t n = 0;
    fake_cluster_each(fake, kind, count_one, &n);
    return n;
}

struct event_count {
    const char *object, *reason;
    size_t n;
};

static void count_event(void *context, const struct doc *event)
{
    struct event_count *count = context;
    bool object = !*count->object || str_is(doc_text_at(event, "involvedObject.name"), count->object);
    count->n += object && (!*count->reason || str_is(doc_text_at(event, "reason"), count->reason));
}

size_t fake_cluster_events(struct fake_cluster *fake, const char *object, const char *reason)
{
    struct event_count count = {object, reason, 0};
    fake_cluster_each(fake, CLUSTER_EVENT, count_event, &count);
    return count.n;
}

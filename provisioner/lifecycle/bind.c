#include "provisioner/lifecycle/bind.h"

#include <stdlib.h>

#include "base/json_out.h"

struct binding {
    struct bindings *all;
    struct state *state;
    struct binding *next, *previous;
    struct arena arena; /* owns the texts */
    struct str namespace_, name, uid, node;
    struct clock_wall created;
};

static void binding_free(struct binding *binding)
{
    if (binding->previous)
        binding->previous->next = binding->next;
    else
        binding->all->first = binding->next;
    if (binding->next)
        binding->next->previous = binding->previous;
    arena_release(&binding->arena);
    free(binding);
}

void bindings_release(struct bindings *bindings)
{
    while (bindings->first)
        binding_free(bindings->first);
}

static struct binding *binding_new(struct bindings *bindings, const struct pod *pod, struct str node)
{
    struct binding *binding = calloc(1, sizeof(*binding));
    if (!binding)
        return NULL;
    binding->all = bindings;
    binding->next = bindings->first;
    if (bindings->first)
        bindings->first->previous = binding;
    bindings->first = binding;
    binding->created = pod->created;
    binding->namespace_ = str_dup(&binding->arena, pod->namespace_);
    binding->name = str_dup(&binding->arena, pod->name);
    binding->uid = str_dup(&binding->arena, pod->uid);
    binding->node = str_dup(&binding->arena, node);
    if (binding->namespace_.ptr && binding->name.ptr && binding->uid.ptr && binding->node.ptr)
        return binding;
    binding_free(binding);
    return NULL;
}

static void on_bound(struct control *control, void *context, const struct cluster_answer *answer)
{
    struct binding *binding = context;
    const struct control_effects *effects = control_effects(control);
    struct clock_wall now = effects->loop->clock->wall(effects->loop->clock->context);
    /* Refused: another was quicker, or the pod is gone; the watch will tell, and the next pass decides anew. */
    if (!answer->err) {
        /* The watch tells of it too, a little later. */
        state_assume_bound(binding->state, binding->namespace_, binding->name, binding->uid, binding->node);
        if (binding->created.ns)
            metrics_observe(effects->metrics, METRIC_BOUND_SECONDS, NULL, (double)(now.ns - binding->created.ns) / 1e9);
    }
    binding_free(binding);
}

static int write_binding(struct pass *pass, const struct pod *pod, struct str node, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(pass->arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "apiVersion", STR("v1"));
    json_str(&json, "kind", STR("Binding"));
    json_open_map(&json, "metadata");
    json_str(&json, "name", pod->name);
    json_str(&json, "namespace", pod->namespace_);
    json_str(&json, "uid", pod->uid);
    json_close_map(&json);
    json_open_map(&json, "target");
    json_str(&json, "apiVersion", STR("v1"));
    json_str(&json, "kind", STR("Node"));
    json_str(&json, "name", node);
    json_close_map(&json);
    json_close_map(&json);
    return buf_str(&buf, ret, err);
}

int bind_pod(struct pass *pass, struct bindings *bindings, const struct pod *pod, struct str node, struct err *err)
{
    if (!control_may_act(pass->control) || control_busy(pass->control, CLUSTER_POD, pod->namespace_, pod->name))
        return 0;
    struct cluster_request request = {
        .verb = CLUSTER_BIND, .kind = CLUSTER_POD, .namespace_ = pod->namespace_, .name = pod->name};
    int code = write_binding(pass, pod, node, &request.body, err);
    if (code)
        return code;
    struct binding *binding = binding_new(bindings, pod, node);
    if (!binding)
        return err_nomem(err);
    binding->state = pass->state;
    code = control_write(pass->control, &request, "bind", on_bound, binding, err);
    if (code)
        binding_free(binding);
    return code;
}

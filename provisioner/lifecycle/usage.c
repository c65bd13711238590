/* usage.c - adds up the capacity of a Provisioner's nodes. */
#include "provisioner/lifecycle/usage.h"

#include "provisioner/api/label_keys.h"

struct sum {
    struct arena *arena;
    struct cloud_resource *items; /* [n] sorted by name */
    size_t n;
};

static bool add_resource(struct sum *sum, const struct cloud_resource *resource)
{
    size_t at = 0;
    while (at < sum->n && str_cmp(sum->items[at].name, resource->name) < 0)
        at++;
    if (at < sum->n && str_eq(sum->items[at].name, resource->name)) {
        sum->items[at].amount += resource->amount;
        return true;
    }
    struct cloud_resource *items = arena_array(sum->arena, struct cloud_resource, sum->n + 1);
    if (!items)
        return false;
    for (size_t i = 0; i < sum->n; i++)
        items[i < at ? i : i + 1] = sum->items[i];
    items[at] = *resource;
    sum->items = items;
    sum->n++;
    return true;
}

static bool add_resources(struct sum *sum, const struct resources *resources)
{
    for (size_t i = 0; i < resources->n; i++)
        if (!add_resource(sum, &resources->items[i]))
            return false;
    return true;
}

/* A machine without a node: it drains before it joined, or its node was deleted first. */
static bool is_left_over(const struct view_claim *claim)
{
    return claim->node == VIEW_NONE && claim->claim->instance_id.len > 0;
}

int provisioner_usage(const struct pass *pass, struct str provisioner, struct resources *ret, struct err *err)
{
    const struct view *view = &pass->view;
    struct sum sum = {.arena = pass->arena};
    bool good = true;
    for (size_t i = 0; i < view->objects.nodes.len && good; i++) {
        const struct node *node = &view->objects.nodes.items[i];
        const struct str *owner = labels_get(&node->labels, STR(LABEL_PROVISIONER));
        if (owner && str_eq(*owner, provisioner))
            good = add_resources(&sum, &node->capacity);
    }
    for (uint32_t i = 0; i < view->n_claims && good; i++)
        if (is_left_over(&view->claims[i]) && str_eq(view->claims[i].claim->provisioner, provisioner))
            good = add_resources(&sum, &view->claims[i].claim->capacity);
    if (!good)
        return err_nomem(err);
    *ret = (struct resources){sum.items, sum.n};
    return 0;
}

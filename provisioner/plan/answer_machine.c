/* answer_machine.c - what can be said of a new node before the cloud has chosen its pool. */
#include <stdlib.h>

#include "provisioner/api/label_keys.h"
#include "provisioner/plan/context.h"

struct machinist {
    const struct planner_context *context;
    const struct draft_group *group;
    struct answer_machine *machine;
    struct err *err;
};

static const struct supply_offering *offering_at(const struct machinist *m, size_t i)
{
    uint32_t j = i == 0 ? m->group->offering : m->group->alternatives[i - 1];
    return &m->context->market.supply.offerings[j];
}

static const struct cloud_type *type_at(const struct machinist *m, size_t i)
{
    return &m->context->catalogue->types[offering_at(m, i)->type];
}

static int by_key(const void *left, const void *right)
{
    const struct cloud_label *a = left, *b = right;
    return str_cmp(a->key, b->key);
}

/* A label of the first type that all others have too. */
static bool shared_by_all(const struct machinist *m, const struct cloud_label *label)
{
    if (str_is(label->key, LABEL_INSTANCE_TYPE))
        return false;
    for (size_t i = 1; i <= m->group->n_alternatives; i++) {
        const struct str *value = cloud_type_label(type_at(m, i), label->key);
        if (!value || !str_eq(*value, label->value))
            return false;
    }
    return true;
}

static bool has_key(const struct cloud_label *labels, size_t n, struct str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(labels[i].key, key))
            return true;
    return false;
}

static int find_labels(struct machinist *m)
{
    const struct planner_context *context = m->context;
    const struct supply_offering *chosen = offering_at(m, 0);
    const struct labels *given = &context->market.supply.variants[chosen->variant].labels;
    const struct cloud_type *type = type_at(m, 0);
    bool spot = chosen->capacity_type == CLOUD_SPOT;
    const struct cloud_label own[] = {
        {STR(LABEL_PROVISIONER), context->objects->provisioners.items[chosen->provisioner].name},
        {STR(LABEL_CAPACITY_TYPE), str_of(cloud_capacity_type_name(chosen->capacity_type))},
        {STR(LABEL_EKS_CAPACITY), spot ? STR("SPOT") : STR("ON_DEMAND")},
        {STR(LABEL_REGION), context->catalogue->region},
    };
    struct cloud_label *labels =
        arena_array(context->arena, struct cloud_label, CC_COUNT(own) + given->n + type->n_labels);
    if (!labels)
        return err_nomem(m->err);
    size_t n = 0;
    for (size_t i = 0; i < CC_COUNT(own); i++)
        if (own[i].value.len)
            labels[n++] = own[i];
    for (size_t i = 0; i < given->n; i++)
        if (!has_key(labels, n, given->items[i].key))
            labels[n++] = given->items[i];
    for (size_t i = 0; i < type->n_labels; i++)
        if (shared_by_all(m, &type->labels[i]) && !has_key(labels, n, type->labels[i].key))
            labels[n++] = type->labels[i];
    qsort(labels, n, sizeof(*labels), by_key);
    m->machine->labels = labels;
    m->machine->n_labels = n;
    m->machine->given = given->items;
    m->machine->n_given = given->n;
    return 0;
}

static struct cloud_resource *find_resource(struct cloud_resource *items, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i].name, name))
            return &items[i];
    return NULL;
}

/* The most of each resource that any has. `into` has room for them. */
static void take_most(struct cloud_resource *into, size_t *n, const struct cloud_resource *from, size_t n_from)
{
    for (size_t i = 0; i < n_from; i++) {
        struct cloud_resource *found = find_resource(into, *n, from[i].name);
        if (!found)
            into[(*n)++] = from[i];
        else if (from[i].amount > found->amount)
            found->amount = from[i].amount;
    }
}

/* The least of each resource that all have. */
static void take_least(struct cloud_resource *into, size_t *n, struct cloud_resource *from, size_t n_from)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        const struct cloud_resource *found = find_resource(from, n_from, into[i].name);
        if (!found)
            continue;
        into[kept] = into[i];
        into[kept].amount = found->amount < into[i].amount ? found->amount : into[i].amount;
        kept++;
    }
    *n = kept;
}

static int by_name(const void *left, const void *right)
{
    const struct cloud_resource *a = left, *b = right;
    return str_cmp(a->name, b->name);
}

/* Sorted by name, without zero amounts, as struct resources has them. */
static void tidy(struct cloud_resource *items, size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (items[i].amount > 0)
            items[kept++] = items[i];
    *n = kept;
    qsort(items, kept, sizeof(*items), by_name);
}

static int find_resources(struct machinist *m)
{
    const struct planner_context *context = m->context;
    const struct provisioner *provisioner = &context->objects->provisioners.items[m->machine->provisioner];
    struct cloud_disk disk;
    int code = supply_disk(context->objects, provisioner, &disk, m->err);
    struct cloud_resource *least = NULL, *most = NULL;
    size_t n_least = 0, n_most = 0;
    for (size_t i = 0; i <= m->group->n_alternatives && !code; i++) {
        struct cloud_resource *capacity, *allocatable;
        size_t n;
        code = context->catalogue->node_resources(type_at(m, i), &provisioner->kubelet, &disk, context->arena,
                                                  &capacity, &allocatable, &n, m->err);
        if (code)
            return code;
        struct cloud_resource *wider = arena_array(context->arena, struct cloud_resource, n_most + n);
        if (!wider)
            return err_nomem(m->err);
        for (size_t k = 0; k < n_most; k++)
            wider[k] = most[k];
        most = wider;
        take_most(most, &n_most, capacity, n);
        if (i == 0) {
            least = allocatable;
            n_least = n;
        } else {
            take_least(least, &n_least, allocatable, n);
        }
    }
    if (code)
        return code;
    tidy(least, &n_least);
    tidy(most, &n_most);
    m->machine->allocatable = least;
    m->machine->n_allocatable = n_least;
    m->machine->capacity = most;
    m->machine->n_capacity = n_most;
    return 0;
}

int planner_machine(const struct planner_context *context, const struct draft_group *group,
                    const struct answer_machine **ret, struct err *err)
{
    struct answer_machine *machine = arena_new(context->arena, struct answer_machine);
    if (!machine)
        return err_nomem(err);
    struct machinist m = {context, group, machine, err};
    machine->provisioner = offering_at(&m, 0)->provisioner;
    for (size_t i = 0; i <= group->n_alternatives; i++)
        if (offering_at(&m, i)->price_microusd > machine->worst_microusd)
            machine->worst_microusd = offering_at(&m, i)->price_microusd;
    int code = find_labels(&m);
    if (!code)
        code = find_resources(&m);
    if (!code)
        *ret = machine;
    return code;
}

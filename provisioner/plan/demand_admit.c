/* demand_admit.c - where a shape may go: its constraints narrow all offerings and all nodes, one after another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/quantity.h"
#include "provisioner/plan/demand_internal.h"

static bool is_spot_node(const struct node *node)
{
    const struct str *type = labels_get(&node->labels, STR("karpenter.sh/capacity-type"));
    if (!type)
        type = labels_get(&node->labels, STR("eks.amazonaws.com/capacityType"));
    return type && (str_is(*type, "spot") || str_is(*type, "SPOT"));
}

/* Drivers stay off spot nodes unless they, or the node's Provisioner, say otherwise. */
static int find_driver_nodes(struct demand_admission *a, struct err *err)
{
    const struct demand *demand = a->demand;
    uint64_t *set = arena_array(a->arena, uint64_t, BITSET_WORDS(demand->n_nodes));
    if (!set)
        return err_nomem(err);
    for (size_t n = 0; n < demand->n_nodes; n++) {
        uint32_t owner = demand->nodes[n].provisioner;
        bool allowed =
            owner != SOLVER_NONE && demand->objects->provisioners.items[owner].driver_capacity != ROLE_ON_DEMAND;
        if (allowed || !is_spot_node(demand->nodes[n].node))
            bitset_add(set, n);
    }
    a->driver_nodes = set;
    return 0;
}

/* Numbers the distinct allocatable vectors, so that a size is compared with each only once. */
static int number_allocs(struct demand_admission *a, struct err *err)
{
    const struct supply *supply = a->demand->supply;
    a->alloc_kind = arena_array(a->arena, uint32_t, supply->n);
    a->allocs = arena_array(a->arena, const int64_t *, supply->n);
    if (!a->alloc_kind || !a->allocs)
        return err_nomem(err);
    struct intern kinds = {0};
    int code = 0;
    for (size_t o = 0; o < supply->n && code == 0; o++) {
        const int64_t *alloc = supply->offerings[o].alloc;
        code = intern_add(&kinds, (struct str){(const char *)alloc, supply->dims->n * sizeof(*alloc)},
                          &a->alloc_kind[o], err);
        if (code == 0 && a->alloc_kind[o] == a->n_allocs)
            a->allocs[a->n_allocs++] = alloc;
    }
    intern_release(&kinds);
    return code;
}

int demand_admission_init(struct demand_admission *admission, struct demand *demand, struct demand_volumes *volumes,
                          struct arena *arena, struct err *err)
{
    *admission = (struct demand_admission){.demand = demand, .volumes = volumes, .arena = arena};
    if (node_sets_of_demand(&admission->nodes, demand, arena, err) < 0 || find_driver_nodes(admission, err) < 0 ||
        number_allocs(admission, err) < 0)
        return ERR_NOMEM;
    size_t words = BITSET_WORDS(demand->supply->n);
    admission->fits = arena_array(arena, uint8_t, admission->n_allocs);
    admission->scratch = arena_array(arena, uint64_t, words);
    admission->best = arena_array(arena, uint64_t, words);
    return admission->fits && admission->scratch && admission->best ? 0 : err_nomem(err);
}

void demand_admission_release(struct demand_admission *admission)
{
    node_sets_release(&admission->nodes);
}

static bool no_more_than(const int64_t *req, const int64_t *room, uint32_t n_dims)
{
    for (uint32_t d = 0; d < n_dims; d++)
        if (req[d] > room[d])
            return false;
    return true;
}

static void note_sizes(struct demand_admission *a, const int64_t *req)
{
    for (size_t k = 0; k < a->n_allocs; k++)
        a->fits[k] = no_more_than(req, a->allocs[k], a->demand->dims->n);
}

/* into &= offerings that are large enough for the size last noted. */
static void and_sizes(const struct demand_admission *a, uint64_t *into)
{
    BITSET_EACH (o, into, a->demand->supply->n)
        if (!a->fits[a->alloc_kind[o]])
            bitset_remove(into, o);
}

/* 15890 as "15.89". */
static const char *cores_text(int64_t milli, char text[QUANTITY_TEXT_MAX])
{
    int len = snprintf(text, QUANTITY_TEXT_MAX, "%lld.%03lld", (long long)(milli / 1000), (long long)(milli % 1000));
    while (len > 0 && text[len - 1] == '0')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '.')
        text[len - 1] = '\0';
    return text;
}

static const char *amount_text(uint32_t dim, struct str name, int64_t amount, char text[QUANTITY_TEXT_MAX])
{
    if (dim == DIM_CPU)
        return cores_text(amount, text);
    if (dim == DIM_MEMORY || str_is(name, "ephemeral-storage") || str_starts(name, "hugepages-"))
        return quantity_bytes_text(amount, text);
    snprintf(text, QUANTITY_TEXT_MAX, "%lld", (long long)amount);
    return text;
}

/* The first resource that no admitted offering has enough of; else all together do not fit on one. */
static const char *size_reason(const struct demand_admission *a, const uint64_t *admitted, const int64_t *req)
{
    const struct demand *demand = a->demand;
    char need[QUANTITY_TEXT_MAX], have[QUANTITY_TEXT_MAX];
    for (uint32_t d = 0; d < demand->dims->n; d++) {
        int64_t largest = 0;
        BITSET_EACH (o, admitted, demand->supply->n)
            if (demand->supply->offerings[o].alloc[d] > largest)
                largest = demand->supply->offerings[o].alloc[d];
        struct str name = demand->dims->names[d];
        if (req[d] > largest && largest == 0)
            return arena_printf(a->arena, "no admitted instance type has %.*s: needs %s", STR_ARG(name),
                                amount_text(d, name, req[d], need));
        if (req[d] > largest)
            return arena_printf(a->arena,
                                "no instance type is large enough: needs %.*s %s, the largest admitted has %s",
                                STR_ARG(name), amount_text(d, name, req[d], need), amount_text(d, name, largest, have));
    }
    return arena_printf(a->arena,
                        "no admitted instance type is large enough for all of its requests at once: "
                        "cpu %s with memory %s",
                        cores_text(req[DIM_CPU], need), quantity_bytes_text(req[DIM_MEMORY], have));
}

/* Says why a requirement leaves nothing: nobody has the label, nobody has the value, or earlier ones exclude it. */
static const char *requirement_reason(const struct demand_admission *a, const char *what,
                                      const struct requirement *requirement, const uint64_t *meeting)
{
    const struct supply *supply = a->demand->supply;
    const char *text = requirement_text(requirement, a->arena);
    if (!text)
        return NULL;
    if (!bitset_empty(meeting, supply->n))
        return arena_printf(a->arena, "%s %s: no offering that meets the pod's other constraints has it", what, text);
    bool known = false;
    for (size_t o = 0; o < supply->n && !known; o++)
        known = supply_label(supply, o, requirement->key) != NULL;
    if (!known && !str_is(requirement->key, "kubernetes.io/hostname"))
        return arena_printf(a->arena, "%s %s: no Provisioner defines the label %.*s", what, text,
                            STR_ARG(requirement->key));
    return arena_printf(a->arena, "%s %s: no Provisioner offers it", what, text);
}

/* into &= offerings that meet all. Sets *reason when nothing is left, if it was NULL. */
static int and_requirements(struct demand_admission *a, const char *what, const struct requirements *requirements,
                            uint64_t *into, const char **reason, struct err *err)
{
    struct supply *supply = a->demand->supply;
    for (size_t i = 0; i < requirements->n; i++) {
        const uint64_t *meeting = supply_meeting(supply, &requirements->items[i]);
        if (!meeting)
            return err_nomem(err);
        bitset_and(into, meeting, supply->n);
        if (!bitset_empty(into, supply->n) || *reason)
            continue;
        *reason = requirement_reason(a, what, &requirements->items[i], meeting);
        if (!*reason)
            return err_nomem(err);
    }
    return 0;
}

/* A new node's name is not known: no field can be met, but any can be missed. */
static bool fields_met_by_new_node(const struct requirements *fields)
{
    for (size_t i = 0; i < fields->n; i++)
        if (!requirement_met(&fields->items[i], NULL))
            return false;
    return true;
}

static bool is_empty_term(const struct node_term *term)
{
    return !term->labels.n && !term->fields.n;
}

/* into &= offerings that meet some of the rule's terms. */
static int and_volume_rule(struct demand_admission *a, const struct volume_rule *rule, uint64_t *into,
                           const char **reason, struct err *err)
{
    struct supply *supply = a->demand->supply;
    uint64_t *any = arena_array(a->arena, uint64_t, BITSET_WORDS(supply->n));
    if (!any)
        return err_nomem(err);
    const char *last = *reason;
    for (size_t t = 0; t < rule->n_terms; t++) {
        if (is_empty_term(&rule->terms[t]) || !fields_met_by_new_node(&rule->terms[t].fields))
            continue;
        bitset_copy(a->scratch, into, supply->n);
        if (and_requirements(a, "its volume's node affinity", &rule->terms[t].labels, a->scratch, &last, err) < 0)
            return ERR_NOMEM;
        bitset_or(any, a->scratch, supply->n);
    }
    bitset_copy(into, any, supply->n);
    if (bitset_empty(into, supply->n) && !*reason)
        *reason = last ? last : "its volume's node affinity names nodes that do not exist";
    return 0;
}

/*
 * The first term that leaves an offering large enough is taken, from term `from` on; with `any` all of them: a node
 * needs to meet only one.
 */
static int and_first_term(struct demand_admission *a, const struct pod_spec *spec, size_t from, bool any,
                          const int64_t *req, uint64_t *into, const char **reason, struct err *err)
{
    size_t n = a->demand->supply->n;
    const char *first = NULL;
    uint64_t *found = arena_array(a->arena, uint64_t, BITSET_WORDS(n));
    if (!found)
        return err_nomem(err);
    for (size_t t = from; t < spec->n_node_terms && (any || bitset_empty(found, n)); t++) {
        const struct node_term *term = &spec->node_terms[t];
        if (is_empty_term(term) || !fields_met_by_new_node(&term->fields))
            continue;
        bitset_copy(a->scratch, into, n);
        const char *why = NULL;
        if (and_requirements(a, "required node affinity", &term->labels, a->scratch, &why, err) < 0)
            return ERR_NOMEM;
        bitset_copy(a->best, a->scratch, n);
        and_sizes(a, a->scratch);
        bitset_or(found, a->scratch, n);
        if (!bitset_empty(a->scratch, n))
            continue;
        if (!why && !(why = size_reason(a, a->best, req)))
            return err_nomem(err);
        if (!first)
            first = why;
    }
    bitset_copy(into, found, n);
    if (bitset_empty(found, n) && !*reason)
        *reason = first ? first : "required node affinity: it has no term that a new node can meet";
    return 0;
}

/* What the Provisioner's setting for the pod's role leaves, if it leaves anything. */
static void prefer_role_capacity(const struct demand_admission *a, enum spark_role role, uint64_t *into)
{
    const struct supply *supply = a->demand->supply;
    bitset_clear(a->scratch, supply->n);
    BITSET_EACH (o, into, supply->n) {
        const struct provisioner *p = &supply->objects->provisioners.items[supply->offerings[o].provisioner];
        enum role_capacity want = role == SPARK_DRIVER ? p->driver_capacity : p->executor_capacity;
        bool spot = supply->offerings[o].capacity_type == CLOUD_SPOT;
        if (want == ROLE_ANY || (want == ROLE_SPOT) == spot)
            bitset_add(a->scratch, o);
    }
    if (!bitset_empty(a->scratch, supply->n))
        bitset_copy(into, a->scratch, supply->n);
}

struct preference {
    const struct preferred_node_term *term;
    size_t order;
};

/* Heaviest first; equal ones as written. */
static int compare_preference(const void *a, const void *b)
{
    const struct preference *x = a, *y = b;
    if (x->term->weight != y->term->weight)
        return x->term->weight < y->term->weight ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Keeps the heaviest preferences that leave an offering when all are taken for required; drops the lightest first. */
static int and_preferences(struct demand_admission *a, const struct pod_spec *spec, uint32_t relaxed, uint64_t *into,
                           uint32_t *ret_dropped, struct err *err)
{
    struct supply *supply = a->demand->supply;
    struct preference *order = arena_array(a->arena, struct preference, spec->n_preferred_nodes);
    if (!order)
        return err_nomem(err);
    for (size_t i = 0; i < spec->n_preferred_nodes; i++)
        order[i] = (struct preference){&spec->preferred_nodes[i], i};
    if (spec->n_preferred_nodes)
        qsort(order, spec->n_preferred_nodes, sizeof(*order), compare_preference);
    const char *unused = ""; /* no reason is asked for: a preference refuses nobody */
    *ret_dropped = relaxed;
    for (size_t kept = spec->n_preferred_nodes - relaxed; kept > 0; kept--) {
        bitset_copy(a->scratch, into, supply->n);
        for (size_t i = 0; i < kept; i++) {
            const struct node_term *term = &order[i].term->term;
            if (!fields_met_by_new_node(&term->fields))
                bitset_clear(a->scratch, supply->n);
            else if (and_requirements(a, "", &term->labels, a->scratch, &unused, err) < 0)
                return ERR_NOMEM;
        }
        if (!bitset_empty(a->scratch, supply->n)) {
            bitset_copy(into, a->scratch, supply->n);
            return 0;
        }
        (*ret_dropped)++;
    }
    return 0;
}

static const char *taint_reason(const struct demand_admission *a)
{
    const struct objects *objects = a->demand->objects;
    if (!objects->provisioners.len)
        return "there is no Provisioner";
    if (!a->demand->supply->n)
        return "no Provisioner admits any offering of the region";
    for (size_t p = 0; p < objects->provisioners.len; p++) {
        const struct provisioner *provisioner = &objects->provisioners.items[p];
        if (provisioner->taints.n)
            return arena_printf(a->arena,
                                "no Provisioner has only taints that it tolerates: Provisioner %.*s has %.*s=%.*s",
                                STR_ARG(provisioner->name), STR_ARG(provisioner->taints.items[0].key),
                                STR_ARG(provisioner->taints.items[0].value));
    }
    return "no Provisioner's taints are tolerated";
}

/* Everything for new nodes. *reason is set exactly if nothing is left. */
static int admit_offerings(struct demand_admission *a, const struct volume_set *volumes, struct demand_shape *shape,
                           uint64_t *into, const char **reason, struct err *err)
{
    const struct pod_spec *spec = shape->spec;
    struct supply *supply = a->demand->supply;
    supply_tolerated(supply, spec->tolerations, spec->n_tolerations, into);
    if (bitset_empty(into, supply->n) && !(*reason = taint_reason(a)))
        return err_nomem(err);
    if (and_requirements(a, "node selector", &spec->node_selector, into, reason, err) < 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < volumes->n; i++)
        if (and_volume_rule(a, &a->volumes->rules.items[volumes->rules[i]], into, reason, err) < 0)
            return ERR_NOMEM;
    note_sizes(a, shape->req);
    bool all = shape->relaxed == DEMAND_ALL_RELAXED;
    uint32_t preferred = (uint32_t)spec->n_preferred_nodes;
    size_t from = !all && shape->relaxed > preferred ? shape->relaxed - preferred : 0;
    if (spec->node_terms_present && and_first_term(a, spec, from, all, shape->req, into, reason, err) < 0)
        return ERR_NOMEM;
    bitset_copy(a->best, into, supply->n);
    and_sizes(a, into);
    if (bitset_empty(into, supply->n) && !*reason && !(*reason = size_reason(a, a->best, shape->req)))
        return err_nomem(err);
    if (*reason)
        return 0;
    if (shape->role != SPARK_NONE && !spec_names_capacity_type(spec))
        prefer_role_capacity(a, shape->role, into);
    return and_preferences(a, spec, shape->relaxed < preferred ? shape->relaxed : preferred, into,
                           &shape->dropped_preferences, err);
}

/* Preferences do not bar a pod from room that costs nothing. */
static int admit_nodes(struct demand_admission *a, const struct volume_set *volumes, const struct demand_shape *shape,
                       uint64_t *into, struct err *err)
{
    const struct demand *demand = a->demand;
    const struct pod_spec *spec = shape->spec;
    bitset_fill(into, demand->n_nodes);
    node_sets_and_tolerated(&a->nodes, spec->tolerations, spec->n_tolerations, into);
    if (node_sets_and_affinity(&a->nodes, spec, into, err) < 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < volumes->n; i++) {
        const struct volume_rule *rule = &a->volumes->rules.items[volumes->rules[i]];
        if (node_sets_and_terms(&a->nodes, rule->terms, rule->n_terms, into, err) < 0)
            return ERR_NOMEM;
    }
    if (shape->role == SPARK_DRIVER && !spec_names_capacity_type(spec))
        bitset_and(into, a->driver_nodes, demand->n_nodes);
    BITSET_EACH (n, into, demand->n_nodes)
        if (!no_more_than(shape->req, demand->nodes[n].free, demand->dims->n))
            bitset_remove(into, n);
    return 0;
}

int demand_admit(struct demand_admission *admission, uint32_t volume_set, struct demand_shape *shape, struct err *err)
{
    const struct volume_set *volumes = &admission->volumes->sets.items[volume_set];
    const struct demand *demand = admission->demand;
    uint64_t *admits = arena_array(admission->arena, uint64_t, BITSET_WORDS(demand->supply->n));
    uint64_t *admits_nodes = arena_array(admission->arena, uint64_t, BITSET_WORDS(demand->n_nodes));
    if (!admits || !admits_nodes)
        return err_nomem(err);
    shape->admits = admits;
    shape->admits_nodes = admits_nodes;
    shape->reason = volumes->reason;
    if (!shape->reason && shape->spec->resource_claims)
        shape->reason = "it has resource claims, which are not supported: ask for extended resources";
    if (shape->reason)
        return 0;
    const char *reason = NULL;
    if (admit_offerings(admission, volumes, shape, admits, &reason, err) < 0 ||
        admit_nodes(admission, volumes, shape, admits_nodes, err) < 0)
        return ERR_NOMEM;
    if (bitset_empty(admits_nodes, demand->n_nodes))
        shape->reason = reason;
    return 0;
}

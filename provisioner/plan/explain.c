#include "provisioner/plan/planner.h"

#include <stdlib.h>

#include "base/bitset.h"
#include "base/money.h"
#include "base/vec.h"
#include "provisioner/plan/context.h"
#include "provisioner/plan/demand_internal.h"
#include "provisioner/plan/reasons.h"
#include "provisioner/plan/supply_internal.h"

/* Follows one pod's requirements over the offerings, one after the other. */
struct explainer {
    const struct planner_context *context;
    struct supply *supply;
    struct arena *arena;
    uint32_t pod;
    const struct demand_shape *shape;
    uint64_t *left;    /* [supply->n] offerings that remain */
    uint64_t *scratch; /* [supply->n] */
    VEC(struct explain_step) steps;
};

static int add_step(struct explainer *e, const char *what, size_t removed, size_t left, struct err *err)
{
    if (!what || !VEC_PUSH(&e->steps, ((struct explain_step){what, removed, left})))
        return err_nomem(err);
    return 0;
}

/* Keeps the offerings that are also in `with`; a step even if that removes none. */
static int narrow(struct explainer *e, const char *what, const uint64_t *with, struct err *err)
{
    size_t before = bitset_count(e->left, e->supply->n);
    bitset_and(e->left, with, e->supply->n);
    size_t after = bitset_count(e->left, e->supply->n);
    return add_step(e, what, before - after, after, err);
}

/* The same, but no step where nothing is removed. */
static int narrow_if(struct explainer *e, const char *what, const uint64_t *with, struct err *err)
{
    if (bitset_subset(e->left, with, e->supply->n))
        return 0;
    return narrow(e, what, with, err);
}

/* What one Provisioner's requirements make of the region: `met` [catalogue->n_offerings]. *left counts over all. */
static int explain_provisioner(struct explainer *e, const struct provisioner *p, bool *met, size_t *left,
                               struct err *err)
{
    const struct cloud_catalogue *catalogue = e->context->catalogue;
    for (size_t i = 0; i < catalogue->n_offerings; i++)
        met[i] = true;
    for (size_t r = 0; r < p->requirements.n; r++) {
        const struct requirement *requirement = &p->requirements.items[r];
        if (supply_key_is_custom(requirement->key))
            continue;
        size_t removed = 0;
        for (size_t i = 0; i < catalogue->n_offerings; i++) {
            const struct str *value = supply_cloud_label(catalogue, &catalogue->offerings[i], requirement->key);
            if (str_is(requirement->key, "karpenter.sh/provisioner-name"))
                value = &p->name;
            bool now = met[i] && requirement_met(requirement, value);
            removed += met[i] && !now;
            met[i] = now;
        }
        *left -= removed;
        const char *text = requirement_text(requirement, e->arena);
        text = text ? arena_printf(e->arena, "Provisioner %.*s: %s", STR_ARG(p->name), text) : NULL;
        int code = add_step(e, text, removed, *left, err);
        if (code)
            return code;
    }
    return 0;
}

static int explain_supply(struct explainer *e, struct err *err)
{
    const struct objects *objects = e->context->objects;
    const struct cloud_catalogue *catalogue = e->context->catalogue;
    bool *met = arena_array(e->arena, bool, catalogue->n_offerings);
    if (!met)
        return err_nomem(err);
    size_t left = catalogue->n_offerings * objects->provisioners.len;
    int code = add_step(e,
                        arena_printf(e->arena, "region %.*s, times %zu Provisioner%s", STR_ARG(catalogue->region),
                                     objects->provisioners.len, objects->provisioners.len == 1 ? "" : "s"),
                        0, left, err);
    for (size_t p = 0; p < objects->provisioners.len && !code; p++)
        code = explain_provisioner(e, &objects->provisioners.items[p], met, &left, err);
    /* A choice of labels makes several offerings of one pool. */
    if (!code && left != e->supply->n)
        code = add_step(e, "Provisioners: their labels, and the zones that may be used",
                        left > e->supply->n ? left - e->supply->n : 0, e->supply->n, err);
    return code;
}

static int explain_requirements(struct explainer *e, const char *what, const struct requirements *requirements,
                                struct err *err)
{
    for (size_t i = 0; i < requirements->n; i++) {
        const uint64_t *meeting = supply_meeting(e->supply, &requirements->items[i]);
        const char *text = requirement_text(&requirements->items[i], e->arena);
        text = text ? arena_printf(e->arena, "%s: %s", what, text) : NULL;
        if (!meeting)
            return err_nomem(err);
        int code = narrow(e, text, meeting, err);
        if (code)
            return code;
    }
    return 0;
}

/* The term that the demand took: the first that leaves all that was admitted; the first of all if none was. */
static int explain_terms(struct explainer *e, struct err *err)
{
    const struct pod_spec *spec = e->shape->spec;
    size_t taken = 0;
    for (size_t t = spec->n_node_terms; t-- > 0;) {
        bool leaves_all = true;
        for (size_t i = 0; i < spec->node_terms[t].labels.n && leaves_all; i++) {
            const uint64_t *meeting = supply_meeting(e->supply, &spec->node_terms[t].labels.items[i]);
            if (!meeting)
                return err_nomem(err);
            leaves_all = bitset_subset(e->shape->admits, meeting, e->supply->n);
        }
        taken = leaves_all ? t : taken;
    }
    if (!spec->n_node_terms)
        return 0;
    const char *what = spec->n_node_terms == 1 ? "required node affinity"
                                               : arena_printf(e->arena, "required node affinity, term %zu of %zu",
                                                              taken + 1, spec->n_node_terms);
    if (!what)
        return err_nomem(err);
    return explain_requirements(e, what, &spec->node_terms[taken].labels, err);
}

/* Offerings of the zones in which something was admitted. */
static void zones_admitted(struct explainer *e, uint64_t *into)
{
    bitset_clear(into, e->supply->n);
    for (size_t i = 0; i < e->supply->n; i++)
        BITSET_EACH (j, e->shape->admits, e->supply->n)
            if (e->supply->offerings[i].zone == e->supply->offerings[j].zone) {
                bitset_add(into, i);
                break;
            }
}

static void large_enough(struct explainer *e, uint64_t *into)
{
    bitset_clear(into, e->supply->n);
    for (size_t i = 0; i < e->supply->n; i++) {
        bool fits = true;
        for (uint32_t d = 0; d < e->supply->dims->n; d++)
            fits = fits && e->shape->req[d] <= e->supply->offerings[i].alloc[d];
        if (fits)
            bitset_add(into, i);
    }
}

/* Offerings with a capacity type that the pod was admitted to. */
static void capacity_admitted(struct explainer *e, uint64_t *into)
{
    bool admitted[2] = {false, false};
    BITSET_EACH (j, e->shape->admits, e->supply->n)
        admitted[e->supply->offerings[j].capacity_type == CLOUD_SPOT] = true;
    bitset_clear(into, e->supply->n);
    for (size_t i = 0; i < e->supply->n; i++)
        if (admitted[e->supply->offerings[i].capacity_type == CLOUD_SPOT])
            bitset_add(into, i);
}

static const char *size_text(struct explainer *e)
{
    const struct dims *dims = e->supply->dims;
    const char *text = "size: needs";
    for (uint32_t d = 0; text && d < dims->n; d++) {
        char amount[AMOUNT_TEXT_MAX];
        if (e->shape->req[d])
            text = arena_printf(e->arena, "%s %.*s %s", text, STR_ARG(dims->names[d]),
                                amount_text(dims, d, e->shape->req[d], amount));
    }
    return text;
}

/* Volumes, size, Spark's default and preferences, in the order in which the demand applies them. */
static int explain_rest(struct explainer *e, struct err *err)
{
    const struct pod *pod = &e->context->objects->pods.items[e->pod];
    bool nothing = bitset_empty(e->shape->admits, e->supply->n);
    int code = 0;
    if ((pod->n_claims || pod->n_ephemeral_classes) && !nothing) {
        zones_admitted(e, e->scratch);
        code = narrow_if(e, "volumes: the zones they are in, or may be made in", e->scratch, err);
    }
    if (!code) {
        large_enough(e, e->scratch);
        code = narrow(e, size_text(e), e->scratch, err);
    }
    if (!code && pod->role != SPARK_NONE && !nothing) {
        capacity_admitted(e, e->scratch);
        code = narrow_if(e,
                         pod->role == SPARK_DRIVER ? "Spark: a driver's capacity type where it names none"
                                                   : "Spark: an executor's capacity type where it names none",
                         e->scratch, err);
    }
    if (!code && !nothing)
        code = narrow_if(e, "preferred node affinity, as far as something meets it", e->shape->admits, err);
    return code;
}

/* What narrowed the pod's part of its shape: weights, zones chosen for it. */
static int explain_part(struct explainer *e, struct err *err)
{
    bitset_copy(e->scratch, e->left, e->supply->n);
    market_narrow(&e->context->market.market, e->scratch);
    int code = narrow_if(e, "weight: a Provisioner of more weight admits it", e->scratch, err);
    uint32_t shape = e->context->final.pass.shape_of_pod[e->pod];
    if (code || shape == SOLVER_NONE)
        return code;
    return narrow_if(e, "zones and capacity types chosen for spread, pod affinity and spec.spark.zone",
                     e->context->final.pass.compiled.problem.shapes[shape].admits, err);
}

static int explain_steps(struct explainer *e, struct err *err)
{
    const struct pod_spec *spec = e->shape->spec;
    bitset_fill(e->left, e->supply->n);
    int code = explain_supply(e, err);
    if (!code) {
        supply_tolerated(e->supply, spec->tolerations, spec->n_tolerations, e->scratch);
        code = narrow_if(e, "taints of Provisioners that it does not tolerate", e->scratch, err);
    }
    if (!code)
        code = explain_requirements(e, "node selector", &spec->node_selector, err);
    if (!code)
        code = explain_terms(e, err);
    if (!code)
        code = explain_rest(e, err);
    return code ? code : explain_part(e, err);
}

static const char *pool_text(struct explainer *e, uint32_t offering)
{
    char price[MONEY_TEXT_MAX];
    const struct supply_offering *o = &e->supply->offerings[offering];
    return arena_printf(e->arena, "%.*s in %.*s (%s, Provisioner %.*s) at $%s an hour",
                        STR_ARG(e->context->catalogue->types[o->type].name),
                        STR_ARG(e->context->catalogue->zones[o->zone]), cloud_capacity_type_name(o->capacity_type),
                        STR_ARG(e->context->objects->provisioners.items[o->provisioner].name),
                        money_text(o->price_microusd, price));
}

/* The cheapest offering that admits the pod; SOLVER_NONE if there is none. */
static uint32_t cheapest_left(const struct explainer *e)
{
    uint32_t best = SOLVER_NONE;
    BITSET_EACH (j, e->left, e->supply->n)
        if (best == SOLVER_NONE || e->supply->offerings[j].price_microusd < e->supply->offerings[best].price_microusd)
            best = (uint32_t)j;
    return best;
}

static int explain_new_node(struct explainer *e, uint32_t bin, struct explanation *ret, struct err *err)
{
    const struct draft *draft = &e->context->draft;
    const struct draft_pattern *pattern = &draft->patterns[draft->pattern_of_bin[bin]];
    uint32_t chosen = draft->bins[bin].offering, second = SOLVER_NONE, alone = cheapest_left(e);
    const char *pool = pool_text(e, chosen);
    if (!pool)
        return err_nomem(err);
    ret->outcome = arena_printf(e->arena, "on a new node: %s, with %u other pod%s", pool, draft->bins[bin].n_pods - 1,
                                draft->bins[bin].n_pods == 2 ? "" : "s");
    for (size_t i = 0; i < pattern->n_hosts && second == SOLVER_NONE; i++)
        if (pattern->hosts[i] != chosen)
            second = pattern->hosts[i];
    const char *text = "no other pool could host this node within maxPriceRatio";
    if (second != SOLVER_NONE) {
        pool = pool_text(e, second);
        text = pool ? arena_printf(e->arena, "the next best for the whole node: %s", pool) : NULL;
    }
    if (text && alone != SOLVER_NONE) {
        pool = pool_text(e, alone);
        text = pool ? arena_printf(e->arena, "%s; the pod alone on a node: %s", text, pool) : NULL;
    }
    ret->next_best = text;
    return ret->outcome && text ? 0 : err_nomem(err);
}

static int explain_outcome(struct explainer *e, struct explanation *ret, struct err *err)
{
    uint32_t bin = e->context->draft.bin_of_pod[e->pod];
    if (bin != SOLVER_NONE && e->context->draft.bins[bin].node == SOLVER_NONE)
        return explain_new_node(e, bin, ret, err);
    if (bin != SOLVER_NONE) {
        const struct demand_node *node = &e->context->final.pass.demand.nodes[e->context->draft.bins[bin].node];
        ret->outcome =
            arena_printf(e->arena, "on existing node %.*s, which costs nothing more", STR_ARG(node->node->name));
    } else {
        ret->outcome = arena_printf(e->arena, "cannot be placed: %s", e->context->reasons[e->pod]);
    }
    return ret->outcome ? 0 : err_nomem(err);
}

/* The pod's index and shape by "namespace/name"; false if it is not one of those to be placed. */
static bool find_pod(struct explainer *e, struct str name)
{
    const struct demand *demand = &e->context->bound.demand;
    struct str rest = name, namespace_ = str_cut(&rest, '/');
    for (size_t s = 0; s < demand->n_shapes; s++) {
        for (uint32_t k = 0; k < demand->shapes[s].n_pods; k++) {
            const struct pod *pod = &e->context->objects->pods.items[demand->shapes[s].pods[k]];
            if (!str_eq(pod->namespace_, namespace_) || !str_eq(pod->name, rest))
                continue;
            e->pod = demand->shapes[s].pods[k];
            e->shape = &demand->shapes[s];
            return true;
        }
    }
    return false;
}

int planner_explain(const struct planner_result *result, const char *pod, struct arena *arena, struct explanation *ret,
                    struct err *err)
{
    struct planner_context *context = result->context;
    struct explainer e = {.context = context, .supply = &context->market.supply, .arena = arena};
    struct explanation explanation = {.pod = pod};
    if (!find_pod(&e, str_of(pod)))
        return err_set(err, ERR_NOT_FOUND, "no pod %s is to be placed; pods are named namespace/name", pod);
    e.left = arena_array(arena, uint64_t, BITSET_WORDS(e.supply->n));
    e.scratch = arena_array(arena, uint64_t, BITSET_WORDS(e.supply->n));
    int code = e.left && e.scratch ? explain_steps(&e, err) : err_nomem(err);
    if (!code)
        code = explain_outcome(&e, &explanation, err);
    if (!code) {
        explanation.n_steps = e.steps.len;
        explanation.steps = arena_array(arena, struct explain_step, e.steps.len);
        if (!explanation.steps)
            code = err_nomem(err);
        for (size_t i = 0; i < e.steps.len && !code; i++)
            explanation.steps[i] = e.steps.items[i];
    }
    VEC_FREE(&e.steps);
    if (code)
        return code;
    *ret = explanation;
    return 0;
}

/* topology_rules.c - spread, affinity and anti-affinity over zones and the like, as rules on tallies of pods. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

static bool is_hostname(struct str key)
{
    return str_is(key, TOPO_HOSTNAME);
}

static int add_tally(struct topo *topo, const struct topo_tally *like, uint32_t *ret_tally, struct err *err)
{
    struct topo_tally tally = *like;
    uint32_t *selectors = arena_array(topo->arena, uint32_t, like->n_selectors);
    tally.count = arena_array(topo->arena, int64_t, (size_t)topo->axes.items[like->axis].n_domains + 1);
    tally.sure = arena_array(topo->arena, int64_t, (size_t)topo->axes.items[like->axis].n_domains + 1);
    if (!selectors || !tally.count || !tally.sure)
        return err_nomem(err);
    memcpy(selectors, like->selectors, like->n_selectors * sizeof(*selectors));
    tally.selectors = selectors;
    if (!VEC_PUSH(&topo->tally_next, topo->tally_first[selectors[0]]) || !VEC_PUSH(&topo->tallies, tally))
        return err_nomem(err);
    *ret_tally = (uint32_t)topo->tallies.len - 1;
    topo->tally_first[selectors[0]] = (uint32_t)topo->tallies.len;
    return 0;
}

/* Starts topo->key with what names a tally; spreads add the nodes they look at. */
static bool name_tally(struct topo *topo, const struct topo_tally *tally)
{
    topo->key.len = 0;
    return content_put_number(&topo->key, (uint32_t)tally->kind) && content_put_number(&topo->key, tally->axis) &&
           content_put_number(&topo->key, (uint32_t)tally->n_selectors) &&
           content_put(&topo->key, tally->selectors, tally->n_selectors * sizeof(*tally->selectors));
}

/* The tally that topo->key names; *ret_new if it must be added now. */
static int find_tally(struct topo *topo, uint32_t *ret_tally, bool *ret_new, struct err *err)
{
    if (intern_add(&topo->tally_keys, content_text(&topo->key), ret_tally, err) < 0)
        return ERR_NOMEM;
    *ret_new = *ret_tally == topo->tallies.len;
    return 0;
}

static int plain_tally(struct topo *topo, enum tally_kind kind, uint32_t axis, const uint32_t *selectors, size_t n,
                       uint32_t *ret_tally, struct err *err)
{
    struct topo_tally like = {.kind = kind, .axis = axis, .selectors = selectors, .n_selectors = n};
    bool is_new;
    if (!name_tally(topo, &like))
        return err_nomem(err);
    if (find_tally(topo, ret_tally, &is_new, err) < 0)
        return ERR_NOMEM;
    return is_new ? add_tally(topo, &like, ret_tally, err) : 0;
}

static bool name_eligibility(struct topo *topo, const struct pod_spec *spec, const struct spread *spread)
{
    bool ok = content_put_number(&topo->key, spread->ignore_node_affinity) &&
              content_put_number(&topo->key, spread->honor_taints);
    if (!spread->ignore_node_affinity) {
        ok = ok && content_put_requirements(&topo->key, &spec->node_selector) &&
             content_put_number(&topo->key, spec->node_terms_present ? (uint32_t)spec->n_node_terms : UINT32_MAX);
        for (size_t t = 0; t < spec->n_node_terms && ok; t++)
            ok = content_put_requirements(&topo->key, &spec->node_terms[t].labels) &&
                 content_put_requirements(&topo->key, &spec->node_terms[t].fields);
    }
    if (spread->honor_taints)
        ok = ok && content_put_tolerations(&topo->key, spec->tolerations, spec->n_tolerations);
    return ok;
}

/* into &= offerings that meet all of the labels. */
static int and_labels(struct topo *topo, const struct requirements *labels, uint64_t *into, struct err *err)
{
    for (size_t i = 0; i < labels->n; i++) {
        const uint64_t *meeting = supply_meeting(topo->demand->supply, &labels->items[i]);
        if (!meeting)
            return err_nomem(err);
        bitset_and(into, meeting, topo->supply->n);
    }
    return 0;
}

/* into &= offerings that meet some required node affinity term. */
static int and_terms(struct topo *topo, const struct pod_spec *spec, uint64_t *into, struct err *err)
{
    size_t words = BITSET_WORDS(topo->supply->n);
    uint64_t *any = arena_array(topo->arena, uint64_t, words);
    uint64_t *one = arena_array(topo->arena, uint64_t, words);
    if (!any || !one)
        return err_nomem(err);
    for (size_t t = 0; t < spec->n_node_terms; t++) {
        bitset_copy(one, into, topo->supply->n);
        if (spec->node_terms[t].labels.n && and_labels(topo, &spec->node_terms[t].labels, one, err) < 0)
            return ERR_NOMEM;
        bitset_or(any, one, topo->supply->n);
    }
    bitset_copy(into, any, topo->supply->n);
    return 0;
}

/*
 * The nodes that a spread looks at: nodeAffinityPolicy Honor leaves out those the pod's own selector and affinity
 * exclude, nodeTaintsPolicy Honor those with taints it does not tolerate.
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/filtering.go, calPreFilterState.
 */
static int find_eligible(struct topo *topo, const struct pod_spec *spec, const struct spread *spread,
                         struct topo_tally *tally, struct err *err)
{
    size_t n = topo->supply->n, n_nodes = topo->objects->nodes.len;
    uint64_t *offerings = arena_array(topo->arena, uint64_t, BITSET_WORDS(n));
    uint64_t *nodes = arena_array(topo->arena, uint64_t, BITSET_WORDS(n_nodes));
    if (!offerings || !nodes)
        return err_nomem(err);
    bitset_fill(offerings, n);
    bitset_fill(nodes, n_nodes);
    if (spread->honor_taints) {
        supply_tolerated(topo->supply, spec->tolerations, spec->n_tolerations, offerings);
        node_sets_and_tolerated(&topo->all_nodes, spec->tolerations, spec->n_tolerations, nodes);
    }
    if (!spread->ignore_node_affinity) {
        if (and_labels(topo, &spec->node_selector, offerings, err) < 0 ||
            (spec->node_terms_present && and_terms(topo, spec, offerings, err) < 0) ||
            node_sets_and_affinity(&topo->all_nodes, spec, nodes, err) < 0)
            return ERR_NOMEM;
    }
    tally->offerings = offerings;
    tally->all_nodes = nodes;
    return 0;
}

static int draft_spread(struct topo *topo, const struct demand_shape *shape, size_t index, struct topo_drafts *drafts,
                        struct err *err)
{
    const struct spread *spread = &shape->spec->spreads[index];
    uint32_t selector = demand_spread_selector(topo->demand, shape->spec, shape->namespace_, index);
    struct topo_tally like = {.kind = TALLY_SPREAD, .selectors = &selector, .n_selectors = 1};
    struct topo_rule rule = {.kind = RULE_SPREAD,
                             .max_skew = spread->max_skew,
                             .min_domains = spread->min_domains,
                             .weight = spread->soft ? SOFT_SPREAD_WEIGHT : 0,
                             .self = bitset_has(shape->matches, selector),
                             .carriers = SOLVER_NONE};
    bool is_new;
    if (topo_axis_of(topo, spread->topology_key, &like.axis, err) < 0)
        return ERR_NOMEM;
    if (!name_tally(topo, &like) || !name_eligibility(topo, shape->spec, spread))
        return err_nomem(err);
    if (find_tally(topo, &rule.tally, &is_new, err) < 0)
        return ERR_NOMEM;
    if (is_new &&
        (find_eligible(topo, shape->spec, spread, &like, err) < 0 || add_tally(topo, &like, &rule.tally, err) < 0))
        return ERR_NOMEM;
    rule.axis = like.axis;
    return VEC_PUSH(&drafts->rules, rule) ? 0 : err_nomem(err);
}

static int compare_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/*
 * kube-scheduler counts an existing pod for required affinity only if it matches all of the required terms together.
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/filtering.go, podMatchesAllAffinityTerms.
 */
static int all_required(struct topo *topo, const struct demand_shape *shape, uint32_t **ret_selectors, size_t *ret_n,
                        struct err *err)
{
    const struct pod_spec *spec = shape->spec;
    uint32_t *selectors = arena_array(topo->arena, uint32_t, spec->n_affinity);
    if (!selectors)
        return err_nomem(err);
    size_t n = 0;
    for (size_t t = 0; t < spec->n_affinity; t++)
        if (!spec->affinity[t].weight)
            selectors[n++] = demand_affinity_selector(topo->demand, spec, shape->namespace_, t);
    if (n)
        qsort(selectors, n, sizeof(*selectors), compare_id);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || selectors[kept - 1] != selectors[i])
            selectors[kept++] = selectors[i];
    *ret_selectors = selectors;
    *ret_n = kept;
    return 0;
}

static bool matches_all(const uint64_t *matches, const uint32_t *selectors, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!bitset_has(matches, selectors[i]))
            return false;
    return true;
}

bool topo_tally_takes(const struct topo_tally *tally, const uint64_t *matches)
{
    return matches_all(matches, tally->selectors, tally->n_selectors);
}

static int draft_affinity(struct topo *topo, const struct demand_shape *shape, struct topo_drafts *drafts,
                          struct err *err)
{
    const struct pod_spec *spec = shape->spec;
    uint32_t *required = NULL;
    size_t n_required = 0;
    if (all_required(topo, shape, &required, &n_required, err) < 0)
        return ERR_NOMEM;
    /* Near a pod on its own node is near it on every axis: topology_node.c sees to that. */
    for (size_t t = 0; t < spec->n_affinity; t++)
        if (!spec->affinity[t].weight && is_hostname(spec->affinity[t].topology_key))
            return 0;
    for (size_t t = 0; t < spec->n_affinity; t++) {
        const struct pod_term *term = &spec->affinity[t];
        if (is_hostname(term->topology_key) || (term->weight && topo->demand->drop_soft))
            continue;
        uint32_t own = demand_affinity_selector(topo->demand, spec, shape->namespace_, t);
        const uint32_t *selectors = term->weight ? &own : required;
        size_t n = term->weight ? 1 : n_required;
        struct topo_rule rule = {.kind = RULE_AFFINITY,
                                 .weight = term->weight,
                                 .self = matches_all(shape->matches, selectors, n),
                                 .carriers = SOLVER_NONE};
        if (topo_axis_of(topo, term->topology_key, &rule.axis, err) < 0 ||
            plain_tally(topo, TALLY_AFFINITY, rule.axis, selectors, n, &rule.tally, err) < 0)
            return ERR_NOMEM;
        if (!VEC_PUSH(&drafts->rules, rule))
            return err_nomem(err);
    }
    return 0;
}

/* Preferred anti-affinity binds the pod that has it; only required anti-affinity keeps others away from it. */
static int draft_anti_affinity(struct topo *topo, const struct demand_shape *shape, struct topo_drafts *drafts,
                               struct err *err)
{
    const struct pod_spec *spec = shape->spec;
    for (size_t t = 0; t < spec->n_anti_affinity; t++) {
        const struct pod_term *term = &spec->anti_affinity[t];
        if (is_hostname(term->topology_key) || (term->weight && topo->demand->drop_soft))
            continue;
        uint32_t selector = demand_anti_affinity_selector(topo->demand, spec, shape->namespace_, t);
        struct topo_rule rule = {.kind = RULE_ANTI, .weight = term->weight, .carriers = SOLVER_NONE};
        if (topo_axis_of(topo, term->topology_key, &rule.axis, err) < 0 ||
            plain_tally(topo, TALLY_MATCH, rule.axis, &selector, 1, &rule.tally, err) < 0 ||
            (!term->weight && plain_tally(topo, TALLY_CARRIERS, rule.axis, &selector, 1, &rule.carriers, err) < 0))
            return ERR_NOMEM;
        if (!VEC_PUSH(&drafts->rules, rule))
            return err_nomem(err);
    }
    return 0;
}

static int draft_shape(struct topo *topo, const struct demand_shape *shape, struct topo_drafts *drafts, struct err *err)
{
    for (size_t i = 0; i < shape->spec->n_spreads; i++) {
        const struct spread *spread = &shape->spec->spreads[i];
        if (is_hostname(spread->topology_key) || (spread->soft && topo->demand->drop_soft))
            continue;
        if (draft_spread(topo, shape, i, drafts, err) < 0)
            return ERR_NOMEM;
    }
    if (shape->spec->n_affinity && draft_affinity(topo, shape, drafts, err) < 0)
        return ERR_NOMEM;
    return draft_anti_affinity(topo, shape, drafts, err);
}

int topo_rules_draft(struct topo *topo, struct topo_drafts *drafts, struct err *err)
{
    size_t n = topo->demand->n_shapes;
    drafts->first = arena_array(topo->arena, uint32_t, n + 1);
    topo->tally_first = arena_array(topo->arena, uint32_t, topo->demand->n_selectors);
    if (!drafts->first || !topo->tally_first)
        return err_nomem(err);
    for (size_t s = 0; s < n; s++) {
        drafts->first[s] = (uint32_t)drafts->rules.len;
        if (!topo->shapes[s].refused && draft_shape(topo, &topo->demand->shapes[s], drafts, err) < 0)
            return ERR_NOMEM;
    }
    drafts->first[n] = (uint32_t)drafts->rules.len;
    return 0;
}

static void count_pod(struct topo *topo, struct topo_tally *tally, uint32_t node)
{
    const struct topo_axis *axis = &topo->axes.items[tally->axis];
    uint32_t domain = axis->node_domain[node];
    if (tally->all_nodes && !bitset_has(tally->all_nodes, node))
        return;
    tally->count[domain]++;
    tally->sure[domain]++;
    if (domain < axis->n_domains)
        tally->total++;
}

/* Required anti-affinity of bound pods keeps newcomers away: its carriers are counted where they run. */
static int count_carriers(struct topo *topo, const struct pod *pod, uint32_t node, struct err *err)
{
    const struct pod_spec *spec = topo->objects->specs.items[pod->spec];
    for (size_t t = 0; t < spec->n_anti_affinity; t++) {
        const struct pod_term *term = &spec->anti_affinity[t];
        if (term->weight || is_hostname(term->topology_key))
            continue;
        uint32_t selector = demand_anti_affinity_selector(topo->demand, spec, pod->namespace_, t);
        uint32_t axis, tally;
        if (topo_axis_of(topo, term->topology_key, &axis, err) < 0 ||
            plain_tally(topo, TALLY_CARRIERS, axis, &selector, 1, &tally, err) < 0)
            return ERR_NOMEM;
        count_pod(topo, &topo->tallies.items[tally], node);
    }
    return 0;
}

int topo_count_bound(struct topo *topo, struct err *err)
{
    if (!topo->demand->n_selectors)
        return 0;
    for (size_t i = 0; i < topo->objects->pods.len; i++) {
        uint32_t node = topo->demand->pod_node[i];
        const struct pod *pod = &topo->objects->pods.items[i];
        uint32_t class;
        if (node == SOLVER_NONE)
            continue;
        if (count_carriers(topo, pod, node, err) < 0 || demand_matcher_class(&topo->matcher, pod, &class, err) < 0)
            return ERR_NOMEM;
        const uint64_t *matches = topo->matcher.matches.items[class];
        BITSET_EACH (selector, matches, topo->demand->n_selectors) {
            for (uint32_t at = topo->tally_first[selector]; at; at = topo->tally_next.items[at - 1]) {
                struct topo_tally *tally = &topo->tallies.items[at - 1];
                /* A pod that goes away still holds others near and far, but no longer counts for spread. */
                bool gone = tally->kind == TALLY_SPREAD && pod->deleting;
                if (tally->kind != TALLY_CARRIERS && !gone && topo_tally_takes(tally, matches))
                    count_pod(topo, tally, node);
            }
        }
    }
    return 0;
}

/* decode_affinity.c - node affinity, pod affinity and anti-affinity, topology spread. */
#include "provisioner/api/decode_pod.h"
#include "provisioner/api/label_keys.h"

static struct arena *arena_of(const struct field *field)
{
    return &field->decode->objects->arena;
}

static size_t count_of(const struct field *field)
{
    return field->doc ? field->doc->count : 0;
}

/* Field selectors know metadata.name only, with In or NotIn and one value. Source: Kubernetes validation.go. */
static void check_match_fields(const struct field *list, const struct requirements *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        const struct requirement *one = &fields->items[i];
        if (!str_is(one->key, "metadata.name") || (one->op != OP_IN && one->op != OP_NOT_IN) || one->n_values != 1)
            field_bad(list, "allowed is metadata.name with In or NotIn and one value");
    }
}

int decode_node_term(const struct field *map, struct node_term *ret, struct err *err)
{
    struct field expressions = field_list(map, "matchExpressions"), fields = field_list(map, "matchFields");
    struct node_term term;
    int rc = decode_node_requirements(&expressions, &term.labels, err);
    if (rc == 0)
        rc = decode_node_requirements(&fields, &term.fields, err);
    if (rc < 0)
        return rc;
    check_match_fields(&fields, &term.fields);
    *ret = term;
    return 0;
}

int decode_node_terms(const struct field *list, const struct node_term **ret, size_t *ret_n, struct err *err)
{
    struct node_term *terms = arena_array(arena_of(list), struct node_term, count_of(list));
    if (!terms)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        if (!field_is_map(&field))
            continue;
        int rc = decode_node_term(&field, &terms[n], err);
        if (rc < 0)
            return rc;
        n += terms[n].labels.n + terms[n].fields.n > 0 ? 1 : 0;
    }
    *ret = terms;
    *ret_n = n;
    return 0;
}

static int decode_weight(const struct field *map)
{
    struct field weight = field_any(map, "weight");
    int64_t value = 1;
    if (!field_here(&weight))
        field_bad(&weight, "is missing, allowed is an integer from 1 to 100");
    field_int(&weight, 1, 100, &value);
    return (int)value;
}

static int decode_preferred_nodes(const struct field *list, struct pod_spec *spec, struct err *err)
{
    struct preferred_node_term *terms = arena_array(arena_of(list), struct preferred_node_term, count_of(list));
    if (!terms)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        struct field preference = field_map(&field, "preference");
        if (!field_is_map(&field))
            continue;
        if (!field_here(&preference))
            field_bad(&preference, "is missing, allowed is a map with matchExpressions");
        terms[n].weight = decode_weight(&field);
        int rc = decode_node_term(&preference, &terms[n].term, err);
        if (rc < 0)
            return rc;
        /* An empty preference has no say. */
        n += terms[n].term.labels.n + terms[n].term.fields.n > 0 ? 1 : 0;
    }
    spec->preferred_nodes = terms;
    spec->n_preferred_nodes = n;
    return 0;
}

static int decode_node_affinity(const struct field *map, struct pod_spec *spec, struct err *err)
{
    struct field required = field_map(map, "requiredDuringSchedulingIgnoredDuringExecution");
    struct field preferred = field_list(map, "preferredDuringSchedulingIgnoredDuringExecution");
    struct field terms = field_list(&required, "nodeSelectorTerms");
    if (field_here(&required) && !field_here(&terms))
        field_bad(&terms, "is missing, allowed is a list of terms");
    spec->node_terms_present = field_here(&required);
    int rc = decode_node_terms(&terms, &spec->node_terms, &spec->n_node_terms, err);
    return rc < 0 ? rc : decode_preferred_nodes(&preferred, spec, err);
}

/* The pod's own value of each key that a matchLabelKeys list names becomes a requirement; keys it lacks are passed by.
 */
static int keys_to_requirements(const struct field *list, enum label_op op, const struct labels *labels,
                                struct requirement *items, size_t *n, struct err *err)
{
    size_t index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        struct str key;
        if (!field_text(&field, &key))
            continue;
        const struct str *value = labels_get(labels, key);
        if (!value)
            continue;
        int rc = decode_keep(list->decode, key, &items[*n].key, err);
        if (rc < 0)
            return rc;
        items[*n].op = op;
        items[*n].values = value;
        items[(*n)++].n_values = 1;
    }
    return 0;
}

/* labelSelector, matchLabelKeys and mismatchLabelKeys of `map` as one selector. */
static int decode_selector_of(const struct field *map, const struct labels *labels, struct selector *ret,
                              struct err *err)
{
    struct field selector = field_map(map, "labelSelector"), match = field_list(map, "matchLabelKeys"),
                 mismatch = field_list(map, "mismatchLabelKeys");
    struct requirement *extra = arena_array(arena_of(map), struct requirement, count_of(&match) + count_of(&mismatch));
    if (!extra)
        return err_nomem(err);
    if (!field_here(&selector) && (field_here(&match) || field_here(&mismatch)))
        field_bad(&selector, "is missing, allowed with matchLabelKeys is a selector");
    size_t n = 0;
    int rc = keys_to_requirements(&match, OP_IN, labels, extra, &n, err);
    if (rc == 0)
        rc = keys_to_requirements(&mismatch, OP_NOT_IN, labels, extra, &n, err);
    return rc < 0 ? rc : decode_selector(&selector, extra, n, ret, err);
}

static int decode_topology_key(const struct field *map, struct str *ret, struct err *err)
{
    struct field field = field_any(map, "topologyKey");
    struct str key = {"", 0};
    int rc = field_keep(&field, &key, err);
    if (rc < 0)
        return rc;
    if (!field_here(&field))
        field_bad(&field, "is missing, allowed is a node label key such as " LABEL_ZONE);
    else if (!label_key_valid(key))
        field_bad(&field, "\"%.*s\" is no label key", FIELD_SHOW(key));
    *ret = label_key_current(key);
    return 0;
}

static int decode_pod_term(const struct field *map, const struct labels *labels, int32_t weight, struct pod_term *ret,
                           struct err *err)
{
    struct field namespaces = field_list(map, "namespaces"), selector = field_map(map, "namespaceSelector");
    struct pod_term term = {.weight = weight};
    int rc = decode_selector_of(map, labels, &term.selector, err);
    if (rc == 0)
        rc = decode_topology_key(map, &term.topology_key, err);
    if (rc == 0)
        rc = field_keep_texts(&namespaces, &term.namespaces, &term.n_namespaces, err);
    if (rc == 0)
        rc = decode_selector(&selector, NULL, 0, &term.namespace_labels, err);
    if (rc < 0)
        return rc;
    if (term.namespace_labels.present && term.namespace_labels.all.n == 0) {
        term.all_namespaces = true;
        term.namespace_labels.present = false;
    }
    *ret = term;
    return 0;
}

static int decode_weighted_pod_term(const struct field *map, const struct labels *labels, struct pod_term *ret,
                                    struct err *err)
{
    struct field term = field_map(map, "podAffinityTerm");
    if (!field_here(&term))
        field_bad(&term, "is missing, allowed is a map with labelSelector and topologyKey");
    return decode_pod_term(&term, labels, decode_weight(map), ret, err);
}

/* podAffinity or podAntiAffinity: the required terms, then the preferred ones. */
static int decode_pod_terms(const struct field *map, const struct labels *labels, const struct pod_term **ret,
                            size_t *ret_n, struct err *err)
{
    struct field required = field_list(map, "requiredDuringSchedulingIgnoredDuringExecution");
    struct field preferred = field_list(map, "preferredDuringSchedulingIgnoredDuringExecution");
    struct pod_term *terms = arena_array(arena_of(map), struct pod_term, count_of(&required) + count_of(&preferred));
    if (!terms)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, required.doc) {
        struct field field = field_child(&required, item, index++);
        int rc = field_is_map(&field) ? decode_pod_term(&field, labels, 0, &terms[n++], err) : 0;
        if (rc < 0)
            return rc;
    }
    index = 0;
    DOC_EACH (item, preferred.doc) {
        struct field field = field_child(&preferred, item, index++);
        int rc = field_is_map(&field) ? decode_weighted_pod_term(&field, labels, &terms[n++], err) : 0;
        if (rc < 0)
            return rc;
    }
    *ret = terms;
    *ret_n = n;
    return 0;
}

int decode_affinity(const struct field *map, const struct labels *labels, struct pod_spec *spec, struct err *err)
{
    struct field node = field_map(map, "nodeAffinity"), pod = field_map(map, "podAffinity"),
                 anti = field_map(map, "podAntiAffinity");
    int rc = decode_node_affinity(&node, spec, err);
    if (rc == 0)
        rc = decode_pod_terms(&pod, labels, &spec->affinity, &spec->n_affinity, err);
    if (rc == 0)
        rc = decode_pod_terms(&anti, labels, &spec->anti_affinity, &spec->n_anti_affinity, err);
    return rc;
}

/* The scalars of a spread; defaults where they are absent. */
static void decode_spread_scalars(const struct field *map, struct spread *spread)
{
    static const char *const unsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway", NULL};
    static const char *const policies[] = {"Honor", "Ignore", NULL};
    struct field max_skew = field_any(map, "maxSkew"), min_domains = field_any(map, "minDomains"),
                 when = field_any(map, "whenUnsatisfiable"), affinity = field_any(map, "nodeAffinityPolicy"),
                 taints = field_any(map, "nodeTaintsPolicy");
    int64_t skew = 1, domains = 1;
    int soft = 0, ignore_affinity = 0, ignore_taints = 1;
    if (!field_here(&max_skew))
        field_bad(&max_skew, "is missing, allowed is an integer from 1");
    if (!field_here(&when))
        field_bad(&when, "is missing, allowed are DoNotSchedule, ScheduleAnyway");
    field_int(&max_skew, 1, INT32_MAX, &skew);
    field_int(&min_domains, 1, INT32_MAX, &domains);
    field_choice(&when, unsatisfiable, &soft);
    field_choice(&affinity, policies, &ignore_affinity);
    field_choice(&taints, policies, &ignore_taints);
    if (field_here(&min_domains) && soft == 1)
        field_bad(&min_domains, "allowed with DoNotSchedule alone");
    spread->max_skew = (int32_t)skew;
    spread->min_domains = (int32_t)domains;
    spread->soft = soft == 1;
    spread->ignore_node_affinity = ignore_affinity == 1;
    spread->honor_taints = ignore_taints == 0;
}

int decode_spreads(const struct field *list, const struct labels *labels, struct pod_spec *spec, struct err *err)
{
    struct spread *spreads = arena_array(arena_of(list), struct spread, count_of(list));
    if (!spreads)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        if (!field_is_map(&field))
            continue;
        struct spread *spread = &spreads[n++];
        decode_spread_scalars(&field, spread);
        int rc = decode_topology_key(&field, &spread->topology_key, err);
        if (rc == 0)
            rc = decode_selector_of(&field, labels, &spread->selector, err);
        if (rc < 0)
            return rc;
    }
    spec->spreads = spreads;
    spec->n_spreads = n;
    return 0;
}

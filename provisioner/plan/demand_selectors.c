/* demand_selectors.c - the pod selectors that spread and (anti-)affinity name, and which pods they count. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

/*
 * The terms of one (spec, namespace) hold consecutive ids in `ids`: spreads, affinity, anti-affinity. The table is
 * open-addressed; a slot is free while its spec is SOLVER_NONE.
 */
struct terms_entry {
    uint32_t spec;
    uint32_t first; /* in ids */
    struct str namespace_;
};

struct demand_terms {
    struct terms_entry *slots; /* [n_slots], a power of two */
    size_t n_slots;
    const uint32_t *ids;
};

struct collector {
    struct demand *demand;
    struct arena *arena;
    struct intern keys; /* content of a selector -> its id */
    struct content_key key;
    VEC(struct demand_selector) selectors;
    VEC(uint32_t) ids;
    VEC(struct terms_entry) entries;
    struct intern seen;       /* spec and namespace */
    struct intern namespaces; /* of all pods; filled when a namespaceSelector asks */
};

static void collector_release(struct collector *c)
{
    intern_release(&c->keys);
    intern_release(&c->seen);
    intern_release(&c->namespaces);
    content_release(&c->key);
    VEC_FREE(&c->selectors);
    VEC_FREE(&c->ids);
    VEC_FREE(&c->entries);
}

static int all_namespaces(struct collector *c, struct err *err)
{
    const struct objects *objects = c->demand->objects;
    if (c->namespaces.len)
        return 0;
    for (size_t i = 0; i < objects->pods.len; i++) {
        uint32_t id;
        if (intern_add(&c->namespaces, objects->pods.items[i].namespace_, &id, err) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* namespaceSelector: the namespaces of known pods whose name label it matches, and those listed. */
static int select_namespaces(struct collector *c, const struct pod_term *term, struct demand_selector *selector,
                             struct err *err)
{
    if (all_namespaces(c, err) < 0)
        return ERR_NOMEM;
    size_t n = term->n_namespaces;
    struct str *names = arena_array(c->arena, struct str, n + c->namespaces.len);
    if (!names)
        return err_nomem(err);
    if (n)
        memcpy(names, term->namespaces, n * sizeof(*names));
    for (uint32_t id = 0; id < c->namespaces.len; id++) {
        struct str copy = str_dup(c->arena, intern_text(&c->namespaces, id));
        if (!copy.ptr)
            return err_nomem(err);
        struct cloud_label name = {STR("kubernetes.io/metadata.name"), copy};
        if (selector_matches(&term->namespace_labels, &(struct labels){&name, 1}))
            names[n++] = copy;
    }
    selector->namespaces = names;
    selector->n_namespaces = n;
    return 0;
}

static int resolve_namespaces(struct collector *c, const struct pod_term *term, struct str own,
                              struct demand_selector *selector, struct err *err)
{
    if (term && term->all_namespaces) {
        selector->all_namespaces = true;
        return 0;
    }
    if (term && term->namespace_labels.present)
        return select_namespaces(c, term, selector, err);
    if (term && term->n_namespaces) {
        selector->namespaces = term->namespaces;
        selector->n_namespaces = term->n_namespaces;
        return 0;
    }
    struct str *name = arena_new(c->arena, struct str);
    if (!name)
        return err_nomem(err);
    *name = own;
    selector->namespaces = name;
    selector->n_namespaces = 1;
    return 0;
}

/* Appends the id of the selector (of a spread, if `term` is NULL) to c->ids; equal selectors share one. */
static int collect_selector(struct collector *c, const struct selector *labels, const struct pod_term *term,
                            struct str own, struct err *err)
{
    struct demand_selector selector = {.selector = labels};
    if (resolve_namespaces(c, term, own, &selector, err) < 0)
        return ERR_NOMEM;
    c->key.len = 0;
    bool ok = content_put_number(&c->key, selector.all_namespaces) &&
              content_put_number(&c->key, (uint32_t)selector.n_namespaces);
    for (size_t i = 0; i < selector.n_namespaces && ok; i++)
        ok = content_put_str(&c->key, selector.namespaces[i]);
    ok = ok && content_put_number(&c->key, labels->present) && content_put_requirements(&c->key, &labels->all);
    uint32_t id;
    if (!ok || intern_add(&c->keys, content_text(&c->key), &id, NULL) < 0)
        return err_nomem(err);
    if (id == c->selectors.len && !VEC_PUSH(&c->selectors, selector))
        return err_nomem(err);
    return VEC_PUSH(&c->ids, id) ? 0 : err_nomem(err);
}

static int collect_spec(struct collector *c, const struct pod_spec *spec, struct str own, struct err *err)
{
    c->key.len = 0;
    uint32_t id;
    if (!content_put_number(&c->key, spec->id) || !content_put_str(&c->key, own) ||
        intern_add(&c->seen, content_text(&c->key), &id, NULL) < 0)
        return err_nomem(err);
    if (id < c->entries.len)
        return 0;
    struct terms_entry entry = {spec->id, (uint32_t)c->ids.len, own};
    if (!VEC_PUSH(&c->entries, entry))
        return err_nomem(err);
    for (size_t i = 0; i < spec->n_spreads; i++)
        if (collect_selector(c, &spec->spreads[i].selector, NULL, own, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < spec->n_affinity; i++)
        if (collect_selector(c, &spec->affinity[i].selector, &spec->affinity[i], own, err) < 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < spec->n_anti_affinity; i++)
        if (collect_selector(c, &spec->anti_affinity[i].selector, &spec->anti_affinity[i], own, err) < 0)
            return ERR_NOMEM;
    return 0;
}

static size_t terms_slot(const struct demand_terms *terms, uint32_t spec, struct str namespace_)
{
    size_t mask = terms->n_slots - 1;
    size_t slot = (size_t)(str_hash(namespace_) ^ spec * UINT64_C(0x9e3779b97f4a7c15)) & mask;
    while (terms->slots[slot].spec != SOLVER_NONE &&
           !(terms->slots[slot].spec == spec && str_eq(terms->slots[slot].namespace_, namespace_)))
        slot = (slot + 1) & mask;
    return slot;
}

static int collector_finish(struct collector *c, struct err *err)
{
    struct demand_terms *terms = arena_new(c->arena, struct demand_terms);
    uint32_t *ids = arena_array(c->arena, uint32_t, c->ids.len);
    struct demand_selector *selectors = arena_array(c->arena, struct demand_selector, c->selectors.len);
    size_t n_slots = 16;
    while (n_slots < c->entries.len * 2)
        n_slots *= 2;
    struct terms_entry *slots = arena_array(c->arena, struct terms_entry, n_slots);
    if (!terms || !ids || !selectors || !slots)
        return err_nomem(err);
    if (c->ids.len)
        memcpy(ids, c->ids.items, c->ids.len * sizeof(*ids));
    if (c->selectors.len)
        memcpy(selectors, c->selectors.items, c->selectors.len * sizeof(*selectors));
    for (size_t i = 0; i < n_slots; i++)
        slots[i].spec = SOLVER_NONE;
    *terms = (struct demand_terms){slots, n_slots, ids};
    for (size_t i = 0; i < c->entries.len; i++)
        slots[terms_slot(terms, c->entries.items[i].spec, c->entries.items[i].namespace_)] = c->entries.items[i];
    c->demand->terms = terms;
    c->demand->selectors = selectors;
    c->demand->n_selectors = c->selectors.len;
    return 0;
}

int demand_selectors_collect(struct demand *demand, const uint64_t *take, struct arena *arena, struct err *err)
{
    CC_CLEANUP(collector_release) struct collector c = {.demand = demand, .arena = arena};
    const struct objects *objects = demand->objects;
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        const struct pod_spec *spec = objects->specs.items[pod->spec];
        /* The anti-affinity of pods that run keeps others away. */
        bool wanted = bitset_has(take, i) ? spec_has_pod_terms(spec) : pod_is_bound(pod) && spec->n_anti_affinity;
        if (wanted && collect_spec(&c, spec, pod->namespace_, err) < 0)
            return ERR_NOMEM;
    }
    return collector_finish(&c, err);
}

static uint32_t selector_at(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                            size_t index)
{
    const struct terms_entry *entry = &demand->terms->slots[terms_slot(demand->terms, spec->id, namespace_)];
    return entry->spec == SOLVER_NONE ? SOLVER_NONE : demand->terms->ids[entry->first + index];
}

uint32_t demand_spread_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                size_t spread)
{
    return selector_at(demand, spec, namespace_, spread);
}

uint32_t demand_affinity_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                  size_t term)
{
    return selector_at(demand, spec, namespace_, spec->n_spreads + term);
}

uint32_t demand_anti_affinity_selector(const struct demand *demand, const struct pod_spec *spec, struct str namespace_,
                                       size_t term)
{
    return selector_at(demand, spec, namespace_, spec->n_spreads + spec->n_affinity + term);
}

bool demand_selector_counts(const struct demand_selector *selector, const struct pod *pod)
{
    bool here = selector->all_namespaces;
    for (size_t i = 0; i < selector->n_namespaces && !here; i++)
        here = str_eq(selector->namespaces[i], pod->namespace_);
    return here && selector_matches(selector->selector, &pod->labels);
}

static int compare_str(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The distinct label keys that selectors ask for. */
static int matcher_keys(struct demand_matcher *matcher, struct err *err)
{
    size_t total = 0;
    for (size_t s = 0; s < matcher->demand->n_selectors; s++)
        total += matcher->demand->selectors[s].selector->all.n;
    matcher->keys = arena_array(matcher->arena, struct str, total);
    if (!matcher->keys)
        return err_nomem(err);
    size_t n = 0;
    for (size_t s = 0; s < matcher->demand->n_selectors; s++) {
        const struct requirements *all = &matcher->demand->selectors[s].selector->all;
        for (size_t i = 0; i < all->n; i++)
            matcher->keys[n++] = all->items[i].key;
    }
    if (n)
        qsort(matcher->keys, n, sizeof(*matcher->keys), compare_str);
    for (size_t i = 0; i < n; i++)
        if (!matcher->n_keys || !str_eq(matcher->keys[matcher->n_keys - 1], matcher->keys[i]))
            matcher->keys[matcher->n_keys++] = matcher->keys[i];
    return 0;
}

static bool bucket_key(struct content_key *key, struct str label, struct str value)
{
    key->len = 0;
    return content_put_str(key, label) && content_put_str(key, value);
}

/* Puts a selector into the bucket of its first requirement that fixes one value. */
static int matcher_file(struct demand_matcher *matcher, uint32_t s, struct err *err)
{
    const struct requirements *all = &matcher->demand->selectors[s].selector->all;
    for (size_t i = 0; i < all->n; i++) {
        if (all->items[i].op != OP_IN || all->items[i].n_values != 1)
            continue;
        uint32_t bucket;
        if (!bucket_key(&matcher->key, all->items[i].key, all->items[i].values[0]) ||
            intern_add(&matcher->buckets, content_text(&matcher->key), &bucket, NULL) < 0 ||
            (bucket == matcher->bucket_first.len && !VEC_PUSH(&matcher->bucket_first, 0)))
            return err_nomem(err);
        matcher->next[s] = matcher->bucket_first.items[bucket];
        matcher->bucket_first.items[bucket] = s + 1;
        return 0;
    }
    matcher->next[s] = matcher->unbucketed;
    matcher->unbucketed = s + 1;
    return 0;
}

int demand_matcher_init(struct demand_matcher *matcher, const struct demand *demand, struct arena *arena,
                        struct err *err)
{
    *matcher = (struct demand_matcher){.demand = demand, .arena = arena};
    matcher->next = arena_array(arena, uint32_t, demand->n_selectors);
    if (!matcher->next)
        return err_nomem(err);
    if (matcher_keys(matcher, err) < 0)
        return ERR_NOMEM;
    for (uint32_t s = 0; s < demand->n_selectors; s++)
        if (matcher_file(matcher, s, err) < 0)
            return ERR_NOMEM;
    return 0;
}

void demand_matcher_release(struct demand_matcher *matcher)
{
    intern_release(&matcher->buckets);
    intern_release(&matcher->classes);
    VEC_FREE(&matcher->bucket_first);
    VEC_FREE(&matcher->matches);
    content_release(&matcher->key);
}

static void match_chain(const struct demand_matcher *matcher, uint32_t first, const struct pod *pod, uint64_t *into)
{
    for (uint32_t at = first; at; at = matcher->next[at - 1])
        if (demand_selector_counts(&matcher->demand->selectors[at - 1], pod))
            bitset_add(into, at - 1);
}

static int match_class(struct demand_matcher *matcher, const struct pod *pod, struct err *err)
{
    uint64_t *set = arena_array(matcher->arena, uint64_t, BITSET_WORDS(matcher->demand->n_selectors));
    if (!set || !VEC_PUSH(&matcher->matches, set))
        return err_nomem(err);
    match_chain(matcher, matcher->unbucketed, pod, set);
    for (size_t k = 0; k < matcher->n_keys; k++) {
        const struct str *value = labels_get(&pod->labels, matcher->keys[k]);
        if (!value)
            continue;
        if (!bucket_key(&matcher->key, matcher->keys[k], *value))
            return err_nomem(err);
        uint32_t bucket = intern_find(&matcher->buckets, content_text(&matcher->key));
        if (bucket != INTERN_NONE)
            match_chain(matcher, matcher->bucket_first.items[bucket], pod, set);
    }
    return 0;
}

int demand_matcher_class(struct demand_matcher *matcher, const struct pod *pod, uint32_t *ret_class, struct err *err)
{
    matcher->key.len = 0;
    bool ok = true;
    if (matcher->demand->n_selectors)
        ok = content_put_str(&matcher->key, pod->namespace_);
    for (size_t k = 0; k < matcher->n_keys && ok; k++) {
        const struct str *value = labels_get(&pod->labels, matcher->keys[k]);
        ok = value ? content_put_str(&matcher->key, *value) : content_put_number(&matcher->key, UINT32_MAX);
    }
    uint32_t id;
    if (!ok || intern_add(&matcher->classes, content_text(&matcher->key), &id, NULL) < 0)
        return err_nomem(err);
    if (id == matcher->matches.len && match_class(matcher, pod, err) < 0)
        return ERR_NOMEM;
    *ret_class = id;
    return 0;
}

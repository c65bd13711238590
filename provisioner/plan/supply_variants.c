#include "provisioner/plan/supply_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/intern.h"

/* A value that a pod's constraint on the key would need, or that it excludes. */
struct named {
    struct intern values;
    bool ordered; /* some pod compares the value with a number */
};

/* One key whose value the Provisioner's requirements leave open, and the values that variants are made for. */
struct choice {
    struct str key;
    struct str *values;
    size_t n;
};

struct choosing {
    const struct objects *objects;
    const struct provisioner *provisioner;
    struct arena *arena;
    struct err *err;
};

/* Whole numbers next to a bound: what satisfies it most narrowly. 0 if the bound is none. */
static int name_neighbour(struct choosing *c, struct named *named, struct str bound, int64_t step)
{
    int64_t number;
    if (!str_to_int64(bound, &number) || __builtin_add_overflow(number, step, &number))
        return 0;
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    uint32_t unused;
    return intern_add(&named->values, str_of(text), &unused, c->err);
}

static int name_values(struct choosing *c, const struct requirements *requirements, struct str key, struct named *named)
{
    int rc = 0;
    uint32_t unused;
    for (size_t i = 0; i < requirements->n; i++) {
        const struct requirement *requirement = &requirements->items[i];
        if (!str_eq(requirement->key, key))
            continue;
        bool greater = requirement->op == OP_GT, less = requirement->op == OP_LT;
        named->ordered |= greater || less;
        for (size_t v = 0; v < requirement->n_values && !rc; v++) {
            struct str value = requirement->values[v];
            rc = greater || less ? name_neighbour(c, named, value, greater ? 1 : -1)
                                 : intern_add(&named->values, value, &unused, c->err);
        }
    }
    return rc;
}

/* Everything that any pod says of the key. */
static int name_all(struct choosing *c, struct str key, struct named *named)
{
    int rc = 0;
    for (size_t s = 0; s < c->objects->specs.len && !rc; s++) {
        const struct pod_spec *spec = c->objects->specs.items[s];
        rc = name_values(c, &spec->node_selector, key, named);
        for (size_t t = 0; t < spec->n_node_terms && !rc; t++)
            rc = name_values(c, &spec->node_terms[t].labels, key, named);
        for (size_t t = 0; t < spec->n_preferred_nodes && !rc; t++)
            rc = name_values(c, &spec->preferred_nodes[t].term.labels, key, named);
    }
    return rc;
}

static bool is_named(const struct named *named, struct str value)
{
    return intern_find(&named->values, value) != INTERN_NONE;
}

static bool among(const struct str *values, size_t n, struct str value)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(values[i], value))
            return true;
    return false;
}

/* Do all of the Provisioner's requirements on the key accept the value (NULL: no label)? */
static bool accepted(const struct provisioner *provisioner, struct str key, const struct str *value)
{
    for (size_t i = 0; i < provisioner->requirements.n; i++) {
        const struct requirement *requirement = &provisioner->requirements.items[i];
        if (str_eq(requirement->key, key) && !requirement_met(requirement, value))
            return false;
    }
    return true;
}

static const struct requirement *find_in(const struct provisioner *provisioner, struct str key)
{
    for (size_t i = 0; i < provisioner->requirements.n; i++) {
        const struct requirement *requirement = &provisioner->requirements.items[i];
        if (requirement->op == OP_IN && str_eq(requirement->key, key))
            return requirement;
    }
    return NULL;
}

/* From a list: the values that pods name, and the first of the others to stand for all of those. */
static int choose_listed(struct choosing *c, const struct requirement *list, const struct named *named,
                         struct choice *choice)
{
    choice->values = arena_array(c->arena, struct str, list->n_values);
    if (!choice->values)
        return err_nomem(c->err);
    bool other = false;
    for (size_t i = 0; i < list->n_values; i++) {
        struct str value = list->values[i];
        bool wanted = named->ordered || is_named(named, value);
        if (!accepted(c->provisioner, choice->key, &value) || among(choice->values, choice->n, value))
            continue;
        if (wanted || !other)
            choice->values[choice->n++] = value;
        other |= !wanted;
    }
    return 0;
}

/* A number that nobody names and the Provisioner accepts, looked for upwards from `from`. */
static int choose_unnamed(struct choosing *c, int64_t from, const struct named *named, struct choice *choice)
{
    size_t tries = named->values.len + c->provisioner->requirements.n + 1;
    for (size_t i = 0; i < tries && from <= INT64_MAX - (int64_t)i; i++) {
        const char *text = arena_printf(c->arena, "%" PRId64, from + (int64_t)i);
        if (!text)
            return err_nomem(c->err);
        struct str value = str_of(text);
        if (!accepted(c->provisioner, choice->key, &value) || is_named(named, value))
            continue;
        choice->values[choice->n++] = value;
        return 0;
    }
    return 0;
}

/* The least number above all of the Provisioner's own lower bounds. */
static int64_t least_number(const struct provisioner *provisioner, struct str key)
{
    int64_t least = 0, bound;
    for (size_t i = 0; i < provisioner->requirements.n; i++) {
        const struct requirement *requirement = &provisioner->requirements.items[i];
        if (requirement->op == OP_GT && str_eq(requirement->key, key) && requirement->n_values == 1 &&
            str_to_int64(requirement->values[0], &bound) && bound >= least && bound < INT64_MAX)
            least = bound + 1;
    }
    return least;
}

/* From anything (Exists, NotIn, Gt, Lt): the values that pods name, and a number to stand for all others. */
static int choose_free(struct choosing *c, const struct named *named, struct choice *choice)
{
    choice->values = arena_array(c->arena, struct str, named->values.len + 1);
    if (!choice->values)
        return err_nomem(c->err);
    for (uint32_t i = 0; i < named->values.len; i++) {
        struct str value = str_dup(c->arena, intern_text(&named->values, i));
        if (!value.ptr)
            return err_nomem(c->err);
        if (accepted(c->provisioner, choice->key, &value))
            choice->values[choice->n++] = value;
    }
    return choose_unnamed(c, least_number(c->provisioner, choice->key), named, choice);
}

static int choose(struct choosing *c, struct choice *choice)
{
    struct named named = {0};
    const struct requirement *list = find_in(c->provisioner, choice->key);
    int rc = name_all(c, choice->key, &named);
    if (!rc)
        rc = list ? choose_listed(c, list, &named, choice) : choose_free(c, &named, choice);
    intern_release(&named.values);
    return rc;
}

/* Is this the first requirement on its key? */
static bool first_on_key(const struct provisioner *provisioner, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(provisioner->requirements.items[i].key, provisioner->requirements.items[at].key))
            return false;
    return true;
}

static bool must_be_absent(const struct provisioner *provisioner, struct str key)
{
    for (size_t i = 0; i < provisioner->requirements.n; i++) {
        const struct requirement *requirement = &provisioner->requirements.items[i];
        if (requirement->op == OP_DOES_NOT_EXIST && str_eq(requirement->key, key))
            return true;
    }
    return false;
}

/* The keys whose values are open. A key that nothing satisfies gives a choice without values. */
static int find_choices(struct choosing *c, struct choice *choices, size_t *ret_n)
{
    const struct provisioner *provisioner = c->provisioner;
    size_t n = 0;
    for (size_t i = 0; i < provisioner->requirements.n; i++) {
        struct str key = provisioner->requirements.items[i].key;
        if (!supply_key_is_custom(key) || !first_on_key(provisioner, i))
            continue;
        const struct str *own = labels_get(&provisioner->labels, key);
        bool settled = own || must_be_absent(provisioner, key);
        if (settled && accepted(provisioner, key, own))
            continue;
        choices[n] = (struct choice){.key = key};
        if (!settled && choose(c, &choices[n]))
            return ERR_NOMEM;
        n++;
    }
    *ret_n = n;
    return 0;
}

static int by_key(const void *left, const void *right)
{
    const struct cloud_label *a = left, *b = right;
    return str_cmp(a->key, b->key);
}

/* The Provisioner's labels and the `which`-th combination of choices, sorted. */
static int make_labels(const struct choosing *c, const struct choice *choices, size_t n_choices, size_t which,
                       struct labels *ret)
{
    const struct labels *own = &c->provisioner->labels;
    struct cloud_label *labels = arena_array(c->arena, struct cloud_label, own->n + n_choices);
    if (!labels)
        return err_nomem(c->err);
    size_t n = 0;
    for (; n < own->n; n++)
        labels[n] = own->items[n];
    for (size_t i = 0; i < n_choices; i++) {
        labels[n++] = (struct cloud_label){choices[i].key, choices[i].values[which % choices[i].n]};
        which /= choices[i].n;
    }
    qsort(labels, n, sizeof(*labels), by_key);
    *ret = (struct labels){labels, n};
    return 0;
}

/* How many combinations; beyond SUPPLY_MAX_VARIANTS any number above it. */
static size_t count_combinations(const struct choice *choices, size_t n)
{
    size_t count = 1;
    for (size_t i = 0; i < n; i++)
        if (choices[i].n == 0)
            return 0;
    for (size_t i = 0; i < n && count <= SUPPLY_MAX_VARIANTS; i++)
        count = choices[i].n > SUPPLY_MAX_VARIANTS ? choices[i].n : count * choices[i].n;
    return count;
}

int supply_contradiction(const struct objects *objects, const struct provisioner *provisioner, struct arena *arena,
                         struct str *ret_key, struct err *err)
{
    struct choosing c = {.objects = objects, .provisioner = provisioner, .arena = arena, .err = err};
    struct choice *choices = arena_array(arena, struct choice, provisioner->requirements.n);
    size_t n_choices = 0;
    int rc = choices ? find_choices(&c, choices, &n_choices) : err_nomem(err);
    if (rc)
        return rc;
    *ret_key = STR("");
    for (size_t i = 0; i < n_choices && !ret_key->len; i++)
        if (!choices[i].n)
            *ret_key = choices[i].key;
    return 0;
}

int supply_variants(const struct objects *objects, uint32_t p, struct arena *arena, struct supply_variant **ret,
                    size_t *ret_count, struct err *err)
{
    const struct provisioner *provisioner = &objects->provisioners.items[p];
    struct choosing c = {.objects = objects, .provisioner = provisioner, .arena = arena, .err = err};
    struct choice *choices = arena_array(arena, struct choice, provisioner->requirements.n);
    if (!choices)
        return err_nomem(err);
    size_t n_choices = 0;
    int rc = find_choices(&c, choices, &n_choices);
    if (rc)
        return rc;
    size_t count = count_combinations(choices, n_choices);
    if (count > SUPPLY_MAX_VARIANTS)
        return err_set(err, ERR_INVALID,
                       "Provisioner %.*s: pods choose among more than %d combinations of the labels that its "
                       "requirements leave open; allowed are %d, split it into several Provisioners",
                       STR_ARG(provisioner->name), SUPPLY_MAX_VARIANTS, SUPPLY_MAX_VARIANTS);
    struct supply_variant *variants = arena_array(arena, struct supply_variant, count);
    if (!variants)
        return err_nomem(err);
    for (size_t i = 0; i < count && !rc; i++) {
        variants[i].provisioner = p;
        rc = make_labels(&c, choices, n_choices, i, &variants[i].labels);
    }
    if (rc)
        return rc;
    *ret = variants;
    *ret_count = count;
    return 0;
}

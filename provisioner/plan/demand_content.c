/* demand_content.c - names for content, and small questions about pods and their specs. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

bool content_put(struct content_key *key, const void *bytes, size_t size)
{
    if (size > key->cap - key->len) {
        size_t cap = key->cap ? key->cap : 256;
        while (cap - key->len < size) {
            if (cap > SIZE_MAX / 2)
                return false;
            cap *= 2;
        }
        char *grown = realloc(key->bytes, cap);
        if (!grown)
            return false;
        key->bytes = grown;
        key->cap = cap;
    }
    if (size)
        memcpy(key->bytes + key->len, bytes, size);
    key->len += size;
    return true;
}

bool content_put_number(struct content_key *key, uint32_t number)
{
    return content_put(key, &number, sizeof(number));
}

/* The length goes first, so that "ab" + "c" and "a" + "bc" differ. */
bool content_put_str(struct content_key *key, struct str text)
{
    return content_put_number(key, (uint32_t)text.len) && content_put(key, text.ptr, text.len);
}

bool content_put_requirements(struct content_key *key, const struct requirements *requirements)
{
    if (!content_put_number(key, (uint32_t)requirements->n))
        return false;
    for (size_t i = 0; i < requirements->n; i++) {
        const struct requirement *item = &requirements->items[i];
        if (!content_put_str(key, item->key) || !content_put_number(key, (uint32_t)item->op) ||
            !content_put_number(key, (uint32_t)item->n_values))
            return false;
        for (size_t v = 0; v < item->n_values; v++)
            if (!content_put_str(key, item->values[v]))
                return false;
    }
    return true;
}

bool content_put_tolerations(struct content_key *key, const struct toleration *tolerations, size_t n)
{
    bool ok = content_put_number(key, (uint32_t)n);
    for (size_t i = 0; i < n && ok; i++)
        ok = content_put_str(key, tolerations[i].key) && content_put_str(key, tolerations[i].value) &&
             content_put_number(key, tolerations[i].exists) && content_put_number(key, (uint32_t)tolerations[i].effect);
    return ok;
}

static bool put_term(struct content_key *key, const struct node_term *term)
{
    return content_put_requirements(key, &term->labels) && content_put_requirements(key, &term->fields);
}

static bool put_requests(struct content_key *key, const struct resources *requests)
{
    bool ok = content_put_number(key, (uint32_t)requests->n);
    for (size_t i = 0; i < requests->n && ok; i++)
        ok = content_put_str(key, requests->items[i].name) &&
             content_put(key, &requests->items[i].amount, sizeof(requests->items[i].amount));
    return ok;
}

bool content_put_node_constraints(struct content_key *key, const struct pod_spec *spec)
{
    bool ok = put_requests(key, &spec->requests) && content_put_requirements(key, &spec->node_selector) &&
              content_put_tolerations(key, spec->tolerations, spec->n_tolerations) &&
              content_put_number(key, spec->resource_claims) && content_put_number(key, spec->node_terms_present) &&
              content_put_number(key, (uint32_t)spec->n_node_terms) &&
              content_put_number(key, (uint32_t)spec->n_preferred_nodes);
    for (size_t i = 0; i < spec->n_node_terms && ok; i++)
        ok = put_term(key, &spec->node_terms[i]);
    for (size_t i = 0; i < spec->n_preferred_nodes && ok; i++)
        ok = content_put_number(key, (uint32_t)spec->preferred_nodes[i].weight) &&
             put_term(key, &spec->preferred_nodes[i].term);
    return ok;
}

struct str content_text(const struct content_key *key)
{
    return (struct str){key->bytes ? key->bytes : "", key->len};
}

void content_release(struct content_key *key)
{
    free(key->bytes);
    *key = (struct content_key){0};
}

const char *requirement_text(const struct requirement *requirement, struct arena *arena)
{
    static const char *const names[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};
    const char *text = "";
    for (size_t i = 0; i < requirement->n_values && text; i++) {
        if (i == 8) {
            text = arena_printf(arena, "%s, … %zu more", text, requirement->n_values - i);
            break;
        }
        text = arena_printf(arena, "%s%s%.*s", text, i ? ", " : "", STR_ARG(requirement->values[i]));
    }
    if (!text)
        return NULL;
    if (requirement->op == OP_EXISTS || requirement->op == OP_DOES_NOT_EXIST)
        return arena_printf(arena, "%.*s %s", STR_ARG(requirement->key), names[requirement->op]);
    return arena_printf(arena, "%.*s %s [%s]", STR_ARG(requirement->key), names[requirement->op], text);
}

static bool names_capacity_type(const struct requirements *requirements)
{
    for (size_t i = 0; i < requirements->n; i++)
        if (str_is(requirements->items[i].key, "karpenter.sh/capacity-type") ||
            str_is(requirements->items[i].key, "eks.amazonaws.com/capacityType"))
            return true;
    return false;
}

bool spec_names_capacity_type(const struct pod_spec *spec)
{
    if (names_capacity_type(&spec->node_selector))
        return true;
    for (size_t i = 0; i < spec->n_node_terms; i++)
        if (names_capacity_type(&spec->node_terms[i].labels))
            return true;
    for (size_t i = 0; i < spec->n_preferred_nodes; i++)
        if (names_capacity_type(&spec->preferred_nodes[i].term.labels))
            return true;
    return false;
}

bool spec_has_pod_terms(const struct pod_spec *spec)
{
    return spec->n_spreads || spec->n_affinity || spec->n_anti_affinity;
}

bool pod_is_bound(const struct pod *pod)
{
    return pod->node_name.len && pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED;
}

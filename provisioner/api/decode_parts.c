#include "provisioner/api/decode_parts.h"

#include <stdlib.h>

#include "provisioner/api/label_keys.h"

static struct arena *arena_of(const struct field *field)
{
    return &field->decode->objects->arena;
}

static size_t count_of(const struct field *field)
{
    return field->doc ? field->doc->count : 0;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct cloud_label *)a)->key, ((const struct cloud_label *)b)->key);
}

static bool label_good(const struct field *field, bool any_value, struct str *ret_value)
{
    if (!label_key_valid(field->name)) {
        field_bad(field, "the key is no label key, allowed is [prefix/]name, the name at most 63 of A-Za-z0-9-_.");
        return false;
    }
    *ret_value = STR(""); /* the API server takes null for "" */
    if (field_here(field) && !field_text(field, ret_value))
        return false;
    if (!any_value && !label_value_valid(*ret_value)) {
        field_bad(field, "\"%.*s\" is no label value, allowed are at most 63 of A-Za-z0-9-_.", FIELD_SHOW(*ret_value));
        return false;
    }
    return true;
}

static int decode_label_map(const struct field *map, bool any_value, struct labels *ret, struct err *err)
{
    struct cloud_label *items = arena_array(arena_of(map), struct cloud_label, count_of(map));
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        struct str value;
        if (!label_good(&field, any_value, &value))
            continue;
        int rc = decode_keep(map->decode, member->key, &items[n].key, err);
        if (rc == 0)
            rc = decode_keep(map->decode, value, &items[n].value, err);
        if (rc < 0)
            return rc;
        n++;
    }
    qsort(items, n, sizeof(*items), by_key);
    *ret = (struct labels){items, n};
    return 0;
}

int decode_labels(const struct field *map, struct labels *ret, struct err *err)
{
    return decode_label_map(map, false, ret, err);
}

int decode_annotations(const struct field *map, struct labels *ret, struct err *err)
{
    return decode_label_map(map, true, ret, err);
}

int decode_node_labels(const struct field *map, struct labels *ret, struct err *err)
{
    struct labels as_written;
    int rc = decode_label_map(map, false, &as_written, err);
    if (rc < 0)
        return rc;
    struct cloud_label *items = arena_array(arena_of(map), struct cloud_label, as_written.n);
    if (!items)
        return err_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < as_written.n; i++) {
        struct cloud_label label = as_written.items[i];
        struct str current = label_key_current(label.key);
        /* Nodes carry old and new spellings side by side: the new one counts. */
        bool repeats = !str_eq(current, label.key) && (labels_get(&as_written, current) != NULL);
        for (size_t k = 0; k < n && !repeats; k++)
            repeats = str_eq(items[k].key, current);
        if (!repeats)
            items[n++] = (struct cloud_label){current, label.value};
    }
    qsort(items, n, sizeof(*items), by_key);
    *ret = (struct labels){items, n};
    return 0;
}

static int by_requirement_key(const void *a, const void *b)
{
    return str_cmp(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

/* One In per member of a map of labels. */
static int label_requirements(const struct labels *labels, struct requirement *items)
{
    for (size_t i = 0; i < labels->n; i++)
        items[i] = (struct requirement){labels->items[i].key, OP_IN, &labels->items[i].value, 1};
    return (int)labels->n;
}

int decode_node_selector(const struct field *map, struct requirements *ret, struct err *err)
{
    struct labels labels;
    int rc = decode_label_map(map, false, &labels, err);
    if (rc < 0)
        return rc;
    struct requirement *items = arena_array(arena_of(map), struct requirement, labels.n);
    if (!items)
        return err_nomem(err);
    label_requirements(&labels, items);
    for (size_t i = 0; i < labels.n; i++)
        items[i].key = label_key_current(items[i].key);
    qsort(items, labels.n, sizeof(*items), by_requirement_key);
    *ret = (struct requirements){items, labels.n};
    return 0;
}

/* The operators by enum label_op; label selectors know the first four. */
static const char *const NODE_OPERATORS[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", NULL};
static const char *const LABEL_OPERATORS[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};

static bool values_good(const struct field *values, enum label_op op, const struct requirement *requirement)
{
    int64_t integer;
    switch (op) {
    case OP_IN:
    case OP_NOT_IN:
        if (requirement->n_values == 0)
            field_bad(values, "is empty, allowed with %s is at least one value", NODE_OPERATORS[op]);
        return requirement->n_values > 0;
    case OP_EXISTS:
    case OP_DOES_NOT_EXIST:
        if (requirement->n_values > 0)
            field_bad(values, "is not empty, allowed with %s is no value", NODE_OPERATORS[op]);
        return requirement->n_values == 0;
    case OP_GT:
    case OP_LT: break;
    }
    if (requirement->n_values == 1 && str_to_int64(requirement->values[0], &integer))
        return true;
    field_bad(values, "allowed with %s is one integer in quotes", NODE_OPERATORS[op]);
    return false;
}

/* The members of a requirement, all of them checked so that all findings are made at once. */
static int requirement_members(const struct field *map, const char *const *operators, struct requirement *ret,
                               bool *ret_good, struct err *err)
{
    size_t before = diag_count(map->decode->diag);
    struct field key = field_any(map, "key"), op = field_any(map, "operator"), values = field_list(map, "values");
    struct requirement requirement = {0};
    int choice = 0;
    int rc = field_keep(&key, &requirement.key, err);
    if (rc == 0)
        rc = field_keep_texts(&values, &requirement.values, &requirement.n_values, err);
    if (rc < 0)
        return rc;
    if (!field_here(&key))
        field_bad(&key, "is missing, allowed is a label key");
    else if (requirement.key.ptr && !label_key_valid(requirement.key))
        field_bad(&key, "\"%.*s\" is no label key", FIELD_SHOW(requirement.key));
    if (!field_here(&op))
        field_bad(&op, "is missing, allowed are In, NotIn, Exists, DoesNotExist%s",
                  operators == NODE_OPERATORS ? ", Gt, Lt" : "");
    else if (field_choice(&op, operators, &choice) && diag_count(map->decode->diag) == before)
        values_good(&values, (enum label_op)choice, &requirement);
    requirement.op = (enum label_op)choice;
    *ret_good = diag_count(map->decode->diag) == before;
    if (*ret_good)
        *ret = requirement;
    return 0;
}

static int decode_requirement(const struct field *map, const char *const *operators, struct requirement *ret,
                              bool *ret_good, struct err *err)
{
    *ret_good = false;
    if (!field_here(map))
        field_bad(map, "is null, allowed is a map with key, operator and values");
    return field_is_map(map) ? requirement_members(map, operators, ret, ret_good, err) : 0;
}

int decode_node_requirement(const struct field *map, struct requirement *ret, bool *ret_good, struct err *err)
{
    int rc = decode_requirement(map, NODE_OPERATORS, ret, ret_good, err);
    if (rc == 0 && *ret_good)
        ret->key = label_key_current(ret->key);
    return rc;
}

int decode_node_requirements(const struct field *list, struct requirements *ret, struct err *err)
{
    struct requirement *items = arena_array(arena_of(list), struct requirement, count_of(list));
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        bool good;
        int rc = decode_node_requirement(&field, &items[n], &good, err);
        if (rc < 0)
            return rc;
        n += good ? 1 : 0;
    }
    *ret = (struct requirements){items, n};
    return 0;
}

int decode_selector(const struct field *map, const struct requirement *extra, size_t n_extra, struct selector *ret,
                    struct err *err)
{
    struct field match_labels = field_map(map, "matchLabels"), expressions = field_list(map, "matchExpressions");
    if (!field_here(map)) {
        *ret = (struct selector){0};
        return 0;
    }
    struct labels labels;
    int rc = decode_label_map(&match_labels, false, &labels, err);
    if (rc < 0)
        return rc;
    struct requirement *items =
        arena_array(arena_of(map), struct requirement, labels.n + count_of(&expressions) + n_extra);
    if (!items)
        return err_nomem(err);
    size_t n = (size_t)label_requirements(&labels, items), index = 0;
    DOC_EACH (item, expressions.doc) {
        struct field field = field_child(&expressions, item, index++);
        bool good;
        rc = decode_requirement(&field, LABEL_OPERATORS, &items[n], &good, err);
        if (rc < 0)
            return rc;
        n += good ? 1 : 0;
    }
    for (size_t i = 0; i < n_extra; i++)
        items[n++] = extra[i];
    *ret = (struct selector){true, {items, n}};
    return 0;
}

#include "tests/support/schema_check.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 256, TEXT_BYTES = 512 };

struct check {
    const struct schema *schema;
    bool patch;
    char *said;
};

static bool bad(const struct check *check, const char *path, const char *what)
{
    snprintf(check->said, TEXT_BYTES, "%s: %s", path, what);
    return false;
}

static const struct schema_field *field_at(const struct schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].path, path) == 0)
            return &schema->fields[i];
    return NULL;
}

static bool among(const char *values, struct str text)
{
    struct str rest = str_of(values);
    while (rest.len)
        if (str_eq(str_cut(&rest, '|'), text))
            return true;
    return false;
}

static bool check_value(const struct check *check, const struct schema_field *field, const struct doc *doc);

static bool check_members(const struct check *check, const char *path, const struct doc *map)
{
    DOC_EACH (member, map) {
        char child[PATH_BYTES];
        snprintf(child, sizeof(child), "%s%s%.*s", path, path[0] ? "." : "", STR_ARG(member->key));
        bool common = !path[0] && (str_is(member->key, "apiVersion") || str_is(member->key, "kind") ||
                                   str_is(member->key, "metadata"));
        const struct schema_field *field = field_at(check->schema, child);
        if (common)
            continue;
        if (!field)
            return bad(check, child, "is not a field");
        if (member->kind == DOC_NULL && !check->patch)
            return bad(check, child, "is null");
        if (member->kind != DOC_NULL && !check_value(check, field, member))
            return false;
    }
    return true;
}

static bool check_required(const struct check *check, const char *path, const struct doc *map)
{
    for (size_t i = 0; i < check->schema->n_fields; i++) {
        const struct schema_field *field = &check->schema->fields[i];
        const char *name = schema_child(path, field->path);
        if (name && (field->flags & SCHEMA_REQUIRED) && !doc_get(map, name))
            return bad(check, field->path, "is missing");
    }
    return true;
}

static bool check_list(const struct check *check, const struct schema_field *field, const struct doc *list)
{
    char child[PATH_BYTES];
    snprintf(child, sizeof(child), "%s[]", field->path);
    if ((double)list->count > field->max)
        return bad(check, field->path, "has too many items");
    DOC_EACH (item, list)
        if (!check_value(check, field_at(check->schema, child), item))
            return false;
    return true;
}

static bool check_keys(const struct check *check, const struct schema_field *field, const struct doc *map)
{
    DOC_EACH (member, map) {
        bool text = member->kind == DOC_STRING || (field->type == SCHEMA_QUANTITIES && member->kind == DOC_NUMBER);
        if (!text || (field->values && !among(field->values, member->key)))
            return bad(check, field->path, "has a member that is not allowed");
    }
    return true;
}

static bool check_string(const struct check *check, const struct schema_field *field, const struct doc *doc)
{
    if (field->max > 0 && (double)doc->text.len > field->max)
        return bad(check, field->path, "is too long");
    return !field->values || among(field->values, doc->text) || bad(check, field->path, "is not among the values");
}

static bool check_int(const struct check *check, const struct schema_field *field, const struct doc *doc)
{
    int64_t value;
    bool good = str_to_int64(doc->text, &value) &&
                (field->max <= 0 || ((double)value >= field->min && (double)value <= field->max));
    return good || bad(check, field->path, "is out of range");
}

static enum doc_kind kind_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_LIST: return DOC_LIST;
    case SCHEMA_INT:
    case SCHEMA_NUMBER: return DOC_NUMBER;
    case SCHEMA_BOOL: return DOC_BOOL;
    case SCHEMA_STRING:
    case SCHEMA_TIME:
    case SCHEMA_PERCENT:
    case SCHEMA_QUANTITY: return DOC_STRING;
    case SCHEMA_MAP:
    case SCHEMA_STRINGS:
    case SCHEMA_QUANTITIES:
    case SCHEMA_TEMPLATE_SPEC:
    case SCHEMA_ANYTHING: break;
    }
    return DOC_MAP;
}

static bool check_value(const struct check *check, const struct schema_field *field, const struct doc *doc)
{
    if (!field)
        return bad(check, "?", "a list without items in the table");
    bool number_too = field->type == SCHEMA_PERCENT || field->type == SCHEMA_QUANTITY;
    if (doc->kind != kind_of(field->type) && !(number_too && doc->kind == DOC_NUMBER))
        return bad(check, field->path, "is of another type");
    switch (field->type) {
    case SCHEMA_MAP: return check_required(check, field->path, doc) && check_members(check, field->path, doc);
    case SCHEMA_LIST: return check_list(check, field, doc);
    case SCHEMA_STRING: return check_string(check, field, doc);
    case SCHEMA_INT: return check_int(check, field, doc);
    case SCHEMA_STRINGS:
    case SCHEMA_QUANTITIES: return check_keys(check, field, doc);
    case SCHEMA_NUMBER:
    case SCHEMA_PERCENT:
    case SCHEMA_BOOL:
    case SCHEMA_QUANTITY:
    case SCHEMA_TIME:
    case SCHEMA_TEMPLATE_SPEC:
    case SCHEMA_ANYTHING: break;
    }
    return true;
}

const char *schema_check(const struct doc *object, enum schema_document document, bool patch)
{
    static char said[TEXT_BYTES];
    struct check check = {schema_of(document), patch, said};
    return check_members(&check, "", object) ? NULL : said;
}

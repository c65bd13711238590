#include "provisioner/api/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/api/schema_tables.h"

/* Members of one map, keys of one map: more are a mistake in a table. */
enum { NAMES_MAX = 64, KEYS_BYTES_MAX = 256 };

const struct schema_kind schema_kinds[] = {
    {"stoker.sh", "v1alpha1", "Provisioner", "provisioners", "sprov", SCHEMA_PROVISIONER, false,
     "A Provisioner says which pods may get which nodes, how many, and for how long."},
    {"stoker.sh", "v1alpha1", "NodeTemplate", "nodetemplates", "snt", SCHEMA_TEMPLATE, false,
     "A NodeTemplate says how an EC2 instance is launched and becomes a node."},
    {"stoker.sh", "v1alpha1", "NodeClaim", "nodeclaims", "snc", SCHEMA_CLAIM, false,
     "A NodeClaim is the record of one node that Stoker wants, from the plan to the end of its instance. Claims are "
     "Stoker's own; deleting one drains its node and gives it back."},
    {"karpenter.sh", "v1alpha5", "Provisioner", "provisioners", NULL, SCHEMA_PROVISIONER, true,
     "A Provisioner says which pods may get which nodes, how many, and for how long."},
    {"karpenter.k8s.aws", "v1alpha1", "AWSNodeTemplate", "awsnodetemplates", NULL, SCHEMA_TEMPLATE, true,
     "An AWSNodeTemplate says how an EC2 instance is launched and becomes a node."},
};
const size_t schema_n_kinds = CC_COUNT(schema_kinds);

const struct schema *schema_of(enum schema_document document)
{
    switch (document) {
    case SCHEMA_PROVISIONER: return &schema_provisioner;
    case SCHEMA_TEMPLATE: return &schema_template;
    case SCHEMA_CLAIM: break;
    }
    return &schema_claim;
}

const char *schema_child(const char *parent, const char *path)
{
    size_t len = strlen(parent);
    if (strncmp(parent, path, len) != 0)
        return NULL;
    const char *rest = path + len;
    if (strcmp(rest, "[]") == 0)
        return rest;
    if (len > 0 && *rest++ != '.')
        return NULL;
    return *rest && !strpbrk(rest, ".[") ? rest : NULL;
}

static const struct schema_field *find(const struct schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].path, path) == 0)
            return &schema->fields[i];
    return NULL;
}

/* Adds the members of `path` but those with one of `without`; returns how many there are now. */
static size_t members(enum schema_document document, const char *path, unsigned without, const char **names, size_t n)
{
    const struct schema *schema = schema_of(document);
    for (size_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema_child(path, schema->fields[i].path);
        if (!name || (schema->fields[i].flags & without))
            continue;
        assert(n + 1 < NAMES_MAX);
        names[n++] = name;
    }
    return n;
}

/* "a|b" cut at its bars into `text`, each piece with a NUL behind it. */
static size_t keys(const char *values, char text[KEYS_BYTES_MAX], const char **names)
{
    size_t n = 0;
    int len = snprintf(text, KEYS_BYTES_MAX, "%s", values);
    assert(len > 0 && len < KEYS_BYTES_MAX);
    for (char *piece = text; piece; n++) {
        assert(n + 1 < NAMES_MAX);
        names[n] = piece;
        piece = strchr(piece, '|');
        if (piece)
            *piece++ = '\0';
    }
    return n;
}

void schema_only(const struct field *map, enum schema_document document, const char *path)
{
    const char *names[NAMES_MAX] = {NULL};
    char text[KEYS_BYTES_MAX];
    const struct schema_field *field = find(schema_of(document), path);
    if (field && field->values)
        keys(field->values, text, names);
    else
        members(document, path, 0, names, 0);
    assert(names[0]);
    field_only(map, names);
}

void schema_only_inline(const struct field *map)
{
    const char *names[NAMES_MAX] = {NULL};
    size_t n = members(SCHEMA_PROVISIONER, "spec.provider", 0, names, 0);
    members(SCHEMA_TEMPLATE, "spec", SCHEMA_NOT_INLINE, names, n);
    field_only(map, names);
}

void schema_not_own(const struct field *map, enum schema_document document, const char *path)
{
    const struct schema *schema = schema_of(document);
    for (size_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema_child(path, schema->fields[i].path);
        if (!name || !(schema->fields[i].flags & SCHEMA_OWN))
            continue;
        struct field own = field_any(map, name);
        if (field_here(&own))
            field_bad(&own, "is there only in stoker.sh/v1alpha1");
    }
}

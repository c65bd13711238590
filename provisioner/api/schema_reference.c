/* schema_reference.c - the fields as tables for people: docs/provisioner.md. */
#include <stdio.h>
#include <string.h>

#include "provisioner/api/schema_tables.h"

enum { CELL_MAX_BYTES = 2048 };

static void add(struct buf *buf, const char *text)
{
    buf_add(buf, str_of(text));
}

static const char *type_name(enum schema_type type)
{
    switch (type) {
    case SCHEMA_MAP:
    case SCHEMA_TEMPLATE_SPEC:
    case SCHEMA_ANYTHING: return "map";
    case SCHEMA_LIST: return "list";
    case SCHEMA_STRING: return "string";
    case SCHEMA_INT: return "integer";
    case SCHEMA_NUMBER: return "number";
    case SCHEMA_PERCENT: return "number or percentage";
    case SCHEMA_BOOL: return "true or false";
    case SCHEMA_QUANTITY: return "quantity";
    case SCHEMA_STRINGS: return "map of strings";
    case SCHEMA_QUANTITIES: return "map of quantities";
    case SCHEMA_TIME: return "time";
    }
    return "";
}

static bool ranged(const struct schema_field *field)
{
    bool number = field->type == SCHEMA_INT || field->type == SCHEMA_NUMBER || field->type == SCHEMA_PERCENT;
    return number && field->max > 0 && field->max < 2147483647;
}

/* "integer, 1 to 100"; "string: `any`, `prefer`". */
static void write_type(struct buf *buf, const struct schema_field *field)
{
    char range[CELL_MAX_BYTES];
    add(buf, type_name(field->type));
    if (ranged(field)) {
        snprintf(range, sizeof(range), ", %.0f to %.0f", field->min, field->max);
        add(buf, range);
    }
    struct str rest = str_of(field->values);
    for (const char *before = ": `"; rest.len; before = "`, `") {
        add(buf, before);
        buf_add(buf, str_cut(&rest, '|'));
    }
    if (field->values)
        add(buf, "`");
    if (field->flags & SCHEMA_REQUIRED)
        add(buf, "; required");
}

static void write_row(struct buf *buf, const struct schema_field *field)
{
    add(buf, "| `");
    add(buf, field->path);
    add(buf, field->flags & SCHEMA_OWN ? "` ¹ | " : "` | ");
    write_type(buf, field);
    add(buf, " | ");
    add(buf, field->preset ? field->preset : "");
    add(buf, " | ");
    add(buf, field->about);
    add(buf, " |\n");
}

/* Items of lists of strings, and what is not ours, say nothing of their own. */
static bool worth_a_row(const struct schema_field *field)
{
    bool item = str_ends(str_of(field->path), "[]");
    return !item && !(field->flags & SCHEMA_FOREIGN) && !str_starts(str_of(field->path), "status.conditions[]");
}

static void write_table(struct buf *buf, const char *title, const char *kinds, const struct schema *schema)
{
    add(buf, "\n## ");
    add(buf, title);
    add(buf, "\n");
    add(buf, kinds);
    add(buf, "\n\n| field | type | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < schema->n_fields; i++)
        if (worth_a_row(&schema->fields[i]))
            write_row(buf, &schema->fields[i]);
    add(buf, "\nWhat is refused beside that:\n\n");
    for (size_t i = 0; i < schema->n_rules; i++) {
        add(buf, "- `");
        add(buf, schema->rules[i].path[0] ? schema->rules[i].path : "metadata.name");
        add(buf, "`: ");
        add(buf, schema->rules[i].message);
        add(buf, "\n");
    }
}

void schema_write_reference(struct buf *buf)
{
    add(buf,
        "# The documents' fields\n\n"
        "<!-- Written by `make crds` from provisioner/api/schema*.c: change it there. -->\n\n"
        "The API server refuses what is not as below where the CustomResourceDefinitions in crds/ are installed, "
        "`kubectl explain` says the\nsame. What a schema cannot say (reserved label keys, how templates and families "
        "go together) Stoker says itself: in the output of\n`stoker plan`, and in the condition Ready of the "
        "document's status. NodeClaims, which Stoker writes, are in\n[nodeclaim.md](nodeclaim.md).\n\n"
        "¹ in `stoker.sh/v1alpha1` alone; in `karpenter.sh` documents the default holds.\n");
    write_table(buf, "Provisioner", "`stoker.sh/v1alpha1`, `karpenter.sh/v1alpha5`; cluster-scoped.",
                &schema_provisioner);
    write_table(buf, "NodeTemplate, AWSNodeTemplate",
                "`stoker.sh/v1alpha1` NodeTemplate, `karpenter.k8s.aws/v1alpha1` AWSNodeTemplate; cluster-scoped.",
                &schema_template);
}

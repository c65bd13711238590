/* schema_crd.c - a kind's CustomResourceDefinition: structural schema, CEL rules, columns; as YAML. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/api/schema_tables.h"

enum { LINE_MAX_BYTES = 4096, PATH_MAX_BYTES = 256, STEP = 2, ROOT = 10 };

/* As the API server's own types say it. Source: controller-gen, for resource.Quantity. */
#define QUANTITY_PATTERN                                                                     \
    "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-" \
    "9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$"

struct writer {
    struct buf *buf;
    bool karpenter;
};

static void line(struct writer *writer, int indent, const char *fmt, ...) CC_PRINTF(3, 4);

static void line(struct writer *writer, int indent, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    for (int i = 0; i < indent; i++)
        buf_byte(writer->buf, ' ');
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_add(writer->buf, str_of(text));
    buf_byte(writer->buf, '\n');
}

/* `key: "text"`, in double quotes as JSON has them. */
static void quoted(struct writer *writer, int indent, const char *key, const char *text)
{
    for (int i = 0; i < indent; i++)
        buf_byte(writer->buf, ' ');
    buf_add(writer->buf, str_of(key));
    buf_add(writer->buf, STR(": \""));
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_byte(writer->buf, '\\');
        buf_byte(writer->buf, *c);
    }
    buf_add(writer->buf, STR("\"\n"));
}

static bool here(const struct writer *writer, unsigned flags)
{
    return !(flags & (writer->karpenter ? SCHEMA_OWN : SCHEMA_FOREIGN));
}

static size_t count_values(const char *values)
{
    size_t n = 1;
    for (const char *c = values; *c; c++)
        n += *c == '|';
    return n;
}

/* Each of "a|b" on a line of its own, or as 'a', 'b' in one. */
static void write_enum(struct writer *writer, int indent, const char *values)
{
    struct str rest = str_of(values);
    line(writer, indent, "enum:");
    while (rest.len) {
        struct str value = str_cut(&rest, '|');
        line(writer, indent + STEP, "- \"%.*s\"", STR_ARG(value));
    }
}

static void keys_rule(const char *values, char rule[LINE_MAX_BYTES])
{
    struct str rest = str_of(values);
    int at = snprintf(rule, LINE_MAX_BYTES, "self.all(k, k in [");
    for (bool first = true; rest.len; first = false) {
        struct str value = str_cut(&rest, '|');
        at += snprintf(rule + at, LINE_MAX_BYTES - (size_t)at, "%s'%.*s'", first ? "" : ", ", STR_ARG(value));
    }
    snprintf(rule + at, LINE_MAX_BYTES - (size_t)at, "])");
}

static void write_rule(struct writer *writer, int indent, const char *rule, const char *message)
{
    quoted(writer, indent, "- rule", rule);
    quoted(writer, indent + STEP, "message", message);
}

/* The rules of the table for `path`, and the one that a map's keys make. */
static void write_rules(struct writer *writer, int indent, const struct schema *schema, const char *path,
                        const struct schema_field *field)
{
    bool keyed = field && field->values && (field->type == SCHEMA_STRINGS || field->type == SCHEMA_QUANTITIES);
    bool begun = false;
    for (size_t i = 0; i < schema->n_rules; i++) {
        const struct schema_rule *rule = &schema->rules[i];
        if (strcmp(rule->path, path) != 0 || !here(writer, rule->flags))
            continue;
        if (!begun)
            line(writer, indent, "x-kubernetes-validations:");
        begun = true;
        write_rule(writer, indent + STEP, rule->rule, rule->message);
    }
    if (keyed) {
        char rule[LINE_MAX_BYTES], message[LINE_MAX_BYTES];
        keys_rule(field->values, rule);
        snprintf(message, sizeof(message), "allowed keys are %s", field->values);
        line(writer, indent, "x-kubernetes-validations:");
        write_rule(writer, indent + STEP, rule, message);
    }
}

static void write_quantity(struct writer *writer, int indent)
{
    line(writer, indent, "anyOf:");
    line(writer, indent + STEP, "- type: integer");
    line(writer, indent + STEP, "- type: string");
    quoted(writer, indent, "pattern", QUANTITY_PATTERN);
    line(writer, indent, "x-kubernetes-int-or-string: true");
}

static void write_range(struct writer *writer, int indent, const struct schema_field *field)
{
    if (field->max > 0) {
        line(writer, indent, "minimum: %.0f", field->min);
        line(writer, indent, "maximum: %.0f", field->max);
    }
}

static void write_string(struct writer *writer, int indent, const struct schema_field *field)
{
    line(writer, indent, "type: string");
    if (field->max > 0)
        line(writer, indent, "maxLength: %.0f", field->max);
    if (field->pattern)
        quoted(writer, indent, "pattern", field->pattern);
    if (field->values)
        write_enum(writer, indent, field->values);
}

static void write_map_of(struct writer *writer, int indent, const struct schema_field *field)
{
    size_t most = field->values ? count_values(field->values) : (size_t)field->max;
    line(writer, indent, "type: object");
    line(writer, indent, "maxProperties: %zu", most);
    line(writer, indent, "additionalProperties:");
    if (field->type == SCHEMA_STRINGS)
        line(writer, indent + STEP, "type: string");
    else
        write_quantity(writer, indent + STEP);
}

static void write_members(struct writer *writer, int indent, const struct schema *schema, const char *path,
                          unsigned without);

/* spec.provider: its own members, and those of a template's spec. */
static void write_inline(struct writer *writer, int indent, const struct schema *schema, const char *path)
{
    line(writer, indent, "type: object");
    line(writer, indent, "properties:");
    write_members(writer, indent + STEP, schema, path, 0);
    write_members(writer, indent + STEP, &schema_template, "spec", SCHEMA_NOT_INLINE);
}

static void write_required(struct writer *writer, int indent, const struct schema *schema, const char *path)
{
    bool begun = false;
    for (size_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema_child(path, schema->fields[i].path);
        if (!name || !(schema->fields[i].flags & SCHEMA_REQUIRED))
            continue;
        if (!begun)
            line(writer, indent, "required:");
        begun = true;
        line(writer, indent + STEP, "- %s", name);
    }
}

static void write_map(struct writer *writer, int indent, const struct schema *schema, const char *path)
{
    line(writer, indent, "type: object");
    line(writer, indent, "properties:");
    write_members(writer, indent + STEP, schema, path, 0);
    write_required(writer, indent, schema, path);
}

static void write_field(struct writer *writer, int indent, const struct schema *schema,
                        const struct schema_field *field);

static void write_list(struct writer *writer, int indent, const struct schema *schema, const struct schema_field *field)
{
    line(writer, indent, "type: array");
    line(writer, indent, "maxItems: %.0f", field->max);
    for (size_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema_child(field->path, schema->fields[i].path);
        if (name && name[0] == '[') {
            line(writer, indent, "items:");
            write_field(writer, indent + STEP, schema, &schema->fields[i]);
        }
    }
}

static void write_type(struct writer *writer, int indent, const struct schema *schema, const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_MAP: write_map(writer, indent, schema, field->path); break;
    case SCHEMA_LIST: write_list(writer, indent, schema, field); break;
    case SCHEMA_STRING: write_string(writer, indent, field); break;
    case SCHEMA_INT:
        line(writer, indent, "type: integer");
        line(writer, indent, "format: int64");
        write_range(writer, indent, field);
        break;
    case SCHEMA_NUMBER:
        line(writer, indent, "type: number");
        write_range(writer, indent, field);
        break;
    case SCHEMA_PERCENT: /* a number or a string, which a schema can only say by leaving the type open */
        line(writer, indent, "x-kubernetes-preserve-unknown-fields: true");
        write_range(writer, indent, field);
        quoted(writer, indent, "pattern", "^[0-9]+(\\.[0-9]+)?%$");
        break;
    case SCHEMA_BOOL: line(writer, indent, "type: boolean"); break;
    case SCHEMA_QUANTITY: write_quantity(writer, indent); break;
    case SCHEMA_STRINGS:
    case SCHEMA_QUANTITIES: write_map_of(writer, indent, field); break;
    case SCHEMA_TIME:
        line(writer, indent, "type: string");
        line(writer, indent, "format: date-time");
        break;
    case SCHEMA_TEMPLATE_SPEC: write_inline(writer, indent, schema, field->path); break;
    case SCHEMA_ANYTHING: line(writer, indent, "x-kubernetes-preserve-unknown-fields: true"); break;
    }
}

static void write_field(struct writer *writer, int indent, const struct schema *schema,
                        const struct schema_field *field)
{
    char about[LINE_MAX_BYTES];
    snprintf(about, sizeof(about), "%s%s%s%s", field->about, field->preset ? " Default: " : "",
             field->preset ? field->preset : "", field->preset ? "." : "");
    quoted(writer, indent, "description", about);
    write_type(writer, indent, schema, field);
    write_rules(writer, indent, schema, field->path, field);
}

static void write_members(struct writer *writer, int indent, const struct schema *schema, const char *path,
                          unsigned without)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct schema_field *field = &schema->fields[i];
        const char *name = schema_child(path, field->path);
        if (!name || (field->flags & without) || !here(writer, field->flags))
            continue;
        line(writer, indent, "%s:", name);
        write_field(writer, indent + STEP, schema, field);
    }
}

struct column {
    const char *name, *type, *path, *about;
    int priority; /* 1: with -o wide */
};

static const struct column PROVISIONER_COLUMNS[] = {
    {"Template", "string", ".spec.providerRef.name", NULL, 0},
    {"Weight", "integer", ".spec.weight", NULL, 0},
    {"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", NULL, 0},
    {"CPU", "string", ".status.resources.cpu", "Capacity of its nodes and claims", 0},
    {"Memory", "string", ".status.resources.memory", "Capacity of its nodes and claims", 1},
    {"Why", "string", ".status.conditions[?(@.type==\"Ready\")].message", "What is wrong with it", 1},
    {"Age", "date", ".metadata.creationTimestamp", NULL, 0},
    {0},
};
static const struct column TEMPLATE_COLUMNS[] = {
    {"Family", "string", ".spec.amiFamily", NULL, 0},
    {"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", NULL, 0},
    {"Why", "string", ".status.conditions[?(@.type==\"Ready\")].message", "What is wrong with it", 1},
    {"Age", "date", ".metadata.creationTimestamp", NULL, 0},
    {0},
};
static const struct column CLAIM_COLUMNS[] = {
    {"Phase", "string", ".status.phase", NULL, 0},
    {"Type", "string", ".status.instanceType", NULL, 0},
    {"Zone", "string", ".status.zone", NULL, 0},
    {"Capacity", "string", ".spec.capacityType", NULL, 0},
    {"Price", "string", ".status.price", "$/h of the pool that was got", 0},
    {"Node", "string", ".status.nodeName", NULL, 0},
    {"Draining", "string", ".status.drainReason", "Why it is given back", 0},
    {"Age", "date", ".metadata.creationTimestamp", NULL, 0},
    {"Reason", "string", ".spec.reason", "What it is for", 0},
    {"Instance", "string", ".status.instanceID", NULL, 1},
    {"Planned", "string", ".spec.price", "$/h of the planned pool", 1},
    {"Message", "string", ".status.message", NULL, 1},
    {0},
};

static const struct column *columns_of(enum schema_document document)
{
    switch (document) {
    case SCHEMA_PROVISIONER: return PROVISIONER_COLUMNS;
    case SCHEMA_TEMPLATE: return TEMPLATE_COLUMNS;
    case SCHEMA_CLAIM: break;
    }
    return CLAIM_COLUMNS;
}

static void write_columns(struct writer *writer, enum schema_document document)
{
    line(writer, 6, "additionalPrinterColumns:");
    for (const struct column *column = columns_of(document); column->name; column++) {
        line(writer, 8, "- name: %s", column->name);
        line(writer, 10, "type: %s", column->type);
        quoted(writer, 10, "jsonPath", column->path);
        if (column->about)
            quoted(writer, 10, "description", column->about);
        if (column->priority)
            line(writer, 10, "priority: %d", column->priority);
    }
}

static void write_head(struct writer *writer, const struct schema_kind *kind)
{
    line(writer, 0, "# Written by `make crds` from provisioner/api/schema*.c: change it there.");
    line(writer, 0, "apiVersion: apiextensions.k8s.io/v1");
    line(writer, 0, "kind: CustomResourceDefinition");
    line(writer, 0, "metadata:");
    line(writer, 2, "name: %s.%s", kind->plural, kind->group);
    line(writer, 0, "spec:");
    line(writer, 2, "group: %s", kind->group);
    line(writer, 2, "scope: Cluster");
    line(writer, 2, "names:");
    line(writer, 4, "kind: %s", kind->kind);
    line(writer, 4, "listKind: %sList", kind->kind);
    line(writer, 4, "plural: %s", kind->plural);
    line(writer, 4, "singular: %.*s", (int)strlen(kind->plural) - 1, kind->plural);
    if (kind->short_name)
        line(writer, 4, "shortNames: [%s]", kind->short_name);
    line(writer, 4, "categories: [%s]", kind->karpenter ? "karpenter" : "stoker");
}

void schema_write_crd(const struct schema_kind *kind, struct buf *buf)
{
    struct writer writer = {buf, kind->karpenter};
    const struct schema *schema = schema_of(kind->document);
    write_head(&writer, kind);
    line(&writer, 2, "versions:");
    line(&writer, 4, "- name: %s", kind->version);
    line(&writer, 6, "served: true");
    line(&writer, 6, "storage: true");
    line(&writer, 6, "subresources: {status: {}}");
    write_columns(&writer, kind->document);
    line(&writer, 6, "schema:");
    line(&writer, 8, "openAPIV3Schema:");
    quoted(&writer, ROOT, "description", kind->about);
    line(&writer, ROOT, "type: object");
    line(&writer, ROOT, "properties:");
    line(&writer, ROOT + STEP, "apiVersion: {type: string}");
    line(&writer, ROOT + STEP, "kind: {type: string}");
    line(&writer, ROOT + STEP, "metadata: {type: object}");
    write_members(&writer, ROOT + STEP, schema, "", 0);
    write_required(&writer, ROOT, schema, "");
    write_rules(&writer, ROOT, schema, "", NULL);
}

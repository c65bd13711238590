#include "provisioner/api/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"

enum { PATH_MAX_BYTES = 512, NUMBER_MAX_BYTES = 40 };

struct field field_root(const struct decode *decode, const struct doc *object)
{
    return (struct field){decode, NULL, object, {NULL, 0}, 0};
}

static const struct doc *unless_null(const struct doc *doc)
{
    return doc && doc->kind != DOC_NULL ? doc : NULL;
}

struct field field_child(const struct field *parent, const struct doc *child, size_t index)
{
    bool member = parent->doc && parent->doc->kind == DOC_MAP;
    struct str name = member ? child->key : (struct str){NULL, 0};
    return (struct field){parent->decode, parent, unless_null(child), name, index};
}

struct field field_any(const struct field *map, const char *name)
{
    return (struct field){map->decode, map, unless_null(doc_get(map->doc, name)), str_of(name), 0};
}

struct field field_map(const struct field *map, const char *name)
{
    struct field field = field_any(map, name);
    if (!field_is_map(&field))
        field.doc = NULL;
    return field;
}

struct field field_list(const struct field *map, const char *name)
{
    struct field field = field_any(map, name);
    if (!field_is_list(&field))
        field.doc = NULL;
    return field;
}

/* The end of the text so far; text that does not fit is cut. */
static size_t path_append(char *path, size_t at, const char *fmt, ...) CC_PRINTF(3, 4);

static size_t path_append(char *path, size_t at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path + at, PATH_MAX_BYTES - at, fmt, args);
    va_end(args);
    size_t end = at + (n > 0 ? (size_t)n : 0);
    return end < PATH_MAX_BYTES ? end : PATH_MAX_BYTES - 1;
}

/* "spec.containers[0].resources"; a label's key, which has dots itself, in brackets as in labels[a.b/c]. */
static size_t path_of(const struct field *field, char *path)
{
    if (!field->parent)
        return 0;
    size_t at = path_of(field->parent, path);
    if (!field->name.ptr)
        return path_append(path, at, "[%zu]", field->index);
    if (memchr(field->name.ptr, '.', field->name.len) || memchr(field->name.ptr, '/', field->name.len))
        return path_append(path, at, "[%.*s]", FIELD_SHOW(field->name));
    return path_append(path, at, "%s%.*s", at ? "." : "", FIELD_SHOW(field->name));
}

/* A finding is one line, and says nothing to the terminal. */
static void without_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void field_bad(const struct field *field, const char *fmt, ...)
{
    char path[PATH_MAX_BYTES] = "";
    path_of(field, path);
    const struct field *placed = field;
    while (!placed->doc && placed->parent)
        placed = placed->parent;
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    without_controls(path);
    without_controls(what);
    diag_add(field->decode->diag, field->decode->file, placed->doc ? placed->doc->line : 0, path, "%s", what);
}

static const char *kind_name(enum doc_kind kind)
{
    switch (kind) {
    case DOC_NULL: return "null";
    case DOC_BOOL: return "a bool";
    case DOC_NUMBER: return "a number";
    case DOC_STRING: return "a string";
    case DOC_LIST: return "a list";
    case DOC_MAP: return "a map";
    }
    return "something else";
}

static bool is_kind(const struct field *field, enum doc_kind kind)
{
    if (!field->doc || field->doc->kind == kind)
        return field->doc != NULL;
    bool scalar = field->doc->kind == DOC_NUMBER || field->doc->kind == DOC_BOOL;
    field_bad(field, "is %s, allowed is %s%s", kind_name(field->doc->kind), kind_name(kind),
              kind == DOC_STRING && scalar ? " (put it in quotes)" : "");
    return false;
}

bool field_is_map(const struct field *field)
{
    return is_kind(field, DOC_MAP);
}

bool field_is_list(const struct field *field)
{
    return is_kind(field, DOC_LIST);
}

bool field_text(const struct field *field, struct str *ret)
{
    if (!is_kind(field, DOC_STRING))
        return false;
    *ret = field->doc->text;
    return true;
}

bool field_int(const struct field *field, int64_t min, int64_t max, int64_t *ret)
{
    if (!is_kind(field, DOC_NUMBER))
        return false;
    int64_t value;
    if (!str_to_int64(field->doc->text, &value) || value < min || value > max) {
        field_bad(field, "is %.*s, allowed is an integer from %lld to %lld", FIELD_SHOW(field->doc->text),
                  (long long)min, (long long)max);
        return false;
    }
    *ret = value;
    return true;
}

bool field_bool(const struct field *field, bool *ret)
{
    if (!is_kind(field, DOC_BOOL))
        return false;
    *ret = str_is(field->doc->text, "true");
    return true;
}

/* A plain decimal number: no hex, no infinity, no white space. */
static bool to_double(struct str text, double *ret)
{
    char buffer[NUMBER_MAX_BYTES];
    if (text.len == 0 || text.len >= sizeof(buffer))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || !strchr("0123456789.eE+-", text.ptr[i]))
            return false;
    memcpy(buffer, text.ptr, text.len);
    buffer[text.len] = '\0';
    char *end;
    *ret = strtod(buffer, &end);
    return *end == '\0';
}

bool field_number(const struct field *field, double min, double max, bool percent, double *ret)
{
    if (!field->doc)
        return false;
    struct str text = field->doc->text;
    bool per_cent = percent && field->doc->kind == DOC_STRING && str_ends(text, "%");
    if (per_cent)
        text.len--;
    else if (!is_kind(field, DOC_NUMBER))
        return false;
    double value;
    bool good = to_double(text, &value);
    if (good && per_cent)
        value /= 100;
    if (!good || !(value >= min && value <= max)) {
        field_bad(field, "is %.*s, allowed is a number from %g to %g%s", FIELD_SHOW(field->doc->text), min, max,
                  percent ? " or a string such as \"2%\"" : "");
        return false;
    }
    *ret = value;
    return true;
}

/* "A, B, C" into `list`, cut where it does not fit. */
static void join(const char *const *names, char *list, size_t size)
{
    size_t at = 0;
    list[0] = '\0';
    for (size_t i = 0; names[i] && at < size; i++) {
        int n = snprintf(list + at, size - at, "%s%s", i ? ", " : "", names[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

static int find(const char *const *names, struct str text)
{
    for (int i = 0; names[i]; i++)
        if (str_is(text, names[i]))
            return i;
    return -1;
}

bool field_choice(const struct field *field, const char *const *choices, int *ret)
{
    struct str text;
    if (!field_text(field, &text))
        return false;
    int at = find(choices, text);
    if (at < 0) {
        char list[PATH_MAX_BYTES];
        join(choices, list, sizeof(list));
        field_bad(field, "is \"%.*s\", allowed are %s", FIELD_SHOW(text), list);
        return false;
    }
    *ret = at;
    return true;
}

bool field_quantity(const struct field *field, struct str resource, int64_t *ret)
{
    if (!field->doc)
        return false;
    if (field->doc->kind != DOC_NUMBER && field->doc->kind != DOC_STRING) {
        field_bad(field, "is %s, allowed is a quantity such as 500m, 2 or 4Gi", kind_name(field->doc->kind));
        return false;
    }
    struct err err = {0};
    int64_t amount;
    int rc = str_is(resource, "cpu") ? quantity_milli(field->doc->text, &amount, &err)
                                     : quantity_units(field->doc->text, &amount, &err);
    if (rc < 0) {
        field_bad(field, "%s", err.message);
        return false;
    }
    if (amount > FIELD_MAX_AMOUNT) {
        field_bad(field, "\"%.*s\" is absurd, allowed are amounts up to 2^53", FIELD_SHOW(field->doc->text));
        return false;
    }
    *ret = amount;
    return true;
}

void field_only(const struct field *map, const char *const *names)
{
    if (!map->doc)
        return;
    size_t index = 0;
    DOC_EACH (member, map->doc) {
        struct field field = field_child(map, member, index++);
        if (find(names, member->key) >= 0)
            continue;
        char list[PATH_MAX_BYTES];
        join(names, list, sizeof(list));
        field.doc = member; /* a null member is unknown too, and has a line */
        field_bad(&field, "is not a known field, allowed are %s", list);
    }
}

int decode_keep(const struct decode *decode, struct str text, struct str *ret, struct err *err)
{
    uint32_t id;
    int rc = intern_add(&decode->objects->texts, text, &id, err);
    if (rc < 0)
        return rc;
    *ret = intern_text(&decode->objects->texts, id);
    return 0;
}

int field_keep(const struct field *field, struct str *ret, struct err *err)
{
    struct str text;
    return field_text(field, &text) ? decode_keep(field->decode, text, ret, err) : 0;
}

int field_keep_texts(const struct field *list, const struct str **ret, size_t *ret_n, struct err *err)
{
    struct str *texts = arena_array(&list->decode->objects->arena, struct str, list->doc ? list->doc->count : 0);
    if (!texts)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        struct str text;
        if (!field_here(&field))
            field_bad(&field, "is null, allowed is a string");
        else if (field_text(&field, &text)) {
            int rc = decode_keep(list->decode, text, &texts[n++], err);
            if (rc < 0)
                return rc;
        }
    }
    *ret = texts;
    *ret_n = n;
    return 0;
}

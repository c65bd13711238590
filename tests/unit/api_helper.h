/* api_helper.h - YAML in a test to objects, and what was found wrong with it. */
#ifndef STOKER_TESTS_UNIT_API_HELPER_H
#define STOKER_TESTS_UNIT_API_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/api/decode.h"

struct world {
    struct objects objects;
    struct diag diag;
    struct err err;
};

static inline int world_on_object(void *context, const struct doc *object, struct err *err)
{
    struct world *world = context;
    return objects_decode(&world->objects, object, "test.yaml", &world->diag, err);
}

static inline void world_release(struct world *world)
{
    objects_release(&world->objects);
    diag_release(&world->diag);
    *world = (struct world){.err = {.code = 0}};
}

static inline void world_print(const struct world *world)
{
    for (size_t i = 0; i < world->diag.len; i++)
        print_message("%d: %s\n", world->diag.findings[i].line, world->diag.findings[i].text);
}

/* Reads the text; findings are left in the world. */
static inline void world_read(struct world *world, const char *yaml)
{
    int rc = doc_read(str_of(yaml), "test.yaml", world_on_object, world, &world->err);
    if (rc != 0)
        print_message("%s\n", world->err.message);
    assert_int_equal(rc, 0);
}

/* Reads text in which nothing is wrong. */
static inline void world_good(struct world *world, const char *yaml)
{
    world_read(world, yaml);
    world_print(world);
    assert_int_equal(diag_count(&world->diag), 0);
}

/* Is there a finding at `line` whose text begins with `field` and names `what`? */
static inline bool world_found(const struct world *world, int line, const char *field, const char *what)
{
    for (size_t i = 0; i < world->diag.len; i++) {
        const struct diag_finding *finding = &world->diag.findings[i];
        size_t len = strlen(field);
        if (finding->line == line && strncmp(finding->text, field, len) == 0 &&
            (len == 0 || finding->text[len] == ':') && strstr(finding->text, what))
            return true;
    }
    print_message("no finding at %d: %s: … %s …; there are:\n", line, field, what);
    world_print(world);
    return false;
}

static inline void assert_text(struct str have, const char *want)
{
    if (!str_is(have, want))
        print_message("have \"%.*s\", want \"%s\"\n", STR_ARG(have), want);
    assert_true(str_is(have, want));
}

/* The amount of a resource; -1 if it is not among them. */
static inline int64_t amount_of(const struct resources *resources, const char *name)
{
    for (size_t i = 0; i < resources->n; i++)
        if (str_is(resources->items[i].name, name))
            return resources->items[i].amount;
    return -1;
}

/* "key In [a b], key Exists" of requirements, for comparisons. */
static inline const char *requirements_text(const struct requirements *requirements, char *text, size_t size)
{
    static const char *const names[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < requirements->n && at < size; i++) {
        const struct requirement *one = &requirements->items[i];
        at += (size_t)snprintf(text + at, size - at, "%s%.*s %s", i ? ", " : "", STR_ARG(one->key), names[one->op]);
        for (size_t v = 0; v < one->n_values && at < size; v++)
            at += (size_t)snprintf(text + at, size - at, " %.*s", STR_ARG(one->values[v]));
    }
    return text;
}

#endif

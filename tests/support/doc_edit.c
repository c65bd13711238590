#include "tests/support/doc_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct str copy_text(struct arena *arena, struct str text)
{
    struct str copy = str_dup(arena, text);
    assert_non_null(copy.ptr);
    return copy;
}

static struct doc *new_node(struct arena *arena, const struct doc *like)
{
    struct doc *node = arena_new(arena, struct doc);
    assert_non_null(node);
    *node = (struct doc){.kind = like->kind,
                         .line = like->line,
                         .key = copy_text(arena, like->key),
                         .text = copy_text(arena, like->text)};
    return node;
}

static void append(struct doc *parent, struct doc *child)
{
    struct doc **tail = &parent->first;
    while (*tail)
        tail = &(*tail)->next;
    *tail = child;
    parent->count++;
}

static struct doc *copy_tree(struct arena *arena, const struct doc *from)
{
    struct doc *node = new_node(arena, from);
    DOC_EACH (child, from)
        append(node, copy_tree(arena, child));
    return node;
}

static const struct doc *member(const struct doc *map, struct str key)
{
    DOC_EACH (child, map)
        if (str_eq(child->key, key))
            return child;
    return NULL;
}

struct doc *doc_merge(struct arena *arena, const struct doc *target, const struct doc *patch)
{
    if (patch->kind != DOC_MAP)
        return copy_tree(arena, patch);
    struct doc *merged = new_node(arena, patch);
    const struct doc *old = target && target->kind == DOC_MAP ? target : NULL;
    DOC_EACH (child, old) {
        const struct doc *change = member(patch, child->key);
        if (!change)
            append(merged, copy_tree(arena, child));
        else if (change->kind != DOC_NULL)
            append(merged, doc_merge(arena, child, change));
    }
    DOC_EACH (change, patch)
        if (change->kind != DOC_NULL && !member(old, change->key))
            append(merged, doc_merge(arena, NULL, change));
    return merged;
}

struct doc *doc_pick(struct arena *arena, const struct doc *from, const char *const *keys, size_t n)
{
    struct doc *map = new_node(arena, &(struct doc){.kind = DOC_MAP});
    for (size_t i = 0; i < n; i++)
        if (doc_get(from, keys[i]))
            append(map, copy_tree(arena, doc_get(from, keys[i])));
    return map;
}

struct parse {
    struct arena *arena;
    struct doc *doc;
};

static int keep(void *context, const struct doc *object, struct err *err)
{
    struct parse *parse = context;
    (void)err;
    parse->doc = copy_tree(parse->arena, object);
    return 0;
}

struct doc *doc_parse(struct arena *arena, struct str text)
{
    struct parse parse = {arena, NULL};
    struct err err = {0};
    if (doc_read(text, "body", keep, &parse, &err) || !parse.doc)
        fail_msg("%s\n%.*s", err.message, STR_ARG(text));
    return parse.doc;
}

struct doc *doc_parsef(struct arena *arena, const char *fmt, ...)
{
    char text[8192];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    return doc_parse(arena, str_of(text));
}

bool doc_equal(const struct doc *a, const struct doc *b)
{
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->count != b->count || !str_eq(a->text, b->text))
        return false;
    const struct doc *other = b->first;
    DOC_EACH (child, a) {
        if (!doc_equal(child, a->kind == DOC_MAP ? member(b, child->key) : other))
            return false;
        other = other->next;
    }
    return true;
}

struct str doc_text_at(const struct doc *doc, const char *path)
{
    const struct doc *at = doc_at(doc, path);
    return at && at->kind != DOC_MAP && at->kind != DOC_LIST ? at->text : STR("");
}

#include "provisioner/spark/tree.h"

static struct doc *new_node(struct tree *tree, enum doc_kind kind, int line)
{
    struct doc *node = arena_new(tree->arena, struct doc);
    if (!node) {
        tree->failed = true;
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    node->key = node->text = STR("");
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

static struct str text_of(struct tree *tree, struct str text)
{
    if (!tree->own_texts || !text.len)
        return text;
    struct str copy = str_dup(tree->arena, text);
    tree->failed = tree->failed || !copy.ptr;
    return copy;
}

/* Depth is what doc_read allows. */
static struct doc *copy_node(struct tree *tree, const struct doc *from)
{
    struct doc *copy = new_node(tree, from->kind, from->line);
    if (!copy)
        return NULL;
    copy->key = text_of(tree, from->key);
    copy->text = text_of(tree, from->text);
    copy->count = from->count;
    struct doc **tail = &copy->first;
    DOC_EACH (child, from) {
        *tail = copy_node(tree, child);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    return copy;
}

struct doc *tree_copy(struct tree *tree, const struct doc *from)
{
    return from ? copy_node(tree, from) : new_node(tree, DOC_MAP, 0);
}

/* Puts `node` into the map as `key`. */
static struct doc *put(struct doc *map, struct str key, struct doc *node)
{
    if (!map || !node)
        return NULL;
    node->key = key;
    for (struct doc **member = &map->first; *member; member = &(*member)->next) {
        if (!str_eq((*member)->key, key))
            continue;
        node->next = (*member)->next;
        *member = node;
        return node;
    }
    append(map, node);
    return node;
}

static struct doc *member_of_kind(struct tree *tree, struct doc *map, const char *key, enum doc_kind kind, int line)
{
    if (!map)
        return NULL;
    for (struct doc *member = map->first; member; member = member->next)
        if (str_is(member->key, key) && member->kind == kind)
            return member;
    return put(map, str_of(key), new_node(tree, kind, line));
}

struct doc *tree_map(struct tree *tree, struct doc *map, const char *key, int line)
{
    return member_of_kind(tree, map, key, DOC_MAP, line);
}

struct doc *tree_list(struct tree *tree, struct doc *map, const char *key, int line)
{
    return member_of_kind(tree, map, key, DOC_LIST, line);
}

struct doc *tree_text(struct tree *tree, struct doc *map, struct str key, struct str text, int line)
{
    struct doc *node = map ? new_node(tree, DOC_STRING, line) : NULL;
    if (node)
        node->text = text;
    return put(map, key, node);
}

void tree_set(struct tree *tree, struct doc *map, const char *key, const struct doc *value)
{
    if (map && value)
        put(map, str_of(key), copy_node(tree, value));
}

struct doc *tree_append_map(struct tree *tree, struct doc *list, int line)
{
    struct doc *node = list ? new_node(tree, DOC_MAP, line) : NULL;
    if (node)
        append(list, node);
    return node;
}

void tree_append_all(struct tree *tree, struct doc *list, const struct doc *from)
{
    DOC_EACH (item, from) {
        struct doc *copy = list ? copy_node(tree, item) : NULL;
        if (!copy)
            return;
        append(list, copy);
    }
}

void tree_merge(struct tree *tree, struct doc *map, const struct doc *from)
{
    DOC_EACH (member, from)
        put(map, member->key, map ? copy_node(tree, member) : NULL);
}

/* tree.h - building documents: a pod as Spark would write it, from a template and a configuration. */
#ifndef STOKER_PROVISIONER_SPARK_TREE_H
#define STOKER_PROVISIONER_SPARK_TREE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/doc.h"

/*
 * All functions give NULL, and set `failed`, when memory runs out, and pass a NULL parent on: a whole tree is built
 * first, and `failed` is looked at once. Nodes live in the arena; texts are borrowed, unless copies are asked for.
 */
struct tree {
    struct arena *arena;
    bool failed;
    bool own_texts; /* what is copied does not live as long as the tree */
};

/* An own copy, down to the leaves; NULL gives an empty map. */
struct doc *tree_copy(struct tree *tree, const struct doc *from);

/* The member of a map, made where there is none (or one of another kind). */
struct doc *tree_map(struct tree *tree, struct doc *map, const char *key, int line);
struct doc *tree_list(struct tree *tree, struct doc *map, const char *key, int line);

/* Sets a member to a string; what was there is replaced. */
struct doc *tree_text(struct tree *tree, struct doc *map, struct str key, struct str text, int line);

/* Sets a member to a copy of `value`; nothing happens if that is NULL. */
void tree_set(struct tree *tree, struct doc *map, const char *key, const struct doc *value);

/* Appends an empty map. */
struct doc *tree_append_map(struct tree *tree, struct doc *list, int line);

/* Appends copies of the items of `from`, which may be NULL. */
void tree_append_all(struct tree *tree, struct doc *list, const struct doc *from);

/* Adds copies of the members of `from`, which may be NULL, in place of those with the same key. */
void tree_merge(struct tree *tree, struct doc *map, const struct doc *from);

#endif

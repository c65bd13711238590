#include "base/doc_reader.h"

#include <stdlib.h>

/* Up to here comparing every pair of keys is quicker than sorting. */
enum { PAIRWISE_MAX = 16 };

int doc_reader_node(struct doc_reader *reader, enum doc_kind kind, int line, struct doc **ret, struct err *err)
{
    if (reader->nodes >= DOC_MAX_OBJECT_NODES)
        return err_set(err, ERR_INVALID, "line %d: object is too large, allowed are %d values", line,
                       DOC_MAX_OBJECT_NODES);
    struct doc *node = arena_new(&reader->arena, struct doc);
    if (!node)
        return err_nomem(err);
    reader->nodes++;
    node->kind = kind;
    node->line = line;
    node->key = node->text = STR("");
    *ret = node;
    return 0;
}

void doc_reader_rewind(struct doc_reader *reader, struct arena_mark mark, size_t nodes)
{
    arena_rewind(&reader->arena, mark);
    reader->nodes = nodes;
}

static int duplicate(const struct doc *member, struct err *err)
{
    int shown = member->key.len < 100 ? (int)member->key.len : 100;
    return err_set(err, ERR_INVALID, "line %d: key \"%.*s\" is there twice, allowed is once", member->line, shown,
                   member->key.ptr);
}

static int by_key_and_line(const void *left, const void *right)
{
    const struct doc *a = *(const struct doc *const *)left, *b = *(const struct doc *const *)right;
    int order = str_cmp(a->key, b->key);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int check_many_keys(const struct doc *map, struct err *err)
{
    const struct doc **members = malloc(map->count * sizeof(*members));
    if (!members)
        return err_nomem(err);
    size_t n = 0;
    DOC_EACH (member, map)
        members[n++] = member;
    qsort(members, n, sizeof(*members), by_key_and_line);
    int code = 0;
    for (size_t i = 1; i < n && code == 0; i++)
        if (str_eq(members[i - 1]->key, members[i]->key))
            code = duplicate(members[i], err);
    free(members);
    return code;
}

int doc_reader_check_keys(const struct doc *map, struct err *err)
{
    if (map->count > PAIRWISE_MAX)
        return check_many_keys(map, err);
    DOC_EACH (member, map)
        for (const struct doc *other = map->first; other != member; other = other->next)
            if (str_eq(other->key, member->key))
                return duplicate(member, err);
    return 0;
}

struct str doc_reader_text(const struct doc *map, const char *key)
{
    const struct doc *member = doc_get(map, key);
    return member && member->kind == DOC_STRING ? member->text : STR("");
}

bool doc_reader_is_list(struct str kind)
{
    return str_ends(kind, "List");
}

static int give(struct doc_reader *reader, const struct doc *object, struct err *err)
{
    if (reader->handed_out++ < reader->skip)
        return 0;
    int code = reader->on_object(reader->context, object, err);
    reader->stopped = code < 0;
    return code < 0 ? code : 0;
}

int doc_reader_hand_out(struct doc_reader *reader, struct doc *object, struct err *err)
{
    struct str kind = doc_reader_text(object, "kind");
    const struct doc *items = doc_reader_is_list(kind) ? doc_get(object, "items") : NULL;
    if (!items || (items->kind != DOC_LIST && items->kind != DOC_NULL))
        return give(reader, object, err);
    struct str api_version = doc_reader_text(object, "apiVersion");
    for (struct doc *item = items->first; item; item = item->next) {
        int code = doc_reader_hand_out_item(reader, kind, api_version, item, err);
        if (code)
            return code;
    }
    return 0;
}

static int put_first(struct doc_reader *reader, struct doc *map, const char *key, struct str text, struct err *err)
{
    struct doc *member = NULL;
    int code = doc_reader_node(reader, DOC_STRING, map->line, &member, err);
    if (code)
        return code;
    member->key = str_of(key);
    member->text = text;
    member->next = map->first;
    map->first = member;
    map->count++;
    return 0;
}

int doc_reader_hand_out_item(struct doc_reader *reader, struct str list_kind, struct str api_version, struct doc *item,
                             struct err *err)
{
    bool typed = list_kind.len > sizeof("List") - 1;
    if (item->kind == DOC_MAP && typed && !doc_get(item, "kind")) {
        int code =
            put_first(reader, item, "kind", (struct str){list_kind.ptr, list_kind.len - (sizeof("List") - 1)}, err);
        if (code == 0 && api_version.len && !doc_get(item, "apiVersion"))
            code = put_first(reader, item, "apiVersion", api_version, err);
        if (code)
            return code;
    }
    return doc_reader_hand_out(reader, item, err);
}

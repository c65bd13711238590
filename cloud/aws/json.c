#include "cloud/aws/json.h"

struct keeping {
    struct arena *arena;
    struct doc *first;
};

static int copy(const struct doc *from, struct arena *arena, struct doc **ret, struct err *err)
{
    struct doc *node = arena_new(arena, struct doc);
    if (!node)
        return err_nomem(err);
    *node = *from;
    node->key = str_dup(arena, from->key);
    node->text = str_dup(arena, from->text);
    if (!node->key.ptr || !node->text.ptr)
        return err_nomem(err);
    node->first = node->next = NULL;
    struct doc **tail = &node->first;
    DOC_EACH (child, from) {
        int rc = copy(child, arena, tail, err); /* DOC_MAX_DEPTH bounds it */
        if (rc)
            return rc;
        tail = &(*tail)->next;
    }
    *ret = node;
    return 0;
}

static int keep(void *context, const struct doc *object, struct err *err)
{
    struct keeping *keeping = context;
    return keeping->first ? 0 : copy(object, keeping->arena, &keeping->first, err);
}

int aws_json_read(struct str bytes, struct arena *arena, const struct doc **ret, struct err *err)
{
    struct keeping keeping = {.arena = arena};
    int rc = doc_read(bytes, "answer.json", keep, &keeping, err);
    if (!rc)
        *ret = keeping.first;
    return rc;
}

struct str aws_json_text(const struct doc *doc, const char *path)
{
    const struct doc *found = doc_at(doc, path);
    bool scalar = found && (found->kind == DOC_STRING || found->kind == DOC_NUMBER || found->kind == DOC_BOOL);
    return scalar ? found->text : STR("");
}

/* Any bytes as YAML: objects whose trees are whole, or an error that says where. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Counts are right, text is there, and nothing is nested more deeply than is allowed. */
static void check(const struct doc *node, int depth)
{
    assert(node->line >= 1 && depth <= DOC_MAX_DEPTH + 1);
    assert(node->text.len <= DOC_MAX_TEXT_BYTES);
    assert(!node->text.len || !memchr(node->text.ptr, '\0', node->text.len));
    assert(node->kind == DOC_LIST || node->kind == DOC_MAP || !node->first);
    size_t children = 0;
    DOC_EACH (child, node) {
        children++;
        check(child, depth + 1);
    }
    assert(children == node->count);
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    (void)err;
    check(object, 1);
    size_t *objects = context;
    ++*objects;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    size_t objects = 0;
    int code = doc_read((struct str){(const char *)data, size}, "input.yaml", on_object, &objects, &err);
    assert(code == 0 || code == ERR_INVALID);
    assert(code == 0 || strncmp(err.message, "line ", 5) == 0);
    return 0;
}

/* Any bytes as an XML answer: a tree within the limits, or an error. */
#include <assert.h>
#include <stdint.h>

#include "cloud/aws/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct xml *xml, size_t depth)
{
    size_t n = 1, children = 0;
    assert(depth <= XML_MAX_DEPTH && xml->name.len > 0);
    XML_EACH(child, xml)
    {
        n += count(child, depth + 1);
        children++;
    }
    assert(children == xml->count && (children == 0 || xml->text.len == 0));
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    const struct xml *root = NULL;
    struct err err = {0};
    int rc = xml_read((struct str){(const char *)data, size}, &arena, &root, &err);
    assert(rc == err.code && (rc == 0) == (root != NULL));
    if (root)
        assert(count(root, 1) <= XML_MAX_NODES);
    arena_release(&arena);
    return 0;
}

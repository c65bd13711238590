/* Any bytes as a page of a list: items that are objects, a version where the page is taken, no more items than bytes.
 */
#include <assert.h>
#include <stdint.h>

#include "provisioner/kube/list_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_item(void *context, const struct doc *object, struct err *err)
{
    size_t *n = context;
    (void)err;
    (void)doc_at(object, "metadata.name");
    ++*n;
    return 0;
}

static void on_unreadable(void *context, const struct err *err)
{
    size_t *n = context;
    assert(err->code == ERR_INVALID && err->message[0]);
    ++*n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0;
    struct arena arena = ARENA_INIT;
    struct list_page_reader reader = {"Pod", "v1", on_item, on_unreadable, &n};
    struct list_page page;
    struct err err = {0};
    int rc = list_page_read((struct str){(const char *)data, size}, &reader, &arena, &page, &err);
    assert(rc == 0 || rc == ERR_INVALID);
    assert(n <= size);
    if (rc == 0)
        assert(page.resource_version.len > 0);
    else
        assert(err.code == ERR_INVALID && err.message[0]);
    arena_release(&arena);
    return 0;
}

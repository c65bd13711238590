/* list_page.h - one page of a list, item by item: an item that cannot be read does not cost the others. */
#ifndef STOKER_PROVISIONER_KUBE_LIST_PAGE_H
#define STOKER_PROVISIONER_KUBE_LIST_PAGE_H

#include "base/arena.h"
#include "base/doc.h"

struct list_page {
    struct str resource_version, next; /* next: the token of the next page, "" if this was the last */
};

struct list_page_reader {
    const char *kind, *api_version; /* filled in where an item has none: typed lists leave them out */
    int (*item)(void *context, const struct doc *object, struct err *err); /* borrowed for the call */
    void (*unreadable)(void *context, const struct err *err); /* an item that is no object; the others go on */
    void *context;
};

/*
 * Texts of *ret are in `arena`. ERR_INVALID: the page as a whole is broken (cut off, no list, no resourceVersion); what
 * was handed out before stays handed out. ERR_NOMEM, or what `item` returned.
 */
CC_MUST_CHECK int list_page_read(struct str body, const struct list_page_reader *reader, struct arena *arena,
                                 struct list_page *ret, struct err *err);

#endif

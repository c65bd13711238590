/* watch_event.h - one line of a watch: what happened to which object, or where the watch stands. */
#ifndef STOKER_PROVISIONER_KUBE_WATCH_EVENT_H
#define STOKER_PROVISIONER_KUBE_WATCH_EVENT_H

#include "base/doc.h"

enum watch_event_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };

/* Borrowed for the call. */
struct watch_event {
    enum watch_event_type type;
    const struct doc *object; /* of ERROR: the Status */
    struct str namespace_, name, uid;
    struct str resource_version;
    bool initial_end; /* a bookmark: everything that was there has been told */
};

typedef int watch_event_fn(void *context, const struct watch_event *event, struct err *err);

/* ERR_INVALID: no event, or an object without name or resourceVersion. Otherwise what `each` returns. */
CC_MUST_CHECK int watch_event_read(struct str line, watch_event_fn *each, void *context, struct err *err);

#endif

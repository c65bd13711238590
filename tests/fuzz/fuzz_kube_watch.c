/* Any bytes as a watch's stream, the first says how it is cut: every cut tells the same events, each with what it
 * needs. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "provisioner/kube/lines.h"
#include "provisioner/kube/status.h"
#include "provisioner/kube/watch_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash;
    size_t lines, events;
};

static int on_event(void *context, const struct watch_event *event, struct err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->events++;
    seen->hash = seen->hash * 31 + (uint64_t)event->type + str_hash(event->name) + str_hash(event->resource_version);
    assert(event->object && event->object->kind == DOC_MAP);
    if (event->type == WATCH_ERROR) {
        struct kube_refusal refusal = {.retry_after_ms = 0};
        kube_status_read(event->object, 0, &refusal);
        assert(refusal.err.code < 0 && refusal.err.http_status >= 100 && refusal.err.http_status < 600);
    } else {
        assert(event->resource_version.len > 0);
        assert(event->type == WATCH_BOOKMARK || event->name.len > 0);
    }
    return 0;
}

static int on_line(void *context, struct str line, struct err *err)
{
    struct seen *seen = context;
    struct err why = {0};
    (void)err;
    assert(line.len > 0 && !memchr(line.ptr, '\n', line.len));
    seen->lines++;
    int rc = watch_event_read(line, on_event, seen, &why);
    assert(rc == 0 || rc == ERR_INVALID);
    return 0;
}

static struct seen feed(struct str bytes, size_t piece)
{
    struct seen seen = {0, 0, 0};
    struct lines lines = {NULL, 0, 0};
    struct err err = {0};
    while (bytes.len) {
        size_t n = piece < bytes.len ? piece : bytes.len;
        int rc = lines_feed(&lines, (struct str){bytes.ptr, n}, on_line, &seen, &err);
        assert(rc == 0);
        bytes = (struct str){bytes.ptr + n, bytes.len - n};
    }
    lines_clear(&lines);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    struct seen whole = feed(bytes, SIZE_MAX), cut = feed(bytes, (size_t)data[0] + 1);
    assert(whole.hash == cut.hash && whole.lines == cut.lines && whole.events == cut.events);
    return 0;
}

/* Any bytes as a message of the interruption queue: it has a class, and what goes into calls is an instance's id. */
#include <assert.h>
#include <stdint.h>

#include "cloud/aws/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct aws_event event;
    struct err err = {0};
    int rc = aws_event_read((struct str){(const char *)data, size}, &arena, &event, &err);
    assert(rc == err.code && (rc == 0 || rc == ERR_NOMEM));
    if (!rc && event.class_ == AWS_EVENT_NOTICE) {
        assert(event.n_instances > 0 && event.n_instances <= AWS_EVENT_MAX_INSTANCES);
        for (size_t i = 0; i < event.n_instances; i++)
            assert(str_starts(event.instance_ids[i], "i-") && event.instance_ids[i].len <= 19);
        if (event.kind == CLOUD_NOTICE_LIFECYCLE_TERMINATE)
            assert(event.lifecycle.group.len && event.lifecycle.hook.len && event.lifecycle.token.len);
    } else if (!rc) {
        assert(event.why);
    }
    arena_release(&arena);
    return 0;
}

/* notices.c - what the cloud has said and nobody has acted on yet. */
#include <stdlib.h>

#include "provisioner/lifecycle/control_internal.h"

void notices_release(struct control *control)
{
    for (size_t i = 0; i < control->notices.len; i++)
        arena_release(&control->notices.items[i].arena);
    VEC_FREE(&control->notices);
}

static bool is_there(const struct control *control, struct str handle)
{
    for (size_t i = 0; i < control->notices.len; i++)
        if (str_eq(control->notices.items[i].notice.handle, handle))
            return true;
    return false;
}

/* What cannot be kept is said again by the cloud: it was not acknowledged. */
void notices_put(struct control *control, const struct cloud_notice *notice)
{
    if (is_there(control, notice->handle) || control->notices.len >= NOTICES_MAX)
        return;
    struct control_notice kept = {.notice = *notice, .read = loop_now(control->effects.loop)};
    kept.notice.instance_id = str_dup(&kept.arena, notice->instance_id);
    kept.notice.handle = str_dup(&kept.arena, notice->handle);
    if (!kept.notice.instance_id.ptr || !kept.notice.handle.ptr || !VEC_PUSH(&control->notices, kept))
        arena_release(&kept.arena);
}

const struct control_notice *control_notices(const struct control *control, size_t *ret_n)
{
    *ret_n = control->notices.len;
    return control->notices.items;
}

void control_notice_drop(struct control *control, struct str handle)
{
    for (size_t i = 0; i < control->notices.len; i++) {
        if (!str_eq(control->notices.items[i].notice.handle, handle))
            continue;
        arena_release(&control->notices.items[i].arena);
        for (size_t next = i + 1; next < control->notices.len; next++)
            control->notices.items[next - 1] = control->notices.items[next];
        control->notices.len--;
        return;
    }
}

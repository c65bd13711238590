/* hold.c - Provisioners whose launches fail for what no other pool mends: left out of plans, longer each time. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/control_internal.h"

enum { HOLD_MS = 10000, HOLD_MOST_MS = 300000 };

void holds_release(struct control *control)
{
    for (size_t i = 0; i < control->holds.len; i++)
        free(control->holds.items[i].provisioner);
    VEC_FREE(&control->holds);
}

static struct hold *find(const struct control *control, struct str provisioner)
{
    for (size_t i = 0; i < control->holds.len; i++)
        if (str_is(provisioner, control->holds.items[i].provisioner))
            return &control->holds.items[i];
    return NULL;
}

static struct hold *add(struct control *control, struct str provisioner)
{
    char *name = strndup(provisioner.ptr, provisioner.len);
    if (name && VEC_PUSH(&control->holds, (struct hold){.provisioner = name}))
        return &control->holds.items[control->holds.len - 1];
    free(name);
    return NULL;
}

void control_hold(struct control *control, struct str provisioner)
{
    struct hold *hold = find(control, provisioner);
    struct clock_mono now = loop_now(control->effects.loop);
    if (hold && now.ns < hold->until.ns)
        return; /* several failures of one attempt */
    if (!hold)
        hold = add(control, provisioner);
    if (!hold)
        return; /* no memory: it is tried again sooner */
    int64_t most_ms = clock_back_off_ms(HOLD_MS, ++hold->failures, HOLD_MOST_MS);
    int64_t wait_ms = chance_jitter_ms(control->effects.chance, most_ms);
    hold->until = clock_after(now, wait_ms);
    log_event(control->effects.log, LOG_WARN, "provisioner-held", LOG_S("provisioner", provisioner),
              LOG_I("for_ms", wait_ms));
}

void control_hold_end(struct control *control, struct str provisioner)
{
    struct hold *hold = find(control, provisioner);
    if (!hold)
        return;
    free(hold->provisioner);
    *hold = control->holds.items[--control->holds.len];
}

bool control_held(struct control *control, struct str provisioner)
{
    const struct hold *hold = find(control, provisioner);
    if (!hold || loop_now(control->effects.loop).ns >= hold->until.ns)
        return false;
    control_wake_at(control, hold->until);
    return true;
}

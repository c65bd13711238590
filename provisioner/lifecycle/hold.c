/* hold.c - Provisioners whose launches fail for what no other pool mends: left out of plans, longer each time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/control_internal.h"

enum {
    HOLD_MS = 10000,
    HOLD_MOST_MS = 300000,
    HOLD_PASSING_MS = 30000, /* at most, for what passes by itself */
    FORGET_MS = 600000       /* after its end: nothing was launched, so nothing is known */
};

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

void control_hold_end(struct control *control, struct str provisioner)
{
    struct hold *hold = find(control, provisioner);
    if (!hold)
        return;
    free(hold->provisioner);
    *hold = control->holds.items[--control->holds.len];
    control->holds_changed++;
}

static void hold_on(struct control *control, struct hold *hold, const struct provisioner *provisioner, int code)
{
    bool passes = code == ERR_RETRY || code == ERR_THROTTLED || code == ERR_NOMEM;
    int64_t longest_ms = passes ? HOLD_PASSING_MS : HOLD_MOST_MS;
    int64_t most_ms = clock_back_off_ms(HOLD_MS, ++hold->failures, longest_ms);
    int64_t wait_ms = chance_jitter_ms(control->effects.chance, most_ms);
    hold->until = clock_after(loop_now(control->effects.loop), wait_ms);
    hold->generation = provisioner->generation;
    log_event(control->effects.log, LOG_WARN, "provisioner-held", LOG_S("provisioner", provisioner->name),
              LOG_C("reason", hold->reason), LOG_I("for_ms", wait_ms));
}

void provisioner_hold(struct control *control, const struct provisioner *provisioner, int code, const char *reason,
                      const char *fmt, ...)
{
    char message[HOLD_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    provisioner_event(control, provisioner, EVENT_WARNING, reason, message);
    struct hold *hold = find(control, provisioner->name);
    if (hold && loop_now(control->effects.loop).ns < hold->until.ns && hold->generation == provisioner->generation)
        return; /* several failures of one attempt */
    if (!hold)
        hold = add(control, provisioner->name);
    if (!hold)
        return; /* no memory: it is tried again sooner */
    hold->reason = reason;
    memcpy(hold->message, message, sizeof(hold->message));
    hold_on(control, hold, provisioner, code);
    control->holds_changed++;
}

bool control_held(struct control *control, const struct provisioner *provisioner)
{
    const struct hold *hold = find(control, provisioner->name);
    if (!hold || hold->generation != provisioner->generation || loop_now(control->effects.loop).ns >= hold->until.ns)
        return false;
    control_wake_at(control, hold->until);
    return true;
}

bool control_hold_reason(struct control *control, const struct provisioner *provisioner, const char **ret_reason,
                         const char **ret_message)
{
    const struct hold *hold = find(control, provisioner->name);
    if (!hold || hold->generation != provisioner->generation)
        return false;
    if (loop_now(control->effects.loop).ns >= clock_after(hold->until, FORGET_MS).ns) {
        control_hold_end(control, provisioner->name);
        return false;
    }
    *ret_reason = hold->reason;
    *ret_message = hold->message;
    return true;
}

uint64_t control_holds(const struct control *control)
{
    return control->holds_changed;
}

void holds_retry(struct control *control)
{
    for (size_t i = 0; i < control->holds.len; i++)
        control->holds.items[i].until = loop_now(control->effects.loop);
}

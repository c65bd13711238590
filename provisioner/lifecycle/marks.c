/* marks.c - offerings that were out of capacity a moment ago, and the catalogue without them. */
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/lifecycle/control_internal.h"

static void mark_free(struct mark *mark)
{
    free(mark->text);
}

void marks_release(struct control *control)
{
    for (size_t i = 0; i < control->marks.len; i++)
        mark_free(&control->marks.items[i]);
    VEC_FREE(&control->marks);
}

static void drop_old(struct control *control)
{
    int64_t now_ns = loop_now(control->effects.loop).ns;
    size_t kept = 0;
    for (size_t i = 0; i < control->marks.len; i++) {
        if (control->marks.items[i].until.ns > now_ns)
            control->marks.items[kept++] = control->marks.items[i];
        else
            mark_free(&control->marks.items[i]);
    }
    control->marks_changed += kept != control->marks.len;
    control->marks.len = kept;
}

static struct mark *same_mark(struct control *control, struct str instance_type, struct str zone,
                              enum cloud_capacity_type capacity_type)
{
    for (size_t i = 0; i < control->marks.len; i++) {
        struct mark *mark = &control->marks.items[i];
        if (mark->capacity_type == capacity_type && str_eq(mark->instance_type, instance_type) &&
            str_eq(mark->zone, zone))
            return mark;
    }
    return NULL;
}

static bool add_mark(struct control *control, struct str instance_type, struct str zone,
                     enum cloud_capacity_type capacity_type, struct clock_mono until)
{
    char *text = calloc(1, instance_type.len + zone.len + 1);
    struct mark mark = {.text = text, .capacity_type = capacity_type, .until = until};
    if (!text || !VEC_PUSH(&control->marks, mark)) {
        free(text);
        return false;
    }
    if (instance_type.len)
        memcpy(text, instance_type.ptr, instance_type.len);
    if (zone.len)
        memcpy(text + instance_type.len, zone.ptr, zone.len);
    struct mark *kept = &control->marks.items[control->marks.len - 1];
    kept->instance_type = (struct str){text, instance_type.len};
    kept->zone = (struct str){text + instance_type.len, zone.len};
    return true;
}

void control_mark_unavailable(struct control *control, struct str instance_type, struct str zone,
                              enum cloud_capacity_type capacity_type, struct str reason)
{
    drop_old(control);
    struct clock_mono until = clock_after(loop_now(control->effects.loop), control->settings.unavailable_ms);
    struct mark *mark = same_mark(control, instance_type, zone, capacity_type);
    if (mark)
        mark->until = until;
    else if (!add_mark(control, instance_type, zone, capacity_type, until))
        log_event(control->effects.log, LOG_WARN, "mark-lost", LOG_S("instance_type", instance_type));
    log_event(control->effects.log, LOG_INFO, "offering-unavailable", LOG_S("instance_type", instance_type),
              LOG_S("zone", zone), LOG_C("capacity_type", cloud_capacity_type_name(capacity_type)),
              LOG_S("reason", reason), LOG_I("for_ms", control->settings.unavailable_ms));
    control->marks_changed++;
}

uint64_t control_marks(struct control *control)
{
    drop_old(control);
    for (size_t i = 0; i < control->marks.len; i++)
        control_wake_at(control, control->marks.items[i].until);
    return control->marks_changed;
}

static bool covers(const struct mark *mark, struct str instance_type, struct str zone,
                   enum cloud_capacity_type capacity_type)
{
    return mark->capacity_type == capacity_type &&
           (!mark->instance_type.len || str_eq(mark->instance_type, instance_type)) &&
           (!mark->zone.len || str_eq(mark->zone, zone));
}

bool control_unavailable(const struct control *control, struct str instance_type, struct str zone,
                         enum cloud_capacity_type capacity_type)
{
    int64_t now_ns = loop_now(control->effects.loop).ns;
    for (size_t i = 0; i < control->marks.len; i++)
        if (control->marks.items[i].until.ns > now_ns &&
            covers(&control->marks.items[i], instance_type, zone, capacity_type))
            return true;
    return false;
}

/* A mark that names a type is looked up only among that type's offerings: they stand together, types are sorted. */
static void find_range(const struct cloud_catalogue *catalogue, struct str instance_type, size_t *ret_from,
                       size_t *ret_to)
{
    size_t low = 0, high = catalogue->n_offerings;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(catalogue->types[catalogue->offerings[middle].type].name, instance_type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_from = *ret_to = low;
    while (*ret_to < catalogue->n_offerings &&
           str_eq(catalogue->types[catalogue->offerings[*ret_to].type].name, instance_type))
        (*ret_to)++;
}

static void take_out(const struct cloud_catalogue *catalogue, const struct mark *mark, uint64_t *kept)
{
    size_t from = 0, to = catalogue->n_offerings;
    if (mark->instance_type.len)
        find_range(catalogue, mark->instance_type, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct cloud_offering *offering = &catalogue->offerings[i];
        if (covers(mark, catalogue->types[offering->type].name, catalogue->zones[offering->zone],
                   offering->capacity_type))
            bitset_remove(kept, i);
    }
}

int control_catalogue(struct control *control, struct arena *arena, struct cloud_catalogue *ret, struct err *err)
{
    const struct cloud_catalogue *all = control->effects.cloud.catalogue(control->effects.cloud.context);
    drop_old(control);
    *ret = *all;
    if (!control->marks.len)
        return 0;
    uint64_t *kept = arena_array(arena, uint64_t, BITSET_WORDS(all->n_offerings));
    struct cloud_offering *offerings = arena_array(arena, struct cloud_offering, all->n_offerings);
    if (!kept || !offerings)
        return err_nomem(err);
    bitset_fill(kept, all->n_offerings);
    for (size_t i = 0; i < control->marks.len; i++)
        take_out(all, &control->marks.items[i], kept);
    ret->offerings = offerings;
    ret->n_offerings = 0;
    BITSET_EACH (i, kept, all->n_offerings)
        offerings[ret->n_offerings++] = all->offerings[i];
    return 0;
}

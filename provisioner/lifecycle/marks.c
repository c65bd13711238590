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

static struct mark *same_mark(struct control *control, const struct mark *what)
{
    for (size_t i = 0; i < control->marks.len; i++) {
        struct mark *mark = &control->marks.items[i];
        if (mark->capacity_type == what->capacity_type && str_eq(mark->instance_type, what->instance_type) &&
            str_eq(mark->zone, what->zone) && str_eq(mark->quota, what->quota))
            return mark;
    }
    return NULL;
}

static bool add_mark(struct control *control, const struct mark *what)
{
    struct mark mark = *what;
    struct str *const names[] = {&mark.instance_type, &mark.zone, &mark.quota};
    char *at = mark.text = calloc(1, what->instance_type.len + what->zone.len + what->quota.len + 1);
    for (size_t i = 0; i < CC_COUNT(names) && at; i++) {
        if (names[i]->len)
            memcpy(at, names[i]->ptr, names[i]->len);
        names[i]->ptr = at;
        at += names[i]->len;
    }
    if (mark.text && VEC_PUSH(&control->marks, mark))
        return true;
    free(mark.text);
    return false;
}

static void set_mark(struct control *control, struct mark what, struct str reason)
{
    drop_old(control);
    what.until = clock_after(loop_now(control->effects.loop), control->settings.unavailable_ms);
    struct mark *mark = same_mark(control, &what);
    if (mark && mark->until.ns == what.until.ns)
        return; /* each pool of a launch says the same */
    if (mark)
        mark->until = what.until;
    else if (!add_mark(control, &what))
        log_event(control->effects.log, LOG_WARN, "mark-lost", LOG_S("instance_type", what.instance_type));
    log_event(control->effects.log, LOG_INFO, "offering-unavailable", LOG_S("instance_type", what.instance_type),
              LOG_S("zone", what.zone), LOG_S("quota", what.quota),
              LOG_C("capacity_type", cloud_capacity_type_name(what.capacity_type)), LOG_S("reason", reason),
              LOG_I("for_ms", control->settings.unavailable_ms));
    control->marks_changed++;
}

void control_mark_unavailable(struct control *control, struct str instance_type, struct str zone,
                              enum cloud_capacity_type capacity_type, struct str reason)
{
    set_mark(control, (struct mark){.instance_type = instance_type, .zone = zone, .capacity_type = capacity_type},
             reason);
}

static int by_name(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct cloud_type *)item)->name);
}

/* "" where the type is not on sale. */
static struct str quota_of(const struct control *control, struct str instance_type)
{
    const struct cloud_catalogue *all = control->effects.cloud.catalogue(control->effects.cloud.context);
    const struct cloud_type *type =
        all->n_types ? bsearch(&instance_type, all->types, all->n_types, sizeof(*all->types), by_name) : NULL;
    return type ? type->quota : STR("");
}

void control_mark_quota(struct control *control, struct str instance_type, enum cloud_capacity_type capacity_type,
                        struct str reason)
{
    set_mark(control, (struct mark){.quota = quota_of(control, instance_type), .capacity_type = capacity_type}, reason);
}

uint64_t control_marks(struct control *control)
{
    drop_old(control);
    for (size_t i = 0; i < control->marks.len; i++)
        control_wake_at(control, control->marks.items[i].until);
    return control->marks_changed;
}

static bool covers(const struct mark *mark, struct str instance_type, struct str quota, struct str zone,
                   enum cloud_capacity_type capacity_type)
{
    return mark->capacity_type == capacity_type &&
           (!mark->instance_type.len || str_eq(mark->instance_type, instance_type)) &&
           (!mark->quota.len || str_eq(mark->quota, quota)) && (!mark->zone.len || str_eq(mark->zone, zone));
}

bool control_unavailable(const struct control *control, struct str instance_type, struct str zone,
                         enum cloud_capacity_type capacity_type)
{
    int64_t now_ns = loop_now(control->effects.loop).ns;
    struct str quota = quota_of(control, instance_type);
    for (size_t i = 0; i < control->marks.len; i++)
        if (control->marks.items[i].until.ns > now_ns &&
            covers(&control->marks.items[i], instance_type, quota, zone, capacity_type))
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
        const struct cloud_type *type = &catalogue->types[offering->type];
        if (covers(mark, type->name, type->quota, catalogue->zones[offering->zone], offering->capacity_type))
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

/* decode_taints.c - taints and tolerations. */
#include <string.h>

#include "provisioner/api/decode_parts.h"
#include "provisioner/api/label_keys.h"

/* By enum taint_effect; 0 stands for every effect and has no name. */
static const char *const EFFECTS[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};

const char *taint_effect_name(enum taint_effect effect)
{
    return effect == EFFECT_ANY ? "" : EFFECTS[effect - EFFECT_NO_SCHEDULE];
}

bool taint_effect_of(struct str name, enum taint_effect *ret)
{
    for (int i = 0; EFFECTS[i]; i++)
        if (str_is(name, EFFECTS[i])) {
            *ret = (enum taint_effect)(i + EFFECT_NO_SCHEDULE);
            return true;
        }
    return false;
}

static bool effect_of(const struct field *field, enum taint_effect *ret)
{
    int choice;
    if (!field_choice(field, EFFECTS, &choice))
        return false;
    *ret = (enum taint_effect)(choice + EFFECT_NO_SCHEDULE);
    return true;
}

static int decode_taint(const struct field *map, struct taint *ret, struct err *err)
{
    static const char *const names[] = {"key", "value", "effect", "timeAdded", NULL};
    struct field key = field_any(map, "key"), value = field_any(map, "value"), effect = field_any(map, "effect");
    struct taint taint = {{"", 0}, {"", 0}, EFFECT_NO_SCHEDULE};
    field_only(map, names);
    int rc = field_keep(&key, &taint.key, err);
    if (rc == 0)
        rc = field_keep(&value, &taint.value, err);
    if (rc < 0)
        return rc;
    if (!field_here(&key))
        field_bad(&key, "is missing, allowed is a key such as example.com/spark");
    else if (!label_key_valid(taint.key))
        field_bad(&key, "\"%.*s\" is no taint key, allowed is [prefix/]name", FIELD_SHOW(taint.key));
    if (!label_value_valid(taint.value))
        field_bad(&value, "\"%.*s\" is no taint value, allowed are at most 63 of A-Za-z0-9-_.",
                  FIELD_SHOW(taint.value));
    if (!field_here(&effect))
        field_bad(&effect, "is missing, allowed are NoSchedule, PreferNoSchedule, NoExecute");
    else
        effect_of(&effect, &taint.effect);
    *ret = taint;
    return 0;
}

int decode_taints(const struct field *list, struct taints *ret, struct err *err)
{
    struct arena *arena = &list->decode->objects->arena;
    struct taint *items = arena_array(arena, struct taint, list->doc ? list->doc->count : 0);
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        if (!field_is_map(&field))
            continue;
        int rc = decode_taint(&field, &items[n++], err);
        if (rc < 0)
            return rc;
    }
    *ret = (struct taints){items, n};
    return 0;
}

static int decode_toleration(const struct field *map, struct toleration *ret, struct err *err)
{
    static const char *const operators[] = {"Equal", "Exists", NULL};
    struct field key = field_any(map, "key"), value = field_any(map, "value"), effect = field_any(map, "effect"),
                 op = field_any(map, "operator");
    struct toleration toleration = {{"", 0}, {"", 0}, false, EFFECT_ANY};
    struct str text;
    int choice = 0;
    int rc = field_keep(&key, &toleration.key, err);
    if (rc == 0)
        rc = field_keep(&value, &toleration.value, err);
    if (rc < 0)
        return rc;
    if (field_here(&op) && !(op.doc->kind == DOC_STRING && op.doc->text.len == 0))
        field_choice(&op, operators, &choice);
    toleration.exists = choice == 1;
    if (toleration.key.len == 0 && !toleration.exists)
        field_bad(&key, "is missing, allowed without a key is the operator Exists alone");
    if (toleration.exists && toleration.value.len > 0)
        field_bad(&value, "is \"%.*s\", allowed with Exists is no value", FIELD_SHOW(toleration.value));
    /* An empty effect means every effect, as an absent one does. */
    if (field_text(&effect, &text) && text.len > 0)
        effect_of(&effect, &toleration.effect);
    *ret = toleration;
    return 0;
}

int decode_tolerations(const struct field *list, const struct toleration **ret, size_t *ret_n, struct err *err)
{
    struct arena *arena = &list->decode->objects->arena;
    struct toleration *items = arena_array(arena, struct toleration, list->doc ? list->doc->count : 0);
    if (!items)
        return err_nomem(err);
    size_t n = 0, index = 0;
    DOC_EACH (item, list->doc) {
        struct field field = field_child(list, item, index++);
        if (!field_is_map(&field))
            continue;
        int rc = decode_toleration(&field, &items[n++], err);
        if (rc < 0)
            return rc;
    }
    *ret = items;
    *ret_n = n;
    return 0;
}

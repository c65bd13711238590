#include "provisioner/api/decode_status.h"

struct str status_text(const struct doc *map, const char *key)
{
    const struct doc *found = doc_get(map, key);
    return found && found->kind == DOC_STRING ? found->text : STR("");
}

int64_t status_int(const struct doc *map, const char *key)
{
    int64_t value;
    const struct doc *found = doc_get(map, key);
    return found && found->kind == DOC_NUMBER && str_to_int64(found->text, &value) ? value : 0;
}

struct clock_wall status_time(const struct doc *map, const char *key)
{
    struct clock_wall time = {0};
    return clock_parse(status_text(map, key), &time) ? time : (struct clock_wall){0};
}

bool status_condition(const struct doc *object, const char *type, const char *status, const char *reason)
{
    const struct doc *conditions = doc_at(object, "status.conditions");
    if (!conditions || conditions->kind != DOC_LIST)
        return false;
    DOC_EACH (condition, conditions)
        if (str_is(status_text(condition, "type"), type))
            return str_is(status_text(condition, "status"), status) &&
                   (!reason || str_is(status_text(condition, "reason"), reason));
    return false;
}

bool status_annotated(const struct doc *object, const char *key, const char *value)
{
    return str_is(status_text(doc_at(object, "metadata.annotations"), key), value);
}

bool status_do_not_disrupt(const struct doc *object)
{
    return status_annotated(object, "karpenter.sh/do-not-evict", "true") ||
           status_annotated(object, "karpenter.sh/do-not-disrupt", "true") ||
           status_annotated(object, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
}

int status_keep(const struct field *object, struct str text, struct str *ret, struct err *err)
{
    struct str kept = text.len ? str_dup(&object->decode->objects->arena, text) : STR("");
    if (!kept.ptr)
        return err_nomem(err);
    *ret = kept;
    return 0;
}

/* priority.c - PriorityClasses, and the priority that a pod has from its class, in whatever order they are read. */
#include "provisioner/api/decode.h"
#include "provisioner/api/decode_kinds.h"

void priority_resolve(const struct objects *objects, struct pod_spec *spec)
{
    if (spec->priority_set)
        return;
    for (size_t i = 0; i < objects->priority_classes.len; i++) {
        const struct priority_class *class = &objects->priority_classes.items[i];
        if (spec->priority_class.len > 0 ? str_eq(spec->priority_class, class->name) : class->is_default)
            spec->priority = class->value;
    }
}

int decode_priority_class(const struct field *object, const struct metadata *metadata, struct err *err)
{
    struct field value_field = field_any(object, "value"), marked = field_any(object, "globalDefault");
    struct objects *objects = object->decode->objects;
    struct priority_class class = {.name = metadata->name};
    int64_t value = 0;
    if (!field_here(&value_field))
        field_bad(&value_field, "is missing, allowed is an integer");
    field_int(&value_field, INT32_MIN, INT32_MAX, &value);
    field_bool(&marked, &class.is_default);
    class.value = (int32_t)value;
    if (metadata_spoiled(metadata))
        return 0;
    if (!VEC_PUSH(&objects->priority_classes, class))
        return err_nomem(err);
    /* Specs are made in this room alone, and are const to all others. */
    for (size_t i = 0; i < objects->specs.len; i++)
        priority_resolve(objects, (struct pod_spec *)objects->specs.items[i]);
    return 0;
}

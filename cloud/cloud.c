#include "cloud/cloud.h"

const char *cloud_capacity_type_name(enum cloud_capacity_type type)
{
    return type == CLOUD_SPOT ? "spot" : "on-demand";
}

const struct str *cloud_type_label(const struct cloud_type *type, struct str key)
{
    size_t low = 0, high = type->n_labels;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(type->labels[mid].key, key);
        if (order == 0)
            return &type->labels[mid].value;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

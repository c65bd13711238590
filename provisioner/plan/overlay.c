#include "provisioner/plan/overlay.h"

#include <stdlib.h>

int64_t overlay_price(const struct overlay_rule *rule, int64_t list_microusd)
{
    if (rule->absolute)
        return rule->price_microusd;
    int64_t price = (list_microusd * (10000 + rule->adjust_permyriad) + 5000) / 10000;
    return price > 0 ? price : 1;
}

void overlay_release(struct overlay *overlay)
{
    VEC_FREE(&overlay->rules);
    objects_release(&overlay->kept);
}

#include "provisioner/plan/estimate.h"

#include <math.h>

double estimate_share(const int64_t *req, const int64_t *alloc, uint32_t n_dims)
{
    double share = 0;
    for (uint32_t d = 0; d < n_dims; d++) {
        if (!req[d])
            continue;
        if (req[d] > alloc[d])
            return INFINITY;
        double part = (double)req[d] / (double)alloc[d];
        share = part > share ? part : share;
    }
    return share;
}

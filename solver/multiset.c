#include "solver/multiset.h"

bool multiset_space_init(struct multiset_space *space, const int64_t *demand, uint32_t n_shapes, int64_t most_pairs)
{
    *space = (struct multiset_space){.n = 1, .n_pairs = 1};
    for (uint32_t s = 0; s < n_shapes; s++) {
        if (demand[s] <= 0)
            continue;
        if (space->n_shapes == MULTISET_MAX_SHAPES || demand[s] >= MULTISET_MAX / space->n)
            return false;
        uint32_t i = space->n_shapes++;
        space->shape[i] = s;
        space->count[i] = (uint32_t)demand[s];
        space->place[i] = space->n;
        space->n *= space->count[i] + 1;
        space->n_pairs *= (demand[s] + 1) * (demand[s] + 2) / 2; /* two factors below 2^32 */
        if (space->n_pairs > most_pairs)
            return false;
    }
    return true;
}

void multiset_digits(const struct multiset_space *space, uint32_t set, uint32_t *digits)
{
    for (uint32_t i = 0; i < space->n_shapes; i++)
        digits[i] = set / space->place[i] % (space->count[i] + 1);
}

int64_t multiset_pods(const struct multiset_space *space, uint32_t set)
{
    uint32_t digits[MULTISET_MAX_SHAPES];
    int64_t pods = 0;
    multiset_digits(space, set, digits);
    for (uint32_t i = 0; i < space->n_shapes; i++)
        pods += digits[i];
    return pods;
}

uint32_t multiset_takes(const struct multiset_space *space, uint32_t set, struct solver_take *takes)
{
    uint32_t digits[MULTISET_MAX_SHAPES], n = 0;
    multiset_digits(space, set, digits);
    for (uint32_t i = 0; i < space->n_shapes; i++)
        if (digits[i] > 0)
            takes[n++] = (struct solver_take){space->shape[i], (int32_t)digits[i]};
    return n;
}

bool multiset_next_part(const struct multiset_space *space, const uint32_t *whole, uint32_t *digits, uint32_t *part)
{
    for (uint32_t i = 0; i < space->n_shapes; i++) {
        if (digits[i] > 0) {
            digits[i]--;
            *part -= space->place[i];
            return true;
        }
        digits[i] = whole[i];
        *part += whole[i] * space->place[i];
    }
    return false;
}

/* rng.h - splitmix64: a seeded stream of numbers, the same everywhere. */
#ifndef STOKER_SOLVER_RNG_H
#define STOKER_SOLVER_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

/* Steele, Lea, Flood 2014. */
static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform enough in [0, n), n > 0. */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)(((rng_next(rng) >> 32) * n) >> 32);
}

/* In [0, 1). */
static inline double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

#endif

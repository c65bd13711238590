/* chance.h - chance as an injected effect. */
#ifndef STOKER_BASE_CHANCE_H
#define STOKER_BASE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t (*next)(void *context); /* 64 random bits */
    void *context;
};

extern const struct chance chance_system; /* getrandom(2) */

/* The same numbers for the same seed: splitmix64. `state` is the caller's, set to the seed. */
struct chance chance_seeded(uint64_t *state);

/* 0 <= result < n; n > 0 */
uint64_t chance_below(const struct chance *chance, uint64_t n);

/* Between half of ms and all of it, so that those who failed together do not all come back together. ms >= 0 */
int64_t chance_jitter_ms(const struct chance *chance, int64_t ms);

enum { CHANCE_UUID_BYTES = 37 };
/* A version 4 UUID in lower case, NUL behind it. */
void chance_uuid(const struct chance *chance, char ret[CHANCE_UUID_BYTES]);
/* `n` of a-z0-9 without vowels and look-alikes, as Kubernetes makes name suffixes; NUL behind them: ret[n + 1]. */
void chance_suffix(const struct chance *chance, size_t n, char *ret);

#endif

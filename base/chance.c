#include "base/chance.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/*
 * getrandom(2) for so few bytes is never cut short, and fails only on kernels older than 3.17: without chance there
 * are no tokens and no back-off that can be trusted, so the process ends there.
 */
static uint64_t system_next(void *context)
{
    (void)context;
    uint64_t bits = 0;
    while (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        if (errno == EINTR)
            continue;
        fputs("stoker: the system gives no random numbers\n", stderr);
        abort();
    }
    return bits;
}

const struct chance chance_system = {system_next, NULL};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t seeded_next(void *context)
{
    uint64_t *state = context;
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

struct chance chance_seeded(uint64_t *state)
{
    return (struct chance){seeded_next, state};
}

uint64_t chance_below(const struct chance *chance, uint64_t n)
{
    assert(n > 0);
    /* Numbers below 2^64 mod n would make the small results likelier: they are drawn again. */
    uint64_t uneven = (0 - n) % n;
    for (;;) {
        uint64_t bits = chance->next(chance->context);
        if (bits >= uneven)
            return bits % n;
    }
}

int64_t chance_jitter_ms(const struct chance *chance, int64_t ms)
{
    return ms - (int64_t)chance_below(chance, (uint64_t)ms / 2 + 1);
}

void chance_uuid(const struct chance *chance, char ret[CHANCE_UUID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t halves[2] = {chance->next(chance->context), chance->next(chance->context)};
    halves[0] = (halves[0] & UINT64_C(0xffffffffffff0fff)) | UINT64_C(0x4000);             /* version 4 */
    halves[1] = (halves[1] & UINT64_C(0x3fffffffffffffff)) | UINT64_C(0x8000000000000000); /* RFC 4122 */
    char *out = ret;
    for (int nibble = 0; nibble < 32; nibble++) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20)
            *out++ = '-';
        *out++ = digits[halves[nibble / 16] >> (60 - 4 * (nibble % 16)) & 15];
    }
    *out = '\0';
}

void chance_suffix(const struct chance *chance, size_t n, char *ret)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    for (size_t i = 0; i < n; i++)
        ret[i] = letters[chance_below(chance, sizeof(letters) - 1)];
    ret[n] = '\0';
}

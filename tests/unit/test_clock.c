/* test_clock.c - RFC 3339 in both directions; chance: ranges, names, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/chance.h"
#include "base/clock.h"

static void text_is(int64_t ns, const char *micro, const char *seconds)
{
    char text[CLOCK_TEXT_BYTES];
    clock_text_micro((struct clock_wall){ns}, text);
    assert_string_equal(text, micro);
    clock_text_seconds((struct clock_wall){ns}, text);
    assert_string_equal(text, seconds);
}

static void writes(void **state)
{
    (void)state;
    text_is(0, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z");
    text_is(-1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z");
    text_is(INT64_C(1709210096000001999), "2024-02-29T12:34:56.000001Z", "2024-02-29T12:34:56Z");
    text_is(INT64_MAX, "2262-04-11T23:47:16.854775Z", "2262-04-11T23:47:16Z");
    text_is(INT64_MIN, "1677-09-21T00:12:43.145224Z", "1677-09-21T00:12:43Z");
}

static void reads_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct chance chance = chance_seeded(&seed);
    for (int i = 0; i < 5000; i++) {
        int64_t us = (int64_t)chance_below(&chance, UINT64_C(9183110400000000)); /* up to 2261 */
        char text[CLOCK_TEXT_BYTES];
        clock_text_micro((struct clock_wall){us * 1000}, text);
        struct clock_wall back;
        assert_true(clock_parse(str_of(text), &back));
        assert_true(back.ns == us * 1000);
    }
}

static void reads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:01Z", 1000000000},
        {"1970-01-01t00:00:01z", 1000000000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:00:00-01:00", -1},
        {"1970-01-01T00:00:00-00:30", INT64_C(1800000000000)},
        {"1970-01-01T00:00:00.5Z", 500000000},
        {"1970-01-01T00:00:00.1234567891Z", 123456789},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228799000000000)},
        {"2023-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000000)},
        {"1970-01-01T00:00:00", -1},
        {"1970-01-01T00:00:00.Z", -1},
        {"1970-01-01 00:00:00Z", -1},
        {"1970-01-01T24:00:00Z", -1},
        {"1970-01-01T00:00:00Zx", -1},
        {"1970-01-01T00:00:00+1:00", -1},
        {"1970-1-01T00:00:00Z", -1},
        {"2262-01-01T00:00:00Z", -1},
        {"1970-01-0", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock_wall wall = {-7};
        bool good = clock_parse(str_of(cases[i].text), &wall);
        if (good != (cases[i].ns >= 0) || wall.ns != (good ? cases[i].ns : -7))
            fail_msg("%s: %d %lld", cases[i].text, good, (long long)wall.ns);
    }
}

static void the_machines_clock_goes_on(void **state)
{
    (void)state;
    struct clock_mono before = clock_now(&clock_system);
    struct clock_mono later = clock_now(&clock_system);
    assert_true(before.ns > 0 && later.ns >= before.ns);
    assert_true(clock_system.wall(NULL).ns > INT64_C(1700000000000000000));
}

static void chance_is_even(void **state)
{
    (void)state;
    enum { SIDES = 6, THROWS = 60000 };
    uint64_t seed = 3;
    struct chance chance = chance_seeded(&seed);
    int count[SIDES] = {0};
    for (int i = 0; i < THROWS; i++)
        count[chance_below(&chance, SIDES)]++;
    for (int i = 0; i < SIDES; i++)
        assert_in_range(count[i], THROWS / SIDES - 500, THROWS / SIDES + 500);
    for (int i = 0; i < 100; i++)
        assert_int_equal(chance_below(&chance, 1), 0);
    /* Two thirds of all numbers: the remainder alone would favour the lower half by two to one. */
    uint64_t most = UINT64_MAX / 3 * 2;
    int low = 0;
    for (int i = 0; i < 10000; i++)
        low += chance_below(&chance, most) < most / 2;
    assert_in_range(low, 4700, 5300);
}

static void the_same_seed_the_same_numbers(void **state)
{
    (void)state;
    /* From the reference implementation of splitmix64, seed 1234567. */
    uint64_t seed = 1234567;
    struct chance chance = chance_seeded(&seed);
    assert_true(chance.next(chance.context) == UINT64_C(6457827717110365317));
    assert_true(chance.next(chance.context) == UINT64_C(3203168211198807973));
    assert_true(chance.next(chance.context) == UINT64_C(9817491932198370423));
}

static void names(void **state)
{
    (void)state;
    char uuid[CHANCE_UUID_BYTES], other[CHANCE_UUID_BYTES];
    for (int i = 0; i < 1000; i++) {
        chance_uuid(&chance_system, uuid);
        assert_int_equal(strlen(uuid), 36);
        assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
        assert_true(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-');
        assert_true(uuid[14] == '4' && strchr("89ab", uuid[19]));
    }
    chance_uuid(&chance_system, other);
    assert_string_not_equal(uuid, other);
    char suffix[6] = "xxxxx";
    chance_suffix(&chance_system, 5, suffix);
    assert_int_equal(strlen(suffix), 5);
    assert_int_equal(strspn(suffix, "bcdfghjklmnpqrstvwxz2456789"), 5);
    chance_suffix(&chance_system, 0, suffix);
    assert_string_equal(suffix, "");
}

static void waiting_longer_and_longer(void **state)
{
    (void)state;
    assert_int_equal(clock_back_off_ms(1000, 0, 60000), 1000);
    assert_int_equal(clock_back_off_ms(1000, 1, 60000), 1000);
    assert_int_equal(clock_back_off_ms(1000, 2, 60000), 2000);
    assert_int_equal(clock_back_off_ms(1000, 6, 60000), 32000);
    assert_int_equal(clock_back_off_ms(1000, 7, 60000), 60000);
    assert_int_equal(clock_back_off_ms(1000, UINT32_MAX, 60000), 60000);
    assert_int_equal(clock_back_off_ms(5000, 1, 3000), 3000);
    uint64_t seed = 1;
    struct chance chance = chance_seeded(&seed);
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 10000; i++) {
        int64_t ms = chance_jitter_ms(&chance, 101);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_int_equal(least, 51);
    assert_int_equal(most, 101);
    assert_int_equal(chance_jitter_ms(&chance, 0), 0);
    assert_int_equal(clock_after((struct clock_mono){5000000}, 3).ns, 8000000);
    assert_int_equal(clock_after((struct clock_mono){5000000}, -3).ns, 2000000);
    assert_int_equal(clock_wall_after((struct clock_wall){5000000}, 600000).ns, INT64_C(600005000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),         cmocka_unit_test(reads_back),
        cmocka_unit_test(reads),          cmocka_unit_test(the_machines_clock_goes_on),
        cmocka_unit_test(chance_is_even), cmocka_unit_test(the_same_seed_the_same_numbers),
        cmocka_unit_test(names),          cmocka_unit_test(waiting_longer_and_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

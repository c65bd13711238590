/* Any bytes as a time: refused, or one that is written and read back the same, to the microsecond. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clock_wall wall = {-7}, back;
    char text[CLOCK_TEXT_BYTES];
    if (!clock_parse((struct str){(const char *)data, size}, &wall)) {
        assert(wall.ns == -7);
        return 0;
    }
    clock_text_micro(wall, text);
    if (wall.ns < 0) /* in 1969, by its offset: written, but not read */
        return 0;
    assert(clock_parse(str_of(text), &back) || wall.ns >= INT64_C(9214646400000000000)); /* in 2262, by its offset */
    assert(wall.ns >= INT64_C(9214646400000000000) || back.ns == wall.ns / 1000 * 1000);
    return 0;
}

/* Any bytes as a quantity and as a price: an answer within bounds, or ERR_INVALID. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    int64_t milli = -1, units = -1, microusd = -1;
    char shown[QUANTITY_TEXT_MAX];
    int milli_code = quantity_milli(text, &milli, NULL);
    int units_code = quantity_units(text, &units, NULL);
    assert(milli_code == 0 ? milli >= 0 : milli_code == ERR_INVALID && milli == -1);
    assert(units_code == 0 ? units >= 0 : units_code == ERR_INVALID && units == -1);
    /* Whatever fits in thousandths fits in units, and is the smaller by rounding up. */
    assert(milli_code != 0 || (units_code == 0 && units == milli / 1000 + (milli % 1000 != 0)));
    if (units_code == 0)
        assert(quantity_bytes_text(units, shown)[0] && quantity_milli_text(units, shown)[0]);
    int code = money_parse(text, &microusd, NULL);
    assert(code == 0 ? microusd >= 0 && microusd <= MONEY_MAX_MICROUSD : code == ERR_INVALID && microusd == -1);
    if (code == 0) {
        char written[MONEY_TEXT_MAX];
        int64_t again;
        assert(money_parse(str_of(money_text(microusd, written)), &again, NULL) == 0 && again == microusd);
    }
    return 0;
}
